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
#: ``≥ 10亿元``, ``5000万``, ``3千万元以上``, ``1e9``; what parts thousands is taken out before, as are
#: blanks that do not stand between two digits.
_AMOUNT = re.compile(
    r"(?:≥|>=|⩾|不低于|不少于|至少)?(?P<number>\d+(?:\.\d+)?(?:e\+?\d{1,2})?)"
    r"(?P<unit>万亿|千亿|百亿|十亿|亿|千万|百万|十万|万|千)?(?:人民币)?元?(?:以上|及以上)?",
    re.IGNORECASE,
)
_THOUSANDS = re.compile(r"(?<![\d.,])[1-9]\d{0,2}([, ])\d{3}(?:\1\d{3})*(?![\d,])")
_BLANK = re.compile(r"(?<!\d) | (?!\d)")
_UNITS = {
    None: 1, "千": 1_000, "万": 10_000, "十万": 100_000, "百万": 1_000_000, "千万": 10_000_000,
    "亿": 100_000_000, "十亿": 10**9, "百亿": 10**10, "千亿": 10**11, "万亿": 10**12,
}  # fmt: skip
_CODE = re.compile(r"\d{6}|Z\d{8}", re.IGNORECASE)
_GAPS = re.compile(r"[-·>\s/]+")

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
        return divisions.heir(code)
    found = divisions.resolve(value, prior=None, on=None)
    if found is None or _says_more(value):
        raise _no_one_region(value)
    return divisions.heir(found.code)


def _says_more(value: str) -> bool:
    """Whether more than names of divisions stands there: 江津去 is a slip, and guessing is worse."""
    left = list(value)
    for one in divisions.find(value):
        left[one.start : one.end] = [" "] * len(one.name)
    rest = _GAPS.sub("", "".join(left))
    return 0 < len(rest) < len(_GAPS.sub("", value))


def _no_one_region(value: str) -> UsageError:
    """What to say of a name that no division bears, or several."""
    codes = divisions.called([part for part in _GAPS.split(value) if part])
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


def read_amount(value: str | None) -> float | None:
    """A sum in yuan: ``5000000``, ``500万``, ``≥ 10亿元``, ``1e9``."""
    if value is None:
        return None
    joined = _THOUSANDS.sub(lambda found: found[0].replace(found[1], ""), _BLANK.sub("", value))
    match = _AMOUNT.fullmatch(joined)
    if match is None:
        raise unusable(
            "amount_min", f"“{value}”不是金额，请写 5000000、500万 或 10亿",
            f"{value} is no sum in yuan; write 5000000, 500万 or 10亿",
        )  # fmt: skip
    yuan = round(float(match["number"]) * _UNITS[match["unit"]], 2)
    if yuan > MAX_YUAN:
        raise unusable("amount_min", f"{value} 过大", f"{value} is more than there is")
    return yuan


def read_day(field: str, value: str | None) -> date | None:
    """A day as ``YYYY-MM-DD``."""
    if value is None:
        return None
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise unusable(
            field, f"“{value}”不是日期，请写 YYYY-MM-DD", f"{value} is no day; write YYYY-MM-DD"
        ) from error
