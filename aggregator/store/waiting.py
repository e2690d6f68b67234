"""Mails that wait and tell of what was withdrawn since: what is left of them, and their new words.

A mail may wait for three days in front of a closed door, or longer in a held run. Its ledger loses
what was withdrawn before it left, as if it had never been planned: should it come back, it is owed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from itertools import takewhile
from typing import Final

from sqlalchemy import Connection, Row, text

from aggregator.model import (
    Announcement,
    AnnouncementId,
    Edition,
    Filter,
    Frequency,
    Reader,
    Run,
    RunId,
    Selection,
    Share,
    SubscriberId,
)
from aggregator.store import recall, rows
from aggregator.store.further import Revisions, revisions_of
from aggregator.store.owed import array
from aggregator.store.planning import store_editions
from aggregator.store.slim import slim

NOTHING_LEFT: Final = "all that it told of was withdrawn before it left"
#: Mails looked at in one transaction.
_BATCH = 500

#: A copy may be out already, or an operator wishes this very mail to go again: let be.
_WAITS = (
    "o.waiting and o.state in ('queued', 'deferred') and not o.was_ambiguous and o.resends = 0"
    " and o.edition_id is not null"
)
_LAST_GONE = text(
    "select greatest(withdrawn_at, removed_at) from announcements where withdrawn_at is not null"
    " order by greatest(withdrawn_at, removed_at) desc limit 1"
)
_OLDEST = text(f"select min(o.created_at) from outbox o where {_WAITS} and o.created_at <= :before")
#: And what became one with something that was withdrawn before.
_GONE = text(
    "with late as materialized (select coalesce(merged_into, uuid) as uuid from announcements"
    " where withdrawn_at is not null and greatest(withdrawn_at, removed_at) >= :since),"
    " gone as (select a.id, a.uuid from announcements a where a.uuid in (select uuid from late)"
    " and a.withdrawn_at is not null and a.merged_into is null) select id from gone"
    " union all select a.id from announcements a join gone on a.merged_into = gone.uuid"
)
#: That it was withdrawn may be told to who knows of it; of what was removed, nothing.
_STALE = (
    "(a.removed_at is not null or l.reason not like 'change:%' or exists (select 1 from ledger n"
    " where n.subscriber_id = l.subscriber_id and n.announcement_id = l.announcement_id"
    " and n.reason = 'news' and n.mail_id = l.mail_id))"
)
_MAILS = text(
    "select o.id, o.run_id, o.subscriber_id, r.frequency, r.due_at, s.language"
    " from outbox o join runs r on r.id = o.run_id join subscribers s on s.id = o.subscriber_id"
    f" where {_WAITS} and o.id > :after and exists (select 1 from ledger l join announcements a"
    " on a.id = l.announcement_id where l.announcement_id = any(cast(:gone as bigint[]))"
    f" and l.subscriber_id = o.subscriber_id and l.mail_id = o.id and {_STALE})"
    f" order by o.id limit {_BATCH} for update of o skip locked"
)
#: What is one with another now is told as that one, whose row stands beside it or in an earlier
#: mail. A change of what would be news in the same mail is none.
_ITEMS = text(
    "select l.mail_id, l.announcement_id, l.reason, a.merged_into is null as told,"
    " h.withdrawn_at is not null and (h.removed_at is not null or l.reason not like 'change:%'"
    " or bool_or(l.reason = 'news') over (partition by l.mail_id, l.announcement_id)) as stale"
    " from ledger l join announcements a on a.id = l.announcement_id"
    " join announcements h on h.uuid = coalesce(a.merged_into, a.uuid)"
    " join unnest(cast(:ids as bigint[]), cast(:whose as bigint[])) as m (id, whose)"
    " on l.mail_id = m.id and l.subscriber_id = m.whose order by l.announcement_id, l.reason"
)
_WISHES = text(
    "select n.subscriber_id, w.filter from subscriptions n join wishes w on w.id = n.wish_id"
    " where n.subscriber_id = any(cast(:whose as bigint[])) and n.frequency = :frequency"
    " and n.state in ('active', 'paused') order by n.subscriber_id, w.id"
)


class Waiting:
    """Implements ``ports.WaitingBatch`` in the caller's transaction: mails of one run."""

    def __init__(
        self, connection: Connection, mails: Sequence[Row[tuple[object, ...]]], now: datetime
    ) -> None:
        first = mails[0]
        self._connection = connection
        self._now = now
        self.run = Run(
            id=RunId(first.run_id), frequency=Frequency(first.frequency), due_at=first.due_at
        )
        self._mails = {SubscriberId(one.subscriber_id): int(one.id) for one in mails}
        self.last = max(self._mails.values())
        kept: dict[int, list[tuple[AnnouncementId, str]]] = defaultdict(list)
        self._gone: dict[int, list[tuple[AnnouncementId, str]]] = defaultdict(list)
        whose = array(self._mails)
        for mail, announcement, reason, told, stale in connection.execute(
            _ITEMS, {"ids": array(self._mails.values()), "whose": whose}
        ):
            if told and not stale:
                kept[mail].append((announcement, reason))
            else:
                self._gone[mail].append((announcement, reason))
        wishes: dict[int, list[Filter]] = defaultdict(list)
        for subscriber, filter_ in connection.execute(
            _WISHES, {"whose": whose, "frequency": self.run.frequency}
        ):
            wishes[subscriber].append(rows.from_json(filter_, Filter))
        alike: dict[Selection, list[Reader]] = defaultdict(list)
        for one in mails:
            if kept[one.id]:
                selection = Selection(
                    language=one.language,
                    wishes=tuple(wishes[one.subscriber_id]),
                    items=tuple(kept[one.id]),
                )
                reader = Reader(id=SubscriberId(one.subscriber_id), email="", language=one.language)
                alike[selection].append(reader)
        self._empty = [mail for mail in self._mails.values() if not kept[mail]]
        self.shares: Sequence[Share] = [
            Share(selection=selection, readers=tuple(readers))
            for selection, readers in alike.items()
        ]
        items = {item for selection in alike for item in selection.items}
        self.standing: Mapping[AnnouncementId, int] = {
            row[0]: row[1]
            for row in connection.execute(
                text("select id, change from announcements where id = any(cast(:ids as bigint[]))"),
                {"ids": array({one for one, _ in items})},
            )
        }
        self.revisions: Revisions = revisions_of(connection, items)

    def announcements(self, ids: Sequence[AnnouncementId]) -> Sequence[Announcement]:
        """Announcements without their texts, which no mail prints."""
        return slim(self._connection, ids)

    def reprint(self, written: Sequence[tuple[Share, Edition]]) -> int:
        """Give the mails of these shares their new words, and end those that have nothing left."""
        fresh = recall.named(self._connection, written)
        editions = store_editions(self._connection, self.run, fresh, self._now)
        new = {
            self._mails[reader.id]: editions[edition.key]
            for share, edition in written
            for reader in share.readers
        }
        self._connection.execute(
            text(
                "update outbox o set edition_id = v.edition from unnest(cast(:ids as bigint[]),"
                " cast(:editions as bigint[])) as v (id, edition) where o.id = v.id"
            ),
            {"ids": array(new), "editions": array(new.values())},
        )
        self._connection.execute(
            text(
                "update outbox set state = 'failed', lease_until = null, answer = :why"
                " where id = any(cast(:ids as bigint[]))"
            ),
            {"ids": array(self._empty), "why": NOTHING_LEFT},
        )
        self._forget([*new, *self._empty])
        return len(new) + len(self._empty)

    def _forget(self, mails: Collection[int]) -> None:
        """What their words do not hold any more was not sent."""
        lost = [(mail, *item) for mail in mails for item in self._gone[mail]]
        self._connection.execute(
            text(
                "delete from ledger l using unnest(cast(:mails as bigint[]), cast(:ids as bigint[]),"
                " cast(:reasons as text[])) as v (mail, id, reason), outbox o where o.id = v.mail"
                " and l.subscriber_id = o.subscriber_id and l.announcement_id = v.id"
                " and l.reason = v.reason and l.mail_id = v.mail"
            ),
            {
                "mails": array(one for one, _, _ in lost),
                "ids": array(one for _, one, _ in lost),
                "reasons": array(f'"{one}"' for _, _, one in lost),
            },
        )


def waiting(connection: Connection, after: int, now: datetime) -> Waiting | None:
    """The next mails of one run that tell of what is no more, locked; None when there are none."""
    last = connection.execute(_LAST_GONE).scalar()
    if last is None:
        return None
    oldest = connection.execute(_OLDEST, {"before": last}).scalar()
    if oldest is None:
        return None
    gone = list(connection.execute(_GONE, {"since": oldest}).scalars())
    if not gone:
        return None
    found = connection.execute(_MAILS, {"gone": gone, "after": after}).all()
    mails = list(takewhile(lambda one: one.run_id == found[0].run_id, found))
    return Waiting(connection, mails, now) if mails else None
