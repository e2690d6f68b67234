"""The calendar of a whole country: polled, edited, withdrawn and read again, through the store."""

from __future__ import annotations

from datetime import date, timedelta

import icalendar
import ics
import pytest
from calendar_rules import read
from flow_world import DAY, HOUR, MINUTE

from aggregator import store
from aggregator.flow.calendars import calendar_page, read_name
from aggregator.flow.reprocess import reprocess
from feeds import render_calendar
from quxun.country import Edit, Nature

LONG = timedelta(days=30)


def calendar(it, name: str = "deadlines") -> bytes:
    deadlines = store.Deadlines(it.engine)
    page = calendar_page(
        *read_name(name), deadlines=deadlines, public_url="https://quxun.example",
        identity=("quxun.example", "2026-01-01"), now=it.now,
    )  # fmt: skip
    return render_calendar(page)


def events(body: bytes) -> dict[str, icalendar.Event]:
    read(body)
    return {str(event["UID"]): event for event in icalendar.Calendar.from_ical(body).events}


@pytest.fixture
def it(world):
    """A portal with a notice to whose end a day is set; its events before anything happens."""
    made = world(portals=1, notices=3)
    made.later(MINUTE)
    column = made.column("trs")
    (made.notice,) = made.do(
        made.country.publish, made.now, column=column, nature=Nature.DRAFT, reprints=False
    )
    made.look(column)
    (place,) = next(k.places for k in made.truth().notices if k.notice.id == made.notice.id)
    found = "select a.uuid from entries e join announcements a on a.id = e.announcement_id"
    made.uuid = made.one(f"{found} where e.url = :url", url=place.article_url)
    return made


def mine(it) -> list[icalendar.Event]:
    return [e for uid, e in events(calendar(it)).items() if uid.startswith(str(it.uuid))]


def test_every_deadline_of_a_country_is_an_event_of_both_libraries(world):
    """What portals published is in the calendar, once, on its day: nothing more or less."""
    it = world(portals=6, notices=12, reprints=0.3)
    it.later(MINUTE)
    it.do(it.country.publish, it.now, 12, nature=Nature.APPLICATION)
    it.look()
    since = it.now.date() - LONG

    body = calendar(it)

    stored = {
        (str(row["uuid"]), row["day"])
        for row in it.rows(
            "select a.uuid, cast(d.stated ->> 'value' as date) as day from announcements a,"
            " jsonb_array_elements(a.draft -> 'facts' -> 'deadlines') d (stated)"
            " where not a.excluded and a.merged_into is null and a.withdrawn_at is null"
        )
    }
    due = {(uuid, day) for uuid, day in stored if day >= since}
    assert len(due) > 10
    standing = {uid: event for uid, event in events(body).items() if event["STATUS"] == "CONFIRMED"}
    assert {(uid[:36], _day(event.DTSTART)) for uid, event in standing.items()} == due
    other = {event.uid: event for event in ics.Calendar(body.decode()).events}
    assert other.keys() == events(body).keys()
    assert all(other[uid].name == str(event["SUMMARY"]) for uid, event in standing.items())


def test_a_page_that_puts_its_deadline_off_moves_its_event(it):
    """From the portal's own edit to the subscriber's calendar: one event, one step on."""
    (before,) = mine(it)
    it.later(HOUR)
    edited = it.do(it.country.edit, it.notice, it.now, Edit.DEADLINE)
    it.later(MINUTE)
    it.look()

    (after,) = mine(it)
    assert edited.facts.deadlines[0].day == _day(after.DTSTART)
    assert _day(after.DTSTART) > _day(before.DTSTART)
    assert (after["UID"], after["SEQUENCE"]) == (before["UID"], before["SEQUENCE"] + 1)


def test_a_page_that_is_gone_cancels_its_event(it):
    """404 for a day: reminders for what is withdrawn are worse than none."""
    it.do(it.country.withdraw, it.notice, it.now)
    for wait in (HOUR + MINUTE, DAY - HOUR, HOUR + MINUTE):
        it.later(wait)
        it.look()

    (gone,) = mine(it)
    assert (gone["STATUS"], gone["SEQUENCE"]) == ("CANCELLED", 1)


def test_the_archive_read_again_changes_no_byte(it):
    """A reading that finds the same says the same to every phone."""
    before = calendar(it)
    it.later(HOUR)
    with it.engine.begin() as connection:
        connection.exec_driver_sql(
            """update announcements set draft = draft || '{"extractor": 1}'"""
        )
    done = it.run(reprocess(store=it.entries, reader=it.reader, clock=it.clock))

    assert done.read > 0
    assert calendar(it) == before


def test_a_better_reading_corrects_a_day_and_keeps_the_event(it):
    """An older version read another day: the correction is a move, told to calendars alone."""
    (before,) = mine(it)
    wrong = date(2027, 2, 1)
    with it.engine.begin() as connection:
        connection.exec_driver_sql(
            "update deadlines set day = %s where announcement_id ="
            " (select id from announcements where uuid = %s)",
            (wrong, it.uuid),
        )
        connection.exec_driver_sql(
            "update announcements set substance_hash = 'old', draft = jsonb_set(draft,"
            " '{facts,deadlines,0,value}', to_jsonb(%s::text)) || '{\"extractor\": 1,"
            ' "substance_hash": "old"}\' where uuid = %s',
            (str(wrong), it.uuid),
        )
        connection.exec_driver_sql(
            "update changes set record = jsonb_set(cast(record as jsonb),"
            " '{draft,facts,deadlines,0,value}', to_jsonb(%s::text))::text where uuid = %s",
            (str(wrong), it.uuid),
        )
    it.run(reprocess(store=it.entries, reader=it.reader, clock=it.clock))

    (after,) = mine(it)
    assert (after["UID"], after["SEQUENCE"]) == (before["UID"], 1)
    assert before.DTSTART == after.DTSTART


def _day(moment: date) -> date:
    return moment.date() if hasattr(moment, "date") else moment
