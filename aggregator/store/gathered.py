"""The announcements that one transaction has gathered, and which of their members belong together."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, text

from aggregator import cluster
from aggregator.model import Announcement, AnnouncementId, ArticleReport, Authority, Draft, EntryId
from aggregator.store import rows
from aggregator.store.members import (
    Member,
    candidates,
    copy_ledger,
    in_groups,
    members_of,
    merge_into,
    move,
    rulings_of,
)
from aggregator.store.records import Records

#: Who speaks for an announcement before whom.
RANK = {Authority.OFFICIAL: 0, Authority.MEDIA: 1, Authority.COMMERCIAL: 2}


class Gathered:
    """One transaction's view of the announcements that its drafts may belong to."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._records = Records(connection, now)
        #: Announcements that the journal has to look at before the commit.
        self.touched = self._records.touched
        self._known: dict[AnnouncementId, Announcement] = {}
        self._members: dict[AnnouncementId, list[Member]] = {}
        self._holders: dict[int, set[AnnouncementId]] = {}
        self._chosen: dict[EntryId, set[AnnouncementId]] = {}
        self._stood: dict[EntryId, str] = {}
        self._own: dict[EntryId, AnnouncementId] = {}
        self._heirs: dict[AnnouncementId, AnnouncementId] = {}
        self._ruled: dict[tuple[EntryId, EntryId], bool] = {}

    def prepare(self, reports: Sequence[ArticleReport]) -> None:
        """Lock the surest keys of all drafts and load what may be the same, set by set.

        The advisory locks last to the end of the transaction: two workers that store one
        notice at once come one after the other, and the second sees the first's row. Keys,
        and then rows in order of id, are locked in one order everywhere: no deadlocks.
        """
        drafts = [
            (one.draft, cluster.keys(one.draft), one.draft.posted_at or self._now)
            for one in reports
            if one.draft
        ]
        entries = [one.entry.id for one in reports if one.draft]
        locks = sorted({key for draft, _, _ in drafts for key in cluster.surest(draft)})
        if locks:
            self._connection.execute(
                text(
                    "select count(pg_advisory_xact_lock(k)) from"
                    " (select k from unnest(cast(:locks as bigint[])) k order by k) ordered"
                ),
                {"locks": locks},
            )
        chosen = candidates(self._connection, drafts, self._now)
        self._read_own(reports)
        self._read({one for ids in chosen.values() for one in ids}, lock=False)
        self._ruled |= rulings_of(
            self._connection,
            {*entries, *(m.entry_id for g in self._members.values() for m in g if m.entry_id)},
        )
        for place, ids in chosen.items():
            self._chosen[entries[place]] = self._fitting(entries[place], drafts[place][0], ids)
        self.load({*self._own.values(), *(one for ids in self._chosen.values() for one in ids)})
        self._read_own(reports)  # another may have moved them while we waited for the rows
        self.load(set(self._own.values()) - self._known.keys())

    def _read_own(self, reports: Sequence[ArticleReport]) -> None:
        """Which announcement each entry shows, and under which address it did."""
        for row in self._connection.execute(
            text(
                "select e.id, coalesce(g.announcement_id, e.announcement_id), g.url from entries e"
                " left join sightings g on g.entry_id = e.id where e.id = any(cast(:ids as"
                " bigint[])) and coalesce(g.announcement_id, e.announcement_id) is not null"
            ),
            {"ids": [one.entry.id for one in reports]},
        ):
            self._own[EntryId(row[0])] = AnnouncementId(row[1])
            if row[2] is not None:
                self._stood[EntryId(row[0])] = row[2]

    def _shown_by(self, entry: EntryId) -> AnnouncementId | None:
        """The announcement that an entry shows; the heir where this batch has merged it."""
        own = self._own.get(entry)
        while own in self._heirs:
            own = self._heirs[own]
        return own

    def load(self, ids: Collection[AnnouncementId]) -> None:
        """Lock announcements and read them with their members."""
        self._read(ids, lock=True)

    def _read(self, ids: Collection[AnnouncementId], *, lock: bool) -> None:
        if not ids:
            return
        found = self._connection.execute(
            text(
                "select * from announcements where id = any(cast(:ids as bigint[])) order by id"
                + (" for update" if lock else "")
            ),
            {"ids": sorted(ids)},
        ).mappings()
        fresh = {AnnouncementId(row["id"]): rows.announcement(row) for row in found}
        self._known |= fresh
        self._members |= members_of(self._connection, fresh)

    def members(self, one: AnnouncementId) -> Sequence[Member]:
        """Those of a loaded announcement."""
        return tuple(self._members[one])

    def alive(self, one: AnnouncementId) -> bool:
        """Whether a loaded announcement was not merged into another."""
        return self._known[one].merged_into is None

    def home(self, member: Member) -> AnnouncementId:
        """Where a member belongs now."""
        return next(
            one
            for one, group in self._members.items()
            if any(m.entry_id == member.entry_id for m in group)
        )

    def rule(self, ruled: Mapping[tuple[EntryId, EntryId], bool]) -> None:
        """Take an operator's rulings for true, whatever the store holds."""
        self._ruled |= ruled

    def _learn(self, one: AnnouncementId, group: Sequence[Member]) -> None:
        """Know what this batch stored by its keys: the search was made before it was there."""
        for member in group:
            for key in cluster.keys(member.draft):
                self._holders.setdefault(key, set()).add(one)

    def _fitting(
        self, entry_id: EntryId, draft: Draft, among: Collection[AnnouncementId]
    ) -> set[AnnouncementId]:
        """Those with a member that is the same as a draft, or was ruled to be."""
        ruled = {pair for pair, together in self._ruled.items() if together and entry_id in pair}
        joined = {one for pair in ruled for one in pair} - {entry_id}
        return {
            one
            for one in among
            if self._known[one].merged_into is None
            and any(
                m.entry_id in joined
                or (not m.bound and cluster.score(m.draft, draft) >= cluster.SAME)
                for m in self._members[one]
            )
        }

    def settle(
        self,
        members: Sequence[Member],
        near: Collection[AnnouncementId],
        *,
        newcomer: Member | None = None,
    ) -> Announcement | None:
        """Make announcements of members as they belong together; where the newcomer goes, or
        None when it stands alone.

        Every announcement keeps the group that holds its lead, the oldest first; one whose
        members all went elsewhere is merged, and a group that no announcement keeps is made a
        new one (DESIGN.md, Feeds).
        """
        groups = in_groups(members, self._ruled)
        keeps: dict[int, AnnouncementId] = {}
        left: list[AnnouncementId] = []
        for one in sorted(near):
            mine = [
                (any(m.leads for m in group if m.announcement_id == one), size, -place)
                for place, group in enumerate(groups)
                if place not in keeps and (size := sum(m.announcement_id == one for m in group))
            ]
            if mine:
                keeps[-max(mine)[2]] = one
            else:
                left.append(one)
        home: AnnouncementId | None = None
        for place, group in enumerate(groups):
            to = keeps.get(place)
            moving = [m for m in group if m.announcement_id != to and m is not newcomer]
            if to is None:
                if not moving:
                    continue  # the newcomer alone
                to = self._make(moving)
            elif moving:
                self._move(moving, to)
            self._members[to] = [
                replace(m, announcement_id=to, leads=m.leads and m.announcement_id == to)
                for m in group if m is not newcomer
            ]  # fmt: skip
            keeps[place] = to
            self._learn(to, self._members[to])
            if newcomer is not None and any(m is newcomer for m in group):
                home = to
        for one in left:
            went = next(
                keeps[place] for place, group in enumerate(groups)
                if any(m.announcement_id == one and m.leads for m in group)
            )  # fmt: skip
            merge_into(self._connection, one, self._known[went], self._now)
            self.touched |= {one, went}
            self._known[one] = replace(self._known[one], merged_into=self._known[went].uuid)
            self._heirs[one] = went
            self._members[one] = []
        for one in {*keeps.values()}:
            self._lead(one, but=newcomer)
        return self._known[home] if home is not None else None

    def part(self, one: AnnouncementId, out: Collection[Member]) -> None:
        """Let an announcement keep its id without some members, its lead among them perhaps."""
        gone = any(m.leads for m in out)
        members = self._members[one]
        if gone:
            heir = next(m for m in members if m not in out and not m.bound)
            members = [replace(m, leads=m is heir) for m in members]
        self.settle(members, {one})
        if gone:
            self._members[one] = [replace(m, leads=False) for m in self._members[one]]
            self._lead(one, but=None)

    def _lead(self, one: AnnouncementId, *, but: Member | None) -> None:
        """Let the best member speak when the one that did has gone, or is outranked."""
        group = [m for m in self._members[one] if not m.bound]
        lead = next((m for m in group if m.leads), None)
        if lead is None and but is not None and but.announcement_id == one and but.leads:
            lead = but
        best = min(group, key=lambda m: (RANK[m.draft.authority], m.seen_at), default=None)
        if best is not None and (
            lead is None or RANK[best.draft.authority] < RANK[lead.draft.authority]
        ):
            if lead is not None and lead.entry_id is not None:
                self._records.keep(lead.entry_id, lead.draft)
            self._known[one] = self._records.write(one, best, self._drafts(one), moved=True)
            self._members[one] = [
                replace(m, leads=m.entry_id == best.entry_id) for m in self._members[one]
            ]
        else:
            self._records.write_names(one, self._drafts(one))

    def _make(self, moving: Sequence[Member]) -> AnnouncementId:
        """A new announcement of members that were shown as others: who got one of those as
        news is not sent this one.
        """
        best = min(moving, key=lambda m: (RANK[m.draft.authority], m.seen_at))
        origins = sorted({m.announcement_id for m in moving if m.announcement_id is not None})
        made = self._records.insert(
            best,
            novelty=self._known[origins[0]].novelty,
            seen_at=min(m.seen_at for m in moving),
        )
        self._known[made.id] = made
        self._move(moving, made.id)
        for origin in origins:
            copy_ledger(self._connection, origin, made.id)
        return made.id

    def _move(self, moving: Sequence[Member], to: AnnouncementId) -> None:
        self.touched.add(to)
        self.touched.update(m.announcement_id for m in moving if m.announcement_id is not None)
        move(self._connection, moving, to)

    def _drafts(self, one: AnnouncementId) -> list[Draft]:
        """What all members of an announcement say."""
        return [m.draft for m in self._members[one]]
