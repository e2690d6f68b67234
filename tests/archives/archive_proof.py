"""What consumers hold beside what the store holds, over one random history."""

from __future__ import annotations

import copy
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime

import archive_atom
import archive_json
import archive_rss
from archive_history import History
from archive_world import PUBLIC, Answer, Memory, Web, is_archive
from lxml import etree

import feeds
from aggregator import filters
from aggregator.model import Announcement, FeedPage, Filter

#: Feeds of every sort: all, kinds, categories, regions of each level, and both.
FEEDS = (
    "all", "policies", "projects", "land", "tender", "500000", "500116", "Z50011601", "320000",
    "330106", "policies/500116", "land/500000", "notice/320505", "tender/500000",
)  # fmt: skip
#: Filters that have no name: their feeds show what changed last, and no archive.
SEARCHES = (
    "q=储能&not=氢能", "region=500116&kind=policy&authority=official", "authority=official&q=人才", "not=设备",
    "amount_min=500万", "deadline_before=2027-06-30",
    "posted_after=2026-06-01&category=land&category=policy",
)  # fmt: skip
VERSION = "{http://purl.org/rss/1.0/modules/wiki/}version"


def address(name: str, form: str) -> str:
    """Where a feed stands."""
    return f"{PUBLIC}/feeds/{name}.{form}"


@dataclass
class Figures:
    """How much was proved."""

    histories: int = 0
    changes: int = 0
    announcements: int = 0
    visits: int = 0
    comparisons: int = 0
    entries: int = 0
    documents: int = 0
    archives: int = 0
    refetched: int = 0

    def add(self, other: Figures) -> None:
        """Sum up."""
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))


@dataclass
class Reader:
    """Somebody who follows one feed: Atom by the letter or in order, JSON, or RSS."""

    name: str
    form: str
    consumer: archive_atom.Consumer | archive_json.Consumer | archive_rss.Consumer

    def holds(self) -> dict[str, object]:
        """What they show now, by id: entries in canonical form, or titles."""
        match self.consumer:
            case archive_json.Consumer(items=items):
                return {one: item.fields for one, item in items.items()}
            case archive_rss.Consumer(items=titles):
                return {**titles}
            case _:
                return {one: entry.xml for one, entry in self.consumer.entries.items()}


@dataclass
class Proof:
    """A history, its readers, and every archive document that they were ever served.

    While somebody reads, a portal may publish: ``busy`` is how often that happens between two
    requests of one visit.
    """

    web: Web
    history: History
    names: Sequence[str] = FEEDS
    memory: Memory = field(default_factory=Memory)
    readers: list[Reader] = field(default_factory=list)
    figures: Figures = field(default_factory=Figures)
    busy: float = 0.0
    _expected: dict[tuple[str, str], dict[str, object]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.pick = random.Random(self.history.seed + 1)
        self.readers = [one for name in self.names for one in self.newcomers(name)]

    def newcomers(self, name: str) -> list[Reader]:
        """Two readers of a feed who know nothing yet: one by the letter, and another."""
        atom, get = address(name, "atom"), self.get
        others = [
            Reader(name, "atom", archive_atom.Consumer(atom, get, clocks=False)),
            Reader(name, "json", archive_json.Consumer(address(name, "json"), get)),
            Reader(name, "rss", archive_rss.Consumer(address(name, "rss"), get)),
        ]
        return [Reader(name, "atom", archive_atom.Consumer(atom, get)), self.pick.choice(others)]

    def get(self, url: str, headers: Mapping[str, str]) -> Answer:
        """Fetch as a reader; what comes from an archive is remembered."""
        status, named, body = self.web.get(url, headers)
        if status == 200 and is_archive(url):
            self.memory.remember(url, body)
        if self.busy and self.pick.random() < self.busy:
            self.step()
        return status, named, body

    def step(self) -> None:
        """Let something happen."""
        self.history.step()
        self.step_done()

    def step_done(self) -> None:
        """Something happened: the store is to be asked anew."""
        self._expected.clear()

    def moved_to(self, web: Web) -> Proof:
        """The same history and the same readers, on a copy of the store."""
        history = copy.copy(self.history)
        history.parts, history._portals = web.parts, dict(self.history._portals)
        history.notices = [copy.copy(one) for one in self.history.notices]
        moved = Proof(web, history, names=self.names, memory=copy.deepcopy(self.memory))
        moved.readers = [
            Reader(one.name, one.form, copy.deepcopy(one.consumer, {id(one.consumer.get): moved.get}))
            for one in self.readers
        ]  # fmt: skip
        return moved

    def run(self, steps: int, *, often: float = 0.1) -> None:
        """Let a history happen, with readers who come when they like."""
        for _ in range(steps):
            self.step()
            for reader in self.readers:
                if self.pick.random() < often:
                    self.visit(reader)
            if self.pick.random() < often and self.memory.bodies:
                self.audit(self.pick.choice(sorted(self.memory.bodies)))
            if self.pick.random() < 3 * often:
                self.look(self.pick.choice(SEARCHES))
        for reader in self.readers:
            self.visit(reader)
        for name in self.names:
            for reader in self.newcomers(name):
                self.visit(reader)
        for url in sorted(self.memory.bodies):
            self.audit(url)
        self.figures.histories += 1
        self.figures.changes += self.changes()
        self.figures.archives += len(self.memory.bodies)
        self.figures.announcements += self.history.parts.announcements.count(Filter())

    def changes(self) -> int:
        """How many changes the journal holds."""
        return self.history.parts.journal.last()

    def audit(self, url: str) -> None:
        """Fetch an archive document again: it is what it was."""
        self.figures.refetched += 1
        status, _, body = self.web.get(url, {})
        assert status == 200, (url, status)
        self.memory.remember(url, body)

    def visit(self, reader: Reader) -> None:
        """Let somebody read, and compare what they hold with the store.

        A visit during which something happened may show what was or what is; the next one has to
        show what is.
        """
        before = reader.consumer.documents
        told = len(self.history.told)
        reader.consumer.visit()
        if len(self.history.told) != told:
            busy, self.busy = self.busy, 0.0
            reader.consumer.visit()
            self.busy = busy
        self.figures.visits += 1
        self.figures.documents += reader.consumer.documents - before
        self.compare(reader)

    def compare(self, reader: Reader) -> None:
        """Stop at the first difference, with what happened last."""
        held, expected = reader.holds(), self.expected(reader.name, reader.form)
        if reader.form == "rss":  # what is gone stays where it was read
            held = {one: title for one, title in held.items() if one in expected}
        self.figures.comparisons += 1
        self.figures.entries += len(expected)
        self._same(held, expected, f"{reader.form} of {reader.name}")

    def _same(self, held: dict[str, object], expected: dict[str, object], whose: str) -> None:
        if held == expected:
            return
        missed = sorted(expected.keys() - held.keys())
        kept = sorted(held.keys() - expected.keys())
        other = sorted(one for one in held.keys() & expected.keys() if held[one] != expected[one])
        lines = [
            f"seed {self.history.seed}, {whose}:",
            f"missed {missed[:3]}", f"kept {kept[:3]}", f"otherwise {other[:3]}",
            *(line for one in other[:1] for line in _apart(held[one], expected[one])),
            *self.history.told[-12:],
        ]  # fmt: skip
        raise AssertionError("\n".join(lines))

    def expected(self, name: str, form: str) -> dict[str, object]:
        """What the store holds of a feed, printed as a feed prints it."""
        store = self.history.parts.announcements
        if (name, form) not in self._expected:
            wanted = feeds.filter_of(name)
            assert wanted is not None, name
            found = store.find(wanted, limit=99_999)
            self._expected[name, form] = printed(found, store.identity(), form)
        return self._expected[name, form]

    def look(self, query: str) -> None:
        """A feed of any filter shows those of the last changed that are there, as they are."""
        store, wanted = self.history.parts.announcements, filters.parse_query(query)
        url = f"{PUBLIC}/feeds/search.atom?{filters.canonical(wanted)}"
        status, _, body = self.web.get(url, {})
        assert status == 200, (url, status)
        found = store.find(wanted, limit=50, order="changed", include_withdrawn=True)
        there = [one for one in found if one.withdrawn_at is None]
        shown = {one.id: one.xml for one in archive_atom.parse(url, body).entries}
        self._same(shown, printed(there, store.identity(), "atom"), f"search?{query}")


def _apart(held: object, expected: object) -> tuple[str, str]:
    """Where two prints of an entry part."""
    two = [one.decode() if isinstance(one, bytes) else repr(one) for one in (held, expected)]
    pairs = enumerate(zip(*two, strict=False))
    start = max(next((place for place, (a, b) in pairs if a != b), 0) - 90, 0)
    return f"  holds …{two[0][start : start + 240]}…", f"  store …{two[1][start : start + 240]}…"


def printed(
    found: Sequence[Announcement], identity: tuple[str, str], form: str
) -> dict[str, object]:
    """Announcements as a feed prints them, by id; held to what their records say."""
    page = FeedPage(
        name="all", title="t", subtitle="s", home_url=PUBLIC, self_url=f"{PUBLIC}/feeds/all.{form}",
        tag_authority=identity[0], tag_date=identity[1], updated_at=datetime(2026, 1, 1, tzinfo=UTC),
        announcements=tuple(found), coverage=None, public_url=PUBLIC,
    )  # fmt: skip
    body = feeds.render(page, form)
    by_id = {f"tag:{identity[0]},{identity[1]}:{one.uuid}": one for one in found}
    made: dict[str, object] = {}
    if form == "rss":
        made = {
            item.findtext("guid") or "": item.findtext("title")
            for item in etree.fromstring(body).iter("item")
        }
    elif form == "json":
        for item in archive_json.parse(page.self_url, body).items:
            made[item.id] = item.fields
    else:
        for entry in archive_atom.parse(page.self_url, body).entries:
            made[entry.id] = entry.xml
            _says(entry, by_id[entry.id])
    assert made.keys() == by_id.keys()
    return made


def _says(entry: archive_atom.Entry, one: Announcement) -> None:
    """An entry says what the record does, read without our own words for it."""
    xml = etree.fromstring(entry.xml)
    assert entry.updated.replace(microsecond=0) == one.changed_at.replace(microsecond=0)
    posted = one.draft.posted_at
    late = posted is None or posted > one.first_seen_at
    assert entry.published == (one.first_seen_at if late else posted).replace(microsecond=0)
    assert (xml.findtext(f"{archive_atom.ATOM}published") or "").endswith("+08:00")
    assert xml.findtext(VERSION) == str(one.revision)
    others = {s.url for s in one.sightings} - {one.draft.url}
    assert {href for rel, href in entry.links if rel == "via"} == others
    assert ("alternate", one.draft.url) in entry.links
