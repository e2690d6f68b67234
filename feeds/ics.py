"""iCalendar (RFC 5545, with the properties of RFC 7986) by icalendar: deadlines as events."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from icalendar import Alarm, Calendar, Timezone, TimezoneStandard, vText
from icalendar import Event as Component

from aggregator.model import CalendarPage
from feeds.calendar import Event, events, words

SHANGHAI = ZoneInfo("Asia/Shanghai")
#: Clients ask again after this long.
REFRESH = timedelta(hours=1)
#: Reminders: so many days before, at nine in the morning.
ALARM_DAYS = (7, 1)
ALARM_HOUR = timedelta(hours=9)
_DAY = timedelta(days=1)
_END = b"END:VCALENDAR\r\n"
#: A name of CSS 3 (RFC 7986 §5.9), and the same for clients that know a number only.
_COLOR, _COLOR_CODE = "firebrick", "#B22222"


def render_calendar(page: CalendarPage) -> bytes:
    """The calendar document; equal pages make equal bytes.

    A deadline without an hour is a day (``VALUE=DATE``) and so the same day wherever it is
    read; one with an hour is in Asia/Shanghai, whose VTIMEZONE is always there.
    """
    calendar = Calendar()
    # icalendar escapes no text of a property that it does not know.
    name, about = vText(words(page.title)), vText(words(page.subtitle))
    calendar.add("prodid", "-//Quxun//Deadlines//ZH")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    calendar.add("name", name)
    calendar.add("x-wr-calname", name)
    calendar.add("description", about)
    calendar.add("x-wr-caldesc", about)
    calendar.add("x-wr-timezone", "Asia/Shanghai")
    calendar.add("url", page.home_url)
    calendar.add("source", page.self_url, parameters={"VALUE": "URI"})
    calendar.add("last-modified", page.updated_at.replace(microsecond=0))
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    calendar.add("color", _COLOR)
    calendar.add("x-apple-calendar-color", _COLOR_CODE)
    calendar.add_component(_zone())
    frame: bytes = calendar.to_ical()
    printed = b"".join(_printed(event, f"{page.public_url}/") for event in events(page))
    return frame.removesuffix(_END) + printed + _END


def _zone() -> Timezone:
    """Asia/Shanghai since its last change, the end of summer time in 1991."""
    zone, standard = Timezone(), TimezoneStandard()
    zone.add("tzid", "Asia/Shanghai")
    standard.add("dtstart", datetime(1991, 9, 15, 2, 0))  # noqa: DTZ001  # local, as RFC 5545 has it
    standard.add("tzoffsetfrom", timedelta(hours=9))
    standard.add("tzoffsetto", timedelta(hours=8))
    standard.add("tzname", "CST")
    zone.add_component(standard)
    return zone


@lru_cache(maxsize=4096)
def _printed(event: Event, publisher: str) -> bytes:
    """An event's lines; the others of a calendar are as they were when one of them changes."""
    document: bytes = _component(event, publisher).to_ical()
    return document


def _component(event: Event, publisher: str) -> Component:
    made = Component()
    made.add("uid", event.uid)
    made.add("dtstamp", event.modified)
    made.add("created", event.created)
    made.add("last-modified", event.modified)
    made.add("sequence", event.sequence)
    made.add("status", "CANCELLED" if event.cancelled else "CONFIRMED")
    if event.clock is None:
        made.add("dtstart", event.day)
        made.add("dtend", event.day + _DAY)
    else:
        made.add("dtstart", datetime.combine(event.day, event.clock, SHANGHAI))
    made.add("summary", event.title)
    made.add("description", event.description)
    made.add("url", event.url)
    if event.place:
        made.add("location", event.place)
    if event.categories:
        made.add("categories", list(event.categories))
    # RFC 5546 §3.2.1 asks a published event for its publisher, who need not have a mailbox.
    made.add("organizer", publisher, parameters={"CN": "区讯 Quxun"})
    made.add("transp", "TRANSPARENT")
    made.add("class", "PUBLIC")
    if not event.cancelled:
        for days in ALARM_DAYS:
            made.add_component(_alarm(event, days))
    return made


def _alarm(event: Event, days: int) -> Alarm:
    """A reminder at nine in the morning, told from the event's own beginning."""
    begins = timedelta(0)
    if event.clock is not None:
        begins = timedelta(hours=event.clock.hour, minutes=event.clock.minute)
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", f"{'明天' if days == 1 else f'{days}天后'}{event.title}")
    alarm.add("trigger", ALARM_HOUR - begins - days * _DAY)
    return alarm
