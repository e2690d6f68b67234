"""Deadlines of announcements → events of a calendar: which, when, and in which words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time

from aggregator.deadlines import clock_of, mark_of
from aggregator.filters import CATEGORIES, KINDS, chief_amount, money
from aggregator.model import Announcement, CalendarPage, Due
from aggregator.text import shorten
from feeds.items import DISCLAIMER, SUMMARY_CHARACTERS, whole_second
from feeds.words import TITLE_CHARACTERS, impersonal, tidy, web_url

#: A backslash before an n is read as a line break by both libraries that we are tried with, and
#: by whoever unescapes as they do.
_BREAK_LIKE = re.compile(r"\\(?=[nN])")
_PLACES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One deadline as a calendar shows it; all day long where it has no ``clock``.

    All text is clean; only ``description`` has several lines. ``day`` and ``clock`` are in
    Asia/Shanghai; ``created`` and ``modified`` whole seconds of UTC.
    """

    uid: str
    sequence: int
    cancelled: bool
    day: date
    clock: time | None
    title: str
    description: str
    url: str
    place: str
    categories: tuple[str, ...]
    created: datetime
    modified: datetime


def events(page: CalendarPage) -> list[Event]:
    """The events of a page by day and hour, in an order that stays."""
    made = [
        _event(page, one, due, several=len(dues) > 1)
        for one, dues in page.agenda.entries
        for due in dues
    ]
    return sorted(made, key=lambda event: (event.day, event.clock or time(0), event.uid))


def words(text: str) -> str:
    """One line of text that every calendar reads as it was meant."""
    return _BREAK_LIKE.sub("＼", tidy(text))


def _event(page: CalendarPage, one: Announcement, due: Due, *, several: bool) -> Event:
    ended = one.withdrawn_at
    cancelled = due.cancelled_at is not None or ended is not None
    known = [due.born_at, due.changed_at, one.changed_at]
    clock = clock_of(due.day, due.sentence)
    title = shorten(impersonal(words(one.draft.title)), TITLE_CHARACTERS) or "(无标题)"
    about = [words(region.name) for region in one.draft.regions[:_PLACES]]
    about += [words(mark_of(due.day, due.sentence))] if several else []
    which = f"（{'、'.join(filter(None, about))}）" if any(about) else ""
    page_url = f"{page.public_url}/a/{one.uuid}"
    return Event(
        uid=f"{one.uuid}-{due.number}@{page.tag_authority}",
        # A withdrawal that was noted on the notice alone counts as one change, too.
        sequence=due.sequence + (ended is not None and due.cancelled_at is None),
        cancelled=cancelled,
        day=due.day,
        clock=clock,
        title=f"{'【已取消】' if cancelled else ''}截止：{title}{which}",
        description="\n".join(_lines(page, one, due, clock=clock, page_url=page_url)),
        url=web_url(one.draft.url) or page_url,
        place="、".join(dict.fromkeys(_whole_place(one))),
        categories=_categories(one),
        created=whole_second(due.born_at),
        modified=whole_second(max([*known, *([ended] if ended else [])])),
    )


def _lines(
    page: CalendarPage, one: Announcement, due: Due, *, clock: time | None, page_url: str
) -> list[str]:
    draft = one.draft
    day = f"{due.day.year}年{due.day.month}月{due.day.day}日"
    hour = f" {clock:%H:%M}（北京时间）" if clock else ""
    lines = [_reason(page, one, due), f"截止时间：{day}{hour}"]
    if draft.issuer:
        lines.append(f"发布机关：{words(draft.issuer)}")
    if draft.doc_number:
        lines.append(f"文号：{words(draft.doc_number)}")
    chief = chief_amount(draft)
    if chief and chief.yuan:
        lines.append(f"金额：{'最高' if chief.basis == 'cap' else ''}{money(chief.yuan)}")
    sentence = shorten(impersonal(words(due.sentence)), SUMMARY_CHARACTERS)
    if sentence:
        lines.append(f"依据：“{sentence}”")
    url = web_url(draft.url)
    if url:
        lines.append(f"原文：{url}")
    lines += [f"区讯记录：{page_url}", DISCLAIMER]
    return [line for line in lines if line]


def _reason(page: CalendarPage, one: Announcement, due: Due) -> str:
    """Why an event is cancelled, in words for those whose client shows it still."""
    if one.removed_at is not None:
        return "已取消：此公告已依法移除"
    if one.merged_into is not None:
        return f"已取消：此公告已并入 {page.public_url}/a/{one.merged_into}"
    if one.withdrawn_at is not None:
        return "已取消：原文已撤下"
    return "已取消：原文不再写明这一截止日期" if due.cancelled_at is not None else ""


def _whole_place(one: Announcement) -> list[str]:
    found = ["".join(dict.fromkeys((*region.path, region.name))) for region in one.draft.regions]
    return [place for place in map(words, found[:_PLACES]) if place]


def _categories(one: Announcement) -> tuple[str, ...]:
    draft = one.draft
    said = [CATEGORIES.get(category.slug, category.slug) for category in draft.categories]
    names = [KINDS[draft.kind], *said, *(region.name for region in draft.regions[:_PLACES])]
    # A list is taken apart at commas behind which some readers take any backslash for an escape.
    return tuple(dict.fromkeys(name for n in names if (name := tidy(n).replace("\\", "＼"))))
