"""What feeds are made of: a filter, a window of announcements, how well it is watched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from aggregator.model.announcement import Announcement, Kind
from aggregator.model.source import Authority


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """One language for feeds, pages and wishes: flat fields, all of which must hold.

    ``region`` codes mean that division and all below it; several values of one field
    are alternatives. An empty filter matches everything that is ours.
    """

    region: tuple[str, ...] = ()
    kind: tuple[Kind, ...] = ()
    category: tuple[str, ...] = ()
    industry: tuple[str, ...] = ()
    authority: tuple[Authority, ...] = ()
    q: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    amount_min: float | None = None
    posted_after: date | None = None
    posted_before: date | None = None
    deadline_after: date | None = None
    deadline_before: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How well the sources behind a page or mail are watched."""

    watched: int
    well: int
    worst_since: datetime | None = None
    ill: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """How well sources are watched: all of them, and those of a region and what is below it."""

    everywhere: Coverage
    regions: Mapping[str, Coverage]


class GraveReason(StrEnum):
    """Why an entry is no more in a feed."""

    WITHDRAWN = "withdrawn"
    MERGED = "merged"
    LEFT = "left"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grave:
    """What is left of an entry that a feed shows no more (RFC 6721).

    ``at`` is UTC. ``merged`` names the heir in ``merged_into``; one that has ``left`` lives on
    in other feeds; ``removed`` was taken out because the law demands it.
    """

    uuid: UUID
    at: datetime
    why: GraveReason = GraveReason.WITHDRAWN
    merged_into: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What one document of a feed holds: the outcome of changes in a row of the journal.

    ``entries`` are as published by their last change in the document, ``graves`` what is no
    more; both in order of change. ``through`` is the last change counted, made ``at``; ``prev``
    and ``next`` are the numbers of the archive documents beside it (RFC 5005 §4).
    """

    entries: tuple[Announcement, ...]
    graves: tuple[Grave, ...]
    through: int
    at: datetime
    prev: int | None = None
    next: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedPage:
    """Everything that a feed document is made of; equal pages make equal bytes.

    ``name`` is the path below ``/feeds/`` without suffix; ``tag_authority`` and ``tag_date``
    (``YYYY-MM-DD``) come from the database and make ``tag:<authority>,<date>:<uuid>``.
    An ``archived`` page is one that never changes (RFC 5005 §4), save that ``next_url`` is added
    once; it says nothing of coverage.
    """

    name: str
    title: str
    subtitle: str
    home_url: str
    self_url: str
    tag_authority: str
    tag_date: str
    updated_at: datetime
    announcements: tuple[Announcement, ...]
    coverage: Coverage | None
    public_url: str
    hub_url: str | None = None
    graves: tuple[Grave, ...] = ()
    archived: bool = False
    current_url: str | None = None
    prev_url: str | None = None
    next_url: str | None = None
