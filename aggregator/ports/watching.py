"""Watching ourselves: alarms, the canary, and the bell that wakes a queue."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from aggregator.alarms import Alarm
from aggregator.canaries import ExpectedMail, LateMail
from aggregator.model import Mail, MailId, SubscriberId


class AlarmStore(Protocol):
    """What an operator must look at."""

    def raise_alarm(self, kind: str, words: str) -> bool:
        """Open an alarm, or renew the words of the open one; True when it was not open."""
        ...

    def clear_alarm(self, kind: str) -> bool:
        """Clear the open alarm of a kind; True when there was one."""
        ...

    def open_alarms(self) -> Sequence[Alarm]:
        """Those that are not cleared, the newest first."""
        ...

    def untold(self) -> Sequence[Alarm]:
        """Open alarms that a mail is to be written about."""
        ...

    def tell(self, alarm: Alarm, mail: Mail, now: datetime) -> None:
        """Queue the mail about an alarm, once."""
        ...


class CanaryStore(Protocol):
    """The mails that are followed until they arrive."""

    def is_set(self, subscriber_id: SubscriberId | None) -> bool:
        """Make a subscriber the canary, and no other; False when another one, or none, was."""
        ...

    def expect(self, subscriber_id: SubscriberId, wait: timedelta, now: datetime) -> None:
        """Want every mail of a run to the canary within that time."""
        ...

    def late(self, now: datetime) -> Sequence[LateMail]:
        """Mails that should have arrived by now and were not told of yet."""
        ...

    def awaited_since(self, now: datetime) -> datetime | None:
        """When the oldest mail that left and has not arrived was queued."""
        ...

    def expected(self, message_id: str) -> tuple[MailId, ExpectedMail] | None:
        """What a mail of the canary's should be, by its Message-ID."""
        ...

    def settle(
        self, mail_id: MailId, *, problem: str | None, arrived_at: datetime | None = None
    ) -> None:
        """Write that a mail arrived, or what is wrong with it."""
        ...


class Bell(Protocol):
    """Rings a queue: a hint that there may be work. Never fails the caller."""

    def ring(self, task: str, *args: object) -> None:
        """Send the hint, best effort, within two seconds; a failure is logged and counted."""
        ...
