"""Rows that come as pieces of HTML, each a record of its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from lxml import etree

from aggregator.model import Entry
from aggregator.parse.column import learn, mark_pinned, unique
from aggregator.parse.rows import Row, entry_of
from aggregator.parse.tree import document
from aggregator.parse.walk import walk

_MAX = 2000


def entries_of_fragments(
    fragments: Sequence[str], *, base: str, now: datetime
) -> tuple[Entry, ...]:
    """One entry of each fragment that has a title; a fragment with many is read as a list."""
    entries: list[Entry] = []
    for fragment in fragments[:_MAX]:
        wrapped = f"<table>{fragment}</table>" if fragment.lstrip()[:3] == "<tr" else fragment
        page = document(f"<html><body>{wrapped}</body></html>", url=base)
        found = walk([page.root], base=base)
        body = next(iter(page.root.iter("body")), page.root)
        if len(found.stamps) > 1 and len(found.links) > 2:  # noqa: PLR2004
            entries.extend(entries_of_html(fragment, base=base, now=now))
            continue
        if not found.links:
            continue
        etree.strip_tags(body, "font")
        row = Row(root=body, links=found.links, stamp=found.stamps[0] if found.stamps else None)
        entry = entry_of(row, hints=True, now=now)
        if entry:
            entries.append(entry)
    return mark_pinned(unique(entries))


def entries_of_html(fragment: str, *, base: str, now: datetime) -> tuple[Entry, ...]:
    """The rows of one piece of HTML that holds a list."""
    page = document(f"<html><body>{fragment}</body></html>", url=base)
    entries, _ = learn(page, base=base, now=now)
    if not entries:
        found = walk([page.root], base=base)
        rows = [Row(root=link.element, links=[link], stamp=None) for link in found.links]
        made = (entry_of(row, hints=True, now=now) for row in rows)
        entries = tuple(entry for entry in made if entry)
    return mark_pinned(unique(entries))
