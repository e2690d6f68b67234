"""A small strict reader of iCalendar, written from RFC 5545, 5546 and 7986 and nothing of ours.

``read`` gives the components of a document or raises ``BrokenError`` with what is wrong.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

NAME = re.compile(r"[A-Za-z0-9-]+")
CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f]")
DATE = re.compile(r"\d{8}")
LOCAL = re.compile(r"\d{8}T\d{6}")
UTC_TIME = re.compile(r"\d{8}T\d{6}Z")
DURATION = re.compile(r"([+-])?P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")
TEXTS = {"SUMMARY", "DESCRIPTION", "LOCATION", "NAME", "X-WR-CALNAME", "X-WR-CALDESC"}
#: What each component must have, and what it may have more than once.
REQUIRED = {
    "VCALENDAR": {"PRODID", "VERSION"},
    "VEVENT": {"UID", "DTSTAMP", "DTSTART", "ORGANIZER", "SUMMARY", "SEQUENCE"},
    "VALARM": {"ACTION", "TRIGGER", "DESCRIPTION"},
    "VTIMEZONE": {"TZID"},
    "STANDARD": {"DTSTART", "TZOFFSETFROM", "TZOFFSETTO"},
}
MANY = {"CATEGORIES"}
INSIDE = {
    "VCALENDAR": {"VEVENT", "VTIMEZONE"},
    "VEVENT": {"VALARM"},
    "VTIMEZONE": {"STANDARD", "DAYLIGHT"},
    "VALARM": set(),
    "STANDARD": set(),
}


class BrokenError(AssertionError):
    """A rule that a document breaks."""


@dataclass
class Line:
    """A content line: its name, parameters, and value as written."""

    name: str
    params: dict[str, str]
    value: str


@dataclass
class Part:
    """A component with its lines and what it holds."""

    name: str
    lines: list[Line] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)

    def get(self, name: str) -> Line | None:
        return next((line for line in self.lines if line.name == name), None)

    def text(self, name: str) -> str:
        line = self.get(name)
        return unescaped(line.value) if line else ""

    def of(self, name: str) -> list[Part]:
        return [part for part in self.parts if part.name == name]


def read(body: bytes) -> Part:
    """The calendar that a document holds."""
    calendar = _tree(_lines(body))
    need(calendar.name == "VCALENDAR", f"begins with {calendar.name}")
    _component(calendar)
    need(calendar.text("VERSION") == "2.0", "VERSION is not 2.0")
    zones = {zone.text("TZID") for zone in calendar.of("VTIMEZONE")}
    seen = set()
    for event in calendar.of("VEVENT"):
        _event(event, zones)
        uid = event.text("UID")
        need(uid not in seen, f"two events {uid}")
        seen.add(uid)
    return calendar


def need(holds: object, why: str) -> None:
    if not holds:
        raise BrokenError(why)


def unescaped(value: str) -> str:
    """TEXT as meant (RFC 5545 §3.3.11); what is escaped otherwise breaks it."""
    made, at = [], 0
    while at < len(value):
        char = value[at]
        if char == "\\":
            need(at + 1 < len(value), f"ends in half an escape: {value[-20:]!r}")
            after = value[at + 1]
            need(after in "\\;,nN", f"escapes {after!r}")
            made.append("\n" if after in "nN" else after)
            at += 2
            continue
        need(char not in ";,", f"a bare {char} in a text: {value[:60]!r}")
        made.append(char)
        at += 1
    return "".join(made)


def duration(value: str) -> timedelta:
    match = DURATION.fullmatch(value)
    need(match, f"no duration: {value}")
    sign, weeks, days, hours, minutes, seconds = match.groups()
    need(any((weeks, days, hours, minutes, seconds)), f"an empty duration: {value}")
    made = timedelta(
        weeks=int(weeks or 0), days=int(days or 0), hours=int(hours or 0),
        minutes=int(minutes or 0), seconds=int(seconds or 0),
    )  # fmt: skip
    return -made if sign == "-" else made


def utc(value: str) -> datetime:
    need(UTC_TIME.fullmatch(value), f"not in UTC: {value}")
    return datetime.strptime(value, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def _lines(body: bytes) -> list[Line]:
    need(body.endswith(b"\r\n"), "does not end in CRLF")
    physical = body.split(b"\r\n")[:-1]
    whole: list[str] = []
    for raw in physical:
        need(b"\r" not in raw and b"\n" not in raw, "a bare CR or LF")
        need(len(raw) <= 75, f"{len(raw)} octets in a line")
        need(bool(raw), "an empty line")
        try:
            text = raw.decode("utf-8", "strict")
        except UnicodeDecodeError as error:
            raise BrokenError(f"a line that is not UTF-8 by itself: {raw!r}") from error
        if text[0] in " \t":
            need(bool(whole), "begins with a folded line")
            whole[-1] += text[1:]
        else:
            whole.append(text)
    return [_line(text) for text in whole]


def _line(text: str) -> Line:
    need(not CONTROL.search(text), f"a control character in {text[:60]!r}")
    match = re.match(r'([A-Za-z0-9-]+)((?:;[A-Za-z0-9-]+=(?:"[^"]*"|[^";:,]*))*):', text)
    need(match, f"no content line: {text[:60]!r}")
    params = {}
    for name, value in re.findall(r';([A-Za-z0-9-]+)=("[^"]*"|[^";:,]*)', match[2]):
        need(name.upper() not in params, f"{name} twice in {text[:60]!r}")
        params[name.upper()] = value.strip('"')
    return Line(match[1].upper(), params, text[match.end() :])


def _tree(lines: list[Line]) -> Part:
    stack: list[Part] = []
    done: Part | None = None
    for line in lines:
        need(done is None, f"{line.name} behind the end")
        if line.name == "BEGIN":
            stack.append(Part(line.value))
        elif line.name == "END":
            need(bool(stack) and stack[-1].name == line.value, f"ends {line.value}")
            part = stack.pop()
            if stack:
                need(part.name in INSIDE[stack[-1].name], f"{part.name} in {stack[-1].name}")
                stack[-1].parts.append(part)
            else:
                done = part
        else:
            need(stack, f"{line.name} outside of everything")
            need(not stack[-1].parts or line.name == "END", f"{line.name} behind a component")
            stack[-1].lines.append(line)
    need(done is not None, "never ends")
    return done


def _component(part: Part) -> None:
    names = [line.name for line in part.lines]
    for name in REQUIRED.get(part.name, ()):
        need(name in names, f"{part.name} without {name}")
    for name in set(names) - MANY:
        need(names.count(name) == 1, f"{part.name} with two {name}")
    for line in part.lines:
        if line.name in TEXTS:
            unescaped(line.value)
        if line.name in {"DTSTAMP", "CREATED", "LAST-MODIFIED"}:
            utc(line.value)
    for inner in part.parts:
        _component(inner)


def _event(event: Part, zones: set[str]) -> None:
    start, end = event.get("DTSTART"), event.get("DTEND")
    if start.params.get("VALUE") == "DATE":
        need(DATE.fullmatch(start.value), f"no day: {start.value}")
        need("TZID" not in start.params, "a day with a zone")
        need(end is None or end.params.get("VALUE") == "DATE", "ends otherwise than it starts")
    else:
        need(LOCAL.fullmatch(start.value), f"no local time: {start.value}")
        need(start.params.get("TZID") in zones, "a zone that is not told")
    need(end is None or end.value > start.value, "ends before it starts")
    need(utc(event.get("CREATED").value) <= utc(event.get("LAST-MODIFIED").value), "modified first")
    need(event.get("SEQUENCE").value.isdigit(), "SEQUENCE is no number")
    need(event.text("STATUS") in {"TENTATIVE", "CONFIRMED", "CANCELLED"}, "an unknown STATUS")
    need(event.text("TRANSP") in {"OPAQUE", "TRANSPARENT"}, "an unknown TRANSP")
    need(bool(re.match(r"https?://[\x21-\x7e]+$", event.get("URL").value)), "URL is none")
    need(bool(re.match(r"(mailto|https?):", event.get("ORGANIZER").value)), "ORGANIZER is no URI")
    for alarm in event.of("VALARM"):
        need(alarm.text("ACTION") == "DISPLAY", "an alarm that does something else")
        need(duration(alarm.get("TRIGGER").value) < timedelta(0), "an alarm that comes too late")
