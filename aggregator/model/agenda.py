"""What calendars are made of: deadlines, each followed through every change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from aggregator.model.announcement import Announcement


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One deadline of an announcement, followed through every change of the notice.

    ``number`` is its own within the announcement, for ever. ``sequence`` counts how often it
    moved, was taken back or came again (RFC 5545 §3.8.7.4), ``changed_at`` is when anything of
    it last did. ``cancelled_at`` is set while the notice no longer states it.
    """

    number: int
    day: date
    sentence: str
    sequence: int = 0
    born_at: datetime
    changed_at: datetime
    cancelled_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Agenda:
    """Announcements with their deadlines, in a stable order; ``cut`` when there are more."""

    entries: tuple[tuple[Announcement, tuple[Due, ...]], ...]
    cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarPage:
    """Everything that a calendar is made of; equal pages make equal bytes.

    ``tag_authority`` comes from the database and ends every UID, whatever our address is.
    """

    title: str
    subtitle: str
    home_url: str
    self_url: str
    public_url: str
    tag_authority: str
    updated_at: datetime
    agenda: Agenda
