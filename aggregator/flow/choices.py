"""What the bearer of a signed link does with their own choices: change, pause, add, take away.

A link of a mail opens the choices of its reader for a week, and opening it changes nothing.
Nothing here reaches anybody else's subscriptions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from aggregator.errors import NotFoundError, UsageError
from aggregator.flow.subscribe import check_choices
from aggregator.model import (
    Addition,
    Choices,
    Filter,
    Frequency,
    Subscriber,
    SubscriptionId,
    SubscriptionState,
)
from aggregator.notify import Keys, Purpose, Ticket
from aggregator.notify.tokens import read
from aggregator.ports import PersonStore, SubscriberStore
from aggregator.settings import Settings
from aggregator.wishes import check_wish

#: Nobody reads more; a bound keeps one person's run cheap.
MOST_WISHES = 50
#: A pause with an end ends within this time.
LONGEST_PAUSE = timedelta(days=366)


class Change(StrEnum):
    """What a subscriber may do to one subscription."""

    PAUSE = "pause"
    RESUME = "resume"
    END = "end"
    IMMEDIATE = "immediate"
    DAILY = "daily"
    WEEKLY = "weekly"


def managing(
    token: str, *, store: SubscriberStore, settings: Settings, now: datetime
) -> Subscriber | None:
    """Whose choices a link opens; None when it is not ours, expired or revoked."""
    ticket = ticket_of(token, Purpose.MANAGE, settings, now)
    subscriber = bearer(ticket, store)
    if ticket is None or subscriber is None or subscriber.epoch != ticket.epoch:
        return None
    return subscriber


def set_preferences(
    token: str,
    *,
    store: SubscriberStore,
    settings: Settings,
    now: datetime,
    hour: int | None = None,
    minute: int | None = None,
    weekday: int | None = None,
    timezone: str | None = None,
    language: str | None = None,
    reminders: bool | None = None,
) -> Subscriber | None:
    """Change when and in which language one is written to; None for a link that is no good.

    Raises:
        UsageError: names the choice that cannot be.
    """
    subscriber = managing(token, store=store, settings=settings, now=now)
    if subscriber is None:
        return None
    choices = Choices(
        hour=hour,
        minute=minute,
        weekday=weekday,
        timezone=timezone,
        language=language,
        reminders=reminders,
    )
    choose(subscriber, choices, store=store)
    return store.get(subscriber.id)


def choose(who: Subscriber, choices: Choices, *, store: SubscriberStore) -> None:
    """Change when and in which language a subscriber is written to.

    Raises:
        UsageError: names the choice that cannot be.
    """
    check_choices(choices)
    store.set_preferences(who.id, **asdict(choices))


def change(
    token: str,
    subscription_id: SubscriptionId,
    what: Change,
    *,
    store: SubscriberStore,
    settings: Settings,
    now: datetime,
) -> Subscriber | None:
    """Pause, resume, end or re-time one of one's own subscriptions.

    Returns:
        The subscriber as they are now; None for a link that is no good.

    Raises:
        NotFoundError: when the subscription is not theirs.
    """
    subscriber = managing(token, store=store, settings=settings, now=now)
    if subscriber is None:
        return None
    apply(subscriber, subscription_id, what, store=store, now=now)
    return store.get(subscriber.id)


def apply(
    who: Subscriber,
    subscription_id: SubscriptionId,
    what: Change,
    *,
    store: SubscriberStore,
    now: datetime,
) -> None:
    """Pause, resume, end or re-time one of a subscriber's own subscriptions.

    Raises:
        NotFoundError: when the subscription is not theirs.
    """
    if subscription_id not in {one.id for one in who.subscriptions}:
        raise NotFoundError("no such subscription of yours")
    match what:
        case Change.PAUSE:
            store.pause(subscription_id, now)
        case Change.RESUME:
            store.resume(subscription_id, now)
        case Change.END:
            store.end(who.id, reason="preferences", now=now, subscription_id=subscription_id)
        case Change.IMMEDIATE | Change.DAILY | Change.WEEKLY:
            store.set_frequency(subscription_id, Frequency(what.value), now)


def erase(token: str, *, store: SubscriberStore, settings: Settings, now: datetime) -> bool:
    """Delete all that is known of the bearer; False for a link that is no good."""
    subscriber = managing(token, store=store, settings=settings, now=now)
    if subscriber is None:
        return False
    store.erase(subscriber.id)
    return True


def add_wish(
    who: Subscriber,
    wish: Filter,
    frequency: Frequency,
    *,
    store: PersonStore,
    now: datetime,
) -> Addition:
    """Add a wish to those of a subscriber, active at once: the link proves who asks. One that is
    paused goes on.

    Raises:
        UsageError: when they have very many already, or it can bring nothing.
    """
    check_wish(wish)
    live = [one for one in who.subscriptions if one.state is not SubscriptionState.ENDED]
    there = any(one.wish.filter == wish and one.frequency is frequency for one in live)
    if len(live) >= MOST_WISHES and not there:
        raise UsageError(
            f"每人最多 {MOST_WISHES} 项订阅，请先停止一项 · {MOST_WISHES} subscriptions at most;"
            " stop one first"
        )
    return store.add_wish(who.id, wish, frequency, now)


def pause_until(
    who: Subscriber,
    subscription_id: SubscriptionId,
    day: date | None,
    *,
    store: SubscriberStore,
    now: datetime,
) -> None:
    """Pause one of one's own until a day begins in one's own time zone, or until it is resumed.

    Raises:
        UsageError: when the day has begun already, or is more than a year away.
    """
    until = None
    if day is not None:
        try:
            until = datetime.combine(day, time(0), ZoneInfo(who.timezone))
            fine = now < until <= now + LONGEST_PAUSE
        except OverflowError:
            fine = False
        if not fine:
            raise UsageError(
                "暂停到：请选明天起一年内的日子 · pause until: a day from tomorrow on, within a year"
            )
    store.pause(subscription_id, now, until=until)


def export(who: Subscriber, *, persons: PersonStore) -> Mapping[str, object]:
    """All that is held of a person, as one JSON document."""
    return persons.export(who.id)


def revoke(who: Subscriber, *, persons: PersonStore) -> None:
    """Let no link to these choices that is out open them any more."""
    persons.raise_epoch(who.id)


def ticket_of(token: str, purpose: Purpose, settings: Settings, now: datetime) -> Ticket | None:
    """What a link says; None when it is not ours, expired or for another door."""
    keys = Keys.of(settings.secret_key.get_secret_value())
    return read(keys, token, purpose=purpose, now=now)


def bearer(ticket: Ticket | None, store: SubscriberStore) -> Subscriber | None:
    """Whom a link is about; None when they were erased."""
    if ticket is None:
        return None
    try:
        return store.get(ticket.subscriber_id)
    except NotFoundError:
        return None
