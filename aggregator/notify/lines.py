"""One announcement in one line of a mail, and one digest in one subject."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from urllib.parse import urlsplit

from aggregator.filters import CATEGORIES, KINDS, amount_of, money
from aggregator.model import Announcement, Coverage, Digest, DigestItem, Draft, Flag, Region
from aggregator.notify.plan import SHANGHAI, SOON_DAYS, next_deadline
from aggregator.notify.words import ZH, Words
from aggregator.text import one_line, shorten

__all__ = ["SHANGHAI", "Line", "coverage", "line_of", "subject", "teaser"]

#: Lists cut subjects at 20 to 28 characters (DOMAIN.md §14).
SUBJECT_LENGTH: Final = 30
_TITLE_LENGTH = 120
_NAME_LENGTH = 30
_REGION_LENGTH = 12
_URL_LENGTH = 1_000
_TEASER_LENGTH = 60
_ILL_NAMED = 5
#: Never in a mail: mobile numbers and what looks like an identity number (DOMAIN.md §16).
_PERSONAL = re.compile(r"(?<!\d)(?:1[3-9]\d{9}|\d{17}[\dXx])(?!\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An item as a template prints it: every value finished, an empty one left out.

    ``url`` is our page of it, ``original_url`` the notice itself; ``facts`` is what stands
    between title and source, the deadline apart because it is printed bold.
    """

    region: str
    title: str
    url: str
    deadline: str
    facts: tuple[str, ...]
    notes: tuple[str, ...]
    source: str
    original_url: str


def line_of(item: DigestItem, words: Words, *, today: date, page: Callable[[object], str]) -> Line:
    """The line of an item (DOMAIN.md §14): region, title, kind, issuer, number, deadline,
    sum, source.
    """
    one = item.announcement
    draft = one.draft
    facts = [
        _kind(draft, words),
        shorten(_clean(draft.issuer or ""), _NAME_LENGTH),
        shorten(_clean(draft.doc_number or ""), _NAME_LENGTH),
        _sum(draft, words),
    ]
    notes = [
        words.late.format(posted=_posted(one, words)) if item.late else "",
        words.row_only if Flag.ROW_ONLY in draft.flags else "",
        _also(one, words),
    ]
    name = _clean(one.source_name or draft.source_label or "")
    return Line(
        region=region_name(draft.regions),
        title=shorten(_clean(draft.title), _TITLE_LENGTH),
        url=page(one.uuid),
        deadline=_deadline(draft, words, today=today),
        facts=tuple(fact for fact in facts if fact),
        notes=tuple(note for note in notes if note),
        source=words.source.format(name=shorten(name, _NAME_LENGTH)) if name else "",
        original_url=link(draft.url),
    )


def subject(digest: Digest, words: Words, *, today: date) -> str:
    """Region and numbers first, at most 30 characters: ``江津区:3条新政策、1项5天后截止``."""
    totals = {group.slug: group.total for group in digest.groups}
    counts = [
        words.counts[slug][totals[slug] != 1].format(n=totals[slug])
        for slug in ("policy", "project", "rest")
        if totals.get(slug)
    ]
    soon = _soon(digest, words, today=today)
    parts = [*counts[:1], *([soon] if soon else []), *counts[1:]]
    text = _place(digest, words) + words.colon + parts[0]
    for part in parts[1:]:
        if len(text) + len(words.comma) + len(part) <= SUBJECT_LENGTH:
            text += words.comma + part
    return shorten(text, SUBJECT_LENGTH)


def teaser(digest: Digest) -> str:
    """The first titles: what a mailbox shows behind the subject."""
    titles = dict.fromkeys(
        _clean(item.announcement.draft.title) for group in digest.groups for item in group.items
    )
    return shorten(";".join(list(titles)[:3]), _TEASER_LENGTH)


def coverage(seen: Coverage, words: Words) -> str:
    """What was watched, and what may be missing (DESIGN.md, promise 9)."""
    if not seen.watched:
        return ""
    if seen.well >= seen.watched:
        return words.coverage_well.format(watched=seen.watched)
    names = [shorten(_clean(name), _NAME_LENGTH) for name in seen.ill[:_ILL_NAMED]]
    named = words.comma.join(names) + (" …" if len(seen.ill) > _ILL_NAMED else "")
    return words.coverage_ill.format(watched=seen.watched, well=seen.well, names=named or "…")


def link(url: str) -> str:
    """An original's address when a mail may carry it, else nothing.

    Left out: what is not http(s), has user names, is longer than readers take, or names a
    bare number address, which filters take for phishing; our own page links all of them.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return ""
    fits = len(url) <= _URL_LENGTH and url.isprintable() and not set(url) & set(" <>\"'\\`")
    if parts.scheme not in {"http", "https"} or not host or not fits or "@" in parts.netloc:
        return ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return url
    return ""


def region_name(regions: tuple[Region, ...]) -> str:
    """The name in brackets before a title: the region's own, or the first of several."""
    return shorten(regions[0].name, _REGION_LENGTH) if regions else ""


def _clean(text: str) -> str:
    return _PERSONAL.sub("***", one_line(text))


def _kind(draft: Draft, words: Words) -> str:
    slug = draft.categories[0].slug if draft.categories else ""
    if words is ZH:
        return CATEGORIES.get(slug) or KINDS[draft.kind]
    return slug or draft.kind.value


def _sum(draft: Draft, words: Words) -> str:
    yuan = amount_of(draft)
    if yuan is None:
        return ""
    capped = any(one.yuan == yuan and one.basis == "cap" for one in draft.facts.amounts)
    said = money(yuan, words.lang[:2])
    return (words.cap if capped else words.amount).format(money=said)


def _deadline(draft: Draft, words: Words, *, today: date) -> str:
    on = next_deadline(draft, today=today)
    if on is None:
        return ""
    days = (on - today).days
    left = words.due_days.format(days=days) if days else words.due_today
    return words.deadline.format(year=on.year, month=on.month, day=on.day, left=left)


def _posted(one: Announcement, words: Words) -> str:
    at: datetime = (one.draft.posted_at or one.first_seen_at).astimezone(SHANGHAI)
    return words.posted.format(year=at.year, month=at.month, day=at.day)


def _also(one: Announcement, words: Words) -> str:
    others = {sighting.source_id for sighting in one.sightings} - {one.source_id}
    return words.also.format(n=len(others)) if others else ""


def _soon(digest: Digest, words: Words, *, today: date) -> str:
    for group in digest.groups:
        if group.slug != "soon" or not group.items:
            continue
        days = [
            (on - today).days
            for item in group.items
            if (on := next_deadline(item.announcement.draft, today=today)) is not None
        ]
        if max(days) == 0 and group.total == len(days):
            return words.soon_today.format(n=group.total)
        if min(days) == max(days) and group.total == len(days):
            return words.soon_days.format(n=group.total, days=days[0])
        most = max(days) if group.total == len(days) else SOON_DAYS
        return words.soon_many.format(n=group.total, days=most)
    return ""


def _place(digest: Digest, words: Words) -> str:
    """The one region of all items, or the first and how many there are."""
    names = list(
        dict.fromkeys(
            name
            for group in digest.groups
            for item in group.items
            if (name := region_name(item.announcement.draft.regions))
        )
    )
    if not names:
        return words.everywhere
    if len(names) == 1:
        return names[0]
    extra = len(names) if words is ZH else len(names) - 1
    return words.several.format(name=names[0], n=extra)
