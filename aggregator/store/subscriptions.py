"""Ties between subscribers and wishes, written in the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, text

from aggregator.filters import canonical
from aggregator.model import Filter, Frequency, SubscriptionId
from aggregator.store import rows


def wish(connection: Connection, filter_: Filter) -> int:
    """The id of a wish, stored once however many share it."""
    return int(
        connection.execute(
            text(
                "insert into wishes (canonical, filter) values (:canonical, cast(:filter as"
                " jsonb)) on conflict (canonical) do update set canonical = excluded.canonical"
                " returning id"
            ),
            {"canonical": canonical(filter_), "filter": rows.to_json(filter_)},
        ).scalar_one()
    )


def make_room(
    connection: Connection,
    subscription_id: SubscriptionId,
    *,
    frequency: Frequency | None = None,
    wish_id: int | None = None,
) -> bool:
    """Whether a subscription may become one of that frequency or wish.

    A twin that sends nothing gives way. An active one stays, takes over the older start of the two, and
    this one ends: it would send nothing that the twin does not.
    """
    values = {"id": subscription_id, "frequency": frequency, "wish": wish_id}
    twin = (
        "o.subscriber_id = s.subscriber_id and o.id <> s.id"
        " and o.wish_id = coalesce(cast(:wish as bigint), s.wish_id)"
        " and o.frequency = coalesce(cast(:frequency as text), s.frequency)"
    )
    connection.execute(
        text(
            f"delete from subscriptions o using subscriptions s where s.id = :id and {twin}"
            " and o.state <> 'active'"
        ),
        values,
    )
    taken = connection.execute(
        text(
            "update subscriptions o set active_from = case when o.wish_id = s.wish_id then"
            " least(o.active_from, s.active_from) else o.active_from end,"
            " seen = case when o.wish_id = s.wish_id and s.active_from < o.active_from"
            " then s.seen else o.seen end"
            f" from subscriptions s where s.id = :id and {twin}"
        ),
        values,
    ).rowcount
    if taken:
        connection.execute(
            text(
                "update subscriptions set state = 'ended', end_reason = 'same as another'"
                " where id = :id"
            ),
            values,
        )
    return not taken


def pending(
    connection: Connection,
    subscriber_id: int,
    filter_: Filter,
    frequency: Frequency,
    now: datetime,
) -> int:
    """The id of a subscription to a wish, made pending unless it is there and not ended."""
    return int(
        connection.execute(
            text(
                "insert into subscriptions as n (subscriber_id, wish_id, frequency, state,"
                " active_from) values (:subscriber, :wish, :frequency, 'pending', :now)"
                " on conflict (subscriber_id, wish_id, frequency) do update set"
                " state = case when n.state = 'ended' then 'pending' else n.state end,"
                " active_from = case when n.state = 'ended' then excluded.active_from"
                " else n.active_from end returning id"
            ),
            {
                "subscriber": subscriber_id,
                "wish": wish(connection, filter_),
                "frequency": frequency,
                "now": now,
            },
        ).scalar_one()
    )


def confirm(
    connection: Connection, subscriber_id: int, ids: Sequence[int], now: datetime, ip: str | None
) -> None:
    """Confirm a person, and of their pending subscriptions those that were asked for."""
    values = {"id": subscriber_id, "now": now, "ip": ip, "ids": list(ids)}
    connection.execute(
        text(
            "update subscribers set state = 'confirmed',"
            " confirmed_at = coalesce(confirmed_at, :now),"
            " confirmed_from = coalesce(confirmed_from, :ip) where id = :id"
        ),
        values,
    )
    connection.execute(
        text(
            "update subscriptions set state = 'active', active_from = :now,"
            " seen = pg_current_snapshot(), ended_at = null,"
            " end_reason = null where subscriber_id = :id and state = 'pending'"
            " and id = any(cast(:ids as bigint[]))"
        ),
        values,
    )


def end(
    connection: Connection,
    subscriber_id: int,
    *,
    reason: str,
    now: datetime,
    frequency: Frequency | None = None,
    subscription_id: SubscriptionId | None = None,
) -> int:
    """End all subscriptions of a person, those of a frequency, or one; how many ended now."""
    return connection.execute(
        text(
            "update subscriptions set state = 'ended', ended_at = :now,"
            " end_reason = :reason where subscriber_id = :subscriber and state <> 'ended'"
            " and (cast(:frequency as text) is null or frequency = :frequency)"
            " and (cast(:one as bigint) is null or id = :one)"
        ),
        {
            "subscriber": subscriber_id, "reason": reason, "now": now,
            "frequency": frequency, "one": subscription_id,
        },
    ).rowcount  # fmt: skip
