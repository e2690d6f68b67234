"""Where we look: sources, what operators set on them and what was learned of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from aggregator.model.ids import SourceId


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
