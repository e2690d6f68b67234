"""The fast way with plain feeds gives what feedparser gives, or leaves the feed to it."""

from datetime import UTC, datetime
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.parse import decode
from aggregator.parse import feed as feeds
from aggregator.parse.plainfeed import read_plain

NOW = datetime(2026, 11, 27, tzinfo=UTC)
GOLDEN = Path(__file__).parent.parent / "golden" / "feeds"
URL = "http://www.yunling.example/feed.xml"
TEXTS = st.sampled_from(
    [
        "", " ", "云岭区公告", " 两边\n有空白 ", "研发A&B中心", "<p>第一段。</p><p>第二段。</p>", "a<b",
        "&mdash;", "&amp;lt;", "é", "\u00a0云岭", "Notice 7", "x" * 400, "<b>未完", "]]>", "\u3000空\u3000",
        "http://www.yunling.example/1.html", "/2.html", "tag:yunling,2026:3", "n-4", "https://a.example",
        "http://a.example/?x=1&y=2", "HTTP://A.example/", "http:///a", "javascript:void(0)", "//h/3.html",
        "2026-10-04 01:39:11.0", "Wed, 13 Aug 2025 09:00:00 CST", "2026年8月9日", "2026-08-12T10:00:00+08:00",
        "a@b.example (区政府办)", "区政府办", "true", "60", "daily", "\u0085", "“引号”", "🙂",
    ]
)  # fmt: skip
#: Addresses and ids as they mostly are; else nearly every feed would be left to feedparser.
NAMES = st.one_of(
    st.sampled_from(["http://www.yunling.example/1.html", "https://a.example/?x=1&y=2", "tag:yunling,2026:3"]),
    st.sampled_from(["http://www.yunling.example/2.html", "https://b.example/3"]),
    TEXTS,
)  # fmt: skip
RSS_TAGS = ["title", "link", "description", "guid", "pubDate", "dc:date", "dc:creator", "author",
            "content:encoded", "category", "comments"]  # fmt: skip
ATOM_TAGS = ["title", "id", "published", "updated", "summary", "content", "link", "author", "category",
             "rights"]  # fmt: skip
HEAD_TAGS = ["title", "link", "description", "ttl", "language", "sy:updatePeriod", "sy:updateFrequency",
             "lastBuildDate"]  # fmt: skip


@st.composite
def leaf(draw, tag: str) -> str:
    """One element of RSS, with text, CDATA or, seldom, an attribute or a child."""
    text = draw(NAMES if tag in {"link", "guid"} else TEXTS)
    inner = draw(
        st.sampled_from(
            [escape(text)] * 12 + [f"<![CDATA[{text.replace(']]>', '')}]]>", "<i>x</i>"]
        )
    )
    odd = draw(st.sampled_from([""] * 30 + [' type="html"', ' xml:lang="zh"']))
    if tag == "guid":
        odd = draw(
            st.sampled_from(["", ' isPermaLink="false"', ' isPermaLink="true"', ' isPermaLink="x"'])
        )
    return f"<{tag}{odd}>{inner}</{tag}>"


@st.composite
def atom_leaf(draw, tag: str) -> str:
    """One element of Atom."""
    text = draw(NAMES if tag in {"link", "id"} else TEXTS)
    if tag == "link":
        rel = draw(st.sampled_from(["", ' rel="alternate"', ' rel="self"', ' rel="enclosure"']))
        kind = draw(st.sampled_from(["", ' type="text/html"', ' type="text/plain"']))
        return f"<link{rel}{kind} href={quoteattr(text)}/>"
    if tag == "author":
        more = draw(st.sampled_from(["", "", "<email>a@b.example</email>"]))
        return f"<author><name>{escape(text)}</name>{more}</author>"
    kind = draw(
        st.sampled_from(
            ["", "", ' type="html"', ' type="text"', ' type="text/html"'] * 3 + [' type="xhtml"']
        )
    )
    return f"<{tag}{kind}>{escape(text)}</{tag}>"


@st.composite
def some(draw, tags: list[str], make) -> str:
    """Some of the elements, in any order; most once, seldom one twice."""
    chosen = draw(
        st.lists(
            st.sampled_from(tags), max_size=7, unique=draw(st.sampled_from([True] * 9 + [False]))
        )
    )
    return "".join(draw(make(tag)) for tag in chosen)


@st.composite
def rss(draw) -> str:
    items = "".join(
        f"<item>{draw(some(RSS_TAGS, leaf))}</item>" for _ in range(draw(st.integers(0, 3)))
    )
    head, tail = draw(some(HEAD_TAGS, leaf)), draw(st.sampled_from(["", "", "<title>尾</title>"]))
    return (
        '<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:content="http://purl.org/rss/1.0/modules/content/"'
        f' xmlns:sy="http://purl.org/rss/1.0/modules/syndication/"><channel>{head}{items}{tail}</channel></rss>'
    )


@st.composite
def atom(draw) -> str:
    entries = "".join(
        f"<entry>{draw(some(ATOM_TAGS, atom_leaf))}</entry>" for _ in range(draw(st.integers(0, 3)))
    )
    head = draw(some(["title", "id", "link", "updated", "author", "subtitle"], atom_leaf))
    return f'<feed xmlns="http://www.w3.org/2005/Atom">{head}{entries}</feed>'


def body_of(text: str) -> bytes:
    return b'<?xml version="1.0" encoding="utf-8"?>' + text.encode()


def made_of(read):
    """What of a feed reaches us: entries, title, wait."""
    entries = feeds.entries_of(read, raws=(), url=URL, now=NOW)
    return entries, feeds.title_of(read.head, ""), feeds.ttl_of(read.head)


@settings(max_examples=200, deadline=None)
@given(st.one_of(rss(), atom()))
def test_the_fast_way_says_what_feedparser_says(text: str):
    """Entry by entry and value by value, whatever stands in which order; or it declines."""
    plain = read_plain(body_of(text))

    if plain:
        assert made_of(plain) == made_of(feeds.by_feedparser(body_of(text), url=URL))


@pytest.mark.parametrize("name", sorted(path.parent.name for path in GOLDEN.glob("*/feed.xml")))
def test_goldens_are_read_alike_both_ways(name: str):
    """The feeds written by hand, too."""
    decoded = decode((GOLDEN / name / "feed.xml").read_bytes(), content_type=None)
    body = body_of(decoded.text.partition("?>")[2] or decoded.text)

    plain = read_plain(body)

    if plain is not None:
        assert made_of(plain) == made_of(feeds.by_feedparser(body, url=URL))


@pytest.mark.parametrize("name", ["rss-20-plain", "atom-10-plain", "rss-20-content-encoded"])
def test_ordinary_feeds_go_the_fast_way(name: str):
    """Else nothing would be won."""
    assert read_plain((GOLDEN / name / "feed.xml").read_bytes()) is not None


def item(inside: str) -> str:
    return (
        '<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:content="http://purl.org/rss/1.0/modules/content/">'
        f"<channel><title>t</title><item>{inside}</item></channel></rss>"
    )


def entry(inside: str) -> str:
    return (
        f'<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title><entry>{inside}</entry></feed>'
    )


A = "http://www.yunling.example/1.html"
ENCODED = "<content:encoded>&lt;p&gt;正文。&lt;/p&gt;</content:encoded>"


@pytest.mark.parametrize(
    "text",
    [
        item(f'<title>公告</title><guid isPermaLink="false">{A}</guid>'),
        item(f"<title>公告</title><guid>{A}</guid>"),
        item(f'<title>公告</title><guid isPermaLink="false">n-4</guid><link>{A}</link>'),
        item(f"<guid>{A}?id=4</guid><title>公告</title><link>{A}</link>"),
        item(f"{ENCODED}<title>公告</title><description>摘要。</description>"),
        item(f"<description>摘要。</description>{ENCODED}<title>公告</title>"),
        item(f"{ENCODED}<link>{A}</link>"),
        item("<title>公告</title><dc:date>2026-01-02</dc:date><pubDate>2026-03-04</pubDate>"),
        item("<title>公告</title><dc:date>2026-01-02</dc:date>"),
        item("<title>公告</title><pubDate></pubDate><dc:date>2026-01-02</dc:date>"),
        item("<title>公告</title><dc:creator>区政府办</dc:creator><category>通知</category>"),
        entry(f"<title>公告</title><id>{A}</id>"),
        entry(f'<title>公告</title><id>urn:x:1</id><link href="{A}"/>'),
        entry(f'<link rel="alternate" href="{A}"/><link rel="self" href="/x"/><id>{A}?2</id><title>t</title>'),
        entry("<content type='html'>&lt;p&gt;正文。&lt;/p&gt;</content><summary>摘要。</summary>"),
        entry("<title>公告</title><updated>2026-01-02</updated><published>2026-03-04</published>"),
        entry("<title>公告</title><author><name>区政府办</name></author>"),
    ],
)  # fmt: skip
def test_what_is_plain_is_read_the_fast_way_and_alike(text: str):
    """Each point on which the two could differ, and neither declines."""
    plain = read_plain(body_of(text))

    assert plain is not None
    assert made_of(plain) == made_of(feeds.by_feedparser(body_of(text), url=URL))


@pytest.mark.parametrize(
    "text",
    [
        item("<title>公告</title><link>/2.html</link>"),
        item("<title>公告</title><link>http:///a</link>"),
        item(f"<title>公告</title><link>{A}?a=1&amp;copy;=2</link>"),
        item("<title>公告</title><title>公告二</title>"),
        item("<title>公<i>告</i></title>"),
        item("<title>caf\u00c3\u00a9</title>"),
        item("<title>公告</title><source url='http://a.example/'>别处</source>"),
        entry("<title type='xhtml'>公告</title>"),
        entry(f'<title>公告</title><link href="{A}"/><link href="{A}?2"/>'),
        entry("<title>公告</title><author><name>甲</name><email>a@b.example</email></author>"),
        entry("<title>公告</title><content src='http://a.example/'/>"),
        "<rss><channel><title>公告</title></channel><item/></rss>",
        "<rss><channel><title>公告</title>",
    ],
)  # fmt: skip
def test_what_is_not_plain_is_left_to_feedparser(text: str):
    """It knows what to make of the unusual."""
    assert read_plain(body_of(text)) is None
