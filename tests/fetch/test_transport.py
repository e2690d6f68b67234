"""Portals that break HTTP: hostile inputs 1 to 27 of the reliability page."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest
from fetch_portals import (
    CALM,
    QUICK,
    Call,
    fetch_once,
    fetcher,
    new_address,
    ok,
    portal,
    reason_of,
    run,
)
from misdeeds import (
    HEAD,
    cut_chunks,
    endless,
    endless_chunks,
    endless_headers,
    endless_hints,
    endless_small_chunks,
    endless_trailers,
    hang,
    hang_after_headers,
    hints_in_a_flood,
    huge_header,
    large,
    large_without_length,
    nothing,
    reset,
    short_body,
    slow_body,
    slow_headers,
)

from aggregator.model import Request


@pytest.mark.parametrize(
    "misdeed", [slow_headers, slow_body, hang, hang_after_headers, endless_hints]
)
def test_a_portal_that_does_not_finish_is_left_in_time(misdeed):
    """Rows 1 to 4 and 11: a slot must come free, however the portal stalls."""
    reason, _ = fetch_once(misdeed, limits=QUICK)

    assert reason == "timeout"


@pytest.mark.parametrize("misdeed", [hang, hang_after_headers])
def test_a_silent_portal_is_left_before_a_slow_one(misdeed):
    """Rows 3 and 4: ten seconds without a byte are enough, thirty are for those who send."""
    started = time.monotonic()

    reason, _ = fetch_once(misdeed, limits=replace(CALM, silent_seconds=1))

    assert reason == "timeout"
    assert time.monotonic() - started < CALM.total_seconds - 3


@pytest.mark.parametrize(("size", "outcome"), [(7_000, "page"), (9_000, "protocol")])
def test_headers_have_a_bound_of_their_own(size, outcome):
    """Row 10: libcurl would take 300 KB of them."""
    assert fetch_once(ok(b"<li>", "X-Long: " + "x" * size))[0] == outcome


@pytest.mark.parametrize(
    ("misdeed", "reasons"),
    [
        (endless, {"too_large"}),
        (large, {"too_large"}),
        (large_without_length, {"too_large"}),
        (HEAD + b"Content-Length: 50000000000\r\n\r\n", {"too_large"}),
        (endless_chunks, {"too_large", "timeout"}),
        (endless_small_chunks, {"too_large", "timeout"}),
        (endless_headers, {"protocol"}),
        (huge_header, {"protocol"}),
        (endless_trailers, {"protocol", "timeout"}),
        (hints_in_a_flood, {"protocol", "timeout"}),
    ],
)
def test_a_flood_ends_at_its_bound(misdeed, reasons):
    """Rows 5 to 11: no portal decides how much memory we spend on it."""
    reason, _ = fetch_once(misdeed)

    assert reason in reasons


@pytest.mark.parametrize("misdeed", [short_body, cut_chunks, reset])
def test_an_answer_cut_short_is_no_answer(misdeed):
    """Rows 13 to 15: half a list read as a whole would look like withdrawals."""
    reason, _ = fetch_once(misdeed)

    assert reason == "truncated"


@pytest.mark.parametrize(
    "answer",
    [
        HEAD + b"Content-Length: -5\r\n\r\nhello",
        HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        HEAD + b"Content-Length: 5, 6\r\n\r\nhello!",
        HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\nhello\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"<html>no headers at all</html>",
        b"HTTP/1.1 2OO OK\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 99 Low\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 999 High\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 \r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/9.7 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 206 Partial Content\r\nContent-Length: 5\r\n\r\nhello",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\n\r\n",
    ],
)
def test_broken_http_is_refused(answer):
    """Rows 16 to 26: what two readers could understand differently is not understood at all."""

    async def once(call: Call) -> None:
        await call.send(answer)

    reason, _ = fetch_once(once)

    assert reason == "protocol"


def test_a_line_closed_at_once_is_a_broken_protocol():
    """Row 21."""
    reason, _ = fetch_once(nothing)

    assert reason == "protocol"


def test_nobody_there_and_no_such_name_are_told_apart():
    """An operator mends a wrong name otherwise than a server that is down."""

    async def scene() -> tuple[str, str]:
        client = fetcher()
        async with portal(ok()) as made:
            asked = made.request()
        gone = await reason_of(client, asked)
        unknown = await reason_of(
            client, replace(asked, url="http://no-such-name.invalid/", ports=())
        )
        client.close()
        return gone, unknown

    assert run(scene()) == ("connect", "dns")


@pytest.mark.parametrize(
    ("validator", "outcome"),
    [({}, "protocol"), ({"etag": '"1"'}, "unchanged"), ({"last_modified": "x"}, "unchanged")],
)
def test_a_304_counts_only_when_asked_for(validator, outcome):
    """Row 25: an unasked 304 would freeze a source for good."""
    reason, _ = fetch_once(b'HTTP/1.1 304 Not Modified\r\nETag: "1"\r\n\r\n', **validator)

    assert reason == outcome


def test_what_a_304_says_about_its_body_harms_nobody():
    """Servers send the page's length and coding with a 304; they speak of the page."""
    answer = (
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 70000000000\r\nContent-Encoding: br\r\n\r\n"
    )

    reason, _ = fetch_once(answer, etag='"1"')

    assert reason in {"unchanged", "too_large"}


def test_validators_come_back_byte_for_byte():
    """An ETag is opaque: one with letters outside ASCII must neither fail nor change."""
    tag = '"名-é"'.encode()

    async def answer(call: Call) -> bytes:
        same = (call.header("if-none-match") or "").encode("latin-1") == tag
        if same:
            return b"HTTP/1.1 304 Not Modified\r\n\r\n"
        return HEAD + b"Content-Length: 5\r\nETag: " + tag + b"\r\n\r\nhello"

    async def scene():
        async with portal(answer) as made:
            client = fetcher()
            page = await client.get(made.request())
            again = await reason_of(client, made.request(etag=page.etag))
            client.close()
            return again

    assert run(scene()) == "unchanged"


@pytest.mark.parametrize(
    "trailers",
    [b'ETag: "forged"\r\nContent-Encoding: br\r\n', b"HTTP/1.1 500: No\r\nLocation: /\r\n"],
)
def test_trailers_change_nothing(trailers):
    """Row 18's cousin: a header sent after the body was never checked, so it is not believed."""
    answer = (
        HEAD + b"Content-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n"
        + trailers + b"\r\n"
    )  # fmt: skip

    async def scene():
        async with portal(answer) as made:
            client = fetcher()
            page = await client.get(made.request())
            client.close()
            return page

    page = run(scene())

    assert (page.body, page.etag, page.status) == (b"hello", None, 200)
    assert page.content_type == "text/html"


def test_a_second_answer_never_reaches_another_request():
    """Row 24: a portal that answers twice must not answer the next request in advance."""

    async def answer(call: Call) -> bytes:
        if call.number == 1:
            return ok(b"first") + ok(b"forged")
        return ok(b"honest")

    async def scene() -> list[bytes]:
        async with portal(answer) as made:
            client = fetcher()
            bodies = [(await client.get(made.request(f"/{n}"))).body for n in range(3)]
            client.close()
            return bodies

    assert run(scene()) == [b"first", b"honest", b"honest"]


def test_a_second_answer_that_comes_late_is_not_taken_either():
    """Row 24 again: the forged answer arrives when the line lies idle."""

    async def scene() -> list[bytes]:
        arrived = asyncio.Event()

        async def answer(call: Call) -> bytes | None:
            if call.number > 1:
                return ok(b"honest")
            await call.send(ok(b"first"))

            async def later() -> None:
                await call.send(ok(b"forged"))
                arrived.set()

            call.later = asyncio.create_task(later())  # type: ignore[attr-defined]
            await arrived.wait()
            return b""

        async with portal(answer) as made:
            client = fetcher()
            bodies = [(await client.get(made.request("/1"))).body]
            await arrived.wait()
            bodies.append((await client.get(made.request("/2"))).body)
            client.close()
            return bodies

    assert run(scene()) == [b"first", b"honest"]


def test_no_cookie_is_kept():
    """Row 12: neither a bomb of cookies nor one is ever sent back."""
    bomb = [f"Set-Cookie: c{n}={'x' * 50}; Path=/" for n in range(80)]

    async def scene():
        async with portal(ok(b"hello", *bomb)) as made:
            client = fetcher()
            for n in range(3):
                await client.get(made.request(f"/{n}"))
            client.close()
            return made

    made = run(scene())

    assert made.hits == 3
    assert [call.header("cookie") for call in made.calls] == [None] * 3


def test_slow_portals_hold_up_no_other():
    """Row 3: while some portals stall, the others are served."""

    async def scene() -> tuple[str, list[bool]]:
        client = fetcher(replace(CALM, in_flight=4))
        async with portal(hang) as one, portal(hang) as two, portal(ok()) as well:
            hung = [asyncio.create_task(reason_of(client, p.request())) for p in (one, two)]
            await asyncio.gather(one.came.wait(), two.came.wait())
            quick = await reason_of(client, well.request())
            done = [task.done() for task in hung]
            for task in hung:
                task.cancel()
            await asyncio.gather(*hung, return_exceptions=True)
        client.close()
        return quick, done

    assert run(scene()) == ("page", [False, False])


def test_stalled_portals_give_their_slots_back():
    """Row 3 again: with more stalled portals than slots, all of them end and the next is served."""

    async def scene() -> tuple[list[str], str]:
        client = fetcher(replace(QUICK, in_flight=2, total_seconds=2.0))
        async with portal(hang) as one, portal(hang) as two, portal(hang) as three:
            stuck = [reason_of(client, p.request()) for p in (one, two, three)]
            outcomes = await asyncio.gather(*stuck)
        client.close()
        return outcomes, f"{one.hits + two.hits + three.hits} asked"

    assert run(scene()) == (["timeout"] * 3, "3 asked")


def test_a_portal_without_tls_behind_https_is_told_apart():
    """An operator mends this by the scheme or a TLS profile, not by waiting."""

    def plain(_reader: object, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 This is plain HTTP\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async def scene() -> list[str]:
        server = await asyncio.start_server(plain, new_address(), 0)
        host, port = server.sockets[0].getsockname()
        client = fetcher()
        asked = Request(url=f"https://{host}:{port}/", ports=(port,), ignore_robots=True)
        legacy = replace(asked, tls_profile="legacy")
        reasons = [await reason_of(client, asked), await reason_of(client, legacy)]
        client.close()
        server.close()
        await server.wait_closed()
        return reasons

    assert run(scene()) == ["tls", "tls"]
