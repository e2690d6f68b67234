"""What an operator ruled of clusters: split and merged, by whom and why, and so for good."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import combinations, product
from uuid import UUID

from sqlalchemy import Connection, Engine, text

from aggregator import cluster
from aggregator.errors import UsageError
from aggregator.model import Announcement, AnnouncementId, EntryId, Ruling, RulingId
from aggregator.store.announcements import Announcements
from aggregator.store.gathered import Gathered
from aggregator.store.members import Member, merge_into
from aggregator.store.publish import publish
from aggregator.urls import canonical_url

Pair = tuple[EntryId, EntryId]


class Rulings:
    """Splits and merges; clustering never undoes them, whatever arrives later."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def split(
        self, ref: UUID | str | int, urls: Sequence[str], *, by: str, why: str, now: datetime
    ) -> Announcement:
        """Take the sightings at these addresses out of an announcement; the new one.

        Its feed id is new, the old one stays with the rest. Who got the old one as news is not
        sent the new one.

        Raises:
            NotFoundError: there is no such announcement.
            UsageError: an address is none of its sightings', or none would be left.
        """
        one = self._whole(ref)
        with self._engine.begin() as connection:
            gathered = _locked(connection, [one.id], now)
            members = gathered.members(one.id)
            out = _at(members, urls, one)
            rest = [m for m in members if m not in out]
            if not out or not rest:
                raise UsageError("name some of its sightings, and leave one at least")
            if any(m.entry_id is None for m in members):
                raise UsageError(
                    "its leading source was removed, so nothing can be kept apart from it"
                )
            apart = dict.fromkeys(_pairs(product(out, rest)), False)
            bound = dict.fromkeys((*_loose(out), *_loose(rest)), True)
            gathered.rule({**bound, **apart})
            gathered.part(one.id, out)
            made = next(gathered.home(m) for m in out)
            _write(connection, "split", (one.id, made), {**bound, **apart}, (by, why, now))
            publish(connection, gathered.touched, now)
        return Announcements(self._engine).get(made)

    def merge(
        self, ref: UUID | str | int, other: UUID | str | int, *, by: str, why: str, now: datetime
    ) -> Announcement:
        """Make one announcement of two; the older, which lives.

        The other's feed entry becomes a tombstone that names it, and who got either as news is
        not sent it again.

        Raises:
            NotFoundError: there is no such announcement.
            UsageError: they are one already, or one was removed because the law demands it.
        """
        two = [self._whole(ref), self._whole(other)]
        for one in two:
            if one.removed_at is not None:
                raise UsageError(f"{one.uuid} was removed for good; nothing is merged with it")
        heir, lost = sorted(two, key=lambda one: one.id)
        if heir.id == lost.id:
            raise UsageError("these are one announcement already")
        with self._engine.begin() as connection:
            gathered = _locked(connection, [heir.id, lost.id], now)
            sides = [gathered.members(one.id) for one in (heir, lost)]
            together = dict.fromkeys(_pairs(product(*sides)), True)
            gathered.rule(together)
            gathered.settle([*sides[0], *sides[1]], {heir.id, lost.id})
            if gathered.alive(lost.id):  # a side whose sources are gone: nothing can part them
                merge_into(connection, lost.id, heir, now)
            _write(connection, "merge", (heir.id, lost.id), together, (by, why, now))
            publish(connection, gathered.touched | {heir.id, lost.id}, now)
        return Announcements(self._engine).get(heir.id)

    def of(self, announcement_id: AnnouncementId) -> Sequence[Ruling]:
        """What was ruled of an announcement, the last first."""
        with self._engine.connect() as connection:
            found = connection.execute(
                text(
                    "select r.id, r.verdict, a.uuid as one, b.uuid as other, r.by, r.why, r.at"
                    " from rulings r join announcements a on a.id = r.announcement_id"
                    " join announcements b on b.id = r.other_id"
                    " where r.announcement_id = :id or r.other_id = :id order by r.id desc"
                ),
                {"id": announcement_id},
            ).mappings()
            return [
                Ruling(
                    id=RulingId(row["id"]), verdict=row["verdict"], announcement=row["one"],
                    other=row["other"], by=row["by"], why=row["why"], at=row["at"],
                )
                for row in found
            ]  # fmt: skip

    def _whole(self, ref: UUID | str | int) -> Announcement:
        """An announcement, or the one that it was merged into."""
        store = Announcements(self._engine)
        one = store.get(ref)
        return store.get(one.merged_into) if one.merged_into else one


def _locked(connection: Connection, ids: Sequence[AnnouncementId], now: datetime) -> Gathered:
    """Entries first, then announcements, each in order of id: as where articles are placed."""
    connection.execute(
        text(
            "select count(*) from (select id from entries where id in (select entry_id from"
            " sightings where announcement_id = any(cast(:ids as bigint[]))) order by id"
            " for update) locked"
        ),
        {"ids": sorted(ids)},
    )
    gathered = Gathered(connection, now)
    gathered.load(ids)
    return gathered


def _at(members: Sequence[Member], urls: Sequence[str], one: Announcement) -> list[Member]:
    """The members whose pages stand at the addresses."""
    found = []
    for url in urls:
        fits = [m for m in members if canonical_url(m.draft.url) == canonical_url(url)]
        fits = [m for m in fits if not m.bound and m.entry_id is not None]
        if not fits:
            raise UsageError(f'{url} is no sighting of it; "quxun show {one.uuid}" lists them')
        found += [m for m in fits if m not in found]
    return found


def _pairs(pairs: Iterable[tuple[Member, ...]]) -> list[Pair]:
    """Pairs of members as pairs of entries, the lower id first."""
    made: list[Pair] = []
    for one, other in pairs:
        if one.entry_id is not None and other.entry_id is not None:
            low, high = sorted((one.entry_id, other.entry_id))
            made.append((low, high))
    return made


def _loose(members: Sequence[Member]) -> list[Pair]:
    """Pairs that only somebody in between held together: they stay so without that one."""
    loose = [
        (one, other)
        for one, other in combinations(members, 2)
        if cluster.score(one.draft, other.draft) < cluster.SAME
    ]
    return _pairs(loose)


def _write(
    connection: Connection,
    verdict: str,
    two: tuple[AnnouncementId, AnnouncementId],
    pairs: dict[Pair, bool],
    said: tuple[str, str, datetime],
) -> None:
    by, why, now = said
    ruling = connection.execute(
        text(
            "insert into rulings (verdict, announcement_id, other_id, by, why, at)"
            " values (:verdict, :one, :other, :by, :why, :at) returning id"
        ),
        {"verdict": verdict, "one": two[0], "other": two[1], "by": by, "why": why, "at": now},
    ).scalar_one()
    ordered = sorted(pairs)
    connection.execute(
        text(
            "insert into ruled_pairs (one, two, together, ruling_id) select one, two, together,"
            " :ruling from unnest(cast(:ones as bigint[]), cast(:twos as bigint[]),"
            " cast(:togethers as boolean[])) as r (one, two, together) on conflict (one, two)"
            " do update set together = excluded.together, ruling_id = excluded.ruling_id"
        ),
        {
            "ruling": ruling,
            "ones": [one for one, _ in ordered],
            "twos": [two for _, two in ordered],
            "togethers": [pairs[pair] for pair in ordered],
        },
    )
