"""Who asked for mail, for what, and how they want it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from aggregator.model.announcement import Announcement
from aggregator.model.feed import Filter
from aggregator.model.ids import SubscriberId, SubscriptionId, WishId


class Frequency(StrEnum):
    """How often a subscription is answered."""

    IMMEDIATE = "immediate"
    DAILY = "daily"
    WEEKLY = "weekly"


class Asking(StrEnum):
    """What a stranger may have us write a mail for."""

    SIGN_UP = "sign-up"
    LINK = "link"
    ADDRESS = "address"
    AGAIN = "again"


class Verdict(StrEnum):
    """Whether such a mail may be written: yes, no, or after a question that a person answers."""

    YES = "yes"
    NO = "no"
    QUESTION = "question"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """When and in which language a subscriber is written to; None leaves a thing as it is.

    ``hour`` (0-23), ``minute`` and ``weekday`` (0 = Monday) are in ``timezone``. With
    ``reminders`` they are told again of what was sent before its deadline is over.
    """

    hour: int | None = None
    minute: int | None = None
    weekday: int | None = None
    timezone: str | None = None
    language: str | None = None
    reminders: bool | None = None


class SubscriberState(StrEnum):
    """Nobody gets mail they did not confirm; nothing is planned for a channel that is paused."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    ENDED = "ended"
    PAUSED = "paused"


class SubscriptionState(StrEnum):
    """Where a subscription stands."""

    PENDING = "pending"
    ACTIVE = "active"
    PAUSED = "paused"
    ENDED = "ended"


class Addition(StrEnum):
    """What adding a wish came to: it is new, it was there, or it was paused and goes on."""

    NEW = "new"
    THERE = "there"
    RESUMED = "resumed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A filter, stored once however many subscribers share it."""

    id: WishId
    filter: Filter


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a wish would have brought: counted by the rules of mail, before anybody subscribes.

    ``total`` stops at a bound, ``counted`` says that it did not. ``found`` are the newest of them.
    ``daily`` and ``weekly`` are the mails that they would have come in, of one subscriber.
    ``earlier`` are the newest, and ``earlier_total`` how many (up to the bound), of those that
    were posted in that time and stood there already when their source was first looked at.
    """

    since: datetime
    total: int
    counted: bool
    daily: int
    weekly: int
    found: tuple[Announcement, ...]
    earlier: tuple[Announcement, ...] = ()
    earlier_total: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """A subscriber's tie to a wish; owed is what was announced since ``active_from``."""

    id: SubscriptionId
    wish: Wish
    frequency: Frequency
    state: SubscriptionState = SubscriptionState.ACTIVE
    active_from: datetime
    paused_until: datetime | None = None
    ended_at: datetime | None = None
    end_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """A person who asked for mail, and how they want it.

    ``hour`` (0–23), ``minute`` and ``weekday`` (0 = Monday) are in ``timezone``.
    """

    id: SubscriberId
    email: str
    state: SubscriberState = SubscriberState.PENDING
    language: str = "zh"
    timezone: str = "Asia/Shanghai"
    hour: int = 8
    minute: int = 30
    weekday: int = 0
    reminders: bool = False
    confirmed_at: datetime | None = None
    created_at: datetime
    epoch: int = 0
    suppressed: str | None = None
    subscriptions: tuple[Subscription, ...] = ()
