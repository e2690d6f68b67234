"""A site that rebuilds a feed from RFC 4287, RFC 5005 §4 and RFC 6721; of Quxun it knows nothing.

It is written from the standards alone and imports nothing of ours, so that what it rebuilds is
what any consumer can rebuild.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlsplit

from lxml import etree

ATOM = "{http://www.w3.org/2005/Atom}"
HISTORY = "{http://purl.org/syndication/history/1.0}"
TOMBSTONES = "{http://purl.org/atompub/tombstones/1.0}"
NEVER = datetime.min.replace(tzinfo=UTC)

#: Asks for an address with headers; status, headers (lower case) and bytes.
Get = Callable[[str, Mapping[str, str]], tuple[int, Mapping[str, str], bytes]]


class BrokenPromiseError(AssertionError):
    """A document that a consumer written against the standards cannot rely on."""


@dataclass(frozen=True)
class Entry:
    """An entry as a document prints it; ``xml`` is its canonical form, to compare by."""

    id: str
    updated: datetime
    published: datetime | None
    title: str
    links: tuple[tuple[str, str], ...]
    xml: bytes

    def text(self, name: str) -> str | None:
        """The text of a child, by its name in Clark's notation."""
        return etree.fromstring(self.xml).findtext(name)


@dataclass(frozen=True)
class Grave:
    """A deleted entry (RFC 6721)."""

    ref: str
    when: datetime
    comment: str


@dataclass(frozen=True)
class Document:
    """One document of a feed."""

    address: str
    feed: str
    updated: datetime
    links: Mapping[str, str]
    archived: bool
    entries: tuple[Entry, ...]
    graves: tuple[Grave, ...]


def parse(address: str, body: bytes) -> Document:
    """A document, held to what the standards demand of it."""
    root = etree.fromstring(body)
    need(root.tag == f"{ATOM}feed", address, f"is no Atom feed but {root.tag}")
    links: dict[str, str] = {}
    for link in root.findall(f"{ATOM}link"):
        rel, href = link.get("rel", "alternate"), link.get("href", "")
        need(rel == "hub" or rel not in links, address, f"has two links {rel}")
        need(is_absolute(href), address, f"has a link {rel} that is no address: {href!r}")
        links[rel] = href
    entries = tuple(_entry(address, one) for one in root.findall(f"{ATOM}entry"))
    graves = tuple(_grave(address, one) for one in root.findall(f"{TOMBSTONES}deleted-entry"))
    ids = [one.id for one in entries]
    need(len(set(ids)) == len(ids), address, "has an id twice")  # RFC 4287 §4.1.1, for us
    dug = [(one.ref, one.when) for one in graves]
    need(len(set(dug)) == len(dug), address, "digs a grave twice")  # RFC 6721 §3
    return Document(
        address=address,
        feed=_text(address, root, f"{ATOM}id"),
        updated=instant(address, _text(address, root, f"{ATOM}updated")),
        links=links,
        archived=root.find(f"{HISTORY}archive") is not None,
        entries=entries,
        graves=graves,
    )


def _entry(address: str, element: etree._Element) -> Entry:
    published = element.findtext(f"{ATOM}published")
    for name in ("id", "title", "updated"):
        count = len(element.findall(f"{ATOM}{name}"))
        need(count == 1, address, f"has an entry with {count} of {name}")
    return Entry(
        id=_text(address, element, f"{ATOM}id"),
        updated=instant(address, _text(address, element, f"{ATOM}updated")),
        published=instant(address, published) if published else None,
        title=_text(address, element, f"{ATOM}title"),
        links=tuple(
            (one.get("rel", "alternate"), one.get("href", ""))
            for one in element.findall(f"{ATOM}link")
        ),
        xml=etree.tostring(element, method="c14n", exclusive=True, with_comments=False).strip(),
    )


def _grave(address: str, element: etree._Element) -> Grave:
    ref, when = element.get("ref"), element.get("when")
    need(ref and when, address, "has a deleted-entry without ref or when")
    return Grave(
        ref=ref or "",
        when=instant(address, when or ""),
        comment=element.findtext(f"{TOMBSTONES}comment") or "",
    )


def need(holds: object, address: str, what: str) -> None:
    """Stop where a document breaks a promise."""
    if not holds:
        raise BrokenPromiseError(f"{address} {what}")


def is_absolute(href: str) -> bool:
    """Whether a link leads somewhere by itself."""
    parts = urlsplit(href)
    return parts.scheme in {"http", "https"} and bool(parts.netloc)


def instant(address: str, text: str) -> datetime:
    """A time of RFC 3339."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise BrokenPromiseError(f"{address} has a time that is none: {text!r}") from error
    need(at.tzinfo is not None, address, f"has a time without a zone: {text}")
    return at.astimezone(UTC)


def _text(address: str, element: etree._Element, name: str) -> str:
    found = element.findtext(name)
    need(found, address, f"lacks {name}")
    return found or ""


@dataclass
class Consumer:
    """Visits one feed whenever it likes, and holds what the feed says.

    With ``clocks`` it follows the letter: of one entry the version with the latest ``updated``
    is the entry, of equal ones that of the document updated last (RFC 5005 §4.2); a tombstone
    buries it unless the entry was updated after it (RFC 6721 §3), however long ago either was
    read. Without, it only reads in order: what a later document says of an id replaces what an
    earlier one said. A publisher has to satisfy both.
    """

    address: str
    get: Get
    clocks: bool = True
    versions: dict[str, tuple[datetime, datetime, Entry]] = field(default_factory=dict)
    graves: dict[str, datetime] = field(default_factory=dict)
    read: set[str] = field(default_factory=set)
    validators: dict[str, str] = field(default_factory=dict)
    heard: datetime = NEVER
    visits: int = 0
    documents: int = 0

    @property
    def entries(self) -> dict[str, Entry]:
        """What the feed holds, as far as we know, by id."""
        return {
            one: entry
            for one, (updated, _, entry) in self.versions.items()
            if updated > self.graves.get(one, NEVER)
        }

    def visit(self) -> None:
        """Look at the feed and at every archive document that is new to us.

        Nothing is taken over before all of it was read: a visit that fails is made again.
        """
        self.visits += 1
        status, headers, body = self.get(self.address, self.validators)
        if status == 304:
            need(self.validators, self.address, "answers 304 to a plain request")
            return
        current = self._document(self.address, status, headers, body)
        need(not current.archived, self.address, "is the feed, and says that it is an archive")
        chain = [current]
        while (address := chain[-1].links.get("prev-archive")) is not None:
            if address in self.read:
                break
            met = {one.address for one in chain}
            need(address not in met, address, "is met twice on the way back")
            older = self._document(address, *self.get(address, {}))
            need(older.archived, address, "is an archive document and does not say so")
            need(older.links.get("current") == self.address, address, "leads to another feed")
            need(older.feed == current.feed, address, "is of another feed")
            need(older.updated <= chain[-1].updated, address, "is younger than what follows it")
            chain.append(older)
        for document in reversed(chain):
            self._take(document)
        self.read.update(one.address for one in chain[1:])
        self.validators = {}
        if "etag" in headers:
            self.validators["If-None-Match"] = headers["etag"]
        if "last-modified" in headers:
            self.validators["If-Modified-Since"] = headers["last-modified"]

    def _document(
        self, address: str, status: int, headers: Mapping[str, str], body: bytes
    ) -> Document:
        need(status == 200, address, f"answers {status}: {body[:200]!r}")
        kind = headers.get("content-type", "").partition(";")[0].strip()
        need(kind == "application/atom+xml", address, f"is of type {kind}")
        self.documents += 1
        return parse(address, body)

    def _take(self, document: Document) -> None:
        need(document.updated >= self.heard, document.address, "is older than what went before")
        self.heard = document.updated
        if self.clocks:
            self._by_clocks(document)
        else:
            self._in_order(document)

    def _by_clocks(self, document: Document) -> None:
        for entry in document.entries:
            stamp = (entry.updated, document.updated)
            if stamp >= self.versions.get(entry.id, (NEVER, NEVER))[:2]:
                self.versions[entry.id] = (*stamp, entry)
        for grave in document.graves:
            self.graves[grave.ref] = max(grave.when, self.graves.get(grave.ref, NEVER))

    def _in_order(self, document: Document) -> None:
        here = {entry.id: entry for entry in document.entries}
        for grave in document.graves:
            entry = here.get(grave.ref)
            if entry is None or entry.updated <= grave.when:
                here.pop(grave.ref, None)
                self.versions.pop(grave.ref, None)
        for entry in here.values():
            self.versions[entry.id] = (entry.updated, document.updated, entry)
