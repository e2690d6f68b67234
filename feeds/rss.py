"""RSS 2.0 by feedgen."""

from __future__ import annotations

import threading
from functools import partial
from html import escape

from feedgen.feed import FeedGenerator

from aggregator.model import FeedPage
from feeds.entries import KeptEntry, add_entries
from feeds.extensions import FeedExtension
from feeds.items import DISCLAIMER, Item, mint_of, stamp
from feeds.words import tidy_title

MEDIA_TYPE = "application/rss+xml"
#: feedgen sets the process's locale while it prints the channel's date: one thread at a time.
_LOCALE = threading.Lock()


def render_rss(page: FeedPage, entries: list[Item]) -> bytes:
    """The feed as RSS; what is no more is absent.

    A description is HTML by custom, so the plain summary is escaped once more. The channel's
    link is the last that feedgen was given.
    """
    feed = FeedGenerator()
    feed.register_extension("quxun", FeedExtension)
    feed.quxun.page = page
    feed.quxun.media_type = MEDIA_TYPE
    feed.title(tidy_title(page.title))
    feed.description(tidy_title(page.subtitle))
    feed.link(href=page.self_url, rel="self", type=MEDIA_TYPE)
    feed.link(href=page.home_url, rel="alternate")
    feed.language("zh-CN")
    feed.lastBuildDate(stamp(page, entries))
    feed.copyright(DISCLAIMER)
    feed.generator("Quxun")
    if not page.archived:
        feed.ttl(10)
    add_entries(feed, entries, "rss", partial(_entry, mint_of(page)))
    with _LOCALE:
        document: bytes = feed.rss_str()
    return document


def _entry(mint: str, item: Item) -> KeptEntry:
    entry = KeptEntry(item, mint)
    entry.guid(item.id, permalink=False)
    entry.title(item.title)
    entry.link(href=item.url)
    entry.description(escape(item.summary, quote=False), isSummary=True)
    if item.content_html:
        entry.content(item.content_html)
    return entry
