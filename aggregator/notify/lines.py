"""One announcement in one line of a mail: every value finished, every stranger's word tamed."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from aggregator.filters import CATEGORIES, CATEGORIES_EN, KINDS, chief_amount, money
from aggregator.model import Announcement, Coverage, DigestItem, Draft, Flag, Region
from aggregator.notify.alterations import altered
from aggregator.notify.plan import SHANGHAI, SOON_DAYS, next_deadline
from aggregator.notify.words import ZH, Words
from aggregator.text import one_line, shorten

__all__ = ["SHANGHAI", "Line", "Reprint", "coverage", "line_of", "link", "region_name", "tamed"]

#: A deadline at most so many days away is the loudest word of a line.
NOW_DAYS: Final = 3
_TITLE_LENGTH: Final = 120
_NAME_LENGTH = 30
_REGION_LENGTH = 12
#: Longer addresses are left to our page of the notice: thirty of them have to fit a mail.
_URL_LENGTH = 300
_ILL_NAMED = 5
_REPRINTS_NAMED = 2
#: Never in a mail: mobile numbers and what looks like an identity number, whole or masked
#: (DOMAIN.md §16). Letters beside the digits make it another number (a credit code, say).
_PERSONAL = re.compile(
    r"(?<![\dA-Za-z])(?:(?:[+＋]?86[- ]?)?[1１][3-9３-９]\d[- ]?\d{4}[- ]?\d{4}"
    r"|\d{17}[\dXxＸｘ]|\d{15}|\d{3,6}[*＊×]{4,}[\dXx]{0,4})(?![\dA-Za-z])"
)
_ADDRESS = re.compile(r"\W*https?:", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reprint:
    """Another portal that showed the same notice."""

    name: str
    url: str


class Grade(StrEnum):
    """How loud a deadline is printed: white on red, in a red frame, or bold and no more."""

    NOW = "now"
    NEAR = "near"
    LATER = "later"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An item as a template prints it; what is empty is left out.

    ``url`` is our page of it, ``original_url`` the notice itself. ``head`` stands before the
    deadline, which is printed as loud as ``grade`` says. ``changes`` say what is different since
    it was sent.
    """

    region: str
    title: str
    url: str
    head: str
    deadline: str
    grade: Grade
    amount: str
    source: str
    original_url: str
    changes: tuple[str, ...]
    notes: tuple[str, ...]
    reprints: tuple[Reprint, ...]
    reprints_more: str


def line_of(item: DigestItem, words: Words, *, today: date, page: Callable[[object], str]) -> Line:
    """The line of an item (DOMAIN.md §14): region, title, kind, issuer, number, deadline,
    sum, source.
    """
    one = item.announcement
    draft = one.draft
    withdrawn = one.withdrawn_at is not None
    name = shorten(tamed(one.source_name or draft.source_label or ""), _NAME_LENGTH)
    head = (
        _kind(draft, words),
        shorten(tamed(draft.issuer or ""), _NAME_LENGTH),
        shorten(tamed(draft.doc_number or ""), _NAME_LENGTH),
    )
    late = words.late.format(posted=_posted(one, words, today=today)) if item.late else ""
    notes = (late, words.row_only if Flag.ROW_ONLY in draft.flags else "")
    reprints = _reprints(one)
    named = reprints[:_REPRINTS_NAMED]
    return Line(
        region=region_name(draft.regions),
        title=_title(draft, words),
        url=page(one.uuid),
        head=" · ".join(part for part in head if part),
        deadline="" if withdrawn else _deadline(draft, words, today=today),
        grade=_grade(draft, today=today),
        amount=_sum(draft, words),
        source=words.source.format(name=name) if name else "",
        original_url="" if withdrawn else link(draft.url),
        changes=tuple(tamed(said) for said in altered(item.alterations, words, year=today.year)),
        notes=tuple(note for note in notes if note),
        reprints=named,
        reprints_more=words.also_more.format(n=len(reprints)) if reprints[len(named) :] else "",
    )


def coverage(seen: Coverage, words: Words) -> str:
    """What was watched, and what may be missing (DESIGN.md, promise 9)."""
    if not seen.watched:
        return ""
    if seen.well >= seen.watched:
        return words.coverage_well.format(watched=seen.watched)
    names = [shorten(tamed(name), _NAME_LENGTH) for name in seen.ill[:_ILL_NAMED]]
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
        return "" if re.fullmatch(r"[\d.]+|0x[\da-f.x]+", host) else url
    return ""


def region_name(regions: Sequence[Region]) -> str:
    """The name in brackets before a title: the region's own, or the first of several."""
    return shorten(tamed(regions[0].name), _REGION_LENGTH) if regions else ""


@lru_cache(maxsize=4096)
def tamed(text: str) -> str:
    """A stranger's words in one line, without what a mail must not pass on."""
    return _PERSONAL.sub("***", one_line(text))


def _title(draft: Draft, words: Words) -> str:
    title = shorten(tamed(draft.title), _TITLE_LENGTH)
    if draft.regions or not _ADDRESS.match(title):
        return title
    # A link whose words name another address is what filters take for phishing.
    return f"{_kind(draft, words)}{words.colon}{title}"


def _kind(draft: Draft, words: Words) -> str:
    slug = draft.categories[0].slug if draft.categories else ""
    if words is ZH:
        return CATEGORIES.get(slug) or KINDS[draft.kind]
    return CATEGORIES_EN.get(slug) or draft.kind.value


def _sum(draft: Draft, words: Words) -> str:
    chief = chief_amount(draft)
    if chief is None or chief.yuan is None:
        return ""
    said = money(chief.yuan, words.lang[:2])
    return (words.cap if chief.basis == "cap" else words.amount).format(money=said)


def _deadline(draft: Draft, words: Words, *, today: date) -> str:
    on = next_deadline(draft, today=today)
    if on is None:
        return ""
    left = words.say_left((on - today).days)
    return words.deadline.format(day=words.say_day(on, year=today.year), left=left)


def _grade(draft: Draft, *, today: date) -> Grade:
    on = next_deadline(draft, today=today)
    if on is None or (on - today).days > SOON_DAYS:
        return Grade.LATER
    return Grade.NOW if (on - today).days <= NOW_DAYS else Grade.NEAR


def _posted(one: Announcement, words: Words, *, today: date) -> str:
    at: datetime = (one.draft.posted_at or one.first_seen_at).astimezone(SHANGHAI)
    return words.say_day(at.date(), year=today.year)


def _reprints(one: Announcement) -> tuple[Reprint, ...]:
    """The other portals that showed it, each once, those that a mail can link."""
    found: dict[object, Reprint] = {}
    for sighting in one.sightings:
        url = link(sighting.url)
        name = shorten(tamed(sighting.source_name), _NAME_LENGTH)
        if sighting.source_id != one.source_id and url and name:
            found.setdefault(sighting.source_id, Reprint(name=name, url=url))
    return tuple(found.values())
