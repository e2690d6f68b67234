"""Keeping what sources showed and what their articles say."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from typing import Protocol

from aggregator.model import (
    AnnouncementId,
    ArticleReport,
    Entry,
    EntryId,
    KnownEntry,
    Page,
    PollReport,
    PollSummary,
    Source,
    SourceId,
    StoredEntry,
)


class PollStore(Protocol):
    """Sources and what they showed."""

    def due_sources(self, now: datetime, *, limit: int) -> Sequence[SourceId]:
        """Ids of the sources that are due and not leased, the longest waiting first,
        sources of one host side by side.
        """
        ...

    def unended(self, ids: Sequence[SourceId]) -> AbstractSet[SourceId]:
        """Those of them that were claimed and never reported on: they may end workers."""
        ...

    def claim_sources(
        self,
        ids: Sequence[SourceId],
        now: datetime,
        *,
        lease: timedelta,
        even_if_not_due: bool = False,
    ) -> Sequence[Source]:
        """Take the lease on those that are due and free; counts the attempt before the work."""
        ...

    def renew_sources(self, sources: Sequence[Source], until: datetime) -> None:
        """Hold the leases that are still ours until then."""
        ...

    def release_sources(self, sources: Sequence[Source]) -> None:
        """Give back leases whose turn did not come; the attempt is not counted."""
        ...

    def unseen(self, entries: Sequence[tuple[SourceId, Entry]]) -> Sequence[tuple[SourceId, Entry]]:
        """Those that the store does not hold, or holds with another ``raw_hash``."""
        ...

    def known_entries(self, source_id: SourceId, since: datetime) -> Sequence[KnownEntry]:
        """Entries of a source that were first seen since then, the newest first."""
        ...

    def record_polls(self, reports: Sequence[PollReport]) -> Sequence[PollSummary]:
        """Store the entries and mark the polls done in one transaction; a report whose
        lease was lost is left out. Bulk statements: no query per source.
        """
        ...


class ArticleStore(Protocol):
    """Entries whose article is to be read, and the announcements they make."""

    def due_entries(self, now: datetime, *, limit: int) -> Sequence[EntryId]:
        """Ids of entries whose article is due and not leased, first reads first."""
        ...

    def claim_entries(
        self, ids: Sequence[EntryId], now: datetime, *, lease: timedelta
    ) -> Sequence[StoredEntry]:
        """Take the lease on those that are due and free."""
        ...

    def renew_entries(self, entries: Sequence[StoredEntry], until: datetime) -> None:
        """Hold the leases that are still ours until then."""
        ...

    def record_articles(
        self, reports: Sequence[ArticleReport], now: datetime
    ) -> Sequence[AnnouncementId]:
        """Store pages, announcements, sightings and revisions in one transaction; the ids
        of announcements that are new or changed in substance.
        """
        ...


class ArchiveStore(Protocol):
    """Pages as they were fetched, and the entries that they are of."""

    def claim_archived(
        self, after: EntryId, *, limit: int, now: datetime, lease: timedelta, before: int | None
    ) -> Sequence[tuple[StoredEntry, Page]]:
        """Lease entries beyond that id whose page is kept and whose record is older than the
        extractor ``before`` (None: any), in order of id.
        """
        ...

    def record_articles(
        self, reports: Sequence[ArticleReport], now: datetime
    ) -> Sequence[AnnouncementId]:
        """As in ``ArticleStore``."""
        ...

    def cut_feeds(self, why: str) -> None:
        """Let what changed last stand in archive documents, so that the current ones go on
        showing what is new.
        """
        ...

    def reread_since(self, ids: Sequence[EntryId], since: datetime) -> int:
        """How many records of these entries were revised by a better reading since then."""
        ...
