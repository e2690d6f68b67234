"""What subscribers are owed besides news: changes to what was sent, and reminders of deadlines.

Both go only to who was sent the announcement as news and still wishes for it, by a subscription
that the run answers. The ledger decides, as it does for news: a change is owed until it holds
``change:<revision>``, a reminder until it holds ``reminder:<days>:<deadline>`` (docs/adr/0030).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from aggregator.model import (
    NEWS,
    AnnouncementId,
    Filter,
    Frequency,
    Revision,
    SubscriberId,
    WishId,
)
from aggregator.notify.alterations import TOLD, alterations
from aggregator.notify.matching import WishIndex
from aggregator.notify.plan import REMIND_DAYS, SHANGHAI, reminder_of
from aggregator.store import rows
from aggregator.store.slim import slim

Revisions = Mapping[tuple[AnnouncementId, str], Revision]

#: Changes are told this long: a week for weekly mails, and another for runs that were missed.
TOLD_FOR = timedelta(days=15)

_FRESH = (
    "select r.announcement_id, r.revision, r.at, r.changes from revisions r"
    f" where r.at >= cast(:now as timestamptz) - interval '{TOLD_FOR.days} days'"
    " and r.why = 'edited' and jsonb_exists_any(r.changes, array["
    + ", ".join(f"'{field}'" for field in TOLD)
    + "])"
)
_TODAY = "cast(cast(:now as timestamptz) at time zone 'Asia/Shanghai' as date)"
_NEAR = (
    "select d.announcement_id from deadlines d where d.cancelled_at is null"
    f" and d.day between {_TODAY} and {_TODAY} + {max(REMIND_DAYS)}"
)
#: Immediate mails come at any minute: their reminders wait for the reader's hour.
_AWAKE = (
    "p.reminders and (:frequency <> 'immediate' or cast(cast(:now as timestamptz) at time zone"
    " p.timezone as time) >= make_time(p.hour, p.minute, 0))"
)
_LATER = "(f.revision > l.revision or (l.revision is null and f.at > l.at))"
_UNTOLD = (
    "not exists (select 1 from ledger t where t.subscriber_id = l.subscriber_id"
    " and t.announcement_id = l.announcement_id and t.reason = 'change:' || f.revision)"
)
#: That a subscriber ``p`` may be owed something besides news by a run, as SQL; it uses
#: ``:frequency`` and ``:now``. What does not depend on the subscriber is asked once.
FURTHER_DUE = (
    "exists (select 1 from ledger l where l.subscriber_id = p.id and l.reason = 'news'"
    f" and l.announcement_id = any(array(select f.announcement_id from ({_FRESH}) f))"
    f" and exists (select 1 from ({_FRESH}) f where f.announcement_id = l.announcement_id"
    f" and {_LATER} and {_UNTOLD}))"
    f" or ({_AWAKE} and exists (select 1 from ledger l where l.subscriber_id = p.id"
    f" and l.reason = 'news' and l.announcement_id = any(array({_NEAR}))"
    " and exists (select 1 from deadlines d where d.announcement_id = l.announcement_id"
    f" and d.cancelled_at is null and d.day between {_TODAY} and {_TODAY} + {max(REMIND_DAYS)}"
    " and (select cast(max(t.at) at time zone 'Asia/Shanghai' as date) from ledger t"
    " where t.subscriber_id = l.subscriber_id and t.announcement_id = l.announcement_id)"
    f" < d.day - case when d.day - {_TODAY} <= {min(REMIND_DAYS)} then {min(REMIND_DAYS)}"
    f" else {max(REMIND_DAYS)} end)))"
)


def further(
    connection: Connection,
    frequency: Frequency,
    wishes: Mapping[SubscriberId, Sequence[WishId]],
    now: datetime,
) -> list[tuple[SubscriberId, AnnouncementId, str]]:
    """What these subscribers are owed besides news, by the wishes that the run answers."""
    ids = list(wishes)
    found = [
        *_changes(connection, ids, now),
        *_reminders(connection, frequency, ids, now),
    ]
    wanted = _wanted(connection, found, wishes)
    return [one for one in found if one[:2] in wanted]


def revisions_of(
    connection: Connection, items: Iterable[tuple[AnnouncementId, str]]
) -> dict[tuple[AnnouncementId, str], Revision]:
    """The revisions that the changes among these items tell of."""
    changed = {item for item in items if item[1].startswith("change:")}
    if not changed:
        return {}
    found = connection.execute(
        text(
            "select announcement_id, revision, at, changes, why from revisions"
            " where announcement_id = any(cast(:ids as bigint[])) order by announcement_id, revision"
        ),
        {"ids": sorted({one for one, _ in changed})},
    )
    made = {(AnnouncementId(row[0]), f"change:{row[1]}"): _revision(row) for row in found}
    return {item: one for item, one in made.items() if item in changed}


def _changes(
    connection: Connection, ids: Sequence[SubscriberId], now: datetime
) -> list[tuple[SubscriberId, AnnouncementId, str]]:
    """Revisions after the one that a mail told; those that come to nothing together are none."""
    found = connection.execute(
        text(
            f"with fresh as materialized ({_FRESH}) select l.subscriber_id, f.announcement_id,"
            " f.revision, f.at, f.changes from fresh f"
            " join announcements a on a.id = f.announcement_id and a.merged_into is null"
            " and a.removed_at is null"
            " join ledger l on l.announcement_id = f.announcement_id"
            f" and l.subscriber_id = any(cast(:ids as bigint[])) and l.reason = '{NEWS}'"
            f" where {_LATER} and {_UNTOLD} order by l.subscriber_id, f.announcement_id, f.revision"
        ),
        {"ids": ids, "now": now},
    )
    untold: dict[tuple[SubscriberId, AnnouncementId], list[Revision]] = defaultdict(list)
    for subscriber, announcement, *row in found:
        untold[subscriber, announcement].append(_revision((announcement, *row, "edited")))
    return [
        (subscriber, announcement, f"change:{one.revision}")
        for (subscriber, announcement), revisions in untold.items()
        if alterations(revisions)
        for one in revisions
    ]


def _reminders(
    connection: Connection, frequency: Frequency, ids: Sequence[SubscriberId], now: datetime
) -> list[tuple[SubscriberId, AnnouncementId, str]]:
    found = connection.execute(
        text(
            "select l.subscriber_id, l.announcement_id, max(l.at), array_agg(l.reason)"
            " from ledger l join subscribers p on p.id = l.subscriber_id"
            f" where p.id = any(cast(:ids as bigint[])) and {_AWAKE}"
            f" and l.announcement_id = any(array({_NEAR})) group by l.subscriber_id,"
            f" l.announcement_id having bool_or(l.reason = '{NEWS}') order by 1, 2"
        ),
        {"ids": ids, "now": now, "frequency": frequency},
    ).all()
    known = {one.id: one for one in slim(connection, sorted({row[1] for row in found}))}
    today = now.astimezone(SHANGHAI).date()
    owed = []
    for subscriber, announcement, told_at, reasons in found:
        reason = reminder_of(
            known[announcement], told_on=told_at.astimezone(SHANGHAI).date(), today=today
        )
        if reason is not None and reason not in reasons:
            owed.append((subscriber, announcement, reason))
    return owed


def _wanted(
    connection: Connection,
    found: Sequence[tuple[SubscriberId, AnnouncementId, str]],
    wishes: Mapping[SubscriberId, Sequence[WishId]],
) -> set[tuple[SubscriberId, AnnouncementId]]:
    """Who still wishes for what, by the announcements as they are now.

    Matches do not tell: they hold no more what was withdrawn or is older than five weeks.
    """
    if not found:
        return set()
    asked = sorted({wish for subscriber, _, _ in found for wish in wishes[subscriber]})
    filters = {
        WishId(row[0]): rows.from_json(row[1], Filter)
        for row in connection.execute(
            text("select id, filter from wishes where id = any(cast(:ids as bigint[]))"),
            {"ids": asked},
        )
    }
    index = WishIndex(filters)
    ids = sorted({announcement for _, announcement, _ in found})
    searched = {
        row[0]: row[1]
        for row in connection.execute(
            text("select id, search from announcements where id = any(cast(:ids as bigint[]))"),
            {"ids": ids},
        )
    }
    wanting: dict[AnnouncementId, set[WishId]] = {
        one.id: set(index.wanting(one, searched[one.id])) for one in slim(connection, ids)
    }
    return {
        (subscriber, announcement)
        for subscriber, announcement, _ in found
        if wanting[announcement].intersection(wishes[subscriber])
    }


def _revision(row: Sequence[object]) -> Revision:
    _, revision, at, changes, why = row
    return rows.from_json(
        {"revision": revision, "at": at, "changes": changes, "why": why}, Revision
    )
