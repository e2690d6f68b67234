"""Ties between subscribers and wishes, written in the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, text

from aggregator.filters import canonical
from aggregator.model import Filter, Frequency, SubscriptionId, SubscriptionState
from aggregator.store import letterbox, rows
from aggregator.store.patience import lock_person


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
    this one ends: it would send nothing that the twin does not. Whoever stays has the spells of
    both, so that nothing is lost that either owed.
    """
    values: dict[str, object] = {"id": subscription_id, "frequency": frequency, "wish": wish_id}
    twin = (
        "o.subscriber_id = s.subscriber_id and o.id <> s.id"
        " and o.wish_id = coalesce(cast(:wish as bigint), s.wish_id)"
        " and o.frequency = coalesce(cast(:frequency as text), s.frequency)"
    )
    lock_subscriber(connection, subscription_id)
    _take_spells(connection, f"{twin} and o.state = 'paused'", values, of="o", to="s")
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
            " least(o.active_from, s.active_from) else o.active_from end"
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
        _take_spells(connection, twin, values, of="s", to="o")
    return not taken


def lock_subscriber(connection: Connection, subscription_id: SubscriptionId) -> None:
    """Wait for whoever plans for the person of a subscription, and have them wait."""
    connection.execute(
        text(
            "select 1 from subscribers where id = (select subscriber_id from subscriptions"
            " where id = :id) for no key update"
        ),
        {"id": subscription_id},
    )


def _take_spells(
    connection: Connection, twin: str, values: dict[str, object], *, of: str, to: str
) -> None:
    """Give one of two subscriptions the spells of the other, and have it looked at anew, with
    what its wish wants of that time.
    """
    moved = connection.execute(
        text(
            f"update spells p set subscription_id = {to}.id"
            f" from subscriptions s, subscriptions o where s.id = :id and {twin}"
            f" and p.subscription_id = {of}.id returning p.subscription_id"
        ),
        values,
    ).scalars()
    ids = {"ids": list(moved)}
    connection.execute(
        text("update subscriptions set settled = 0 where id = any(cast(:ids as bigint[]))"), ids
    )
    connection.execute(
        text(
            "update wishes set followed = false where followed and id in (select"
            " coalesce(cast(:wish as bigint), wish_id) from subscriptions"
            " where id = any(cast(:ids as bigint[])))"
        ),
        {**ids, "wish": values["wish"]},
    )


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


def keep_days(connection: Connection, subscriber_id: int, timezone: str) -> None:
    """Let pauses end at the hour at which they would, in the time zone that a person takes now."""
    connection.execute(
        text(
            "update subscriptions n set paused_until = (n.paused_until at time zone s.timezone)"
            " at time zone :zone from subscribers s where s.id = n.subscriber_id"
            " and :id in (s.id, s.owner_id) and n.paused_until is not null"
            " and s.timezone <> :zone"
        ),
        {"id": subscriber_id, "zone": timezone},
    )


def state_of(connection: Connection, subscription_id: int) -> SubscriptionState:
    """Where a subscription stands."""
    return SubscriptionState(
        connection.execute(
            text("select state from subscriptions where id = :id"), {"id": subscription_id}
        ).scalar_one()
    )


def resume(connection: Connection, subscription_id: int, now: datetime) -> None:
    """Send what is announced from now on, and what was owed when the pause began."""
    connection.execute(
        text(
            "with on_again as (update subscriptions set state = 'active',"
            " paused_until = null where id = :id"
            " and state = 'paused' returning id) update pauses p set until_at = :now"
            " from on_again where p.subscription_id = on_again.id and p.until_at is null"
        ),
        {"id": subscription_id, "now": now},
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
            "update subscriptions set state = 'active', active_from = :now, ended_at = null,"
            " end_reason = null where subscriber_id = :id and state = 'pending'"
            " and id = any(cast(:ids as bigint[]))"
        ),
        values,
    )
    # What is confirmed anew was asked for as it is; older mails are not about it.
    connection.execute(
        text(
            "delete from frequency_switches x using subscriptions n where n.id = x.subscription_id"
            " and n.subscriber_id = :id and n.id = any(cast(:ids as bigint[]))"
            " and n.active_from = :now"
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
    switched: bool = False,
) -> int:
    """End all subscriptions of a person, those of a frequency, or one, and what waits of these
    alone; how many ended now.

    ``switched``: where none of that frequency runs, those that left it count to it.
    """
    lock_person(connection, subscriber_id)
    also = (
        switched_from(connection, subscriber_id, frequency)
        if switched and frequency is not None and subscription_id is None
        else ()
    )
    ended = connection.execute(
        text(
            "update subscriptions set state = 'ended', ended_at = :now,"
            " end_reason = :reason where subscriber_id = :subscriber and state <> 'ended'"
            " and (cast(:frequency as text) is null or frequency = :frequency"
            " or id = any(cast(:also as bigint[])))"
            " and (cast(:one as bigint) is null or id = :one)"
        ),
        {
            "subscriber": subscriber_id, "reason": reason, "now": now,
            "frequency": frequency, "one": subscription_id, "also": list(also),
        },
    ).rowcount  # fmt: skip
    if ended:
        letterbox.end_stopped(connection, "o.subscriber_id = any(:ids)", [subscriber_id])
    return ended


def switch(
    connection: Connection, subscription_id: int, frequency: Frequency, now: datetime | None
) -> None:
    """Change a frequency, and remember which was left: a link of its mails may come back to it."""
    connection.execute(
        text(
            "with left_behind as (insert into frequency_switches (subscription_id, frequency, at)"
            " select id, frequency, coalesce(:now, now()) from subscriptions where id = :id"
            " and frequency <> :frequency)"
            " update subscriptions set frequency = :frequency where id = :id"
        ),
        {"id": subscription_id, "frequency": frequency, "now": now},
    )


def switched_from(
    connection: Connection, subscriber_id: int, frequency: Frequency
) -> Sequence[SubscriptionId]:
    """Which running subscriptions a person switched from a frequency of which none runs any more.

    Once one of that frequency was stopped, what was switched before stays: who presses twice, or
    whose mailbox does, stops no more than the first time.
    """
    found = connection.execute(
        text(
            "select distinct n.id from subscriptions n join frequency_switches x"
            " on x.subscription_id = n.id where n.subscriber_id = :id"
            " and n.state in ('active', 'paused') and x.frequency = :frequency"
            " and not exists (select 1 from subscriptions o where o.subscriber_id = :id"
            " and o.frequency = :frequency and (o.state in ('active', 'paused')"
            " or (o.state = 'ended' and o.ended_at >= x.at)))"
        ),
        {"id": subscriber_id, "frequency": frequency},
    ).scalars()
    return [SubscriptionId(one) for one in found]
