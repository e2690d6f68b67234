"""Stopping by a link of a mail: by its page's button, or by the mailbox's own (RFC 8058).

A link to stop works for ever, and looking at it changes nothing. It stops what the mail was about:
all subscriptions of its frequency. Where none of these runs any more because the reader switched
them to another frequency, it stops the ones that were switched: who presses "unsubscribe" on a
mail of ours wants what brought it to end, whatever they call it now (docs/adr/0035).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aggregator.flow.choices import bearer, ticket_of
from aggregator.model import Subscriber, Subscription, SubscriptionId, SubscriptionState
from aggregator.notify import Purpose, Ticket
from aggregator.ports import SubscriberStore
from aggregator.settings import Settings

_RUNNING = (SubscriptionState.ACTIVE, SubscriptionState.PAUSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopping:
    """What a link to stop would stop, and ``others`` that run and it would not.

    ``subscriber`` is None when they were erased already.
    """

    ticket: Ticket
    subscriber: Subscriber | None
    subscriptions: tuple[Subscription, ...] = ()
    others: tuple[Subscription, ...] = ()

    @property
    def switched(self) -> bool:
        """Whether what the link stops runs under another frequency by now."""
        named = self.ticket.frequency
        return any(named is not None and one.frequency is not named for one in self.subscriptions)


def stopping(
    token: str, *, store: SubscriberStore, settings: Settings, now: datetime
) -> Stopping | None:
    """What a link would stop, for the page with the button; changes nothing, never expires."""
    ticket = ticket_of(token, Purpose.STOP, settings, now)
    if ticket is None:
        return None
    who = bearer(ticket, store)
    if who is None:
        return Stopping(ticket=ticket, subscriber=None)
    switched: frozenset[SubscriptionId] = frozenset()
    if ticket.frequency is not None and ticket.subscription_id is None:
        switched = store.switched_from(who.id, ticket.frequency)
    covered = tuple(
        one
        for one in who.subscriptions
        if one.state is not SubscriptionState.ENDED
        and ticket.subscription_id in (None, one.id)
        and (ticket.frequency in (None, one.frequency) or one.id in switched)
    )
    others = tuple(one for one in who.subscriptions if one.state in _RUNNING and one not in covered)
    return Stopping(ticket=ticket, subscriber=who, subscriptions=covered, others=others)


def stop(
    token: str,
    *,
    store: SubscriberStore,
    settings: Settings,
    now: datetime,
    subscription_id: SubscriptionId | None = None,
    everything: bool = False,
    reason: str = "stop-link",
) -> bool:
    """End what the link names, by the page's button or the RFC 8058 POST (``one-click``).

    Doing it again, or after one was erased, is as good as the first time.

    Args:
        token: the link's.
        store: subscribers.
        settings: the key.
        now: UTC.
        subscription_id: end only this one of the reader's, as the page's small buttons do.
        everything: end all that the reader has, as the page's last button does.
        reason: kept with the ending: ``stop-link`` or ``one-click``.

    Returns:
        False for a link that is not ours.
    """
    found = stopping(token, store=store, settings=settings, now=now)
    if found is None:
        return False
    if found.subscriber is None:
        return True
    if everything:
        store.end(found.subscriber.id, reason=reason, now=now)
    elif subscription_id is not None:
        if subscription_id in {one.id for one in (*found.subscriptions, *found.others)}:
            store.end(found.subscriber.id, reason=reason, now=now, subscription_id=subscription_id)
    else:
        store.end(
            found.subscriber.id,
            reason=reason,
            now=now,
            frequency=found.ticket.frequency,
            subscription_id=found.ticket.subscription_id,
            switched=True,
        )
    return True


def one_click(token: str, *, store: SubscriberStore, settings: Settings, now: datetime) -> bool:
    """What the mailbox's own button does (RFC 8058): it acts at once, without a page."""
    return stop(token, store=store, settings=settings, now=now, reason="one-click")
