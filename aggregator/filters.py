"""The one language of feeds, pages and wishes: flat fields, all of which must hold.

A filter is written as a query string (``region=500116&kind=policy&q=氢能``). Its canonical
form is its identity: equal wishes are stored once (DESIGN.md, step 7). Several values of one
field are alternatives; the words inside one ``q`` or ``not`` must all occur.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import date, timedelta, timezone
from typing import TypeVar
from urllib.parse import parse_qsl, urlencode

from aggregator import divisions
from aggregator.errors import UsageError
from aggregator.model import Announcement, Authority, Draft, Filter, Flag, Kind
from aggregator.text import fold, one_line

#: The fields of the language in the order in which forms and documents show them.
FIELDS = (
    "region",
    "kind",
    "category",
    "authority",
    "q",
    "not",
    "amount_min",
    "posted_after",
    "deadline_before",
)

#: Slugs of DOMAIN.md §9 with their names in Chinese and English.
CATEGORIES: dict[str, tuple[str, str]] = {
    "policy": ("政策", "Policy"),
    "application": ("申报通知", "Application"),
    "interpretation": ("政策解读", "Interpretation"),
    "project": ("项目", "Project"),
    "land": ("土地", "Land"),
    "park": ("园区厂房", "Park"),
    "guide": ("投资指南", "Guide"),
    "innovation": ("科技创新", "Innovation"),
    "talent": ("人才", "Talent"),
    "promo": ("招商活动", "Promotion"),
    "notice": ("公示公告", "Notice"),
    "tender": ("采购招标", "Tender"),
    "other": ("其他", "Other"),
}
KINDS: dict[Kind, tuple[str, str]] = {
    Kind.POLICY: ("政策", "policy"),
    Kind.PROJECT: ("项目", "project"),
    Kind.OTHER: ("其他", "other"),
}
AUTHORITIES: dict[Authority, tuple[str, str]] = {
    Authority.OFFICIAL: ("官方", "official"),
    Authority.MEDIA: ("媒体", "media"),
    Authority.COMMERCIAL: ("商业网站", "commercial"),
}

#: Bounds that keep one query cheap (RELIABILITY.md, hostile input 122).
MAX_VALUES = 50
MAX_VALUE_LENGTH = 100
#: How much of a body is searched; titles and facts stand before it.
MAX_SEARCHED = 20_000

#: Amounts that say nothing of the size of a project or a subsidy.
_SMALL_BASES = frozenset({"unit", "rate"})
_SHANGHAI = timezone(timedelta(hours=8))
_CODE = re.compile(r"\d{6}|Z\d{8}", re.IGNORECASE)
_AMOUNT = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>亿|万|千)?元?")
_UNITS = {None: 1, "千": 1_000, "万": 10_000, "亿": 100_000_000}
_SPLIT = re.compile(r"[,，、|]")

_Word = TypeVar("_Word", Kind, Authority)
_Value = TypeVar("_Value", str, Kind, Authority)


# --- Reading ---------------------------------------------------------------------------


def parse_query(query: str) -> Filter:
    """Read a query string, with or without its question mark.

    Raises:
        UsageError: names the field that cannot be used and says what would do.
    """
    try:
        pairs = parse_qsl(query.removeprefix("?"), keep_blank_values=True, max_num_fields=500)
    except ValueError as error:
        raise UsageError(f"the filter has more fields than we read: {error}") from error
    return parse_filter(pairs)


def parse_filter(pairs: Iterable[tuple[str, str]]) -> Filter:
    """Read fields as they come from a form or a query; blank ones are left out.

    ``region`` takes codes and names, ``category`` slugs and Chinese names, ``amount_min``
    also ``10亿``. Values of closed fields may be separated by commas.

    Raises:
        UsageError: names the field that cannot be used and says what would do.
    """
    given: dict[str, list[str]] = {}
    for field, raw in pairs:
        if field not in FIELDS:
            raise UsageError(
                f"{one_line(field)[:40]!r} is no filter field; use {', '.join(FIELDS)}"
            )
        value = _words(raw) if field in {"q", "not"} else one_line(raw)
        if len(value) > MAX_VALUE_LENGTH:
            raise UsageError(f"{field}: longer than {MAX_VALUE_LENGTH} characters")
        open_field = field in {"q", "not", "amount_min"}
        parts = [value] if open_field else [part.strip() for part in _SPLIT.split(value)]
        given.setdefault(field, []).extend(part for part in parts if part)
        if len(given[field]) > MAX_VALUES:
            raise UsageError(f"{field}: more than {MAX_VALUES} values")
    return Filter(
        region=_set(_region(value) for value in given.get("region", ())),
        kind=_set(_choice("kind", Kind, value, KINDS) for value in given.get("kind", ())),
        category=_set(_category(value) for value in given.get("category", ())),
        authority=_set(
            _choice("authority", Authority, value, AUTHORITIES)
            for value in given.get("authority", ())
        ),
        q=_set(given.get("q", ())),
        exclude=_set(given.get("not", ())),
        amount_min=_amount(_single("amount_min", given)),
        posted_after=_day("posted_after", _single("posted_after", given)),
        deadline_before=_day("deadline_before", _single("deadline_before", given)),
    )


def canonical(wish: Filter) -> str:
    """The filter as a sorted query string; equal wishes give equal strings.

    ``parse_query(canonical(wish))`` is the same wish, and the empty filter is ``""``.
    """
    pairs: list[tuple[str, str]] = [
        *(("region", value) for value in wish.region),
        *(("kind", value.value) for value in wish.kind),
        *(("category", value) for value in wish.category),
        *(("authority", value.value) for value in wish.authority),
        *(("q", _words(value)) for value in wish.q),
        *(("not", _words(value)) for value in wish.exclude),
    ]
    if wish.amount_min is not None:
        pairs.append(("amount_min", _plain(wish.amount_min)))
    if wish.posted_after is not None:
        pairs.append(("posted_after", wish.posted_after.isoformat()))
    if wish.deadline_before is not None:
        pairs.append(("deadline_before", wish.deadline_before.isoformat()))
    return urlencode(sorted({pair for pair in pairs if pair[1]}))


# --- Matching --------------------------------------------------------------------------


def matches(wish: Filter, announcement: Announcement) -> bool:
    """Whether an announcement is wished for.

    Notices that are not ours (tenders, recruitment …) match only a filter that asks for
    ``category=tender``. Whether it is withdrawn or news is not looked at here.
    """
    draft = announcement.draft
    slugs = {category.slug for category in draft.categories}
    if (Flag.EXCLUDED in draft.flags or "tender" in slugs) and "tender" not in wish.category:
        return False
    if wish.region and not set(wish.region) & set(announcement.region_roll):
        return False
    if wish.kind and draft.kind not in wish.kind:
        return False
    if wish.category and not slugs & set(wish.category):
        return False
    if wish.authority and draft.authority not in wish.authority:
        return False
    return _words_match(wish, draft) and _figures_match(wish, draft)


def search_text(draft: Draft) -> str:
    """What ``q`` looks into, folded: the headline on the first line, the rest on the second.

    ``not`` looks into the first line only, so that a passing mention in a body hides nothing.
    """
    facts = draft.facts
    rest = "|".join(
        [
            draft.summary,
            draft.source_label or "",
            *(part for region in draft.regions for part in (*region.path, region.name)),
            *(fact.value for fact in (*facts.doc_numbers, *facts.registry_numbers)),
            draft.body_text[:MAX_SEARCHED],
        ]
    )
    return f"{_headline(draft)}\n{fold(rest)}"


def search_terms(value: str) -> tuple[str, ...]:
    """The folded words of one ``q`` or ``not``: all must occur in the searched text."""
    return tuple(term for term in map(fold, one_line(value).split(" ")) if term)


def amount_of(draft: Draft) -> float | None:
    """The largest sum in yuan that a notice states, rates and unit prices aside."""
    sums = [
        amount.yuan
        for amount in draft.facts.amounts
        if amount.yuan is not None and amount.basis not in _SMALL_BASES
    ]
    return max(sums, default=None)


def deadline_of(draft: Draft) -> date | None:
    """The first deadline that a notice states: what ``deadline_before`` compares."""
    return min((deadline.value for deadline in draft.facts.deadlines), default=None)


def posted_on(draft: Draft) -> date | None:
    """The day of posting in Asia/Shanghai: what ``posted_after`` compares."""
    return None if draft.posted_at is None else draft.posted_at.astimezone(_SHANGHAI).date()


# --- Saying ----------------------------------------------------------------------------


def describe(wish: Filter, language: str = "zh") -> str:
    """The filter in a reader's words, one line."""
    zh = language != "en"
    at = 0 if zh else 1
    between = "、" if zh else ", "
    parts = [
        between.join(_region_name(code) for code in wish.region),
        between.join(KINDS[kind][at] for kind in wish.kind),
        between.join(CATEGORIES.get(slug, (slug, slug))[at] for slug in wish.category),
        between.join(AUTHORITIES[value][at] for value in wish.authority),
    ]
    if wish.q:
        words = (" 或 " if zh else " or ").join(f"“{value}”" for value in wish.q)
        parts.append(f"含{words}" if zh else f"with {words}")
    if wish.exclude:
        words = between.join(f"“{value}”" for value in wish.exclude)
        parts.append(f"不含{words}" if zh else f"without {words}")
    if wish.amount_min is not None:
        yuan = money(wish.amount_min, language)
        parts.append(f"不低于{yuan}" if zh else f"at least {yuan}")
    if wish.posted_after is not None:
        day = wish.posted_after.isoformat()
        parts.append(f"{day} 起发布" if zh else f"posted since {day}")
    if wish.deadline_before is not None:
        day = wish.deadline_before.isoformat()
        parts.append(f"{day} 前截止" if zh else f"due by {day}")
    said = " · ".join(part for part in parts if part)
    return said or ("全部公告" if zh else "all announcements")


def money(yuan: float, language: str = "zh") -> str:
    """A sum as a reader would write it: ``500万元``, ``12.5亿元``."""
    if language == "en":
        return f"CNY {yuan:,.0f}"
    for size, unit in ((100_000_000, "亿元"), (10_000, "万元")):
        if yuan >= size:
            return f"{_plain(round(yuan / size, 2))}{unit}"
    return f"{_plain(round(yuan, 2))}元"


# --- Within ----------------------------------------------------------------------------


def _set(values: Iterable[_Value]) -> tuple[_Value, ...]:
    return tuple(sorted({value for value in values if value}))


def _single(field: str, given: dict[str, list[str]]) -> str | None:
    values = sorted(set(given.get(field, ())))
    if len(values) > 1:
        raise UsageError(f"{field}: one value only, not {' and '.join(values[:3])}")
    return values[0] if values else None


def _region(value: str) -> str:
    if _CODE.fullmatch(value):
        code = value.upper()
        if divisions.get(code) is None:
            raise UsageError(f"region: no division has the code {value}")
        return code
    found = divisions.resolve(value, prior=None, on=None)
    if found is None:
        raise UsageError(f"region: no one division is called {value}; give its six-digit code")
    return found.code


def _region_name(code: str) -> str:
    known = divisions.get(code)
    return code if known is None else known.name


def _choice(
    field: str, words: type[_Word], value: str, names: dict[_Word, tuple[str, str]]
) -> _Word:
    for word in words:
        if value.lower() == word.value or value == names[word][0]:
            return word
    raise UsageError(f"{field}: {value} is none of {', '.join(word.value for word in words)}")


def _category(value: str) -> str:
    if value.lower() in CATEGORIES:
        return value.lower()
    for slug, (name, _) in CATEGORIES.items():
        if value == name:
            return slug
    raise UsageError(f"category: {value} is none of {', '.join(CATEGORIES)}")


def _words(value: str) -> str:
    """Words as compared by eye: one form of letters, lower case, one blank between."""
    for _ in range(4):  # lower-casing may undo NFKC and the other way round; it settles
        before, value = value, one_line(unicodedata.normalize("NFKC", value).lower())
        if before == value:
            break
    return value


def _amount(value: str | None) -> float | None:
    if value is None:
        return None
    match = _AMOUNT.fullmatch(value.replace(",", "").replace(" ", ""))
    if match is None:
        raise UsageError(f"amount_min: {value} is no sum in yuan; write 5000000, 500万 or 10亿")
    return float(match["number"]) * _UNITS[match["unit"]]


def _day(field: str, value: str | None) -> date | None:
    if value is None:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise UsageError(f"{field}: {value} is no day; write YYYY-MM-DD") from error


def _plain(number: float) -> str:
    return str(int(number)) if number == int(number) else f"{number:f}".rstrip("0")


def _headline(draft: Draft) -> str:
    numbers = (draft.doc_number, draft.registry_number, draft.index_number)
    return fold("|".join([draft.title, draft.issuer or "", *(n for n in numbers if n)]))


def _words_match(wish: Filter, draft: Draft) -> bool:
    if wish.q:
        text = search_text(draft)
        if not any(_holds(text, value) for value in wish.q):
            return False
    if wish.exclude:
        headline = _headline(draft)
        return not any(_holds(headline, value) for value in wish.exclude)
    return True


def _holds(text: str, value: str) -> bool:
    terms = search_terms(value)
    return bool(terms) and all(term in text for term in terms)


def _figures_match(wish: Filter, draft: Draft) -> bool:
    if wish.amount_min is not None:
        amount = amount_of(draft)
        if amount is None or amount < wish.amount_min:
            return False
    if wish.posted_after is not None:
        posted = posted_on(draft)
        if posted is None or posted < wish.posted_after:
            return False
    if wish.deadline_before is not None:
        deadline = deadline_of(draft)
        if deadline is None or deadline > wish.deadline_before:
            return False
    return True
