"""What RFC 4287, RFC 5005, RFC 6721, RSS 2.0 and JSON Feed 1.1 ask of a document, and our house."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from lxml import etree, html

ATOM = "http://www.w3.org/2005/Atom"
A = f"{{{ATOM}}}"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
FH = "{http://purl.org/syndication/history/1.0}"
#: The namespaces that the W3C validator knows, and that of tombstones, which it does not.
NAMESPACES = {
    ATOM,
    "http://www.w3.org/1999/xhtml",
    "http://purl.org/dc/elements/1.1/",
    "http://purl.org/rss/1.0/modules/wiki/",
    "http://purl.org/rss/1.0/modules/content/",
    "http://purl.org/syndication/history/1.0",
    "http://purl.org/atompub/tombstones/1.0",
}
ONCE = {"id", "title", "updated", "published", "summary", "content", "rights", "source"}
INLINE = {"text", "html"}
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
RFC822 = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) "
    r"\d{4} \d\d:\d\d:\d\d (?:GMT|[+-]\d{4})"
)
TAG_URI = re.compile(r"tag:[a-z0-9.-]+,\d{4}-\d\d-\d\d:[0-9A-Za-z;/?:@&=+$.\-_!~*'(),%]*")
WEB = re.compile(
    r"https?://[A-Za-z0-9._-]+(?::\d+)?(?:[/?#](?:[!$-;=?-Z_a-z~#]|%[0-9A-Fa-f]{2})*)?"
)
MEDIA = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+")
MARKUP = re.compile(r"<[A-Za-z/!?]|&(?:#|amp|lt|gt|quot|apos|nbsp)|&\d")
MOBILE = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")
RELATIONS = {
    "alternate", "self", "hub", "via", "related", "current", "prev-archive", "next-archive",
}  # fmt: skip


def atom_faults(body: bytes) -> list[str]:
    """What is wrong with an Atom document; empty when it is a good one."""
    root = etree.fromstring(body)
    return [*_namespaces(root), *_printed(root), *_atom_feed(root)]


def rss_faults(body: bytes) -> list[str]:
    """What is wrong with an RSS document."""
    root = etree.fromstring(body)
    return [*_namespaces(root), *_printed(root), *_rss_channel(root)]


def json_faults(body: bytes) -> list[str]:
    """What is wrong with a JSON Feed."""
    return list(_json_feed(json.loads(body.decode())))


# --- Atom ------------------------------------------------------------------------------


def _atom_feed(feed: etree._Element) -> Iterator[str]:  # noqa: C901  # one rule a line
    if feed.tag != f"{A}feed":
        yield f"root is {feed.tag}"
    for name in ("id", "title", "updated", "author"):
        if len(feed.findall(f"{A}{name}")) != 1:
            yield f"feed: {name} must stand once"
    yield from _identity(feed)
    yield from _history(feed, feed.findall(f"{A}link"))
    entries = feed.findall(f"{A}entry")
    if feed.find(f"{A}entry") is not None:
        names = [child.tag for child in feed]
        if set(names[names.index(f"{A}entry") :]) != {f"{A}entry"}:
            yield "feed: something stands behind the first entry"
    for name in ("id", "updated"):
        told = [entry.findtext(f"{A}{name}") for entry in entries]
        if len(set(told)) != len(told):
            yield f"two entries share {name}"
    stamp = _moment(feed.findtext(f"{A}updated"))
    for entry in entries:
        yield from _atom_entry(entry)
        if _moment(entry.findtext(f"{A}updated")) > stamp:
            yield "an entry is newer than its feed"
    graves = feed.findall("{http://purl.org/atompub/tombstones/1.0}deleted-entry")
    for grave in graves:
        if not TAG_URI.fullmatch(grave.get("ref", "")) or not RFC3339.fullmatch(
            grave.get("when", "")
        ):
            yield f"tombstone {grave.attrib}"
        if _moment(grave.get("when")) > stamp:
            yield "a tombstone is newer than its feed"
    yield from _newest_first([entry.findtext(f"{A}published") for entry in entries])


def _atom_entry(entry: etree._Element) -> Iterator[str]:  # noqa: C901, PLR0912  # one rule a line
    names = [etree.QName(child).localname for child in entry if child.tag.startswith(A)]
    for name in ONCE:
        if names.count(name) > 1:
            yield f"entry: {name} stands {names.count(name)} times"
    for name in ("id", "title", "updated", "published", "summary", "author", "category", "rights"):
        if name not in names:
            yield f"entry: no {name}"
    yield from _identity(entry)
    if not (entry.findtext(f"{A}title") or "").strip() or not entry.findtext(f"{A}summary"):
        yield "entry: nothing said"
    if not entry.findtext(f"{A}author/{A}name"):
        yield "entry: nobody says it"
    links = entry.findall(f"{A}link")
    if [link.get("rel") for link in links].count("alternate") != 1:
        yield "entry: it needs one alternate link"
    yield from _links(links)
    for category in entry.findall(f"{A}category"):
        if not category.get("term") or not category.get("label"):
            yield f"entry: category {category.attrib}"
        if not TAG_URI.fullmatch(category.get("scheme", "")):
            yield f"entry: scheme {category.get('scheme')}"
    source = entry.find(f"{A}source")
    if source is None:
        yield "entry: no source"
    else:
        yield from _identity(source)
        yield from _links(source.findall(f"{A}link"))
    content = entry.find(f"{A}content")
    if content is not None:
        if content.get("type") != "html":
            yield "entry: content is no html"
        yield from _markup(content.text or "")


def _identity(parent: etree._Element) -> Iterator[str]:
    if not TAG_URI.fullmatch(parent.findtext(f"{A}id") or ""):
        yield f"id {parent.findtext(f'{A}id')!r}"
    for name in ("updated", "published"):
        for told in parent.findall(f"{A}{name}"):
            if not RFC3339.fullmatch(told.text or "") or not told.text >= "1990":
                yield f"{name} {told.text!r}"


# --- RSS -------------------------------------------------------------------------------


def _rss_channel(rss: etree._Element) -> Iterator[str]:  # noqa: C901, PLR0912  # one rule a line
    if rss.tag != "rss" or rss.get("version") != "2.0" or len(rss) != 1:
        yield "root is no rss 2.0 with one channel"
    channel = rss[0]
    for name in ("title", "link", "description", "language", "lastBuildDate"):
        if len(channel.findall(name)) != 1 or not channel.findtext(name):
            yield f"channel: {name} must stand once"
    links = channel.findall(f"{A}link")
    yield from _history(channel, links)
    if channel.findtext("link") == next(
        (x.get("href") for x in links if x.get("rel") == "self"), None
    ):
        yield "channel: the site's link is the feed's own"
    if not RFC822.fullmatch(channel.findtext("lastBuildDate") or ""):
        yield f"channel: lastBuildDate {channel.findtext('lastBuildDate')}"
    for item in channel.findall("item"):
        names = [child.tag for child in item]
        for name in ("title", "link", "guid", "description", "pubDate", "source"):
            if names.count(name) != 1 or not item.findtext(name):
                yield f"item: {name} must stand once"
        for name in ("{http://purl.org/dc/elements/1.1/}creator", f"{A}updated", "category"):
            if not item.findtext(name):
                yield f"item: no {name}"
        if item.find("guid").get("isPermaLink") != "false":
            yield "item: guid is no address"
        if not TAG_URI.fullmatch(item.findtext("guid") or ""):
            yield f"item: guid {item.findtext('guid')}"
        if not RFC822.fullmatch(item.findtext("pubDate") or ""):
            yield f"item: pubDate {item.findtext('pubDate')}"
        if not WEB.fullmatch(item.findtext("link") or ""):
            yield f"item: link {item.findtext('link')}"
        yield from _links(item.findall(f"{A}link"))
        yield from _markup(item.findtext("description") or "")
        yield from _markup(item.findtext(CONTENT) or "")
    stamp = parsedate_to_datetime(channel.findtext("lastBuildDate") or "")
    told = [
        parsedate_to_datetime(item.findtext("pubDate") or "") for item in channel.findall("item")
    ]
    if told and max(told) > stamp:
        yield "an item is newer than its channel"
    yield from _newest_first([one.isoformat() for one in told])


# --- Both ------------------------------------------------------------------------------


def _namespaces(root: etree._Element) -> Iterator[str]:
    for node in root.iter(etree.Element):
        yield from (f"namespace {uri}" for uri in node.nsmap.values() if uri not in NAMESPACES)
    graves = root.findall(".//{http://purl.org/atompub/tombstones/1.0}deleted-entry")
    if "http://purl.org/atompub/tombstones/1.0" in root.nsmap.values() and not graves:
        yield "tombstones are declared and there are none"


def _printed(root: etree._Element) -> Iterator[str]:
    for node in root.iter(etree.Element):
        said = [node.text or "", *(str(value) for value in node.attrib.values())]
        if node.tag in {f"{A}content", CONTENT, "description"}:
            yield from (fault for text in said for fault in _characters(text))
            continue
        for text in said:
            yield from _characters(text)
            if MARKUP.search(text) and not text.startswith("http"):
                yield f"markup in {node.tag}: {text[:60]!r}"


def _characters(text: str) -> Iterator[str]:
    marks = 0
    for character in text:
        kind = unicodedata.category(character)
        marks = marks + 1 if kind in {"Mn", "Me"} else 0
        if marks > 2:
            yield f"stacked marks in {text[:40]!r}"
            return
        if kind in {"Cc", "Cs"} and character not in "\n\t":
            yield f"control character {character!r}"
        if character in "\ufffd\u200b\u200e\u200f\u061c\u202a\u202e\u2066\u2069\ufeff":
            yield f"hidden or broken character {character!r}"


def _history(parent: etree._Element, links: list[etree._Element]) -> Iterator[str]:
    yield from _links(links)
    rels = {link.get("rel"): link.get("href") for link in links}
    if len(rels) != len(links):
        yield "a relation stands twice"
    if "self" not in rels:
        yield "no self link"
    archived = parent.find(f"{FH}archive") is not None
    if archived != ("current" in rels):
        yield "current stands in archive documents, and only there"
    if "next-archive" in rels and not archived:
        yield "the current document has no later one"
    if archived and "hub" in rels:
        yield "an archive document does not change, nobody need subscribe to it"
    if archived and parent.find("{http://www.w3.org/1999/xhtml}div") is not None:
        yield "an archive document tells of now"
    if len(
        {rels.get(rel) for rel in ("self", "current", "prev-archive", "next-archive")} - {None}
    ) != sum(rel in rels for rel in ("self", "current", "prev-archive", "next-archive")):
        yield f"the chain loops: {rels}"


def _links(links: list[etree._Element]) -> Iterator[str]:
    for link in links:
        if not WEB.fullmatch(link.get("href", "")):
            yield f"link {link.get('href')!r}"
        if link.get("rel") not in RELATIONS:
            yield f"link rel={link.get('rel')}"
        if link.get("type") is not None and not MEDIA.fullmatch(link.get("type")):
            yield f"link type={link.get('type')}"
        if link.get("title") == "":
            yield "link with an empty title"
        if len(link) or (link.text or "").strip():
            yield "link with something in it"


def _markup(text: str) -> Iterator[str]:
    if MOBILE.search(re.sub("<[^>]*>", " ", text)) and "元" not in text:
        yield "a mobile number"
    if "<" not in text:
        return
    for node in html.fragment_fromstring(text, create_parent="div").iter():
        if not isinstance(node.tag, str) or node.tag in {
            "script",
            "style",
            "iframe",
            "object",
            "form",
        }:
            yield f"active element {node.tag}"
        for name, value in node.attrib.items():
            if name.startswith("on") or name == "style":
                yield f"active attribute {name}"
            if name in {"href", "src"} and urlsplit(value).scheme not in {"http", "https"}:
                yield f"address {value!r}"


def _newest_first(times: list[str | None]) -> Iterator[str]:
    told = [_moment(time) for time in times]
    if told != sorted(told, reverse=True):
        yield "not newest first"


def _moment(text: str | None) -> datetime:
    return datetime.fromisoformat(text or "")


# --- JSON ------------------------------------------------------------------------------

_FEED = {
    "version": str, "title": str, "description": str, "home_page_url": "url", "feed_url": "url", "language": str,
    "authors": list, "_quxun": dict, "items": list, "next_url": "url", "hubs": list,
}  # fmt: skip
_ITEM = {
    "id": str, "url": "url", "title": str, "summary": str, "date_published": "date", "date_modified": "date",
    "authors": list, "tags": list, "_quxun": dict, "content_html": str, "content_text": str, "attachments": list,
}  # fmt: skip
_NEEDED = {"id", "url", "title", "summary", "date_published", "date_modified", "authors", "tags"}


def _json_feed(feed: dict) -> Iterator[str]:  # noqa: C901  # one rule a line
    yield from _shape(feed, _FEED, "feed")
    if feed["version"] != "https://jsonfeed.org/version/1.1":
        yield "version"
    ours = feed["_quxun"]
    if ours.get("prev_archive") != feed.get("next_url"):
        yield "next_url is the older document"
    if ours.get("archive") and (
        ours.get("coverage") or feed.get("hubs") or not ours.get("current")
    ):
        yield "an archive document says what never changes"
    for item in feed["items"]:
        yield from _shape(item, _ITEM, "item")
        if ("content_html" in item) == ("content_text" in item):
            yield "item: one of content_html and content_text"
        if _NEEDED - item.keys():
            yield f"item: no {_NEEDED - item.keys()}"
        if not all(isinstance(tag, str) and tag for tag in item["tags"]):
            yield "item: tags"
        for part in item.get("attachments", []):
            if not WEB.fullmatch(part["url"]) or not MEDIA.fullmatch(part["mime_type"]):
                yield f"item: attachment {part}"
        yield from _markup(item.get("content_html", ""))
    told = [item["id"] for item in feed["items"]]
    if len(set(told)) != len(told):
        yield "two items share an id"
    yield from _newest_first([item["date_published"] for item in feed["items"]])


def _shape(thing: dict, table: dict, where: str) -> Iterator[str]:
    for key, value in thing.items():
        want = table.get(key)
        if want is None:
            yield f"{where}: unknown {key}"
        elif want == "url":
            if not WEB.fullmatch(value):
                yield f"{where}: {key} {value!r}"
        elif want == "date":
            if not RFC3339.fullmatch(value):
                yield f"{where}: {key} {value!r}"
        elif not isinstance(value, want) or (value in ("", []) and key not in {"items", "tags"}):
            yield f"{where}: {key} is {value!r}"
        if isinstance(value, str):
            yield from _characters(value)
