"""What all formats say of an announcement, decided once: ids, times, links, words, terms."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from threading import Lock
from typing import Any
from urllib.parse import quote
from uuid import UUID

from aggregator.filters import AUTHORITIES, CATEGORIES, KINDS
from aggregator.model import Announcement, Draft, FeedPage, Grave, GraveReason
from aggregator.publication import prints_whole
from aggregator.text import shorten
from feeds.words import fit_markup, origin, plain, tidy_title, web_url

CHINA = timezone(timedelta(hours=8))
DISCLAIMER = "非政府网站,以原文为准"
OFFICIAL_RIGHTS = (
    "国家机关公文,依《中华人民共和国著作权法》第五条不适用著作权保护;非政府网站,以原文为准"
)
OTHER_RIGHTS = "标题、事实与摘要,版权归原作者所有;非政府网站,以原文为准"
SUMMARY_CHARACTERS = 200
#: No portal posted anything before there was a web: such a date is a typing error.
FIRST_POSTED = datetime(1990, 1, 1, tzinfo=CHINA)
#: More links or terms of one sort than these say nothing to anybody, and cost every reader.
MOST = 50

_MEDIA_TYPE = re.compile(r"[a-zA-Z0-9!#$&^_.+-]+/[a-zA-Z0-9!#$&^_.+-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A category of an entry: which vocabulary, which word of it, and its Chinese name."""

    vocabulary: str
    term: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A related address of an entry."""

    rel: str
    href: str
    title: str
    media_type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Item:
    """One announcement as every format prints it; all text is fit for XML and one line.

    ``kept`` holds what a format made of it, for the next document that prints it.
    """

    id: str
    title: str
    url: str
    page_url: str
    published: datetime
    updated: datetime
    author: str
    summary: str
    content_html: str | None
    rights: str
    terms: tuple[Term, ...]
    links: tuple[Link, ...]
    source_id: str
    source_title: str
    source_url: str
    source_seen: datetime
    announcement: Announcement
    kept: dict[str, Any] = field(default_factory=dict, repr=False)


def items_of(page: FeedPage) -> list[Item]:
    """The entries of a page: those not withdrawn, newest first by posted date.

    What was posted on the same day without an hour is ordered by when we first saw it.
    """
    mint = mint_of(page)
    kept = [_known(page, mint, one) for one in page.announcements if one.withdrawn_at is None]
    kept.sort(
        key=lambda i: (i.published, i.announcement.first_seen_at, i.announcement.id),
        reverse=True,
    )
    return kept


def graves(page: FeedPage) -> list[Grave]:
    """The entries of a page that are no more, each once, the last buried first."""
    found = {grave.uuid: grave for grave in page.graves}
    for one in page.announcements:
        if one.withdrawn_at is not None and one.uuid not in found:
            why = GraveReason.MERGED if one.merged_into else GraveReason.WITHDRAWN
            found[one.uuid] = Grave(
                uuid=one.uuid, at=one.withdrawn_at, why=why, merged_into=one.merged_into
            )
    return sorted(found.values(), key=lambda grave: (grave.at, grave.uuid.int), reverse=True)


def mint_of(page: FeedPage) -> str:
    """What all our ids begin with (RFC 4151): never made from the public address."""
    return f"tag:{page.tag_authority},{page.tag_date}:"


def entry_id(page: FeedPage, uuid: UUID) -> str:
    """The permanent id of an entry."""
    return f"{mint_of(page)}{uuid}"


def feed_id(page: FeedPage) -> str:
    """The permanent id of a feed; its archive documents carry the same (RFC 5005 §4)."""
    return f"{mint_of(page)}feed/{quote(page.name, safe='/=&?%+')}"


def stamp(page: FeedPage, entries: list[Item]) -> datetime:
    """The feed's own ``updated``: the second after everything in it.

    So it is never older than an entry, whose fraction of a second is its own, and of two
    documents of one feed the later one's is never the smaller (RFC 5005 §4.2).
    """
    buried = graves(page)
    times = [page.updated_at, *(i.updated for i in entries), *(i.published for i in entries)]
    times += [grave.at for grave in buried]
    last = whole_second(max(times))
    return last + timedelta(seconds=1) if entries or buried else last


def whole_second(at: datetime) -> datetime:
    """UTC without a fraction."""
    return at.astimezone(UTC).replace(microsecond=0)


def moment(at: datetime, uuid: UUID) -> datetime:
    """When an entry changed or ended: the second in UTC, with a fraction of the entry's own.

    Many entries change in one transaction, and readers tell revisions of different entries
    apart by ``updated`` (the W3C validator warns of equal ones). An entry's fraction never
    changes, so a tombstone is never older than the entry that it buries.
    """
    return at.astimezone(UTC).replace(microsecond=uuid.int % 1_000_000)


def posted_at(one: Announcement) -> datetime:
    """The posted date in Chinese time; a missing or an impossible one gives way to the arrival."""
    at = one.draft.posted_at
    if at is not None and at.tzinfo is None:
        at = at.replace(tzinfo=CHINA)
    if at is None or at > one.first_seen_at or at < FIRST_POSTED:
        at = one.first_seen_at
    return at.astimezone(CHINA).replace(microsecond=0)


def summary(one: Announcement) -> str:
    """The facts first, then the first words of the notice: at most 200 characters."""
    draft = one.draft
    words = draft.summary or draft.body_text[: 4 * SUMMARY_CHARACTERS] or draft.title
    facts = [draft.doc_number] if draft.doc_number and draft.doc_number not in words else []
    facts += [f"截止 {due.value.isoformat()}" for due in draft.facts.deadlines[:1]]
    text = f"{';'.join(facts)}。{words}" if facts else words
    return shorten(plain(text), SUMMARY_CHARACTERS) or tidy_title(draft.title)


def full_text(one: Announcement) -> str | None:
    """The sanitised body, only of an official policy document (DOMAIN.md §14, §16)."""
    draft = one.draft
    return fit_markup(draft.body_html) if prints_whole(draft) else None


#: Items made before. A change is printed in some eight feeds in three formats, and in each of
#: them the other entries are as they were.
_ITEMS: dict[tuple[str, str, UUID], Item] = {}
_ITEMS_LOCK = Lock()
MOST_ITEMS = 500
_most_items = MOST_ITEMS
#: Longer texts are not remembered.
_KEPT_CHARACTERS = 50_000


def _known(page: FeedPage, mint: str, one: Announcement) -> Item:
    """The item of an announcement, made anew only when anything of it is not as it was."""
    key = (mint, page.public_url, one.uuid)
    with _ITEMS_LOCK:
        item = _ITEMS.pop(key, None)
    if item is None or (item.announcement is not one and item.announcement != one):
        item = _item(page, mint, one)
    if len(item.content_html or "") <= _KEPT_CHARACTERS:
        with _ITEMS_LOCK:
            _ITEMS[key] = item
            if len(_ITEMS) > _most_items:
                del _ITEMS[next(iter(_ITEMS))]
    return item


def _item(page: FeedPage, mint: str, one: Announcement) -> Item:
    draft = one.draft
    page_url = f"{page.public_url}/a/{one.uuid}"
    url = web_url(draft.url) or page_url
    site = origin(url)
    host = site.partition("://")[2]
    source_title = plain(one.source_name) or plain(draft.source_label or "") or host
    content = full_text(one)
    return Item(
        id=f"{mint}{one.uuid}",
        title=tidy_title(draft.title),
        url=url,
        page_url=page_url,
        published=posted_at(one),
        updated=moment(one.changed_at, one.uuid),
        author=plain(draft.issuer or "") or plain(draft.source_label or "") or source_title,
        summary=summary(one),
        content_html=content,
        rights=OFFICIAL_RIGHTS if content else OTHER_RIGHTS,
        terms=_terms(draft),
        links=_links(one, url=url, page_url=page_url),
        source_id=f"{mint}source/{one.source_id or host}",
        source_title=source_title,
        source_url=f"{site}/",
        source_seen=whole_second(one.first_seen_at),
        announcement=one,
    )


def _terms(draft: Draft) -> tuple[Term, ...]:
    return (
        _term("kind", draft.kind.value, KINDS[draft.kind]),
        *(
            _term("category", slug, CATEGORIES.get(slug, slug))
            for slug in dict.fromkeys(c.slug for c in draft.categories[:MOST])
        ),
        *(_region(region.code, region.name, region.path) for region in draft.regions[:MOST]),
        _term("authority", draft.authority.value, AUTHORITIES[draft.authority]),
    )


@lru_cache(maxsize=4096)
def _term(vocabulary: str, term: str, label: str) -> Term:
    return Term(vocabulary=vocabulary, term=term, label=label)


@lru_cache(maxsize=8192)
def _region(code: str, name: str, path: tuple[str, ...]) -> Term:
    label = plain("".join(dict.fromkeys((*path, name)))) or code
    return Term(vocabulary="region", term=code, label=label)


def _links(one: Announcement, *, url: str, page_url: str) -> tuple[Link, ...]:
    links: dict[str, Link] = {}
    if page_url != url:
        links[page_url] = Link(
            rel="related", href=page_url, title="区讯记录", media_type="text/html"
        )
    for sighting in one.sightings[:MOST]:
        href = web_url(sighting.url)
        if href and href != url and href not in links:
            title = plain(sighting.source_name) or href
            links[href] = Link(rel="via", href=href, title=title)
    for attachment in one.draft.attachments[:MOST]:
        href = web_url(attachment.url)
        if href and href != url and href not in links:
            title = plain(attachment.name) or href
            kind = attachment.media_type if _MEDIA_TYPE.fullmatch(attachment.media_type) else None
            links[href] = Link(rel="related", href=href, title=title, media_type=kind)
    return tuple(links.values())


def remember(most: int) -> None:
    """Keep so many items from now on: one costs some 30 KB, its entries in every format included."""
    global _most_items  # noqa: PLW0603  # one number of the process, beside what it bounds
    _most_items = most


def forget() -> None:
    """Make every item anew; for tests and benchmarks."""
    with _ITEMS_LOCK:
        _ITEMS.clear()
