"""Compressed bodies: hostile inputs 28 to 39 of the reliability page."""

from __future__ import annotations

import gzip
import time
import tracemalloc
import zlib

import pytest
from fetch_portals import CALM, fetch_once, fetcher, ok, portal, run

from aggregator.errors import FetchError
from aggregator.fetch.coding import decode_body
from aggregator.fetch.limits import Limits

PAGE = "<ul><li>关于组织申报2026年度专项资金的通知</li></ul>".encode() * 20
ZSTD_HEAD = b"\x28\xb5\x2f\xfd"


def squeeze(data: bytes, wbits: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
    return packer.compress(data) + packer.flush()


def bomb(wbits: int, megabytes: int = 100) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, wbits)
    block = bytes(1 << 20)
    return b"".join(packer.compress(block) for _ in range(megabytes)) + packer.flush()


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        (PAGE, "identity"),
        (gzip.compress(PAGE), "gzip"),
        (gzip.compress(PAGE), "X-GZip"),
        (gzip.compress(PAGE[:99]) + gzip.compress(PAGE[99:]), "gzip"),
        (gzip.compress(PAGE) + b"\0\0\0 tail of a careless proxy", "gzip"),
        (squeeze(PAGE, 15), "deflate"),
        (squeeze(PAGE, -15), "deflate"),
    ],
    ids=["plain", "gzip", "x-gzip", "members", "tail", "zlib", "raw"],
)
def test_codings_that_we_offer_are_undone(body, coding):
    """Row 39: raw deflate and tails after gzip are common on old servers."""

    async def scene() -> bytes:
        async with portal(ok(body, f"Content-Encoding: {coding}")) as made:
            client = fetcher()
            page = await client.get(made.request())
            client.close()
            return page.body

    assert run(scene()) == PAGE


@pytest.mark.parametrize(
    ("body", "codings", "reason"),
    [
        (gzip.compress(gzip.compress(PAGE)), ["gzip, gzip"], "compression"),
        (gzip.compress(gzip.compress(PAGE)), ["gzip", "gzip"], "compression"),
        (PAGE, [", ".join(["gzip"] * 50)], "compression"),
        (PAGE, ["gzip"] * 50, "compression"),
        (PAGE, ["x-secret"], "compression"),
        (PAGE, ["gzip"], "compression"),
        (gzip.compress(PAGE)[:-8] + b"\0" * 8, ["gzip"], "compression"),
        (bytes(211), ["br"], "compression"),
        (ZSTD_HEAD + bytes(32_000), ["zstd"], "compression"),
        (gzip.compress(PAGE)[:-12], ["gzip"], "truncated"),
        (gzip.compress(PAGE)[:20], ["gzip"], "truncated"),
        (squeeze(PAGE, 15)[:-6], ["deflate"], "truncated"),
        (gzip.compress(b"x") * 17, ["gzip"], "compression"),
        (gzip.compress(bytes(CALM.body_bytes + 1)), ["gzip"], "too_large"),
        (squeeze(bytes(CALM.body_bytes + 1), 15), ["deflate"], "too_large"),
        (gzip.compress(bytes(CALM.body_bytes // 2 + 1)) * 2, ["gzip"], "too_large"),
    ],
    ids=[
        "gzip-gzip",
        "gzip-gzip-apart",
        "x50",
        "x50-apart",
        "unknown",
        "not-gzip",
        "bad-crc",
        "br",
        "zstd",
        "cut-gzip",
        "cut-early",
        "cut-deflate",
        "members",
        "gzip-large",
        "deflate-large",
        "members-large",
    ],
)
def test_a_body_that_is_not_what_it_says_is_refused(body, codings, reason):
    """Rows 30 to 38: one coding, whole and within its bounds."""
    answer = ok(body, *(f"Content-Encoding: {coding}" for coding in codings))

    assert fetch_once(answer)[0] == reason


@pytest.mark.parametrize(("wbits", "coding"), [(31, "gzip"), (15, "deflate"), (-15, "deflate")])
def test_a_bomb_is_cheap(wbits, coding):
    """Rows 28 and 29: a hundred thousand bytes must not become a hundred million."""
    body = bomb(wbits)
    tracemalloc.start()
    started = time.process_time()
    try:
        with pytest.raises(FetchError) as caught:
            decode_body(body, coding, url="http://a.example/", limits=Limits())
        took = time.process_time() - started
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert caught.value.reason == "too_large"
    assert peak < 64_000_000
    assert took < 10


def test_only_what_we_can_undo_is_offered():
    """Rows 35 and 36: 211 bytes of Brotli can hold 256 MiB; we ask for none."""
    _, made = fetch_once(ok())

    assert made.calls[0].header("accept-encoding") == "gzip, deflate"


@pytest.mark.parametrize("size", [0, 1, CALM.body_bytes])
def test_a_body_within_its_bound_is_whole(size):
    """The bound itself is allowed, compressed or not."""
    body = b"x" * size
    packed = gzip.compress(body)

    assert decode_body(packed, "gzip", url="http://a.example/", limits=CALM) == body
    assert decode_body(body, None, url="http://a.example/", limits=CALM) == body
