"""RSS 2.0 by feedgen."""

from __future__ import annotations

import threading
from html import escape

from feedgen.feed import FeedGenerator

from aggregator.model import FeedPage
from feeds.extensions import EntryExtension, FeedExtension
from feeds.items import DISCLAIMER, items, stamp, tidy_title

#: feedgen sets the process's locale while it prints a date: one thread at a time.
_LOCALE = threading.Lock()


def render_rss(page: FeedPage) -> bytes:
    """The feed as RSS; withdrawn announcements are absent.

    A description is HTML by custom, so the plain summary is escaped once more. The channel's
    link is the last that feedgen was given.
    """
    entries = items(page)
    updated = stamp(page, entries)
    feed = FeedGenerator()
    feed.register_extension("quxun", FeedExtension, EntryExtension)
    feed.quxun.page = page
    feed.title(tidy_title(page.title))
    feed.description(tidy_title(page.subtitle))
    feed.link(href=page.self_url, rel="self", type="application/rss+xml")
    feed.link(href=page.home_url, rel="alternate")
    feed.language("zh-CN")
    feed.lastBuildDate(updated)
    feed.copyright(DISCLAIMER)
    feed.generator("Quxun")
    feed.ttl(10)
    for item in entries:
        entry = feed.add_entry(order="append")
        entry.quxun.page = page
        entry.quxun.item = item
        entry.guid(item.id, permalink=False)
        entry.title(item.title)
        entry.link(href=item.url)
        entry.pubDate(item.published)
        entry.description(escape(item.summary, quote=False), isSummary=True)
        if item.content_html:
            entry.content(item.content_html)
        entry.source(url=item.source_url, title=item.source_title)
    with _LOCALE:
        document: bytes = feed.rss_str()
    return document
