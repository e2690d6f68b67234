"""The story of the canary: a reader of everything whose mails are followed until they arrive.

What its mailbox shows is compared with the ledger and the outbox. A mail that does not arrive in
time, or is another one than was planned, is an alarm; the next that arrives well clears it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import structlog

from aggregator.errors import NotFoundError
from aggregator.model import Filter, Frequency, Subscriber, SubscriptionState
from aggregator.notify import Keys, check_address
from aggregator.notify.canary import differences, message_of
from aggregator.ports import AlarmStore, CanaryStore, SubscriberStore
from aggregator.returns import message_id_of, names_recipient
from aggregator.settings import Settings

log = structlog.get_logger()

ALARM = "canary"


def watch(
    *,
    store: CanaryStore,
    subscribers: SubscriberStore,
    alarms: AlarmStore,
    settings: Settings,
    now: datetime,
) -> None:
    """Keep the canary subscribed, and raise the alarm for what has not arrived in time.

    Safe to run twice: a mail is told of once.
    """
    canary = _subscribed(store, subscribers, settings, now)
    if canary is None:
        alarms.clear_alarm(ALARM)  # nobody is followed any more
        return
    if canary.suppressed:
        alarms.raise_alarm(
            ALARM,
            f"no mail goes to the canary: its address is suppressed ({canary.suppressed}); lift"
            " that, or set QUXUN_CANARY to another",
        )
    store.expect(canary.id, timedelta(minutes=settings.canary_minutes), now)
    for one in store.late(now):
        where = f"mail {one.mail_id}" + (f" of run {one.run_id}" if one.run_id else "")
        went = (
            f"was sent ({one.answer or 'accepted'}) and has not arrived"
            if one.state in ("sent", "ambiguous", "handed")
            else f"has not left: it is {one.state} ({one.answer or 'not tried yet'})"
        )
        alarms.raise_alarm(
            ALARM, f"{where} {went}; it was wanted by {one.wanted_by:%Y-%m-%d %H:%M} UTC"
        )
        store.settle(one.mail_id, problem="did not arrive in time")


def arrived(
    raw: bytes,
    *,
    store: CanaryStore,
    alarms: AlarmStore,
    settings: Settings,
    now: datetime,
    signature_fault: Callable[[bytes], str | None] = lambda _: None,
) -> bool:
    """Compare a mail that arrived somewhere with what was planned for the canary.

    Args:
        raw: the mail as it lies where it arrived.
        store: the canary's mails.
        alarms: where differences are told.
        settings: whose canary, whose keys.
        now: UTC.
        signature_fault: what is wrong with its DKIM signature, where we sign.

    Returns:
        False when it is none of the canary's digests; whoever brought it reads it on.
    """
    if not settings.canary:
        return False
    # Anybody writes to such a mailbox: the standard library's parser, which odd letters break,
    # sees only what names a mail of the canary's.
    known = store.expected(message_id_of(raw))
    if known is None or not names_recipient(raw, settings.canary):
        return False
    mail_id, expected = known
    try:
        wrong = differences(
            message_of(raw),
            expected,
            keys=Keys.of(settings.secret_key.get_secret_value()),
            public_url=settings.public_url,
            mail_from=settings.mail_from,
            now=now,
        )
        if fault := signature_fault(raw):
            wrong.append(fault)
    except Exception as error:  # noqa: BLE001  # whatever breaks it, it is not what we sent
        wrong = [f"it cannot be read ({type(error).__name__})"]
    problem = "; ".join(wrong) or None
    store.settle(mail_id, problem=problem, arrived_at=now)
    if problem:
        alarms.raise_alarm(ALARM, f"mail {mail_id} arrived, but {problem}")
    else:
        log.info("canary arrived", mail=mail_id, items=len(expected.items))
        alarms.clear_alarm(ALARM)
    return True


def look_into(
    mails: Callable[[str, datetime], Iterable[bytes]],
    arrived: Callable[[bytes], bool],
    *,
    store: CanaryStore,
    settings: Settings,
    now: datetime,
) -> int:
    """Read what lies in the local mailbox while something is awaited; how many were the canary's."""
    since = store.awaited_since(now) if settings.canary else None
    return 0 if since is None else sum(map(arrived, mails(settings.canary, since)))


def _subscribed(
    store: CanaryStore, subscribers: SubscriberStore, settings: Settings, now: datetime
) -> Subscriber | None:
    """The canary, subscribed to everything at its frequency; None when none is wished."""
    if not settings.canary:
        store.is_set(None)
        return None
    address = check_address(settings.canary)
    frequency = Frequency(settings.canary_frequency)
    try:
        canary = subscribers.get(address)
    except NotFoundError:
        canary = None
    if canary is None or not _wants_all(canary, frequency):
        canary = subscribers.sign_up(address, [Filter()], frequency, now, confirmed=True)
    for other in Frequency:
        if other is not frequency and _has(canary, other):
            subscribers.end(canary.id, reason="canary", now=now, frequency=other)
    if not store.is_set(canary.id):
        log.info("canary set", subscriber=canary.id, frequency=frequency.value)
    return canary


def _has(canary: Subscriber, frequency: Frequency) -> bool:
    return any(
        one.frequency is frequency and one.state is not SubscriptionState.ENDED
        for one in canary.subscriptions
    )


def _wants_all(canary: Subscriber, frequency: Frequency) -> bool:
    return any(
        one.wish.filter == Filter()
        and one.frequency is frequency
        and one.state is SubscriptionState.ACTIVE
        for one in canary.subscriptions
    )
