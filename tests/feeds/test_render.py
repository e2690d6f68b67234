from __future__ import annotations

import io
import json
from datetime import datetime, timedelta
from uuid import uuid4

import feedparser
import pytest
from feed_samples import CHINA, DC, SEEN, A, X, atom, ids, notice, page, rss

import feeds
from aggregator.model import Authority, Category, Kind


def test_entry_says_where_it_comes_from_and_when():
    """Atom readers get the original's address with its role, its source, and Chinese time."""
    entry = atom(page(notice())).find(f"{A}entry")

    links = {(x.get("rel"), x.get("href")) for x in entry.findall(f"{A}link")}
    assert ("alternate", "http://www.district.example/zw/1.html") in links
    assert ("via", "http://other.example/1.html") in links
    assert ("related", "http://www.district.example/f.doc") in links
    assert entry.findtext(f"{A}published") == "2026-10-04T00:00:00+08:00"
    assert entry.findtext(f"{A}updated").startswith("2026-10-05T02:31:00")
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


NUMBERS = [
    "13912345678", "139 1234 5678", "+86-139-1234-5678", "１３９１２３４５６７８", "110101199001011234", "11010119900101123X",
    "110101900101123",
]  # fmt: skip


@pytest.mark.parametrize("number", NUMBERS)
def test_personal_numbers_leave_by_no_door(number):
    """Mobile and identity numbers in a notice are not for us to spread, in the full text either."""
    said = f"联系人张三，电话{number}。"
    link = "https://ok.example/13912345678.html"
    body = f'<p>{said}<a href="{link}">附件</a></p>'
    made = page(notice(summary=said, title=said, issuer=said, body_html=body))

    for form in feeds.FORMATS:
        text = feeds.render(made, form).decode()
        assert "联系人张三" in text
        assert link in text
        assert number not in text.replace(link, "")


@pytest.mark.parametrize(
    "kept", ["总投资13912345678元", "电话023-47521234", "索引号11500116009345678X"]
)
def test_numbers_of_nobody_stay_in_the_full_text(kept):
    """Sums, offices' telephones and index numbers are what a policy is read for."""
    content = atom(page(notice(body_html=f"<p>{kept}</p>"))).find(f"{A}entry/{A}content").text

    assert kept in content


@pytest.mark.parametrize("title", ["2026年人才补贴拟发放人员名单", "关于奖励对象的公示"])
def test_lists_of_names_are_not_spread_whole(title):
    """Published by duty, and not for us to hand on: title, facts and link are enough."""
    made = page(notice(title=title, body_html="<table><tr><td>张三</td></tr></table>"))

    assert "张三" not in feeds.render(made, "atom").decode()
    assert "张三" not in feeds.render(made, "json").decode()


def test_a_date_in_the_future_gives_way_to_the_arrival():
    """A portal's typing error must not pin its notice to the top for a year."""
    made = page(notice(posted_at=datetime(2027, 10, 4, tzinfo=CHINA)))

    published = atom(made).find(f"{A}entry/{A}published").text
    assert published == "2026-10-05T10:30:00+08:00"


def test_feed_says_how_well_its_sources_are_watched():
    """Coverage is honest: in every format, from the same figures."""
    made = page(notice())

    for box in (atom(made).find(f"{X}div"), rss(made).find(f"channel/{X}div")):
        told = {x.get("property"): x.get("value") or x.get("datetime") for x in box}
        assert (box.get("vocab"), box.get("typeof")) == (
            "tag:quxun.example,2026:feeds#",
            "coverage",
        )
        assert told == {"watched": "12", "well": "11", "worst-since": "2026-10-05T02:30:00+00:00"}
    assert json.loads(feeds.render(made, "json"))["_quxun"]["coverage"]["well"] == 11


def test_rss_tells_of_revisions_as_atom_does():
    """A consumer of RSS sees that a notice was changed, and which revision it holds."""
    item = rss(page(notice(at_revision=3))).find("channel/item")
    entry = atom(page(notice(at_revision=3))).find(f"{A}entry")

    wiki = "{http://purl.org/rss/1.0/modules/wiki/}version"
    assert item.findtext(wiki) == entry.findtext(wiki) == "3"
    assert item.findtext(f"{A}updated") == entry.findtext(f"{A}updated")
    assert {x.get("href") for x in item.findall(f"{A}link")} >= {"http://other.example/1.html"}


def test_entries_changed_in_one_transaction_are_told_apart():
    """Fifty notices of a first poll change in one instant; each keeps a moment of its own."""
    many = [notice(n, at_changed_at=SEEN, at_uuid=uuid4()) for n in range(1, 51)]
    told = [e.findtext(f"{A}updated") for e in atom(page(*many)).iter(f"{A}entry")]
    again = [e.findtext(f"{A}updated") for e in atom(page(*many[:25])).iter(f"{A}entry")]

    assert len(set(told)) >= 49  # by chance two of a million fractions may be one
    assert {time[:19] for time in told} == {"2026-10-05T02:30:00"}
    assert set(again) <= set(told)


def test_day_only_dates_are_ordered_by_when_they_were_first_seen():
    """Portals tell the day alone: what came later in the day stands above."""
    noon, night = SEEN + timedelta(hours=2), SEEN + timedelta(hours=9)
    made = page(notice(3, at_first_seen_at=noon), notice(1, at_first_seen_at=night), notice(2))

    in_atom, *_ = ids(made)
    assert [one[-1] for one in in_atom] == ["1", "3", "2"]


@pytest.mark.parametrize("form", feeds.FORMATS)
def test_an_empty_feed_is_still_a_feed(form):
    """A district may have announced nothing yet: subscribers may come before the news."""
    parsed = feedparser.parse(io.BytesIO(feeds.render(page(), form)))

    assert form == "json" or (not parsed.bozo and parsed.feed.title)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("policies/500116", "feed/policies/500116"),
        ("search?not=a+b&q=%E9%80%9A~", "feed/search?not=a+b&q=%E9%80%9A~"),
    ],
)
def test_a_feed_is_known_by_its_name(name, said):
    """Its id follows no address, is the archive's too, and is written once only (RFC 3986 §6)."""
    told = {atom(page(name=name, archived=old)).findtext(f"{A}id") for old in (True, False)}

    assert told == {f"tag:quxun.example,2026-01-01:{said}"}
