"""The one language of feeds, pages and wishes: flat fields, all of which must hold.

A filter is written as a query string (``region=500116&kind=policy&q=氢能``). Its canonical
form is its identity: equal wishes are stored once (DESIGN.md, step 7). Several values of one
field are alternatives, but the words of ``q`` must all occur and those of ``not`` must not.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import date, timedelta, timezone
from typing import TypeVar
from urllib.parse import parse_qsl, quote, urlencode

from aggregator import values
from aggregator.errors import UsageError
from aggregator.industries import industry_terms
from aggregator.model import Amount, Announcement, Authority, Draft, Filter, Flag, Kind
from aggregator.terms import HEAD_END, Term, terms, written
from aggregator.text import fold_words, one_line
from aggregator.values import (
    industry_name,
    read_amount,
    read_category,
    read_choice,
    read_day,
    read_industry,
    read_region,
    region_name,
    region_names,
    unusable,
)

#: The fields of the language in the order in which forms and documents show them.
FIELDS = (
    "region",
    "kind",
    "category",
    "industry",
    "authority",
    "q",
    "not",
    "amount_min",
    "posted_after",
    "posted_before",
    "deadline_after",
    "deadline_before",
)

#: The fields that hold a day; both ends of a span belong to it.
DAYS = ("posted_after", "posted_before", "deadline_after", "deadline_before")

#: What the closed fields may hold, with names for forms and mails.
CATEGORIES, KINDS, AUTHORITIES = values.CATEGORIES, values.KINDS, values.AUTHORITIES
CATEGORIES_EN = values.CATEGORIES_EN

#: Bounds that keep one query cheap (RELIABILITY.md, hostile input 122).
MAX_VALUES = 50
MAX_VALUE_LENGTH = 100
#: Bases of amounts that do not tell the size of one project or subsidy: a floor is what is asked of
#: a firm, not what it gets.
NO_SUM = frozenset({"aggregate", "floor", "other", "unit", "rate"})
#: Raised whenever ``search_text`` or ``amount_of`` makes something else of the same draft: what is
#: stored is made anew.
SEARCH_VERSION = 2
#: From so many on a sum is said in the next unit: 10000万元 is 1亿元.
_MYRIAD = 10_000
_UNITS = ((1, "元"), (_MYRIAD, "万元"), (10**8, "亿元"), (10**12, "万亿元"))
_THOUSAND, _MILLION = 1_000, 10**6
_UNITS_EN = ((_MILLION, "million"), (10**9, "billion"), (10**12, "trillion"))
_SHANGHAI = timezone(timedelta(hours=8))
_DAY_WORDS = {
    "posted_after": ("{} 起发布", "posted since {}"),
    "posted_before": ("{} 前发布", "posted by {}"),
    "deadline_after": ("{} 起截止", "due since {}"),
    "deadline_before": ("{} 前截止", "due by {}"),
}
#: What a query string means otherwise, shells and tables too, and what nobody can see.
_UNSAFE = re.compile(r"[\s%&+=#;\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_SPLIT = re.compile(r"[,，、|;]")
#: The fields in which a blank alone is a mistake, and not a form's empty field.
_WORDS = frozenset({"q", "not"})

_Value = TypeVar("_Value", str, Kind, Authority)
_Single = TypeVar("_Single", float, date)


# --- Reading ---------------------------------------------------------------------------


def parse_query(query: str) -> Filter:
    """Read a query string, with or without its question mark.

    Raises:
        UsageError: names the field that cannot be used and says what would do.
    """
    try:
        pairs = parse_qsl(query.removeprefix("?"), keep_blank_values=True, max_num_fields=500)
    except ValueError as error:
        raise UsageError(
            f"筛选条件过多 · the filter has more fields than we read: {error}"
        ) from error
    return parse_filter(pairs)


def parse_filter(pairs: Iterable[tuple[str, str]]) -> Filter:
    """Read fields as they come from a form or a query; empty ones are left out.

    What was typed into a field and holds nothing to look for is refused: left out, it would wish
    for everything.

    ``region`` takes codes and names, ``category`` and ``industry`` slugs and names,
    ``amount_min`` also ``≥ 10亿元``. Values of closed fields may be separated by commas. A
    division that is no more stands for what its area belongs to today.

    Raises:
        UsageError: names the field that cannot be used and says what would do.
    """
    given: dict[str, list[str]] = {}
    typed: set[str] = set()
    for field, raw in pairs:
        if field not in FIELDS:
            said = one_line(field)[:40]
            raise UsageError(
                f"没有名为 {said!r} 的筛选条件 · {said!r} is no filter field; use {', '.join(FIELDS)}"
            )
        if raw if field in _WORDS else raw.strip():
            typed.add(field)
        values = given.setdefault(field, [])
        values.extend(_values(field, raw))
        if len(values) > MAX_VALUES:
            raise unusable(field, f"最多 {MAX_VALUES} 个值", f"more than {MAX_VALUES} values")
        if any(len(value) > MAX_VALUE_LENGTH for value in values):
            most = MAX_VALUE_LENGTH
            raise unusable(field, f"最长 {most} 个字", f"longer than {most} characters")
    for field in sorted(typed):
        if not given[field]:
            raise unusable(
                field, "没有可查找的内容，不用时请留空",
                "holds nothing to look for; leave it empty where it is not used",
            )  # fmt: skip
    return Filter(
        region=_set(read_region(value) for value in given.get("region", ())),
        kind=_set(read_choice("kind", Kind, value, KINDS) for value in given.get("kind", ())),
        category=_set(read_category(value) for value in given.get("category", ())),
        industry=_set(read_industry(value) for value in given.get("industry", ())),
        authority=_set(
            read_choice("authority", Authority, value, AUTHORITIES)
            for value in given.get("authority", ())
        ),
        q=_set(given.get("q", ())),
        exclude=_set(given.get("not", ())),
        amount_min=_single("amount_min", given, map(read_amount, given.get("amount_min", ()))),
        **{
            field: _single(field, given, [read_day(field, one) for one in given.get(field, ())])
            for field in DAYS
        },
    )


def pairs_of(wish: Filter) -> list[tuple[str, str]]:
    """The filter as sorted fields and values, each once; parsing them gives it back."""
    pairs: list[tuple[str, str]] = [
        *(("region", value) for value in wish.region),
        *(("kind", value.value) for value in wish.kind),
        *(("category", value) for value in wish.category),
        *(("industry", value) for value in wish.industry),
        *(("authority", value.value) for value in wish.authority),
        *(("q", word) for value in wish.q for word in written(value)),
        *(("not", word) for value in wish.exclude for word in written(value)),
    ]
    if wish.amount_min is not None:
        pairs.append(("amount_min", _plain(wish.amount_min)))
    pairs.extend((field, day.isoformat()) for field in DAYS if (day := getattr(wish, field)))
    return sorted(set(pairs))


def canonical(wish: Filter) -> str:
    """The filter as a sorted query string; equal wishes give equal strings.

    ``parse_query(canonical(wish))`` is the same wish, and the empty filter is ``""``.
    """
    return urlencode(pairs_of(wish))


def spelled(wish: Filter) -> str:
    """The filter in its language as a person would write it: ``region=500116&q=储能``.

    ``parse_query(spelled(wish))`` is the same wish, and the empty filter is ``""``.
    """
    return "&".join(f"{field}={_UNSAFE.sub(_escaped, value)}" for field, value in pairs_of(wish))


def _escaped(match: re.Match[str]) -> str:
    return "+" if match[0] == " " else quote(match[0], safe="")


# --- Matching --------------------------------------------------------------------------


def shown_excluded(wish: Filter) -> bool:
    """Whether a filter asks for what is left out otherwise (tenders, recruitment …)."""
    return "tender" in wish.category


class Searched:
    """The searched text of one announcement, in which each term is looked for once, however
    many wishes hold it.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._found: dict[Term, bool] = {}

    def holds(self, term: Term) -> bool:
        """Whether the text holds a term."""
        found = self._found.get(term)
        if found is None:
            found = self._found[term] = term.within(self._text)
        return found


def matches(wish: Filter, announcement: Announcement, searched: Searched | None = None) -> bool:
    """Whether an announcement is wished for; ``store.where`` says the same in SQL.

    Whether it is withdrawn, merged or news to somebody is not looked at here. ``searched`` is
    given where many wishes are asked, or the announcement comes without its text.
    """
    draft = announcement.draft
    if Flag.EXCLUDED in draft.flags and not shown_excluded(wish):
        return False
    if wish.region and not set(wish.region) & set(announcement.region_roll):
        return False
    if wish.kind and draft.kind not in wish.kind:
        return False
    if wish.category and not {one.slug for one in draft.categories} & set(wish.category):
        return False
    if wish.authority and draft.authority not in wish.authority:
        return False
    return _figures_match(wish, announcement) and _words_match(wish, draft, searched)


def search_text(draft: Draft) -> str:
    """What ``q``, ``not`` and ``industry`` look into: title, issuer and number as compared, then the body."""
    head = (draft.title, draft.issuer or "", draft.doc_number or "")
    return "\x1f".join(map(fold_words, head)) + HEAD_END + fold_words(draft.body_text)


def chief_amount(draft: Draft) -> Amount | None:
    """The largest sum of one project or subsidy that a notice states: what lists and mails show.

    Land is sold for a price that is open yet: without such a sum the start price counts, the
    largest of basis ``other`` (the deposit is a part of it).
    """
    stated = [one for one in draft.facts.amounts if one.yuan]
    sums = [one for one in stated if one.basis not in NO_SUM]
    if not sums and draft.categories and draft.categories[0].slug == "land":
        sums = [one for one in stated if one.basis == "other"]
    return max(sums, key=lambda one: one.yuan or 0, default=None)


def amount_of(draft: Draft) -> float | None:
    """Its chief amount in yuan."""
    chief = chief_amount(draft)
    return chief.yuan if chief else None


def deadline_of(draft: Draft) -> date | None:
    """The first deadline that a notice states: what ``deadline_before`` compares."""
    return min((deadline.value for deadline in draft.facts.deadlines), default=None)


def posted_on(announcement: Announcement) -> date:
    """The day of posting in Asia/Shanghai, else the day on which we saw it."""
    at = announcement.draft.posted_at or announcement.first_seen_at
    return at.astimezone(_SHANGHAI).date()


# --- Saying ----------------------------------------------------------------------------


def describe(wish: Filter, language: str = "zh") -> str:
    """The filter in a reader's words, one line."""
    zh = language != "en"
    between = "、" if zh else ", "
    parts = [
        between.join(region_name(code) for code in wish.region),
        between.join(KINDS[kind] if zh else kind.value for kind in wish.kind),
        between.join(
            (CATEGORIES if zh else CATEGORIES_EN).get(slug, slug) for slug in wish.category
        ),
        between.join(industry_name(slug, zh=zh) for slug in wish.industry),
        between.join(AUTHORITIES[value] if zh else value.value for value in wish.authority),
    ]
    if wish.q:
        words = " ".join(wish.q)
        parts.append(f"含“{words}”" if zh else f"with “{words}”")
    if wish.exclude:
        words = " ".join(wish.exclude)
        parts.append(f"不含“{words}”" if zh else f"without “{words}”")
    if wish.amount_min is not None:
        yuan = money(wish.amount_min, language)
        parts.append(f"不低于{yuan}" if zh else f"at least {yuan}")
    for field, (chinese, english) in _DAY_WORDS.items():
        if day := getattr(wish, field):
            parts.append((chinese if zh else english).format(day.isoformat()))
    said = " · ".join(part for part in parts if part)
    return said or ("全部公告" if zh else "all announcements")


def money(yuan: float, language: str = "zh") -> str:
    """A sum as a reader would write it: ``500万元``, ``1.5万亿元``, ``CNY 1.25 billion``."""
    if language == "en":
        if round(yuan) < _MILLION:
            return f"CNY {yuan:,.0f}"
        large = [(round(yuan / size, 2), unit) for size, unit in _UNITS_EN]
        number, unit = next((one for one in large if one[0] < _THOUSAND), large[-1])
        return f"CNY {_plain(number)} {unit}"
    said = [(round(yuan / size, 2), unit) for size, unit in _UNITS]
    number, unit = next((one for one in said if one[0] < _MYRIAD), said[-1])
    return f"{_plain(number)}{unit}"


# --- Within ----------------------------------------------------------------------------


def _values(field: str, raw: str) -> list[str]:
    if field in _WORDS:
        return written(raw)
    value = one_line(unicodedata.normalize("NFKC", raw))
    parts = [value] if field == "amount_min" else [part.strip() for part in _SPLIT.split(value)]
    if field == "region":
        parts = [name for part in parts for name in region_names(part)]
    return [part for part in parts if part]


def _set(values: Iterable[_Value]) -> tuple[_Value, ...]:
    return tuple(sorted(set(values)))


def _single(field: str, given: dict[str, list[str]], read: Iterable[_Single]) -> _Single | None:
    """The one value of a field, however often and however it is written."""
    values = set(read)
    if len(values) > 1:
        said = " and ".join(sorted(set(given[field]))[:3])
        raise unusable(field, "只能有一个值", f"one value only, not {said}")
    return next(iter(values), None)


def _plain(number: float) -> str:
    return f"{number:.2f}".removesuffix("0").removesuffix(".0")


def _words_match(wish: Filter, draft: Draft, searched: Searched | None) -> bool:
    if not (wish.q or wish.exclude or wish.industry):
        return True
    searched = searched or Searched(search_text(draft))
    if wish.industry and not any(map(searched.holds, industry_terms(wish.industry))):
        return False
    return all(map(searched.holds, terms(wish.q))) and not any(
        map(searched.holds, terms(wish.exclude))
    )


def _figures_match(wish: Filter, announcement: Announcement) -> bool:
    if wish.amount_min is not None and (amount_of(announcement.draft) or 0) < wish.amount_min:
        return False
    if wish.posted_after is not None or wish.posted_before is not None:
        posted = posted_on(announcement)
        if not (wish.posted_after or date.min) <= posted <= (wish.posted_before or date.max):
            return False
    if wish.deadline_after is not None or wish.deadline_before is not None:
        deadline = deadline_of(announcement.draft)
        return deadline is not None and (
            (wish.deadline_after or date.min) <= deadline <= (wish.deadline_before or date.max)
        )
    return True
