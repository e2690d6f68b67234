"""Reading the journal: the current document of a feed, and the archive documents behind it.

A feed is the journal's changes that concern it, in order. Where its documents end follows from
the numbers of these changes alone (``publication.ends``), so that no row is kept for a feed, and
every server and every restored backup cuts alike (docs/adr/0018).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, Engine, text

from aggregator.errors import NotFoundError
from aggregator.model import Announcement, Grave, GraveReason, Window
from aggregator.publication import DOCUMENT_ENTRIES, ERA_BITS, ends, era_probes, feeds_of
from aggregator.store import publish, rows

#: How far a feed's changes are looked for by going through all of them, before the index is asked.
_STRIDE = 1000
#: The first eras asked of the index, and the factor by which their number grows.
_ERAS = 16
_GROWTH = 4


class Journal:
    """Implements ``ports.JournalStore``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def last(self) -> int:
        """The number of the newest change or cut; 0 for none."""
        with self._engine.connect() as connection:
            found = connection.execute(
                text(
                    "select greatest((select max(change) from changes),"
                    " (select max(change) from cuts), 0)"
                )
            )
            return int(found.scalar_one())

    def since(self, change: int, limit: int = 5000) -> Sequence[tuple[int, frozenset[str]]]:
        """Numbers of later changes, the oldest first, and the names of the feeds they concern;
        a cut concerns every feed, and so has none.
        """
        with self._engine.connect() as connection:
            found = connection.execute(
                text(
                    "select change, terms from ((select change, terms from changes where"
                    " change > :change order by change limit :limit) union all (select change,"
                    " '{}' from cuts where change > :change order by change limit :limit)) later"
                    " order by change limit :limit"
                ),
                {"change": change, "limit": limit},
            )
            return [(row[0], frozenset(row[1])) for row in found]

    def version(self, name: str) -> tuple[int, datetime] | None:
        """The last change or cut of a named feed, and when its last change was made."""
        with self._engine.connect() as connection:
            feed = _Feed(connection, name)
            newest = next(iter(feed.back(None, 1)), None)
            if newest is None:
                return None
            return max(newest, *feed.cuts[-1:], 0), feed.made_at(newest)

    def window(self, name: str) -> Window | None:
        """The current document of a named feed, or None when nothing ever concerned it.

        It holds every change since the last archive document, and is filled up to 50 entries
        with those that changed in substance before; so the oldest graves may be in it, too.
        """
        with self._engine.connect() as connection:
            feed = _Feed(connection, name)
            newest = next(iter(feed.back(None, 1)), None)
            if newest is None:
                return None
            run, before = feed.run(newest)
            left: list[int] = []
            prev: int | None = newest
            if not ends(newest, None, feed.cuts):
                whole = len(run) - len(run) % DOCUMENT_ENTRIES
                left, prev = run[whole:], run[whole - 1] if whole else before
            entries, graves = outcome(name, feed.at_changes(left))
            seen = {one.uuid for one in entries} | {one.uuid for one in graves}
            if prev is not None and len(entries) < DOCUMENT_ENTRIES:
                more = feed.earlier(prev, DOCUMENT_ENTRIES - len(entries), seen)
                entries, graves = [*more[0], *entries], [*more[1], *graves]
            return Window(
                entries=tuple(entries), graves=tuple(graves), through=newest,
                at=feed.made_at(newest), prev=prev,
            )  # fmt: skip

    def archive(self, name: str, number: int) -> Window:
        """The archive document of a named feed that ends with a change.

        Raises:
            NotFoundError: when no document of it ends there.
        """
        with self._engine.connect() as connection:
            feed = _Feed(connection, name)
            following = feed.forth(number, DOCUMENT_ENTRIES + 1)
            run, before = feed.run(number)
            if not run or run[-1] != number or not (
                len(run) % DOCUMENT_ENTRIES == 0
                or ends(number, next(iter(following), None), feed.cuts)
            ):  # fmt: skip
                raise NotFoundError(
                    f"no archive document {number} of the feed {name[:60]}; follow prev-archive"
                    " from its current document"
                )
            start = (len(run) - 1) // DOCUMENT_ENTRIES * DOCUMENT_ENTRIES
            entries, graves = outcome(name, feed.at_changes(run[start:]))
            return Window(
                entries=tuple(entries), graves=tuple(graves), through=number,
                at=feed.made_at(number), prev=run[start - 1] if start else before,
                next=_first_end(following, feed.cuts),
            )  # fmt: skip

    def catch_up(self, now: datetime) -> int:
        """Publish what a worker without a journal has just stored (a rolling upgrade)."""
        with self._engine.connect() as connection:
            return publish.publish_missed(connection, now, recent=True)

    def steps(self, change: int, through: int | None, limit: int) -> Sequence[Step]:
        """Changes after one, the oldest first, with what was published before each."""
        with self._engine.connect() as connection:
            found = connection.execute(
                text(
                    "select c.change, c.at, c.record, (select p.record from changes p"
                    " where p.announcement_id = c.announcement_id and p.change < c.change"
                    " order by p.change desc limit 1) as before, a.draft ->> 'body_text' as words"
                    " from changes c left join announcements a on a.id = c.announcement_id"
                    " where c.change > :change and c.change <= coalesce(:through, c.change)"
                    " order by c.change limit :limit"
                ),
                {"change": change, "through": through, "limit": limit},
            ).all()
        return [
            Step(
                change=row[0],
                at=row[1],
                after=replace(rows.record(row[2]), change=row[0]),
                before=rows.record(row[3]) if row[3] else None,
                words=row[4] or "",
            )
            for row in found
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One change: what it published, and what was published before, None for the first.

    Records do not hold what no feed prints; ``words`` is the whole text as it is now, so that
    words can be looked for.
    """

    change: int
    at: datetime
    after: Announcement
    before: Announcement | None
    words: str


class _Feed:
    """One feed's changes, looked up on one connection."""

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection = connection
        self._name = name
        connection.execute(text("set transaction isolation level repeatable read, read only"))
        self.cuts = list(
            connection.execute(text("select change from cuts order by change")).scalars()
        )
        self._newest = connection.execute(text("select max(change) from changes")).scalar() or 0

    def back(self, top: int | None, count: int, *, news: bool = False) -> list[int]:
        """Numbers of its changes up to ``top``, the newest first, at most so many."""
        top = self._newest if top is None else min(top, self._newest)
        found = self._strided("change <= :top", "desc", top, count, news=news)
        if len(found) >= count:
            return found
        last = top >> ERA_BITS
        return self._probed(_downward(last), f"change <= {top}", "desc", count, news=news)

    def forth(self, after: int, count: int) -> list[int]:
        """Numbers of its changes after one, the oldest first, at most so many."""
        found = self._strided("change > :top", "asc", after, count, news=False)
        if len(found) >= count:
            return found
        eras = _upward(after >> ERA_BITS, self._newest >> ERA_BITS)
        return self._probed(eras, f"change > {after}", "asc", count, news=False)

    def run(self, number: int) -> tuple[list[int], int | None]:
        """Its changes up to a number since a document had to end, the oldest first, and the
        change with which that one ended.
        """
        wanted = 2 * DOCUMENT_ENTRIES
        while True:
            found = self.back(number, wanted)
            for place in range(1, len(found)):
                if ends(found[place], found[place - 1], self.cuts):
                    return found[place - 1 :: -1], found[place]
            if len(found) < wanted:
                return found[::-1], None
            wanted *= 2

    def at_changes(self, numbers: Sequence[int]) -> list[publish.Published]:
        """The records that its changes published, the oldest first."""
        found = self._connection.execute(
            text(
                "select change, at, record from changes where change = any(cast(:n as bigint[]))"
                " order by change"
            ),
            {"n": list(numbers)},
        )
        return [published(row[0], row[1], row[2]) for row in found]

    def made_at(self, number: int) -> datetime:
        """When a change was made."""
        found = self._connection.execute(
            text("select at from changes where change = :n"), {"n": number}
        )
        made: datetime = found.scalar_one()
        return made

    def earlier(
        self, top: int, count: int, seen: set[UUID]
    ) -> tuple[list[Announcement], list[Grave]]:
        """So many entries that changed in substance before, and graves met on the way."""
        wanted = count
        while True:
            numbers = self.back(top, wanted, news=True)
            found = self._connection.execute(
                text(
                    "select distinct on (c.announcement_id) c.change, c.at, c.record"
                    " from changes c where c.announcement_id in (select announcement_id"
                    " from changes where change = any(cast(:n as bigint[])))"
                    " and :name = any(c.terms) order by c.announcement_id, c.change desc"
                ),
                {"n": numbers, "name": self._name},
            )
            last = [published(row[0], row[1], row[2]) for row in found]
            entries, graves = outcome(
                self._name, [one for one in last if one.record.uuid not in seen]
            )
            if len(entries) >= count or len(numbers) < wanted or wanted > 8 * DOCUMENT_ENTRIES:
                return entries[-count:], graves
            wanted *= 2

    def _strided(self, where: str, order: str, top: int, count: int, *, news: bool) -> list[int]:
        """Found by going through the changes next to a number: right for what is common."""
        found = self._connection.execute(
            text(
                f"select change from (select change, terms, news from changes where {where}"
                f" order by change {order} limit {_STRIDE}) near"
                f" where :name = any(terms){' and news' if news else ''}"
                f" order by change {order} limit :count"
            ),
            {"top": top, "name": self._name, "count": count},
        )
        return list(found.scalars())

    def _probed(
        self, eras: Iterator[list[int]], where: str, order: str, count: int, *, news: bool
    ) -> list[int]:
        """Found by the index, a growing number of eras at a time: right for what is rare."""
        self._connection.execute(text("set local enable_seqscan = off"))
        self._connection.execute(text("set local enable_indexscan = off"))
        found: list[int] = []
        for some in eras:
            these = self._connection.execute(
                text(
                    "select change from changes where eras && cast(:probes as bigint[])"
                    f" and :name = any(terms) and {where} order by change {order}"
                ),
                {
                    "probes": era_probes((publish.NEWS if news else "") + self._name, some),
                    "name": self._name,
                },
            )
            found += these.scalars()
            if len(found) >= count:
                break
        self._connection.execute(text("set local enable_indexscan = on"))
        return found[:count]


def outcome(
    name: str, changes: Sequence[publish.Published]
) -> tuple[list[Announcement], list[Grave]]:
    """What is left in a feed after some of its changes, and what is no more, in their order."""
    last = {one.record.uuid: one for one in changes}
    entries, graves = [], []
    for one in sorted(last.values(), key=lambda one: one.change):
        if name in feeds_of(one.record):
            entries.append(one.record)
        else:
            graves.append(_grave(one))
    return entries, graves


def published(change: int, at: datetime, record: str) -> publish.Published:
    """What a change published, from its row."""
    return publish.Published(
        change=change, at=at, record=replace(rows.record(record), change=change)
    )


def _first_end(following: Sequence[int], cuts: Sequence[int]) -> int | None:
    """Where the document after another ends, if it has ended."""
    for place, number in enumerate(following[:DOCUMENT_ENTRIES], start=1):
        after = following[place] if place < len(following) else None
        if place == DOCUMENT_ENTRIES or ends(number, after, cuts):
            return number
    return None


def _grave(one: publish.Published) -> Grave:
    record = one.record
    if record.removed_at is not None:
        why = GraveReason.REMOVED
    elif record.merged_into is not None:
        why = GraveReason.MERGED
    elif record.withdrawn_at is not None:
        why = GraveReason.WITHDRAWN
    else:
        why = GraveReason.LEFT
    return Grave(uuid=record.uuid, at=one.at, why=why, merged_into=record.merged_into)


def _downward(last: int) -> Iterator[list[int]]:
    """Eras from the last to the first, a growing number at a time."""
    width = _ERAS
    while last >= 0:
        yield list(range(max(last - width + 1, 0), last + 1))
        last -= width
        width *= _GROWTH


def _upward(first: int, last: int) -> Iterator[list[int]]:
    width = _ERAS
    while first <= last:
        yield list(range(first, min(first + width, last + 1)))
        first += width
        width *= _GROWTH
