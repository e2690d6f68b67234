"""OPML 2.0: lists of our feeds that a reader imports."""

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
    """One feed of a list; ``name`` is its name below ``/feeds/``."""

    name: str
    title: str
    feed_url: str
    home_url: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlineGroup:
    """Feeds and further groups under one heading; ``code`` where it is a place's."""

    title: str
    members: tuple[OutlineFeed | OutlineGroup, ...]
    code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedList:
    """A list of feeds: what an OPML document and the page of feeds are made of."""

    name: str
    title: str
    groups: tuple[OutlineGroup, ...]


def opml(listed: FeedList, *, modified_at: datetime, owner_url: str) -> bytes:
    """A list as OPML; equal lists make equal bytes."""
    root = etree.Element("opml", version="2.0")
    head = etree.SubElement(root, "head")
    etree.SubElement(head, "title").text = tidy_title(listed.title)
    etree.SubElement(head, "dateModified").text = format_datetime(
        whole_second(modified_at), usegmt=True
    )
    etree.SubElement(head, "ownerName").text = "区讯 Quxun"
    etree.SubElement(head, "ownerId").text = owner_url
    _outline(etree.SubElement(root, "body"), listed.groups)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def _outline(parent: etree._Element, members: Sequence[OutlineFeed | OutlineGroup]) -> None:
    for one in members:
        name = tidy_title(one.title)
        if isinstance(one, OutlineGroup):
            # A heading has no title: that would make it a feed to the W3C validator.
            _outline(etree.SubElement(parent, "outline", text=name), one.members)
            continue
        etree.SubElement(
            parent,
            "outline",
            type="rss",
            text=name,
            title=name,
            xmlUrl=one.feed_url,
            htmlUrl=one.home_url,
            language="zh-CN",
            description=tidy_title(one.description),
        )
