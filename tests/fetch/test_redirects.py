"""Redirects and where they may lead: hostile inputs 40 to 48 of the reliability page."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from fetch_portals import (
    NETS,
    QUICK,
    Call,
    canary_and,
    fetch_once,
    fetcher,
    new_address,
    ok,
    portal,
    reason_of,
    run,
)


def to(location: str, status: str = "302 Found") -> bytes:
    return ok(b"", f"Location: {location}", status=status)


#: 42 ways to say loopback, our own network, or no web at all; ``{port}`` is the canary's.
INWARD = [
    "http://127.0.0.1:{port}/",
    "http://localhost:{port}/",
    "http://LOCALHOST.:{port}/",
    "http://127.1:{port}/",
    "http://127.0.1:{port}/",
    "http://0:{port}/",
    "http://0.0.0.0:{port}/",
    "http://2130706433:{port}/",
    "http://0x7f000001:{port}/",
    "http://0x7f.0.0.1:{port}/",
    "http://0177.0.0.1:{port}/",
    "http://017700000001:{port}/",
    "http://127.0.0.1.:{port}/",
    "http://127。0。0。1:{port}/",
    "http://１２７.０.０.１:{port}/",
    "http://①②⑦.⓪.⓪.①:{port}/",
    "http://%31%32%37.0.0.1:{port}/",
    "http://[::1]:{port}/",
    "http://[::]:{port}/",
    "http://[0:0:0:0:0:0:0:1]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://[::ffff:7f00:1]:{port}/",
    "http://[64:ff9b::7f00:1]:{port}/",
    "http://[2002:7f00:1::]:{port}/",
    "http://[::127.0.0.1]:{port}/",
    "http://[::1%25lo]:{port}/",
    "http://[fe80::1%25lo]:{port}/",
    "http://100.64.0.1:{port}/",
    "http://169.254.169.254:{port}/latest/meta-data/",
    "http://100.100.100.200:{port}/latest/meta-data/",
    "http://168.63.129.16:{port}/",
    "http://10.0.0.1:{port}/",
    "http://224.0.0.1:{port}/",
    "http://user:word@127.0.0.1:{port}/",
    "http://example.com:80@127.0.0.1:{port}/",
    "http://example.com\\@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}#@example.com/",
    "//127.0.0.1:{port}/",
    "http://{host}:22/",
    "file:///etc/passwd",
    "ftp://127.0.0.1:{port}/",
    "gopher://127.0.0.1:{port}/_FLUSHALL",
    "data:text/html,<ul><li>one</ul>",
    "javascript:alert(1)",
    "ws://127.0.0.1:{port}/",
    "dict://127.0.0.1:{port}/x",
]


@pytest.mark.parametrize("target", INWARD)
def test_no_redirect_leads_inward(target):
    """Row 45: our own web and broker stand on 127.0.0.1, whatever a portal calls it."""

    async def scene() -> tuple[str, list[str]]:
        async def answer(_call: Call) -> bytes:
            return to(target.format(port=made.port, host=made.host))

        async with canary_and(answer) as (made, visits):
            client = fetcher()
            reason = await reason_of(client, made.request())
            client.close()
            return reason, visits

    reason, visits = run(scene())

    assert (reason, visits) == ("blocked", [])


@pytest.mark.parametrize("target", [one for one in INWARD if not one.startswith("//")])
def test_no_source_starts_inward(target):
    """The same addresses, given as a source's own."""

    async def scene() -> tuple[str, list[str]]:
        async with canary_and(ok()) as (made, visits):
            client = fetcher()
            url = target.format(port=made.port, host=made.host)
            reason = await reason_of(client, replace(made.request(), url=url))
            client.close()
            return reason, visits

    reason, visits = run(scene())

    assert (reason, visits) == ("blocked", [])


def test_the_canary_sings_when_it_is_let():
    """That the canary stays silent proves something only if it can be reached at all."""

    async def scene() -> tuple[str, list[str]]:
        async with canary_and(ok()) as (made, visits):
            client = fetcher(allow_nets=(*NETS, "127.0.0.1/32"))
            reason = await reason_of(client, made.request(f"http://127.0.0.1:{made.port}/"))
            client.close()
            return reason, visits

    assert run(scene()) == ("page", ["127.0.0.1 connected", "127.0.0.1 asked for /"])


def test_one_sources_exemption_serves_no_other():
    """A line opened under an operator's exemption must not carry somebody else's request."""

    async def scene() -> tuple[list[str], int]:
        async with canary_and(ok()) as (made, visits):
            client = fetcher()
            url, exempt = f"http://127.0.0.1:{made.port}/", ("127.0.0.1/32",)
            reasons = [
                await reason_of(client, made.request(url, allow_nets=nets))
                for nets in [(), exempt, (), exempt, ("127.0.0.2/32",)]
            ]
            client.close()
            return reasons, len(visits)

    assert run(scene()) == (["blocked", "page", "blocked", "page", "blocked"], 4)


def test_a_meta_refresh_is_text():
    """Row 47: only the HTTP header leads on."""

    async def scene() -> tuple[str, list[str]]:
        async def answer(_call: Call) -> bytes:
            refresh = f'<meta http-equiv="refresh" content="0;url=http://127.0.0.1:{made.port}/">'
            return ok(
                f"{refresh}<p>please wait</p>".encode(),
                f"Refresh: 0;url=http://127.0.0.1:{made.port}/",
            )

        async with canary_and(answer) as (made, visits):
            client = fetcher()
            reason = await reason_of(client, made.request())
            client.close()
            return reason, visits

    assert run(scene()) == ("page", [])


def test_loops_and_chains_end_at_the_fifth_hop():
    """Rows 40 to 42: a, a ↔ b, and a chain of 30 cost six requests each."""

    async def itself(call: Call) -> bytes:
        return to(call.target)

    async def pingpong(call: Call) -> bytes:
        return to("/b" if call.target == "/a" else "/a")

    async def chain(call: Call) -> bytes:
        return to(f"/{call.number}") if call.number < 30 else ok()

    for answer in (itself, pingpong, chain):
        reason, made = fetch_once(answer)

        assert (reason, made.hits) == ("redirect", 6)


@pytest.mark.parametrize(
    "status",
    ["301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Moved"],
)
def test_three_hops_are_followed(status):
    """Row 42: portals move, and the page we got says where from."""

    async def answer(call: Call) -> bytes:
        return to(f"/{call.number}", status) if call.number <= 3 else ok(b"<li>here")

    async def scene():
        async with portal(answer) as made:
            client = fetcher()
            page = await client.get(made.request("/start"))
            client.close()
            return page, made

    page, made = run(scene())

    assert page.body == b"<li>here"
    assert page.url == made.base + "/3"
    assert page.requested_url == made.base + "/start"


@pytest.mark.parametrize(
    ("location", "reasons"),
    [
        (b"", {"redirect"}),
        (b"Location:\r\n", {"redirect"}),
        (b"Location: /" + b"x" * 5000 + b"\r\n", {"redirect"}),
        (b"Location: /a b\r\n", {"blocked"}),
        (b"Location: http://[::1\r\n", {"blocked"}),
        (b"Location: http://\r\n", {"blocked", "redirect"}),
        (b"Location: /\x00evil\r\n", {"protocol", "blocked"}),
        (b"Location: /a\rSet-Cookie: b=c\r\n", {"protocol", "blocked"}),
        (b"Location: http://a.example:99999/\r\n", {"blocked"}),
    ],
)
def test_a_redirect_that_leads_nowhere_says_so(location, reasons):
    """Row 43: none, empty, huge, or with line breaks inside."""
    answer = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n" + location + b"\r\n"

    reason, made = fetch_once(answer)

    assert reason in reasons
    assert made.hits <= 6


@pytest.mark.parametrize(
    ("sent", "asked"),
    [
        ("/新闻/".encode(), "/%E6%96%B0%E9%97%BB/"),
        ("/新闻/".encode("gb18030"), "/%D0%C2%CE%C5/"),
        (b"/%E6%96%B0/?a=1&b=%2F", "/%E6%96%B0/?a=1&b=%2F"),
        (b"../b#part", "/b"),
        (b"?page=2", "/a/list?page=2"),
    ],
)
def test_locations_are_read_as_browsers_read_them(sent, asked):
    """Chinese portals send paths in raw UTF-8 or GBK."""

    async def answer(call: Call) -> bytes:
        if call.number > 1:
            return ok()
        return b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + sent + b"\r\n\r\n"

    reason, made = fetch_once_at("/a/list", answer)

    assert reason == "page"
    assert made.calls[1].target == asked


def fetch_once_at(path, answer):
    async def scene():
        async with portal(answer) as made:
            client = fetcher()
            reason = await reason_of(client, made.request(path))
            client.close()
            return reason, made

    return run(scene())


def test_credentials_stay_on_their_host():
    """Row 48: what an operator gave for one portal is never shown to another."""
    secret = {"Authorization": "Bearer of-this-portal", "X-Key": "k", "Cookie": "session=1"}

    async def scene() -> tuple[list, list]:
        async with portal(ok()) as stranger:

            async def answer(call: Call) -> bytes:
                return to("/same") if call.target == "/list" else to(stranger.base + "/other")

            async with portal(answer) as made:
                client = fetcher()
                ports = (made.port, stranger.port)
                await client.get(made.request(headers=secret, ports=ports))
                client.close()
                return made.calls, stranger.calls

    own, others = run(scene())

    assert [call.header("authorization") for call in own] == ["Bearer of-this-portal"] * 2
    assert [[call.header(name) for name in secret] for call in others] == [[None] * 3]


def test_another_port_is_another_host():
    """Two services on one machine are not one: the header stays with the first."""

    async def scene() -> str | None:
        host = new_address()
        async with portal(ok(), host=host) as other:

            async def answer(_call: Call) -> bytes:
                return to(other.base + "/")

            async with portal(answer, host=host) as made:
                client = fetcher()
                ports = (made.port, other.port)
                await client.get(made.request(headers={"X-Key": "k"}, ports=ports))
                client.close()
                return other.calls[0].header("x-key")

    assert run(scene()) is None


def test_a_post_is_not_repeated_at_a_redirect():
    """A form's answer is read where it leads, with GET and without the form."""

    async def answer(call: Call) -> bytes:
        return to("/rows", "307 Temporary Redirect") if call.number == 1 else ok()

    reason, made = fetch_once(answer, method="POST", body=b"page=2")

    assert reason == "page"
    assert [(call.method, call.body) for call in made.calls] == [("POST", b"page=2"), ("GET", b"")]


def test_redirects_share_one_budget_of_seconds():
    """Five hops that each take almost too long must not take five times as long."""

    async def answer(call: Call) -> None:
        await call.send(b"HTTP/1.1 302 Found\r\n")
        for _ in range(8):
            await call.send(b"X-Slow: 1\r\n")
            await asyncio.sleep(0.1)
        await call.send(f"Location: /{call.number}\r\nContent-Length: 0\r\n\r\n".encode())

    reason, made = fetch_once(answer, limits=QUICK)

    assert reason == "timeout"
    assert made.hits < 3
