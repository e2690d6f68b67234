"""Taking what comes back of mails."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from aggregator.model import MailId, Return, ReturnEvent


class ReturnStore(Protocol):
    """What came back of mails, and what follows for their addresses."""

    def record(self, returns: Sequence[Return], *, via: str, now: datetime) -> Sequence[str]:
        """Write what came back and do what follows; what was done for each, in a few words."""
        ...

    def mails_of(self, events: Sequence[ReturnEvent]) -> Sequence[MailId | None]:
        """The mails that a provider's events are about; None for those that are none of ours."""
        ...

    def since(self, at: datetime) -> Mapping[str, int]:
        """How many mails left since then (``sent``), and how many of each kind came back."""
        ...


class MailboxReader(Protocol):
    """A mailbox with what came back."""

    def read(self, take: Callable[[Sequence[bytes]], None], *, more: Callable[[], bool]) -> int:
        """Hand over what was not read yet, batch by batch, and mark what was recorded."""
        ...
