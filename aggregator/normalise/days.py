"""Days in running text: every shape in which a notice names one, and spans of them (DOMAIN.md §5)."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from aggregator.normalise.quantities import WORDS, read_words
from aggregator.workdays import is_work_day

_HAN_YEAR = "[零〇○OＯ0一二三四五六七八九]{4}"
_HAN_DAY = "(?:[二三]?十[一二三四五六七八九]?|[一二三四五六七八九])"
#: Blanks that pages print within a date; bounded, so that a text of blanks costs nothing.
_S = "[ \\t]{0,3}"
_NAMED = re.compile(
    rf"(?:(?<!\d)((?:19|20)\d\d|{_HAN_YEAR}){_S}年{_S}|(今年|本年|当年|同年|明年|次年|去年){_S})?"
    rf"(?:(?<![\d.])(\d{{1,2}})|({_HAN_DAY})|(本|当)){_S}月份?{_S}"
    rf"(?:(\d{{1,2}})(?:{_S}[日号]|(?=-{{1,3}}\d{{1,2}}[日号]))|({_HAN_DAY})[日号]|(底|末))"
    rf"|(?<![\d.])((?:19|20)\d\d){_S}[-/.]{_S}(\d{{1,2}}){_S}[-/.]{_S}(\d{{1,2}})(?![\d.]\d)"
    rf"|(?<!\d)((?:19|20)\d\d){_S}年年?[底末]|(年)[底末]|(?<!\d)(月)[底末]"
)
#: What may stand between a day and the word that makes it a last one: weekday and clock.
CLOCK = (
    rf"{_S}(?:\([^()]{{0,10}}\))?(?:当[日天])?(?:上午|下午|晚上?|中午|凌晨|北京时间)?{_S}"
    rf"(?:\d{{1,2}}{_S}(?:[:时点]{_S}(?:\d{{1,2}}|半)?分?(?::\d{{1,2}})?秒?整?)|零[时点]|下班|午夜|当[日天])?"
    rf"(?:\([^()]{{0,10}}\))?{_S}"
)
_TO = re.compile(CLOCK + r"(?:起|开始)?[,，]?(?:[至到]|-{1,3}|截[止至]到?)[ \t]{0,3}")
_ONLY_DAY = re.compile(r"(\d{1,2})[日号]")
_DECEMBER = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A day as named, from ``start`` to ``end`` of its sentence; ``since`` where a span began."""

    start: int
    end: int
    year: int | None
    month: int | None
    day: int
    since: Day | None = None

    @property
    def begins(self) -> int:
        """Where the whole expression begins."""
        return self.since.start if self.since else self.start

    def on(self, posted: date | None) -> date | None:
        """The day meant: one without a year is the first such day on or after ``posted``.

        The end of a span follows its beginning: 12月20日至1月10日 ends in the next year.
        """
        if self.since and self.year is None:
            first = self.since.on(posted)
            if self.since.year is None:
                # 7月1日至8月31日 may have begun before it was posted.
                return self._first(posted)
            return self._first(first)
        return _made(self.year, self.month, self.day) if self.year else self._first(posted)

    def _first(self, base: date | None) -> date | None:
        if base is None:
            return None
        month = self.month or base.month
        for year in (base.year, base.year + 1):
            made = _made(year, month, self.day)
            if made and made >= base:
                return made
        return None


def days(text: str, *, posted: date | None) -> Iterator[Day]:
    """The days that a sentence names in order; of a span only its end, which knows its beginning."""
    found = [day for match in _NAMED.finditer(text) if (day := _named(match, posted))]
    skip = False
    for index, day in enumerate(found):
        if skip:
            skip = False
            continue
        to = _TO.match(text, day.end)
        if to is None:
            yield day
            continue
        after = found[index + 1] if index + 1 < len(found) else None
        if after and after.start == to.end():
            skip = True
            yield _span(day, after)
        elif only := _ONLY_DAY.match(text, to.end()):
            last = Day(
                start=only.start(), end=only.end(), year=None, month=day.month, day=int(only[1])
            )
            yield _span(day, last)
        else:
            yield day


def _span(first: Day, last: Day) -> Day:
    return Day(
        start=last.start, end=last.end, year=last.year, month=last.month, day=last.day, since=first
    )  # fmt: skip


def _named(match: re.Match[str], posted: date | None) -> Day | None:
    """A day from what the pattern found; None for one that no calendar holds."""
    year, said, month, han_month, this, day, han_day, last, *rest = match.groups()
    numeric, end_year, year_end, month_end = rest[:3], rest[3], rest[4], rest[5]
    if numeric[0]:
        return _valid(match, int(numeric[0]), int(numeric[1] or 0), int(numeric[2] or 0))
    if end_year or (year_end and posted):
        return _valid(match, int(end_year or (posted.year if posted else 0)), _DECEMBER, 31)
    if year_end or month_end:
        return _month_end(match, posted.year, posted.month) if posted else None
    number = _month(month, han_month, posted if this else None)
    when = _year(year, said, posted)
    if number is None:
        return None
    if last:
        return _month_end(match, when, number)
    return _valid(match, when, number, int(day) if day else read_words(han_day) or 0)


def _month(month: str | None, han_month: str | None, posted: date | None) -> int | None:
    if month:
        return int(month)
    return read_words(han_month) if han_month else (posted.month if posted else None)


def _year(written: str | None, said: str | None, posted: date | None) -> int | None:
    if written:
        return (
            int(written)
            if written.isdigit()
            else read_words(written.replace("O", "0").replace("0", "零"))
        )
    if said and posted:
        return posted.year + {"明年": 1, "次年": 1, "去年": -1}.get(said, 0)
    return None


def _month_end(match: re.Match[str], year: int | None, month: int) -> Day | None:
    if not 1 <= month <= _DECEMBER:
        return None
    return _valid(match, year, month, calendar.monthrange(year or 2001, month)[1])


def _valid(match: re.Match[str], year: int | None, month: int, day: int) -> Day | None:
    if _made(year or 2000, month, day) is None:
        return None
    return Day(start=match.start(), end=match.end(), year=year, month=month, day=day)


def _made(year: int | None, month: int | None, day: int) -> date | None:
    try:
        return date(year or 0, month or 0, day)
    except ValueError:
        return None


COUNT = rf"(\d{{1,3}}|[{WORDS}]{{1,4}})"


def counted(text: str) -> int:
    """How many: 15, 十五, 两; 0 for what is no number."""
    return int(text) if text.isdigit() else (read_words(text) or 0)


def after(base: date, count: int, unit: str) -> date | None:
    """So many days, working days or months after a day, which itself does not count.

    None for a day that no calendar holds: a stranger's clock may stand at the end of time.
    """
    if "月" in unit:
        return months_after(base, count)
    day = base
    try:
        while count > 0:
            day += timedelta(days=1)
            count -= unit != "工作日" or is_work_day(day)
    except OverflowError:
        return None
    return day


def months_after(base: date, months: int) -> date | None:
    """The same day so many months later, or that month's last one; None beyond the calendar."""
    count = base.year * 12 + base.month - 1 + months
    year, month = divmod(count, 12)
    if not date.min.year <= year <= date.max.year:
        return None
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(base.day, last))
