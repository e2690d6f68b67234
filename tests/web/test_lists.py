"""Lists, written addresses, autodiscovery and fixed places, over HTTP."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

import pytest
from lxml import etree
from selectolax.lexbor import LexborHTMLParser
from web_addresses import HOME, local

from aggregator.model import Category, NewSource, SourceKind

STRICT = etree.XMLParser(resolve_entities=False, no_network=True)


def outlines(answer) -> list[str]:
    root = etree.fromstring(answer.body, STRICT)
    return [o.get("xmlUrl") for o in root.iter("outline") if o.get("type") == "rss"]


def watch(web, *regions: str) -> None:
    """Let a source of each region be watched."""
    for number, region in enumerate(regions):
        new = NewSource(
            name=f"{region} 政府网", kind=SourceKind.COLUMN, region=region,
            url=f"http://watched{number}-{region}.example/",
        )  # fmt: skip
        web.parts.sources.add(new, web.time[0])


# --- OPML ---


@pytest.mark.parametrize(
    "path",
    ["/feeds/index.opml", "/feeds/opml/regions.opml", "/feeds/opml/categories.opml",
     "/feeds/opml/500000.opml", "/feeds/opml/500116.opml", "/feeds/opml/land.opml",
     "/feeds/opml/policies.opml"],
)  # fmt: skip
def test_every_list_is_served_like_a_feed_and_leads_to_feeds(web, make_draft, path):
    """A reader imports it once, asks again for little, and every address in it answers."""
    web.publish(make_draft(1))

    answer = web.ask(path)

    assert answer.status == 200
    assert answer.headers["content-type"] == "text/x-opml; charset=utf-8"
    assert answer.headers["cache-control"].startswith("public, max-age=")
    urls = outlines(answer)
    assert urls
    assert {web.ask(local(url)).status for url in urls} == {200}
    assert web.ask(path).body == answer.body
    for asked in (
        {"If_None_Match": answer.headers["etag"]},
        {"If_Modified_Since": answer.headers["last-modified"]},
    ):
        again = web.ask(path, **asked)
        assert (again.status, again.body) == (304, b"")
    head = web.ask(path, "HEAD")
    assert (head.status, head.body) == (200, b"")
    assert web.ask(path, Accept_Encoding="gzip").headers["content-encoding"] == "gzip"


def test_a_new_source_comes_into_the_lists_and_a_notice_does_not_change_them(web, make_draft):
    """Readers that poll the list learn of a new district, and of nothing else."""
    web.publish(make_draft(1))
    before = web.ask("/feeds/opml/regions.opml")
    web.pass_time(timedelta(hours=1))
    web.publish(make_draft(2))

    assert web.ask("/feeds/opml/regions.opml").body == before.body

    watch(web, "510104")
    after = web.ask("/feeds/opml/regions.opml", If_None_Match=before.headers["etag"])

    assert after.status == 200
    assert set(outlines(after)) - set(outlines(before)) == {
        f"{HOME}/feeds/{code}.atom" for code in ("510000", "510100", "510104")
    }
    asked = {"If_Modified_Since": before.headers["last-modified"]}
    assert web.ask("/feeds/opml/regions.opml", **asked).status == 200


def test_a_source_that_is_gone_leaves_the_lists_and_moves_their_date(web, make_draft):
    """A client that compares dates only must not keep a dead district for ever."""
    web.publish(make_draft(1))
    watch(web, "510104")
    before = web.ask("/feeds/opml/regions.opml")
    web.pass_time(timedelta(hours=1))
    [gone] = [one for one in web.parts.sources.list() if one.region == "510104"]
    web.parts.sources.remove(gone.id)

    after = web.ask("/feeds/opml/regions.opml", If_Modified_Since=before.headers["last-modified"])

    assert after.status == 200
    assert f"{HOME}/feeds/510104.atom" not in outlines(after)


# --- written addresses ---


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/feeds/chongqing/jiangjin.atom", "/feeds/500116.atom"),
        ("/feeds/jiangjin.rss", "/feeds/500116.rss"),
        ("/feeds/policy/chongqing-jiangjin.json", "/feeds/policy/500116.json"),
        ("/feeds/重庆市/江津区.atom", "/feeds/500116.atom"),
        ("/feeds/申报通知/重庆.rss", "/feeds/application/500000.rss"),
        ("/feeds/500381.atom", "/feeds/500116.atom"),
        ("/feeds/land/500381.atom", "/feeds/land/500116.atom"),
        ("/feeds/50.atom", "/feeds/500000.atom"),
        ("/feeds/5001.json", "/feeds/500000.json"),
        ("/feeds/z50011601.atom", "/feeds/Z50011601.atom"),
        ("/feeds/jiangjin.atom?utm_source=%E6%B8%9D", "/feeds/500116.atom"),  # a feed takes no query
        ("/feeds/jiangjin/archive/17.atom", "/feeds/500116/archive/17.atom"),
        ("/feeds/policy/chongqing/jiangjin.ics", "/feeds/policy/500116.ics"),
        ("/feeds/500381.ics", "/feeds/500116.ics"),
        ("/feeds/opml/chongqing.opml", "/feeds/opml/500000.opml"),
        ("/feeds/opml/重庆市/江津区.opml", "/feeds/opml/500116.opml"),
        ("/feeds/opml/index.opml", "/feeds/index.opml"),
        ("/r/chongqing/jiangjin", "/?region=500116"),
        ("/r/重庆/江津/", "/?region=500116"),
        ("/r/land/jiangjin?q=%E5%82%A8%E8%83%BD", "/?category=land&region=500116&q=%E5%82%A8%E8%83%BD"),
        ("/r/500381", "/?region=500116"),
        ("/embed/jiangjin?limit=3", "/embed/500116?limit=3"),
        ("/embed/policy/jiangjin.html", "/embed/policy/500116.html"),
        ("/embed/500116/land.html", "/embed/land/500116.html"),
        ("/embed/all/", "/embed/all"),
        ("/embed//land/500116.html/?limit=3", "/embed/land/500116.html?limit=3"),
        ("/embed/search/?kind=policy", "/embed/search?kind=policy"),
        ("/feeds/jiangjin/land.atom", "/feeds/land/500116.atom"),
        ("/feeds/江津区/土地招拍挂.atom", "/feeds/land/500116.atom"),
        ("/feeds/500116/政策.ics", "/feeds/policies/500116.ics"),
        ("/feeds/jiangjin/land/archive/1.atom", "/feeds/land/500116/archive/1.atom"),
    ],
)  # fmt: skip
def test_what_people_write_leads_to_one_address(web, path, target):
    """One feed has one address: caches and readers see no twins; what is asked of a page is kept."""
    answer = web.ask(quote(path, safe="/?&=%"))

    assert answer.status == 308
    assert answer.headers["location"] == target
    assert "max-age" in answer.headers["cache-control"]
    if "archive" not in target:
        assert web.ask(target).status == 200


@pytest.mark.parametrize(
    "path",
    ["/feeds//evil.example/jiangjin.atom", "/feeds/%2F%2Fevil.example.atom",
     "/feeds/https:%2F%2Fevil.example/jiangjin.atom", "/r//evil.example/jiangjin",
     "/r/%5C%5Cevil.example/jiangjin", "/feeds/opml//evil.example.opml",
     "/embed//evil.example", "/feeds/jiangjin%0d%0aLocation:%20x.atom"],
)  # fmt: skip
def test_no_written_address_leads_off_the_site(web, path):
    """A redirect that can be aimed is a gift to whoever sends links."""
    answer = web.ask(path)

    assert answer.status == 404
    assert "location" not in answer.headers


def test_a_redirect_stays_on_the_site_whatever_host_was_asked(web):
    """A forged Host header must not stand in a redirect that caches keep."""
    answer = web.ask("/feeds/jiangjin.atom", Host="evil.example")

    assert answer.headers["location"] == "/feeds/500116.atom"


@pytest.mark.parametrize(
    "path", ["/feeds/chaoyang.atom", "/feeds/land/chaoyang.rss", "/feeds/chaoyang.ics"]
)
def test_a_name_of_several_places_is_told_with_codes(web, path):
    """A reader in Beijing is not sent to Liaoning."""
    answer = web.ask(path)

    assert answer.status == 404
    assert answer.text.count("\n") == 1
    assert "110105 北京市朝阳区" in answer.text
    assert "211300 辽宁省朝阳市" in answer.text


def test_a_page_says_which_places_may_be_meant(web):
    """People get a page, not a bare line, and choose by a click; what they asked besides stays."""
    page = web.ask("/r/land/chaoyang?q=%E5%82%A8%E8%83%BD")

    assert page.status == 404
    assert page.headers["content-type"].startswith("text/html")
    links = {a.text(): a.attributes["href"] for a in LexborHTMLParser(page.text).css("main ul a")}
    assert len(links) > 2
    chosen = web.ask(links["110105 北京市朝阳区"])
    assert chosen.status == 308
    assert chosen.headers["location"] == "/?category=land&region=110105&q=%E5%82%A8%E8%83%BD"


def test_a_page_of_places_speaks_of_places(web):
    """Who looked for a place did not ask for a feed."""
    page = web.ask("/r/nowhere")

    assert page.status == 404
    assert "no place is called so" in page.text
    assert "no such feed" not in page.text


# --- the page of feeds ---


def test_the_page_of_feeds_leads_to_every_kind_of_feed(web, make_draft):
    """Whoever looks for a feed finds it, in each format, and no link is dead."""
    web.publish(make_draft(1))
    watch(web, "510104", "510107")

    page = web.ask("/feeds/")
    tree = LexborHTMLParser(page.text)
    hrefs = {a.attributes["href"] for a in tree.css("main a")}

    for path in ("/feeds/all.atom", "/feeds/land.rss", "/feeds/500116.json", "/feeds/510104.ics",
                 "/feeds/index.opml", "/feeds/opml/regions.opml", "/feeds/opml/land.opml"):  # fmt: skip
        assert path in hrefs
    ours = {href.partition("#")[0] for href in hrefs if href.startswith("/")}
    assert {web.ask(href).status for href in ours} == {200}
    [sichuan] = [d for d in tree.css("details > summary") if d.text().startswith("四川省")]
    assert "/feeds/510107.atom" in sichuan.parent.html


def test_the_page_of_feeds_changes_only_with_what_is_watched(web, make_draft):
    """It is long: a browser that has it gets nothing again."""
    web.publish(make_draft(1))
    page = web.ask("/feeds/")
    web.publish(make_draft(2))

    again = web.ask("/feeds/", If_None_Match=page.headers["etag"])
    assert again.status == 304
    for answer in (page, again):  # a 304's headers take the place of those that a browser kept
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
    watch(web, "510104")
    assert web.ask("/feeds/", If_None_Match=page.headers["etag"]).status == 200


def test_a_filter_is_answered_with_its_addresses(web, make_draft):
    """Who cannot write a query gets the feed of what the form says."""
    web.publish(make_draft(1))

    page = web.ask("/feeds/?q=%E6%94%AF%E6%8C%81&region=%E6%B1%9F%E6%B4%A5%E5%8C%BA&kind=&not=")
    tree = LexborHTMLParser(page.text)
    shown = [code.text() for code in tree.css(".addresses code")]

    assert f"{HOME}/feeds/search.atom?q=%E6%94%AF%E6%8C%81&region=500116" in shown
    assert f"{HOME}/feeds/deadlines.ics?q=%E6%94%AF%E6%8C%81&region=500116" in shown
    assert {web.ask(local(address)).status for address in shown} == {200}
    assert "江津区" in tree.css_first("#made h2").text()
    wrong = web.ask("/feeds/?region=nowhere")
    assert wrong.status == 400
    assert "nowhere" in wrong.text


def test_scripts_are_ours_and_the_pages_do_without(web, make_draft):
    """Only the page with copy buttons has a script, from our own server, in a file."""
    web.publish(make_draft(1))

    for path in ("/", "/feeds/", "/subscribe", "/status", "/about"):
        page = web.ask(path)
        scripts = LexborHTMLParser(page.text).css("script")
        assert [bool(s.text().strip()) for s in scripts] == [False] * len(scripts)
        assert len(scripts) == (path == "/feeds/")
        assert ("script-src" in page.headers["content-security-policy"]) == (path == "/feeds/")
        assert page.headers["x-frame-options"] == "DENY"
        for script in scripts:
            file = web.ask(script.attributes["src"])
            assert file.status == 200
            assert "javascript" in file.headers["content-type"]


# --- autodiscovery ---


def discovered(page) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for link in LexborHTMLParser(page.text).css("head link[rel=alternate]"):
        assert link.attributes["title"]
        found.setdefault(link.attributes["type"], []).append(link.attributes["href"])
    return found


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/", ["all"]),
        ("/?region=500116", ["500116"]),
        ("/?region=500116&kind=policy", ["policies/500116"]),
        ("/status", ["all"]),
        ("/about", ["all"]),
        ("/subscribe", ["all"]),
        ("/feeds/", ["all"]),
        ("/feeds/?category=land", ["land"]),
        ("/embed/land/500116", ["land/500116"]),
        ("/no-such-page", ["all"]),
        ("/r/nowhere", ["all"]),
    ],
)
def test_every_page_leads_to_the_feeds_of_what_it_shows(web, make_draft, path, names):
    """A reader is given the page's address and finds the feed by itself."""
    web.publish(make_draft(1))

    found = discovered(web.ask(path))

    for form, kind in (
        ("atom", "application/atom+xml"),
        ("rss", "application/rss+xml"),
        ("json", "application/feed+json"),
    ):
        assert found[kind] == [f"{HOME}/feeds/{name}.{form}" for name in names]
        for url in found[kind]:
            answer = web.ask(local(url))
            assert answer.status == 200
            assert answer.headers["content-type"].startswith(kind)


def test_a_notice_leads_to_its_regions_and_categories_and_to_all(web, make_draft):
    """Who reads one notice may want those of the same district or subject."""
    web.publish(make_draft(1, categories=(Category(slug="land", why="出让"),)))
    home = LexborHTMLParser(web.ask("/").text)
    page = web.ask(home.css_first(".row h3 a").attributes["href"])

    found = discovered(page)["application/atom+xml"]

    assert found == [f"{HOME}/feeds/{name}.atom" for name in ("500116", "land", "all")]
