"""What calendar clients read: every event whole, in its day, whatever portals write."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import icalendar
import ics
import pytest
from calendar_pages import DAY, PAGES, SEEN, due, notice, page
from calendar_rules import BrokenError, read
from dateutil.tz import tzical
from hypothesis import given, settings

from aggregator.model import Agenda, Authority
from feeds.calendar import events
from feeds.ics import render_calendar

SHANGHAI = ZoneInfo("Asia/Shanghai")


def only(made):
    """The one event of a page, as the strict reader reads it."""
    [event] = read(render_calendar(made)).of("VEVENT")
    return event


def fires(event) -> list[datetime]:
    """When an event's reminders come, on a clock in Shanghai, as icalendar reckons."""
    return sorted(
        alarm.trigger.replace(tzinfo=SHANGHAI)
        if isinstance(alarm.trigger, datetime) and alarm.trigger.tzinfo is None
        else alarm.trigger
        for alarm in event.alarms.times
    )


def test_an_investor_sees_what_is_due_when_and_where_it_says_so():
    """Title first; then who, which document, how much, the sentence, and both addresses."""
    event = only(page((notice(), (due(),))))

    assert event.text("SUMMARY") == "截止：关于组织申报2026年技术改造项目的通知(1)（江津区）"
    start, end = event.get("DTSTART"), event.get("DTEND")
    assert (start.params, start.value, end.value) == ({"VALUE": "DATE"}, "20261130", "20261201")
    told = event.text("DESCRIPTION").split("\n")
    assert "发布机关：演示区经济和信息化委员会" in told
    assert "文号：演示经信发〔2026〕3号" in told
    assert "金额：最高500万元" in told
    assert "依据：“请于11月30日前提交申报材料，逾期不予受理。”" in told
    assert "原文：http://www.district.example/zw/1.html" in told
    assert f"区讯记录：https://quxun.example/a/{UUID(int=1)}" in told
    assert event.get("URL").value == "http://www.district.example/zw/1.html"
    assert event.text("LOCATION") == "重庆市江津区"
    assert event.get("CATEGORIES").value.split(",") == ["政策", "申报通知", "江津区"]
    assert event.get("STATUS").value == "CONFIRMED"
    assert event.get("TRANSP").value == "TRANSPARENT"


def test_an_hour_is_an_hour_in_shanghai():
    """17:00 in Chongqing is 09:00 in London; a client that knows only our VTIMEZONE agrees."""
    sentence = "请于2026年11月30日17:00前提交申报材料。"
    body = render_calendar(page((notice(), (due(sentence=sentence),))))

    event = read(body).of("VEVENT")[0]
    assert event.get("DTSTART").params == {"TZID": "Asia/Shanghai"}
    assert event.get("DTSTART").value == "20261130T170000"
    [standard] = read(body).of("VTIMEZONE")[0].of("STANDARD")
    assert (standard.get("TZOFFSETTO").value, standard.get("DTSTART").value[:8]) == (
        "+0800", "19910915",
    )  # fmt: skip
    [known] = icalendar.Calendar.from_ical(body).events
    assert known.DTSTART.astimezone(UTC) == datetime(2026, 11, 30, 9, tzinfo=UTC)
    # A client without a zone database has only what we tell it.
    [zone] = icalendar.Calendar.from_ical(body).timezones
    alone = tzical(io.StringIO(zone.to_ical().decode())).get("Asia/Shanghai")
    assert datetime(2026, 11, 30, 17, tzinfo=alone).astimezone(UTC).hour == 9


@pytest.mark.parametrize(
    "sentence",
    ["请于11月30日前报送。", "请于11月30日17:00前报送。", "请于11月30日上午9:30前报送。"],
)
def test_reminders_come_at_nine_in_the_morning_a_week_and_a_day_before(sentence):
    """A reminder at midnight is turned off, and one at the hour of the deadline is too late."""
    body = render_calendar(page((notice(), (due(sentence=sentence),))))

    [event] = icalendar.Calendar.from_ical(body).events
    assert fires(event) == [
        datetime(2026, 11, 23, 9, tzinfo=SHANGHAI),
        datetime(2026, 11, 29, 9, tzinfo=SHANGHAI),
    ]


def test_equal_content_is_equal_bytes_and_nothing_is_stamped_with_the_present():
    """Caches and clients compare; DTSTAMP and the rest come from the change."""
    entries = [(notice(n), (due(0), due(1, day=DAY + timedelta(days=n)))) for n in (1, 2, 3)]
    made = page(*entries)

    turned = replace(made, agenda=Agenda(entries=tuple(reversed(entries))))
    assert render_calendar(made) == render_calendar(turned)
    event = read(render_calendar(made)).of("VEVENT")[0]
    assert event.get("DTSTAMP").value == event.get("LAST-MODIFIED").value == "20261005T023100Z"
    assert event.get("CREATED").value == "20261005T023000Z"


def test_several_deadlines_of_a_notice_are_several_events():
    """The portal closes before paper has to arrive: both days are in the calendar."""
    body = render_calendar(
        page(
            (
                notice(title="通知"),
                (due(0), due(1, day=date(2026, 12, 5), sentence="纸质材料12月5日前")),
            )
        )
    )

    found = read(body).of("VEVENT")
    assert [event.get("DTSTART").value for event in found] == ["20261130", "20261205"]
    assert [event.text("SUMMARY") for event in found] == [
        "截止：通知（江津区、提交）", "截止：通知（江津区、纸质）",
    ]  # fmt: skip
    assert [event.text("UID") for event in found] == [
        f"{UUID(int=1)}-0@quxun.example", f"{UUID(int=1)}-1@quxun.example",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("one", "deadline", "reason"),
    [
        (notice(), due(sequence=1, cancelled_at=SEEN), "原文不再写明"),
        (notice(at_withdrawn_at=SEEN), due(), "原文已撤下"),
        (notice(at_withdrawn_at=SEEN), due(sequence=1, cancelled_at=SEEN), "原文已撤下"),
        (notice(at_withdrawn_at=SEEN, at_merged_into=UUID(int=7)), due(), f"/a/{UUID(int=7)}"),
    ],
)
def test_what_is_no_more_due_is_cancelled_once(one, deadline, reason):
    """Clients delete it, reminders with it; those that show it say why."""
    event = only(page((one, (deadline,))))

    assert event.get("STATUS").value == "CANCELLED"
    assert event.get("SEQUENCE").value == "1"
    assert event.of("VALARM") == []
    assert reason in event.text("DESCRIPTION")
    assert event.text("UID") == f"{UUID(int=1)}-0@quxun.example"


def test_personal_numbers_and_long_prose_stay_out():
    """A deadline's sentence may name a person; the law and manners hold in calendars too."""
    sentence = "请于11月30日前联系张某13912345678（110101199001011234）报名。" + "等" * 400
    title = "关于李某13800138000补贴的公示" + "长" * 3000
    told = only(
        page((notice(title=title, authority=Authority.COMMERCIAL), (due(sentence=sentence),)))
    )

    words = told.text("DESCRIPTION")
    assert "139" not in words
    assert "1101" not in words
    assert "138" not in told.text("SUMMARY")
    assert len(words) < 500
    assert len(told.text("SUMMARY")) < 600


def test_an_empty_calendar_is_a_calendar():
    """A district may have no deadline yet; its subscribers come before the first."""
    body = render_calendar(page())

    calendar = read(body)
    assert calendar.of("VEVENT") == []
    assert calendar.parts, "RFC 5545 §3.6 asks for one component"
    assert calendar.text("NAME") == calendar.text("X-WR-CALNAME")
    assert calendar.get("SOURCE").value == "https://quxun.example/feeds/500116.ics"
    assert calendar.get("REFRESH-INTERVAL").value == calendar.get("X-PUBLISHED-TTL").value == "PT1H"
    assert calendar.get("METHOD").value == "PUBLISH"
    assert icalendar.Calendar.from_ical(body).events == []
    assert ics.Calendar(body.decode()).events == set()


@settings(max_examples=40, deadline=None)
@given(PAGES)
def test_whatever_a_portal_writes_two_libraries_read_what_we_meant(made):
    """Same events, days, hours, UIDs, sequences, reminders and text: nothing lost on the way."""
    body = render_calendar(made)
    meant = {event.uid: event for event in events(made)}

    strict = {part.text("UID"): part for part in read(body).of("VEVENT")}
    assert list(strict) == list(meant)
    parsed = icalendar.Calendar.from_ical(body)
    assert [str(event["UID"]) for event in parsed.events] == list(meant)
    for event in parsed.events:
        want = meant[str(event["UID"])]
        part = strict[want.uid]
        assert event["SUMMARY"] == want.title == part.text("SUMMARY")
        assert event["DESCRIPTION"] == want.description == part.text("DESCRIPTION")
        assert event.get("LOCATION", "") == want.place == part.text("LOCATION")
        assert event["URL"] == want.url
        assert tuple(event.categories) == want.categories
        assert event["SEQUENCE"] == want.sequence
        assert (event["STATUS"] == "CANCELLED") is want.cancelled
        assert (
            want.day if want.clock is None else datetime.combine(want.day, want.clock, SHANGHAI)
        ) == event.DTSTART
        assert (want.created, want.modified) == (event.CREATED, event.LAST_MODIFIED)
        assert len(event.walk("VALARM")) == (0 if want.cancelled else 2)

    read_back = {event.uid: event for event in ics.Calendar(body.decode()).events}
    assert read_back.keys() == meant.keys()
    for uid, event in read_back.items():
        want = meant[uid]
        assert event.name == want.title
        assert event.description == want.description
        assert (event.location or "") == want.place
        assert event.url == want.url
        assert event.categories == set(want.categories)
        assert event.all_day is (want.clock is None)
        begin = datetime.combine(want.day, want.clock or time(0), SHANGHAI)
        assert event.begin == (begin if want.clock else begin.replace(tzinfo=UTC))
        assert event.last_modified == want.modified
        assert len(event.alarms) == (0 if want.cancelled else 2)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda body: body.replace(b"\r\n", b"\n"), "CRLF"),
        (lambda body: body.replace(b"\r\n ", b""), "octets"),
        (lambda body: body.replace(b"SEQUENCE:0\r\n", b""), "SEQUENCE"),
        (lambda body: body.replace(b"DTSTART;VALUE=DATE:2026113", b"DTSTART:2026113"), "local"),
        (lambda body: body.replace(b"-1@", b"-0@"), "two events"),
        (lambda body: body.replace(b"\\n", b"\\q"), "escapes"),
    ],
)
def test_the_strict_reader_is_strict(spoil, why):
    """A checker that accepts everything proves nothing."""
    body = render_calendar(page((notice(), (due(0), due(1)))))
    read(body)

    with pytest.raises(BrokenError, match=why):
        read(spoil(body))
