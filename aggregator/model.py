"""The nouns of Quxun, in the order in which they appear in the flow.

Times ending in ``_at`` are aware UTC instants; days ending in ``_on`` are days in
Asia/Shanghai. Money is in yuan, areas in square metres, sizes in bytes. Every noun is
frozen and made of values that survive a trip through JSON (the parser child and the
archive speak JSON), so that any of them can be compared, stored and sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final, NewType
from uuid import UUID

SourceId = NewType("SourceId", int)
EntryId = NewType("EntryId", int)
AnnouncementId = NewType("AnnouncementId", int)
SubscriberId = NewType("SubscriberId", int)
SubscriptionId = NewType("SubscriptionId", int)
WishId = NewType("WishId", int)
MailId = NewType("MailId", int)
RunId = NewType("RunId", int)
RulingId = NewType("RulingId", int)
EditionId = NewType("EditionId", int)


# --- Sources -------------------------------------------------------------------------


class SourceKind(StrEnum):
    """How a source publishes, and so how its bytes are read."""

    FEED = "feed"
    COLUMN = "column"
    JPAGE = "jpage"
    JPAAS = "jpaas"
    JSON = "json"


class Authority(StrEnum):
    """Who speaks through a source; official leads a cluster, commercial never does."""

    OFFICIAL = "official"
    MEDIA = "media"
    COMMERCIAL = "commercial"


class SourceState(StrEnum):
    """Whether a source is polled: untested ones (imported) wait for an operator."""

    ACTIVE = "active"
    PAUSED = "paused"
    UNTESTED = "untested"


class Health(StrEnum):
    """How a source is doing, judged against its own past."""

    NEW = "new"
    WELL = "well"
    EMPTY = "empty"
    STALE = "stale"
    BLOCKED = "blocked"
    REDESIGNED = "redesigned"
    UNREACHABLE = "unreachable"
    ILL = "ill"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selectors:
    """CSS selectors given by an operator; they win over whatever was learned.

    ``title``, ``link`` and ``date`` are looked for within a row; ``body`` and those that begin
    with ``article_`` in an article page.
    """

    rows: str | None = None
    title: str | None = None
    link: str | None = None
    date: str | None = None
    next: str | None = None
    body: str | None = None
    article_title: str | None = None
    article_date: str | None = None
    article_source: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSettings:
    """What an operator may set on one source; ``None`` means the house's own number."""

    selectors: Selectors = Selectors()
    category: str | None = None
    delay_seconds: float | None = None
    floor_seconds: float | None = None
    tls_profile: str = "strict"
    proxy: str | None = None
    allow_nets: tuple[str, ...] = ()
    headers: dict[str, str] = field(default_factory=dict)
    json_paths: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleShape:
    """Where the articles of a source keep their parts, each a way of the parse room's making.

    A part that is not told is looked for. Two articles of one template have shapes that agree,
    so a shape that does not says that the source was redesigned.
    """

    title: str | None = None
    date: str | None = None
    source: str | None = None
    body: str | None = None

    def agrees(self, other: ArticleShape) -> bool:
        """Whether both may be of one template.

        The text stands in the same place, or a block above or below it; a title is not told
        otherwise. Days and sources may come from a header that only some notices have.
        """
        mine, theirs = self.body or "", other.body or ""
        below = f"{mine}>".startswith(f"{theirs}>") or f"{theirs}>".startswith(f"{mine}>")
        return below and (None in {self.title, other.title} or self.title == other.title)


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What earlier polls learned of a source, tried first next time.

    ``rows`` names the shape of its list rows, ``article`` that of its articles (``body`` is
    where earlier versions kept it); all are selectors of the parse room's own making.
    ``article_next`` is the shape of the last article that did not fit: seen twice running it
    takes the place of ``article``. ``params`` holds what a family needs (``unitid`` of a Hanweb
    column, say).
    """

    rows: str | None = None
    title: str | None = None
    date: str | None = None
    body: str | None = None
    article: ArticleShape | None = None
    article_next: ArticleShape | None = None
    params: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Redesign:
    """The last time that a portal changed under us, as an operator reads it.

    ``what`` is ``list`` (rows are made otherwise), ``kind`` (they come by another way),
    ``addresses`` (known notices stand under new ones) or ``articles``. ``before`` and ``after``
    say it in words; ``found`` counts the rows of the first page; ``moved`` the entries known
    again under new addresses. ``articles`` is the template of articles before and after, where
    that changed too. ``healed`` is false while the new rows carry on nothing that is known:
    then an operator has to look.
    """

    at: datetime
    what: str
    before: str
    after: str
    found_before: int = 0
    found_after: int = 0
    moved: int = 0
    articles: tuple[str, str] | None = None
    healed: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarding:
    """That a source's address leads on for good (301, 308): where to, and how often seen."""

    to: str
    since: datetime
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One place we look: a column page or a feed of one portal, with its poll state."""

    id: SourceId
    slug: str
    name: str
    kind: SourceKind
    url: str
    region: str | None = None
    authority: Authority = Authority.OFFICIAL
    settings: SourceSettings = SourceSettings()
    state: SourceState = SourceState.ACTIVE
    learned: Learned = Learned()
    etag: str | None = None
    last_modified: str | None = None
    body_hash: bytes | None = None
    generation: int = 0
    attempts: int = 0
    failures: int = 0
    first_polled_at: datetime | None = None
    last_polled_at: datetime | None = None
    last_ok_at: datetime | None = None
    last_new_at: datetime | None = None
    next_poll_at: datetime | None = None
    usual_gap: timedelta | None = None
    usual_rows: int = 0
    health: Health = Health.NEW
    problem: str | None = None
    gap_open: str | None = None
    held: bool = False
    redesign: Redesign | None = None
    forwarding: Forwarding | None = None
    full_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSource:
    """A source as an operator or a catalogue names it, before it is stored."""

    name: str
    kind: SourceKind
    url: str
    region: str | None = None
    authority: Authority = Authority.OFFICIAL
    settings: SourceSettings = SourceSettings()
    state: SourceState = SourceState.ACTIVE
    learned: Learned = Learned()


# --- Fetch ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One GET or POST to make, with the bounds that its source's record sets.

    ``ports`` are the source's own, allowed besides 80 and 443.
    """

    url: str
    ports: tuple[int, ...] = ()
    etag: str | None = None
    last_modified: str | None = None
    method: str = "GET"
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    delay_seconds: float | None = None
    tls_profile: str = "strict"
    proxy: str | None = None
    allow_nets: tuple[str, ...] = ()
    ignore_robots: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Bytes from the web after decompression, not yet decoded to text.

    ``url`` is the final address after redirects, ``moved_to`` the same where all of them were
    permanent; ``content_type`` the header as sent.
    """

    url: str
    requested_url: str
    status: int
    body: bytes
    content_type: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    max_age: timedelta | None = None
    fetched_at: datetime
    took: timedelta = timedelta(0)
    moved_to: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unchanged:
    """A 304: nothing new since the validators we sent."""

    url: str
    fetched_at: datetime
    etag: str | None = None
    last_modified: str | None = None
    max_age: timedelta | None = None
    took: timedelta = timedelta(0)
    moved_to: str | None = None


# --- Parse ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a source showed, as published: one row of a list or one entry of a feed.

    ``date_text`` is the date as printed; ``date`` is it read, ``YYYY-MM-DD`` or ISO 8601
    with offset. ``raw_hash`` is of the bytes or text of the row, so that a row seen
    before costs nothing. ``content_html`` is what a feed carries of the article.
    """

    key: str
    url: str | None
    title: str
    date: str | None = None
    date_text: str | None = None
    summary: str | None = None
    content_html: str | None = None
    author: str | None = None
    pinned: bool = False
    raw_hash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relearned:
    """A known shape that stopped fitting and the one learned in its place, for an operator.

    ``before`` and ``after`` say in words what the rows are made of, ``why`` what no longer
    fitted.
    """

    before: str
    after: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListReading:
    """What one list page or feed says.

    ``next`` is the request for the following page, if there is one. ``charset`` names the
    decision and ``charset_why`` its reason. ``unread`` counts entries that were dropped
    by a bound or could not be read; ``ttl`` is the feed's own wish for a wait. ``missed`` names
    the operator's selectors that matched nothing.
    ``learned.rows`` is the shape the rows are known by next time: the one given, letter by
    letter, as long as it fits or nothing was found; with ``relearned`` when it was dropped.
    """

    kind: SourceKind
    entries: tuple[Entry, ...]
    next: Request | None = None
    title: str | None = None
    site_name: str | None = None
    site_code: str | None = None
    column_name: str | None = None
    column_type: str | None = None
    charset: str | None = None
    charset_why: str | None = None
    learned: Learned = Learned()
    relearned: Relearned | None = None
    ttl: timedelta | None = None
    unread: int = 0
    notes: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that a notice carries; ``media_type`` from its name, or unknown."""

    name: str
    url: str
    media_type: str = "application/octet-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """What one article page says, before anything is decided about it.

    ``fields`` are the labelled values of the header block with their labels normalised
    (索引号, 发文机关, 成文日期, 文号, 发布日期, 有效性 …); ``meta`` the page's meta tags, lower
    case names. ``body_html`` is raw markup of the body, ``body_text`` its paragraphs, one a
    line. ``date_text`` is the date printed beside the title, ``site`` what the page calls its
    site, in a tag or behind the title of its head. ``shape`` says where the parts
    stood, None where the page is too short to teach that; ``shape_kept`` that it is the shape
    which was given and that it was used, so False beside a ``shape`` means learned anew.
    """

    url: str
    title: str
    body_html: str
    body_text: str
    date_text: str | None = None
    source_text: str | None = None
    fields: dict[str, str] = field(default_factory=dict)
    meta: dict[str, str] = field(default_factory=dict)
    attachments: tuple[Attachment, ...] = ()
    breadcrumbs: tuple[str, ...] = ()
    site: str | None = None
    charset: str | None = None
    learned_body: str | None = None
    shape: ArticleShape | None = None
    shape_kept: bool = False
    notes: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()


# --- Normalise -----------------------------------------------------------------------


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """Money as written: ``basis`` says what it is (cap, floor, fixed, rate, unit, …)."""

    value: float
    yuan: float | None
    basis: str
    unit: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """The last day on which something may be handed in."""

    value: date
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Any other value read from the text, with the sentence that holds it literally.

    ``role`` is ``own`` or ``cited`` for document numbers, ``from`` or ``until`` for validity.
    """

    value: str
    sentence: str
    unit: str | None = None
    role: str | None = None
    number: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the text states in figures; every value keeps its sentence."""

    doc_numbers: tuple[Fact, ...] = ()
    registry_numbers: tuple[Fact, ...] = ()
    amounts: tuple[Amount, ...] = ()
    deadlines: tuple[Deadline, ...] = ()
    areas: tuple[Fact, ...] = ()
    stages: tuple[Fact, ...] = ()
    validity: tuple[Fact, ...] = ()
    cited: tuple[Fact, ...] = ()
    contacts: tuple[Fact, ...] = ()


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

    ``why`` is ``edited`` (the portal changed its page) or ``reread`` (we read the same page
    better; that is told to nobody).
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


# --- The poll, as the store is told of it --------------------------------------------


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


# --- Feeds ---------------------------------------------------------------------------


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One deadline of an announcement, followed through every change of the notice.

    ``number`` is its own within the announcement, for ever. ``sequence`` counts how often it
    moved, was taken back or came again (RFC 5545 §3.8.7.4), ``changed_at`` is when anything of
    it last did. ``cancelled_at`` is set while the notice no longer states it.
    """

    number: int
    day: date
    sentence: str
    sequence: int = 0
    born_at: datetime
    changed_at: datetime
    cancelled_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Agenda:
    """Announcements with their deadlines, in a stable order; ``cut`` when there are more."""

    entries: tuple[tuple[Announcement, tuple[Due, ...]], ...]
    cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarPage:
    """Everything that a calendar is made of; equal pages make equal bytes.

    ``tag_authority`` comes from the database and ends every UID, whatever our address is.
    """

    title: str
    subtitle: str
    home_url: str
    self_url: str
    public_url: str
    tag_authority: str
    updated_at: datetime
    agenda: Agenda


# --- Subscribers and mail ------------------------------------------------------------


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
    """

    since: datetime
    total: int
    counted: bool
    daily: int
    weekly: int
    found: tuple[Announcement, ...]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One planned sending: unique on frequency and due time."""

    id: RunId
    frequency: Frequency
    due_at: datetime


#: Why an announcement goes to a subscriber (the ledger's third key); besides it there are
#: ``change:<revision>``, ``reminder:7`` and ``reminder:1``.
NEWS: Final = "news"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What one mail brings, and how it is told: readers with equal selections get equal words.

    ``items`` are announcements with the ledger's reason, in order of id; ``wishes`` those that
    the mail answers.
    """

    language: str
    wishes: tuple[Filter, ...]
    items: tuple[tuple[AnnouncementId, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Who gets a mail, as far as planning has to know."""

    id: SubscriberId
    email: str
    language: str
    epoch: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A selection and all of a batch's readers who get just this."""

    selection: Selection
    readers: tuple[Reader, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alteration:
    """One field of a notice as it was sent and as it is now, in the words of its revisions.

    ``field`` is ``withdrawn``, ``deadlines``, ``amounts``, …; an empty side says that it was not
    stated.
    """

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectNews:
    """A project that was made public, as the radar counts it.

    ``single`` is false for a text about several projects: it has no sum of one, and
    ``aggregate_yuan`` is what it states for all. ``promised`` while nothing but words was done.
    """

    posted_on: date
    regions: tuple[str, ...]
    region_roll: tuple[str, ...]
    single: bool = True
    yuan: float = 0.0
    aggregate_yuan: float = 0.0
    promised: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RadarRow:
    """The projects of one region in a week, beside the weekly mean of the four before.

    Sums are of single projects. ``promised_yuan`` is the part of them that was only signed for,
    ``aggregate_yuan`` what was stated for several projects together, which is no part of them.
    """

    code: str
    name: str
    projects: int
    mean_projects: float
    yuan: float
    mean_yuan: float
    promised_yuan: float = 0.0
    aggregate_yuan: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Radar:
    """The projects of a week by region; ``young`` where we watched for less than the mean."""

    since: date
    until: date
    rows: tuple[RadarRow, ...]
    young: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestItem:
    """One line of a digest: an announcement and why it is in this mail (see ``NEWS``).

    ``alterations`` are what a change comes to.
    """

    announcement: Announcement
    reason: str = NEWS
    late: bool = False
    alterations: tuple[Alteration, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestGroup:
    """Items under one heading, in the order in which they are printed.

    ``total`` counts the shown ones and those that only the ledger and the link hold.
    """

    slug: str
    items: tuple[DigestItem, ...]
    total: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """What one mail of a run says, before it is put into words; it names no reader.

    ``groups`` hold the shown items, reminders and changes in groups of their own; ``more`` counts
    those that only the ledger and the link hold. ``places`` are the regions of all of them, in
    the order of the mail. ``wishes`` say why the reader gets it.
    """

    language: str
    wishes: tuple[Filter, ...]
    frequency: Frequency
    due_at: datetime
    groups: tuple[DigestGroup, ...]
    more: int
    coverage: Coverage
    places: tuple[str, ...] = ()
    radar: Radar | None = None

    @property
    def total(self) -> int:
        """How many items it has, shown or not."""
        return sum(group.total for group in self.groups)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """The words of a selection, the same for all its readers.

    ``text`` and ``html`` hold marks where a reader's own links stand (``notify.marks``).
    ``key`` is made of the words and of the run, so that equal editions are stored once.
    """

    key: str
    subject: str
    text: str
    html: str


class Lane(StrEnum):
    """Which mail goes first."""

    CONFIRMATION = "confirmation"
    IMMEDIATE = "immediate"
    DIGEST = "digest"


class MailState(StrEnum):
    """Where a mail of the outbox stands; ``handed`` is committed before the final dot."""

    QUEUED = "queued"
    CLAIMED = "claimed"
    HANDED = "handed"
    SENT = "sent"
    DEFERRED = "deferred"
    FAILED = "failed"
    AMBIGUOUS = "ambiguous"
    #: Its items went into a later mail before it left.
    MERGED = "merged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A finished mail: words and headers, still without transport.

    ``key`` is unique in the outbox, so planning twice queues nothing twice.
    """

    key: str
    lane: Lane
    to: str
    subject: str
    text: str
    html: str
    message_id: str
    headers: dict[str, str] = field(default_factory=dict)
    subscriber_id: SubscriberId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxMail:
    """A row of the outbox as its sender claims it.

    What it says is a whole ``mail``, or an ``edition`` that many readers share, in which
    ``epoch`` and ``frequency`` make the reader's own links. ``waiting_since``: since when it is
    tried, where that is not since it was made (resent, or merged with one before). ``in_doubt``: a copy of it may have
    arrived, so that this is the last attempt that may reach a final dot.
    """

    id: MailId
    key: str
    lane: Lane
    to: str
    domain: str
    message_id: str
    generation: int
    attempts: int
    created_at: datetime
    waiting_since: datetime | None = None
    in_doubt: bool = False
    mail: Mail | None = None
    edition_id: EditionId | None = None
    edition: Edition | None = None
    subscriber_id: SubscriberId | None = None
    epoch: int = 0
    frequency: Frequency | None = None
    run_id: RunId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What one SMTP attempt came to.

    ``state`` is sent, deferred, failed or ambiguous, or queued for a mail that was put back
    untried; ``answer`` is the server's own line, ``meaning`` by whose problem it is.
    """

    mail_id: MailId
    generation: int
    state: MailState
    answer: str
    at: datetime
    meaning: str = ""
    retry_at: datetime | None = None
    suppress: str | None = None
    domain: str = ""
    run_id: RunId | None = None


# --- What comes back ------------------------------------------------------------------


class ReturnKind(StrEnum):
    """What a message that came back says of a mail of ours.

    ``hard``: there is no such mailbox; ``soft``: not now, or not this; ``delayed``: still tried;
    ``complaint``: its reader calls it unwanted; ``delivered``: it is there; ``auto-reply`` and
    ``unclear`` change nothing; ``foreign`` names no mail that we can believe.
    """

    HARD = "hard"
    SOFT = "soft"
    DELAYED = "delayed"
    COMPLAINT = "complaint"
    DELIVERED = "delivered"
    AUTO_REPLY = "auto-reply"
    UNCLEAR = "unclear"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """One message that came back, as understood.

    ``status`` is a code of RFC 3463 (``5.1.1``), ``diagnostic`` one line without addresses,
    ``evidence`` what in the message decided.
    """

    kind: ReturnKind
    mail_id: MailId | None = None
    status: str | None = None
    diagnostic: str = ""
    evidence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnEvent:
    """One thing that a mail provider says of one mail, named by its Message-ID or its address."""

    kind: ReturnKind
    message_id: str | None
    address: str | None
    status: str | None
    diagnostic: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MailReturn:
    """A return as stored beside its mail, for those who look a mail up."""

    mail_id: MailId
    kind: ReturnKind
    status: str | None
    diagnostic: str
    evidence: str
    via: str
    at: datetime
    effect: str


class SuppressionKind(StrEnum):
    """Why an address gets no mail; a later one replaces an earlier one, never the reverse."""

    SOFT = "soft"
    HARD = "hard"
    OPERATOR = "operator"
    COMPLAINT = "complaint"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """An address that gets no mail, or (with ``lifted_at``) got none for a while."""

    email_key: str
    kind: SuppressionKind
    reason: str
    evidence: str = ""
    at: datetime
    tried_at: datetime | None = None
    lifted_at: datetime | None = None
    lifted_by: str | None = None


# --- Reading for the outside ----------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleSample:
    """What the first article of a tested source says; ``missed`` as of an article."""

    url: str
    title: str
    date: str | None
    source: str | None
    characters: int
    missed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What ``quxun sources test`` saw: enough for an operator to say yes or no."""

    url: str
    final_url: str
    status: int
    kind: SourceKind
    charset: str | None
    charset_why: str | None
    robots: str
    rows: int
    sample: tuple[Entry, ...]
    next_url: str | None
    title: str | None
    region: str | None
    authority: Authority
    notes: tuple[str, ...] = ()
    learned: Learned = Learned()
    missed: tuple[str, ...] = ()
    article: ArticleSample | None = None
