"""Keeping subscribers, their wishes and choices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from aggregator.model import (
    Addition,
    Asking,
    Filter,
    Frequency,
    Mail,
    Subscriber,
    SubscriberId,
    SubscriptionId,
    Verdict,
)


class SubscriberStore(Protocol):
    """Subscribers, their wishes and choices."""

    def may_ask(
        self,
        email: str,
        network: str | None,
        now: datetime,
        *,
        kind: Asking = ...,
        answered: bool = ...,
    ) -> Verdict:
        """Count a request for a mail, and say whether it is within the limits."""
        ...

    def rehearse(self, mail: Mail, now: datetime) -> None:
        """The work of queueing a mail, and then none queued."""
        ...

    def sign_up(
        self,
        email: str,
        filters: Sequence[Filter],
        frequency: Frequency,
        now: datetime,
        *,
        confirmed: bool = False,
        token_hash: bytes | None = None,
        ip: str | None = None,
    ) -> Subscriber:
        """Store a subscriber and their wishes, pending until confirmed."""
        ...

    def pending_confirmation(self, token_hash: bytes, now: datetime) -> Subscriber | None:
        """Whose confirming link this is, while it lives; changes nothing."""
        ...

    def confirm(
        self, token_hash: bytes, now: datetime, *, ip: str | None = None
    ) -> Subscriber | None:
        """Confirm once; a used or old token gives None."""
        ...

    def was_confirmed(self, token_hash: bytes, now: datetime) -> bool:
        """Whether that confirming link was used, as long as it would live."""
        ...

    def get(self, ref: str | int) -> Subscriber:
        """A subscriber by address or id.

        Raises:
            NotFoundError: when there is none.
        """
        ...

    def set_preferences(
        self,
        subscriber_id: SubscriberId,
        *,
        hour: int | None = None,
        minute: int | None = None,
        weekday: int | None = None,
        timezone: str | None = None,
        language: str | None = None,
        reminders: bool | None = None,
    ) -> None:
        """Change when and how a subscriber is written to; None leaves a thing as it is."""
        ...

    def set_frequency(
        self, subscription_id: SubscriptionId, frequency: Frequency, now: datetime | None = None
    ) -> None:
        """Change how often a subscription is answered; resets nothing."""
        ...

    def pause(
        self,
        subscription_id: SubscriptionId,
        now: datetime | None = ...,
        *,
        until: datetime | None = ...,
    ) -> None:
        """Plan nothing of it until it is resumed, or until then."""
        ...

    def resume(self, subscription_id: SubscriptionId, now: datetime) -> None:
        """Send what is announced from now on."""
        ...

    def end(
        self,
        subscriber_id: SubscriberId,
        *,
        reason: str,
        now: datetime,
        frequency: Frequency | None = None,
        subscription_id: SubscriptionId | None = None,
        switched: bool = False,
    ) -> int:
        """End all subscriptions, those of a frequency, or one; how many ended now.

        ``switched``: where none of that frequency runs, those that left it count to it.
        """
        ...

    def switched_from(
        self, subscriber_id: SubscriberId, frequency: Frequency
    ) -> frozenset[SubscriptionId]:
        """Which subscriptions run that left a frequency of which none runs any more."""
        ...

    def erase(self, subscriber_id: SubscriberId) -> None:
        """Delete a person, their subscriptions and their ledger."""
        ...


class PersonStore(Protocol):
    """What is held of a person as a whole."""

    def add_wish(
        self, subscriber_id: SubscriberId, wish: Filter, frequency: Frequency, now: datetime
    ) -> Addition:
        """Have an active subscription, resumed where it was paused."""
        ...

    def raise_epoch(self, subscriber_id: SubscriberId) -> None:
        """Let every link to a person's choices that is out be void."""
        ...

    def ask_move(
        self, subscriber_id: SubscriberId, email: str, token_hash: bytes, now: datetime
    ) -> None:
        """Keep that a person wants their mail elsewhere."""
        ...

    def pending_move(self, token_hash: bytes, now: datetime) -> tuple[Subscriber, str] | None:
        """Who moves where by a link, while it lives; changes nothing."""
        ...

    def refuse_move(self, token_hash: bytes, reason: str, now: datetime) -> None:
        """End what was asked of a new address, and what goes there by that link already."""
        ...

    def was_moved(self, token_hash: bytes, now: datetime) -> bool:
        """Whether that link was used, as long as it would live."""
        ...

    def move(self, token_hash: bytes, told: Mail, now: datetime) -> Subscriber | None:
        """Move a person once, and tell the old address in the same transaction.

        Raises:
            UsageError: when the new address has subscriptions of its own.
        """
        ...

    def export(self, subscriber_id: SubscriberId) -> Mapping[str, object]:
        """All that is held of a person, in words of JSON."""
        ...
