"""JSON Feed 1.1: one dict, with what is ours below ``_quxun``."""

from __future__ import annotations

import msgspec

from aggregator.model import Coverage, FeedPage, Grave
from feeds.extensions import grave_words
from feeds.items import DISCLAIMER, Item, entry_id, graves, moment, stamp, whole_second
from feeds.words import plain, tidy_title


def render_json(page: FeedPage, entries: list[Item]) -> bytes:
    """The feed as JSON; what is no more is listed below ``_quxun.withdrawn``.

    ``next_url`` leads to the older document, as the archive's links below ``_quxun`` do.
    """
    ours: dict[str, object] = {
        "about": f"{page.public_url}/about",
        "rights": DISCLAIMER,
        "updated": stamp(page, entries).isoformat(),
    }
    if page.coverage and not page.archived:
        ours["coverage"] = _coverage(page.coverage)
    if page.archived:
        ours["archive"] = True
        ours["current"] = page.current_url
    if page.prev_url:
        ours["prev_archive"] = page.prev_url
    if page.next_url:
        ours["next_archive"] = page.next_url
    ours["withdrawn"] = [_grave(page, grave) for grave in graves(page)]
    document: dict[str, object] = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": tidy_title(page.title),
        "description": tidy_title(page.subtitle),
        "home_page_url": page.home_url,
        "feed_url": page.self_url,
        "language": "zh-CN",
        "authors": [{"name": "区讯 Quxun", "url": page.public_url}],
        "_quxun": ours,
        "items": [_kept(item) for item in entries],
    }
    if page.prev_url:
        document["next_url"] = page.prev_url
    if page.hub_url and not page.archived:
        document["hubs"] = [{"type": "WebSub", "url": page.hub_url}]
    return msgspec.json.encode(document)


def _coverage(coverage: Coverage) -> dict[str, object]:
    since = coverage.worst_since
    return {
        "watched": coverage.watched,
        "well": coverage.well,
        "worst_since": whole_second(since).isoformat() if since else None,
    }


def _grave(page: FeedPage, grave: Grave) -> dict[str, object]:
    return {
        "id": entry_id(page, grave.uuid),
        "when": moment(grave.at, grave.uuid).isoformat(),
        "why": grave.why.value,
        "comment": grave_words(page, grave),
        "merged_into": entry_id(page, grave.merged_into) if grave.merged_into else None,
    }


def _kept(item: Item) -> msgspec.Raw:
    """The bytes of an item, made once."""
    made = item.kept.get("json")
    if not isinstance(made, msgspec.Raw):
        made = item.kept["json"] = msgspec.Raw(msgspec.json.encode(_item(item)))
    return made


def _item(item: Item) -> dict[str, object]:
    one = item.announcement
    draft = one.draft
    made: dict[str, object] = {
        "id": item.id,
        "url": item.url,
        "title": item.title,
        "summary": item.summary,
        "date_published": item.published.isoformat(),
        "date_modified": item.updated.isoformat(),
        "authors": [{"name": item.author}],
        "tags": [term.label for term in item.terms],
        "_quxun": {
            "page": item.page_url,
            "kind": draft.kind.value,
            "categories": [term.term for term in item.terms if term.vocabulary == "category"],
            "regions": [term.term for term in item.terms if term.vocabulary == "region"],
            "authority": draft.authority.value,
            "rights": item.rights,
            "source": {"title": item.source_title, "url": item.source_url},
            "doc_number": plain(draft.doc_number) if draft.doc_number else None,
            "deadlines": [due.value.isoformat() for due in draft.facts.deadlines],
            "amounts_yuan": [a.yuan for a in draft.facts.amounts if a.yuan is not None],
            "flags": [flag.value for flag in draft.flags],
            "revision": one.revision,
            "via": [link.href for link in item.links if link.rel == "via"],
        },
    }
    if item.content_html:
        made["content_html"] = item.content_html
    else:
        made["content_text"] = item.summary
    attachments = [
        {"url": link.href, "mime_type": link.media_type, "title": link.title}
        for link in item.links
        if link.rel == "related" and link.href != item.page_url and link.media_type
    ]
    if attachments:
        made["attachments"] = attachments
    return made
