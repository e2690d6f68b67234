"""The clean record of a notice, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from aggregator.model.facts import Facts
from aggregator.model.ids import AnnouncementId, RulingId, SourceId
from aggregator.model.reading import Attachment
from aggregator.model.source import Authority


class Kind(StrEnum):
    """Every announcement is a policy, a project or something else."""

    POLICY = "policy"
    PROJECT = "project"
    OTHER = "other"


class Precision(StrEnum):
    """How exactly a time is known."""

    DAY = "day"
    MINUTE = "minute"


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A subject word with the reason why it was given."""

    slug: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A division or zone that an announcement is about; ``path`` names divisions only."""

    code: str
    name: str
    path: tuple[str, ...]


class Flag(StrEnum):
    """What a reader should know about a record before believing it."""

    ATTACHMENT_ONLY = "attachment_only"
    TABLE_ONLY = "table_only"
    ROW_ONLY = "row_only"
    STATUS_CHANGE = "status_change"
    DRAFT = "draft"
    AGGREGATE = "aggregate"
    BODY_DOUBLED = "body_doubled"
    DATE_GUESSED = "date_guessed"
    EXCLUDED = "excluded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """The clean record that one entry and its article make, before it is in the store.

    ``posted_at`` carries ``+08:00`` of its day when only the day is known. ``excluded``
    notices (recruitment, tenders, …) are kept but stay out of feeds and mails unless asked
    for. ``title_key`` is the title as compared, ``doc_number`` in normal form.
    """

    title: str
    url: str
    posted_at: datetime | None
    date_precision: Precision = Precision.DAY
    date_evidence: str = ""
    signed_on: date | None = None
    source_label: str | None = None
    issuer: str | None = None
    doc_number: str | None = None
    registry_number: str | None = None
    index_number: str | None = None
    valid_from: date | None = None
    valid_until: date | None = None
    validity: str | None = None
    regions: tuple[Region, ...] = ()
    region_why: str = ""
    kind: Kind = Kind.OTHER
    kind_why: str = ""
    categories: tuple[Category, ...] = ()
    authority: Authority = Authority.OFFICIAL
    summary: str = ""
    body_html: str = ""
    body_text: str = ""
    attachments: tuple[Attachment, ...] = ()
    facts: Facts = Facts()
    flags: tuple[Flag, ...] = ()
    title_key: str = ""
    body_hash: str = ""
    substance_hash: str = ""
    extractor: int = 1


class Novelty(StrEnum):
    """Whether an announcement is news to a subscriber, and if not, by which named rule."""

    NEWS = "news"
    LATE_NEWS = "late-news"
    LATE = "late"
    FIRST_POLL = "first-poll"
    HELD = "held"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """That an entry of a source showed an announcement."""

    source_id: SourceId
    source_name: str
    url: str
    title: str
    authority: Authority
    seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """The clean record of one notice, however many portals carried it.

    ``uuid`` and ``minted_at`` never change and make the feed id. ``changed_at`` moves only
    with substance; ``change`` is the global change number of that moment.
    ``region_roll`` holds the codes of the regions and of all that contain them.
    """

    id: AnnouncementId
    uuid: UUID
    draft: Draft
    region_roll: tuple[str, ...]
    first_seen_at: datetime
    announced_at: datetime
    changed_at: datetime
    change: int
    revision: int = 1
    novelty: Novelty = Novelty.NEWS
    source_id: SourceId | None = None
    source_name: str = ""
    withdrawn_at: datetime | None = None
    merged_into: UUID | None = None
    removed_at: datetime | None = None
    sightings: tuple[Sighting, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One substantive change: what was there before and after, field by field.

    ``why`` is ``edited`` (the portal changed its page) or ``reread`` (no issuer changed anything:
    we read the same words better, or another copy of the notice speaks; that is told to nobody).
    """

    revision: int
    at: datetime
    changes: dict[str, tuple[str, str]]
    why: str = "edited"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """That an operator split ``other`` out of an announcement, or merged it into that.

    ``verdict`` is ``split`` or ``merge``.
    """

    id: RulingId
    verdict: str
    announcement: UUID
    other: UUID
    by: str
    why: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """A stored announcement that one cites, or that cites it, by the name in ``words``.

    ``relation`` is what the citing one does to the other: cites, explains, drafts, amends,
    repeals, extends or corrects it.
    """

    uuid: UUID
    title: str
    relation: str
    words: str
    posted_at: datetime | None = None
    withdrawn: bool = False
