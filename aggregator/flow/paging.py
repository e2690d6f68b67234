"""Paging a list back until its rows are known, within bounds, and remembering where it was cut."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import msgspec

from aggregator.errors import FetchError, SourceError
from aggregator.flow.requests import like
from aggregator.healing import carried, known_again
from aggregator.model import (
    Entry,
    KnownEntry,
    Learned,
    ListReading,
    Page,
    Request,
    Source,
    Unchanged,
)
from aggregator.ports import Fetcher, Reader

#: Pages read of a list at most: on the first poll, and later (DESIGN.md, one number each).
FIRST_PAGES = 5
LATER_PAGES = 20
#: A slow portal's pages are left for the next poll after this long, so that a batch ends.
PAGING_FOR = timedelta(seconds=90)

Unseen = Callable[[tuple[Source, Sequence[Entry]]], Awaitable[list[Entry]]]
#: What is known of a source's entries, asked for when a whole page is unknown.
Known = Callable[[Source], Awaitable[Sequence[KnownEntry]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the pages of one source showed.

    ``found`` counts the rows of the first page and ``known`` those of them that are known;
    ``moved`` are known entries under new addresses, with their old keys; ``gaps`` are
    requests from which reading has to go on at the next poll.
    """

    found: int
    known: int
    fresh: tuple[Entry, ...]
    moved: tuple[tuple[str, Entry], ...]
    pages: int
    page_bytes: int
    gaps: tuple[Request, ...]
    broken: bool
    learned: Learned
    notes: tuple[str, ...]
    ttl: timedelta | None = None


async def page_back(
    source: Source,
    first: tuple[Page, ListReading] | None,
    *,
    fetch: Fetcher,
    reader: Reader,
    unseen: Unseen,
    known: Known,
    clock: Callable[[], datetime],
) -> Seen:
    """Read on until rows are known, the list ends, repeats itself or a bound cuts.

    Gaps of earlier polls are read on from where they were cut; rows have only moved to
    later pages since, so nothing lies between. ``first`` is the first page as read, or
    None when it has not changed.
    """
    walk = _Walk(
        source=source, fetch=fetch, reader=reader, unseen=unseen, known=known, clock=clock
    )  # fmt: skip
    legs: list[Request] = []
    notes: tuple[str, ...] = ()
    ttl: timedelta | None = None
    found = standing = source.usual_rows
    if first:
        page, reading = first
        found, notes, ttl = len(reading.entries), reading.notes, reading.ttl
        walk.learned = reading.learned
        new = await walk.take(page, reading)
        standing = found - len(new - walk.moved.keys())
        strange = reading.relearned and source.first_polled_at and not standing
        if _all(reading, new) and reading.next and not strange:
            legs.append(reading.next)
    cuts = [cut for leg in legs if (cut := await walk.follow(leg))]
    cuts += [cut for leg in gaps_of(source) if (cut := await walk.follow(leg, old=True))]
    once_more = walk.broken and source.last_polled_at is None  # ADR 13
    if cuts and not source.first_polled_at and not once_more:
        notes = (*notes, f"the first poll ends after {walk.pages} pages; older rows are not taken")
        cuts = []
    return Seen(
        found=found,
        known=standing,
        fresh=tuple(walk.fresh.values()),
        moved=tuple(walk.moved.values()),
        pages=walk.pages,
        page_bytes=walk.page_bytes,
        gaps=tuple(cuts),
        broken=walk.broken,
        learned=walk.learned,
        notes=(*notes, *walk.notes),
        ttl=ttl,
    )


def gaps_of(source: Source) -> list[Request]:
    """Where earlier polls were cut."""
    return msgspec.json.decode(source.gap_open, type=list[Request]) if source.gap_open else []


def gap_text(gaps: Sequence[Request]) -> str | None:
    """Gaps as the source's row keeps them."""
    return msgspec.json.encode(list(gaps)).decode() if gaps else None


@dataclass(slots=True, kw_only=True)
class _Walk:
    """One poll's way through the pages of a source."""

    source: Source
    fetch: Fetcher
    reader: Reader
    unseen: Unseen
    known: Known
    clock: Callable[[], datetime]
    fresh: dict[str, Entry] = field(default_factory=dict)
    moved: dict[str, tuple[str, Entry]] = field(default_factory=dict)
    before: set[str] = field(default_factory=set)
    pages: int = 0
    page_bytes: int = 0
    learned: Learned = field(default_factory=Learned)
    notes: list[str] = field(default_factory=list)
    broken: bool = False
    started: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.learned = self.source.learned
        self.started = self.clock()

    async def take(self, page: Page, reading: ListReading) -> set[str]:
        """Keep what a page shows; the keys of its rows that were not known."""
        self.pages += 1
        self.page_bytes += len(page.body)
        self.before |= {entry.key for entry in reading.entries}
        new = await self.unseen((self.source, reading.entries))
        unknown = {entry.key for entry in new}
        moving = bool(self.moved)
        if new and self.source.first_polled_at and (reading.relearned or _all(reading, unknown)):
            known = await self.known(self.source)
            again = known_again(
                reading.entries, known, taken=[old for old, _ in self.moved.values()]
            )
            unknown -= {one.key for one in known}  # their rows are made otherwise, no more
            for entry in new:
                if entry.key in again:
                    old = again[entry.key]
                    self.moved.setdefault(entry.key, (old.key, carried(entry, old)))
        if moving and unknown and not unknown & self.moved.keys():
            return set()  # below all that is known: shown before we came (ADR 0003)
        for entry in new:
            if entry.key not in self.moved:
                self.fresh.setdefault(entry.key, entry)
        return unknown

    async def follow(self, leg: Request, *, old: bool = False) -> Request | None:
        """Read page after page; where it was cut, or None when the leg came to its end.

        An ``old`` leg begins where an earlier poll was cut. Rows that came on top since have
        moved known ones onto its first pages, so it ends at known rows only after new ones.
        """
        following: Request | None = leg
        found = False
        while following:
            if self.broken or self._at_bound():
                return following
            try:
                page = await self.fetch.get(like(self.source, following))
                if isinstance(page, Unchanged):
                    return None
                # The shape learned from the first page: a last page of one row shows none.
                reading = await self.reader.read_list(
                    page, source=replace(self.source, learned=self.learned), now=self.clock()
                )
            except SourceError as error:
                if _is_end(error):
                    return None
                self.broken = True
                self.notes.append(str(error))
                return following
            if {entry.key for entry in reading.entries} <= self.before:
                return None
            new = await self.take(page, reading)
            go_on = _all(reading, new) or (old and (not (found or new) or _ends_new(reading, new)))
            found = found or bool(new)
            following = reading.next if go_on else None
        return None

    def _at_bound(self) -> bool:
        most = LATER_PAGES if self.source.first_polled_at else FIRST_PAGES
        return self.pages >= most or self.clock() - self.started > PAGING_FOR


def _all(reading: ListReading, new: set[str]) -> bool:
    """Whether no row of a page was known, pinned ones aside."""
    rows = [entry for entry in reading.entries if not entry.pinned]
    return bool(rows) and all(entry.key in new for entry in rows)


def _ends_new(reading: ListReading, new: set[str]) -> bool:
    """Whether the last row of a page was not known: what is missing goes on below."""
    return bool(reading.entries) and reading.entries[-1].key in new


def _is_end(error: SourceError) -> bool:
    """Whether a page that is not there is the end: script-only paging has none (DOMAIN.md §3)."""
    status = error.status if isinstance(error, FetchError) else None
    return status in (404, 410) or error.reason == "soft_404"
