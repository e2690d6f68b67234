"""What all formats say of an announcement, decided once: ids, times, links, words, terms."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import quote, urlsplit

from aggregator.filters import AUTHORITIES, CATEGORIES, KINDS
from aggregator.model import Announcement, Authority, FeedPage, Kind
from aggregator.text import clean, one_line, shorten

CHINA = timezone(timedelta(hours=8))
DISCLAIMER = "非政府网站,以原文为准"
OFFICIAL_RIGHTS = (
    "国家机关公文,依《中华人民共和国著作权法》第五条不适用著作权保护;非政府网站,以原文为准"
)
OTHER_RIGHTS = "标题、事实与摘要,版权归原作者所有;非政府网站,以原文为准"
SUMMARY_CHARACTERS = 200

#: Mobile and identity numbers never leave in a summary (DOMAIN.md §16).
_PERSONAL = re.compile(r"(?<!\d)(?:1[3-9]\d{9}|\d{17}[\dXx]|\d{15})(?!\d)")
#: A second look at what normalise sanitised: a body that trips it is left out, not repaired.
_UNFIT = re.compile(
    r"<\s*/?\s*(?:script|iframe|object|embed|form|style|svg|math|base|meta|link)\b"
    r"|\son\w+\s*=|javascript:|vbscript:"
    r"|\b(?:href|src)\s*=\s*(?![\"']?(?:https?://|mailto:|tel:))",
    re.IGNORECASE,
)
_TAG_LIKE = re.compile(r"<(?=[A-Za-z/!?])")
_BROKEN = re.compile("[\u0080-\u009f\ufffd]")


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One announcement as every format prints it; all text is fit for XML and one line."""

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


def items(page: FeedPage) -> list[Item]:
    """The entries of a page: those not withdrawn, newest first by posted date."""
    kept = [_item(page, one) for one in page.announcements if one.withdrawn_at is None]
    return sorted(
        kept,
        key=lambda i: (i.published, i.announcement.first_seen_at, i.announcement.id),
        reverse=True,
    )


def withdrawn(page: FeedPage) -> list[Announcement]:
    """The announcements of a page that are no more, the last withdrawn first."""
    gone = [one for one in page.announcements if one.withdrawn_at is not None]
    return sorted(gone, key=lambda one: (one.withdrawn_at, one.id), reverse=True)


def entry_id(page: FeedPage, uuid: object) -> str:
    """The permanent id of an entry (RFC 4151): never made from the public address."""
    return f"tag:{page.tag_authority},{page.tag_date}:{uuid}"


def feed_id(page: FeedPage) -> str:
    """The permanent id of a feed."""
    return f"tag:{page.tag_authority},{page.tag_date}:feed/{quote(page.name, safe='/=&')}"


def scheme(page: FeedPage, vocabulary: str) -> str:
    """The IRI of one of our vocabularies: kind, category, region, authority."""
    return f"tag:{page.tag_authority},{page.tag_date}:{vocabulary}"


def stamp(page: FeedPage, entries: list[Item]) -> datetime:
    """The feed's own ``updated``: never older than anything in it."""
    times = [page.updated_at, *(i.updated for i in entries), *(i.published for i in entries)]
    times += [one.withdrawn_at for one in page.announcements if one.withdrawn_at]
    return whole_second(max(times))


def whole_second(at: datetime) -> datetime:
    """UTC without a fraction."""
    return at.astimezone(UTC).replace(microsecond=0)


def posted_at(one: Announcement) -> datetime:
    """The posted date in Chinese time; a missing or a future one gives way to the arrival."""
    at = one.draft.posted_at
    if at is None or at > one.first_seen_at:
        at = one.first_seen_at
    return at.astimezone(CHINA).replace(microsecond=0)


def web_url(url: str | None) -> str | None:
    """An http(s) address with nothing but ASCII in it, or None when it is no such thing."""
    text = one_line(url or "")
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
        if parts.scheme.lower() not in {"http", "https"} or not host:
            return None
        if not host.isascii():
            text = text.replace(host, host.encode("idna").decode("ascii"), 1)
    except ValueError:
        return None
    return quote(text, safe="%/:=&?~#+!$,;'@()*[]")


def impersonal(text: str) -> str:
    """Text without mobile and identity numbers."""
    return _PERSONAL.sub("…", text)


def tidy(text: str) -> str:
    """One line of clean text without the marks of a broken decoding."""
    return one_line(_BROKEN.sub(" ", text))


def tidy_title(text: str) -> str:
    """A title that no reader takes for markup, and that is never empty."""
    return _TAG_LIKE.sub("＜", tidy(text)) or "(无标题)"


def summary(one: Announcement) -> str:
    """The facts first, then the first words of the notice: at most 200 characters."""
    draft = one.draft
    facts = [draft.doc_number or ""]
    facts += [f"截止 {d.value.isoformat()}" for d in draft.facts.deadlines[:1]]
    words = draft.summary or draft.body_text or draft.title
    line = ";".join(tidy(f) for f in facts if f and f not in words)
    text = f"{line}。{tidy(words)}" if line else tidy(words)
    return shorten(impersonal(text), SUMMARY_CHARACTERS) or tidy_title(draft.title)


def full_text(one: Announcement) -> str | None:
    """The sanitised body, only of an official policy document (DOMAIN.md §14, §16)."""
    draft = one.draft
    if draft.authority is not Authority.OFFICIAL or draft.kind is not Kind.POLICY:
        return None
    if any(c.slug == "interpretation" for c in draft.categories[:1]):
        return None
    html = _BROKEN.sub(" ", clean(draft.body_html)).strip()
    return None if not html or _UNFIT.search(html) else html


def _item(page: FeedPage, one: Announcement) -> Item:
    draft = one.draft
    page_url = f"{page.public_url}/a/{one.uuid}"
    url = web_url(draft.url) or page_url
    host = urlsplit(url).hostname or ""
    source_title = tidy(one.source_name) or tidy(draft.source_label or "") or host
    content = full_text(one)
    return Item(
        id=entry_id(page, one.uuid),
        title=tidy_title(draft.title),
        url=url,
        page_url=page_url,
        published=posted_at(one),
        updated=whole_second(one.changed_at),
        author=tidy(draft.issuer or "") or tidy(draft.source_label or "") or source_title,
        summary=summary(one),
        content_html=content,
        rights=OFFICIAL_RIGHTS if content else OTHER_RIGHTS,
        terms=_terms(one),
        links=_links(one, url=url, page_url=page_url),
        source_id=f"tag:{page.tag_authority},{page.tag_date}:source/{one.source_id or host}",
        source_title=source_title,
        source_url="{0.scheme}://{0.netloc}/".format(urlsplit(url)),
        source_seen=whole_second(one.first_seen_at),
        announcement=one,
    )


def _terms(one: Announcement) -> tuple[Term, ...]:
    draft = one.draft
    terms = [Term(vocabulary="kind", term=draft.kind.value, label=KINDS[draft.kind])]
    terms += [
        Term(vocabulary="category", term=slug, label=CATEGORIES.get(slug, slug))
        for slug in dict.fromkeys(c.slug for c in draft.categories)
    ]
    for region in draft.regions:
        path = dict.fromkeys((*region.path, region.name))
        terms.append(Term(vocabulary="region", term=region.code, label=tidy("".join(path))))
    authority = draft.authority
    terms.append(Term(vocabulary="authority", term=authority.value, label=AUTHORITIES[authority]))
    return tuple(terms)


def _links(one: Announcement, *, url: str, page_url: str) -> tuple[Link, ...]:
    links: dict[str, Link] = {}
    if page_url != url:
        links[page_url] = Link(
            rel="related", href=page_url, title="区讯记录", media_type="text/html"
        )
    for sighting in one.sightings:
        href = web_url(sighting.url)
        if href and href != url:
            title = tidy(sighting.source_name) or href
            links.setdefault(href, Link(rel="via", href=href, title=title))
    for attachment in one.draft.attachments:
        href = web_url(attachment.url)
        if href and href != url:
            title = tidy(attachment.name) or href
            kind = attachment.media_type if _MEDIA_TYPE.fullmatch(attachment.media_type) else None
            links.setdefault(href, Link(rel="related", href=href, title=title, media_type=kind))
    return tuple(links.values())


_MEDIA_TYPE = re.compile(r"[a-zA-Z0-9!#$&^_.+-]+/[a-zA-Z0-9!#$&^_.+-]+")
