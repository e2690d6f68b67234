"""Undoing Content-Encoding ourselves, with bounds: one coding, so many bytes, so many members."""

from __future__ import annotations

import zlib

from aggregator.errors import FetchError
from aggregator.fetch.limits import Limits

_GZIP_MAGIC = b"\x1f\x8b"
_GZIP, _ZLIB, _RAW = 31, 15, -15


def decode_body(body: bytes | bytearray, coding: str | None, *, url: str, limits: Limits) -> bytes:
    """The body as it was before its one Content-Encoding (RFC 9110 §8.4).

    Raises:
        FetchError: ``compression`` for a coding we did not offer, or broken data; ``truncated``
            when it ends too early; ``too_large`` beyond ``limits.body_bytes``.
    """
    word = (coding or "identity").strip().lower()
    if word in {"identity", ""}:
        if len(body) > limits.body_bytes:
            raise too_large(url, limits.body_bytes)
        return bytes(body)
    if word in {"gzip", "x-gzip"}:
        return _gzip(body, url, limits)
    if word == "deflate":
        try:
            return _inflate(body, _ZLIB, url, limits)[0]
        except FetchError as error:
            if error.reason != "compression":
                raise
            return _inflate(body, _RAW, url, limits)[0]
    raise FetchError(
        f"{url}: answered with Content-Encoding {word[:40]!r}, which we did not offer",
        reason="compression",
        url=url,
    )


def too_large(url: str, most: int) -> FetchError:
    """The error for a body beyond its bound."""
    return FetchError(
        f"{url}: more than {most // 1_000_000} MB; a list or article is never that large, so "
        "nothing of it was read",
        reason="too_large",
        url=url,
    )


def _gzip(body: bytes | bytearray, url: str, limits: Limits) -> bytes:
    """All members of a gzip body (RFC 1952 §2.2); what follows the last one is ignored."""
    out = b""
    rest: bytes | bytearray = body
    for _ in range(limits.gzip_members):
        part, rest = _inflate(rest, _GZIP, url, limits, room=limits.body_bytes - len(out))
        out += part
        if not rest.startswith(_GZIP_MAGIC):
            return out
    raise FetchError(
        f"{url}: a gzip body of more than {limits.gzip_members} members",
        reason="compression",
        url=url,
    )


def _inflate(
    body: bytes | bytearray, wbits: int, url: str, limits: Limits, *, room: int | None = None
) -> tuple[bytes, bytes]:
    most = limits.body_bytes if room is None else room
    inflater = zlib.decompressobj(wbits)
    try:
        out = inflater.decompress(body, most + 1)
    except zlib.error as error:
        raise FetchError(
            f"{url}: its compressed body is broken ({error})", reason="compression", url=url
        ) from error
    if len(out) > most:
        raise too_large(url, limits.body_bytes)
    if not inflater.eof:
        raise FetchError(
            f"{url}: its compressed body ends too early; tried again later",
            reason="truncated",
            url=url,
        )
    return out, inflater.unused_data
