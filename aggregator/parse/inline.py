"""Lists that stand in an inline script: parallel arrays, or an array of objects."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import datetime

import msgspec

from aggregator.errors import ParseError
from aggregator.model import Entry
from aggregator.parse.api import entries_in
from aggregator.parse.rows import make_entry, tidy_title
from aggregator.parse.tree import unescape
from aggregator.text import one_line
from aggregator.urls import absolute

_ITEM = re.compile(
    r"([A-Za-z_$][\w$]{0,40})\s*\[\s*[\w$+]{0,10}\s*\]\s*=\s*(?:'((?:[^'\\]|\\.)*+)'|\"((?:[^\"\\]|\\.)*+)\")"
)
_ARRAY = re.compile(r"=\s*(\[\s*\{)")
_HAN = re.compile(r"[\u4e00-\u9fff]")
_DATE = re.compile(r"(?:19|20)\d\d\D{1,3}\d{1,2}\D{1,3}\d{1,2}")
_MIN = 2
_MAX_SCRIPT = 2_000_000


def inline_entries(scripts: str, *, base: str, now: datetime) -> tuple[Entry, ...]:
    """Entries of a list that a script writes, or nothing."""
    scripts = scripts[:_MAX_SCRIPT]
    return _parallel(scripts, base, now) or _objects(scripts, base, now)


def _parallel(scripts: str, base: str, now: datetime) -> tuple[Entry, ...]:
    arrays: dict[str, list[str]] = defaultdict(list)
    for found in _ITEM.finditer(scripts):
        value = found.group(2) if found.group(2) is not None else found.group(3) or ""
        arrays[found.group(1)].append(unescape(re.sub(r"\\(.)", r"\1", value)))
    lists = {name: values for name, values in arrays.items() if len(values) >= _MIN}
    links = next((n for n, v in lists.items() if all(_is_link(x, base) for x in v)), None)
    if links is None:
        return ()
    size = len(lists[links])
    same = {name: v for name, v in lists.items() if len(v) == size and name != links}
    titles = max(
        (name for name, v in same.items() if sum(bool(_HAN.search(x)) for x in v) > size / 2),
        key=lambda name: sum(len(x) for x in same[name]),
        default=None,
    )
    if titles is None:
        return ()
    whole = next((n for n, v in same.items() if all(_DATE.search(x) for x in v)), None)
    parts = [
        next((n for n in same if word in n.lower() and n not in {titles, links}), None)
        for word in ("year", "mon", "day")
    ]
    entries = []
    for i in range(size):
        printed = same[whole][i] if whole else None
        if not printed and all(parts):
            printed = "-".join(re.sub(r"\D", "", same[str(name)][i]) for name in parts)
        title = tidy_title(re.sub(r"<[^>]{0,200}>", "", same[titles][i]))
        if title:
            url = absolute(lists[links][i], base)
            entries.append(make_entry(title=one_line(title), url=url, date_text=printed, now=now))
    return tuple(entries)


def _is_link(text: str, base: str) -> bool:
    return bool(
        re.search(r"^(?:https?:)?/|^\.{1,2}/|\.s?html?(?:$|\?)", text) and absolute(text, base)
    )


def _objects(scripts: str, base: str, now: datetime) -> tuple[Entry, ...]:
    best: tuple[Entry, ...] = ()
    for found in list(_ARRAY.finditer(scripts))[:20]:
        text = _balanced(scripts, found.start(1))
        if text is None:
            continue
        try:
            entries = entries_in(msgspec.json.decode(text.encode()), paths={}, base=base, now=now)
        except (msgspec.DecodeError, ParseError):
            continue
        dated = [entry for entry in entries if entry.date]
        if len(dated) >= _MIN and len(entries) > len(best):
            best = entries
    return best


def _balanced(text: str, start: int) -> str | None:
    """The bracketed text that begins at ``start``, strings heeded."""
    depth = 0
    for piece in re.finditer(r'"(?:[^"\\]|\\.)*+"|[\[\]{}]', text[start:]):
        mark = piece.group()
        if mark in "[{":
            depth += 1
        elif mark in "]}":
            depth -= 1
            if not depth:
                return text[start : start + piece.end()]
    return None
