"""JSON Feed 1.1: one dict, with what is ours below ``_quxun``."""

from __future__ import annotations

import json

from aggregator.model import Announcement, Coverage, FeedPage
from feeds.items import (
    DISCLAIMER,
    Item,
    entry_id,
    items,
    stamp,
    tidy,
    tidy_title,
    whole_second,
    withdrawn,
)


def render_json(page: FeedPage) -> bytes:
    """The feed as JSON; withdrawn announcements are listed below ``_quxun.withdrawn``."""
    entries = items(page)
    coverage = page.coverage
    document: dict[str, object] = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": tidy_title(page.title),
        "description": tidy_title(page.subtitle),
        "home_page_url": page.home_url,
        "feed_url": page.self_url,
        "language": "zh-CN",
        "authors": [{"name": "区讯 Quxun", "url": page.public_url}],
        "_quxun": {
            "about": f"{page.public_url}/about",
            "rights": DISCLAIMER,
            "updated": stamp(page, entries).isoformat(),
            "coverage": _coverage(coverage) if coverage else None,
            "withdrawn": [_grave(page, one) for one in withdrawn(page)],
        },
        "items": [_item(item) for item in entries],
    }
    if page.hub_url:
        document["hubs"] = [{"type": "WebSub", "url": page.hub_url}]
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _coverage(coverage: Coverage) -> dict[str, object]:
    worst = coverage.worst_since
    return {
        "watched": coverage.watched,
        "well": coverage.well,
        "worst_since": whole_second(worst).isoformat() if worst else None,
    }


def _grave(page: FeedPage, one: Announcement) -> dict[str, object]:
    return {
        "id": entry_id(page, one.uuid),
        "when": whole_second(one.withdrawn_at or one.changed_at).isoformat(),
        "merged_into": entry_id(page, one.merged_into) if one.merged_into else None,
    }


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
            "categories": [c.slug for c in draft.categories],
            "regions": [r.code for r in draft.regions],
            "authority": draft.authority.value,
            "rights": item.rights,
            "source": {"title": item.source_title, "url": item.source_url},
            "doc_number": tidy(draft.doc_number) if draft.doc_number else None,
            "deadlines": [d.value.isoformat() for d in draft.facts.deadlines],
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
