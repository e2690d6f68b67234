"""Dates as list pages print them: found in a piece of text, or in two pieces side by side."""

from __future__ import annotations

import re

_SEP = r"[-/.年—－–‐]"
_SEP2 = r"[-/.月—－–‐]"
_CLOCK = r"(?:[\sT]*\d{1,2}[:：∶]\d{2}(?:[:：∶]\d{2})?(?:\.\d+)?)?"
#: A day may run into its clock (``10-0812:00``).
_DAY_OF = r"(?:\d{1,2}(?!\d)|\d\d(?=\d\d[:：∶]\d\d))"
FULL = rf"(?:19|20)\d\d\s*{_SEP}\s*\d{{1,2}}\s*{_SEP2}\s*{_DAY_OF}\s*日?{_CLOCK}"
_FULL = re.compile(FULL)
#: What may stand alone in a cell as a date without a year, or said in relation to today.
_SHORT = re.compile(
    r"(?:\d{2}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}|\d{1,2}月\d{1,2}日?"
    r"|(?:今天|昨天|前天|刚刚)|\d{1,2}\s*(?:天|小时|分钟)前|(?:19|20)\d\d[01]\d[0-3]\d)" + _CLOCK
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH_NAME = rf"({'|'.join(_MONTHS)})[a-z]{{0,6}}\.?"
_ENGLISH = re.compile(
    rf"(?<![a-z]){_MONTH_NAME}[\s-]*(\d{{1,2}})(?:st|nd|rd|th)?\s*,?\s*((?:19|20)\d\d)"
    rf"|(?<!\d)(\d{{1,2}})(?:st|nd|rd|th)?[\s-]*{_MONTH_NAME}\s*[,-]?\s*((?:19|20)\d\d)",
    re.IGNORECASE,
)
#: ``11/20/2025``, as servers set to English print it.
_YEAR_LAST = re.compile(rf"(\d{{1,2}})([-/.])(\d{{1,2}})\2((?:19|20)\d\d){_CLOCK}")
_LABEL = re.compile(
    r"^(?:[\u4e00-\u9fff\s]{1,8}[:：]|发布|发文|成文|公开|公布|更新|上传|时间|日期|于|on|[:：\s])*",
    re.IGNORECASE,
)
_WRAP = " \t\r\n\u3000\u00a0[]()（）【】〔〕{}<>《》|｜·•:：-—/,，"
_LABELLED = re.compile(rf"(?:时间|日期)\s*[:：]?\s*({FULL})")
_TAIL = re.compile(rf"[\s\[(（【〔|]+({FULL})\s*[\])）】〔]?\s*$")
_HEAD = re.compile(rf"^\s*[\[(（【〔]?\s*({FULL})\s*[\])）】〕\s|]+(?=\S)")
_DAY = re.compile(r"(?:0?[1-9]|[12]\d|3[01])\s*日?")
_YEAR_MONTH = re.compile(rf"(?:19|20)\d\d\s*{_SEP}\s*(?:0?[1-9]|1[0-2])\s*月?")
_YEAR = re.compile(r"(?:19|20)\d\d\s*年?")
_MONTH = re.compile(rf"(?:(0?[1-9]|1[0-2])\s*月|{_MONTH_NAME})", re.IGNORECASE)
_MONTH_DAY = re.compile(r"\d{1,2}[-/.月]\d{1,2}日?")
_STROKES = "/-|.· "
_DIGIT = re.compile(r"\d|[今昨前]天|刚刚")
#: Two numbers with a sign between them, or what else a date cannot do without.
_DATEISH = re.compile(
    r"\d\s*[-/.年月—－–‐]\s*\d|[今昨前]天|刚刚|\d\s*(?:天|小时|分钟)前|(?:19|20)\d{6}|[A-Za-z]{3}"
)
#: No text is looked at further in than this for a date: rows are short.
_MAX = 1000
_REST = 30
_LONGEST = 50
_MIN = 4
_MAX_PART = 12
_MONTHS_A_YEAR = 12


def date_in(text: str, *, in_link: bool) -> str | None:  # noqa: PLR0911  # a table of cases
    """The date that a piece of text is, or carries at its end, as printed.

    A sentence that speaks of a day is no date of a row. Dates whose month is a word, or whose
    year stands last, come as ``YYYY-M-D``.

    Args:
        text: on one line.
        in_link: it is the text of a link, where only a date at an edge is no part of the title.
    """
    if len(text) < _MIN or len(text) > _MAX or not _DATEISH.search(text):
        return None
    bare = _LABEL.sub("", text.strip(_WRAP)).strip(_WRAP)
    if _SHORT.fullmatch(bare):
        return bare
    found = _FULL.search(text)
    if not found:
        return _foreign(bare)
    if _FULL.fullmatch(bare):
        return bare
    if labelled := _LABELLED.search(text):
        return labelled.group(1)
    edge = _TAIL.search(text) or _HEAD.search(text)
    if edge:
        return edge.group(1)
    if in_link:
        return None
    return found.group() if len(text) - len(found.group()) <= _REST else None


def _foreign(bare: str) -> str | None:
    """``Nov 20, 2025``, ``20 November 2025``, ``11/20/2025``, standing alone."""
    if last := _YEAR_LAST.fullmatch(bare):
        first, second = int(last.group(1)), int(last.group(3))
        if first > _MONTHS_A_YEAR:
            first, second = second, first
        return f"{last.group(4)}-{first}-{second}"
    named = _ENGLISH.search(bare)
    if not named or len(bare) - len(named.group()) > _REST / 2:
        return None
    name, day, year, day_first, name_second, year_last = named.groups()
    number = _MONTHS.index((name or name_second).lower()) + 1
    return f"{year or year_last}-{number}-{day or day_first}"


def may_be_date(raw: str) -> bool:
    """Whether a piece of text can be a date or a part of one: most cannot, and one look tells."""
    return _DIGIT.search(raw) is not None or raw.strip()[:3].lower() in _MONTHS


def date_in_pieces(one: str, other: str, third: str) -> tuple[str | None, int]:
    """A date whose parts stand in two or three pieces, and how many follow the first.

    ``13`` and ``2025-08``, ``11-20`` and ``2025``, ``20``, ``Nov`` and ``2025``, either way
    round; a stroke may be a piece of its own.
    """
    a, b, c = one.strip(_WRAP), other.strip(_WRAP), third.strip(_WRAP)
    if not a or len(a) > _MAX_PART:
        return None, 0
    for day, month, year in ((a, b, c), (c, b, a)):
        if _DAY.fullmatch(day) and _YEAR.fullmatch(year) and (only := _MONTH.fullmatch(month)):
            return f"{year.strip('年 ')}-{_month(only)}-{day.strip('日 ')}", 2
    if not other.strip(_STROKES):
        return _date_in_two(a, c), 2
    return _date_in_two(a, b), 1


def _date_in_two(a: str, b: str) -> str | None:
    if not b or len(b) > _MAX_PART:  # no year and month is longer
        return None
    for day, month in ((a, b), (b, a)):
        if not _DAY.fullmatch(day):
            continue
        if _YEAR_MONTH.fullmatch(month):
            return re.sub(r"\D+", "-", month.strip("月 ")) + "-" + day.strip("日 ")
        if only := _MONTH.fullmatch(month):
            return f"{_month(only)}-{day.strip('日 ')}"
    for year, month_day in ((a, b), (b, a)):
        if _YEAR.fullmatch(year) and _MONTH_DAY.fullmatch(month_day):
            return f"{year.strip('年 ')}-" + re.sub(r"\D+", "-", month_day.strip("日"))
    return None


def _month(found: re.Match[str]) -> int:
    return _MONTHS.index(found.group(2).lower()) + 1 if found.group(2) else int(found.group(1))


def full_date_in(text: str) -> str | None:
    """The first date with its year, anywhere in the text."""
    found = _FULL.search(text)
    return found.group() if found else None


def labelled_date(text: str) -> str | None:
    """The date after 时间 or 日期 in a title attribute that says all of a row."""
    found = _LABELLED.search(text)
    return found.group(1) if found else None


def strip_date(text: str) -> str:
    """A title without the date printed at its end or beginning."""
    return _HEAD.sub("", _TAIL.sub("", text)).strip()


def only_date(text: str) -> bool:
    """Whether a text is a date and little else."""
    if len(text) > _LONGEST or not _DIGIT.search(text):
        return False
    stamp = date_in(text, in_link=False)
    return stamp is not None and len(text) - len(stamp) < _MIN * 2
