"""A digest in one subject, and in the line that mailboxes show behind it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from aggregator.model import Digest, DigestItem
from aggregator.notify.lines import tamed
from aggregator.notify.plan import SOON_DAYS, next_deadline
from aggregator.notify.words import ZH, Words
from aggregator.text import shorten

#: Lists cut Chinese subjects at 20 to 28 characters (DOMAIN.md §14); Latin ones are half as wide.
SUBJECT_LENGTH: Final = 30
SUBJECT_LENGTH_LATIN: Final = 60
_TEASER_LENGTH = 60
_TEASER_TITLES = 3
#: Groups that are counted as they are; what is due soon is told with its days.
_REGION_LENGTH = 12
_COUNTED = ("policy", "project", "rest")


def subject(digest: Digest, words: Words, *, today: date) -> str:
    """Region and numbers first: ``江津区:3条新政策、1项申报5天后截止``.

    At most 30 characters, 60 in English; no number is cut in half, what has no room is left out.
    """
    most = SUBJECT_LENGTH if words is ZH else SUBJECT_LENGTH_LATIN
    totals = {group.slug: group.total for group in digest.groups}
    counts = [_count(words, slug, totals[slug]) for slug in _COUNTED if totals.get(slug)]
    soon = _soon(digest, words, today=today)
    changes = [_count(words, "change", totals["change"])] if totals.get("change") else []
    parts = [*counts[:1], *([soon] if soon else []), *counts[1:], *changes]
    text = _place(digest, words, most - len(words.colon) - len(parts[0])) + words.colon + parts[0]
    for part in parts[1:]:
        if len(text) + len(words.comma) + len(part) <= most:
            text += words.comma + part
    return shorten(text, most)


def teaser(digest: Digest, words: Words) -> str:
    """The first titles: what a mailbox shows behind the subject."""
    titles: dict[str, None] = {}
    for item in _shown(digest):
        titles[tamed(item.announcement.draft.title)] = None
        if len(titles) == _TEASER_TITLES:
            break
    return shorten(words.clause.join(titles), _TEASER_LENGTH)


def _count(words: Words, slug: str, n: int) -> str:
    return words.counts[slug][n != 1].format(n=n)


def _shown(digest: Digest) -> list[DigestItem]:
    return [item for group in digest.groups for item in group.items]


def _soon(digest: Digest, words: Words, *, today: date) -> str:
    """What ends soon, reminders among it: how many, and in how many days."""
    groups = [group for group in digest.groups if group.slug in {"reminder", "soon"}]
    items = [item for group in groups for item in group.items]
    total = sum(group.total for group in groups)
    days = [
        (on - today).days
        for item in items
        if (on := next_deadline(item.announcement.draft, today=today)) is not None
    ]
    if not days:
        return ""
    n = f"{total}{_what(items, words, total)}"
    told = len(days) == total
    if max(days) == 0 and told:
        return words.soon_today.format(n=n)
    if min(days) == max(days) and told:
        return words.soon_days.format(n=n, days=days[0])
    return words.soon_many.format(n=n, days=max(days) if told else SOON_DAYS)


def _what(items: Sequence[DigestItem], words: Words, total: int) -> str:
    """Applications when all of them are, else just a number of things."""
    kinds = {
        item.announcement.draft.categories[0].slug
        for item in items
        if item.announcement.draft.categories
    }
    forms = words.applications if kinds == {"application"} else words.others
    return forms[total != 1]


def _place(digest: Digest, words: Words, room: int) -> str:
    """The one region of all items, or the first and how many there are."""
    names = list(dict.fromkeys(shorten(tamed(name), _REGION_LENGTH) for name in digest.places))
    if not names:
        return words.everywhere
    if len(names) == 1:
        return shorten(names[0], room)
    extra = len(names) if words is ZH else len(names) - 1
    rest = words.several.format(name="", n=extra)
    return words.several.format(name=shorten(names[0], room - len(rest)), n=extra)
