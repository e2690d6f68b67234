"""A document in every coding, and the answers that HTTP wants of it, each put together once."""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from functools import lru_cache
from http import HTTPStatus

import zstandard

RawHeaders = Iterable[tuple[bytes, bytes]]

#: What we can send, best first, where a client likes several equally.
CODINGS = ("zstd", "gzip", "identity")
#: Headers of every answer, whatever it holds.
COMMON_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
}
#: Pages of other sites may read what everybody may read, and see what makes a 304.
SHARED_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "ETag, Link",
    "Accept-Ranges": "none",
}
STRICT_TRANSPORT = ("Strict-Transport-Security", "max-age=31536000")
GZIP_LEVEL = 6
ZSTD_LEVEL = 9
_TAG = re.compile(r'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')
_WEIGHT = re.compile(r"q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")
_PLAIN_TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The bytes of one document in every coding, with what validates them.

    ``etag`` is of the plain bytes; each coding has a strong tag of its own. ``link`` is the value
    of its ``Link`` header, if it has one.
    """

    media_type: str
    plain: bytes
    gzipped: bytes
    zstd: bytes
    etag: str
    modified_at: datetime
    link: str | None = None

    def body(self, coding: str) -> bytes:
        """The bytes in one of ``CODINGS``."""
        return {"zstd": self.zstd, "gzip": self.gzipped}.get(coding, self.plain)

    def tag(self, coding: str) -> str:
        """The strong entity tag in one of ``CODINGS``."""
        return self.etag if coding == "identity" else f'{self.etag[:-1]}-{coding}"'

    @property
    def weight(self) -> int:
        """Bytes that it holds in memory."""
        return len(self.plain) + len(self.gzipped) + len(self.zstd)


def pack(
    plain: bytes, media_type: str, modified_at: datetime, *, link: str | None = None
) -> Document:
    """Bytes with their twins in gzip and zstd; equal bytes have equal tags on all our servers."""
    return Document(
        media_type=media_type,
        plain=plain,
        gzipped=gzipped(plain),
        zstd=zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress(plain),
        etag=f'"{hashlib.blake2b(plain, digest_size=12).hexdigest()}"',
        modified_at=modified_at.replace(microsecond=0),
        link=link,
    )


def gzipped(plain: bytes) -> bytes:
    """The same in gzip; equal bytes make equal bytes."""
    return gzip.compress(plain, compresslevel=GZIP_LEVEL, mtime=0)


@dataclass(slots=True, kw_only=True)
class Ready:
    """One answer, put together: for ASGI, and for the wire with the headers of one second."""

    answers: Answers
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    wire: bytes = b""
    stamp: list[tuple[bytes, bytes]] | None = None


class Answers:
    """What a document answers to whom; made when first asked for, then kept.

    ``fresh`` says whether the document still shows what the store holds; whoever keeps the
    answers clears it.
    """

    __slots__ = ("_made", "cache", "document", "fresh", "secure", "used")

    def __init__(self, document: Document, *, cache: str, secure: bool = False) -> None:
        self.document = document
        self.cache = cache
        self.secure = secure
        self.fresh = False
        self.used = 0
        self._made: dict[tuple[int, str, bool], Ready] = {}

    def to(self, headers: RawHeaders, *, head: bool = False) -> Ready:
        """The answer to a request with these headers (RFC 9110 §13.2.2), names in lower case.

        Args:
            headers: as they came.
            head: the method is HEAD: the body stays away, its length is told.
        """
        asked = Asked.of(headers)
        coding = chosen_coding(asked.accept_encoding)
        status = 406
        if coding is not None:
            status = asked.status(self.document.tag(coding), self.document.modified_at)
        key = (status, coding or "", head)
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = self._make(*key)
        return made

    def _make(self, status: int, coding: str, head: bool) -> Ready:  # noqa: FBT001  # the key's parts
        named = {**COMMON_HEADERS, **SHARED_HEADERS, "Vary": "Accept-Encoding"}
        if self.secure:
            named[STRICT_TRANSPORT[0]] = STRICT_TRANSPORT[1]
        body = b""
        match status:
            case 406:
                named |= {"Cache-Control": "no-cache", "Content-Type": _PLAIN_TEXT}
                body = b"this is sent plain, or in gzip or zstd; Accept-Encoding allows none\n"
            case 412:
                named |= {"Cache-Control": "no-cache", "Content-Type": _PLAIN_TEXT}
                body = b"the document is another one by now\n"
            case _:
                named |= self._validators(coding)
        if status == HTTPStatus.OK:
            named["Content-Type"] = content_type(self.document.media_type)
            body = self.document.body(coding)
            if coding != "identity":
                named["Content-Encoding"] = coding
        if status != HTTPStatus.NOT_MODIFIED:
            named["Content-Length"] = str(len(body))
        pairs = [(k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in named.items()]
        return Ready(answers=self, status=status, headers=pairs, body=b"" if head else body)

    def _validators(self, coding: str) -> dict[str, str]:
        it = self.document
        named = {
            "ETag": it.tag(coding),
            "Last-Modified": format_datetime(it.modified_at.astimezone(UTC), usegmt=True),
            "Cache-Control": self.cache,
        }
        if it.link:
            named["Link"] = it.link
        return named


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The headers of a request that decide how a document is sent; None where it has none."""

    accept_encoding: str | None = None
    if_match: str | None = None
    if_none_match: str | None = None
    if_modified_since: str | None = None
    if_unmodified_since: str | None = None

    @staticmethod
    def of(headers: RawHeaders) -> Asked:
        """Read them; what a client wrote in several lines is one list (RFC 9110 §5.3)."""
        found: dict[str, str] = {}
        for name, value in headers:
            key = _ASKED.get(name)
            if key is not None:
                words = value.decode("latin-1")
                found[key] = f"{found[key]}, {words}" if key in found else words
        return Asked(**found)

    def status(self, etag: str, modified_at: datetime) -> int:
        """200, 304 or 412, for a document of that tag and date."""
        if self.if_match is not None:
            if not _listed(self.if_match, etag, weak=False):
                return 412
        elif (at := _http_date(self.if_unmodified_since)) and modified_at > at:
            return 412
        if self.if_none_match is not None:
            return 304 if _listed(self.if_none_match, etag, weak=True) else 200
        at = _http_date(self.if_modified_since)
        return 304 if at is not None and modified_at <= at else 200


_ASKED = {name.replace("_", "-").encode(): name for name in Asked.__dataclass_fields__}


def content_type(media_type: str) -> str:
    """A media type with its charset; JSON has none (RFC 8259 §11)."""
    return media_type if media_type.endswith("json") else f"{media_type}; charset=utf-8"


@lru_cache(maxsize=1024)
def chosen_coding(accepted: str | None) -> str | None:
    """The coding to answer an ``Accept-Encoding`` with, or None when it allows none of ours.

    Its highest weight wins, and among equals our order; what is not named may be sent plain
    (RFC 9110 §12.5.3). ``*`` is taken for gzip, which everybody can read.
    """
    if accepted is None:
        return "identity"
    weights: dict[str, float] = {}
    for part in accepted.lower().split(","):
        coding, *parameters = (word.strip() for word in part.split(";"))
        weight = _weight(parameters)
        if coding and weight is not None:
            weights["gzip" if coding == "x-gzip" else coding] = weight
    wanted = {coding: weights[coding] for coding in CODINGS if coding in weights}
    if "*" in weights:
        wanted.setdefault("gzip", weights["*"])
        wanted.setdefault("identity", weights["*"])
    wanted.setdefault("identity", 0.0001)  # fine, yet less than anything that was asked for
    best = max(CODINGS, key=lambda coding: wanted.get(coding, 0.0))
    return best if wanted.get(best, 0.0) > 0 else None


def _weight(parameters: Sequence[str]) -> float | None:
    """The weight in a coding's parameters, 1 without one, None for one that cannot be read."""
    for one in parameters:
        if one.startswith("q"):
            match = _WEIGHT.fullmatch(one.replace(" ", ""))
            return float(match[1]) if match else None
    return 1.0


def _listed(asked: str, etag: str, *, weak: bool) -> bool:
    """Whether a list of entity tags names ours; a tag may hold commas (RFC 9110 §8.8.3)."""
    if asked.strip() == "*":
        return True
    if any(tag == etag and (weak or not mark) for mark, tag in _TAG.findall(asked)):
        return True
    # Some readers lose the quotes; a tag of ours is recognised without them.
    return weak and etag.strip('"') in {one.strip() for one in asked.split(",")}


@lru_cache(maxsize=1024)
def _http_date(words: str | None) -> datetime | None:
    """A date of HTTP, or None for none and for garbage, which is ignored (RFC 9110 §13.1.3)."""
    if words is None:
        return None
    try:
        at = parsedate_to_datetime(words)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError, IndexError, TypeError):
        return None
