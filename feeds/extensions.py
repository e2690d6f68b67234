"""Extensions of feedgen 1.0: what it cannot write itself, or writes wrong.

It loses ``rel`` and ``type`` of every entry link, writes no id into ``source``, drops an
author without an address from RSS, sets the process's locale for every date of RSS, checks
every category thrice, and knows neither archives (RFC 5005), tombstones (RFC 6721) nor us.
"""

from __future__ import annotations

from email.utils import format_datetime

from feedgen.ext.base import BaseEntryExtension, BaseExtension
from lxml.etree import SubElement, _Element

from aggregator.model import FeedPage, Grave, GraveReason
from feeds.items import Item, Link, entry_id, graves, moment, whole_second

ATOM = "http://www.w3.org/2005/Atom"
HISTORY = "http://purl.org/syndication/history/1.0"
TOMBSTONE = "http://purl.org/atompub/tombstones/1.0"
DUBLIN = "http://purl.org/dc/elements/1.1/"
XHTML = "http://www.w3.org/1999/xhtml"
#: mod_wiki, which validators know: ``version`` is the revision of an entry.
WIKI = "http://purl.org/rss/1.0/modules/wiki/"
#: The terms that are our own; written as RDFa, for validators warn of every unknown namespace.
OURS = "tag:quxun.example,2026:feeds#"

_ATOM_LINK = f"{{{ATOM}}}link"
_ATOM_UPDATED = f"{{{ATOM}}}updated"
_CREATOR, _RIGHTS = f"{{{DUBLIN}}}creator", f"{{{DUBLIN}}}rights"
_VERSION = f"{{{WIKI}}}version"


class FeedExtension(BaseExtension):  # type: ignore[misc]  # feedgen has no types
    """Archive links, coverage and tombstones of a feed; the links of RSS."""

    page: FeedPage
    media_type: str

    def extend_ns(self) -> dict[str, str]:
        """The prefixes used, declared once at the root."""
        used = {"wiki": WIKI}
        if self.media_type.startswith("application/rss"):
            used["dc"] = DUBLIN
        elif graves(self.page):
            used["at"] = TOMBSTONE
        if self.page.archived:
            used["fh"] = HISTORY
        return used

    def extend_atom(self, feed: _Element) -> _Element:
        """Add the archive's marks, coverage and the tombstones (RFC 6721 §2)."""
        self._history(feed, "link")
        _coverage(feed, self.page)
        for grave in graves(self.page):
            _bury(feed, self.page, grave)
        return feed

    def extend_rss(self, feed: _Element) -> _Element:
        """Add the archive's marks, coverage and hub to the channel."""
        channel = feed[0]
        self._history(channel, _ATOM_LINK)
        _coverage(channel, self.page)
        if self.page.hub_url and not self.page.archived:
            SubElement(channel, _ATOM_LINK, {"rel": "hub", "href": self.page.hub_url})
        return feed

    def _history(self, parent: _Element, link: str) -> None:
        """RFC 5005 §4: ``current`` stands in archive documents only, ``next-archive`` comes last."""
        page = self.page
        if page.archived:
            SubElement(parent, f"{{{HISTORY}}}archive")
        for rel, href in (
            ("current", page.current_url if page.archived else None),
            ("prev-archive", page.prev_url),
            ("next-archive", page.next_url),
        ):
            if href:
                SubElement(parent, link, {"rel": rel, "href": href, "type": self.media_type})


class EntryExtension(BaseEntryExtension):  # type: ignore[misc]  # feedgen has no types
    """Terms, links, source and revision of an entry."""

    mint: str
    item: Item

    def extend_ns(self) -> dict[str, str]:
        """The feed's extension declares them."""
        return {}

    def extend_atom(self, entry: _Element) -> _Element:
        """Put the link right, and say what the notice is about and where it comes from."""
        item, mint = self.item, self.mint
        for link in entry.iterchildren("link"):
            link.set("rel", "alternate")
        for related in item.links:
            _link(entry, "link", related)
        for term in item.terms:
            scheme = f"{mint}{term.vocabulary}"
            SubElement(
                entry, "category", {"term": term.term, "scheme": scheme, "label": term.label}
            )
        source = SubElement(entry, "source")
        SubElement(source, "id").text = item.source_id
        SubElement(source, "title").text = item.source_title
        SubElement(source, "updated").text = item.source_seen.isoformat()
        SubElement(source, "link", {"rel": "alternate", "href": item.source_url})
        SubElement(entry, _VERSION).text = str(item.announcement.revision)
        return entry

    def extend_rss(self, entry: _Element) -> _Element:
        """Say the same as in Atom: dates, issuer, rights, terms by their codes, source, links."""
        item, mint = self.item, self.mint
        SubElement(entry, "pubDate").text = format_datetime(item.published)
        SubElement(entry, "source", {"url": item.source_url}).text = item.source_title
        SubElement(entry, _CREATOR).text = item.author
        SubElement(entry, _RIGHTS).text = item.rights
        SubElement(entry, _ATOM_UPDATED).text = item.updated.isoformat()
        SubElement(entry, _VERSION).text = str(item.announcement.revision)
        for term in item.terms:
            SubElement(entry, "category", {"domain": f"{mint}{term.vocabulary}"}).text = term.term
        for related in item.links:
            _link(entry, _ATOM_LINK, related)
        return entry


def grave_words(page: FeedPage, grave: Grave) -> str:
    """Why an entry is no more, for a reader; the word in brackets is for a program."""
    said = {
        GraveReason.WITHDRAWN: "原文已撤下",
        GraveReason.MERGED: "与另一条为同一公告,并入",
        GraveReason.LEFT: "不再属于本订阅源,公告仍在",
        GraveReason.REMOVED: "依法删除",
    }[grave.why]
    heir = f" {entry_id(page, grave.merged_into)}" if grave.merged_into else ""
    return f"{said}{heir} ({grave.why.value})"


def _bury(feed: _Element, page: FeedPage, grave: Grave) -> None:
    ref, when = entry_id(page, grave.uuid), moment(grave.at, grave.uuid).isoformat()
    stone = SubElement(feed, f"{{{TOMBSTONE}}}deleted-entry", {"ref": ref, "when": when})
    SubElement(stone, f"{{{TOMBSTONE}}}comment").text = grave_words(page, grave)


def _link(parent: _Element, name: str, link: Link) -> None:
    said = {"rel": link.rel, "href": link.href, "title": link.title}
    if link.media_type:
        said["type"] = link.media_type
    SubElement(parent, name, said)


def _coverage(parent: _Element, page: FeedPage) -> None:
    """How well the sources are watched, as XHTML with our terms (RDFa Lite 1.1)."""
    coverage = page.coverage
    if coverage is None or page.archived:
        return
    box = SubElement(
        parent,
        f"{{{XHTML}}}div",
        {"vocab": OURS, "typeof": "coverage"},
        nsmap={None: XHTML},  # type: ignore[dict-item]  # lxml-stubs: no default namespace
    )
    for name, number in (("watched", coverage.watched), ("well", coverage.well)):
        SubElement(box, f"{{{XHTML}}}data", {"property": name, "value": str(number)})
    if coverage.worst_since:
        since = whole_second(coverage.worst_since).isoformat()
        SubElement(box, f"{{{XHTML}}}time", {"property": "worst-since", "datetime": since})
