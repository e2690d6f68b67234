"""RSS, RDF, Atom and CDF: feedparser for the structure, everything that it gets wrong by us.

It is given UTF-8 bytes that we decoded, with its sanitiser and its resolving of addresses
off; dates are read from their text, because it reads Chinese ones wrongly without a word
(DOMAIN §5).
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import feedparser

from aggregator.errors import ParseError
from aggregator.model import Entry, ListReading, SourceKind
from aggregator.parse.decode import Decoded
from aggregator.parse.jsonfeed import is_json_feed, read_json_feed
from aggregator.parse.mend import mend
from aggregator.parse.plainfeed import PlainFeed, read_plain
from aggregator.parse.prescan import prescan
from aggregator.parse.rows import MAX_TITLE, make_entry
from aggregator.parse.tree import line_of, read_tree, unescape
from aggregator.text import clean, one_line, shorten
from aggregator.urls import absolute

MAX_ENTRIES = 2000
MAX_AUTHOR = 320
MAX_CONTENT = 500_000
_SUMMARY = 300
_DEEP = 200

_PROLOG = re.compile(r"\A\s*(?:<\?xml[^>]*\?>|<!--.*?-->|<\?[^>]*\?>|\s)*", re.DOTALL)
_DOCTYPE = re.compile(r"<!DOCTYPE\s[^>\[]*(\[)?", re.IGNORECASE)
_ENTITY = re.compile(r"<!(?:ENTITY|ELEMENT|ATTLIST|NOTATION)\b")
_ROOT = re.compile(r"<(?:[\w.-]+:)?(rss|feed|RDF|channel)\b", re.IGNORECASE)
#: A server's warnings stand before some feeds, marked up or not.
_LATE_START = re.compile(r"\A.{1,2000}?(?=<\?xml\b)|\A[^<]{1,1000}(?=<)", re.DOTALL)
_ENTRY = re.compile(r"<((?:[\w.-]+:)?(?:item|entry))(?=[\s>/])", re.IGNORECASE)
_AUTHOR = re.compile(
    r"(<((?:[\w.-]+:)?(?:author|creator|managingEditor|webMaster|name|contributor))\b[^>]{0,300}>)"
    r"((?:(?!</?\2\b)[^<]|<!\[CDATA\[|<(?!/?\2\b))*+)(?=</\2)",
)
_CDF_TITLE = re.compile(
    r"[^<]*(?:<[?!][^>]*>[^<]*)*<channel\b[^>]*>\s*<title\b[^>]*>(.{0,2000}?)</title",
    re.DOTALL | re.IGNORECASE,
)
_DECLARATION = re.compile(r"\A\s*<\?xml[^>]*\?>\s*")
_PERIOD = {"hourly": 3600, "daily": 86400, "weekly": 604800, "monthly": 2592000, "yearly": 31536000}
_DATES = ("published", "updated", "created")


def is_feed(text: str) -> bool:
    """Whether a text begins as a feed does, a server's warnings before it aside."""
    return _begins(text) or _begins(_LATE_START.sub("", text)) or is_json_feed(text)


def _begins(text: str) -> bool:
    start = _PROLOG.match(text)
    rest = text[start.end() if start else 0 :][:2000]
    doctype = _DOCTYPE.match(rest)
    if doctype:
        rest = rest[rest.find(">") + 1 :].lstrip()
    return bool(_ROOT.match(rest))


def read_feed(decoded: Decoded, *, url: str, now: datetime) -> ListReading:
    """Read a feed, at most its first 2,000 entries.

    Raises:
        ParseError: it is no feed, is cut off, declares entities, or is made to hurt.
    """
    text = decoded.text
    if is_json_feed(text):
        return read_json_feed(decoded, url=url, now=now)
    if not _begins(text):
        text = _LATE_START.sub("", text)
    _refuse(text, url)
    text, unread = _cut(text)
    raws = _raw_entries(text)
    text, wrong = mend(_shorten_authors(text))
    body = b'<?xml version="1.0" encoding="utf-8"?>' + _DECLARATION.sub("", text).encode(
        "utf-8", "replace"
    )
    read = read_plain(body) or by_feedparser(body, url=url)
    made = entries_of(read, raws=raws, url=url, now=now)
    kept: dict[str, Entry] = {}
    for entry in made:
        if entry:
            kept.setdefault(entry.key, entry)
    notes = (f"{unread} entries beyond {MAX_ENTRIES} were left out",) if unread else ()
    if wrong := wrong or read.wrong:
        notes = (*notes, f"not well-formed, read all the same: {wrong}")
    return ListReading(
        kind=SourceKind.FEED,
        entries=tuple(kept.values()),
        title=title_of(read.head, text) or None,
        charset=decoded.charset,
        charset_why=decoded.why,
        ttl=ttl_of(read.head),
        unread=unread + sum(1 for entry in made if entry is None),
        notes=notes,
    )


def entries_of(
    read: PlainFeed, *, raws: Sequence[str], url: str, now: datetime
) -> list[Entry | None]:
    """Our entries of a feed's first 2,000; None for one that has neither title nor text.

    ``raws`` are the entries as they stand, by which they are known again where there is one
    for each.
    """
    base = absolute(_str(read.head, "link"), url) or url
    aligned = len(raws) == len(read.entries)
    return [
        _entry(item, base=base, now=now, raw=raws[index] if aligned else None)
        for index, item in enumerate(read.entries[:MAX_ENTRIES])
    ]


def by_feedparser(body: bytes, *, url: str) -> PlainFeed:
    """The feed as feedparser sees it.

    Raises:
        ParseError: it sees none.
    """
    read = feedparser.parse(
        io.BytesIO(body),
        response_headers={"content-type": "application/xml; charset=utf-8"},
        sanitize_html=False,
        resolve_relative_uris=False,
    )
    why = one_line(str(read.get("bozo_exception") or "no entries"))[:100]
    if not read.get("version") and not read.entries:
        raise ParseError(f"{url} is no feed that can be read ({why})", url=url)
    # Plain mappings: feedparser's own answer with "published" when asked for "updated".
    entries = [dict(entry) for entry in read.entries]
    return PlainFeed(dict(read.feed), entries, why if read.get("bozo") else None)


def _refuse(text: str, url: str) -> None:
    start = _PROLOG.match(text)
    head = text[start.end() if start else 0 :][:5000]
    doctype = _DOCTYPE.match(head)
    if (doctype and doctype.group(1)) or _ENTITY.search(text[:100_000]):
        raise ParseError(f"{url} declares entities of its own, which no feed needs", url=url)
    if not is_feed(text):
        raise ParseError(
            f"{url} is no feed: it begins with {one_line(text[:60])!r}; name another kind", url=url
        )
    prescan(text, xml=True, url=url)
    root = _ROOT.search(text)
    name = root.group()[1:] if root else ""
    if f"</{name}" not in text:
        raise ParseError(
            f"{url} ends before its </{name}>: it was cut", reason="truncated", url=url
        )
    nests = name.lower() == "channel"  # CDF has channels within channels
    if not nests and re.search(rf"</{re.escape(name)}\s*>\s*<(?:\?xml|{re.escape(name)})\b", text):
        raise ParseError(f"{url} has more than one <{name}>", url=url)


def _cut(text: str) -> tuple[str, int]:
    """The feed without the entries beyond the bound, and how many those were."""
    starts = [found.start() for found in _ENTRY.finditer(text)]
    if len(starts) <= MAX_ENTRIES:
        return text, 0
    tag = _ENTRY.match(text, starts[0])
    close = f"</{tag.group(1)}>" if tag else ""
    last = text.rfind(close)
    end = last + len(close) if last > 0 else len(text)
    return text[: starts[MAX_ENTRIES]] + text[end:], len(starts) - MAX_ENTRIES


def _raw_entries(text: str) -> list[str]:
    """Each entry as it stands, white space aside: what an unchanged entry is known by."""
    found = list(_ENTRY.finditer(text))
    raws = []
    for index, tag in enumerate(found):
        until = found[index + 1].start() if index + 1 < len(found) else len(text)
        end = text.find(f"</{tag.group(1)}", tag.end(), until)
        raws.append(" ".join(text[tag.end() : end if end > 0 else until].split()))
    return raws


def _shorten_authors(text: str) -> str:
    return _AUTHOR.sub(
        lambda m: m.group() if len(m[3]) <= MAX_AUTHOR else m[1] + _short(m[3]), text
    )


def _short(value: str) -> str:
    plain = re.sub(r"<!\[CDATA\[|\]\]>|<[^>]{0,300}>|&[^;]{0,12}$", "", value)[:MAX_AUTHOR]
    return re.sub(r"&[^;]{0,12}$|[<>]", "", plain)


def _entry(
    item: Mapping[str, object], *, base: str, now: datetime, raw: str | None
) -> Entry | None:
    content = _content(item)
    described = clean(content or _str(item, "summary"))[:MAX_CONTENT]
    summary = _plain((_str(item, "summary") or content)[:20_000])
    title = _title(item) or shorten(summary, 60)
    guid = _str(item, "id")
    link = absolute(_str(item, "link"), base)
    if link is None and guid.startswith(("http://", "https://")) and item.get("guidislink", True):
        link = absolute(guid, base)
    if not title:
        return None
    printed = next((str(item[name]) for name in _DATES if item.get(name)), None)
    return make_entry(
        title=title,
        url=link,
        date_text=printed,
        summary=shorten(summary, _SUMMARY) or None,
        content_html=described if "<" in described or len(described) > _SUMMARY else None,
        author=one_line(_str(item, "author"))[:MAX_AUTHOR] or None,
        guid=guid or None,
        raw=raw,
        now=now,
    )


def _content(item: Mapping[str, object]) -> str:
    """The first content that says something."""
    contents = item.get("content")
    for one in contents if isinstance(contents, list) else ():
        if value := one.get("value"):
            return str(value)
    return ""


def _str(item: Mapping[str, object], name: str) -> str:
    return str(item.get(name) or "")


def _title(item: Mapping[str, object]) -> str:
    """A title whole: what a list prints around titles (dates, pins) is not printed in feeds."""
    return shorten(_plain(_str(item, "title")), MAX_TITLE)


def title_of(feed: Mapping[str, object], text: str) -> str:
    """The feed's own title; in CDF the first one, not that of its last inner channel."""
    first = _CDF_TITLE.match(text)
    return shorten(_plain(first.group(1)), MAX_TITLE) if first else _title(feed)


def _plain(value: str) -> str:
    """The text of a value that may be HTML, may be escaped, may be neither."""
    if "<" not in value:
        return one_line(unescape(value) if "&" in value else value)
    if value.count("<") > _DEEP * 10:
        return one_line(unescape(re.sub(r"<[^<>]{0,500}>", " ", value)))
    try:
        prescan(value)
    except ParseError:
        return one_line(unescape(re.sub(r"<[^<>]{0,500}>", " ", value)))
    return line_of(read_tree(f"<div>{value}</div>"))


def ttl_of(feed: Mapping[str, object]) -> timedelta | None:
    """How long the feed itself wishes to be left alone."""
    minutes = _str(feed, "ttl")
    if minutes.isdecimal() and int(minutes[:7]) > 0:
        return timedelta(minutes=min(int(minutes[:7]), 60 * 24 * 31))
    period = _PERIOD.get(_str(feed, "sy_updateperiod").strip().lower())
    if period:
        often = _str(feed, "sy_updatefrequency") or "1"
        times = max(1, int(often[:4])) if often.isdecimal() else 1
        return timedelta(seconds=min(period, 2_678_400) / times)
    return None
