"""Writing the journal: what changed of what is published, in the order of commits.

``publish`` is the last thing that a transaction does. It takes one lock, then the change
numbers, and the lock is held until the commit is visible: who sees a number sees all lower ones,
and nothing can be written before it any more (docs/adr/0018).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection, text

from aggregator.model import Announcement, AnnouncementId
from aggregator.publication import era_keys, feeds_of, record_of, same_print
from aggregator.store import rows
from aggregator.store.announcements import with_sightings
from aggregator.store.deadlines import keep_deadlines

log = structlog.get_logger()

#: Any number will do; it must only never change.
_LOCK = 7_405_117
_BATCH = 500
#: Numbers that go by between two sweeps, with room to spare.
_RECENT = 20_000
#: The term under which only those changes are found that moved the substance.
NEWS = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The last record of an announcement, and the feeds that its change concerned."""

    change: int
    at: datetime
    record: Announcement


def publish(
    connection: Connection, ids: Collection[AnnouncementId], now: datetime | None
) -> list[AnnouncementId]:
    """Write down what readers will see otherwise of these announcements; those that changed.

    The caller has locked their rows, and does nothing more than commit. Without ``now`` the
    change is dated as the newest one there, or as the announcement itself.
    """
    if not ids:
        return []
    found = list(
        connection.execute(
            text(
                "select * from announcements where id = any(cast(:ids as bigint[]))"
                " order by change, id"
            ),
            {"ids": sorted(ids)},
        ).mappings()
    )
    present = {one.id: one for one in with_sightings(connection, found)}
    before = _last(connection, present)
    fresh = [one for one in present.values() if _concerns(one, before.get(one.id))]
    unnumbered = [row["id"] for row in found if row["announced_change"] is None]
    if not fresh:
        number(connection, unnumbered)
        return []
    now = now or max(one.changed_at for one in fresh)
    keep_deadlines(connection, fresh, now)
    number(connection, unnumbered)
    connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    at = connection.execute(
        text(
            "select greatest(cast(:now as timestamptz),"
            " (select at from changes order by change desc limit 1))"
        ),
        {"now": now},
    ).scalar_one()
    told: list[_Row] = []
    for one in fresh:
        told.append(_row(connection, one, before.get(one.id), at))
        at = told[-1].at
    _write(connection, told)
    return [one.id for one in fresh]


def number(connection: Connection, ids: Collection[int]) -> None:
    """Announce: number what subscribers may be owed, in no feed perhaps, in the order of commits.

    The caller has locked the rows, and does no more than publish and commit. What was numbered
    before and is announced only now, because it was held, gets a new number.
    """
    if not ids:
        return
    connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    connection.execute(
        text(
            "update announcements set announced_change = nextval('change_number')"
            " where id = any(cast(:ids as bigint[]))"
        ),
        {"ids": sorted(ids)},
    )


def lock(connection: Connection, ids: Collection[AnnouncementId]) -> list[AnnouncementId]:
    """Lock announcements that are to be published, in order; those that are there."""
    found = connection.execute(
        text(
            "select id from announcements where id = any(cast(:ids as bigint[])) order by id"
            " for update"
        ),
        {"ids": list(ids)},
    ).scalars()
    return [AnnouncementId(one) for one in found]


def cut(connection: Connection, why: str, *, always: bool = False) -> None:
    """End a document of every feed here: what comes later stands in later ones.

    Where nothing was published since the last cut there is nothing to end, and no new number
    unless it is ``always`` wanted: whoever keeps documents reads them again after it.
    """
    connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    connection.execute(
        text(
            "insert into cuts (change, at, why) select nextval('change_number'), now(), :why"
            " where :always or exists (select 1 from changes where change >"
            " coalesce((select max(change) from cuts), 0))"
        ),
        {"why": why, "always": always},
    )


def publish_missed(connection: Connection, now: datetime | None, *, recent: bool = False) -> int:
    """Publish what was stored by workers that knew no journal, in batches; how many.

    ``recent`` looks only at the last numbers, for others may have published since: cheap enough
    for every sweep.
    """
    which = "a.change > 0 and not exists (select 1 from changes c where c.change = a.change)"
    if recent:
        which += f" and a.change > (select coalesce(max(change), 0) - {_RECENT} from changes)"
    done = 0
    while True:
        ids = connection.execute(
            text(f"select a.id from announcements a where {which} order by a.change limit :batch"),
            {"batch": _BATCH},
        ).scalars()
        batch = publish_marked(connection, [AnnouncementId(one) for one in ids], now)
        connection.commit()
        done += len(batch)
        if len(batch) < _BATCH:
            break
        log.info("published what was stored before there was a journal", announcements=done)
    if done and not recent:
        cut(connection, "what was stored before there was a journal")
        connection.commit()
    return done


def publish_marked(
    connection: Connection, ids: Collection[AnnouncementId], now: datetime | None
) -> list[AnnouncementId]:
    """Publish announcements whose number is of no change; each has that of its last one then.

    Those that were there and are locked now.
    """
    batch = lock(connection, ids)
    if batch:
        publish(connection, batch, now)
        connection.execute(
            text(
                "update announcements a set change = coalesce((select max(c.change) from"
                " changes c where c.announcement_id = a.id), 0)"
                " where a.id = any(cast(:ids as bigint[]))"
            ),
            {"ids": batch},
        )
    return batch


def _last(
    connection: Connection, ids: Collection[AnnouncementId]
) -> dict[AnnouncementId, Published]:
    found = connection.execute(
        text(
            "select distinct on (announcement_id) announcement_id, change, at, record from changes"
            " where announcement_id = any(cast(:ids as bigint[]))"
            " order by announcement_id, change desc"
        ),
        {"ids": list(ids)},
    )
    return {
        AnnouncementId(row[0]): Published(change=row[1], at=row[2], record=rows.record(row[3]))
        for row in found
    }


def _concerns(one: Announcement, before: Published | None) -> bool:
    """Whether any feed shows, or showed until now, something else."""
    names = feeds_of(one)
    if before is None:
        return bool(names)
    if not names and not feeds_of(before.record):
        return False
    return not same_print(rows.record(rows.to_json(record_of(one))), before.record)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    record: Announcement
    at: datetime
    names: frozenset[str]
    news: bool


def _row(connection: Connection, one: Announcement, before: Published | None, at: datetime) -> _Row:
    """The row of a change: it concerns the feeds that hold the record, and those that held it.

    No row is older than the one before it nor than what it publishes, so that of two documents
    of a feed the later one is never ``updated`` before the other (RFC 5005 §4.2).
    """
    names = feeds_of(one)
    held = feeds_of(before.record) if before else frozenset()
    if before is not None:
        one = _in_time(connection, one, before.record, names - held, at)
    return _Row(
        record=record_of(one),
        at=max(at, one.changed_at, one.first_seen_at),
        names=names | held,
        news=before is None or one.changed_at != before.record.changed_at or not names,
    )


def _in_time(
    connection: Connection,
    one: Announcement,
    before: Announcement,
    gained: frozenset[str],
    at: datetime,
) -> Announcement:
    """An announcement that is not older than it was, whatever clock its worker has; one that is
    back in a feed is newer than the tombstone it has there (RFC 6721 §3), by a whole second,
    for that is how times are printed. One that comes to a feed for the first time stays as it is.
    """
    least = before.changed_at
    if gained:
        left_at = connection.execute(
            text(
                "select date_trunc('second', max(at)) from changes where announcement_id = :id"
                " and terms && cast(:gained as text[])"
            ),
            {"id": one.id, "gained": sorted(gained)},
        ).scalar()
        if left_at is not None and one.changed_at < left_at + timedelta(seconds=1):
            least = max(least, at, left_at + timedelta(seconds=1))
    if one.changed_at >= least:
        return one
    connection.execute(
        text("update announcements set changed_at = :at where id = :id"),
        {"at": least, "id": one.id},
    )
    return replace(one, changed_at=least)


def _write(connection: Connection, fresh: Sequence[_Row]) -> None:
    count = len(fresh)
    numbers = connection.execute(
        text("select nextval('change_number') from generate_series(1, :n)"), {"n": count}
    ).scalars()
    values = [
        {
            "change": number,
            "at": row.at,
            "id": row.record.id,
            "uuid": row.record.uuid,
            "news": row.news,
            "terms": sorted(row.names),
            "eras": era_keys(
                [*row.names, *(NEWS + name for name in row.names if row.news)], number
            ),
            "record": rows.to_json(row.record),
        }
        for number, row in zip(sorted(numbers), fresh, strict=True)
    ]
    connection.execute(
        text(
            "insert into changes (change, at, announcement_id, uuid, news, terms, eras, record)"
            " values (:change, :at, :id, :uuid, :news, :terms, :eras, :record)"
        ),
        values,
    )
    connection.execute(
        text(
            "update announcements a set change = v.change from unnest(cast(:ids as bigint[]),"
            " cast(:changes as bigint[])) as v (id, change) where a.id = v.id"
        ),
        {"ids": [v["id"] for v in values], "changes": [v["change"] for v in values]},
    )
