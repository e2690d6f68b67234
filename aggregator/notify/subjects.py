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

#: Lists of mails cut subjects at 20 to 28 Chinese characters (DOMAIN.md §14).
SUBJECT_LENGTH: Final = 30
_HEADLINE_LENGTH = 160
_TEASER_LENGTH = 60
_REGION_LENGTH = 12
#: What is left of a region's name at least.
_NAME_LENGTH = 2
#: Groups that are counted as they are; what is due soon is told with its days.
_COUNTED = ("policy", "project", "rest")


def subject(digest: Digest, words: Words, *, today: date) -> str:
    """Region and numbers first: ``江津区:3条新政策、1项申报5天后截止``.

    At most 30 characters. The first number and what ends soon are always told, in shorter words
    or with a shorter place if need be; no number is cut in half, what has no room is left out.
    """
    parts = _parts(digest, words, today=today)
    must = [min(forms, key=len) for forms, needed in parts if needed]
    # What the needed parts take at least, with what stands before each.
    kept = sum(map(len, must)) + len(words.comma) * (len(must) - 1) + len(words.colon)
    text = _place(digest, words, SUBJECT_LENGTH - kept)
    before = words.colon
    for forms, needed in parts:
        if needed:
            kept -= len(before) + min(map(len, forms))
        room = SUBJECT_LENGTH - len(text) - len(before) - kept
        fitting = [form for form in forms if len(form) <= room]
        if fitting:
            text += before + fitting[0]
            before = words.comma
    return shorten(text, SUBJECT_LENGTH)


def headline(digest: Digest, words: Words, *, today: date) -> str:
    """All that a subject would say if it had the room: what a mail opens with."""
    said = words.comma.join(forms[0] for forms, _ in _parts(digest, words, today=today))
    place = _place(digest, words, SUBJECT_LENGTH)
    return shorten(place + words.colon + said, _HEADLINE_LENGTH)


def teaser(digest: Digest, words: Words) -> str:
    """The first titles, as many as fit whole: what a mailbox shows behind the subject."""
    text = ""
    for title in dict.fromkeys(tamed(one.announcement.draft.title) for one in _shown(digest)):
        longer = text + words.clause + title if text else shorten(title, _TEASER_LENGTH)
        if len(longer) > _TEASER_LENGTH:
            break
        text = longer
    return text


def _count(words: Words, slug: str, n: int) -> str:
    return words.counts[slug][n != 1].format(n=n)


def _shown(digest: Digest) -> list[DigestItem]:
    return [item for group in digest.groups for item in group.items]


def _parts(digest: Digest, words: Words, *, today: date) -> list[tuple[Sequence[str], bool]]:
    """What is to be told, in order: its forms, the longest first, and whether it must be told."""
    totals = {group.slug: group.total for group in digest.groups}
    counts = [[_count(words, slug, totals[slug])] for slug in _COUNTED if totals.get(slug)]
    changes = [[_count(words, "change", totals["change"])]] if totals.get("change") else []
    soon = _soon(digest, words, today=today)
    told = [*counts[:1], *([soon] if soon else []), *counts[1:], *changes]
    return [(forms, n == 0 or forms is soon) for n, forms in enumerate(told)]


def _soon(digest: Digest, words: Words, *, today: date) -> list[str]:
    """What ends soon, reminders among it: how many, and in how many days, in ever shorter forms."""
    groups = [group for group in digest.groups if group.slug in {"reminder", "soon"}]
    items = [item for group in groups for item in group.items]
    total = sum(group.total for group in groups)
    days = [
        (on - today).days
        for item in items
        if (on := next_deadline(item.announcement.draft, today=today)) is not None
    ]
    if not days:
        return []
    told = len(days) == total
    if max(days) == 0 and told:
        form = words.soon_today
    elif min(days) == max(days) and told:
        form = words.soon_days
    else:
        form = words.soon_many
    least = max(days) if told else SOON_DAYS
    n = f"{total}{words.others[total != 1]}"
    return [
        form.format(n=f"{total}{_what(items, words, total)}", days=least),
        form.format(n=n, days=least),
        *(short.format(n=n) for short in words.soon_short),
    ]


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
        return shorten(names[0], max(room, _NAME_LENGTH))
    extra = len(names) if words is ZH else len(names) - 1
    rest = words.several.format(name="", n=extra)
    name = shorten(names[0], max(room - len(rest), _NAME_LENGTH))
    return words.several.format(name=name, n=extra)
