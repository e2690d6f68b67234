"""Chinese working days, holidays and work weekends included."""

from __future__ import annotations

from datetime import date

import chinese_calendar

_SATURDAY = 5


def is_work_day(day: date) -> bool:
    """Whether a day is worked in China; beyond the calendar's years, Monday to Friday."""
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:  # the calendar knows no such year: fail open (DOMAIN.md §7)
        return day.weekday() < _SATURDAY
