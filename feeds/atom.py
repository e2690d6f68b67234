"""Atom 1.0 (RFC 4287) by feedgen."""

from __future__ import annotations

from feedgen.feed import FeedGenerator

from aggregator.model import FeedPage
from feeds.extensions import EntryExtension, FeedExtension
from feeds.items import DISCLAIMER, feed_id, items, scheme, stamp, tidy_title


def render_atom(page: FeedPage) -> bytes:
    """The feed as Atom; withdrawn announcements are tombstones (RFC 6721)."""
    entries = items(page)
    feed = FeedGenerator()
    feed.register_extension("quxun", FeedExtension, EntryExtension)
    feed.quxun.page = page
    feed.id(feed_id(page))
    feed.title(tidy_title(page.title))
    feed.subtitle(tidy_title(page.subtitle))
    feed.updated(stamp(page, entries))
    feed.language("zh-CN")
    feed.generator("Quxun", uri=page.public_url)
    feed.author(name="区讯 Quxun", uri=page.public_url)
    feed.rights(DISCLAIMER)
    feed.link(href=page.self_url, rel="self", type="application/atom+xml")
    if page.hub_url:
        feed.link(href=page.hub_url, rel="hub")
    feed.link(href=page.home_url, rel="alternate", type="text/html")
    for item in entries:
        entry = feed.add_entry(order="append")
        entry.quxun.page = page
        entry.quxun.item = item
        entry.id(item.id)
        entry.title(item.title)
        entry.updated(item.updated)
        entry.published(item.published)
        entry.author(name=item.author)
        entry.link(href=item.url, rel="alternate")
        entry.summary(item.summary)
        entry.rights(item.rights)
        if item.content_html:
            entry.content(item.content_html, type="html")
        for term in item.terms:
            entry.category(term=term.term, scheme=scheme(page, term.vocabulary), label=term.label)
    document: bytes = feed.atom_str()
    return document
