"""Atom 1.0 (RFC 4287) by feedgen."""

from __future__ import annotations

from functools import partial

from feedgen.feed import FeedGenerator

from aggregator.model import FeedPage
from feeds.entries import KeptEntry, add_entries
from feeds.extensions import FeedExtension
from feeds.items import DISCLAIMER, Item, feed_id, mint_of, stamp
from feeds.words import tidy_title

MEDIA_TYPE = "application/atom+xml"


def render_atom(page: FeedPage, entries: list[Item]) -> bytes:
    """The feed as Atom; what is no more is a tombstone (RFC 6721)."""
    feed = FeedGenerator()
    feed.register_extension("quxun", FeedExtension)
    feed.quxun.page = page
    feed.quxun.media_type = MEDIA_TYPE
    feed.id(feed_id(page))
    feed.title(tidy_title(page.title))
    feed.subtitle(tidy_title(page.subtitle))
    feed.updated(stamp(page, entries))
    feed.language("zh-CN")
    feed.generator("Quxun", uri=page.public_url)
    feed.author(name="区讯 Quxun", uri=page.public_url)
    feed.rights(DISCLAIMER)
    feed.link(href=page.self_url, rel="self", type=MEDIA_TYPE)
    if page.hub_url and not page.archived:
        feed.link(href=page.hub_url, rel="hub")
    feed.link(href=page.home_url, rel="alternate", type="text/html")
    add_entries(feed, entries, "atom", partial(_entry, mint_of(page)))
    document: bytes = feed.atom_str()
    return document


def _entry(mint: str, item: Item) -> KeptEntry:
    entry = KeptEntry(item, mint)
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
    return entry
