"""Single values of a filter: what may be written for each, and what it means.

A value that cannot be used is told in one line in both languages; nothing is guessed.
"""

from __future__ import annotations

import re
from datetime import date
from typing import TypeVar

from aggregator import divisions
from aggregator.errors import UsageError
from aggregator.industries import INDUSTRIES, industry_slug
from aggregator.model import Authority, Kind
from aggregator.sums import read_yuan

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
#: The same for English readers, of one notice.
CATEGORIES_EN: dict[str, str] = {
    "policy": "policy",
    "application": "call for applications",
    "interpretation": "policy explained",
    "project": "investment project",
    "land": "land sale",
    "park": "industrial park",
    "promo": "promotion event",
    "guide": "how to invest",
    "innovation": "innovation",
    "talent": "talent",
    "notice": "public notice",
    "tender": "tender",
    "other": "other",
}
KINDS: dict[Kind, str] = {Kind.POLICY: "政策", Kind.PROJECT: "项目", Kind.OTHER: "其他"}
AUTHORITIES: dict[Authority, str] = {
    Authority.OFFICIAL: "官方",
    Authority.MEDIA: "媒体",
    Authority.COMMERCIAL: "商业",
}

#: A name that many places bear is answered with so many of them.
MAX_NAMED = 5
MAX_YUAN = 1_000_000_000_000_000
#: What the form calls the fields.
_LABELS = {
    "region": "地区",
    "kind": "类别",
    "category": "分类",
    "industry": "行业",
    "authority": "来源性质",
    "q": "关键词",
    "not": "不含",
    "amount_min": "金额",
    "posted_after": "发布不早于",
    "posted_before": "发布不晚于",
    "deadline_after": "截止不早于",
    "deadline_before": "截止不晚于",
}
_CODE = re.compile(r"\d{6}|Z\d{8}", re.IGNORECASE)
#: What stands between the names of one place, and, before a name, what leaves it out elsewhere.
_GAPS = re.compile(r"[-–—·•>→»\s/]+")
#: What joins the names of one place (重庆市 > 江津区); a dash, where it does not touch the second.
_JOINS = re.compile(r"\s*[>·•→»/]\s*|\s+[-–—]\s+")
_CHINESE = re.compile(r"[\u4e00-\u9fff]+")

Word = TypeVar("Word", Kind, Authority)


def unusable(field: str, zh: str, en: str) -> UsageError:
    """One line in both languages: it stands on pages, and where feeds and commands say why."""
    return UsageError(f"{_LABELS[field]}：{zh} · {field}: {en}")


def read_region(value: str) -> str:
    """The code that a code or a name means; of a division that is no more, what its area belongs to."""
    if _CODE.fullmatch(value):
        code = value.upper()
        if divisions.get(code) is None:
            raise unusable(
                "region", f"没有代码为 {value} 的地区", f"no division has the code {value}"
            )
        return _heir(code)
    names = _GAPS.sub(" ", value)
    found = divisions.resolve(names, prior=None, on=None)
    if found and not _GAPS.match(value) and not _says_more(names) and not _is_open(names):
        return _heir(found.code)
    codes = divisions.called(names.split()) if _CHINESE.fullmatch(_GAPS.sub("", value)) else ()
    if len(codes) != 1 or _GAPS.match(value):
        raise _no_one_region(value)
    return _heir(codes[0])


def _heir(code: str) -> str:
    """What an area belongs to today. A zone that became the district it lies in, and bears its name
    (滨海新区), is that district: notices name now the one and now the other.
    """
    code = divisions.heir(code)
    one = divisions.get(code)
    host = divisions.get(one.parent) if one and one.is_zone else None
    return host.code if one and host and host.name == one.name else code


def region_names(part: str) -> list[str]:
    """The regions of what stands between two commas: one name, perhaps behind those that contain it
    (``重庆市 江津区``), or several that blanks part (``江津区 渝北区``). A code is itself.
    """
    words = _JOINS.sub(">", part).split()
    if len(words) < 2:  # noqa: PLR2004  # nothing to tell apart
        return words
    places: list[tuple[str, str]] = []
    for word in words:
        if code := _code_of(word):
            places.append((word, code))
        elif places and (code := _within(places[-1][0], word)):
            places[-1] = (f"{places[-1][0]} {word}", code)
        else:
            return [part] if part.isascii() else words
    return [
        word
        for (word, code), (_, behind) in zip(places, [*places[1:], ("", "")], strict=True)
        if word.isascii() or code == behind or code not in divisions.roll(behind)
    ]


def _code_of(word: str) -> str | None:
    try:
        return read_region(word)
    except UsageError:
        return None


def _within(above: str, word: str) -> str | None:
    """What a word that means nothing alone (朝阳区) means behind what contains it (北京市)."""
    code = _code_of(f"{above} {word}")
    if code is None:
        return None
    names = (*divisions.path(code), region_name(code), code)
    return code if any(word in name for name in names) else None


def _is_open(value: str) -> bool:
    """Whether a name stands there that several places bear: 江苏省鼓楼区 is not all of 江苏省."""
    return any(len({_heir(code) for code in one.codes}) > 1 for one in divisions.find(value))


def _says_more(value: str) -> bool:
    """Whether more than names of divisions stands there: 江津去 is a slip, and guessing is worse."""
    left = list(value)
    for one in divisions.find(value):
        left[one.start : one.end] = [" "] * len(one.name)
    rest = _GAPS.sub("", "".join(left))
    return 0 < len(rest) < len(_GAPS.sub("", value))


def _no_one_region(value: str) -> UsageError:
    """What to say of a name that no division bears, or several."""
    parts = [part for part in _GAPS.split(value) if part]
    codes = divisions.called(parts) or divisions.called(["".join(parts)])
    if not codes:
        return unusable(
            "region", f"没有叫“{value}”的地区，请写全称或六位代码",
            f"no one division is called {value}; give its full name or its six-digit code",
        )  # fmt: skip
    named = ", ".join(f"{code} {_whole_name(code)}" for code in codes[:MAX_NAMED])
    more = f" … ({len(codes)})" if len(codes) > MAX_NAMED else ""
    zh = f"“{value}”可指多个地区" if len(codes) > 1 else f"没有叫“{value}”的地区"
    return unusable(
        "region", f"{zh}，请用代码：{named}{more}",
        f"no one division is called {value}; use one of these codes",
    )  # fmt: skip


def _whole_name(code: str) -> str:
    """Its names from the province down, each once."""
    return "".join(dict.fromkeys((*divisions.path(code), region_name(code))))


def region_name(code: str) -> str:
    """The name of a division, else its code."""
    known = divisions.get(code)
    return code if known is None else known.name


def read_choice(field: str, words: type[Word], value: str, names: dict[Word, str]) -> Word:
    """The one of a few words that a word or its Chinese name means."""
    for word in words:
        if value.lower() == word.value or value == names[word]:
            return word
    raise unusable(
        field, f"没有“{value}”，可选{'、'.join(names.values())}",
        f"{value} is none of {', '.join(word.value for word in words)}",
    )  # fmt: skip


def read_category(value: str) -> str:
    """The slug that a slug or a Chinese name means."""
    if value.lower() in CATEGORIES:
        return value.lower()
    for slug, name in CATEGORIES.items():
        if value == name:
            return slug
    raise unusable(
        "category", f"没有“{value}”，可选{'、'.join(CATEGORIES.values())}",
        f"{value} is none of {', '.join(CATEGORIES)}",
    )  # fmt: skip


def read_industry(value: str) -> str:
    """The slug that a slug or a name means."""
    slug = industry_slug(value)
    if slug is None:
        raise unusable(
            "industry", f"没有“{value}”，可选{'、'.join(one.zh for one in INDUSTRIES.values())}",
            f"{value} is none of {', '.join(INDUSTRIES)}",
        )  # fmt: skip
    return slug


def industry_name(slug: str, *, zh: bool) -> str:
    """The name of an industry, else its slug."""
    known = INDUSTRIES.get(slug)
    return slug if known is None else known.zh if zh else known.en


def read_amount(value: str) -> float:
    """A least sum in yuan: ``5000000``, ``500万``, ``≥ 10亿元``, ``1亿5000万``."""
    yuan = read_yuan(value)
    if yuan is None:
        raise unusable(
            "amount_min", f"“{value}”不是金额下限，请写 5000000、500万 或 10亿",
            f"{value} is no least sum in yuan; write 5000000, 500万 or 10亿",
        )  # fmt: skip
    if yuan > MAX_YUAN:
        raise unusable("amount_min", f"{value} 过大", f"{value} is more than there is")
    return yuan


def read_day(field: str, value: str) -> date:
    """A day as ``YYYY-MM-DD``."""
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise unusable(
            field, f"“{value}”不是日期，请写 YYYY-MM-DD", f"{value} is no day; write YYYY-MM-DD"
        ) from error
