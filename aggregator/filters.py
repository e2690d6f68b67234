"""The one language of feeds, pages and wishes: flat fields, all of which must hold.

A filter is written as a query string (``region=500116&kind=policy&q=氢能``). Its canonical
form is its identity: equal wishes are stored once (DESIGN.md, step 7). Several values of one
field are alternatives, but the words of ``q`` must all occur and those of ``not`` must not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, timedelta, timezone
from typing import TypeVar
from urllib.parse import parse_qsl, urlencode

from aggregator import divisions
from aggregator.errors import UsageError
from aggregator.model import Amount, Announcement, Authority, Draft, Filter, Flag, Kind
from aggregator.terms import HEAD_END, all_within, terms, written
from aggregator.text import fold_words, one_line

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
    "posted_before",
    "deadline_after",
    "deadline_before",
)

#: The fields that hold a day; both ends of a span belong to it.
DAYS = ("posted_after", "posted_before", "deadline_after", "deadline_before")

#: Slugs of DOMAIN.md §9 with their names, in the order in which they are offered.
CATEGORIES: dict[str, str] = {
    "policy": "招商政策",
    "application": "申报通知",
    "interpretation": "政策解读",
    "project": "招商项目",
    "land": "土地招拍挂",
    "park": "产业园区",
    "promo": "招商活动",
    "guide": "投资流程",
    "innovation": "科技创新",
    "talent": "人才",
    "notice": "公示公告",
    "tender": "采购招标",
    "other": "其他",
}
KINDS: dict[Kind, str] = {Kind.POLICY: "政策", Kind.PROJECT: "项目", Kind.OTHER: "其他"}
AUTHORITIES: dict[Authority, str] = {
    Authority.OFFICIAL: "官方",
    Authority.MEDIA: "媒体",
    Authority.COMMERCIAL: "商业",
}

#: Bounds that keep one query cheap (RELIABILITY.md, hostile input 122).
MAX_VALUES = 50
MAX_VALUE_LENGTH = 100
#: A name that many places bear is answered with so many of them.
MAX_NAMED = 5
MAX_YUAN = 1_000_000_000_000_000
#: Bases of amounts that do not tell the size of one project or subsidy: a floor is what is asked of
#: a firm, not what it gets.
NO_SUM = frozenset({"aggregate", "floor", "other", "unit", "rate"})
#: Raised whenever ``search_text`` or ``amount_of`` makes something else of the same draft: what is
#: stored is made anew.
SEARCH_VERSION = 2
_SHANGHAI = timezone(timedelta(hours=8))
_CODE = re.compile(r"\d{6}|Z\d{8}", re.IGNORECASE)
_AMOUNT = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>亿|万|千)?元?")
_UNITS = {None: 1, "千": 1_000, "万": 10_000, "亿": 100_000_000}
_DAY_WORDS = {
    "posted_after": ("{} 起发布", "posted since {}"),
    "posted_before": ("{} 前发布", "posted by {}"),
    "deadline_after": ("{} 起截止", "due since {}"),
    "deadline_before": ("{} 前截止", "due by {}"),
}
#: What the form calls the fields.
_LABELS = {
    "region": "地区",
    "kind": "类别",
    "category": "分类",
    "authority": "来源性质",
    "q": "关键词",
    "not": "不含",
    "amount_min": "金额",
    "posted_after": "发布不早于",
    "posted_before": "发布不晚于",
    "deadline_after": "截止不早于",
    "deadline_before": "截止不晚于",
}
_SPLIT = re.compile(r"[,，、|]")
_GAPS = re.compile(r"[-·>\s/]+")

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
        raise UsageError(
            f"筛选条件过多 · the filter has more fields than we read: {error}"
        ) from error
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
            said = one_line(field)[:40]
            raise UsageError(
                f"没有名为 {said!r} 的筛选条件 · {said!r} is no filter field; use {', '.join(FIELDS)}"
            )
        values = given.setdefault(field, [])
        values.extend(_values(field, raw))
        if len(values) > MAX_VALUES:
            raise _unusable(field, f"最多 {MAX_VALUES} 个值", f"more than {MAX_VALUES} values")
        if any(len(value) > MAX_VALUE_LENGTH for value in values):
            most = MAX_VALUE_LENGTH
            raise _unusable(field, f"最长 {most} 个字", f"longer than {most} characters")
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
        **{field: _day(field, _single(field, given)) for field in DAYS},
    )


def pairs_of(wish: Filter) -> list[tuple[str, str]]:
    """The filter as sorted fields and values, each once; parsing them gives it back."""
    pairs: list[tuple[str, str]] = [
        *(("region", value) for value in wish.region),
        *(("kind", value.value) for value in wish.kind),
        *(("category", value) for value in wish.category),
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


# --- Matching --------------------------------------------------------------------------


def shown_excluded(wish: Filter) -> bool:
    """Whether a filter asks for what is left out otherwise (tenders, recruitment …)."""
    return "tender" in wish.category


def matches(wish: Filter, announcement: Announcement) -> bool:
    """Whether an announcement is wished for; ``store.where`` says the same in SQL.

    Whether it is withdrawn, merged or news to somebody is not looked at here.
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
    return _words_match(wish, draft) and _figures_match(wish, announcement)


def search_text(draft: Draft) -> str:
    """What ``q`` and ``not`` look into: title, issuer and number as compared, then the body."""
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
        between.join(_region_name(code) for code in wish.region),
        between.join(KINDS[kind] if zh else kind.value for kind in wish.kind),
        between.join(CATEGORIES.get(slug, slug) if zh else slug for slug in wish.category),
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
    """A sum as a reader would write it: ``500万元``, ``12.5亿元``."""
    if language == "en":
        return f"CNY {yuan:,.0f}"
    for size, unit in ((100_000_000, "亿元"), (10_000, "万元")):
        if yuan >= size:
            return f"{_plain(round(yuan / size, 2))}{unit}"
    return f"{_plain(round(yuan, 2))}元"


# --- Within ----------------------------------------------------------------------------


def _values(field: str, raw: str) -> list[str]:
    if field in {"q", "not"}:
        return written(raw)
    value = one_line(raw)
    parts = [value] if field == "amount_min" else [part.strip() for part in _SPLIT.split(value)]
    return [part for part in parts if part]


def _unusable(field: str, zh: str, en: str) -> UsageError:
    """One line in both languages: it stands on pages, and where feeds and commands say why."""
    return UsageError(f"{_LABELS[field]}：{zh} · {field}: {en}")


def _set(values: Iterable[_Value]) -> tuple[_Value, ...]:
    return tuple(sorted(set(values)))


def _single(field: str, given: dict[str, list[str]]) -> str | None:
    values = sorted(set(given.get(field, ())))
    if len(values) > 1:
        raise _unusable(field, "只能有一个值", f"one value only, not {' and '.join(values[:3])}")
    return values[0] if values else None


def _region(value: str) -> str:
    if _CODE.fullmatch(value):
        code = value.upper()
        if divisions.get(code) is None:
            raise _unusable(
                "region", f"没有代码为 {value} 的地区", f"no division has the code {value}"
            )
        return code
    found = divisions.resolve(value, prior=None, on=None)
    if found is None:
        raise _no_one_region(value)
    return found.code


def _no_one_region(value: str) -> UsageError:
    """What to say of a name that no division bears, or several."""
    codes = divisions.called([part for part in _GAPS.split(value) if part])
    if not codes:
        return _unusable(
            "region", f"没有叫“{value}”的地区，请写全称或六位代码",
            f"no one division is called {value}; give its full name or its six-digit code",
        )  # fmt: skip
    named = ", ".join(f"{code} {_whole_name(code)}" for code in codes[:MAX_NAMED])
    more = f" … ({len(codes)})" if len(codes) > MAX_NAMED else ""
    zh = f"“{value}”可指多个地区" if len(codes) > 1 else f"没有叫“{value}”的地区"
    return _unusable(
        "region", f"{zh}，请用代码",
        f"no one division is called {value}; use a code: {named}{more}",
    )  # fmt: skip


def _whole_name(code: str) -> str:
    """Its names from the province down, each once."""
    return "".join(dict.fromkeys((*divisions.path(code), _region_name(code))))


def _region_name(code: str) -> str:
    known = divisions.get(code)
    return code if known is None else known.name


def _choice(field: str, words: type[_Word], value: str, names: dict[_Word, str]) -> _Word:
    for word in words:
        if value.lower() == word.value or value == names[word]:
            return word
    raise _unusable(
        field, f"没有“{value}”，可选{'、'.join(names.values())}",
        f"{value} is none of {', '.join(word.value for word in words)}",
    )  # fmt: skip


def _category(value: str) -> str:
    if value.lower() in CATEGORIES:
        return value.lower()
    for slug, name in CATEGORIES.items():
        if value == name:
            return slug
    raise _unusable(
        "category", f"没有“{value}”，可选{'、'.join(CATEGORIES.values())}",
        f"{value} is none of {', '.join(CATEGORIES)}",
    )  # fmt: skip


def _amount(value: str | None) -> float | None:
    if value is None:
        return None
    match = _AMOUNT.fullmatch(value.replace(",", "").replace(" ", ""))
    if match is None:
        raise _unusable(
            "amount_min", f"“{value}”不是金额，请写 5000000、500万 或 10亿",
            f"{value} is no sum in yuan; write 5000000, 500万 or 10亿",
        )  # fmt: skip
    yuan = round(float(match["number"]) * _UNITS[match["unit"]], 2)
    if yuan > MAX_YUAN:
        raise _unusable("amount_min", f"{value} 过大", f"{value} is more than there is")
    return yuan


def _day(field: str, value: str | None) -> date | None:
    if value is None:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise _unusable(
            field, f"“{value}”不是日期，请写 YYYY-MM-DD", f"{value} is no day; write YYYY-MM-DD"
        ) from error


def _plain(number: float) -> str:
    return f"{number:.2f}".removesuffix("0").removesuffix(".0")


def _words_match(wish: Filter, draft: Draft) -> bool:
    if not wish.q and not wish.exclude:
        return True
    text = search_text(draft)
    return all_within(text, terms(wish.q)) and not any(
        term.within(text) for term in terms(wish.exclude)
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
