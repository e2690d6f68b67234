"""Placing a draft: a revision of its own announcement, a sighting of another's, or a new one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from hashlib import blake2b
from uuid import uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text

from aggregator import cluster, divisions
from aggregator.model import (
    Announcement,
    AnnouncementId,
    ArticleOutcome,
    ArticleReport,
    Authority,
    Draft,
    EntryId,
    Flag,
    Novelty,
    Precision,
)
from aggregator.store import rows
from aggregator.store.changes import changes_of, other_template, read_again, still_titled, weighty
from aggregator.text import fold

SHANGHAI = ZoneInfo("Asia/Shanghai")
#: Posted this long before first seen: mailed and marked late, or not mailed (promise 11).
LATE_AFTER = timedelta(days=3)
OLD_AFTER = timedelta(days=30)
#: Reposts come up to a year later; older ones are notices of their own (DOMAIN.md §13).
LOOK_BACK = timedelta(days=400)
_RANK = {Authority.OFFICIAL: 0, Authority.MEDIA: 1, Authority.COMMERCIAL: 2}
_NO_SUM = {"aggregate", "other", "unit", "rate"}


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
        self._known: dict[AnnouncementId, Announcement] = {}
        self._by_key: dict[str, set[AnnouncementId]] = {}
        self._stood: dict[EntryId, str] = {}

    def prepare(self, reports: Sequence[ArticleReport]) -> None:
        """Lock the keys of all drafts and load what may be the same, in two queries.

        The advisory locks last to the end of the transaction: two workers that store one
        notice at once come one after the other, and the second sees the first's row. Keys,
        and then rows in order of id, are locked in one order everywhere: no deadlocks.
        """
        drafts = [report.draft for report in reports if report.draft]
        own = sorted({r.entry.announcement_id for r in reports if r.entry.announcement_id})
        keys = sorted({key for draft in drafts for key in _keys(draft)})
        if keys:
            self._connection.execute(
                text(
                    "select count(pg_advisory_xact_lock(k)) from"
                    " (select k from unnest(cast(:locks as bigint[])) k order by k) ordered"
                ),
                {"locks": sorted({_lock(key) for key in keys})},
            )
        days = [draft.posted_at for draft in drafts if draft.posted_at] or [self._now]
        found = self._connection.execute(
            text(
                "select * from announcements where id = any(cast(:own as bigint[])) or id in"
                " (select id from announcements where merged_into is null"
                " and sort_at between :since and :until and"
                " (doc_number = any(cast(:numbers as text[]))"
                " or title_key = any(cast(:titles as text[]))"
                " or url = any(cast(:urls as text[]))"
                " or bands && cast(:bands as integer[])) order by id desc limit 1000)"
                " order by id for update"
            ),
            {
                "own": own,
                "numbers": sorted({d.doc_number for d in drafts if d.doc_number}),
                "urls": sorted({d.url for d in drafts if d.url}),
                "titles": sorted({d.title_key for d in drafts if d.title_key}),
                "bands": sorted({band for d in drafts for band in _bands(d)}),
                "since": min(*days, self._now) - LOOK_BACK,
                "until": max(*days, self._now) + LOOK_BACK,
            },
        ).mappings()  # fmt: skip
        for row in found:
            self._learn(rows.announcement(row))
        self._stood = {
            EntryId(row[0]): row[1]
            for row in self._connection.execute(
                text(
                    "select entry_id, url from sightings where entry_id = any(cast(:ids as bigint[]))"
                ),
                {"ids": [r.entry.id for r in reports if r.entry.announcement_id]},
            )
        }

    def _learn(self, one: Announcement) -> None:
        """Know an announcement by its id and by every key under which it may be asked for."""
        self._known[one.id] = one
        for key in _keys(one.draft):
            self._by_key.setdefault(key, set()).add(one.id)

    def place(self, report: ArticleReport, draft: Draft, *, held: bool) -> Placed:
        """Put a draft where it belongs."""
        own = report.entry.announcement_id
        there = self._known.get(own) if own else None
        stood = self._stood.get(report.entry.id)
        moved = there is not None and stood is not None and stood != draft.url
        leads = moved and there is not None and there.draft.url == stood
        if there is None and (there := self._moved(report, draft)):
            moved = leads = True
            self._retire(report, there.id)
        there = there or self._same(draft)
        if there is None:
            return self._create(report, draft, held=held)
        self._sight(report, draft, there.id)
        return self._revise(report, draft, there, leads=leads, moved=moved)

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
            for one in (self._known[n] for n in sorted(self._by_key.get(f"t{draft.title_key}", ())))
            if one.source_id == source.id and one.first_seen_at < change.at
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
        own = report.entry.announcement_id
        if own is None:
            return []
        found = self._connection.execute(
            text(
                "update announcements a set withdrawn_at = :now, changed_at = :now,"
                " change = nextval('change_number') where a.id = :id and a.withdrawn_at is null"
                " and not exists (select 1 from sightings g join entries e on e.id = g.entry_id"
                " where g.announcement_id = a.id and e.id <> :entry and e.gone_since is null)"
                " returning a.id"
            ),
            {"now": self._now, "id": own, "entry": report.entry.id},
        ).scalars()
        return [AnnouncementId(one) for one in found]

    def _same(self, draft: Draft) -> Announcement | None:
        """The known announcement that this draft shows most surely, if any."""
        best: tuple[float, Announcement] | None = None
        ids = {one for key in _keys(draft) for one in self._by_key.get(key, ())}
        for known in (self._known[one] for one in sorted(ids)):
            same, score = cluster.same(known.draft, draft)
            if same and (best is None or score > best[0]):
                best = (score, known)
        return best[1] if best else None

    def _sight(self, report: ArticleReport, draft: Draft, to: AnnouncementId) -> None:
        source = report.entry.source
        self._connection.execute(
            text(
                "insert into sightings (announcement_id, entry_id, source_id, source_name, url,"
                " title, authority, seen_at) values (:to, :entry, :source, :name, :url, :title,"
                " :authority, :at) on conflict (entry_id) do update set title = excluded.title,"
                " url = excluded.url, source_name = excluded.source_name"
            ),
            {
                "to": to, "entry": report.entry.id, "source": source.id, "name": source.name,
                "url": draft.url, "title": draft.title, "authority": draft.authority,
                "at": report.entry.first_seen_at,
            },
        )  # fmt: skip

    def _create(self, report: ArticleReport, draft: Draft, *, held: bool) -> Placed:
        values = self._values(report, draft)
        row = self._connection.execute(
            text(
                "insert into announcements (uuid, source_id, source_name, title, title_key, url,"
                " posted_at, sort_at, deadline_on, amount_yuan, kind, categories, regions,"
                " region_roll, authority, doc_number, fingerprint, bands, excluded, novelty,"
                " substance_hash, draft, search, change, first_seen_at, announced_at, changed_at)"
                " values (:uuid, :source_id, :source_name, :title, :title_key, :url, :posted_at,"
                " :sort_at, :deadline_on, :amount_yuan, :kind, :categories, :regions,"
                " :region_roll, :authority, :doc_number, :fingerprint, :bands, :excluded,"
                " :novelty, :substance_hash, cast(:draft as jsonb), :search,"
                " nextval('change_number'), :first_seen_at, :now, :now) returning *"
            ),
            {
                **values,
                "uuid": uuid4(),
                "novelty": novelty_of(report, draft, held=held),
                "first_seen_at": report.entry.first_seen_at,
                "now": self._now,
            },
        ).mappings().one()  # fmt: skip
        made = rows.announcement(row)
        self._learn(made)
        self._sight(report, draft, made.id)
        return Placed(id=made.id, changed=True)

    def _revise(
        self,
        report: ArticleReport,
        draft: Draft,
        there: Announcement,
        *,
        leads: bool,
        moved: bool,
    ) -> Placed:
        """Let a better or newer draft replace the one there, with a revision if it differs.

        The leading sighting speaks; another, of the same portal too, takes the lead only when
        its authority is higher. Otherwise two rows of one notice would revise it in turns.
        A row alone never replaces what was read. A page under a new address or a new template,
        and a newer reading of ours, change the substance only where it counts (promise 10);
        the same page read anew is written down as such and told to nobody.
        """
        source = report.entry.source
        leads = leads or there.source_id is None or (
            source.id == there.source_id and draft.url == there.draft.url
        )  # fmt: skip
        outranks = _RANK[draft.authority] < _RANK[there.draft.authority]
        row_only = report.outcome is ArticleOutcome.ROW_ONLY
        was_row_only = Flag.ROW_ONLY in there.draft.flags
        if row_only or not (leads or outranks or was_row_only):
            return Placed(id=there.id, changed=False)
        back = there.withdrawn_at is not None
        redesigned = moved or other_template(report)
        draft = still_titled(report, draft, there.draft)
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
        told = substance and not reread
        if draft == there.draft and not back:
            return Placed(id=there.id, changed=False)
        values = self._values(report, draft)
        row = self._connection.execute(
            text(
                "update announcements set source_id = :source_id, source_name = :source_name,"
                " title = :title, title_key = :title_key, url = :url, posted_at = :posted_at,"
                " sort_at = :sort_at, deadline_on = :deadline_on, amount_yuan = :amount_yuan,"
                " kind = :kind, categories = :categories, regions = :regions,"
                " region_roll = :region_roll, authority = :authority, doc_number = :doc_number,"
                " fingerprint = :fingerprint, bands = :bands, excluded = :excluded,"
                " substance_hash = :substance_hash, draft = cast(:draft as jsonb),"
                " search = :search, withdrawn_at = null,"
                " revision = revision + case when :substance then 1 else 0 end,"
                " changed_at = case when :moved then :now else changed_at end,"
                " change = case when :moved then nextval('change_number') else change end"
                " where id = :id returning *"
            ),
            {
                **values,
                "id": there.id,
                "now": self._now,
                "substance": substance,
                "moved": told or back,
            },
        ).mappings().one()  # fmt: skip
        revised = rows.announcement(row)
        self._learn(revised)
        if substance:
            self._connection.execute(
                text(
                    "insert into revisions (announcement_id, revision, at, changes, why)"
                    " values (:id, :revision, :now, cast(:changes as jsonb), :why)"
                ),
                {
                    "id": there.id,
                    "revision": revised.revision,
                    "now": self._now,
                    "changes": rows.to_json(changes),
                    "why": "reread" if reread else "edited",
                },
            )
        return Placed(id=there.id, changed=told or back)

    def _values(self, report: ArticleReport, draft: Draft) -> dict[str, object]:
        source = report.entry.source
        codes = [region.code for region in draft.regions] or [source.region or ""]
        codes = [code for code in codes if code]
        roll = sorted({above for code in codes for above in divisions.roll(code)} | set(codes))
        searched = (draft.title, draft.issuer or "", draft.doc_number or "", draft.body_text)
        return {
            "source_id": source.id,
            "source_name": source.name,
            "title": draft.title,
            "title_key": draft.title_key,
            "url": draft.url,
            "posted_at": draft.posted_at,
            "sort_at": sort_time(draft, report.entry.first_seen_at),
            "deadline_on": min((d.value for d in draft.facts.deadlines), default=None),
            "amount_yuan": max(
                (a.yuan for a in draft.facts.amounts if a.yuan and a.basis not in _NO_SUM),
                default=None,
            ),
            "kind": draft.kind,
            "categories": [category.slug for category in draft.categories],
            "regions": codes,
            "region_roll": roll,
            "authority": draft.authority,
            "doc_number": draft.doc_number,
            "fingerprint": draft.fingerprint,
            "bands": list(_bands(draft)),
            "excluded": Flag.EXCLUDED in draft.flags,
            "substance_hash": draft.substance_hash,
            "draft": rows.to_json(draft),
            "search": "\x1f".join(fold(part) for part in searched),
        }


def _days_apart(one: datetime, other: datetime) -> int:
    return abs((one.astimezone(SHANGHAI).date() - other.astimezone(SHANGHAI).date()).days)


def novelty_of(report: ArticleReport, draft: Draft, *, held: bool) -> Novelty:
    """Whether a new announcement is news to subscribers, or by which rule it is not."""
    if report.entry.first_poll:
        return Novelty.FIRST_POLL
    if held:
        return Novelty.HELD
    if draft.posted_at is None:
        return Novelty.NEWS
    age = _age(draft, draft.posted_at, report.entry.first_seen_at)
    if age > OLD_AFTER:
        return Novelty.LATE
    return Novelty.LATE_NEWS if age >= LATE_AFTER else Novelty.NEWS


def _age(draft: Draft, posted_at: datetime, seen_at: datetime) -> timedelta:
    """How long after its posting a notice was first seen; in whole days when only days are
    known, so that the morning after is one day later and not one and a third.
    """
    if draft.date_precision is not Precision.DAY:
        return seen_at - posted_at
    return seen_at.astimezone(SHANGHAI).date() - posted_at.astimezone(SHANGHAI).date()


def sort_time(draft: Draft, first_seen_at: datetime) -> datetime:
    """When to sort a notice at: its minute, else its day at the time of its first sight."""
    if draft.posted_at is None:
        return first_seen_at
    if draft.date_precision is not Precision.DAY:
        return draft.posted_at
    day = datetime.combine(draft.posted_at.astimezone(SHANGHAI).date(), time(0), SHANGHAI)
    return day + min(max(first_seen_at - day, timedelta(0)), timedelta(hours=23, minutes=59))


def _bands(draft: Draft) -> tuple[int, ...]:
    """The bands of the fingerprint; a text too short to have one has none."""
    return tuple(cluster.bands(draft.fingerprint)) if draft.fingerprint else ()


def _keys(draft: Draft) -> set[str]:
    """Everything under which the same notice may be stored already."""
    keys = {f"b{band}" for band in _bands(draft)}
    if draft.doc_number:
        keys.add(f"n{draft.doc_number}")
    if draft.url:
        keys.add(f"u{draft.url}")
    if draft.title_key:
        keys.add(f"t{draft.title_key}")
    return keys


def _lock(key: str) -> int:
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big", signed=True)
