"""Extensions of feedgen 1.0: what it cannot write itself.

It loses ``rel`` and ``type`` of every entry link, writes no id into ``source``, drops an
author without an address from RSS, and knows neither tombstones (RFC 6721) nor us.
"""

from __future__ import annotations

from datetime import datetime

from feedgen.ext.base import BaseEntryExtension, BaseExtension
from lxml import etree

from aggregator.model import Coverage, FeedPage
from feeds.items import Item, entry_id, scheme, whole_second, withdrawn

ATOM = "http://www.w3.org/2005/Atom"
TOMBSTONE = "http://purl.org/atompub/tombstones/1.0"
DUBLIN = "http://purl.org/dc/elements/1.1/"
#: Our own namespace: ``coverage`` on a feed, ``revision`` on an entry (docs/feeds.md).
OURS = "tag:quxun.example,2026:feeds"


class FeedExtension(BaseExtension):  # type: ignore[misc]  # feedgen has no types
    """Coverage and tombstones of a feed; the hub's link in RSS."""

    page: FeedPage

    def extend_ns(self) -> dict[str, str]:
        """The prefixes used, declared once at the root."""
        return {"at": TOMBSTONE, "qx": OURS, "dc": DUBLIN}

    def extend_atom(self, feed: etree._Element) -> etree._Element:
        """Add coverage and the tombstones (RFC 6721 §2)."""
        _coverage(feed, self.page.coverage)
        for one in withdrawn(self.page):
            assert one.withdrawn_at is not None
            grave = etree.SubElement(feed, f"{{{TOMBSTONE}}}deleted-entry")
            grave.set("ref", entry_id(self.page, one.uuid))
            grave.set("when", whole_second(one.withdrawn_at).isoformat())
            comment = etree.SubElement(grave, f"{{{TOMBSTONE}}}comment")
            comment.text = "原文已撤下"
            if one.merged_into:
                heir = entry_id(self.page, one.merged_into)
                comment.text = f"并入 {heir}"
        return feed

    def extend_rss(self, feed: etree._Element) -> etree._Element:
        """Add coverage and hub to the channel."""
        channel = feed[0]
        _coverage(channel, self.page.coverage)
        if self.page.hub_url:
            etree.SubElement(channel, f"{{{ATOM}}}link", rel="hub", href=self.page.hub_url)
        return feed


class EntryExtension(BaseEntryExtension):  # type: ignore[misc]  # feedgen has no types
    """Links, source and revision of an entry."""

    page: FeedPage
    item: Item

    def extend_ns(self) -> dict[str, str]:
        """The feed's extension declares them."""
        return {}

    def extend_atom(self, entry: etree._Element) -> etree._Element:
        """Put the links right, and say where the notice comes from."""
        item = self.item
        for link in entry.findall("link"):
            link.set("rel", "alternate")
        for related in item.links:
            link = etree.SubElement(entry, "link", rel=related.rel, href=related.href)
            link.set("title", related.title)
            if related.media_type:
                link.set("type", related.media_type)
        source = etree.SubElement(entry, "source")
        etree.SubElement(source, "id").text = item.source_id
        etree.SubElement(source, "title").text = item.source_title
        etree.SubElement(source, "updated").text = item.source_seen.isoformat()
        etree.SubElement(source, "link", rel="alternate", href=item.source_url)
        etree.SubElement(entry, f"{{{OURS}}}revision").text = str(item.announcement.revision)
        return entry

    def extend_rss(self, entry: etree._Element) -> etree._Element:
        """Name the issuer and the rights; the categories carry their code, not their name."""
        item = self.item
        etree.SubElement(entry, f"{{{DUBLIN}}}creator").text = item.author
        etree.SubElement(entry, f"{{{DUBLIN}}}rights").text = item.rights
        for term in item.terms:
            category = etree.SubElement(
                entry, "category", domain=scheme(self.page, term.vocabulary)
            )
            category.text = term.term
        return entry


def _coverage(parent: etree._Element, coverage: Coverage | None) -> None:
    if coverage is None:
        return
    element = etree.SubElement(parent, f"{{{OURS}}}coverage")
    element.set("watched", str(coverage.watched))
    element.set("well", str(coverage.well))
    if coverage.worst_since:
        element.set("worst-since", _day(coverage.worst_since))


def _day(at: datetime) -> str:
    return whole_second(at).isoformat()
