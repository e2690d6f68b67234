"""Announcements and sightings as rows: made, rewritten, and told to readers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text

from aggregator import cluster, divisions
from aggregator.filters import amount_of, search_text
from aggregator.model import (
    Announcement,
    AnnouncementId,
    ArticleReport,
    Draft,
    EntryId,
    Flag,
    Novelty,
    Precision,
)
from aggregator.store import rows
from aggregator.store.members import Member

SHANGHAI = ZoneInfo("Asia/Shanghai")
#: Posted this long before first seen: mailed and marked late, or not mailed (promise 11).
LATE_AFTER = timedelta(days=3)
OLD_AFTER = timedelta(days=30)


def names_of(drafts: Iterable[Draft]) -> dict[str, object]:
    """Keys, and names by which they are cited and cite, of all members together."""
    known = list(drafts)
    return {
        "keys": sorted({key for draft in known for key in cluster.keys(draft)}),
        "names": sorted({name for draft in known for name in cluster.names(draft)}),
        "cites": sorted({name for draft in known for name in cluster.cites(draft)}),
    }


class Records:
    """Writes one transaction's announcements."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now
        #: Announcements that the journal has to look at before the commit.
        self.touched: set[AnnouncementId] = set()

    def write_names(self, one: AnnouncementId, drafts: Iterable[Draft]) -> None:
        """Let an announcement be found by what its members say now."""
        self._connection.execute(
            text(
                "update announcements set keys = :keys, names = :names, cites = :cites"
                " where id = :id and (keys, names, cites) is distinct from"
                " (cast(:keys as bigint[]), cast(:names as text[]), cast(:cites as text[]))"
            ),
            {**names_of(drafts), "id": one},
        )

    def keep(self, entry_id: EntryId, draft: Draft | None) -> None:
        """Keep what an entry says beside its sighting; a leading one speaks by its announcement."""
        self._connection.execute(
            text("update sightings set draft = cast(:draft as jsonb) where entry_id = :id"),
            {"id": entry_id, "draft": rows.to_json(draft) if draft else None},
        )

    def sight(self, report: ArticleReport, draft: Draft, to: AnnouncementId) -> None:
        """Write down that an entry shows an announcement."""
        source = report.entry.source
        self.touched.add(to)
        self._connection.execute(
            text(
                "insert into sightings (announcement_id, entry_id, source_id, source_name, url,"
                " title, authority, seen_at) values (:to, :entry, :source, :name, :url, :title,"
                " :authority, :at) on conflict (entry_id) do update set title = excluded.title,"
                " url = excluded.url, source_name = excluded.source_name,"
                " announcement_id = excluded.announcement_id"
            ),
            {
                "to": to, "entry": report.entry.id, "source": source.id, "name": source.name,
                "url": draft.url, "title": draft.title, "authority": draft.authority,
                "at": report.entry.first_seen_at,
            },
        )  # fmt: skip

    def insert(self, member: Member, *, novelty: Novelty, seen_at: datetime) -> Announcement:
        """A new announcement that says what a member does."""
        values = _values(member, [member.draft])
        row = self._connection.execute(
            text(
                "insert into announcements (uuid, source_id, source_name, title, title_key, url,"
                " posted_at, sort_at, deadline_on, amount_yuan, kind, categories, regions,"
                " region_roll, authority, doc_number, keys, names, cites, excluded, novelty,"
                " substance_hash, draft, search, change, first_seen_at, announced_at, changed_at)"
                " values (:uuid, :source_id, :source_name, :title, :title_key, :url, :posted_at,"
                " :sort_at, :deadline_on, :amount_yuan, :kind, :categories, :regions,"
                " :region_roll, :authority, :doc_number, :keys, :names, :cites, :excluded,"
                " :novelty, :substance_hash, cast(:draft as jsonb), :search,"
                " 0, :first_seen_at, :now, :now) returning *"
            ),
            {
                **values,
                "uuid": uuid4(),
                "novelty": novelty,
                "first_seen_at": seen_at,
                "now": self._now,
            },
        ).mappings().one()  # fmt: skip
        self.touched.add(AnnouncementId(row["id"]))
        return rows.announcement(row)

    def write(
        self,
        one: AnnouncementId,
        member: Member,
        drafts: Iterable[Draft],
        *,
        substance: bool = False,
        moved: bool,
    ) -> Announcement:
        """Let an announcement say what a member does; ``moved`` when that is news to readers."""
        self.touched.add(one)
        row = self._connection.execute(
            text(
                "update announcements set source_id = :source_id, source_name = :source_name,"
                " title = :title, title_key = :title_key, url = :url, posted_at = :posted_at,"
                " sort_at = :sort_at, deadline_on = :deadline_on, amount_yuan = :amount_yuan,"
                " kind = :kind, categories = :categories, regions = :regions,"
                " region_roll = :region_roll, authority = :authority, doc_number = :doc_number,"
                " keys = :keys, names = :names, cites = :cites, excluded = :excluded,"
                " substance_hash = :substance_hash, draft = cast(:draft as jsonb),"
                " search = :search, withdrawn_at = null,"
                " revision = revision + case when :substance then 1 else 0 end,"
                " changed_at = case when :moved then :now else changed_at end"
                " where id = :id returning *"
            ),
            {**_values(member, drafts), "id": one, "now": self._now, "substance": substance, "moved": moved},
        ).mappings().one()  # fmt: skip
        return rows.announcement(row)


def _values(member: Member, drafts: Iterable[Draft]) -> dict[str, object]:
    draft = member.draft
    codes = [region.code for region in draft.regions] or [member.region or ""]
    codes = [code for code in codes if code]
    roll = sorted({above for code in codes for above in divisions.roll(code)} | set(codes))
    return {
        **names_of(drafts),
        "source_id": member.source_id,
        "source_name": member.source_name,
        "title": draft.title,
        "title_key": draft.title_key,
        "url": draft.url,
        "posted_at": draft.posted_at,
        "sort_at": sort_time(draft, member.seen_at),
        "deadline_on": min((d.value for d in draft.facts.deadlines), default=None),
        "amount_yuan": amount_of(draft),
        "kind": draft.kind,
        "categories": [category.slug for category in draft.categories],
        "regions": codes,
        "region_roll": roll,
        "authority": draft.authority,
        "doc_number": draft.doc_number,
        "excluded": Flag.EXCLUDED in draft.flags,
        "substance_hash": draft.substance_hash,
        "draft": rows.to_json(draft),
        "search": search_text(draft),
    }


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
