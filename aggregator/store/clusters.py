"""Placing a draft: a revision of its own announcement, a sighting of another's, or a new one."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, text

from aggregator import cluster
from aggregator.model import (
    Announcement,
    AnnouncementId,
    ArticleOutcome,
    ArticleReport,
    Authority,
    Draft,
    EntryId,
    Flag,
)
from aggregator.store import rows
from aggregator.store.changes import (
    changes_of,
    other_template,
    read_again,
    read_otherwise,
    still_titled,
    weighty,
)
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
from aggregator.store.records import SHANGHAI, Records, novelty_of

_RANK = {Authority.OFFICIAL: 0, Authority.MEDIA: 1, Authority.COMMERCIAL: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Where a draft went, and whether readers will see a difference."""

    id: AnnouncementId
    changed: bool


class Clusters:
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

    def place(self, report: ArticleReport, draft: Draft, *, held: bool) -> Placed:
        """Put a draft where it belongs, and whatever it brings together or apart."""
        own = self._shown_by(report.entry.id)
        there = self._known.get(own) if own else None
        if there is not None and there.removed_at is not None:
            return Placed(id=there.id, changed=False)
        stood = self._stood.get(report.entry.id)
        moved = there is not None and stood is not None and stood != draft.url
        leads = moved and there is not None and there.draft.url == stood
        if there is None and (there := self._moved(report, draft)):
            moved = leads = True
            self.load([there.id])
            self._retire(report, there.id)
        me = Member(
            entry_id=report.entry.id,
            announcement_id=there.id if there else None,
            draft=draft,
            source_id=report.entry.source.id,
            source_name=report.entry.source.name,
            region=report.entry.source.region,
            seen_at=report.entry.first_seen_at,
        )
        if there is not None:
            self.touched.add(there.id)  # it may lose this page to another
        there = self._join(me, there)
        if there is None:
            return self._create(report, me, held=held)
        return self._revise(report, me, there, leads=leads, moved=moved)

    def _join(self, me: Member, there: Announcement | None) -> Announcement | None:
        """The announcement of a member among all that it may belong to, put in order."""
        near = self._near(me, there)
        if not near or (there is not None and near == {there.id}):
            return there
        others = [
            one for other in sorted(near) for one in self._members[other]
            if one.entry_id != me.entry_id or one.entry_id is None
        ]  # fmt: skip
        if there is not None:
            lead = next(
                (m.leads for m in self._members[there.id] if m.entry_id == me.entry_id), False
            )
            me = replace(me, leads=lead)
        return self.settle([*others, me], near, newcomer=me)

    def _near(self, me: Member, there: Announcement | None) -> set[AnnouncementId]:
        """Announcements of which a member is the same as this one, its own besides."""
        assert me.entry_id is not None
        stored = {one for key in cluster.keys(me.draft) for one in self._holders.get(key, ())}
        among = (self._chosen.get(me.entry_id, set()) | stored) & self._members.keys()
        near = self._fitting(me.entry_id, me.draft, among)
        return near | ({there.id} if there is not None else set())

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
        best = min(group, key=lambda m: (_RANK[m.draft.authority], m.seen_at), default=None)
        if best is not None and (
            lead is None or _RANK[best.draft.authority] < _RANK[lead.draft.authority]
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
        best = min(moving, key=lambda m: (_RANK[m.draft.authority], m.seen_at))
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

    def _moved(self, report: ArticleReport, draft: Draft) -> Announcement | None:
        """The notice that this source showed under another address before its redesign.

        Title and day (± 1) decide, whatever the new template makes of the text (DOMAIN.md §13).
        """
        source, posted = report.entry.source, draft.posted_at
        change = source.redesign
        if change is None or posted is None or report.entry.first_seen_at < change.at:
            return None
        fits = [
            one
            for _, one in sorted(self._known.items())
            if one.source_id == source.id and one.first_seen_at < change.at
            and one.merged_into is None
            and one.draft.title_key == draft.title_key and one.draft.posted_at
            and _days_apart(one.draft.posted_at, posted) <= 1 and one.draft.url != draft.url
        ]  # fmt: skip
        return fits[0] if len(fits) == 1 else None

    def _retire(self, report: ArticleReport, announcement: AnnouncementId) -> None:
        """Look no more at the old addresses of a notice that has moved."""
        self._connection.execute(
            text(
                "update entries set due_at = null where announcement_id = :id"
                " and source_id = :source and first_seen_at < :at"
            ),
            {
                "id": announcement,
                "source": report.entry.source.id,
                "at": report.entry.first_seen_at,
            },
        )

    def withdraw(self, report: ArticleReport) -> list[AnnouncementId]:
        """Mark the entry's announcement withdrawn, unless another portal still shows it."""
        own = self._shown_by(report.entry.id)
        if own is None:
            return []
        found = self._connection.execute(
            text(
                "update announcements a set withdrawn_at = :now, changed_at = :now,"
                " revision = revision + 1 where a.id = :id and a.withdrawn_at is null"
                " and not exists (select 1 from sightings g join entries e on e.id = g.entry_id"
                " where g.announcement_id = a.id and e.id <> :entry and e.gone_since is null)"
                " returning a.id, a.revision"
            ),
            {"now": self._now, "id": own, "entry": report.entry.id},
        ).all()
        for one, revision in found:
            self._write_revision(one, revision, {"withdrawn": ("", _day(self._now))})
        gone = [AnnouncementId(row[0]) for row in found]
        self.touched.update(gone)
        return gone

    def _create(self, report: ArticleReport, me: Member, *, held: bool) -> Placed:
        novelty = novelty_of(report, me.draft, held=held)
        made = self._records.insert(me, novelty=novelty, seen_at=me.seen_at)
        self._known[made.id] = made
        self._records.sight(report, me.draft, made.id)
        self._members[made.id] = [replace(me, announcement_id=made.id, leads=True)]
        self._learn(made.id, self._members[made.id])
        return Placed(id=made.id, changed=True)

    def _revise(
        self,
        report: ArticleReport,
        me: Member,
        there: Announcement,
        *,
        leads: bool,
        moved: bool,
    ) -> Placed:
        """Let a better or newer draft replace the one there, with a revision if it differs.

        The leading sighting speaks; another, of the same portal too, takes the lead only when
        its authority is higher. Otherwise two rows of one notice would revise it in turns.
        A row alone never replaces what was read. A page under a new address or a new template,
        and a newer reading of ours, change the substance only where it counts (promise 10).
        What no issuer changed is written down as read anew and told to nobody: the same page
        read otherwise, a copy of the notice that speaks from now on, an article where there
        was only a row.
        """
        draft = me.draft
        leads = leads or there.source_id is None or (
            me.source_id == there.source_id and draft.url == there.draft.url
        )  # fmt: skip
        outranks = _RANK[draft.authority] < _RANK[there.draft.authority]
        row_only = report.outcome is ArticleOutcome.ROW_ONLY
        was_row_only = Flag.ROW_ONLY in there.draft.flags
        speaks = not row_only and (leads or outranks or was_row_only)
        self._records.sight(report, draft, there.id)
        self._seat(me, there, speaks=speaks, leads=leads)
        if not speaks:
            self._records.write_names(there.id, self._drafts(there.id))
            return Placed(id=there.id, changed=False)
        back = there.withdrawn_at is not None
        redesigned = moved or other_template(report)
        draft = still_titled(report, draft, there.draft)
        me = replace(me, draft=draft)
        changes = changes_of(there.draft, draft)
        reread = read_again(report)
        newer = draft.extractor > there.draft.extractor
        if redesigned or newer:
            changes = weighty(there.draft, draft, changes, redesigned=redesigned)
        substance = (
            draft.substance_hash != there.draft.substance_hash
            and bool(changes)
            and (newer or not reread)
        )
        read_better = reread or (newer and read_otherwise(there.draft, draft))
        told = substance and not read_better
        ours = read_better or was_row_only or not leads
        if draft == there.draft and not back:
            self._records.write_names(there.id, self._drafts(there.id))
            return Placed(id=there.id, changed=False)
        revised = self._records.write(
            there.id, me, self._drafts(there.id), substance=substance or back, moved=told or back
        )
        self._known[there.id] = revised
        if there.withdrawn_at is not None:
            changes = {} if ours else changes
            changes["withdrawn"] = (_day(there.withdrawn_at), "")
        if substance or back:
            why = "reread" if ours and not back else "edited"
            self._write_revision(there.id, revised.revision, changes, why=why)
        return Placed(id=there.id, changed=told or back)

    def _write_revision(
        self,
        one: AnnouncementId,
        revision: int,
        changes: dict[str, tuple[str, str]],
        *,
        why: str = "edited",
    ) -> None:
        self._connection.execute(
            text(
                "insert into revisions (announcement_id, revision, at, changes, why)"
                " values (:id, :revision, :now, cast(:changes as jsonb), :why)"
            ),
            {
                "id": one,
                "revision": revision,
                "now": self._now,
                "changes": rows.to_json(changes),
                "why": why,
            },
        )

    def _drafts(self, one: AnnouncementId) -> list[Draft]:
        """What all members of an announcement say."""
        return [m.draft for m in self._members[one]]

    def _seat(self, me: Member, there: Announcement, *, speaks: bool, leads: bool) -> None:
        """Know a member in its announcement; who no longer leads keeps what it says, and so
        does who never did.
        """
        assert me.entry_id is not None
        group = [m for m in self._members.get(there.id, []) if m.entry_id != me.entry_id]
        lead = next((m for m in group if m.leads), None)
        if speaks and lead is not None:
            if lead.entry_id is not None:
                self._records.keep(lead.entry_id, lead.draft)
            group = [replace(m, leads=False) for m in group if m.entry_id is not None]
        leading = speaks or (leads and lead is None)
        self._records.keep(me.entry_id, None if leading else me.draft)
        said = me.draft if speaks or not leading else there.draft
        me = replace(me, announcement_id=there.id, draft=said, leads=leading)
        self._members[there.id] = [*group, me]
        self._learn(there.id, [me])


def _day(at: datetime) -> str:
    return at.astimezone(SHANGHAI).date().isoformat()


def _days_apart(one: datetime, other: datetime) -> int:
    return abs((one.astimezone(SHANGHAI).date() - other.astimezone(SHANGHAI).date()).days)
