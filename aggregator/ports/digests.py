"""Planning digests: runs, who is owed what, the ledger."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from typing import Protocol

from aggregator.model import (
    Announcement,
    AnnouncementId,
    Edition,
    EditionId,
    Frequency,
    ProjectNews,
    Revision,
    Run,
    RunId,
    Selection,
    Share,
    Subscriber,
    SubscriberId,
    Watch,
)


class PlanningBatch(Protocol):
    """A batch of subscribers who are being planned for; what is written is committed together.

    ``standing`` holds the number of the last change of every announcement of the shares,
    ``revisions`` what the changes among them tell of.
    """

    standing: Mapping[AnnouncementId, int]
    revisions: Mapping[tuple[AnnouncementId, str], Revision]
    shares: Sequence[Share]

    def announcements(self, ids: Sequence[AnnouncementId]) -> Sequence[Announcement]:
        """Announcements without their texts, which no mail prints."""
        ...

    def write(
        self,
        written: Sequence[tuple[Share, EditionId | Edition]],
        stamp: Callable[[SubscriberId], tuple[str, str]],
    ) -> tuple[int, Mapping[str, EditionId]]:
        """Put a mail for every reader of the shares into the outbox, and into the ledger what
        it brings; how many, and the ids of the new editions by their keys. ``stamp`` makes key
        and Message-ID of a reader's mail.
        """
        ...


class WaitingBatch(Protocol):
    """Mails of one run that wait and tell of what was withdrawn since, as in ``PlanningBatch``:
    the shares hold the rest of what they tell. ``last`` is the greatest of their numbers.
    """

    run: Run
    last: int
    standing: Mapping[AnnouncementId, int]
    revisions: Mapping[tuple[AnnouncementId, str], Revision]
    shares: Sequence[Share]

    def announcements(self, ids: Sequence[AnnouncementId]) -> Sequence[Announcement]:
        """Announcements without their texts, which no mail prints."""
        ...

    def reprint(self, written: Sequence[tuple[Share, Edition]]) -> int:
        """Give the mails of these shares their new words, and end those that have nothing left;
        how many mails.
        """
        ...


class DigestStore(Protocol):
    """Runs, who is owed what, and the outbox."""

    def open_run(
        self,
        frequency: Frequency,
        due_at: datetime,
        *,
        alone: bool = ...,
        now: datetime | None = ...,
    ) -> Run | None:
        """The run of that slot, made if need be; None when it is planned already."""
        ...

    def planned_slots(
        self, frequency: Frequency, since: datetime, now: datetime
    ) -> Sequence[datetime]:
        """Due times since then whose runs are planned already."""
        ...

    def first_run_at(self) -> datetime | None:
        """When the first subscriber confirmed: no run before that can owe anything."""
        ...

    def match(self, now: datetime) -> int:
        """Match what is new with what is wished for; how many announcements were looked at."""
        ...

    def subscribers_due(
        self, run: Run, now: datetime, *, after: SubscriberId | None, limit: int
    ) -> Sequence[SubscriberId]:
        """Subscribers who may be owed something by the run and whose hour (and weekday) falls
        into its slot, in order.
        """
        ...

    def planning(
        self, run: Run, ids: Sequence[SubscriberId], now: datetime
    ) -> AbstractContextManager[PlanningBatch]:
        """What a batch of subscribers is owed by a run, and the place for what is made of it:
        one transaction, committed when the block ends well.
        """
        ...

    def waiting(
        self, now: datetime, *, after: int = ...
    ) -> AbstractContextManager[WaitingBatch | None]:
        """The next mails of one run that wait and tell of what was withdrawn since, behind that
        number, in one transaction; None when there are none.
        """
        ...

    def owed(
        self, subscriber: Subscriber, frequency: Frequency, now: datetime
    ) -> tuple[Selection, Sequence[Announcement]]:
        """What one subscriber would get now, and the announcements of it; locks nothing."""
        ...

    def revisions(self, selection: Selection) -> Mapping[tuple[AnnouncementId, str], Revision]:
        """What the changes of a selection tell of."""
        ...

    def brought(
        self, subscriber_id: SubscriberId, run_id: RunId
    ) -> tuple[Run, datetime, Selection, Sequence[Announcement]] | None:
        """What a run's mail to a subscriber brought by the ledger, and when it was planned."""
        ...

    def watch(self) -> Watch:
        """How well the sources are watched just now, everywhere and by region, with the names
        of those that are ill.
        """
        ...

    def project_news(self, until: date) -> tuple[Sequence[ProjectNews], date | None]:
        """The projects of the five weeks before that day, and the first day of our watching."""
        ...

    def leave_run(self, run_id: RunId, now: datetime, *, due: int, planned: int) -> datetime:
        """Leave a run open for those who could not be planned; since when it is left so."""
        ...

    def close_run(
        self, run_id: RunId, now: datetime, *, due: int = 0, planned: int = 0, missed: int = 0
    ) -> None:
        """Mark a run as planned: how many might be owed something, how many got a mail, and how
        many could not be planned, which is an alarm.
        """
        ...
