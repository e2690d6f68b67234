"""The story of a digest: which runs are due, who is owed what, into the outbox once.

Safe to run twice and by two at once: a run is a row unique on its slot, a mail is unique on
its key, and the ledger decides what is owed. No window and no cursor (DESIGN.md, promise 8).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from jinja2 import Environment

from aggregator.errors import OutageError
from aggregator.flow.subscribe import house_of
from aggregator.model import (
    NEWS,
    Coverage,
    Digest,
    Frequency,
    Mail,
    Run,
    Selection,
    Subscriber,
    SubscriptionState,
)
from aggregator.notify import House, digest_mail, item_of, plan_digest, render_edition
from aggregator.ports import DigestStore
from aggregator.settings import Settings

log = structlog.get_logger()

#: Runs missed this long ago are still planned.
LOOK_BACK: Final = timedelta(days=7)
#: Daily and weekly runs fall due in slots of this length.
SLOT: Final = timedelta(minutes=15)
#: Subscribers read at a time: memory does not follow their number.
PAGE: Final = 200
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def plan_due(*, store: DigestStore, env: Environment, settings: Settings, now: datetime) -> int:
    """Plan every run that is due and was not planned, the missed ones of 7 days included.

    Returns:
        How many mails were put into the outbox.
    """
    since = store.first_run_at()
    if since is None:
        return 0
    house = house_of(settings)
    planned = 0
    seen: Coverage | None = None
    for frequency in (Frequency.IMMEDIATE, Frequency.DAILY, Frequency.WEEKLY):
        slots = due_slots(frequency, now, since=since, immediate=_immediate(settings))
        done = set(store.planned_slots(frequency, slots[0])) if slots else set()
        for slot in slots:
            run = None if slot in done else store.open_run(frequency, slot)
            if run is None:
                continue
            seen = seen or store.coverage()
            planned += _plan_run(run, store=store, env=env, house=house, seen=seen, now=now)
            store.close_run(run.id, now)
    return planned


def due_slots(
    frequency: Frequency, now: datetime, *, since: datetime, immediate: timedelta
) -> list[datetime]:
    """The due times up to now that may not be planned yet, the oldest first.

    Every subscriber of immediate mails is in every slot, and the ledger knows what is owed, so
    the last slot makes up for all before it. Daily and weekly slots hold different people.

    Args:
        frequency: the runs'.
        now: UTC; a slot that begins now is due.
        since: nobody had confirmed before that.
        immediate: how long immediate mails are grouped.
    """
    if frequency is Frequency.IMMEDIATE:
        last = _floor(now, immediate)
        return [last] if last >= since else []
    slot = _floor(max(now - LOOK_BACK, since), SLOT)
    slots: list[datetime] = []
    while slot <= now:
        slots.append(slot)
        slot += SLOT
    return slots


def preview(
    subscriber: Subscriber,
    frequency: Frequency,
    *,
    store: DigestStore,
    env: Environment,
    settings: Settings,
    now: datetime,
) -> tuple[Digest, Mail] | None:
    """The digest a subscriber would get now, and its mail; writes nothing."""
    made = _made_for(
        subscriber, frequency,
        due_at=now, store=store, env=env, house=house_of(settings), seen=store.coverage(), now=now,
    )  # fmt: skip
    return None if made is None else made[1:]


def plan_for(
    subscriber: Subscriber,
    *,
    store: DigestStore,
    env: Environment,
    settings: Settings,
    now: datetime,
) -> int:
    """Plan what one subscriber is owed in all frequencies at once, as runs of their own.

    Returns:
        How many mails were put into the outbox.
    """
    planned = 0
    house, seen = house_of(settings), store.coverage()
    mine = {x.frequency for x in subscriber.subscriptions if x.state is SubscriptionState.ACTIVE}
    for frequency in sorted(mine):
        made = _made_for(
            subscriber, frequency,
            due_at=now, store=store, env=env, house=house, seen=seen, now=now,
        )  # fmt: skip
        run = store.open_run(frequency, now) if made else None
        if made is None or run is None:
            continue
        planned += store.enqueue_digest(run, subscriber.id, made[0], made[2])
        store.close_run(run.id, now)
    return planned


def _plan_run(
    run: Run,
    *,
    store: DigestStore,
    env: Environment,
    house: House,
    seen: Coverage,
    now: datetime,
) -> int:
    planned = 0
    for subscriber in _everyone(run, store=store):
        try:
            made = _made_for(
                subscriber, run.frequency,
                due_at=run.due_at, store=store, env=env, house=house, seen=seen, now=now,
            )  # fmt: skip
            if made is not None:
                planned += store.enqueue_digest(run, subscriber.id, made[0], made[2])
        except OutageError:
            raise  # everybody's: the run is planned again
        except Exception:  # a bug with one reader's digest must not keep everybody else's back
            # Nothing is lost: what is owed is a set, and the next run finds it still owed.
            log.exception("digest not planned", subscriber=subscriber.id, run=run.id)
    if planned:
        log.info("planned", frequency=run.frequency.value, due_at=run.due_at, mails=planned)
    return planned


def _everyone(run: Run, *, store: DigestStore) -> Iterator[Subscriber]:
    after = None
    while page := store.subscribers_due(run, after=after, limit=PAGE):
        yield from page
        after = page[-1].id


def _made_for(
    subscriber: Subscriber,
    frequency: Frequency,
    *,
    due_at: datetime,
    store: DigestStore,
    env: Environment,
    house: House,
    seen: Coverage,
    now: datetime,
) -> tuple[Selection, Digest, Mail] | None:
    owed = [item_of(one, NEWS) for one in store.owed(subscriber, frequency, now)]
    selection = Selection(
        language=subscriber.language,
        wishes=tuple(
            one.wish.filter
            for one in subscriber.subscriptions
            if one.frequency is frequency and one.state is SubscriptionState.ACTIVE
        ),
        items=tuple((one.announcement.id, one.reason) for one in owed),
    )
    digest = plan_digest(selection, frequency, owed, due_at=due_at, now=now, coverage=seen)
    if digest is None:
        return None
    edition = render_edition(env, digest, house=house, now=now)
    mail = digest_mail(
        edition, subscriber, frequency=frequency, due_at=due_at, house=house, now=now
    )
    return selection, digest, mail


def _immediate(settings: Settings) -> timedelta:
    return timedelta(seconds=settings.immediate_seconds)


def _floor(at: datetime, step: timedelta) -> datetime:
    """The begin of the slot an instant lies in, counted from 1970 in UTC."""
    return at - (at - _EPOCH) % step
