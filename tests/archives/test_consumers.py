"""The consumers themselves, on documents made by hand: what they find is no doing of ours."""

from __future__ import annotations

import json
from collections.abc import Mapping

import archive_atom
import archive_json
import pytest
from archive_atom import BrokenPromiseError

HERE = "http://site.example/feed"


class Pages:
    """Documents by address, as a web server would answer them."""

    def __init__(self) -> None:
        self.bodies: dict[str, bytes] = {}
        self.kind = "application/atom+xml"
        self.asked: list[str] = []
        self.dead: set[str] = set()

    def get(self, url: str, headers: Mapping[str, str]):
        self.asked.append(url)
        if url in self.dead or url not in self.bodies:
            return 503, {}, b"away"
        body = self.bodies[url]
        etag = f'"{hash(body)}"'
        if headers.get("If-None-Match") == etag:
            return 304, {"etag": etag}, b""
        return 200, {"etag": etag, "content-type": f"{self.kind}; charset=utf-8"}, body


def entry(name: str, updated: int, title: str = "") -> str:
    return (
        f"<entry><id>tag:{name}</id><title>{title or name}</title>"
        f"<updated>{at(updated)}</updated></entry>"
    )


def grave(name: str, when: int) -> str:
    return (
        '<at:deleted-entry xmlns:at="http://purl.org/atompub/tombstones/1.0"'
        f' ref="tag:{name}" when="{at(when)}"/>'
    )


def at(minute: int) -> str:
    return f"2026-03-02T09:{minute:02}:00+08:00"


def atom(
    *parts: str, updated: int = 0, prev: str | None = None, archive: bool = False, **links: str
) -> bytes:
    if archive:
        links = {"current": HERE, **links}
        parts = ('<fh:archive xmlns:fh="http://purl.org/syndication/history/1.0"/>', *parts)
    if prev:
        links["prev-archive"] = prev
    made = "".join(f'<link rel="{rel}" href="{href}"/>' for rel, href in links.items())
    return (
        '<feed xmlns="http://www.w3.org/2005/Atom"><id>tag:feed</id><title>t</title>'
        f"<updated>{at(updated)}</updated>{made}{''.join(parts)}</feed>"
    ).encode()


def subscribed(pages: Pages, *, clocks: bool = True) -> archive_atom.Consumer:
    return archive_atom.Consumer(HERE, pages.get, clocks=clocks)


def held(consumer: archive_atom.Consumer) -> dict[str, str]:
    return {one.id.removeprefix("tag:"): one.title for one in consumer.entries.values()}


both = pytest.mark.parametrize("clocks", [True, False])


@both
def test_archives_are_read_from_the_oldest_on_and_each_only_once(clocks):
    """A site that slept for a year reads all it missed, and one that did not reads one document."""
    pages = Pages()
    pages.bodies = {
        f"{HERE}/1": atom(entry("a", 1, "old"), entry("b", 2), updated=2, archive=True),
        f"{HERE}/2": atom(entry("a", 3, "new"), updated=3, archive=True, prev=f"{HERE}/1"),
        HERE: atom(entry("c", 4), updated=4, prev=f"{HERE}/2"),
    }
    consumer = subscribed(pages, clocks=clocks)
    consumer.visit()

    assert held(consumer) == {"a": "new", "b": "b", "c": "c"}
    assert pages.asked == [HERE, f"{HERE}/2", f"{HERE}/1"]
    consumer.visit()
    assert (pages.asked[3:], consumer.documents) == ([HERE], 3)

    pages.bodies[HERE] = atom(entry("d", 5), updated=5, prev=f"{HERE}/3")
    pages.bodies[f"{HERE}/3"] = atom(
        entry("c", 4), updated=4, archive=True, prev=f"{HERE}/2", **{"next-archive": f"{HERE}/4"}
    )
    consumer.visit()
    assert held(consumer) == {"a": "new", "b": "b", "c": "c", "d": "d"}
    assert pages.asked[4:] == [HERE, f"{HERE}/3"]


@both
@pytest.mark.parametrize(("updated", "stays"), [(4, False), (5, False), (6, True)])
def test_a_tombstone_buries_what_was_not_updated_after_it(clocks, updated: int, stays):
    """RFC 6721 §3, in one document: equal times bury."""
    pages = Pages()
    pages.bodies[HERE] = atom(entry("a", updated), grave("a", 5), updated=6)
    consumer = subscribed(pages, clocks=clocks)
    consumer.visit()

    assert bool(held(consumer)) is stays


@both
def test_what_was_buried_comes_back_when_it_was_updated_since(clocks):
    """A portal puts a notice back; a site that saw both, or only the outcome, shows it."""
    pages = Pages()
    early = subscribed(pages, clocks=clocks)
    for minute, body in enumerate(
        [entry("a", 1, "before"), grave("a", 2), entry("a", 3, "after")], start=1
    ):
        pages.bodies[f"{HERE}/{minute}"] = atom(
            body, updated=minute, archive=True, prev=f"{HERE}/{minute - 1}" if minute > 1 else None
        )
        pages.bodies[HERE] = atom(updated=minute, prev=f"{HERE}/{minute}")
        early.visit()
        assert len(held(early)) == (0 if minute == 2 else 1)
    late = subscribed(pages, clocks=clocks)
    late.visit()

    assert held(early) == held(late) == {"a": "after"}


def test_by_the_letter_an_old_version_changes_nothing_and_a_grave_is_not_forgotten():
    """RFC 5005 §4.2 goes by ``updated``; who publishes may not lean on the order alone."""
    pages = Pages()
    pages.bodies = {
        f"{HERE}/1": atom(entry("a", 5, "new"), grave("b", 5), updated=5, archive=True),
        HERE: atom(entry("a", 4, "old"), entry("b", 4), updated=6, prev=f"{HERE}/1"),
    }
    letter, order = subscribed(pages), subscribed(pages, clocks=False)
    letter.visit()
    order.visit()

    assert held(letter) == {"a": "new"}
    assert held(order) == {"a": "old", "b": "b"}


def test_of_equal_versions_the_later_document_counts():
    """RFC 5005 §4.2: the entry of the most recently updated document replaces its duplicates."""
    pages = Pages()
    pages.bodies = {
        f"{HERE}/1": atom(entry("a", 4, "first reading"), updated=5, archive=True),
        HERE: atom(entry("a", 4, "better reading"), updated=6, prev=f"{HERE}/1"),
    }
    consumer = subscribed(pages)
    consumer.visit()

    assert held(consumer) == {"a": "better reading"}


@both
def test_a_visit_that_breaks_off_is_made_again_and_loses_nothing(clocks):
    """An archive that cannot be had just now must not be taken for read."""
    pages = Pages()
    pages.bodies = {
        f"{HERE}/1": atom(entry("a", 1), updated=1, archive=True),
        f"{HERE}/2": atom(entry("b", 2), updated=2, archive=True, prev=f"{HERE}/1"),
        HERE: atom(entry("c", 3), updated=3, prev=f"{HERE}/2"),
    }
    pages.dead = {f"{HERE}/1"}
    consumer = subscribed(pages, clocks=clocks)
    with pytest.raises(BrokenPromiseError, match="503"):
        consumer.visit()
    assert (held(consumer), consumer.read) == ({}, set())
    pages.dead = set()
    consumer.visit()

    assert set(held(consumer)) == {"a", "b", "c"}


@pytest.mark.parametrize(
    ("old", "current", "broken"),
    [
        (atom(), atom(prev=f"{HERE}/1"), "does not say so"),
        (atom(archive=True), atom(prev="archive/1"), "is no address"),
        (atom(archive=True, prev=f"{HERE}/1"), atom(prev=f"{HERE}/1"), "met twice"),
        (atom(archive=True, current=f"{HERE}.rss"), atom(prev=f"{HERE}/1"), "another feed"),
        (atom(archive=True, updated=9), atom(prev=f"{HERE}/1", updated=8), "younger"),
        (b"", atom(entry("a", 1), entry("a", 2)), "an id twice"),
        (b"", atom(grave("a", 1), grave("a", 1)), "a grave twice"),
        (b"", atom(archive=True), "says that it is an archive"),
        (b"", b"<rss/>", "no Atom feed"),
    ],
)
def test_what_the_standards_forbid_is_noticed(old: bytes, current: bytes, broken: str):
    """A consumer that swallowed these would prove nothing."""
    pages = Pages()
    pages.bodies = {f"{HERE}/1": old, HERE: current}
    with pytest.raises(BrokenPromiseError, match=broken):
        subscribed(pages).visit()


def page(*names: str, gone: tuple[str, ...] = (), older: str | None = None, **more) -> bytes:
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "feed_url": HERE,
        "items": [{"id": n, "date_modified": at(1)} for n in names],
        "_quxun": {
            "updated": at(2), "withdrawn": [{"id": n, "when": at(1)} for n in gone], **more,
        },
    }  # fmt: skip
    return json.dumps(feed | ({"next_url": older} if older else {})).encode()


def test_the_json_reader_follows_its_chain_and_forgets_what_is_gone():
    """A site without an XML parser keeps up as well."""
    pages = Pages()
    pages.kind = "application/feed+json"
    pages.bodies = {
        f"{HERE}/1": page("a", "b", archive=True),
        f"{HERE}/2": page("c", gone=("a",), older=f"{HERE}/1", archive=True),
        HERE: page("d", older=f"{HERE}/2"),
    }
    consumer = archive_json.Consumer(HERE, pages.get)
    consumer.visit()
    consumer.visit()

    assert set(consumer.items) == {"b", "c", "d"}
    assert pages.asked == [HERE, f"{HERE}/2", f"{HERE}/1", HERE]


def test_the_json_reader_notices_a_page_that_may_change():
    """What is not said to be archived may not be remembered as read."""
    pages = Pages()
    pages.kind = "application/feed+json"
    pages.bodies = {f"{HERE}/1": page("a"), HERE: page("d", older=f"{HERE}/1")}
    with pytest.raises(BrokenPromiseError, match="does not say so"):
        archive_json.Consumer(HERE, pages.get).visit()
