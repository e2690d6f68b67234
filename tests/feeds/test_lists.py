"""Names that people write, and lists of feeds that a reader imports."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

import feeds
from aggregator.errors import NotFoundError
from aggregator.filters import CATEGORIES
from aggregator.model import Filter

URL = "https://quxun.example"
WATCHED = ("500000", "500116", "Z50011601", "510000", "510100", "510104", "110000", "500381")
STRICT = etree.XMLParser(resolve_entities=False, no_network=True)
#: The OPML 2.0 attributes of a subscription, and no others (opml.org/spec2.opml).
KNOWN = {"type", "text", "title", "xmlUrl", "htmlUrl", "language", "description"}


def rendered(name: str) -> etree._Element:
    found = feeds.feed_list(name, regions=WATCHED, public_url=URL)
    body = feeds.opml(found, modified_at=datetime(2026, 10, 5, tzinfo=UTC), owner_url=f"{URL}/")
    return etree.fromstring(body, STRICT)


def names(tree: etree._Element) -> list[str]:
    return [
        one.get("xmlUrl").removeprefix(f"{URL}/feeds/").removesuffix(".atom")
        for one in tree.iter("outline")
        if one.get("type") == "rss"
    ]


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("all", "all"),
        ("500116", "500116"),
        ("policy/500116", "policy/500116"),
        ("chongqing/jiangjin", "500116"),
        ("chongqing-jiangjin", "500116"),
        ("jiangjin", "500116"),
        ("重庆市/江津区", "500116"),
        ("policy/chongqing/jiangjin", "policy/500116"),
        ("policy/chongqing-jiangjin", "policy/500116"),
        ("申报通知/重庆市/江津区", "application/500116"),
        ("政策/重庆", "policies/500000"),
        ("Land/Hebei", "land/130000"),
        ("land/xi-an", "land/610100"),
        ("500381", "500116"),
        ("projects/500381", "projects/500116"),
        ("50", "500000"),
        ("policy/5001", "policy/500000"),
        ("z50011601", "Z50011601"),
        ("ALL", "all"),
        ("guide", "guide"),
        ("qinghai/guide", "632523"),
        ("guide/qinghai/guide", "guide/632523"),
        ("qinghai/guide/guide", "guide/632523"),
        ("jiangjin/land", "land/500116"),
        ("500116/policy", "policy/500116"),
        ("重庆市/江津区/土地招拍挂", "land/500116"),
        ("chongqing-jiangjin/政策", "policies/500116"),
        ("all/500116", "500116"),
        ("jiangjin/all", "500116"),
    ],
)
def test_what_people_write_leads_to_the_one_name(written, name):
    """A reader types what the district is called, not its code."""
    assert feeds.settled(written) == name
    assert feeds.filter_of(name) is not None
    assert feeds.settled(name) == name


@pytest.mark.parametrize(
    "written",
    ["", "/", "policy/", "/policy", "policy//500116", "policy/land", "nowhere", "../500116",
     "all/policy", "policy/500116/land", "land/land", "all\0", "500116\u200b", "999999", "a" * 5000, "x/" * 100],
)  # fmt: skip
def test_what_means_nothing_is_told_in_one_line(written):
    """A wrong address must not lead to some feed or other."""
    with pytest.raises(NotFoundError) as told:
        feeds.settled(written)

    assert "\n" not in str(told.value)
    assert len(str(told.value)) < 300


def test_a_name_of_several_places_names_them_with_codes():
    """The reader picks one; we do not guess for them."""
    with pytest.raises(NotFoundError, match=r"110105 北京市朝阳区.*211300 辽宁省朝阳市"):
        feeds.settled("policy/chaoyang")


def test_an_abolished_division_has_no_feed_of_its_own():
    """Two feeds of one place would split its readers."""
    assert feeds.filter_of("500381") is None
    assert feeds.filter_of("500116") == Filter(region=("500116",))


@given(st.text(max_size=40))
def test_whatever_is_settled_is_a_feed(written):
    """No redirect leads to a 404 or in a circle."""
    try:
        name = feeds.settled(written)
    except NotFoundError:
        return
    assert feeds.filter_of(name) is not None
    assert feeds.settled(name) == name


def test_every_list_is_opml_that_a_strict_parser_takes():
    """A reader that refuses one outline refuses the whole import."""
    for name in feeds.list_names(WATCHED):
        root = rendered(name)
        assert root.tag == "opml"
        assert root.get("version") == "2.0"
        assert [one.tag for one in root] == ["head", "body"]
        assert root.findtext("head/dateModified") == "Mon, 05 Oct 2026 00:00:00 GMT"
        assert root.findtext("head/ownerName")
        assert names(root), name
        for one in root.iter("outline"):
            assert one.get("text")
            if one.get("type") is None:  # a heading: anything but its text makes it a feed
                assert set(one.attrib) == {"text"}
                assert len(one)
            else:
                assert set(one.attrib) == KNOWN
                assert one.get("htmlUrl").startswith(f"{URL}/")
        assert all(feeds.filter_of(one) is not None for one in names(root))
        assert len(set(names(root))) == len(names(root))


def test_the_whole_list_has_every_kind_category_and_watched_region():
    """One import, and a reader has all that we offer; tenders are not offered."""
    listed = names(rendered("index"))

    assert listed[:3] == ["all", "policies", "projects"]
    assert set(CATEGORIES) - set(listed) == {"tender", "other"}
    assert set(WATCHED) - set(listed) == {"500381"}
    assert names(rendered("regions")) == [one for one in listed if one[-1].isdigit()]
    assert not any(one[-1].isdigit() for one in names(rendered("categories")))


def test_a_province_lists_its_cities_with_what_lies_in_them():
    """A reader that shows folders shows the country's own order."""
    root = rendered("510000")
    [within] = root.findall("body/outline[@text='下级地区 Within']")
    [city] = within

    assert city.get("text") == "成都市"
    assert [one.get("xmlUrl") for one in city] == [
        f"{URL}/feeds/510100.atom", f"{URL}/feeds/510104.atom",
    ]  # fmt: skip
    assert "land/510000" in names(root)
    assert not any("5001" in one for one in names(root))


def test_a_category_is_listed_for_every_watched_region():
    """Who wants land sales wants them of each place apart."""
    listed = names(rendered("land"))

    assert listed[0] == "land"
    assert set(listed[1:]) == {f"land/{code}" for code in WATCHED if code != "500381"}


def test_equal_lists_are_equal_bytes_in_whatever_order_sources_come():
    """An unchanged list costs its readers nothing."""

    def made(regions: tuple[str, ...]) -> bytes:
        found = feeds.feed_list("index", regions=regions, public_url=URL)
        return feeds.opml(found, modified_at=datetime(2026, 1, 1, tzinfo=UTC), owner_url=URL)

    assert made(WATCHED) == made(tuple(reversed(WATCHED)))


def test_what_is_no_list_is_none():
    """Not every name of a feed is one of a list."""
    for name in ("all", "policy/500116", "nowhere", "", "index.opml"):
        assert feeds.feed_list(name, regions=WATCHED, public_url=URL) is None


def test_hostile_names_stay_text():
    """Whatever stands in a title, the list stays well-formed."""
    group = feeds.OutlineGroup(
        title="分类 <&>",
        members=(
            feeds.OutlineFeed(
                name="all", title='政策 <b>&"\x0b]]>', feed_url=f"{URL}/f.atom?a=1&b=2",
                home_url=f"{URL}/", description="<script>",
            ),
        ),
    )  # fmt: skip
    listed = feeds.FeedList(name="x", title="区讯 <&>", groups=(group,))

    root = etree.fromstring(
        feeds.opml(listed, modified_at=datetime(2026, 1, 1, tzinfo=UTC), owner_url=URL), STRICT
    )

    assert root.find("body/outline/outline").get("xmlUrl") == f"{URL}/f.atom?a=1&b=2"
    assert "\x0b" not in root.find("body/outline/outline").get("title")
