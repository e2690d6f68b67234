"""Which family a source is of, and its list read accordingly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from urllib.parse import urlencode, urljoin, urlsplit

from aggregator.errors import ParseError
from aggregator.model import Learned, ListReading, Request, Selectors, SourceKind
from aggregator.parse import jpaas, jpage
from aggregator.parse.api import read_json
from aggregator.parse.column import read_column, with_head
from aggregator.parse.decode import Decoded, decode
from aggregator.parse.feed import is_feed, read_feed
from aggregator.parse.prescan import MAX_BYTES
from aggregator.parse.refusals import refuse_files, refuse_no_text
from aggregator.parse.tree import document, unescape
from aggregator.urls import joined

_SITE = re.compile(r"""["']?(?:SITE_?ID|sid)["']?\s*[:=]\s*["']?(\d{1,12})""", re.IGNORECASE)
_TREE_ID = re.compile(
    r"""TREE["']?\s*[:=]\s*\[?\s*\{.{0,300}?["']?id["']?\s*:\s*["']?(\d{1,12})""", re.DOTALL
)
_CATEGORY = re.compile(
    r"""["']?(?:COLUMN_?ID|CLASSIFY_?ID|CATEGORY_?ID)["']?\s*[:=]\s*["']?(\d{1,12})""",
    re.IGNORECASE,
)
_SEARCH = re.compile(
    r"""['"]((?:https?://[\w.:-]+)?/(?:common/search/[0-9a-f]{8,64}|searchList/\w{1,64})(?:\?[^'"]{0,300})?)['"]"""
)
_FIELD_HASH = re.compile(r"#?/?(\d{1,12})")


def detect(
    body: bytes, *, url: str, content_type: str | None, now: datetime
) -> tuple[SourceKind, ListReading]:
    """Find out what kind of source some bytes are, and read them as that.

    Raises:
        ParseError: they are nothing of ours (a PDF, say), or a barrier, or made to hurt.
    """
    decoded = _decoded(body, url=url, content_type=content_type)
    kind = _kind_of(decoded.text, url=url)
    reading = _read(
        decoded,
        url=url,
        kind=kind,
        now=now,
        selectors=Selectors(),
        learned=Learned(),
        json_paths={},
    )
    if kind is SourceKind.COLUMN and not reading.entries:
        request = _api_request(decoded.text, url)
        if request:
            return SourceKind.JSON, replace(reading, kind=SourceKind.JSON, next=request)
    return kind, reading


def read_list(
    body: bytes,
    *,
    url: str,
    content_type: str | None,
    kind: SourceKind,
    now: datetime,
    selectors: Selectors,
    learned: Learned,
    json_paths: Mapping[str, str],
) -> ListReading:
    """Read a list page, an answer of its proxy, or a feed.

    Where the rows stand behind a request (jpage, jpaas, json), the page itself gives no
    entries, and that request as ``next``.

    Raises:
        ParseError: as :func:`detect`.
    """
    decoded = _decoded(body, url=url, content_type=content_type)
    return _read(
        decoded,
        url=url,
        kind=kind,
        now=now,
        selectors=selectors,
        learned=learned,
        json_paths=json_paths,
    )


def _decoded(body: bytes, *, url: str, content_type: str | None) -> Decoded:
    if len(body) > MAX_BYTES:
        raise ParseError(
            f"{url}: {len(body):,} bytes are more than the {MAX_BYTES:,} we read",
            reason="too_large",
            url=url,
        )
    refuse_files(body, url=url)
    decoded = decode(body, content_type=content_type)
    refuse_no_text(body, decoded, url=url)
    if not decoded.text.strip():
        raise ParseError(
            f"{url} answered with nothing ({len(body)} bytes)", reason="empty", url=url
        )
    return decoded


def _kind_of(text: str, *, url: str) -> SourceKind:
    if is_feed(text):
        return SourceKind.FEED
    if jpage.is_jpage(text) or "dataproxy.jsp" in url:
        return SourceKind.JPAGE
    start = text.lstrip()[:1]
    if start in {"{", "["}:
        return SourceKind.JPAAS if "build/unit" in url else SourceKind.JSON
    return SourceKind.JPAAS if jpaas.is_jpaas(text) else SourceKind.COLUMN


def _read(
    decoded: Decoded,
    *,
    url: str,
    kind: SourceKind,
    now: datetime,
    selectors: Selectors,
    learned: Learned,
    json_paths: Mapping[str, str],
) -> ListReading:
    match kind:
        case SourceKind.FEED:
            return read_feed(decoded, url=url, now=now)
        case SourceKind.JSON:
            return _read_json(decoded, url=url, now=now, paths=json_paths)
        case SourceKind.JPAGE:
            return _read_jpage(decoded, url=url, now=now, learned=learned)
        case SourceKind.JPAAS:
            return _read_jpaas(decoded, url=url, now=now, learned=learned)
        case SourceKind.COLUMN:
            return read_column(decoded, url=url, now=now, selectors=selectors, learned=learned)


def _read_json(
    decoded: Decoded, *, url: str, now: datetime, paths: Mapping[str, str]
) -> ListReading:
    if decoded.text.lstrip()[:1] != "<":
        return read_json(decoded, url=url, now=now, paths=paths)
    page = document(decoded.text, url=url)
    reading = ListReading(
        kind=SourceKind.JSON,
        entries=(),
        next=_api_request(decoded.text, url),
    )
    return with_head(reading, page, decoded)


def _read_jpage(decoded: Decoded, *, url: str, now: datetime, learned: Learned) -> ListReading:
    entries, following, now_learned = jpage.read_jpage(decoded, url=url, now=now, learned=learned)
    if "dataproxy" in url:
        return ListReading(
            kind=SourceKind.JPAGE,
            entries=entries,
            next=following,
            charset=decoded.charset,
            charset_why=decoded.why,
            learned=now_learned,
        )
    if not entries and not following:
        plain = read_column(decoded, url=url, now=now, selectors=Selectors(), learned=learned)
        return replace(plain, kind=_kind_of(decoded.text, url=url))  # told when it is another now
    page = document(decoded.text, url=url)
    reading = ListReading(
        kind=SourceKind.JPAGE,
        entries=entries,
        next=following,
        learned=now_learned,
    )
    return with_head(reading, page, decoded)


def _read_jpaas(decoded: Decoded, *, url: str, now: datetime, learned: Learned) -> ListReading:
    if decoded.text.lstrip()[:1] in {"{", "["}:
        entries, following = jpaas.read_answer(decoded, url=url, now=now)
        return ListReading(
            kind=SourceKind.JPAAS,
            entries=entries,
            next=following,
            charset=decoded.charset,
            charset_why=decoded.why,
            learned=learned,
        )
    page = document(decoded.text, url=url)
    request = jpaas.first_request(decoded.text, url=url)
    if request is None:
        plain = read_column(decoded, url=url, now=now, selectors=Selectors(), learned=learned)
        return replace(plain, kind=_kind_of(decoded.text, url=url))
    reading = ListReading(kind=SourceKind.JPAAS, entries=(), next=request, learned=learned)
    return with_head(reading, page, decoded)


def _api_request(text: str, url: str) -> Request | None:
    """The request for the rows of a page that asks an API of its own site for them."""
    plain = unescape(text)
    if "/gkmlpt" in url or "gkmlpt/api" in plain:
        return _gkmlpt(plain, url)
    found = _SEARCH.search(plain)
    if not found:
        return None
    address = joined(url, found.group(1))
    if address is None:
        return None
    if "searchList" not in address and "_pageSize" not in address:
        address += ("&" if "?" in address else "?") + urlencode({"_pageSize": 20, "_pageNum": 1})
    return Request(url=address)


def _gkmlpt(text: str, url: str) -> Request | None:
    """The list of a 信息公开平台: ``api/all/{column}?page=N&sid={site}``, ids from its page."""
    parts = urlsplit(url)
    site = _SITE.search(text)
    asked = _FIELD_HASH.fullmatch(parts.fragment) if parts.fragment else None
    column = asked or _CATEGORY.search(text) or _TREE_ID.search(text)
    if not column:
        return None
    root = parts.path.partition("/gkmlpt")[0] if "/gkmlpt" in parts.path else ""
    query = {"page": "1"} | ({"sid": site.group(1)} if site else {})
    return Request(url=urljoin(url, f"{root}/gkmlpt/api/all/{column.group(1)}?{urlencode(query)}"))
