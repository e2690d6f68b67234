"""What pages say, before anything is decided about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from aggregator.model.page import Request
from aggregator.model.source import ArticleShape, Authority, Learned, SourceKind


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
