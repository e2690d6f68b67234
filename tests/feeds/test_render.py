from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from uuid import UUID

import feedparser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

import feeds
from aggregator.model import (
    Amount,
    Announcement,
    AnnouncementId,
    Attachment,
    Authority,
    Category,
    Coverage,
    Deadline,
    Draft,
    Facts,
    FeedPage,
    Kind,
    Region,
    Sighting,
    SourceId,
)

CHINA = timezone(timedelta(hours=8))
SEEN = datetime(2026, 10, 5, 2, 30, tzinfo=UTC)
A = "{http://www.w3.org/2005/Atom}"
AT = "{http://purl.org/atompub/tombstones/1.0}"
DC = "{http://purl.org/dc/elements/1.1/}"
BODY = "<p>第一条 对新落户企业给予支持。</p>"


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
    record = {k[3:]: v for k, v in changes.items() if k.startswith("at_")}
    words = {k: v for k, v in changes.items() if not k.startswith("at_")}
    one = Announcement(
        id=AnnouncementId(number),
        uuid=UUID(int=number),
        draft=replace(draft, **words),
        region_roll=("500116", "500100", "500000"),
        first_seen_at=SEEN,
        announced_at=SEEN,
        changed_at=SEEN + timedelta(minutes=number),
        change=number,
        source_id=SourceId(7),
        source_name="演示区政府网",
        sightings=(
            Sighting(
                source_id=SourceId(8), source_name="另一网站", title="转发",
                url="http://other.example/1.html", authority=Authority.MEDIA, seen_at=SEEN,
            ),
        ),
    )  # fmt: skip
    return replace(one, **record)


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
        coverage=Coverage(watched=12, well=11, worst_since=SEEN),
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


def test_three_formats_carry_the_same_entries_in_the_same_order():
    """A reader that changes format neither loses an entry nor sees it move."""
    older = notice(3, posted_at=datetime(2026, 9, 1, tzinfo=CHINA))
    made = page(notice(1), older, notice(2))

    in_atom, in_rss, in_json = ids(made)
    assert in_atom == in_rss == in_json
    assert in_atom == [f"tag:quxun.example,2026-01-01:{UUID(int=n)}" for n in (2, 1, 3)]


def test_entry_says_where_it_comes_from_and_when():
    """Atom readers get the original's address with its role, its source, and Chinese time."""
    entry = atom(page(notice())).find(f"{A}entry")

    links = {(x.get("rel"), x.get("href")) for x in entry.findall(f"{A}link")}
    assert ("alternate", "http://www.district.example/zw/1.html") in links
    assert ("via", "http://other.example/1.html") in links
    assert ("related", "http://www.district.example/f.doc") in links
    assert entry.findtext(f"{A}published") == "2026-10-04T00:00:00+08:00"
    assert entry.findtext(f"{A}updated") == "2026-10-05T02:31:00+00:00"
    source = entry.find(f"{A}source")
    assert source.findtext(f"{A}id") == "tag:quxun.example,2026-01-01:source/7"
    assert source.findtext(f"{A}title") == "演示区政府网"
    terms = {(c.get("scheme").rsplit(":", 1)[1], c.get("term"), c.get("label"))
             for c in entry.findall(f"{A}category")}  # fmt: skip
    assert {("category", "policy", "招商政策"), ("region", "500116", "重庆市江津区"),
            ("authority", "official", "官方"), ("kind", "policy", "政策")} == terms  # fmt: skip
    assert entry.findtext(f"{A}author/{A}name") == "演示区人民政府"


def test_rss_keeps_issuer_site_link_and_escapes_its_summary():
    """Feedgen drops an author without an address and takes the last link for the site's."""
    root = rss(page(notice(summary="金额 < 500 & 以上")))
    item = root.find("channel/item")

    assert root.findtext("channel/link") == "https://quxun.example/?region=500116"
    assert item.findtext(f"{DC}creator") == "演示区人民政府"
    assert item.findtext("pubDate") == "Sun, 04 Oct 2026 00:00:00 +0800"
    assert "金额 &lt; 500 &amp; 以上" in item.findtext("description")


@pytest.mark.parametrize(
    ("changes", "whole"),
    [
        ({}, True),
        ({"authority": Authority.COMMERCIAL}, False),
        ({"authority": Authority.MEDIA}, False),
        ({"kind": Kind.PROJECT}, False),
        ({"categories": (Category(slug="interpretation", why="解读"),)}, False),
        ({"body_html": '<p onclick="x()">字</p>'}, False),
        ({"body_html": '<p><a href="./x.html">字</a></p>'}, False),
        ({"body_html": "<p>字</p><script>1</script>"}, False),
    ],
)
def test_full_text_only_of_official_policy_documents(changes, whole):
    """Other people's prose and anything executable stays out of our feeds."""
    made = page(notice(**changes))

    assert (atom(made).find(f"{A}entry/{A}content") is not None) is whole
    item = json.loads(feeds.render(made, "json"))["items"][0]
    assert ("content_html" in item) is whole
    assert item["summary"]


def test_withdrawn_is_a_tombstone_and_no_entry():
    """A consumer learns that a notice is no more; RSS cannot say it and so is silent."""
    gone = notice(2, at_withdrawn_at=SEEN + timedelta(days=1))
    merged = notice(3, at_withdrawn_at=SEEN + timedelta(days=2), at_merged_into=UUID(int=1))
    made = page(notice(1), gone, merged)

    assert all(len(found) == 1 for found in ids(made))
    graves = atom(made).findall(f"{AT}deleted-entry")
    assert [g.get("ref")[-1] for g in graves] == ["3", "2"]
    assert str(UUID(int=1)) in graves[0].findtext(f"{AT}comment")
    listed = json.loads(feeds.render(made, "json"))["_quxun"]["withdrawn"]
    assert [g["id"][-1] for g in listed] == ["3", "2"]


def test_personal_numbers_stay_out_of_summaries():
    """Mobile and identity numbers in a list of names are not for us to spread."""
    made = page(notice(summary="联系人 13912345678,证号 110101199001011234。", doc_number=None))

    summary = atom(made).find(f"{A}entry/{A}summary").text
    assert "139" not in summary
    assert "1101" not in summary


def test_a_date_in_the_future_gives_way_to_the_arrival():
    """A portal's typing error must not pin its notice to the top for a year."""
    made = page(notice(posted_at=datetime(2027, 10, 4, tzinfo=CHINA)))

    published = atom(made).find(f"{A}entry/{A}published").text
    assert published == "2026-10-05T10:30:00+08:00"


def test_feed_says_how_well_its_sources_are_watched():
    """Coverage is honest: in every format, from the same figures."""
    made = page(notice())

    ours = "{tag:quxun.example,2026:feeds}coverage"
    assert atom(made).find(ours).attrib["well"] == "11"
    assert rss(made).find(f"channel/{ours}").attrib["watched"] == "12"
    assert json.loads(feeds.render(made, "json"))["_quxun"]["coverage"]["well"] == 11


@pytest.mark.parametrize("form", feeds.FORMATS)
def test_an_empty_feed_is_still_a_feed(form):
    """A district may have announced nothing yet: subscribers may come before the news."""
    parsed = feedparser.parse(io.BytesIO(feeds.render(page(), form)))

    assert form == "json" or (not parsed.bozo and parsed.feed.title)


NASTY = st.text(
    st.characters() | st.sampled_from("<>&\"'\x00\x0b\x1b￾\u202e\u200b\u0301\x85　]]>\n\t"),
    max_size=80,
) | st.sampled_from(
    ["]]>", "<b>粗", "&amp;&lt;x", "a" * 5000, "", "\ud800", "<!--", "%ff", "http://["]
)


@st.composite
def announcements(draw, number: int = 1) -> Announcement:
    """Announcements with any text anywhere, and any missing or odd date."""
    dates = st.none() | st.integers(-10_000, 30_000).map(lambda n: SEEN + timedelta(days=n))
    return notice(
        number,
        title=draw(NASTY),
        url=draw(NASTY | st.just("https://ok.example/路径?a=1 2")),
        posted_at=draw(dates),
        issuer=draw(st.none() | NASTY),
        doc_number=draw(st.none() | NASTY),
        summary=draw(NASTY),
        body_html=draw(NASTY),
        body_text=draw(NASTY),
        authority=draw(st.sampled_from(Authority)),
        kind=draw(st.sampled_from(Kind)),
        regions=(Region(code="500116", name=draw(NASTY), path=(draw(NASTY),)),),
        attachments=(Attachment(name=draw(NASTY), url=draw(NASTY), media_type=draw(NASTY)),),
        at_source_name=draw(NASTY),
        at_withdrawn_at=draw(st.none() | st.just(SEEN)),
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 9), unique=True, max_size=4).flatmap(
    lambda numbers: st.tuples(*(announcements(n) for n in numbers))
))  # fmt: skip
def test_whatever_a_portal_writes_our_feeds_stay_feeds(made):
    """One bad title must not cost a region its feed, and formats never disagree."""
    whole = page(*made)

    in_atom, in_rss, in_json = ids(whole)
    assert in_atom == in_rss == in_json
    assert len(in_atom) == sum(one.withdrawn_at is None for one in made)
    for form in ("atom", "rss"):
        body = feeds.render(whole, form)
        assert body == feeds.render(replace(whole, announcements=tuple(reversed(made))), form)
        parsed = feedparser.parse(io.BytesIO(body), sanitize_html=False)
        assert not parsed.bozo
        assert [e.id for e in parsed.entries] == in_atom
        assert all(e.title.strip() and e.link.startswith("http") for e in parsed.entries)
    times = [e.findtext(f"{A}published") for e in atom(whole).iter(f"{A}entry")]
    read = [datetime.fromisoformat(t) for t in times]
    assert read == sorted(read, reverse=True)


def test_opml_lists_feeds_under_their_headings():
    """A reader imports everything in one go."""
    group = feeds.OutlineGroup(
        title="分类",
        feeds=(
            feeds.OutlineFeed(
                title="政策 <&>", feed_url="https://q.example/f.atom", home_url="https://q.example/"
            ),
        ),
    )
    root = etree.fromstring(feeds.opml("区讯", [group], modified_at=SEEN))

    feed = root.find("body/outline/outline")
    assert feed.get("xmlUrl") == "https://q.example/f.atom"
    assert root.findtext("head/dateModified") == "Mon, 05 Oct 2026 02:30:00 GMT"
