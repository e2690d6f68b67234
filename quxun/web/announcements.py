"""The list of announcements with its filters, and one announcement."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from itertools import groupby
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

import feeds
from aggregator import filters
from aggregator.errors import NotFoundError, UsageError
from aggregator.model import Announcement, Filter
from aggregator.store.announcements import COUNTED
from quxun.web import words
from quxun.web.feedshelf import feed_path
from quxun.web.http import query_pairs
from quxun.web.site import Site, form_values
from quxun.web.words import CHINA

ROWS = 20
#: Nobody pages further; a filter finds it sooner.
LAST_PAGE = COUNTED // ROWS


def router(site: Site) -> APIRouter:
    """The routes of this module."""
    routes = APIRouter()

    @routes.get("/")
    def index(request: Request) -> Response:
        return _list_page(site, request)

    @routes.get("/a/{ref}")
    def one(ref: str) -> Response:
        return _one_page(site, ref)

    return routes


def _list_page(site: Site, request: Request) -> Response:
    pairs = query_pairs(request)
    typed = [(name, value) for name, value in pairs if name != "page"]
    problem = None
    try:
        wanted = filters.parse_filter(typed)
        number = _page_number([value for name, value in pairs if name == "page"])
    except UsageError as error:
        problem, wanted, number = str(error), Filter(), 1
    found: list[Announcement] = []
    total = 0
    if problem is None:
        store = site.parts.announcements
        found = list(store.find(wanted, limit=ROWS, offset=(number - 1) * ROWS))
        total = store.count(wanted)
    pages = min(LAST_PAGE, max(1, -(-total // ROWS)))
    return site.page(
        "index.html",
        status=400 if problem else 200,
        problem=problem,
        wanted=wanted,
        filtered=wanted != Filter(),
        form=form_values(typed, wanted, problem),
        days=_days(found),
        total=total,
        counted=total < COUNTED,
        number=number,
        pages=pages,
        regions=site.watched_regions(),
        feed=feed_links(site, wanted),
        coverage=site.coverage(),
        discover=(wanted,),
    )


def _one_page(site: Site, ref: str) -> Response:
    store = site.parts.announcements
    try:
        uuid = UUID(ref)
    except ValueError as error:
        raise NotFoundError("没有这条公告 · there is no such announcement") from error
    try:
        one = store.get(uuid)
    except NotFoundError as error:
        raise NotFoundError("没有这条公告 · there is no such announcement") from error
    if one.merged_into:
        return RedirectResponse(f"/a/{one.merged_into}", 308)
    if one.removed_at:
        at = words.moment(one.removed_at)
        line = f"这条公告已于 {at} 依法删除 · removed by law at {at} (UTC+8)"
        return site.message("已删除 Gone", line, status=410)
    home = next(iter(one.draft.regions), None)
    return site.page(
        "announcement.html",
        one=one,
        url=feeds.web_url(one.draft.url),
        body=feeds.full_text(one),
        summary=feeds.summary(one),
        sightings=[(s, feeds.web_url(s.url)) for s in one.sightings],
        attachments=[(a, feeds.web_url(a.url)) for a in one.draft.attachments],
        revisions=store.revisions(one.id),
        related=store.citations(one.id),
        rulings=site.parts.rulings.of(one.id),
        feed=feed_links(site, Filter(region=(home.code,) if home else ())),
        discover=_discover(one),
    )


def feed_links(site: Site, wanted: Filter) -> dict[str, str]:
    """The addresses of a filter's feed in every format."""
    public_url = site.parts.settings.public_url
    return {form: public_url + feed_path(wanted, form) for form in feeds.FORMATS}


def _discover(one: Announcement) -> tuple[Filter, ...]:
    """The feeds in which one announcement stands: its regions', its categories', and all."""
    regions = tuple(Filter(region=(region.code,)) for region in one.draft.regions[:3])
    categories = tuple(Filter(category=(c.slug,)) for c in one.draft.categories[:2])
    return (*regions, *categories, Filter())


def _days(found: Iterable[Announcement]) -> list[tuple[date, list[Announcement]]]:
    """Announcements under the day on which they were posted, in the order they came."""

    def posted_on(one: Announcement) -> date:
        return (one.draft.posted_at or one.first_seen_at).astimezone(CHINA).date()

    return [(day, list(group)) for day, group in groupby(found, key=posted_on)]


def _page_number(values: list[str]) -> int:
    if not values:
        return 1
    if values[-1].isascii() and values[-1].isdigit() and 1 <= int(values[-1][:6]) <= LAST_PAGE:
        return int(values[-1])
    raise UsageError(
        f"页码为 1 到 {LAST_PAGE} 的数字 · page must be a number from 1 to {LAST_PAGE}"
    )
