"""Announcements, deadlines and pages for the tests of calendars, plain and of any make."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

from hypothesis import strategies as st

from aggregator.model import (
    Agenda,
    Amount,
    Announcement,
    CalendarPage,
    Category,
    Deadline,
    Draft,
    Due,
    Facts,
    Kind,
    Region,
)
from tests.records import SEEN, record_of

DAY = date(2026, 11, 30)
SENTENCE = "请于11月30日前提交申报材料，逾期不予受理。"
JIANGJIN = Region(code="500116", name="江津区", path=("重庆市", "重庆市", "江津区"))


def notice(number: int = 1, **changes: object) -> Announcement:
    """A complete announcement; keywords change its draft, ``at_`` ones the record."""
    draft = Draft(
        title=f"关于组织申报2026年技术改造项目的通知({number})",
        url=f"http://www.district.example/zw/{number}.html",
        posted_at=SEEN,
        issuer="演示区经济和信息化委员会",
        doc_number="演示经信发〔2026〕3号",
        regions=(JIANGJIN,),
        kind=Kind.POLICY,
        categories=(Category(slug="application", why="申报"),),
        facts=Facts(
            amounts=(
                Amount(value=500, yuan=5e6, basis="cap", unit="万元", sentence="最高500万元。"),
            ),
        ),
    )  # fmt: skip
    return record_of(draft, number, changes)


def due(number: int = 0, **changes: object) -> Due:
    made = Due(number=number, day=DAY, sentence=SENTENCE, born_at=SEEN, changed_at=SEEN)
    return replace(made, **changes)


def stated(day: date = DAY, sentence: str | None = None) -> Deadline:
    words = sentence or f"请于{day.month}月{day.day}日前提交申报材料，逾期不予受理。"
    return Deadline(value=day, sentence=words)


def page(*entries: tuple[Announcement, tuple[Due, ...]], **changes: object) -> CalendarPage:
    made = CalendarPage(
        title="区讯 · 重庆市江津区 · 截止日期",
        subtitle="江津区的申报截止日期。非政府网站,以原文为准",
        home_url="https://quxun.example/?region=500116",
        self_url="https://quxun.example/feeds/500116.ics",
        public_url="https://quxun.example",
        tag_authority="quxun.example",
        updated_at=SEEN,
        agenda=Agenda(entries=entries),
    )
    return replace(made, **changes)


NASTY = st.text(
    st.characters()
    | st.sampled_from("<>&\"'\\,;:\x00\x0b\x0c\x1b\x1e\u2028\x85\x7f\u202e\u0301　\r\n\tnN"),
    max_size=80,
) | st.sampled_from(
    ["", "\\", "\\n", "\\N\\n\\\\", "a" * 500, "𠮷" * 60, "汉" * 120, "\ud800", "END:VEVENT",
     "x\r\nEND:VCALENDAR\r\n", ";VALUE=DATE:", "https://a.example/,;\\n", "👩‍👩‍👧‍👦" * 9]
)  # fmt: skip
DAYS = st.dates(date(2026, 1, 1), date(2031, 12, 31))
MOMENTS = st.integers(0, 60 * 24 * 400).map(lambda n: SEEN + timedelta(minutes=n, microseconds=7))


@st.composite
def dues(draw) -> tuple[Due, ...]:
    made = []
    for number in range(draw(st.integers(1, 3))):
        day = draw(DAYS)
        clock = draw(st.sampled_from(["", "17:00", "下午5时30分", "24:00", " 9:05"]))
        told = f"于{day.year}年{day.month}月{day.day}日{clock}前报送"
        born = draw(MOMENTS)
        changed = born + timedelta(hours=draw(st.integers(0, 99)))
        made.append(
            Due(
                number=number,
                day=day,
                sentence=draw(st.just(told) | NASTY),
                sequence=draw(st.integers(0, 9)),
                born_at=born,
                changed_at=changed,
                cancelled_at=draw(st.none() | st.just(changed)),
            )
        )
    return tuple(made)


@st.composite
def entries(draw, number: int) -> tuple[Announcement, tuple[Due, ...]]:
    """An announcement with any text anywhere, and deadlines of any make."""
    region = Region(code="500116", name=draw(NASTY), path=(draw(NASTY),))
    one = notice(
        number,
        title=draw(NASTY),
        url=draw(NASTY | st.just("https://ok.example/路径?a=1,2;3 4")),
        issuer=draw(st.none() | NASTY),
        doc_number=draw(st.none() | NASTY),
        kind=draw(st.sampled_from(Kind)),
        categories=tuple(
            Category(slug=draw(NASTY), why="") for _ in range(draw(st.integers(0, 2)))
        ),
        regions=(region,) * draw(st.integers(0, 2)),
        at_withdrawn_at=draw(st.none() | MOMENTS),
        at_merged_into=draw(st.none() | st.just(UUID(int=99))),
    )
    return one, draw(dues())


PAGES = st.lists(st.integers(1, 9), unique=True, max_size=4).flatmap(
    lambda numbers: st.builds(
        lambda found, title: page(*found, title=title),
        st.tuples(*(entries(n) for n in numbers)),
        NASTY,
    )
)
