"""Deadlines of announcements: followed with every change that is published, read for calendars."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine, text

from aggregator.deadlines import follow
from aggregator.model import Agenda, Announcement, AnnouncementId, Due, Filter
from aggregator.store import rows
from aggregator.store.where import where

SHANGHAI = ZoneInfo("Asia/Shanghai")
#: So long a day that is over, and one that was cancelled, stay in calendars: clients that look
#: now and then still learn of it.
KEPT_DAYS = timedelta(days=30)
#: A calendar of more announcements than these is cut.
AGENDA_ENTRIES = 1000
#: What a calendar prints of an announcement: all but its text, which may be long.
_COLUMNS = (
    "a.id, a.uuid, a.draft - 'body_html' - 'body_text' as draft, a.region_roll, a.first_seen_at,"
    " a.announced_at, a.changed_at, a.change, a.revision, a.novelty, a.source_id, a.source_name,"
    " a.withdrawn_at, a.merged_into, a.removed_at"
)


def keep_deadlines(connection: Connection, changed: Collection[Announcement], at: datetime) -> None:
    """Follow the deadlines of announcements whose change is being published.

    Whoever calls holds their rows, and has read them from the store.
    """
    known = _known(connection, [one.id for one in changed])
    values = []
    for one in changed:
        before = known.get(one.id, ())
        standing = one.withdrawn_at is None and one.merged_into is None
        stated = one.draft.facts.deadlines if standing else ()
        after = follow(before, stated, at)
        values += [_values(one.id, due) for due in after if due not in before]
    if values:
        connection.execute(
            text(
                "insert into deadlines (announcement_id, number, day, sentence, sequence, born_at,"
                " changed_at, cancelled_at) values (:id, :number, :day, :sentence, :sequence,"
                " :born_at, :changed_at, :cancelled_at) on conflict (announcement_id, number)"
                " do update set day = excluded.day, sentence = excluded.sentence,"
                " sequence = excluded.sequence, changed_at = excluded.changed_at,"
                " cancelled_at = excluded.cancelled_at"
            ),
            values,
        )


class Deadlines:
    """Reads deadlines with their announcements, for calendars."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def version(self) -> datetime | None:
        """When any deadline changed last."""
        with self._engine.connect() as connection:
            found = connection.execute(text("select max(changed_at) from deadlines"))
            newest: datetime | None = found.scalar_one()
            return newest

    def agenda(self, filter_: Filter, *, today: date, limit: int = AGENDA_ENTRIES) -> Agenda:
        """Announcements of a filter with deadlines of the last 30 days and to come.

        What is due next comes first, then what was due last; that is also what is left when
        there are more than ``limit``. What was cancelled stays for 30 days.

        Args:
            filter_: which announcements; withdrawn and merged ones, too.
            today: the day in Asia/Shanghai.
            limit: announcements at most.
        """
        since = today - KEPT_DAYS
        kept = datetime.combine(since, time(0), SHANGHAI)
        condition, values = where(filter_, merged=True)
        shown = (
            "d.day >= :agenda_since and (d.cancelled_at is null or d.cancelled_at >= :agenda_kept)"
        )
        days: dict[str, object] = {"agenda_since": since, "agenda_kept": kept}
        with self._engine.connect() as connection:
            near = connection.execute(
                text(
                    "select a.id, min(d.day) filter (where d.day >= :agenda_today) as next,"
                    " max(d.day) as last from deadlines d join announcements a"
                    f" on a.id = d.announcement_id where {shown} and {condition}"
                    " and (a.withdrawn_at is null or a.withdrawn_at >= :agenda_kept)"
                    " group by a.id order by next nulls last, last desc, a.id limit :agenda_limit"
                ),
                {**values, **days, "agenda_today": today, "agenda_limit": limit + 1},
            ).scalars()
            ids = [AnnouncementId(one) for one in near]
            cut, ids = len(ids) > limit, ids[:limit]
            found = connection.execute(
                text(
                    f"select {_COLUMNS} from announcements a"
                    " where a.id = any(cast(:ids as bigint[]))"
                ),
                {"ids": ids},
            ).mappings()
            announcements = {one.id: one for one in map(rows.announcement, found)}
            known = _known(connection, ids, f" and {shown}", days)
        return Agenda(
            entries=tuple(
                (announcements[one], tuple(known[one]))
                for one in ids
                if one in announcements and one in known
            ),
            cut=cut,
        )


def _known(
    connection: Connection,
    ids: Sequence[AnnouncementId],
    condition: str = "",
    values: dict[str, object] | None = None,
) -> dict[AnnouncementId, list[Due]]:
    found = connection.execute(
        text(
            "select announcement_id, number, day, sentence, sequence, born_at, changed_at,"
            " cancelled_at from deadlines d where announcement_id = any(cast(:ids as bigint[]))"
            f"{condition} order by announcement_id, number"
        ),
        {"ids": list(ids), **(values or {})},
    ).mappings()
    known: dict[AnnouncementId, list[Due]] = {}
    for row in found:
        due = Due(
            number=row["number"],
            day=row["day"],
            sentence=row["sentence"],
            sequence=row["sequence"],
            born_at=row["born_at"],
            changed_at=row["changed_at"],
            cancelled_at=row["cancelled_at"],
        )
        known.setdefault(AnnouncementId(row["announcement_id"]), []).append(due)
    return known


def _values(one: AnnouncementId, due: Due) -> dict[str, object]:
    return {
        "id": one,
        "number": due.number,
        "day": due.day,
        "sentence": due.sentence,
        "sequence": due.sequence,
        "born_at": due.born_at,
        "changed_at": due.changed_at,
        "cancelled_at": due.cancelled_at,
    }
