"""The story of a calendar: from the store to the page that ``feeds`` renders."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Protocol
from zoneinfo import ZoneInfo

import feeds
from aggregator import filters
from aggregator.errors import NotFoundError, UsageError
from aggregator.model import Agenda, CalendarPage, Filter

SHANGHAI = ZoneInfo("Asia/Shanghai")
#: Names under which a calendar of any filter stands; the first is the one we write.
ANY_FILTER = ("deadlines", "search")


class DeadlineStore(Protocol):
    """Deadlines and whose they are."""

    def agenda(self, filter_: Filter, *, today: date) -> Agenda:
        """Announcements of a filter with deadlines of the last 30 days and to come."""
        ...


def read_name(name: str) -> tuple[str, Filter]:
    """A calendar's canonical name and its filter.

    ``deadlines`` and ``search`` take any filter as their query, and are one; every other name is
    a feed's and takes none.

    Raises:
        NotFoundError: when there is no such feed.
        UsageError: when the query cannot be read, or stands where none is taken.
    """
    stem, _, query = name.partition("?")
    if stem in ANY_FILTER:
        wanted = filters.parse_query(query)
        canonical = filters.canonical(wanted)
        return ANY_FILTER[0] + (f"?{canonical}" if canonical else ""), wanted
    named = feeds.filter_of(stem)
    if named is None:
        raise NotFoundError(
            f"没有名为 {stem[:60]!r} 的日历 · there is no such calendar; /feeds/ lists feeds"
        )
    if query:
        raise UsageError(
            f"{stem} takes no filter; a calendar of any filter is /feeds/deadlines.ics?{query[:200]}"
        )
    return stem, named


def calendar_path(name: str) -> str:
    """Where a calendar is served, by its canonical name."""
    stem, mark, query = name.partition("?")
    return f"/feeds/{stem}.ics{mark}{query}"


def today_of(now: datetime) -> date:
    """The day in Asia/Shanghai: calendars move on with it."""
    return now.astimezone(SHANGHAI).date()


def calendar_page(
    name: str,
    wanted: Filter,
    *,
    deadlines: DeadlineStore,
    public_url: str,
    identity: tuple[str, str],
    now: datetime,
) -> CalendarPage:
    """The calendar of a name and a filter as ``read_name`` gives them.

    Args:
        name: canonical.
        wanted: what it shows.
        deadlines: whose they are.
        public_url: where we are, now.
        identity: authority and date of our ids, for ever.
        now: UTC.
    """
    agenda = deadlines.agenda(wanted, today=today_of(now))
    query = filters.canonical(wanted)
    said = filters.describe(wanted, "zh")
    named = not name.startswith(ANY_FILTER[0])
    title = feeds.feed_title(name) if named else f"区讯 · {said}"
    words = [f"{said}：申报、报名、投标等的截止日期，过后三十天移除。"]
    if agenda.cut:
        words.append(
            f"截止日期太多，只列出最近的 {len(agenda.entries)} 条公告；请按地区或分类订阅。"
        )
    return CalendarPage(
        title=f"{title} · 截止日期",
        subtitle="".join([*words, "非政府网站,以原文为准"]),
        home_url=f"{public_url}/?{query}" if query else f"{public_url}/",
        self_url=f"{public_url}{calendar_path(name)}",
        public_url=public_url,
        tag_authority=identity[0],
        updated_at=_updated(agenda, born_on=identity[1]),
        agenda=agenda,
    )


def _updated(agenda: Agenda, *, born_on: str) -> datetime:
    """When anything in a calendar changed last; an empty one is as old as our ids."""
    born = datetime.combine(date.fromisoformat(born_on), time(0), SHANGHAI)
    known = [due.changed_at for _, dues in agenda.entries for due in dues]
    known += [one.changed_at for one, _ in agenda.entries]
    return max(known, default=born)


def day_begins(now: datetime) -> datetime:
    """When the present day began in Asia/Shanghai: a calendar is never dated before."""
    return datetime.combine(today_of(now), time(0), SHANGHAI)
