"""Placing a draft: a revision of its own announcement, a sighting of another's, or a new one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import text

from aggregator import cluster
from aggregator.model import (
    Announcement,
    AnnouncementId,
    ArticleOutcome,
    ArticleReport,
    Draft,
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
from aggregator.store.gathered import RANK, Gathered
from aggregator.store.members import Member
from aggregator.store.records import SHANGHAI, novelty_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Where a draft went, and whether readers will see a difference."""

    id: AnnouncementId
    changed: bool


class Clusters(Gathered):
    """Places the drafts of one transaction."""

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
        outranks = RANK[draft.authority] < RANK[there.draft.authority]
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
