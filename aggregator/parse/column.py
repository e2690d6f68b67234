"""A list page (栏目) read by nothing but how it is made: which of its repeated rows are news."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from aggregator.errors import ParseError
from aggregator.model import Entry, Learned, ListReading, Relearned, Selectors, SourceKind
from aggregator.parse.choose import (
    blocks,
    is_portal,
    look_around,
    may_stand_alone,
    plausible,
    plausible_undated,
    weigh,
)
from aggregator.parse.decode import Decoded
from aggregator.parse.groups import Group, add_undated, dated_groups, undated_groups
from aggregator.parse.inline import inline_entries, written_markup
from aggregator.parse.joins import join_torn
from aggregator.parse.known import Shape, described, read_known, shape_of, stays
from aggregator.parse.notice import is_article
from aggregator.parse.paging import next_page
from aggregator.parse.prescan import prescan
from aggregator.parse.refusals import refuse_soft_failures
from aggregator.parse.rows import Row, begins, entry_of, is_cut
from aggregator.parse.shapes import Shapes
from aggregator.parse.told import told_entries, told_nothing
from aggregator.parse.tree import Document, document
from aggregator.parse.walk import walk
from aggregator.text import fold
from aggregator.urls import absolute, text_key

#: An address of so many titles is none of an article.
_SHARED = 4


def read_column(
    decoded: Decoded, *, url: str, now: datetime, selectors: Selectors, learned: Learned
) -> ListReading:
    """Read a list page: its rows, its next page, what its head says.

    Raises:
        ParseError: the page is refused by the look before parsing, or says that there is
            nothing to see (soft 404, login, challenge).
    """
    page = document(decoded.text, url=url)
    base = absolute(page.base, url) or url
    notes: tuple[str, ...] = ()
    column = Column(entries=(), shape=learned.rows)
    entries: tuple[Entry, ...] = ()
    missed = told_nothing(decoded.text, selectors)
    if selectors.rows:
        prescan(decoded.text, url=url)
        entries = told_entries(decoded.text, selectors=selectors, base=base, now=now)
        if not entries:
            notes = (f"the given selector {selectors.rows!r} found no row; read unaided",)
    if not entries:
        # Rows of a known shape are proof enough that this is a page of its site.
        column = parse_column(page, base=base, now=now, shape=learned.rows)
        if not column.kept:
            refuse_soft_failures(page, url=url)
        entries = column.entries
    if not any(entry.date_text for entry in entries):
        entries = _scripted(page, entries, base=base, now=now)
    entries = unique(entries)
    if not column.several:
        entries = mark_pinned(entries)
    reading = ListReading(
        kind=SourceKind.COLUMN,
        entries=entries,
        next=next_page(page, url=url, base=base, entries=len(entries), selector=selectors.next),
        learned=replace(learned, rows=column.shape),
        relearned=column.relearned,
        notes=notes,
        missed=missed if entries or not selectors.rows else ("rows",),
    )
    return with_head(reading, page, decoded)


def _scripted(
    page: Document, shown: tuple[Entry, ...], *, base: str, now: datetime
) -> tuple[Entry, ...]:
    """The list that the page's scripts hold or write, if it says more than what is shown.

    Where such a list is, the page itself shows nothing, or links without dates.
    """
    held = inline_entries(page.scripts, base=base, now=now)
    markup = "" if held else written_markup(page.scripts)
    if markup:
        with contextlib.suppress(ParseError):  # the page itself was fit to be read
            written = document(f"<html><body>{markup}</body></html>", url=base)
            held = parse_column(written, base=base, now=now, shape=None).entries
    return held if held and (not shown or any(entry.date for entry in held)) else shown


def with_head(reading: ListReading, page: Document, decoded: Decoded) -> ListReading:
    """The reading with what the head of its page says about site and column."""
    return replace(
        reading,
        title=page.title or None,
        site_name=page.meta.get("sitename"),
        site_code=page.meta.get("siteidcode"),
        column_name=page.meta.get("columnname"),
        column_type=page.meta.get("columntype"),
        charset=decoded.charset,
        charset_why=decoded.why,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """The rows of a page, the shape that read them, and what it replaced if it is another.

    ``kept`` tells that the known shape read them, without a look at the rest of the page.
    """

    entries: tuple[Entry, ...]
    shape: str | None
    kept: bool = False
    relearned: Relearned | None = None

    @property
    def several(self) -> bool:
        """Whether the rows are of several lists, each newest first for itself."""
        shape = shape_of(self.shape)
        return shape is not None and shape.rows is None


def parse_column(page: Document, *, base: str, now: datetime, shape: str | None) -> Column:
    """The rows of a page by the shape they were known by, or by one learned anew.

    Args:
        page: the page as a tree.
        base: what its links are relative to.
        now: for dates without a year.
        shape: what an earlier reading gave as ``shape``, or None.

    Returns:
        The given shape comes back letter by letter when it read the page, and when the page
        has no rows at all; another one comes with ``relearned``.
    """
    known = shape_of(shape)
    group = read_known(page, known, base=base) if known else ""
    if isinstance(group, Group):
        return Column(entries=_entries(group.rows, now), shape=shape, kept=True)
    why = group
    entries, learned = learn(page, base=base, now=now, known=known)
    if learned is None:
        return Column(entries=entries, shape=shape)
    if known is None or (learned.key == known.key and (learned.rows is None or known.rows is None)):
        return Column(entries=entries, shape=str(learned))
    if learned.key == known.key:
        return Column(entries=entries, shape=shape)
    changed = Relearned(before=described(known), after=described(learned), why=why)
    return Column(entries=entries, shape=str(learned), relearned=changed)


def learn(
    page: Document, *, base: str, now: datetime, known: Shape | None = None
) -> tuple[tuple[Entry, ...], Shape | None]:
    """The rows of the page's list, or of its blocks, and the shape they are known by.

    A list of the ``known`` shape is taken before a longer one, while it fits.
    """
    found = walk([page.root], base=base)
    around = look_around(page, found, base=base)
    shapes = Shapes()
    groups = join_torn(dated_groups(found, shapes), found)
    for group in groups:
        add_undated(found, group)
    key = known.key if known else None
    # A last page of one row is a list all the same where the first page showed the shape.
    groups = [group for group in groups if group.key == key or plausible(group, around)]
    around.learn_addresses(groups)
    taken = {link.element for group in groups for row in group.rows for link in row.links}
    groups.extend(
        group
        for group in join_torn(undated_groups(found, shapes, taken=taken), found)
        if plausible_undated(group, around)
    )
    for group in groups:
        group.weight = weigh(group, around)
    lists = [group for group in groups if may_stand_alone(group, around)]
    if not lists:
        return (), None
    best = max(lists, key=lambda group: group.weight)
    best = next((g for g in groups if g.key == key and stays(g, best, known)), best)
    if is_article(groups, best, around):
        return (), None
    around.learn_addresses([best])
    chosen = blocks(groups, best, around) if is_portal(best, around) else [best]
    rows = [row for group in chosen for row in group.rows]
    whole = len(chosen) == 1 and not best.torn
    shape = Shape(best.key, len(best.rows) if whole else None)
    return _entries(rows, now), shape


def _entries(rows: Sequence[Row], now: datetime) -> tuple[Entry, ...]:
    ordered = sorted(rows, key=lambda row: row.link.at)
    hints = _trusted_hints(ordered)
    entries = (entry_of(row, hints=hints, now=now) for row in ordered)
    return tuple(entry for entry in entries if entry)


def _trusted_hints(rows: Sequence[Row]) -> bool:
    """Whether title attributes say something of their own: not one word for all rows."""
    hints = Counter(row.link.hint for row in rows if row.link.hint)
    return not hints or hints.most_common(1)[0][1] <= max(2, len(rows) // 3)


def unique(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Each entry once, the first of its kind; a date or the whole title is taken from a twin."""
    entries = _apart(entries)
    kept: dict[str, Entry] = {}
    named = {entry.title for entry in entries if entry.url}
    for entry in entries:
        if entry.url is None and entry.date is None and entry.title in named:
            continue
        old = kept.get(entry.key)
        if old is None:
            kept[entry.key] = entry
            continue
        if entry.date and not old.date:
            old = replace(old, date=entry.date, date_text=entry.date_text, raw_hash=entry.raw_hash)
        if is_cut(old.title) and not is_cut(entry.title) and begins(entry.title, old.title):
            old = replace(old, title=entry.title)
        kept[entry.key] = old
    return tuple(kept.values())


def _apart(entries: Sequence[Entry]) -> Sequence[Entry]:
    """Entries whose address is that of one page for all, told apart by title instead.

    A page that shows its articles by script, or by an anchor, has one address for them.
    """
    titles: dict[str, set[str]] = {}
    if len({entry.key for entry in entries}) + _SHARED > len(entries) + 1:
        return entries
    for entry in entries:
        titles.setdefault(entry.key, set()).add(fold(entry.title))
    shared = {key for key, told in titles.items() if len(told) >= _SHARED}
    if not shared:
        return entries
    return [
        replace(entry, key=text_key(f"{entry.key}|{entry.title}")) if entry.key in shared else entry
        for entry in entries
    ]


def mark_pinned(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Mark old rows that stand before newer ones in a list that is else newest first."""
    days = [(entry.date or "")[:10] for entry in entries]
    rest = 0
    while rest < min(6, len(days) // 2) and any(d > days[rest] for d in days[rest + 1 :]):
        rest += 1
    tail = [day for day in days[rest:] if day]
    if rest and len(tail) >= 3 and tail == sorted(tail, reverse=True):  # noqa: PLR2004
        return tuple(
            replace(entry, pinned=True) if index < rest else entry
            for index, entry in enumerate(entries)
        )
    return tuple(entries)
