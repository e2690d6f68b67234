"""Dates as portals print them (DOMAIN.md §5): every shape, and what only looks like one."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator import dates

NOW = datetime(2025, 8, 20, 4, 0, tzinfo=UTC)
NEW_YEAR = datetime(2026, 1, 5, 1, 0, tzinfo=UTC)
DAYS = st.dates(date(1950, 1, 1), date(2099, 12, 31))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2025-08-13", "2025-08-13"),
        ("2025/8/13", "2025-08-13"),
        ("2025.08.13", "2025-08-13"),
        ("2025年08月13日", "2025-08-13"),
        ("2025年8月13日 09:30", "2025-08-13T09:30:00+08:00"),
        ("2025-08-13 09:30 +99:99", "2025-08-13T09:30:00+08:00"),
        ("Wed, 13 Aug 2025 09:30:00 +9999", "2025-08-13T09:30:00+08:00"),
        ("2025-08-1309:30", "2025-08-13T09:30:00+08:00"),
        ("2025年8月13日09时30分", "2025-08-13T09:30:00+08:00"),
        ("2025-08-13 星期三 09:30", "2025-08-13T09:30:00+08:00"),
        ("[2025-08-13]", "2025-08-13"),
        ("【2025-08-13】", "2025-08-13"),
        ("（2025年8月13日）", "2025-08-13"),
        ("(08-13)", "2025-08-13"),
        ("08-13", "2025-08-13"),
        ("08/13", "2025-08-13"),
        ("8月13日", "2025-08-13"),
        ("25-08-13", "2025-08-13"),
        ("20250813", "2025-08-13"),
        ("13 2025-08", "2025-08-13"),
        ("13日 2025年8月", "2025-08-13"),
        ("发布时间：2025-08-13", "2025-08-13"),
        ("发布日期:2025-08-13 09:30", "2025-08-13T09:30:00+08:00"),
        ("发 布 日 期：２０２５－０８－１３", "2025-08-13"),
        ("上载日期 2025年08月13日", "2025-08-13"),
        ("2025-08-13 09:30:00.0", "2025-08-13T09:30:00+08:00"),
        ("2025-08-13T01:30:00Z", "2025-08-13T01:30:00+00:00"),
        ("2025-08-13T09:30:00+08:00", "2025-08-13T09:30:00+08:00"),
        ("2017—04—12 21∶37", "2017-04-12T21:37:00+08:00"),
        ("2025-08-13 00:00:00", "2025-08-13"),
        ("二〇二五年八月十三日", "2025-08-13"),
        ("二○一二年十二月三十一日", "2012-12-31"),
        ("二OO九年十月十日", "2009-10-10"),
        ("二零一一年二月二十日", "2011-02-20"),
        ("二0一二年三月五日", "2012-03-05"),
        ("二〇二五年 八月 十三 日", "2025-08-13"),
        ("1755046800", "2025-08-13T09:00:00+08:00"),
        ("1755046800000", "2025-08-13T09:00:00+08:00"),
        ("Wed, 13 Aug 2025 09:00:00 CST", "2025-08-13T09:00:00+08:00"),
        ("Wed, 13 Aug 2025 01:00:00 GMT", "2025-08-13T01:00:00+00:00"),
        ("Wed, 13 Aug 2025 09:00:00", "2025-08-13T09:00:00+08:00"),
        ("今天", "2025-08-20"),
        ("昨天 10:20", "2025-08-19"),
        ("前天", "2025-08-18"),
        ("3天前", "2025-08-17"),
        ("5小时前", "2025-08-20"),
    ],
)
def test_every_shape_is_read_in_china_time(text: str, wanted: str) -> None:
    """A wrong day sorts a notice away from its readers, so each shape has a line here."""
    read = dates.read_date(text, now=NOW)

    assert read is not None
    assert read.iso() == wanted


@pytest.mark.parametrize(
    "text",
    [
        "", "暂无", "2025-13-40", "13-45", "1:2", "2025年", "第3期", "99", "3.5%", "1.2.3.4",
        "12345678901234567890", "20251345",
    ],
)  # fmt: skip
def test_what_is_no_date_is_not_guessed(text: str) -> None:
    """A guess would be believed; no date is said to be unknown."""
    assert dates.read_date(text, now=NOW) is None


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("12-30", date(2025, 12, 30)),
        ("01-05", date(2026, 1, 5)),
        ("01-06", date(2026, 1, 6)),
        ("01-07", date(2025, 1, 7)),
        ("02-29", date(2024, 2, 29)),
    ],
)
def test_a_day_without_a_year_is_the_latest_not_after_tomorrow(text: str, wanted: date) -> None:
    """What a list shows on 5 January as 12-30 was posted last year."""
    read = dates.read_date(text, now=NEW_YEAR)

    assert read is not None
    assert read.day == wanted


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("http://portal.example/zcwj/202508/t20250813_12345.html", date(2025, 8, 13)),
        ("http://portal.example/art/2025/8/13/art_12_34.html", date(2025, 8, 13)),
        ("http://portal.example/a/2025-08-13/1.html", date(2025, 8, 13)),
        ("http://portal.example/a/20250813/abc.html", date(2025, 8, 13)),
        ("http://portal.example/content/post_1234567.html", None),
        ("http://portal.example/t20251345_1.html", None),
        ("http://portal.example/info/1001/1234.htm", None),
    ],
)
def test_addresses_tell_the_day_they_hold(url: str, wanted: date | None) -> None:
    """The address is the last resort where a page prints no date."""
    assert dates.date_from_url(url) == wanted


def test_a_longer_text_gives_its_first_date_with_a_year() -> None:
    """An article's head line holds source, counters and the date in any order."""
    read = dates.find_date(
        "来源：区投资局 浏览 128 次 时间：2025-08-13 09:30 字体：大 中 小", now=NOW
    )

    assert read is not None
    assert read.iso() == "2025-08-13T09:30:00+08:00"


@given(day=DAYS)
def test_what_is_printed_is_read_back(day: date) -> None:
    """Every usual way of printing a day round trips."""
    shapes = (
        f"{day:%Y-%m-%d}",
        f"{day.year}年{day.month}月{day.day}日",
        f"[{day.year}/{day.month}/{day.day}]",
        f"{day:%Y.%m.%d}",
        f"{day:%Y%m%d}",
    )

    assert {getattr(dates.read_date(shape, now=NOW), "day", None) for shape in shapes} == {day}


@given(day=st.dates(date(2023, 1, 1), date(2030, 1, 1)), ago=st.integers(0, 364))
def test_days_without_year_are_never_in_the_future(day: date, ago: int) -> None:
    """For any today, the day that was printed up to a year ago is found again."""
    now = datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=4)
    past = day - timedelta(days=ago)
    read = dates.read_date(f"{past:%m-%d}", now=now)

    assert read is not None
    assert read.day in {past, date(day.year, past.month, past.day)}
    assert read.day <= day + timedelta(days=1)


@given(text=st.text(max_size=60))
def test_no_text_makes_the_reader_fall(text: str) -> None:
    """Strangers write these strings."""
    dates.read_date(text, now=NOW)
    dates.find_date(text, now=NOW)
