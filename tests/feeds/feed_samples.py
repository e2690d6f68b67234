"""Pages of announcements to print: usual ones, and the worst that a portal could publish."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from uuid import UUID

from hypothesis import strategies as st
from lxml import etree

import feeds
from aggregator.filters import CATEGORIES
from aggregator.model import (
    Amount,
    Announcement,
    Attachment,
    Authority,
    Category,
    Coverage,
    Deadline,
    Draft,
    Facts,
    FeedPage,
    Flag,
    Grave,
    GraveReason,
    Kind,
    Region,
    Sighting,
    SourceId,
)
from aggregator.normalise.body import sanitise
from tests.records import SEEN, record_of

CHINA = timezone(timedelta(hours=8))
A = "{http://www.w3.org/2005/Atom}"
AT = "{http://purl.org/atompub/tombstones/1.0}"
FH = "{http://purl.org/syndication/history/1.0}"
DC = "{http://purl.org/dc/elements/1.1/}"
X = "{http://www.w3.org/1999/xhtml}"
COVERAGE = Coverage(watched=12, well=11, worst_since=SEEN)
SLUGS = tuple(CATEGORIES)
TYPES = st.sampled_from(["application/pdf", "a/b; c=d", "text", "文/字"])
BODY = "<p>第一条 对新落户企业给予支持。</p>"
PLACE = "https://quxun.example/feeds/policies/500116"


def notice(number: int = 1, **changes: object) -> Announcement:
    """A complete announcement; keywords change its draft, ``at_`` ones the record."""
    draft = Draft(
        title=f"关于支持产业发展的若干措施({number})",
        url=f"http://www.district.example/zw/{number}.html",
        posted_at=datetime(2026, 10, 4, tzinfo=CHINA),
        issuer="演示区人民政府",
        doc_number="演示府发[2026]3号",
        regions=(Region(code="500116", name="江津区", path=("重庆市", "重庆市", "江津区")),),
        kind=Kind.POLICY,
        categories=(Category(slug="policy", why="若干措施"),),
        summary="对新落户企业给予最高500万元支持。",
        body_html=BODY,
        body_text="第一条 对新落户企业给予支持。",
        attachments=(
            Attachment(
                name="申报表.doc", url="http://www.district.example/f.doc",
                media_type="application/msword",
            ),
        ),
        facts=Facts(
            deadlines=(Deadline(value=date(2026, 11, 30), sentence="11月30日前申报。"),),
            amounts=(
                Amount(value=500, yuan=5e6, basis="cap", unit="万元", sentence="最高500万元。"),
            ),
        ),
    )  # fmt: skip
    return record_of(
        draft, number, changes,
        source_id=SourceId(7),
        source_name="演示区政府网",
        sightings=(
            Sighting(
                source_id=SourceId(8), source_name="另一网站", title="转发",
                url="http://other.example/1.html", authority=Authority.MEDIA, seen_at=SEEN,
            ),
        ),
    )  # fmt: skip


def page(*announcements: Announcement, **changes: object) -> FeedPage:
    made = FeedPage(
        name="policies/500116",
        title="区讯 · 重庆市江津区 · 政策",
        subtitle="江津区的政策",
        home_url="https://quxun.example/?region=500116",
        self_url="https://quxun.example/feeds/policies/500116.atom",
        tag_authority="quxun.example",
        tag_date="2026-01-01",
        updated_at=SEEN,
        announcements=announcements,
        coverage=COVERAGE,
        public_url="https://quxun.example",
    )
    return replace(made, **changes)


def atom(made: FeedPage) -> etree._Element:
    return etree.fromstring(feeds.render(made, "atom"))


def rss(made: FeedPage) -> etree._Element:
    return etree.fromstring(feeds.render(made, "rss"))


def ids(made: FeedPage) -> tuple[list[str], list[str], list[str]]:
    return (
        [e.findtext(f"{A}id") for e in atom(made).iter(f"{A}entry")],
        [e.findtext("guid") for e in rss(made).iter("item")],
        [i["id"] for i in json.loads(feeds.render(made, "json"))["items"]],
    )


def addressed(made: FeedPage, form: str, *, archive: int | None = None) -> FeedPage:
    """The page under the addresses that it has in a format; an archive document by its number."""
    if archive is None:
        prev = f"{PLACE}/archive/7.{form}" if made.prev_url else None
        return replace(made, self_url=f"{PLACE}.{form}", prev_url=prev, next_url=None)
    return replace(
        made,
        self_url=f"{PLACE}/archive/{archive}.{form}",
        archived=True,
        coverage=None,
        current_url=f"{PLACE}.{form}",
        prev_url=f"{PLACE}/archive/{archive - 1}.{form}" if made.prev_url else None,
        next_url=f"{PLACE}/archive/{archive + 1}.{form}" if made.next_url else None,
    )


NASTY = st.text(
    st.characters()
    | st.sampled_from("<>&;#\"'/=\x00\x0b\x1b\ufffe\u202e\u061c\u200b\u0301\u0e38\x85\u3000\xc3\xa9\n\t")
    | st.characters(max_codepoint=0x2FF)
    | st.characters(min_codepoint=0x10000),
    max_size=80,
) | st.sampled_from(
    [
        "]]>", "<b>粗</b>", "&amp;&lt;x&nbsp;", "a" * 5000, "", " ", "\ud800", "<!--", "%ff", "http://[", "科技&1号",
        "</p>", "<p>", "&#60;b&#62;", "Ã©Â°", "锟斤拷", "手机13912345678", "a" + "\u0301" * 40, "\u202e文\u202c",
        "关于‘引号’与“引号”<与>&的通知", "𠮷野家𝔸", "=cmd|' /C calc'!A0", "null", "0",
    ]
)  # fmt: skip
ADDRESSES = NASTY | st.sampled_from(
    [
        "https://ok.example/路径?a=1 2#b#c", "HTTP://OK.example", "http://区讯.中国/", "http://a@b.example/", "//x.example/y",
        "javascript:alert(1)", "http://x.example:99999/", "http://[::1]/", "http://x.example/[1]|{2}^`\\", "http://x.example/%zz",
        "https://ok.example/" + "a" * 3000, "http://a b/", "ftp://x.example/", "http:///x", "http://x..example/", "http://-.example/",
        "data:text/html,x", "mailto:a@b.example", "http://x.example/\r\nSet-Cookie: a", "http://x.example/?q=<script>",
    ]
)  # fmt: skip
DATES = (
    st.none()
    | st.integers(-10_000, 30_000).map(lambda n: SEEN + timedelta(days=n))
    | st.datetimes()
    | st.datetimes(timezones=st.just(CHINA))
    | st.sampled_from(
        [
            datetime(1, 1, 1, tzinfo=CHINA),
            datetime(9999, 12, 31, tzinfo=UTC),
            datetime(1899, 12, 31, tzinfo=CHINA),
        ]
    )
)
PIECES = st.lists(
    NASTY
    | st.sampled_from(
        ["<p>", "</p>", "<table><tr><td colspan=2>", "<a href='/x?a=1&b=2'>", "</a>", "<br>", "<script>", "<pre>\n", "<li>"]
    ),
    max_size=8,
).map("".join)  # fmt: skip


@st.composite
def announcements(draw, number: int = 1) -> Announcement:
    """Announcements with any text anywhere, any missing or odd date and address."""
    body = draw(PIECES)
    if draw(st.booleans()):
        body = sanitise(body, "https://ok.example/")
    first_seen = SEEN - timedelta(days=draw(st.integers(0, 3)))
    many = draw(st.sampled_from([0, 1, 1, 2, 3, 300]))
    return notice(
        number,
        title=draw(NASTY),
        url=draw(ADDRESSES),
        posted_at=draw(DATES),
        issuer=draw(st.none() | NASTY),
        source_label=draw(st.none() | NASTY),
        doc_number=draw(st.none() | NASTY),
        summary=draw(NASTY),
        body_html=body,
        body_text=draw(NASTY),
        authority=draw(st.sampled_from(Authority)),
        kind=draw(st.sampled_from(Kind)),
        categories=tuple(Category(slug=s, why="") for s in draw(st.lists(st.sampled_from(SLUGS)))),
        regions=(Region(code="500116", name=draw(NASTY), path=(draw(NASTY),)),) * many,
        attachments=tuple(
            Attachment(name=draw(NASTY), url=draw(ADDRESSES) + str(n), media_type=draw(NASTY | TYPES))
            for n in range(min(many, 3))
        )
        * max(1, many),
        flags=tuple(draw(st.sets(st.sampled_from(Flag)))),
        at_source_name=draw(NASTY),
        at_source_id=draw(st.none() | st.just(SourceId(7))),
        at_first_seen_at=first_seen,
        at_changed_at=draw(st.sampled_from([SEEN, SEEN + timedelta(microseconds=999_999)])),
        at_withdrawn_at=draw(st.none() | st.none() | st.just(SEEN)),
        at_merged_into=draw(st.none() | st.just(UUID(int=77))),
        at_sightings=tuple(
            Sighting(
                source_id=SourceId(n), source_name=draw(NASTY), title=draw(NASTY),
                url=draw(ADDRESSES), authority=Authority.MEDIA, seen_at=SEEN,
            )
            for n in range(min(many, 3))
        ) * max(1, many),
    )  # fmt: skip


GRAVES = st.builds(
    Grave,
    uuid=st.integers(100, 120).map(lambda n: UUID(int=n)),
    at=st.just(SEEN),
    why=st.sampled_from(GraveReason),
    merged_into=st.none() | st.just(UUID(int=1)),
)


@st.composite
def pages(draw, most: int = 5) -> FeedPage:
    """A current or an archive document of such announcements."""
    numbers = draw(st.lists(st.integers(1, 9), unique=True, max_size=most))
    return page(
        *(draw(announcements(number)) for number in numbers),
        title=draw(NASTY),
        subtitle=draw(NASTY),
        graves=tuple(draw(st.lists(GRAVES, max_size=3))),
        prev_url=draw(st.none() | st.just("older")),
        next_url=draw(st.none() | st.just("newer")),
        hub_url=draw(st.none() | st.just("https://quxun.example/hub")),
        coverage=draw(st.sampled_from([None, Coverage(watched=3, well=3), COVERAGE])),
    )


def golden_documents() -> dict[str, bytes]:
    """Documents that must never be printed otherwise, by the names of their files."""
    made = page(
        notice(1, title="关于<促进>投资的“若干”措施 & 细则"),
        notice(2, kind=Kind.PROJECT, at_revision=3, posted_at=None),
        prev_url="older",
        next_url="newer",
        hub_url="https://quxun.example/hub",
        graves=tuple(
            Grave(
                uuid=UUID(int=90 + n),
                at=SEEN,
                why=why,
                merged_into=UUID(int=1) if why is GraveReason.MERGED else None,
            )
            for n, why in enumerate(GraveReason)
        ),
    )
    return {
        f"{name}.{form}": feeds.render(addressed(made, form, archive=archive), form)
        for name, archive in (("current", None), ("archive", 8))
        for form in feeds.FORMATS
    }
