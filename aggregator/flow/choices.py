"""What the bearer of a signed link does with their own choices: change, pause, move, stop, take away.

A link of a mail opens the choices of its reader for a week; one to stop works for ever. Opening
either changes nothing. Nothing here reaches anybody else's subscriptions.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from jinja2 import Environment

from aggregator.errors import NotFoundError, UsageError
from aggregator.flow.subscribe import asked, check_choices, house_of
from aggregator.model import (
    Asking,
    Choices,
    Filter,
    Frequency,
    Subscriber,
    Subscription,
    SubscriptionId,
    SubscriptionState,
)
from aggregator.notify import (
    Keys,
    Purpose,
    Question,
    Ticket,
    check_address,
    confirmation_hash,
    render_move,
    render_moved,
)
from aggregator.notify.tokens import read
from aggregator.ports import OutboxStore, PersonStore, SubscriberStore
from aggregator.settings import Settings

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopping:
    """What a link to stop would stop; ``subscriber`` is None when they were erased already."""

    ticket: Ticket
    subscriber: Subscriber | None
    subscriptions: tuple[Subscription, ...]


def managing(
    token: str, *, store: SubscriberStore, settings: Settings, now: datetime
) -> Subscriber | None:
    """Whose choices a link opens; None when it is not ours, expired or revoked."""
    ticket = _ticket(token, Purpose.MANAGE, settings, now)
    subscriber = _subscriber(ticket, store)
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
            store.pause(subscription_id)
        case Change.RESUME:
            store.resume(subscription_id, now)
        case Change.END:
            store.end(who.id, reason="preferences", now=now, subscription_id=subscription_id)
        case Change.IMMEDIATE | Change.DAILY | Change.WEEKLY:
            store.set_frequency(subscription_id, Frequency(what.value))


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
) -> None:
    """Add a wish to those of a subscriber, active at once: the link proves who asks.

    Raises:
        UsageError: when they have very many already.
    """
    live = [one for one in who.subscriptions if one.state is not SubscriptionState.ENDED]
    if len(live) >= MOST_WISHES:
        raise UsageError(
            f"每人最多 {MOST_WISHES} 项订阅，请先停止一项 · {MOST_WISHES} subscriptions at most;"
            " stop one first"
        )
    store.add_wish(who.id, wish, frequency, now)


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


def ask_move(
    who: Subscriber,
    email: str,
    *,
    store: SubscriberStore,
    persons: PersonStore,
    outbox: OutboxStore,
    env: Environment,
    settings: Settings,
    now: datetime,
    network: str | None = None,
    answer: tuple[str, str] | None = None,
) -> Question | None:
    """Queue the mail that asks at the new address whether one may move there; nothing moves yet.

    The answer does not tell whether the new address is known.

    Returns:
        A question that must be answered first, when very many ask; else None.

    Raises:
        UsageError: when the address is not exactly one, or is the present one.
    """
    address = check_address(email)
    if address.lower() == who.email.lower():
        raise UsageError("这就是您现在的地址 · this is your address already")
    house = house_of(settings)
    verdict = asked(
        address, Asking.ADDRESS, network=network, answer=answer, store=store, house=house, now=now
    )
    if isinstance(verdict, Question):
        return verdict
    if verdict:
        token = secrets.token_urlsafe(32)
        hashed = confirmation_hash(token)
        persons.ask_move(who.id, address, hashed, now)
        mail = render_move(
            env, who, address, token=token, house=house, key=f"move:{hashed.hex()[:32]}"
        )
        outbox.enqueue_mail(mail, now)
    return None


def moving(token: str, *, persons: PersonStore, now: datetime) -> tuple[Subscriber, str] | None:
    """Who moves to which address by a link, for the page with the button; changes nothing."""
    return persons.pending_move(confirmation_hash(token), now)


def refuse_move(token: str, *, persons: PersonStore, now: datetime, reason: str) -> None:
    """Say no from the new address, by the page's button or RFC 8058: nothing moves there any more.
    Where it moved already, what goes there ends. Links that are too old or unknown ask nothing.
    """
    persons.refuse_move(confirmation_hash(token), reason, now)


def was_moved(token: str, *, persons: PersonStore, now: datetime) -> bool:
    """Whether a link to move was used already."""
    return persons.was_moved(confirmation_hash(token), now)


def move(
    token: str,
    *,
    persons: PersonStore,
    env: Environment,
    settings: Settings,
    now: datetime,
) -> Subscriber | None:
    """Move once, by the page's button: wishes and ledger stay, links to the choices of before
    die, links to stop go on, and the old address is told once.

    Raises:
        UsageError: when the new address has subscriptions of its own.
    """
    hashed = confirmation_hash(token)
    found = persons.pending_move(hashed, now)
    if found is None:
        return None
    who, address = found
    told = render_moved(
        env, who, address, house=house_of(settings), key=f"moved:{hashed.hex()[:32]}"
    )
    return persons.move(hashed, told, now)


def export(who: Subscriber, *, persons: PersonStore) -> Mapping[str, object]:
    """All that is held of a person, as one JSON document."""
    return persons.export(who.id)


def revoke(who: Subscriber, *, persons: PersonStore) -> None:
    """Let no link to these choices that is out open them any more."""
    persons.raise_epoch(who.id)


def stopping(
    token: str, *, store: SubscriberStore, settings: Settings, now: datetime
) -> Stopping | None:
    """What a link would stop, for the page with the button; changes nothing, never expires."""
    ticket = _ticket(token, Purpose.STOP, settings, now)
    if ticket is None:
        return None
    subscriber = _subscriber(ticket, store)
    running = () if subscriber is None else tuple(
        one
        for one in subscriber.subscriptions
        if one.state is not SubscriptionState.ENDED
        and ticket.frequency in (None, one.frequency)
        and ticket.subscription_id in (None, one.id)
    )  # fmt: skip
    return Stopping(ticket=ticket, subscriber=subscriber, subscriptions=running)


def stop(
    token: str,
    *,
    store: SubscriberStore,
    settings: Settings,
    now: datetime,
    subscription_id: SubscriptionId | None = None,
    reason: str = "stop-link",
) -> bool:
    """End what the link names, by the page's button or the RFC 8058 POST (``one-click``).

    Doing it again, or after one was erased, is as good as the first time.

    Args:
        token: the link's.
        store: subscribers.
        settings: the key.
        now: UTC.
        subscription_id: end only this one of those that the link covers.
        reason: kept with the ending: ``stop-link`` or ``one-click``.

    Returns:
        False for a link that is not ours.
    """
    found = stopping(token, store=store, settings=settings, now=now)
    if found is None:
        return False
    if found.subscriber is None:
        return True
    if subscription_id is not None and subscription_id not in {x.id for x in found.subscriptions}:
        return True
    store.end(
        found.subscriber.id,
        reason=reason,
        now=now,
        frequency=found.ticket.frequency,
        subscription_id=subscription_id or found.ticket.subscription_id,
    )
    return True


def one_click(token: str, *, store: SubscriberStore, settings: Settings, now: datetime) -> bool:
    """What the mailbox's own button does (RFC 8058): it acts at once, without a page."""
    return stop(token, store=store, settings=settings, now=now, reason="one-click")


def _ticket(token: str, purpose: Purpose, settings: Settings, now: datetime) -> Ticket | None:
    keys = Keys.of(settings.secret_key.get_secret_value())
    return read(keys, token, purpose=purpose, now=now)


def _subscriber(ticket: Ticket | None, store: SubscriberStore) -> Subscriber | None:
    if ticket is None:
        return None
    try:
        return store.get(ticket.subscriber_id)
    except NotFoundError:
        return None
