"""Telling programs of changes: the hub and webhooks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from aggregator.push import (
    Follower,
    HookDelivery,
    HookState,
    HubLimits,
    HubRequest,
    Parcel,
    Reply,
    Told,
    Topic,
    Webhook,
    WebhookId,
)


class Caller(Protocol):
    """Calls other people's callbacks: bounded, guarded, without redirects."""

    def check(self, url: str) -> tuple[str, str]:
        """An address as we shall call it, and its host.

        Raises:
            UsageError: when it is one that we never call.
        """
        ...

    async def call(self, parcel: Parcel) -> Reply:
        """Make one call; what went wrong stands in the reply."""
        ...


class HubStore(Protocol):
    """What is asked of the hub, who follows what, and who must be told."""

    def accept(self, request: HubRequest, now: datetime, *, limits: HubLimits) -> str | None:
        """Count and keep a request; why not, when a limit is reached."""
        ...

    def claim_requests(
        self, now: datetime, *, limit: int, lease: timedelta
    ) -> Sequence[HubRequest]:
        """Lease requests whose callback is to be asked."""
        ...

    def has_room(self, request: HubRequest, now: datetime, *, limits: HubLimits) -> str | None:
        """Why there is no room for one more follower."""
        ...

    def settle(self, request: HubRequest, outcome: str, now: datetime, *, confirmed: bool) -> None:
        """Write what the callback said, and do as asked when it confirmed."""
        ...

    def cursor(self) -> int:
        """The last change whose topics were marked."""
        ...

    def mark(self, names: Sequence[tuple[str, int]], *, through: int) -> None:
        """Note the last change of named feeds; searches are to be looked at up to ``through``."""
        ...

    def unmeasured(self) -> Sequence[tuple[Topic, int]]:
        """Topics whose last change must be looked up, and up to which change."""
        ...

    def measured(self, topic: Topic, version: int, suspect: int) -> None:
        """Write a topic's last change."""
        ...

    def claim_followers(self, now: datetime, *, limit: int, lease: timedelta) -> Sequence[Follower]:
        """Lease followers whose topic has changed since they were told."""
        ...

    def record_told(self, told: Sequence[Told]) -> None:
        """Write what came of telling them; whoever lost the lease changes nothing."""
        ...

    def drop(self, follower: int, reason: str, now: datetime) -> bool:
        """End a follower and have it told so."""
        ...


class WebhookStore(Protocol):
    """Where each webhook stands, and what came of every call."""

    def claim_webhooks(
        self, now: datetime, *, last: int, limit: int, lease: timedelta
    ) -> Sequence[Webhook]:
        """Lease those that stand before the last change and are due."""
        ...

    def begin(self, hook: Webhook, through: int) -> bool:
        """Fix the batch before it is sent; False when it must not be."""
        ...

    def record_call(
        self,
        hook: Webhook,
        *,
        cursor: int | None,
        due_at: datetime,
        delivery: HookDelivery | None,
        state: HookState = HookState.ACTIVE,
    ) -> None:
        """Write what came of a call, and let go of the lease."""
        ...

    def log(self, hook: WebhookId, delivery: HookDelivery) -> None:
        """Log a call that moves nothing."""
        ...
