"""The poll, as the store is told of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from aggregator.model.announcement import Draft
from aggregator.model.ids import AnnouncementId, EntryId, SourceId
from aggregator.model.page import Page
from aggregator.model.reading import Entry
from aggregator.model.source import (
    ArticleShape,
    Forwarding,
    Health,
    Learned,
    Redesign,
    Source,
    SourceKind,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to work on a row until ``until``; a later generation voids it."""

    generation: int
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PollReport:
    """What came of one poll; recorded whole, in one transaction, or not at all.

    ``entries`` are only those not seen before or whose row changed, ``moved`` those known
    under another key: (the old key, the entry as it stands now). ``problem`` is in words an
    operator can act on; its class stands in ``problem_class``. ``kind`` and ``redesign`` are
    None where they stay as they are, and so is ``url``; ``held`` keeps the new rows from mail.
    ``full`` says that the list came whole, not as a 304.
    """

    source: Source
    at: datetime
    outcome: str  # unchanged | same | read | failed
    status: int | None = None
    found: int = 0
    entries: tuple[Entry, ...] = ()
    pages: int = 0
    page_bytes: int = 0
    took: timedelta = timedelta(0)
    etag: str | None = None
    last_modified: str | None = None
    body_hash: bytes | None = None
    learned: Learned | None = None
    gap_open: str | None = None
    health: Health = Health.WELL
    problem: str | None = None
    problem_class: str | None = None
    notes: tuple[str, ...] = ()
    moved: tuple[tuple[str, Entry], ...] = ()
    kind: SourceKind | None = None
    redesign: Redesign | None = None
    held: bool = False
    forwarding: Forwarding | None = None
    url: str | None = None
    full: bool = False
    next_poll_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PollSummary:
    """What recording a poll changed, for tables and logs."""

    source_id: SourceId
    slug: str
    outcome: str
    found: int
    new: int
    changed: int
    moved: int = 0
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownEntry:
    """What is known of an entry when rows come back under new addresses.

    ``date`` as an entry has it: ``YYYY-MM-DD`` or ISO 8601.
    """

    key: str
    title: str
    date: str | None
    date_text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEntry:
    """An entry as stored, with the state of its article."""

    id: EntryId
    source: Source
    entry: Entry
    first_seen_at: datetime
    first_poll: bool
    generation: int = 0
    attempts: int = 0
    reads: int = 0
    read_at: datetime | None = None
    etag: str | None = None
    last_modified: str | None = None
    page_hash: bytes | None = None
    gone_since: datetime | None = None
    announcement_id: AnnouncementId | None = None


class ArticleOutcome(StrEnum):
    """What came of looking at an entry's article."""

    READ = "read"
    REREAD = "reread"
    UNCHANGED = "unchanged"
    ROW_ONLY = "row_only"
    RETRY = "retry"
    GONE_ONCE = "gone_once"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleReport:
    """What came of one look at an article; recorded in one transaction."""

    entry: StoredEntry
    at: datetime
    outcome: ArticleOutcome
    draft: Draft | None = None
    page: Page | None = None
    etag: str | None = None
    last_modified: str | None = None
    due_at: datetime | None = None
    gone_since: datetime | None = None
    shape: ArticleShape | None = None
    shape_kept: bool = False
    problem: str | None = None
    problem_class: str | None = None
