"""Which wish wants which announcement: each pair looked at once, and anew when either changes.

One matcher at a time, by an advisory lock that is held until the commit: so the numbers of
matches commit in order, and who has looked at all up to one has missed none (docs/adr/0028).
What is to be matched is queued by a trigger in the transaction that changed it, whoever wrote
that. A wish that somebody asks for anew is matched with what was announced since they did.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection, Engine, text

from aggregator.model import (
    Announcement,
    AnnouncementId,
    Draft,
    Filter,
    Novelty,
    WishId,
)
from aggregator.notify.matching import WishIndex
from aggregator.store import rows
from aggregator.store.publish import number
from aggregator.store.where import where

#: Candidates are looked up this far back by stored time (DESIGN.md, promise 8).
LOOK_BACK = timedelta(days=35)
#: What is mailed; the rest is left out by a rule of that name (promise 11).
MAILED = (Novelty.NEWS.value, Novelty.LATE_NEWS.value)
#: Any number will do; it must only never change.
_LOCK = 7_405_118
_BATCH = 500
_WISHES = 100
_DRAFTS = msgspec.json.Decoder(Draft)
#: All that a wish may ask of an announcement, and whether it may be mailed at all.
_ASKED = (
    "select id, uuid, announced_change, region_roll, first_seen_at, announced_at, changed_at,"
    " search, cast(draft - 'body_html' - 'body_text' as text) as said,"
    " novelty = any(cast(:mailed as text[])) and withdrawn_at is null and merged_into is null"
    " and announced_at >= :since as mailable"
    " from announcements where id = any(cast(:ids as bigint[])) order by id"
)


class Matcher:
    """Brings the matches up to date."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._filters: dict[WishId, Filter] = {}

    def catch_up(self, now: datetime) -> int:
        """Match all that is not matched yet, in batches; how many announcements were looked at.

        Whoever comes while another matches waits, and finds little left to do.
        """
        while self._in_turn(self._follow_new, now):
            pass
        while self._in_turn(_number_rest, now):
            pass
        looked_at = 0
        while found := self._in_turn(self._match_stirred, now):
            looked_at += found
        return looked_at

    def _in_turn(self, work: Callable[[Connection, datetime], int], now: datetime) -> int:
        """Do a batch of work while nobody else matches."""
        with self._engine.begin() as connection:
            connection.execute(text("set local lock_timeout = '25s'"))
            connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            return work(connection, now)

    def prune(self, now: datetime) -> None:
        """Forget matches and spells that nothing can be owed by any more."""
        with self._engine.begin() as connection:
            connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            for statement in (
                (
                    "delete from matches m using announcements a where a.id = m.announcement_id"
                    " and a.announced_at < :since"
                ),
                (
                    # The first stays: it says when somebody began to ask.
                    "delete from spells p where until_change < (select min(announced_change) from"
                    " announcements where announced_at >= :since and announced_change > 0)"
                    " and exists (select 1 from spells q where"
                    " q.subscription_id = p.subscription_id and q.id < p.id)"
                ),
                (
                    "with idle as (update wishes w set followed = false where followed and not exists"
                    " (select 1 from subscriptions s where s.wish_id = w.id and s.state <> 'ended')"
                    " and not exists (select 1 from spells p join subscriptions s on"
                    " s.id = p.subscription_id where p.wish_id = w.id and s.state <> 'ended')"
                    " returning id)"
                    " delete from matches m using idle where m.wish_id = idle.id"
                ),
            ):
                connection.execute(text(statement), {"since": now - LOOK_BACK})

    def _follow_new(self, connection: Connection, now: datetime) -> int:
        """Begin to match wishes that are asked for anew, with what was announced since then."""
        found = connection.execute(
            text(
                # Under whatever wish somebody began to ask: what both want is still owed.
                "with fresh as (select id, filter from wishes where not followed),"
                " needs as (select f.id, p.from_change from fresh f join subscriptions s on"
                " s.wish_id = f.id and s.state <> 'ended' join spells p on p.subscription_id = s.id"
                " union all select f.id, p.from_change from fresh f join spells p on"
                " p.wish_id = f.id join subscriptions s on s.id = p.subscription_id"
                " and s.state <> 'ended') select f.id, f.filter, min(n.from_change) from fresh f"
                " join needs n using (id) group by f.id, f.filter order by f.id limit :limit"
            ),
            {"limit": _WISHES},
        ).all()
        for wish_id, filter_, since in found:
            condition, values = where(rows.from_json(filter_, Filter))
            ids = connection.execute(
                text(
                    "insert into matches (wish_id, announcement_id, change, number) select :wish,"
                    " a.id, a.announced_change, nextval('match_number') from announcements a where"
                    " a.announced_change > :after and a.announced_at >= :since and"
                    " a.novelty = any(cast(:mailed as text[])) and a.withdrawn_at is null"
                    f" and {condition} on conflict do nothing returning announcement_id"
                ),
                {
                    **values, "wish": wish_id, "after": since, "since": now - LOOK_BACK,
                    "mailed": list(MAILED),
                },
            ).scalars()  # fmt: skip
            _look_again(connection, wish_id, list(ids))
        connection.execute(
            text("update wishes set followed = true where id = any(cast(:ids as bigint[]))"),
            {"ids": [row[0] for row in found]},
        )
        return len(found)

    def _match_stirred(self, connection: Connection, now: datetime) -> int:
        """Match a batch of what is new or has changed with every wish that is followed."""
        queued = connection.execute(
            text("select id, announcement_id from stirred order by id limit :limit"),
            {"limit": _BATCH},
        ).all()
        if not queued:
            return 0
        ids = sorted({row[1] for row in queued})
        wishes = WishIndex(self._followed(connection))  # after the queue was read: none is missed
        pairs: list[tuple[WishId, AnnouncementId]] = []
        for row in connection.execute(
            text(_ASKED), {"ids": ids, "mailed": list(MAILED), "since": now - LOOK_BACK}
        ).mappings():
            if row["mailable"]:
                one = _asked(row)
                pairs += [(wish, one.id) for wish in wishes.wanting(one, row["search"])]
        connection.execute(
            text("delete from matches where announcement_id = any(cast(:ids as bigint[]))"),
            {"ids": ids},
        )
        connection.execute(
            text(
                "insert into matches (wish_id, announcement_id, change, number)"
                " select f.wish, a.id, a.announced_change, nextval('match_number')"
                " from unnest(cast(:wishes as bigint[]), cast(:ids as bigint[])) as f (wish, id)"
                " join announcements a on a.id = f.id"
            ),
            {"wishes": [one for one, _ in pairs], "ids": [one for _, one in pairs]},
        )
        connection.execute(
            text("delete from stirred where id = any(cast(:ids as bigint[]))"),
            {"ids": [row[0] for row in queued]},
        )
        return len(ids)

    def _followed(self, connection: Connection) -> Mapping[WishId, Filter]:
        """Every wish that is followed; what a wish asks for never changes, so it is read once."""
        ids = {
            WishId(one)
            for one in connection.execute(text("select id from wishes where followed")).scalars()
        }
        fresh = connection.execute(
            text("select id, filter from wishes where id = any(cast(:ids as bigint[]))"),
            {"ids": sorted(ids - self._filters.keys())},
        ).all()
        self._filters = {one: f for one, f in self._filters.items() if one in ids} | {
            WishId(row[0]): rows.from_json(row[1], Filter) for row in fresh
        }
        return self._filters


def _number_rest(connection: Connection, now: datetime) -> int:
    """Number what workers of the version before announced; who edits it now does it, too."""
    del now
    ids = connection.execute(
        text(
            "select id from announcements where announced_change is null order by id limit :limit"
            " for update skip locked"
        ),
        {"limit": _BATCH},
    ).scalars()
    rest: Sequence[int] = list(ids)
    number(connection, rest)
    return len(rest)


def _look_again(connection: Connection, wish_id: int, ids: Sequence[int]) -> None:
    """Have those look again who asked for a wish before they asked for their present one: under
    that alone they were not owed these.
    """
    if ids:
        connection.execute(
            text(
                "update matches set number = nextval('match_number')"
                " where announcement_id = any(cast(:ids as bigint[])) and wish_id in (select"
                " s.wish_id from spells p join subscriptions s on s.id = p.subscription_id"
                " where p.wish_id = :wish and s.wish_id <> :wish)"
            ),
            {"ids": ids, "wish": wish_id},
        )


def _asked(row: rows.Row) -> Announcement:
    return Announcement(
        id=AnnouncementId(row["id"]),
        uuid=row["uuid"],
        draft=_DRAFTS.decode(row["said"]),
        region_roll=tuple(row["region_roll"]),
        first_seen_at=row["first_seen_at"],
        announced_at=row["announced_at"],
        changed_at=row["changed_at"],
        change=0,
    )
