"""Lists that an API answers in JSON, by given paths or by what the keys are called."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec

from aggregator.errors import ParseError
from aggregator.model import Entry, ListReading, Request, SourceKind
from aggregator.parse.decode import Decoded
from aggregator.parse.rows import make_entry, tidy_title
from aggregator.text import one_line, shorten
from aggregator.urls import absolute

_TITLE = ("title", "name", "headline", "subject", "infotitle", "doctitle", "articletitle", "bt")
_URL = ("url", "link", "href", "docpuburl", "puburl", "linkurl", "infourl", "weburl", "path")
_DATE = (
    *("publishedtimestr", "publishtimestr", "pubdate", "publishdate", "publishtime", "published"),
    *("publishedtime", "display_publish_time", "publish_time", "docreltime", "releasetime", "date"),
    *(
        "pubtime",
        "publishedat",
        "infodate",
        "time",
        "created_at",
        "createdate",
        "createtime",
        "fbsj",
    ),
)
_SUMMARY = ("summary", "abstract", "description", "intro", "digest", "memo")
_ID = ("id", "guid", "docid", "infoid", "articleid")
_PAGES = (
    "page",
    "_pagenum",
    "pageno",
    "pagenum",
    "pageindex",
    "currentpage",
    "curpage",
    "cur_page",
)
_MAX_NODES = 200_000
_TAGS = re.compile(r"<[^<>]{0,300}>")
_CALLBACK = re.compile(r"^\s*[\w$.]{1,80}\(\s*([\[{].*[\]}])\s*\)\s*;?\s*$", re.DOTALL)


def read_json(
    decoded: Decoded, *, url: str, now: datetime, paths: Mapping[str, str]
) -> ListReading:
    """Read a JSON answer.

    Args:
        decoded: the answer as text; a JSONP wrapper is taken off.
        url: its address; rows' links are relative to it, the next page is made from it.
        now: for dates without a year.
        paths: dotted paths an operator gave: ``rows``, and within a row ``title``, ``url``,
            ``date``, ``summary``, ``id``; what is missing is guessed.

    Raises:
        ParseError: it is no JSON.
    """
    tree = parse_json(decoded.text, url=url)
    entries = entries_in(tree, paths=paths, base=url, now=now)
    return ListReading(
        kind=SourceKind.JSON,
        entries=entries,
        next=next_api_page(url, entries=len(entries), total=_total(tree)),
        charset=decoded.charset,
        charset_why=decoded.why,
    )


def parse_json(text: str, *, url: str = "") -> object:
    """Any JSON, or the JSON inside a callback.

    Raises:
        ParseError: neither.
    """
    if wrapped := _CALLBACK.match(text):
        text = wrapped.group(1)
    try:
        return msgspec.json.decode(text.encode("utf-8", "replace"), strict=False)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ParseError(
            f"{url or 'the answer'} is no JSON we can read: {str(error)[:100]}", url=url
        ) from error


def entries_in(
    tree: object, *, paths: Mapping[str, str], base: str, now: datetime
) -> tuple[Entry, ...]:
    """The rows of a JSON tree: where told, else the longest array of things with a title."""
    told = paths.get("rows")
    rows = _at(tree, told) if told else _longest(tree)
    if not isinstance(rows, Sequence) or isinstance(rows, str):
        return ()
    kept: dict[str, Entry] = {}
    for row in rows[:2000]:
        if not isinstance(row, dict):
            continue
        title = tidy_title(_TAGS.sub("", _text(_pick(row, paths.get("title"), _TITLE))))
        if not title:
            continue
        summary = one_line(_TAGS.sub("", _text(_pick(row, paths.get("summary"), _SUMMARY))))
        entry = make_entry(
            title=title,
            url=absolute(_text(_pick(row, paths.get("url"), _URL)), base),
            date_text=_text(_pick(row, paths.get("date"), _DATE)) or None,
            summary=shorten(summary, 300) or None,
            guid=_text(_pick(row, paths.get("id"), _ID)) or None,
            now=now,
        )
        kept.setdefault(entry.key, entry)
    return tuple(kept.values())


def next_api_page(url: str, *, entries: int, total: int | None) -> Request | None:
    """The same address with its page number one higher, while there is more."""
    parts = urlsplit(url)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    number = next((v for n, v in pairs if n.lower() in _PAGES and v.isdecimal()), None)
    if number is None or not entries or len(number) > 6:  # noqa: PLR2004
        return None
    if total is not None and int(number) * entries >= total:
        return None
    pairs = [
        (n, str(int(v) + 1)) if n.lower() in _PAGES and v.isdecimal() else (n, v) for n, v in pairs
    ]
    return Request(url=urlunsplit(parts._replace(query=urlencode(pairs), fragment="")))


def _total(tree: object) -> int | None:
    """How many rows there are in all, where the answer says so."""
    for node in _nodes(tree):
        if isinstance(node, dict):
            for name, value in node.items():
                if str(name).lower() in {"total", "totalcount", "totalrecord", "total_count"}:
                    text = str(value)
                    return int(text) if text.isdecimal() and len(text) < 10 else None  # noqa: PLR2004
    return None


def _nodes(tree: object) -> list[object]:
    found: list[object] = []
    todo = [tree]
    while todo and len(found) < _MAX_NODES:
        node = todo.pop()
        found.append(node)
        if isinstance(node, dict):
            todo.extend(reversed(list(node.values())))
        elif isinstance(node, list):
            todo.extend(reversed(node))
    return found


def _longest(tree: object) -> object:
    best: list[object] = []
    weight = 0
    for node in _nodes(tree):
        if not isinstance(node, list):
            continue
        named = [
            row
            for row in node
            if isinstance(row, dict)
            and len(_text(_pick(row, None, _TITLE))) > 3  # noqa: PLR2004
            and (_pick(row, None, _URL) is not None or _pick(row, None, _DATE) is not None)
        ]
        value = sum(2 if _pick(row, None, _DATE) is not None else 1 for row in named)
        if value > weight:
            best, weight = node, value
    return best


def _at(tree: object, path: str) -> object:
    node = tree
    for part in path.split("."):
        if isinstance(node, dict):
            node = node.get(part)
        elif isinstance(node, list) and part.isdecimal() and int(part) < len(node):
            node = node[int(part)]
        else:
            return None
    return node


def _pick(row: dict[object, object], path: str | None, names: tuple[str, ...]) -> object:
    if path:
        return _at(row, path)
    lower = {str(name).lower(): value for name, value in row.items()}
    for name in names:
        value = lower.get(name)
        if isinstance(value, str | int | float) and not isinstance(value, bool) and value != "":
            return value
    return None


def _text(value: object) -> str:
    return str(value) if isinstance(value, str | int | float) else ""
