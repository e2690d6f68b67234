"""OPML 2.0: the list of our feeds that a reader imports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from lxml import etree

from feeds.items import whole_second
from feeds.words import tidy_title


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlineFeed:
    """One feed of the list."""

    title: str
    feed_url: str
    home_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlineGroup:
    """Feeds under one heading."""

    title: str
    feeds: tuple[OutlineFeed, ...]


def opml(title: str, groups: Sequence[OutlineGroup], *, modified_at: datetime) -> bytes:
    """The list of feeds; equal lists make equal bytes."""
    root = etree.Element("opml", version="2.0")
    head = etree.SubElement(root, "head")
    etree.SubElement(head, "title").text = tidy_title(title)
    etree.SubElement(head, "dateModified").text = format_datetime(
        whole_second(modified_at), usegmt=True
    )
    body = etree.SubElement(root, "body")
    for group in groups:
        heading = tidy_title(group.title)
        parent = etree.SubElement(body, "outline", text=heading)
        for feed in group.feeds:
            name = tidy_title(feed.title)
            etree.SubElement(
                parent,
                "outline",
                type="rss",
                text=name,
                title=name,
                xmlUrl=feed.feed_url,
                htmlUrl=feed.home_url,
            )
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)
