"""Lists in other sites' pages."""

from __future__ import annotations

from datetime import timedelta
from html.parser import HTMLParser

import pytest
from lxml import etree
from lxml import html as lxml_html
from selectolax.lexbor import LexborHTMLParser

from aggregator.errors import OutageError
from aggregator.model import ArticleOutcome, Category, Kind, Region

XSS = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'</ul><!--"
NOTE = "非政府网站，以原文为准"


class Outline(HTMLParser):
    """Every element that the standard library's parser sees."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag, attrs) -> None:
        self.seen.append((tag, dict(attrs)))


def links(answer) -> list[str]:
    return [a.text() for a in LexborHTMLParser(answer.text).css("a.quxun-title")]


def test_a_fragment_is_a_plain_list_to_put_into_a_page(web, make_draft):
    """A site includes it as it is: no head, no style, no script, its own classes."""
    web.publish(*(make_draft(number) for number in range(1, 5)))

    answer = web.ask("/embed/500116.html")

    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert not {"<html", "<head", "<style", "<script", " style="} & {
        part for part in ("<html", "<head", "<style", "<script", " style=") if part in answer.text
    }
    [box] = lxml_html.fragments_fromstring(answer.text)
    assert len(box.xpath("ul/li")) == 4
    first = box.xpath("ul/li[1]/a")[0]
    assert first.get("href").startswith("http://portal1.example/")
    assert (first.get("target"), first.get("rel")) == ("_blank", "noopener")
    assert "演示区政府网" in box.xpath("string(ul/li[1])")
    assert box.xpath("ul/li[1]//time")[0].get("datetime") == "2026-10-04"
    assert NOTE in box.xpath("string(p)")
    assert box.xpath("p/a")[0].get("href") == "http://quxun.example/?region=500116"


def test_a_frame_may_stand_in_other_sites_and_our_other_pages_may_not(web, make_draft):
    """Only what is made for it can be framed; it runs nothing and loads our style alone."""
    web.publish(make_draft(1))

    frame = web.ask("/embed/500116")
    policy = frame.headers["content-security-policy"]

    assert "frame-ancestors *" in policy
    assert "default-src 'none'" in policy
    assert "script" not in policy
    assert "x-frame-options" not in frame.headers
    again = web.ask("/embed/500116", If_None_Match=frame.headers["etag"])
    assert again.status == 304
    assert again.headers["content-security-policy"] == policy
    tree = LexborHTMLParser(frame.text)
    assert not tree.css("script, form, img")
    assert NOTE in tree.css_first("main").text()
    assert web.ask(tree.css_first("link[rel=stylesheet]").attributes["href"]).status == 200
    for path in ("/", "/feeds/", "/status", "/embed/500116.html"):
        assert "frame-ancestors 'none'" in web.ask(path).headers["content-security-policy"]


@pytest.mark.parametrize(
    ("path", "count"),
    [
        ("/embed/all.html", 10),
        ("/embed/all.html?limit=3", 3),
        ("/embed/all?limit=20", 20),
        ("/embed/land.html", 1),
        ("/embed/500116.html?category=land", 1),
        ("/embed/all.html?kind=project&region=", 1),
        ("/embed/search.html?category=land&region=500116&limit=5", 1),
        ("/embed/search.html?q=%E6%B2%A1%E6%9C%89%E8%BF%99%E4%B8%AA", 0),
        ("/embed/510104.html", 0),
    ],
)
def test_any_filter_can_be_embedded(web, make_draft, path, count):
    """The name, narrowed by the fields of the filter language, and how many rows."""
    land = make_draft(
        30, title="工业用地出让公告", title_key="", kind=Kind.PROJECT,
        categories=(Category(slug="land", why="出让"),),
    )  # fmt: skip
    web.publish(*(make_draft(number) for number in range(1, 22)), land)

    answer = web.ask(path)

    assert answer.status == 200
    assert len(links(answer)) == count


@pytest.mark.parametrize(
    ("path", "status", "word"),
    [
        ("/embed/nowhere", 404, "nowhere"),
        ("/embed/chaoyang.html", 404, "110105"),
        ("/embed/all?limit=0", 400, "limit"),
        ("/embed/all?limit=21", 400, "limit"),
        ("/embed/all?limit=x", 400, "limit"),
        ("/embed/all?colour=red", 400, "colour"),
        ("/embed/all?colour=", 400, "colour"),
        ("/embed/all?colour", 400, "colour"),
        ("/embed/500116?region=510104", 400, "region"),
        ("/embed/search?region=nowhere", 400, "nowhere"),
    ],
)
def test_a_wrong_embedding_is_told_in_one_line(web, path, status, word):
    """The site's author sees in the page what to change."""
    answer = web.ask(path)

    assert answer.status == status
    assert answer.text.count("\n") == 1
    assert word in answer.text


@pytest.mark.parametrize("path", ["/embed/all", "/embed/all.html"])
def test_what_strangers_wrote_stays_text_in_other_sites(web, make_draft, path):
    """A portal that was broken into must not reach our partners' readers; two parsers agree."""
    nasty = make_draft(
        1, title=XSS, url="javascript:alert(1)", issuer=XSS, source_label=XSS,
        regions=(Region(code="500116", name=XSS, path=(XSS,)),),
    )  # fmt: skip
    web.publish(nasty, make_draft(2, title="甲\u202e乙\x07<b>丙"), portal=XSS)

    text = web.ask(path).text

    tree = LexborHTMLParser(text)
    other = Outline()
    other.feed(text)
    assert not tree.css("script, img, svg, iframe, object, style")
    assert {"script", "img", "svg", "iframe", "object", "style", "b"}.isdisjoint(
        tag for tag, _ in other.seen
    )
    assert sum(tag == "li" for tag, _ in other.seen) == len(tree.css("li")) == 2
    for _, attributes in other.seen:
        assert not any(name.startswith("on") for name in attributes)
        assert not (attributes.get("href") or "").lower().startswith("javascript:")
    assert "alert(1)" in tree.css_first("ul").text()
    assert "\u202e" not in text
    if path.endswith(".html"):
        etree.fromstring(f"<div>{text}</div>".replace("\x07", ""))


def test_an_embedded_list_earns_a_304_until_it_changes(web, make_draft):
    """A busy site asks for every page view; a change or a withdrawal shows at once."""
    web.publish(make_draft(1), make_draft(2))
    before = web.ask("/embed/all.html")
    asked = {"If_None_Match": before.headers["etag"]}

    assert web.ask("/embed/all.html", **asked).status == 304
    assert (
        web.ask("/embed/all.html", If_Modified_Since=before.headers["last-modified"]).status == 304
    )
    web.pass_time(timedelta(days=40))
    web.record([make_draft(1)], ArticleOutcome.WITHDRAWN)
    web.pass_time(timedelta(days=3))
    web.record([make_draft(1)], ArticleOutcome.WITHDRAWN)
    after = web.ask("/embed/all.html", **asked)

    assert after.status == 200
    assert links(after) == [make_draft(2).title]
    since = {"If_Modified_Since": before.headers["last-modified"]}
    assert web.ask("/embed/all.html", **since).status == 200


def test_other_sites_keep_the_last_list_while_the_database_is_away(web, make_draft):
    """Our restart must not make a hole in a partner's page."""
    web.publish(make_draft(1))
    before = web.ask("/embed/all.html")

    class Away:
        def find(self, *_: object, **__: object) -> None:
            raise OutageError("the database cannot be reached just now: gone")

    web.parts.__dict__["announcements"] = Away()

    assert web.ask("/embed/all.html").body == before.body
    assert web.ask("/embed/land.html").status == 503


def test_the_page_of_feeds_shows_the_code_to_copy(web, make_draft):
    """What the page says is what works: the frame's address and the fragment's."""
    web.publish(make_draft(1))
    tree = LexborHTMLParser(web.ask("/feeds/?category=policy&region=500116").text)
    frame, fragment = (code.text() for code in tree.css("#embed pre code"))

    [element] = lxml_html.fragments_fromstring(frame)
    assert element.tag == "iframe"
    assert element.get("src") == "http://quxun.example/embed/policy/500116"
    assert element.get("title")
    assert "allow-scripts" not in element.get("sandbox")
    assert fragment == "http://quxun.example/embed/policy/500116.html"
    for address in (element.get("src"), fragment):
        assert web.ask(address.removeprefix("http://quxun.example")).status == 200
