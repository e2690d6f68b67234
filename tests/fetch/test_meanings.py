"""What an answer means: a page, a challenge, a refusal, a wait."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime

import pytest
from fetch_portals import (
    CALM,
    NETS,
    NOW,
    fetch_once,
    fetcher,
    ok,
    portal,
    run,
)

from aggregator.errors import FetchError
from aggregator.fetch import CurlFetcher
from aggregator.fetch.limits import Limits


@pytest.mark.parametrize("status", ["412 Precondition Failed", "468 Unknown", "521 Down"])
def test_anti_bot_answers_are_named(status):
    """Row 108: they are not solved, and not taken for a server's trouble."""
    assert fetch_once(ok(b"<script>a()</script>", status=status))[0] == "challenge"


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (b"<html><head><script src=/a.js></script></head><body></body></html>", "challenge"),
        (b"<SCRIPT>var a=1;document.cookie='x'</SCRIPT>", "challenge"),
        (
            b"<html><!-- wait --><script>a()</script><noscript>Turn on JavaScript</noscript>",
            "challenge",
        ),
        (b"<script>a()</script><p>2026 notice</p>", "page"),
        (b"<ul></ul>", "page"),
        (b"", "page"),
        (b"<script>" + b"x" * 3000 + b"</script>", "page"),
        (b'{"rows": ["<script>"]}', "page"),
    ],
)
def test_a_short_page_of_script_alone_is_a_challenge(body, outcome):
    """DOMAIN §7: 200, under 2.5 KB, a script and no text."""
    assert fetch_once(ok(body))[0] == outcome


@pytest.mark.parametrize(
    ("sent", "heard"),
    [
        ("120", timedelta(minutes=2)),
        ("0", timedelta(minutes=1)),
        ("1", timedelta(minutes=1)),
        ("999999999999999999999999", timedelta(hours=24)),
        (format_datetime(NOW + timedelta(hours=2), usegmt=True), timedelta(hours=2)),
        (format_datetime(NOW - timedelta(days=400), usegmt=True), timedelta(minutes=1)),
        (format_datetime(NOW + timedelta(days=400), usegmt=True), timedelta(hours=24)),
        ("Sun, 06 Nov 1994 08:49:37", timedelta(minutes=1)),
        ("Mon, 01 Jan 0001 00:00:00 +2359", timedelta(minutes=1)),
        ("Fri, 31 Dec 9999 23:59:59 -2359", timedelta(hours=24)),
        ("-5", None),
        ("soon", None),
        ("²", None),
        ("Mon, 99 Foo 99999 99:99:99 GMT", None),
        ("", None),
    ],
)
@pytest.mark.parametrize("status", ["429 Too Many", "503 Busy"])
def test_retry_after_is_held_between_a_minute_and_a_day(sent, heard, status):
    """Row 108: neither a hammer nor a way to silence us for a year."""

    async def scene() -> FetchError:
        answer = ok(b"", status=status).replace(
            b"\r\n\r\n", f"\r\nRetry-After: {sent}\r\n\r\n".encode("latin-1")
        )
        async with portal(answer) as made:
            client = fetcher()
            with pytest.raises(FetchError) as caught:
                await client.get(made.request())
            client.close()
            return caught.value

    error = run(scene())

    assert (error.reason, error.retry_after) == ("http", heard)
    assert error.status == int(status[:3])


@pytest.mark.parametrize(
    "status", [300, 400, 401, 403, 404, 405, 410, 418, 429, 451, 500, 502, 503, 504, 508, 511]
)
def test_refusals_carry_their_status(status):
    """Row 108: sixteen cases, one reason, and the number an operator looks for."""
    reason, _ = fetch_once(ok(b"<h1>no</h1>", status=f"{status} Words"))

    assert reason == "http"


def test_what_a_page_says_of_itself_is_kept():
    """Validators and freshness feed the next request and the schedule."""

    async def scene():
        answer = ok(b"<li>x", 'ETag: W/"1"', "Last-Modified: Mon, 02 Mar 2026 00:00:00 GMT",
                    "Cache-Control: public, max-age=600", "Content-Type: text/html; charset=GBK")  # fmt: skip
        async with portal(answer) as made:
            client = fetcher()
            page = await client.get(made.request())
            client.close()
            return page

    page = run(scene())

    assert (page.etag, page.last_modified) == ('W/"1"', "Mon, 02 Mar 2026 00:00:00 GMT")
    assert page.max_age == timedelta(minutes=10)
    assert page.content_type == "text/html; charset=GBK"
    assert page.fetched_at == NOW
    assert timedelta(0) < page.took < timedelta(seconds=CALM.total_seconds)


def test_the_defaults_are_the_promised_ones():
    """DESIGN "One number each", and the fetcher's row of settings."""
    limits = Limits()

    assert (limits.total_seconds, limits.connect_seconds, limits.silent_seconds) == (30, 5, 10)
    assert (limits.body_bytes, limits.wire_bytes) == (10 * 1024 * 1024, 12_000_000)
    assert (limits.header_bytes, limits.redirects, limits.gzip_members) == (65_536, 5, 16)
    assert CurlFetcher.__init__.__kwdefaults__["delay_seconds"] == 2.0
    assert "127.0.0.1" not in NETS
