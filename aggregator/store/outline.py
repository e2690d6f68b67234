"""The journal in outline: every document of every feed, without asking for each of them.

What ``Journal`` looks up for one document at a time is made here from two passes: one over the
numbers, which says where all documents end, and one over the records that some documents need.
Both answer the same (tests/export).
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Engine, text

from aggregator.errors import NotFoundError
from aggregator.model import Announcement, Grave, Window
from aggregator.publication import DOCUMENT_ENTRIES, document_ends
from aggregator.store.journal import outcome, published
from aggregator.store.publish import Published

_STREAM = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedOutline:
    """One feed's changes in order; ``owners`` has the announcement of each, below zero when the
    change did not move the substance. ``ends`` are the places where archive documents end.
    """

    name: str
    changes: array[int]
    owners: array[int]
    ends: array[int]

    @property
    def numbers(self) -> list[int]:
        """The numbers of its archive documents, the oldest first."""
        return [self.changes[place] for place in self.ends]

    def holders(self, changes: Iterable[int]) -> set[int]:
        """The numbers of the archive documents in which some changes stand."""
        found = set()
        for change in changes:
            place = bisect_left(self.changes, change)
            which = bisect_left(self.ends, place)
            if which < len(self.ends) and self.changes[place] == change:
                found.add(self.changes[self.ends[which]])
        return found

    def needs(self, number: int | None) -> Sequence[int]:
        """The changes that a document is made of; of the current one, those that it usually is."""
        if number is not None:
            first, last = self._span(number)
            return self.changes[first : last + 1]
        return self.changes[-2 * DOCUMENT_ENTRIES :]

    def window(self, number: int | None, records: Records) -> Window:
        """An archive document by its number, or the current document.

        Raises:
            NotFoundError: when no document of it ends there.
        """
        if number is None:
            return self._current(records)
        first, last = self._span(number)
        entries, graves = outcome(self.name, records.of(self.changes[first : last + 1]))
        which = bisect_right(self.ends, last)
        return Window(
            entries=tuple(entries), graves=tuple(graves), through=number,
            at=records.of([number])[0].at,
            prev=self.changes[first - 1] if first else None,
            next=self.changes[self.ends[which]] if which < len(self.ends) else None,
        )  # fmt: skip

    def _span(self, number: int) -> tuple[int, int]:
        last = bisect_right(self.changes, number) - 1
        which = bisect_right(self.ends, last) - 1
        if last < 0 or self.changes[last] != number or which < 0 or self.ends[which] != last:
            raise NotFoundError(f"no archive document {number} of the feed {self.name}")
        return (self.ends[which - 1] + 1 if which else 0), last

    def _current(self, records: Records) -> Window:
        newest = self.changes[-1]
        closed = self.ends[-1] if self.ends else -1
        entries, graves = outcome(self.name, records.of(self.changes[closed + 1 :]))
        seen = {one.uuid for one in entries} | {one.uuid for one in graves}
        if closed >= 0 and len(entries) < DOCUMENT_ENTRIES:
            more = self._earlier(closed, DOCUMENT_ENTRIES - len(entries), seen, records)
            entries, graves = [*more[0], *entries], [*more[1], *graves]
        return Window(
            entries=tuple(entries), graves=tuple(graves), through=newest,
            at=records.of([newest])[0].at,
            prev=self.changes[closed] if closed >= 0 else None,
        )  # fmt: skip

    def _earlier(
        self, top: int, count: int, seen: Collection[object], records: Records
    ) -> tuple[list[Announcement], list[Grave]]:
        """So many entries that changed in substance before, as ``Journal`` finds them."""
        last_of = dict(zip(map(abs, self.owners), self.changes, strict=True))
        wanted = count
        while True:
            news, place = 0, top
            owners: set[int] = set()
            while place >= 0 and news < wanted:
                if self.owners[place] > 0:
                    news += 1
                    owners.add(self.owners[place])
                place -= 1
            found = records.of(sorted(last_of[owner] for owner in owners))
            entries, graves = outcome(
                self.name, [one for one in found if one.record.uuid not in seen]
            )
            if len(entries) >= count or news < wanted or wanted > 8 * DOCUMENT_ENTRIES:
                return entries[-count:], graves
            wanted *= 2


@dataclass(slots=True, kw_only=True)
class Outline:
    """All feeds of the journal up to ``last``."""

    last: int
    feeds: dict[str, FeedOutline]

    @staticmethod
    def load(engine: Engine, names: Collection[str] | None = None) -> Outline:
        """Read it, in one snapshot; of some feeds only, when they are named."""
        changes: dict[str, array[int]] = {}
        owners: dict[str, array[int]] = {}
        last = 0
        with engine.connect().execution_options(
            isolation_level="REPEATABLE READ", stream_results=True, max_row_buffer=_STREAM
        ) as connection:
            cuts = list(
                connection.execute(text("select change from cuts order by change")).scalars()
            )
            rows = connection.execute(
                text("select change, announcement_id, news, terms from changes order by change")
            )
            for change, owner, news, terms in rows:
                signed = owner if news else -owner
                for term in terms:
                    if names is None or term in names:
                        if term not in changes:
                            changes[term], owners[term] = array("q"), array("q")
                        changes[term].append(change)
                        owners[term].append(signed)
                last = change
        return Outline(
            last=max(last, *cuts[-1:], 0),
            feeds={
                name: FeedOutline(
                    name=name,
                    changes=numbers,
                    owners=owners[name],
                    ends=array("q", document_ends(numbers, cuts)),
                )
                for name, numbers in changes.items()
            },
        )


def seal(engine: Engine, change: int) -> str:
    """What a change was, so that a journal that was restored and went on is not taken for it."""
    with engine.connect() as connection:
        found = connection.execute(
            text(
                "select concat(uuid, ' ', at) from changes where change = :n"
                " union all select concat(why, ' ', at) from cuts where change = :n"
            ),
            {"n": change},
        ).scalar()
        return str(found or "")


def removed_after(engine: Engine, at: str) -> tuple[str, list[int]]:
    """When something was last taken out because the law demands it, and the changes that were
    blanked since a time: the only rows that are ever rewritten.
    """
    with engine.connect() as connection:
        newest = connection.execute(
            text("select coalesce(max(at), '-infinity')::text from removals")
        ).scalar_one()
        if newest == at:
            return at, []
        found = connection.execute(
            text(
                "select c.change from changes c join removals r using (announcement_id)"
                " where r.at > cast(:at as timestamptz) order by c.change"
            ),
            {"at": at or "-infinity"},
        ).scalars()
        return newest, list(found)


@dataclass(slots=True)
class Records:
    """What changes published, read many at a time; so many are kept."""

    engine: Engine
    most: int = 3000
    _kept: dict[int, Published] = field(default_factory=dict)

    def of(self, changes: Sequence[int]) -> list[Published]:
        """The records of some changes, in the order given."""
        kept = self._kept
        missing = [change for change in changes if change not in kept]
        found = self._read(missing) if missing else {}
        for change in changes:
            if change in kept:
                found[change] = kept[change] = kept.pop(change)
        kept.update((change, found[change]) for change in missing)
        while len(kept) > self.most:
            del kept[next(iter(kept))]
        return [found[change] for change in changes]

    def fetch(self, changes: Iterable[int]) -> None:
        """Read what will be needed next, in one go."""
        self.of(sorted(set(changes)))

    def _read(self, missing: Sequence[int]) -> dict[int, Published]:
        with self.engine.connect() as connection:
            rows = connection.execute(
                text(
                    "select change, at, record from changes"
                    " where change = any(cast(:n as bigint[]))"
                ),
                {"n": list(missing)},
            )
            return {row[0]: published(row[0], row[1], row[2]) for row in rows}
