"""How we behave: robots.txt, one request a host at a time, no proxy unasked, clean ends."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import itertools
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fetch_portals import (
    Call,
    canary_and,
    fetch_once,
    fetcher,
    ok,
    portal,
    reason_of,
    run,
)

from aggregator.fetch.limits import Limits
from aggregator.fetch.robots import Robots


def with_robots(rules: bytes):
    """A portal's answer: these bytes for robots.txt, a page for everything else."""

    async def answer(call: Call) -> bytes:
        return rules if call.target == "/robots.txt" else ok()

    return answer


# --- robots.txt ---


@pytest.mark.parametrize(
    ("rules", "outcome", "verdict"),
    [
        (ok(b"User-agent: *\nDisallow: /secret/\n"), "page", "allowed by robots.txt"),
        (ok(b"User-agent: *\nDisallow: /\n"), "robots", "refused by robots.txt"),
        (ok(b"\xef\xbb\xbfUser-agent: *\r\nDisallow: /\r\n"), "robots", "refused by robots.txt"),
        (ok(b"User-agent: QuxunTest\nDisallow: /\n"), "robots", "refused by robots.txt"),
        (ok(b"User-agent: Baiduspider\nDisallow: /\n"), "page", "allowed by robots.txt"),
        (
            ok(b"User-agent: *\nDisallow: /\n\nUser-agent: quxuntest\nAllow: /\n"),
            "page",
            "allowed by robots.txt",
        ),
        (ok(b"User-agent: *\nDisallow: /list*\n"), "robots", "refused by robots.txt"),
        (ok(b"User-agent: *\nDisallow: /li\nAllow: /list$\n"), "page", "allowed by robots.txt"),
        (
            ok(gzip.compress(b"User-agent: *\nDisallow: /\n"), "Content-Encoding: gzip"),
            "robots",
            "refused by robots.txt",
        ),
        (ok(b"", status="404 Not Found"), "page", "allowed (robots.txt answers 404)"),
        (ok(b"no", status="403 Forbidden"), "page", "allowed (robots.txt answers 403)"),
        (ok(b"", status="503 Busy"), "page", "allowed (robots.txt answers 503)"),
        (ok(b"<html>Disallow: /</html>"), "page", "allowed (robots.txt is a web page)"),
        (ok(b"\n <!doctype html>"), "page", "allowed (robots.txt is a web page)"),
        (ok(bytes(range(256)) * 20), "page", "allowed by robots.txt"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            "page",
            "allowed (robots.txt: protocol)",
        ),
    ],
)
def test_robots_are_heard(rules, outcome, verdict):
    """What a portal asks of robots is done, and what it does not ask does not stop us."""

    async def scene() -> tuple[str, str]:
        async with portal(with_robots(rules)) as made:
            client = fetcher()
            asked = made.request(ignore_robots=False)
            reason, words = await reason_of(client, asked), await client.robots_verdict(asked)
            client.close()
            assert not (outcome == "robots" and "/list" in [call.target for call in made.calls])
            return reason, words

    assert run(scene()) == (outcome, verdict)


def test_robots_are_asked_once_a_day_and_host():
    """A hundred columns of one portal cost one robots.txt."""

    async def scene():
        async with portal(with_robots(ok(b"User-agent: *\nDisallow: /secret\n"))) as made:
            client = fetcher()
            asks = [made.request(f"/{n}", ignore_robots=False) for n in range(20)]
            outcomes = await asyncio.gather(*(reason_of(client, ask) for ask in asks))
            outcomes.append(await reason_of(client, made.request("/secret", ignore_robots=False)))
            client.close()
            return outcomes, [call.target for call in made.calls]

    outcomes, targets = run(scene())

    assert outcomes == ["page"] * 20 + ["robots"]
    assert targets.count("/robots.txt") == 1
    assert "/secret" not in targets


def test_robots_are_kept_for_a_day_and_asked_again_after_trouble():
    """A day is a day by the clock; a server in trouble is asked after an hour."""

    async def scene() -> list[int]:
        robots, asked = Robots(Limits(), "Quxun"), []
        answers = {"well": (200, b"User-agent: *\nDisallow: /a"), "ill": (502, b"")}

        async def after(origin: str, seconds: float) -> int:
            async def read() -> tuple[int, bytes]:
                asked.append(origin)
                return answers[origin]

            await robots.rules(origin, read, seconds)
            return len(asked)

        return [
            await after(*one)
            for one in [("well", 0), ("well", 86_399), ("well", 86_401), ("ill", 0), ("ill", 3_599),
                        ("ill", 3_601)]
        ]  # fmt: skip

    assert run(scene()) == [1, 1, 2, 3, 3, 4]


def test_robots_behind_a_redirect_are_read():
    """Many portals send everything on to another name (RFC 9309 §2.3.1.2)."""

    async def answer(call: Call) -> bytes:
        if call.target == "/robots.txt":
            return ok(b"", "Location: /r/robots.txt", status="301 Moved")
        if call.target == "/r/robots.txt":
            return ok(b"User-agent: *\nDisallow: /list\n")
        return ok()

    assert fetch_once(answer, ignore_robots=False)[0] == "robots"


def test_robots_lead_nowhere_inward():
    """Row 45 by the side door: robots.txt redirected to our own broker."""

    async def scene() -> tuple[str, list[str]]:
        async def answer(call: Call) -> bytes:
            if call.target == "/robots.txt":
                return ok(b"", f"Location: http://127.0.0.1:{made.port}/", status="302 Found")
            return ok()

        async with canary_and(answer) as (made, visits):
            client = fetcher()
            reason = await reason_of(client, made.request(ignore_robots=False))
            client.close()
            return reason, visits

    assert run(scene()) == ("page", [])


def test_robots_of_the_place_a_redirect_leads_to_are_heard():
    """Each host is asked itself; the first one's leave is no leave of the second."""

    async def scene() -> tuple[str, list[str]]:
        async with portal(with_robots(ok(b"User-agent: *\nDisallow: /\n"))) as second:

            async def answer(call: Call) -> bytes:
                if call.target == "/robots.txt":
                    return ok(b"", status="404 Not Found")
                return ok(b"", f"Location: {second.base}/there", status="302 Found")

            async with portal(answer) as first:
                client = fetcher()
                ports = (first.port, second.port)
                reason = await reason_of(client, first.request(ignore_robots=False, ports=ports))
                client.close()
                return reason, [call.target for call in second.calls]

    assert run(scene()) == ("robots", ["/robots.txt"])


@pytest.mark.parametrize(
    "rules",
    [
        "\n".join(f"User-agent: a{n}" for n in range(5000)) + "\nDisallow: /x" * 5000,
        "User-agent: *\n" + "\n".join(f"Disallow: /{n}" for n in range(40_000)),
        "User-agent: *\nDisallow: /" + "a*" * 2000 + "b$",
        "User-agent: *\n" + "\x0bUser-agent: b" * 30_000 + "\nDisallow: /",
        "User-agent: *\nCrawl-delay: nan\nDisallow: /list$x",
    ],
    ids=["agents-by-rules", "rules", "stars", "vertical-tabs", "nan"],
)
def test_a_hostile_robots_file_costs_little(rules):
    """It is read on the loop that serves every other portal."""
    started = time.process_time()

    reason, _ = fetch_once(with_robots(ok(rules.encode())), limits=Limits(), ignore_robots=False)

    assert reason in {"page", "robots"}
    assert time.process_time() - started < 10


@pytest.mark.parametrize(
    ("asked", "kept"),
    [("7", 7.0), ("0.5", 0.5), ("86400", 30.0), ("-1", 0.0), ("inf", 0.0), ("x", 0.0)],
)
def test_crawl_delay_is_heeded_within_reason(asked, kept):
    """A portal may ask for patience, not for eternity."""

    async def scene() -> float:
        robots = Robots(Limits(), "Quxun/1")

        async def read() -> tuple[int, bytes]:
            return 200, f"User-agent: *\nCrawl-delay: {asked}\n".encode()

        await robots.rules("http://a.example:80", read, 0.0)
        return robots.crawl_delay("http://a.example:80")

    assert run(scene()) == kept


def test_crawl_delay_spaces_requests():
    """And it is really waited for."""

    async def scene() -> list[float]:
        rules = ok(b"User-agent: *\nCrawl-delay: 0.2\n")
        async with portal(with_robots(rules)) as made:
            client = fetcher()
            for n in range(3):
                await client.get(made.request(f"/{n}", ignore_robots=False))
            client.close()
            return made.times

    times = run(scene())

    assert [b - a > 0.19 for a, b in itertools.pairwise(times)] == [True, True, True]


# --- one request a host at a time ---


def test_a_host_sees_one_connection_and_its_pauses():
    """DESIGN: per host one connection, and a pause between requests, however many columns."""

    async def scene():
        async with portal(ok()) as made, portal(ok()) as other:
            client = fetcher(delay_seconds=0.15)
            mine = [client.get(made.request(f"/{n}")) for n in range(5)]
            await asyncio.gather(*mine, client.get(other.request()))
            client.close()
            return made, other

    made, other = run(scene())
    pauses = [b - a for a, b in itertools.pairwise(made.times)]

    assert made.most_open == made.connections == 1
    assert min(pauses) > 0.149
    assert other.times[0] < made.times[-1]


def test_a_sources_own_delay_wins():
    """A source's record may say otherwise."""

    async def scene() -> float:
        async with portal(ok()) as made:
            client = fetcher(delay_seconds=50.0)
            started = time.monotonic()
            for n in range(3):
                await client.get(made.request(f"/{n}", delay_seconds=0.0))
            client.close()
            return time.monotonic() - started

    assert run(scene()) < 40


def test_different_hosts_do_not_wait_for_each_other():
    """Many hosts in flight: thirty portals that all wait for the thirtieth are all served."""

    async def scene() -> list[str]:
        everybody = asyncio.Barrier(30)

        async def answer(_call: Call) -> bytes:
            await everybody.wait()
            return ok()

        async with contextlib.AsyncExitStack() as stack:
            portals = [await stack.enter_async_context(portal(answer)) for _ in range(30)]
            client = fetcher()
            outcomes = await asyncio.gather(*(reason_of(client, p.request()) for p in portals))
            client.close()
            return outcomes

    assert run(scene()) == ["page"] * 30


# --- no surprises from outside ---


def test_a_proxy_in_the_environment_is_ignored():
    """A proxy is a source's own choice; one in the environment would see every portal's traffic.

    And an exception there (NO_PROXY) would lead past both the proxy and the address guard.
    """
    script = """
import asyncio, os
from fetch_portals import fetcher, ok, portal, reason_of

async def scene():
    async with portal(ok()) as proxy, portal(ok()) as made:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
            os.environ[name] = proxy.base
        client = fetcher()
        print(await reason_of(client, made.request()), proxy.hits, made.hits)
        print(await reason_of(client, made.request(proxy=proxy.base)), proxy.hits, made.hits)
        os.environ["no_proxy"] = os.environ["NO_PROXY"] = "*"
        print(await reason_of(client, made.request(proxy=proxy.base)), proxy.hits, made.hits)
        client.close()

asyncio.run(scene())
"""
    path = os.pathsep.join([str(Path(__file__).parent), str(Path.cwd()), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )

    assert done.stdout.split("\n")[:3] == ["page 0 1", "page 1 1", "page 2 1"]


def test_an_honest_name_is_sent():
    """A portal's operator must be able to find us (DOMAIN §7)."""
    _, made = fetch_once(ok(), headers={"X-Key": "a\r\nX-Evil: b"})

    assert made.calls[0].header("user-agent") == "QuxunTest/1 (+http://127.0.0.2/about)"
    assert made.calls[0].header("x-evil") is None
    assert made.calls[0].header("x-key") == "aX-Evil: b"
    names = [name.lower() for name, _ in made.calls[0].headers]
    assert not {"cookie", "authorization", "referer"} & set(names)
    assert len(names) == len(set(names))


def test_an_operators_header_replaces_ours():
    """An operator may need another Accept; two of a kind would be a broken request."""
    _, made = fetch_once(ok(), headers={"accept": "application/json"})

    found = [value for name, value in made.calls[0].headers if name.lower() == "accept"]
    assert found == ["application/json"]


def test_a_form_is_sent_whole():
    """Row pages of some families answer only to POST."""
    _, made = fetch_once(ok(), method="POST", body="page=2&栏目=1".encode())

    assert made.calls[0].method == "POST"
    assert made.calls[0].body == "page=2&栏目=1".encode()
    assert made.calls[0].header("content-type") == "application/x-www-form-urlencoded"
    assert made.calls[0].header("expect") is None


def test_one_exchange_leaves_nothing_for_the_next():
    """Handles are used again: a POST, an exemption or a legacy profile must not stick."""

    async def scene():
        async with portal(ok()) as made:
            client = fetcher()
            await client.get(made.request(method="POST", body=b"a=1", headers={"X-Key": "k"}))
            await client.get(made.request(tls_profile="legacy", etag='"e"'))
            await client.get(made.request(allow_nets=("127.0.0.9/32",)))
            await client.get(made.request())
            client.close()
            return made.calls[-1]

    last = run(scene())

    assert (last.method, last.body) == ("GET", b"")
    assert last.header("if-none-match") is None
    assert last.header("x-key") is None
