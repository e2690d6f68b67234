"""JSON Feed 1.0 and 1.1 (jsonfeed.org/version/1.1): entries in JSON, ids of their own."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime

import msgspec

from aggregator.errors import ParseError
from aggregator.model import Entry, ListReading, SourceKind
from aggregator.parse.decode import Decoded
from aggregator.parse.rows import MAX_TITLE, make_entry
from aggregator.text import clean, one_line, shorten
from aggregator.urls import absolute

MAX_ENTRIES = 2000
_MAX_CONTENT = 500_000
_SUMMARY = 300
_VERSION = re.compile(r"""\A\s*\{[^\[]{0,2000}?"version"\s*:\s*"https?:\\?/\\?/jsonfeed\.org\\?/""")
_TAGS = re.compile(r"<[^<>]{0,500}>")


def is_json_feed(text: str) -> bool:
    """Whether a text begins as a JSON Feed does: its version names it before the items."""
    return bool(_VERSION.match(text[:3000]))


def read_json_feed(decoded: Decoded, *, url: str, now: datetime) -> ListReading:
    """Read a JSON Feed, at most its first 2,000 entries.

    Raises:
        ParseError: it is cut off (reason ``truncated``) or no JSON.
    """
    try:
        feed = msgspec.json.decode(decoded.text.encode("utf-8", "replace"), type=dict[str, object])
    except (msgspec.DecodeError, RecursionError) as error:
        cut = "truncated" in str(error)
        raise ParseError(
            f"{url} ends in the middle of its JSON: it was cut"
            if cut
            else f"{url} is no JSON that can be read ({str(error)[:100]})",
            reason="truncated" if cut else "parse",
            url=url,
        ) from error
    items = feed.get("items")
    rows = [row for row in items if isinstance(row, dict)] if isinstance(items, list) else []
    base = absolute(_text(feed, "home_page_url"), url) or url
    made = [_entry(row, base=base, now=now) for row in rows[:MAX_ENTRIES]]
    kept: dict[str, Entry] = {}
    for entry in made:
        if entry:
            kept.setdefault(entry.key, entry)
    beyond = max(0, len(rows) - MAX_ENTRIES)
    return ListReading(
        kind=SourceKind.FEED,
        entries=tuple(kept.values()),
        title=shorten(one_line(_text(feed, "title")), MAX_TITLE) or None,
        charset=decoded.charset,
        charset_why=decoded.why,
        unread=beyond + sum(1 for entry in made if entry is None),
        notes=(f"{beyond} entries beyond {MAX_ENTRIES} were left out",) if beyond else (),
    )


def _entry(row: Mapping[object, object], *, base: str, now: datetime) -> Entry | None:
    guid = _text(row, "id")
    html = clean(_text(row, "content_html"))[:_MAX_CONTENT]
    plain = _text(row, "content_text") or _TAGS.sub(" ", html)
    summary = one_line(_text(row, "summary") or plain[:20_000])
    title = shorten(one_line(_text(row, "title")), MAX_TITLE) or shorten(summary, 60)
    if not title:
        return None
    # §Items: an id is best the address; external_url is a page elsewhere that is talked about.
    link = next(
        (
            found
            for told in (_text(row, "url"), guid if guid.startswith("http") else "",
                         _text(row, "external_url"))
            if (found := absolute(told, base))
        ),
        None,
    )  # fmt: skip
    return make_entry(
        title=title,
        url=link,
        date_text=_text(row, "date_published") or _text(row, "date_modified") or None,
        summary=shorten(summary, _SUMMARY) or None,
        content_html=html or None,
        author=shorten(one_line(_author(row)), 320) or None,
        guid=guid or None,
        raw=json.dumps(row, ensure_ascii=False, sort_keys=True),
        now=now,
    )


def _author(row: Mapping[object, object]) -> str:
    """The first author; 1.0 has one ``author``, 1.1 a list."""
    authors = row.get("authors") or [row.get("author")]
    first = authors[0] if isinstance(authors, list) and authors else None
    return _text(first, "name") if isinstance(first, dict) else ""


def _text(row: Mapping[object, object] | Mapping[str, object], key: str) -> str:
    value = dict(row).get(key)
    return str(value) if isinstance(value, str | int | float) and value is not True else ""
