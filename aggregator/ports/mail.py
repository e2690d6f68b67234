"""Sending mail: the outbox and who speaks SMTP."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from typing import Protocol

from aggregator.model import (
    Delivery,
    Edition,
    EditionId,
    Lane,
    Mail,
    MailId,
    OutboxMail,
    SentMail,
)
from aggregator.paces import Complaint, Pace


class OutboxStore(Protocol):
    """Mails that must leave, each once."""

    def enqueue_mail(self, mail: Mail, now: datetime) -> MailId | None:
        """Queue a mail unless its key is there already."""
        ...

    def claim_mails(
        self, now: datetime, *, limit: int, lease: timedelta, lane: Lane = ...
    ) -> Sequence[OutboxMail]:
        """Lease the mails that are due, up to a lane: confirmations before immediate before
        digests. Domains that must wait are left out, and what is beyond a domain's pace.
        """
        ...

    def doubt_lost(self, now: datetime) -> int:
        """Mark what was handed over by a sender that vanished as ambiguous; how many."""
        ...

    def editions(self, ids: Collection[EditionId]) -> Mapping[EditionId, Edition]:
        """The words of editions."""
        ...

    def paces(self) -> Sequence[Pace]:
        """What domains that complained take."""
        ...

    def praise(self, domains: Collection[str], now: datetime) -> None:
        """Raise the paces of domains that took what they were sent in the last minute."""
        ...

    def turn(
        self,
        deliveries: Sequence[Delivery],
        hand: Sequence[OutboxMail] = (),
        *,
        complaints: Sequence[Complaint] = (),
        now: datetime,
    ) -> AbstractSet[MailId]:
        """In one transaction, write what came of attempts and commit that the mails of ``hand``
        may get their final dot; the ids of those that may. The same again answers the same.
        """
        ...

    def renew_mails(self, mails: Sequence[OutboxMail], until: datetime) -> None:
        """Hold the leases that are still ours until then."""
        ...

    def tell_relay(self, problem: str | None) -> None:
        """Raise the alarm that the relay is not reached, or clear it."""
        ...


class SentMails(Protocol):
    """What a journal of sent mails asks the database."""

    def journal_key(self) -> bytes:
        """What makes of an address a word that only this database can tell again."""
        ...

    def sent(self, ids: Collection[MailId]) -> Sequence[SentMail]:
        """Mails as the journal is told of them."""
        ...

    def tell_journal(self, machine: str, problem: str | None) -> bool:
        """Raise the alarm that a machine's journal cannot be written, or clear it; False when
        that cannot be done now.
        """
        ...


class SentJournal(Protocol):
    """What left, written down outside of the database."""

    def note(
        self, mails: Sequence[OutboxMail], now: datetime, *, others: Collection[MailId] = ...
    ) -> None:
        """Append mails that were taken; ``others`` are looked up first."""
        ...

    def sync(self) -> None:
        """Have what was appended on the disk."""
        ...


class Desk(Protocol):
    """What a mailer gets its mails from, and where it says what came of them.

    Every call may use the database; none is made while a transaction is open.
    """

    def take(self, room: int, *, express: bool = False) -> Sequence[OutboxMail]:
        """Mails to send, at most so many, the most urgent first; ``express``: only such as
        somebody waits for.
        """
        ...

    def turn(
        self,
        deliveries: Sequence[Delivery],
        hand: Sequence[OutboxMail],
        complaints: Sequence[Complaint],
    ) -> AbstractSet[MailId]:
        """As in ``OutboxStore``."""
        ...

    def renew(self) -> None:
        """Hold the leases of all that was taken and not yet told of."""
        ...

    def connections(self) -> Mapping[str, int]:
        """How many mails at once the domains take that complained of too many."""
        ...

    def over(self) -> bool:
        """Whether no further mail is to be begun."""
        ...

    def relay(self, problem: str | None) -> None:
        """Tell an operator that the relay is not reached for longer, or is again (None)."""
        ...

    def now(self) -> datetime:
        """The present time."""
        ...


class Mailer(Protocol):
    """Speaks SMTP."""

    def deliver(self, desk: Desk) -> None:
        """Send each of the desk's mails on its own until it has no more, time is over or nobody
        answers; every mail that was taken is told of once, whatever happens.
        """
        ...
