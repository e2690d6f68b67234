"""A page of announcements → Atom, RSS, JSON Feed, OPML and iCalendar bytes. Pure: equal pages, equal bytes."""

from __future__ import annotations

from aggregator.model import FeedPage
from feeds.atom import render_atom
from feeds.ics import render_calendar
from feeds.items import MOST_ITEMS, full_text, items_of, posted_at, remember, stamp, summary
from feeds.jsonfeed import render_json
from feeds.lists import WHOLE_LISTS, feed_list, list_names, list_path
from feeds.names import (
    feed_name,
    feed_title,
    filter_of,
    meant,
    region_title,
    settled,
    subject_names,
    subject_title,
)
from feeds.opml import FeedList, OutlineFeed, OutlineGroup, opml
from feeds.rss import render_rss
from feeds.words import tidy, tidy_title, web_url

#: Media type of each format, by the suffix of its address.
MEDIA_TYPES = {
    "atom": "application/atom+xml",
    "rss": "application/rss+xml",
    "json": "application/feed+json",
    "opml": "text/x-opml",
    "ics": "text/calendar",
}

_RENDERERS = {"atom": render_atom, "rss": render_rss, "json": render_json}
FORMATS = tuple(_RENDERERS)


def render(page: FeedPage, form: str) -> bytes:
    """A feed document in one of ``FORMATS``.

    The same announcements stand in all formats, in the same order; what is no more is a
    tombstone in Atom, listed apart in JSON and absent from RSS.

    Raises:
        KeyError: for a format we do not have.
    """
    return _RENDERERS[form](page, items_of(page))


__all__ = [
    "FORMATS",
    "MEDIA_TYPES",
    "MOST_ITEMS",
    "WHOLE_LISTS",
    "FeedList",
    "OutlineFeed",
    "OutlineGroup",
    "feed_list",
    "feed_name",
    "feed_title",
    "filter_of",
    "full_text",
    "items_of",
    "list_names",
    "list_path",
    "meant",
    "opml",
    "posted_at",
    "region_title",
    "remember",
    "render",
    "render_calendar",
    "settled",
    "stamp",
    "subject_names",
    "subject_title",
    "summary",
    "tidy",
    "tidy_title",
    "web_url",
]
