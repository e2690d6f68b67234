"""Hanweb JCMS lists: records in an XML island of the page, the rest behind a proxy (DOMAIN §3)."""

from __future__ import annotations

import re
from datetime import datetime
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from aggregator.model import Entry, Learned, ListReading, Request, SourceKind
from aggregator.parse.decode import Decoded
from aggregator.parse.fragments import entries_of_fragments
from aggregator.parse.prescan import prescan
from aggregator.parse.tree import unescape
from aggregator.urls import joined

_RECORD = re.compile(
    r"<record>\s*(?:<!\[CDATA\[(.*?)\]\]>|(.*?))\s*</record>", re.IGNORECASE | re.DOTALL
)
_ISLAND = re.compile(r"<datastore\b|&lt;datastore\b|<recordset\b|&lt;recordset\b", re.IGNORECASE)
_TOTAL = re.compile(r"total_?record['\"]?\s*(?:[:=>]|&gt;)\s*['\"]?(\d{1,9})", re.IGNORECASE)
_PER_PAGE = re.compile(r"per_?page['\"]?\s*[:=]\s*['\"]?(\d{1,3})\b", re.IGNORECASE)
_PROXY = re.compile(r"""['"]([^'"\s]{0,200}?dataproxy\.jsp)[^'"]{0,500}['"]""", re.IGNORECASE)
_NAMES = (
    *("col", "appid", "webid", "path", "columnid", "sourceContentType", "unitid", "webname"),
    "permissiontype",
)
_DEFAULTS = {"col": "1", "appid": "1", "path": "/", "sourceContentType": "1", "permissiontype": "0"}
_STRING = re.compile(r"'((?:[^'\\]|\\.)*+)'|\"((?:[^\"\\]|\\.)*+)\"", re.DOTALL)
_COLUMN = re.compile(r"/col/col(\d+)/")
_PAGES_AT_ONCE = 3
_PER_PAGE_DEFAULT = 15


def is_jpage(text: str) -> bool:
    """Whether a page holds such an island or is an answer of the proxy."""
    return bool(_ISLAND.search(text) or "dataproxy.jsp" in text)


def read_jpage(
    decoded: Decoded, *, url: str, now: datetime, learned: Learned
) -> tuple[tuple[Entry, ...], Request | None, Learned]:
    """The records of a page or of a proxy's answer, and the request for those that follow.

    ``unitid`` and ``columnid`` are read from the page each time: they change at redesigns.
    The proxy is asked by GET, so that its own address tells where an answer stands.
    """
    text = decoded.text
    prescan(text, url=url)
    fragments = _fragments(text, url)
    base = url if "dataproxy" not in url else urljoin(url, "/")
    entries = entries_of_fragments(fragments, base=base, now=now)
    if "dataproxy" in url:
        return entries, _after(url, text, len(fragments)), learned
    params = _params(text, url)
    request = _first_request(text, url, params, len(fragments))
    return entries, request, Learned(
        rows=learned.rows, title=learned.title, date=learned.date, body=learned.body, params=params
    )  # fmt: skip


def _fragments(text: str, url: str) -> list[str]:
    found = _records(text)
    if not found and "&lt;record" in text:
        found = _records(unescape(text))
    if found:
        return found
    if "dataproxy" in url and text.lstrip()[:1] in {"[", "v", "("}:  # an array, the older answer
        return [
            re.sub(r"\\(.)", r"\1", single or double)
            for single, double in _STRING.findall(text)
            if "<" in (single or double)
        ]
    return []


def _records(text: str) -> list[str]:
    return [whole or unescape(escaped) for whole, escaped in _RECORD.findall(text)]


def _params(text: str, url: str) -> dict[str, str]:
    """What the proxy wants to know, as the page says it in script or in an address."""
    plain = unescape(text)
    params = dict(_DEFAULTS)
    for name in _NAMES:
        found = re.search(
            rf"""(?:\b|['"?&]){name}['"]?\s*(?:[:=])\s*(?:'([^'<>]*)'|"([^"<>]*)"|([\w%/.-]+))""",
            plain,
            re.IGNORECASE,
        )
        if found:
            params[name] = next((part for part in found.groups() if part), "")
    column = _COLUMN.search(url)
    if column and not params.get("columnid"):
        params["columnid"] = column.group(1)
    unit = re.search(r"<div[^>]*\bid=[\"'](\d{3,12})[\"']", text)
    if not params.get("unitid") and unit:
        params["unitid"] = unit.group(1)
    return params


def _first_request(text: str, url: str, params: dict[str, str], shown: int) -> Request | None:
    if not params.get("unitid") or not params.get("columnid"):
        return None
    total = _number(_TOTAL, text)
    if total is not None and shown >= total:
        return None
    each = min(_number(_PER_PAGE, text) or _PER_PAGE_DEFAULT, 100)
    proxy = _PROXY.search(unescape(text))
    path = proxy.group(1) if proxy else "/module/web/jpage/dataproxy.jsp"
    window = {
        "startrecord": str(shown + 1),
        "endrecord": str(shown + each * _PAGES_AT_ONCE),
        "perpage": str(each),
    }
    return Request(url=(joined(url, path) or url) + "?" + urlencode({**window, **params}))


def _after(url: str, text: str, got: int) -> Request | None:
    parts = urlsplit(url)
    pairs = dict(parse_qsl(parts.query, keep_blank_values=True))
    start, end = pairs.get("startrecord", ""), pairs.get("endrecord", "")
    if not got or not start.isdecimal() or not end.isdecimal() or len(end) > 7:  # noqa: PLR2004
        return None
    total = _number(_TOTAL, text)
    size = int(end) - int(start) + 1
    if total is None and got < size:
        return None
    if total is not None and int(end) >= total:
        return None
    pairs |= {"startrecord": str(int(end) + 1), "endrecord": str(int(end) + max(size, 1))}
    return Request(url=urlunsplit(parts._replace(query=urlencode(pairs))))


def _number(pattern: re.Pattern[str], text: str) -> int | None:
    found = pattern.search(text)
    return int(found.group(1)) if found else None


KIND = SourceKind.JPAGE
__all__ = ["KIND", "ListReading", "is_jpage", "read_jpage"]
