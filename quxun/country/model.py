"""The nouns of the simulated country: divisions, portals, columns, notices and where they stand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from enum import StrEnum

SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")
"""China has one zone and no daylight saving time; a fixed offset needs no zone data."""


class Level(StrEnum):
    """How high a division stands."""

    PROVINCE = "province"
    CITY = "city"
    COUNTY = "county"
    ZONE = "zone"


class Authority(StrEnum):
    """Who speaks on a portal."""

    OFFICIAL = "official"
    MEDIA = "media"
    COMMERCIAL = "commercial"


class SourceKind(StrEnum):
    """How the product has to read a column."""

    FEED = "feed"
    COLUMN = "column"
    JPAGE = "jpage"
    JPAAS = "jpaas"
    JSON = "json"


class Nature(StrEnum):
    """What a notice is; decides its words, its kind and its categories."""

    POLICY = "policy"
    APPLICATION = "application"
    INTERPRETATION = "interpretation"
    STATUS = "status"
    PROJECT = "project"
    AGGREGATE = "aggregate"
    LAND = "land"
    PARK = "park"
    PROMO = "promo"
    NOTICE = "notice"
    DRAFT = "draft"
    GUIDE = "guide"
    TENDER = "tender"
    RECRUITMENT = "recruitment"
    PERSONNEL = "personnel"
    PENALTY = "penalty"
    BUDGET = "budget"
    ROUTINE = "routine"


class Kind(StrEnum):
    """The product's top kinds."""

    POLICY = "policy"
    PROJECT = "project"
    OTHER = "other"


class Basis(StrEnum):
    """What an amount of money is."""

    CAP = "cap"
    FLOOR = "floor"
    FIXED = "fixed"
    UNIT = "unit"
    INVESTMENT = "investment"
    AGGREGATE = "aggregate"
    OTHER = "other"


class Edit(StrEnum):
    """What a portal changes in a notice that is already out."""

    DEADLINE = "deadline"
    AMOUNT = "amount"
    BODY = "body"
    TITLE = "title"


@dataclass(frozen=True, slots=True, kw_only=True)
class Division:
    """An invented administrative unit or zone.

    ``code`` is six digits beginning with 99, or for a zone ``Z``, the code of the county it lies
    in and two digits. ``parent`` is a code, empty for the province.
    """

    code: str
    name: str
    parent: str
    level: Level
    stem: str
    short: str

    @property
    def government(self) -> str:
        """Who signs here."""
        return f"{self.name}管理委员会" if self.level is Level.ZONE else f"{self.name}人民政府"


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """Money in yuan with the paragraph that names it."""

    yuan: int
    basis: Basis
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """The last day to act, with the paragraph that names it."""

    day: date
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """Land or floor in square metres (1 亩 is 666.67), with its paragraph."""

    m2: float
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a careful reader takes from a notice."""

    amounts: tuple[Amount, ...] = ()
    deadlines: tuple[Deadline, ...] = ()
    areas: tuple[Area, ...] = ()
    stages: tuple[str, ...] = ()
    valid_from: date | None = None
    valid_until: date | None = None
    cited: tuple[str, ...] = ()
    always_open: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A piece of a body. ``style`` is p, h, addressee, sign, note or table; rows only for a table."""

    style: str
    text: str
    rows: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that belongs to a notice."""

    name: str
    suffix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stub:
    """All that decides a notice before a word of it is written."""

    id: int
    nature: Nature
    region_code: str
    bureau: int
    ordinal: int
    doc_seq: int
    posted_at: datetime
    lag_days: int
    related: Stub | None = None
    edits: tuple[Edit, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One notice as its author meant it, whatever the portals make of it.

    ``posted_at`` is when it first stood anywhere, aware, Asia/Shanghai. ``revision`` counts edits.
    ``inner_title`` is the title of the document a 关于印发…的通知 carries, else the title.
    """

    id: int
    nature: Nature
    title: str
    inner_title: str
    issuer: str
    region_code: str
    region_codes: tuple[str, ...]
    kind: Kind
    categories: tuple[str, ...]
    ours: bool
    posted_at: datetime
    signed_on: date
    body: tuple[Block, ...]
    facts: Facts
    doc_number: str | None = None
    registry_number: str | None = None
    index_number: str | None = None
    topic: str = ""
    attachments: tuple[Attachment, ...] = ()
    related: str | None = None
    revision: int = 0

    @property
    def paragraphs(self) -> tuple[str, ...]:
        """The text of the body, table cells joined by blanks, one string a paragraph."""
        lines: list[str] = []
        for block in self.body:
            if block.style == "table":
                lines.extend(" ".join(row) for row in block.rows)
            else:
                lines.append(block.text)
        return tuple(lines)


class Wrap(StrEnum):
    """What a portal does to the title of a notice it shows."""

    PLAIN = "plain"
    FORWARD = "forward"
    ISSUE = "issue"
    BARE = "bare"
    PRESS = "press"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """That a notice stands in a column.

    ``number`` is the portal's own article number, ``edits`` how many of the notice's edits this
    portal has made.
    """

    id: int
    notice_id: int
    column_key: int
    number: int
    posted_at: datetime
    changed_at: datetime
    wrap: Wrap = Wrap.PLAIN
    pinned: bool = False
    attachment_only: bool = False
    edits: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A place where a portal lists notices; ``path`` is what a source's URL has after the host."""

    key: int
    host: str
    path: str
    name: str
    slug: str
    number: int
    family: str
    kind: SourceKind
    authority: Authority
    region_code: str
    natures: tuple[tuple[Nature, int], ...]
    per_page: int = 20
    generation: int = 0
    settings: tuple[tuple[str, str], ...] = ()

    def setting(self, name: str, default: str = "") -> str:
        """A setting of this column, or the default."""
        for key, value in self.settings:
            if key == name:
                return value
        return default


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How a portal's server speaks.

    ``charset`` is what bytes are encoded in, ``label`` what the page calls it (empty: says
    nothing), ``content_type`` the header (empty: none; ``{mime}`` stands for the type).
    """

    charset: str = "utf-8"
    label: str = "utf-8"
    content_type: str = "{mime}; charset=utf-8"
    etag: str = "strong"
    last_modified: bool = True
    gzip: bool = False
    server: str = "nginx"


@dataclass(frozen=True, slots=True, kw_only=True)
class Portal:
    """A web site of the country on one loopback address."""

    index: int
    host: str
    name: str
    domain: str
    site_code: str
    authority: Authority
    region_code: str
    habits: Habits
    look_seed: str
    columns: tuple[Column, ...] = field(default=())
    generation: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How big a country is.

    ``portals`` are full portals of all families in turn. With ``columns`` a cheap country is
    made instead: that many columns, ``html_share`` of them list pages and the rest feeds, dealt
    over ``hosts`` addresses. At most 250 addresses.
    """

    portals: int = 12
    notices_per_column: int = 40
    reprint_share: float = 0.3
    columns: int = 0
    hosts: int = 249
    html_share: float = 0.0

    @classmethod
    def bench(cls, columns: int = 1000, *, hosts: int = 249, html_share: float = 0.0) -> Size:
        """Many cheap columns of 25 entries for measuring polls."""
        return cls(
            columns=columns,
            hosts=min(hosts, columns),
            html_share=html_share,
            notices_per_column=25,
            reprint_share=0.0,
        )
