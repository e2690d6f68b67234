"""Hanweb jpaas lists: the page names a request whose JSON answer holds HTML (DOMAIN §3)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

import msgspec

from aggregator.errors import ParseError
from aggregator.model import Entry, Request
from aggregator.parse.api import parse_json
from aggregator.parse.decode import Decoded
from aggregator.parse.fragments import entries_of_html
from aggregator.parse.tree import unescape
from aggregator.urls import joined

_TAG = re.compile(r"<script\b", re.IGNORECASE)
_ASKS = re.compile(r"\bquerydata\s*+=", re.IGNORECASE)
#: Words begin where no sign of one stands before, so that a text of one word costs nothing.
_ATTRIBUTE = re.compile(r"""(?<![\w-])([\w-]++)\s*+=\s*+(?:"([^"]*)"|'((?:[^'])*)')""")
_PAIR = re.compile(r"""(?<![\w.-])([\w.-]++)['"]?\s*+:\s*+(?:'([^']*)'|"([^"]*)"|([\w.-]+))""")
_PAGES = re.compile(
    r"(?:总|共)\s*(\d{1,5})\s*页|(?:pageCount|totalPage|pages)['\"=:\s]{1,6}(\d{1,5})"
)
_DEFAULT_SIZE = 15


def is_jpaas(text: str) -> bool:
    """Whether a page asks such a server for its list."""
    return next(_asking(text), None) is not None


def _asking(text: str) -> Iterator[str]:
    """What stands in the tags of scripts that ask for a list; a tag that never ends is the last."""
    at = 0
    while tag := _TAG.search(text, at):
        end = text.find(">", tag.end())
        if end < 0:
            return
        if _ASKS.search(text, tag.end(), end):
            yield text[tag.end() : end]
        at = end + 1


def first_request(text: str, *, url: str) -> Request | None:
    """The request that brings the first rows.

    Both spellings of the type (``bulidstatic``) occur and the attribute is written with
    single quotes; of several such scripts the one that speaks of a list is taken.
    """
    best: tuple[int, Request] | None = None
    for tag in _asking(text):
        raw = {m[1].lower(): m[2] or m[3] or "" for m in _ATTRIBUTE.finditer(tag)}
        path = unescape(raw.get("url", ""))
        data = _query(unescape(raw.get("querydata", "")))
        address = joined(url, path) if path and data else None
        if address is None:
            continue
        spoken = " ".join(data.values()).lower()
        rank = 2 * ("list" in spoken or "列表" in spoken) + ("column" in spoken)
        request = Request(url=address + "?" + urlencode(data))
        if best is None or rank > best[0]:
            best = (rank, request)
    return best[1] if best else None


def _query(text: str) -> dict[str, str]:
    try:
        tree = msgspec.json.decode(text.replace("'", '"').encode())
    except msgspec.DecodeError:
        return {name: a or b or c for name, a, b, c in _PAIR.findall(text)}
    if not isinstance(tree, dict):
        return {}
    return {
        str(name): value if isinstance(value, str) else msgspec.json.encode(value).decode()
        for name, value in tree.items()
    }


def read_answer(
    decoded: Decoded, *, url: str, now: datetime
) -> tuple[tuple[Entry, ...], Request | None]:
    """The rows of an answer, and the request for the following page.

    Raises:
        ParseError: the answer is no JSON or holds no HTML.
    """
    fragment = _html_of(parse_json(decoded.text, url=url))
    if fragment is None:
        raise ParseError(f"{url}: the answer holds no data.html", url=url)
    entries = entries_of_html(fragment, base=urljoin(url, "/"), now=now)
    told = _PAGES.search(fragment)
    pages = int(told.group(1) or told.group(2)) if told else None
    return entries, _following(url, len(entries), pages)


def _html_of(tree: object) -> str | None:
    if isinstance(tree, dict):
        for name in ("html", "data", "content", "result"):
            value = tree.get(name)
            if isinstance(value, str) and "<" in value:
                return value
            found = _html_of(value) if isinstance(value, dict) else None
            if found is not None:
                return found
        data = tree.get("data")
        if isinstance(data, dict) and isinstance(data.get("html"), str):
            return str(data["html"])
    return None


def _following(url: str, entries: int, pages: int | None) -> Request | None:
    if not entries:
        return None
    parts = urlsplit(url)
    pairs = dict(parse_qsl(parts.query, keep_blank_values=True))
    if "paramJson" in pairs:
        inner = _query(pairs["paramJson"])
        number = inner.get("pageNo", "1")
        if not number.isdecimal() or len(number) > 5:  # noqa: PLR2004
            return None
        at = int(number)
        size = inner.get("pageSize", "")
        pairs["paramJson"] = _param_json(at + 1, int(size) if size.isdecimal() else _DEFAULT_SIZE)
    elif pairs.get("pageNo", "").isdecimal() and len(pairs["pageNo"]) < 6:  # noqa: PLR2004
        at = int(pairs["pageNo"])
        pairs["pageNo"] = str(at + 1)
    else:
        at = 1
        pairs["paramJson"] = _param_json(2, entries)
    if pages is not None and at >= pages:
        return None
    return Request(url=urlunsplit(parts._replace(query=urlencode(pairs))))


def _param_json(number: int, size: int) -> str:
    return msgspec.json.encode({"pageNo": number, "pageSize": size}).decode()
