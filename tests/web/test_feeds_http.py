from __future__ import annotations

import gzip
import io
import json
from datetime import timedelta

import feedparser
import pytest
import zstandard
from lxml import etree

from aggregator.errors import OutageError
from aggregator.model import ArticleOutcome, Category, Kind

A = "{http://www.w3.org/2005/Atom}"


@pytest.mark.parametrize("form", ["atom", "rss", "json"])
def test_readers_earn_a_304_and_a_change_ends_it(web, make_draft, form):
    """Thousands of readers ask every few minutes; nearly all answers should be empty."""
    path = f"/feeds/all.{form}"
    web.publish(make_draft(1))

    first = web.ask(path)
    tag, modified = first.headers["etag"], first.headers["last-modified"]
    assert first.status == 200
    assert tag.startswith('"')
    for asked in (
        {"If_None_Match": tag},
        {"If_None_Match": f'"other", W/{tag}'},
        {"If_None_Match": "*"},
        {"If_Modified_Since": modified},
    ):
        again = web.ask(path, **asked)
        assert (again.status, again.body) == (304, b"")
        assert again.headers["etag"] == tag
    assert web.ask(path, If_None_Match='"other"', If_Modified_Since=modified).status == 200
    assert web.ask(path, If_Modified_Since="some day").status == 200

    web.pass_time(timedelta(minutes=5))
    web.publish(make_draft(2))

    assert web.ask(path, If_None_Match=tag).status == 200
    assert web.ask(path, If_Modified_Since=modified).status == 200


def test_each_coding_has_its_own_strong_tag(web, make_draft):
    """A shared cache must not answer a packed request with plain bytes' tag."""
    web.publish(make_draft(1))

    plain = web.ask("/feeds/all.atom")
    packed = web.ask("/feeds/all.atom", Accept_Encoding="br, gzip;q=0.8")

    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert packed.headers["etag"] != plain.headers["etag"]
    assert "Accept-Encoding" in packed.headers["vary"]
    assert "content-encoding" not in web.ask("/feeds/all.atom", Accept_Encoding="gzip;q=0").headers


def test_zstd_is_sent_to_whoever_prefers_it(web, make_draft):
    """Browsers and newer readers take it; it is smaller than gzip and cheaper to unpack."""
    web.publish(*map(make_draft, range(1, 9)))
    plain = web.ask("/feeds/all.atom")

    packed = web.ask("/feeds/all.atom", Accept_Encoding="gzip, zstd")

    assert packed.headers["content-encoding"] == "zstd"
    assert zstandard.ZstdDecompressor().decompress(packed.body) == plain.body
    assert web.ask("/feeds/all.atom", Accept_Encoding="identity;q=0, br").status == 406


def test_a_part_of_a_feed_is_not_served(web, make_draft):
    """A feed cut at a byte is no feed; a client that asks for a part gets the whole."""
    web.publish(make_draft(1))

    answer = web.ask("/feeds/all.atom", Range="bytes=0-9", If_Range='"x"')

    assert answer.status == 200
    assert answer.body.endswith(b"</feed>\n") or answer.body.endswith(b"</feed>")
    assert answer.headers["accept-ranges"] == "none"


def test_caches_and_pages_of_other_sites_may_use_feeds(web, make_draft):
    """A CDN keeps a feed for a minute and bridges our absences; scripts elsewhere may read it."""
    web.publish(make_draft(1))

    answer = web.ask("/feeds/all.json", Origin="https://other.example")

    said = answer.headers["cache-control"].split(", ")
    assert {"public", "max-age=60"} < set(said)
    assert any(word.startswith("stale-if-error=") for word in said)
    assert any(word.startswith("stale-while-revalidate=") for word in said)
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "set-cookie" not in answer.headers
    asked = web.ask(
        "/feeds/all.json", "OPTIONS", Origin="https://other.example",
        Access_Control_Request_Method="GET", Access_Control_Request_Headers="if-none-match",
    )  # fmt: skip
    assert asked.status == 204
    assert "if-none-match" in asked.headers["access-control-allow-headers"].lower()


@pytest.mark.parametrize(
    ("form", "media_type"),
    [
        ("atom", "application/atom+xml; charset=utf-8"),
        ("rss", "application/rss+xml; charset=utf-8"),
        ("json", "application/feed+json"),
    ],
)
def test_every_format_says_what_it_is(web, form, media_type):
    """Readers choose their parser by it; JSON knows no charset."""
    answer = web.ask(f"/feeds/all.{form}")

    assert answer.headers["content-type"] == media_type
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert f'/feeds/all.{form}>; rel="self"' in answer.headers["link"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "TRACE"])
def test_feeds_are_only_read(web, method):
    """A client that posts here is told what does."""
    answer = web.ask("/feeds/all.atom", method, b"x=1" if method != "TRACE" else None)

    assert answer.status == 405
    assert {word.strip() for word in answer.headers["allow"].split(",")} >= {"GET", "HEAD"}
    assert answer.text.count("\n") == 1


@pytest.mark.parametrize(
    ("asked", "leads"),
    [
        ("/feeds/ALL.atom", "/feeds/all.atom"),
        ("/feeds/all.atom/", "/feeds/all.atom"),
        ("/feeds//all.atom", "/feeds/all.atom"),
        ("/feeds/search.atom?category=land&region=500116", "/feeds/land/500116.atom"),
        ("/feeds/search.json?region=500116&q=b&q=a", "/feeds/search.json?q=a&q=b&region=500116"),
        ("/feeds/search.rss?q=%E5%82%A8%E8%83%BD&not=", "/feeds/search.rss?q=%E5%82%A8%E8%83%BD"),
    ],
)
def test_one_document_has_one_address(web, asked, leads):
    """Caches keep it once; a reader that was given another spelling is led, for good."""
    answer = web.ask(asked)

    assert (answer.status, answer.headers["location"]) == (308, leads)
    assert web.ask(leads).status == 200


@pytest.mark.parametrize(
    "asked", ["/feeds/%61ll.atom", "/feeds/search.atom?q=%e5%82%a8", "/feeds/search.atom?q=a%62"]
)
def test_other_encodings_of_the_same_address_are_answered(web, asked):
    """A client that writes addresses in its own way would be led round in circles."""
    assert web.ask(asked).status == 200


def test_all_servers_give_equal_tags_and_dates(web, beside, make_draft):
    """Behind one address stand several servers; a reader must not pay for changing between."""
    web.publish(make_draft(1), make_draft(2))
    first = web.ask("/feeds/all.atom", Accept_Encoding="gzip")
    web.pass_time(timedelta(hours=1))
    other = beside(web).ask("/feeds/all.atom", Accept_Encoding="gzip")
    again = web.ask("/feeds/all.atom", Accept_Encoding="gzip")

    assert other.body == again.body
    for name in ("etag", "last-modified"):
        assert other.headers[name] == again.headers[name]
    assert again.headers["etag"] == first.headers["etag"]


def test_a_second_change_within_a_second_is_not_missed(web, make_draft):
    """HTTP's dates have whole seconds; a reader that has only the date must see both changes."""
    web.publish(make_draft(1))
    first = web.ask("/feeds/all.atom").headers["last-modified"]
    assert web.ask("/feeds/all.atom", If_Modified_Since=first).status == 304
    web.pass_time(timedelta(milliseconds=600))
    web.publish(make_draft(2))
    second = web.ask("/feeds/all.atom").headers["last-modified"]
    web.pass_time(timedelta(minutes=1))

    final = web.ask("/feeds/all.atom")

    assert web.ask("/feeds/all.atom", If_Modified_Since=first).status == 200
    assert web.ask("/feeds/all.atom", If_Modified_Since=second).status == 200
    assert web.ask("/feeds/all.atom", If_Modified_Since=final.headers["last-modified"]).status == (
        304
    )


def test_a_change_that_is_committed_late_moves_the_date(web, make_draft):
    """A worker that began before another may end after it; a reader sees both all the same."""
    web.publish(make_draft(1))
    web.pass_time(timedelta(minutes=1))
    first = web.ask("/feeds/all.atom").headers["last-modified"]
    assert web.ask("/feeds/all.atom", If_Modified_Since=first).status == 304
    web.pass_time(timedelta(minutes=-2))
    web.publish(make_draft(2))
    web.pass_time(timedelta(minutes=2))

    answer = web.ask("/feeds/all.atom", If_Modified_Since=first)

    assert answer.status == 200
    assert make_draft(2).title in answer.text


def test_head_is_get_without_a_body(web, make_draft):
    """Link checkers and caches ask for the head alone."""
    web.publish(make_draft(1))

    head, whole = web.ask("/feeds/all.rss", "HEAD"), web.ask("/feeds/all.rss")

    assert (head.status, head.body) == (200, b"")
    assert head.headers["etag"] == whole.headers["etag"]
    assert head.headers["content-length"] == str(len(whole.body))


def test_every_combination_shows_what_belongs_to_it(web, make_draft):
    """Kind, category, region at any level, and both: each feed holds its own and no more."""
    land = make_draft(
        2, title="一宗工业用地出让公告", kind=Kind.PROJECT,
        categories=(Category(slug="land", why="出让"),),
    )  # fmt: skip
    web.publish(make_draft(1), land)

    def titles(name: str) -> list[str]:
        parsed = feedparser.parse(io.BytesIO(web.ask(f"/feeds/{name}.atom").body))
        assert not parsed.bozo
        return sorted(entry.title for entry in parsed.entries)

    policy = make_draft(1).title
    assert titles("all") == titles("500116") == titles("500000") == sorted([policy, land.title])
    assert titles("policies") == titles("policy/500116") == [policy]
    assert titles("projects") == titles("land") == titles("land/500000") == [land.title]
    assert titles("talent/500116") == []
    found = web.ask("/feeds/search.json?q=%E5%B7%A5%E4%B8%9A%E7%94%A8%E5%9C%B0&region=500116")
    assert [item["title"] for item in json.loads(found.body)["items"]] == [land.title]


@pytest.mark.parametrize(
    ("path", "status", "word"),
    [
        ("/feeds/no-such.atom", 404, "no-such"),
        ("/feeds/999999.atom", 404, "999999"),
        ("/feeds/all.xml", 404, ".atom"),
        ("/feeds/search.atom?region=nowhere", 400, "nowhere"),
        ("/feeds/search.atom?colour=red", 400, "colour"),
        ("/feeds/search.atom?" + "&".join(["category=land"] * 1000), 414, "bytes"),
        ("/feeds/search.atom?" + "&".join(["q=a"] * 300), 400, "200"),
        ("/feeds/search.atom?q=" + "a" * 5000, 400, "q"),
        ("/feeds/..%2f..%2fetc/passwd.atom", 404, ""),
        ("/feeds/all%00.atom", 404, ""),
    ],
)
def test_a_wrong_address_is_told_in_one_line(web, path, status, word):
    """A person who mistypes learns what to type; a scanner costs us nothing."""
    answer = web.ask(path)

    assert answer.status == status
    assert answer.headers["content-type"].startswith("text/plain")
    assert word in answer.text
    assert answer.text.count("\n") == 1


def test_a_withdrawn_notice_becomes_a_tombstone(web, make_draft):
    """Consumers remove what the source removed, and nothing else happens to the feed."""
    web.publish(make_draft(1), make_draft(2))
    before = etree.fromstring(web.ask("/feeds/all.atom").body)
    web.pass_time(timedelta(days=40))
    web.record([make_draft(1)], ArticleOutcome.WITHDRAWN)

    after = etree.fromstring(web.ask("/feeds/all.atom").body)

    gone = {e.findtext(f"{A}id") for e in before.iter(f"{A}entry")} - {
        e.findtext(f"{A}id") for e in after.iter(f"{A}entry")
    }
    graves = after.findall("{http://purl.org/atompub/tombstones/1.0}deleted-entry")
    assert {grave.get("ref") for grave in graves} == gone
    assert len(gone) == 1


def test_opml_lists_the_watched_regions(web, make_draft):
    """One import, and a reader has every feed that we fill."""
    web.publish(make_draft(1))

    answer = web.ask("/feeds/index.opml")

    urls = [o.get("xmlUrl") for o in etree.fromstring(answer.body).iter("outline") if o.get("type")]
    assert "http://quxun.example/feeds/500116.atom" in urls
    assert "http://quxun.example/feeds/policies.atom" in urls
    assert all(web.ask(url.removeprefix("http://quxun.example")).status == 200 for url in urls)
    assert web.ask("/feeds/index.opml", If_None_Match=answer.headers["etag"]).status == 304


def test_our_address_stands_in_feeds_whatever_host_was_asked(web, make_draft):
    """A forged Host header must not plant another site's address in a shared cache."""
    web.publish(make_draft(1))

    answer = web.ask("/feeds/all.atom", Host="evil.example", X_Forwarded_Host="evil.example")

    assert b"evil" not in answer.body
    assert b"http://quxun.example/feeds/all.atom" in answer.body


def test_readers_keep_the_last_feed_while_the_database_is_away(web, make_draft):
    """A database that restarts must not make thousands of readers drop their subscription."""
    web.publish(make_draft(1))
    before = web.ask("/feeds/all.atom")

    class Away:
        def feed_version(self, _: object) -> None:
            raise OutageError("the database cannot be reached just now: gone")

    web.parts.__dict__["announcements"] = Away()

    assert web.ask("/feeds/all.atom").body == before.body
    other = web.ask("/feeds/land.atom")
    assert other.status == 503
    assert other.headers["retry-after"]


def test_a_feed_is_read_and_rendered_once_per_change(web, make_draft):
    """Whoever asks first pays; everybody after gets bytes."""
    web.publish(make_draft(1))
    real = web.parts.journal
    asked: list[object] = []

    class Counting:
        version = staticmethod(real.version)
        last = staticmethod(real.last)
        since = staticmethod(real.since)

        def window(self, wanted: str) -> object:
            asked.append(wanted)
            return real.window(wanted)

    web.parts.__dict__["journal"] = Counting()
    for _ in range(5):
        assert web.ask("/feeds/all.atom").status == 200
    web.publish(make_draft(2))
    for _ in range(5):
        assert web.ask("/feeds/all.atom").status == 200

    assert len(asked) == 2
