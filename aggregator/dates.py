"""Dates as Chinese portals write them (DOMAIN.md §5): small, strict, in Asia/Shanghai.

feedparser and dateparser are wrong on many of these without any error (measured there), so
every date is read here, from the string as printed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from email.utils import parsedate_tz
from zoneinfo import ZoneInfo

from aggregator.text import clean

SHANGHAI = ZoneInfo("Asia/Shanghai")
#: A clock that is a little ahead of ours is no future.
SLACK = timedelta(days=1)
#: Nothing was on the web before; no notice is posted later than the next year.
_FIRST_YEAR = 1949
_EPOCH = range(600_000_000, 4_102_444_800)

_DIGITS = {c: str(n) for n, c in enumerate("〇一二三四五六七八九")} | {"零": "0", "○": "0", "О": "0", "O": "0", "Ｏ": "0", "0": "0"}  # fmt: skip
_CLOCK = r"(?:[\sT]*(?:星期[一二三四五六日天]|周[一二三四五六日天])?[\sT]*(\d{1,2})[:时](\d{1,2})(?:[:分](\d{1,2})(?:\.\d+)?)?秒?分?\s*(Z|[+-]\d{2}:?\d{2})?)?"
_FULL = re.compile(
    r"(?<![\d.])((?:19|20)\d{2})\s*([-/.年])\s*(\d{1,2})\s*[-/.月]\s*(\d{2}(?=\d{2}[:：]\d{2})|\d{1,2}(?=\s*[日号]|(?!\d)))\s*[日号]?"
    + _CLOCK
)
_SHORT_YEAR = re.compile(r"(?<![\d-])(\d{2})-(\d{2})-(\d{2})(?![\d-])" + _CLOCK)
_COMPACT = re.compile(r"(?<!\d)((?:19|20)\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?!\d)")
_NO_YEAR = re.compile(
    r"(?<![\d/.-])(\d{1,2})\s*[-/月]\s*(\d{1,2})\s*(?:[日号]|(?![\d/-]))" + _CLOCK
)
_DAY_FIRST = re.compile(
    r"^\D{0,2}(\d{1,2})(?:\s*+[日/]\s++|\s++)((?:19|20)\d{2})\s*[-/.年]\s*(\d{1,2})\s*月?\D{0,2}$"
)
_HAN = re.compile(
    r"([〇零○OОＯ0一二三四五六七八九]{4})\s*年\s*(十?[一二三四五六七八九十]{1,2})\s*月\s*([一二三四五六七八九十]{1,3})\s*日"
)
_AGO = re.compile(r"(\d{1,3})\s*(天|日|小时|分钟|周)前")
_WORDS = {"今天": 0, "今日": 0, "昨天": 1, "昨日": 1, "前天": 2, "刚刚": 0}
_EPOCH_TEXT = re.compile(r"^\s*(\d{10})(\d{3})?\s*$")
_URL_DATE = (
    re.compile(r"/t((?:19|20)\d{2})(\d{2})(\d{2})_"),
    re.compile(r"/((?:19|20)\d{2})[/-](\d{1,2})[/-](\d{1,2})(?:/|_|\.|$)"),
    re.compile(r"/((?:19|20)\d{2})(\d{2})/(?:t\d{6})?(\d{2})(?:/|_)"),
    re.compile(r"/((?:19|20)\d{2})(\d{2})(\d{2})(?:/|_|\.|$)"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadDate:
    """A day, and perhaps a time of it; ``offset`` is +08:00 unless the text says otherwise."""

    day: date
    time: time | None = None
    offset: timedelta = timedelta(hours=8)

    @property
    def at(self) -> datetime:
        """The instant, or the day's first one in Shanghai when only the day is known."""
        return datetime.combine(self.day, self.time or time(0), timezone(self.offset))

    def iso(self) -> str:
        """``YYYY-MM-DD``, or ISO 8601 with offset when the time is known."""
        return self.at.isoformat() if self.time else self.day.isoformat()


def read_date(text: str, *, now: datetime) -> ReadDate | None:
    """The date that a short text is or begins with, labels and brackets around it aside.

    A date without a year is the latest such day not after tomorrow; ``now`` decides. Returns
    None rather than a guess.
    """
    tidy = _tidy(text)
    if not tidy:
        return None
    epoch = _EPOCH_TEXT.match(tidy)
    if epoch:
        return _from_epoch(int(epoch.group(1)))
    for found in _candidates(tidy, now):
        return found
    return None


def find_date(text: str, *, now: datetime) -> ReadDate | None:
    """The first date with a year anywhere in a longer text."""
    tidy = _tidy(text)
    best: tuple[int, ReadDate] | None = None
    for pattern, make in ((_FULL, _full), (_HAN, _han)):
        for match in pattern.finditer(tidy):
            read = make(match)
            if read and _plausible(read.day, now):
                if best is None or match.start() < best[0]:
                    best = (match.start(), read)
                break
    return best[1] if best else None


def date_from_url(url: str) -> date | None:
    """The day that a portal's address tells (``t20250813_``, ``/2025/8/13/``), if it does."""
    for pattern in _URL_DATE:
        match = pattern.search(url)
        if match:
            day = _day(*(int(part) for part in match.groups()))
            if day:
                return day
    return None


def _tidy(text: str) -> str:
    table = str.maketrans("—－‐–−∶：／．０１２３４５６７８９", "-----::/.0123456789")
    return re.sub(r"[\s\u3000\xa0]+", " ", clean(text).translate(table)).strip(" []()【】〔〕（）")


def _candidates(tidy: str, now: datetime) -> Iterator[ReadDate]:
    """Every reading of the text, the surest first."""
    rfc = _rfc822(tidy)
    if rfc:
        yield rfc
    day_first = _DAY_FIRST.match(tidy)
    if day_first:
        day = _day(int(day_first.group(2)), int(day_first.group(3)), int(day_first.group(1)))
        if day:
            yield ReadDate(day=day)
    for pattern, make in (
        (_FULL, _full),
        (_HAN, _han),
        (_SHORT_YEAR, _short),
        (_COMPACT, _compact),
    ):
        match = pattern.search(tidy)
        read = make(match) if match else None
        if read and read.day.year >= _FIRST_YEAR:
            yield read
    yield from _relative(tidy, now)
    match = _NO_YEAR.search(tidy)
    if match:
        read = _without_year(match, now)
        if read:
            yield read


def _full(match: re.Match[str]) -> ReadDate | None:
    return _made(int(match[1]), int(match[3]), int(match[4]), *match.group(5, 6, 7, 8))


def _short(match: re.Match[str]) -> ReadDate | None:
    return _made(2000 + int(match[1]), int(match[2]), int(match[3]), *match.group(4, 5, 6, 7))


def _compact(match: re.Match[str]) -> ReadDate | None:
    return _made(int(match[1]), int(match[2]), int(match[3]), None, None, None, None)


def _han(match: re.Match[str]) -> ReadDate | None:
    year = int("".join(_DIGITS[c] for c in match[1]))
    return _made(year, _han_number(match[2]), _han_number(match[3]), None, None, None, None)


def _han_number(text: str) -> int:
    tens, ten, ones = text.partition("十")
    if not ten:
        return int(_DIGITS[text]) if text in _DIGITS else 0
    return (int(_DIGITS[tens]) if tens else 1) * 10 + (int(_DIGITS[ones]) if ones in _DIGITS else 0)


def _without_year(match: re.Match[str], now: datetime) -> ReadDate | None:
    today = now.astimezone(SHANGHAI).date()
    for year in (today.year + 1, today.year, today.year - 1, today.year - 2, today.year - 3):
        read = _made(year, int(match[1]), int(match[2]), *match.group(3, 4, 5, 6))
        if read and read.day <= today + SLACK:
            return read
    return None


def _relative(tidy: str, now: datetime) -> Iterator[ReadDate]:
    today = now.astimezone(SHANGHAI)
    for word, days in _WORDS.items():
        if tidy.startswith(word):
            yield ReadDate(day=today.date() - timedelta(days=days))
    ago = _AGO.search(tidy)
    if ago:
        unit = {"天": "days", "日": "days", "小时": "hours", "分钟": "minutes", "周": "weeks"}[
            ago[2]
        ]
        yield ReadDate(day=(today - timedelta(**{unit: int(ago[1])})).date())


def _rfc822(tidy: str) -> ReadDate | None:
    """RFC 822 dates; ``CST`` is China's standard time here, not the American one."""
    if not re.search(r"(?i)\b(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)", tidy):
        return None
    china = bool(re.search(r"\bCST\b", tidy))
    has_time = ":" in tidy
    full = re.sub(r"\bCST\b", "+0800", tidy)
    read = parsedate_tz(full if has_time else f"{full} 00:00:00")
    if read is None:
        return None
    day = _day(read[0], read[1], read[2])
    naive = read[9] is None or not re.search(r"[A-Z]{1,4}$|[+-]\d{4}$", tidy)
    if day is None:
        return None
    offset = timedelta(hours=8) if china or naive else _real(timedelta(seconds=read[9] or 0))
    try:
        clock = time(read[3], read[4], min(read[5], 59)) if has_time else None
        return ReadDate(day=day, time=clock, offset=offset)
    except ValueError:
        return None


def _from_epoch(seconds: int) -> ReadDate | None:
    if seconds not in _EPOCH:
        return None
    at = datetime.fromtimestamp(seconds, UTC).astimezone(SHANGHAI)
    return ReadDate(day=at.date(), time=at.time())


def _made(  # noqa: PLR0917  # a date's parts in their order
    year: int,
    month: int,
    day: int,
    hour: str | None,
    minute: str | None,
    second: str | None,
    zone: str | None,
) -> ReadDate | None:
    made = _day(year, month, day)
    if made is None:
        return None
    if hour is None or minute is None:
        return ReadDate(day=made)
    try:
        clock = time(int(hour), int(minute), int(second or 0))
    except ValueError:
        return ReadDate(day=made)
    if zone is None:
        # Midnight to the second is what a CMS prints when it knows no time.
        return ReadDate(day=made, time=clock if clock != time(0) else None)
    return ReadDate(day=made, time=clock, offset=_offset(zone))


def _offset(zone: str) -> timedelta:
    if zone == "Z":
        return timedelta(0)
    sign = -1 if zone[0] == "-" else 1
    digits = zone[1:].replace(":", "")
    return _real(sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:])))


def _real(offset: timedelta) -> timedelta:
    """An offset as printed, or Shanghai's for one that no place on earth has (+99:99)."""
    return offset if abs(offset) < timedelta(days=1) else timedelta(hours=8)


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _plausible(day: date, now: datetime) -> bool:
    return day.year >= _FIRST_YEAR and day <= (now + timedelta(days=366 * 20)).date()
