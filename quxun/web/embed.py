"""Lists of announcements for other sites: a fragment their server includes, a frame without script."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from html import escape

from fastapi import APIRouter, Request, Response

import feeds
from aggregator import filters
from aggregator.errors import UsageError
from aggregator.model import Announcement, Filter
from quxun.web import words
from quxun.web.feedshelf import feed_path
from quxun.web.http import conditional, query_pairs
from quxun.web.kept import Made
from quxun.web.moved import moved
from quxun.web.site import Site, query_of

CACHE = "public, max-age=60, stale-while-revalidate=600"
ROWS = 10
MOST_ROWS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One announcement of a list: ``url`` is the original, ``day`` that of posting in China."""

    title: str
    url: str
    day: str
    region: str
    source: str


def router(site: Site) -> APIRouter:
    """The routes of this module."""
    routes = APIRouter()

    @routes.get("/embed/{name:path}")
    def embed(name: str, request: Request) -> Response:
        parts = [part for part in name.split("/") if part]
        stem = "/".join(parts).removesuffix(".html")
        ending = ".html" if parts and parts[-1].endswith(".html") else ""
        settled = stem if stem == "search" else feeds.settled(stem)
        if settled + ending != name:
            return moved(request, f"/embed/{settled}{ending}")
        wanted, limit = _asked(stem, query_pairs(request))
        template = "embed_list.html" if ending else "embed.html"
        made = site.kept.get(
            (template, filters.canonical(wanted), limit),
            lambda: _made(site, template, wanted, limit),
        )
        answer = conditional(request, made, cache=CACHE)
        answer.headers.update(_headers(site, fragment=bool(ending)))
        return answer

    return routes


def _asked(stem: str, pairs: Iterable[tuple[str, str]]) -> tuple[Filter, int]:
    """The filter and the number of rows: those of the name, narrowed by those of the query.

    Raises:
        UsageError: names the field that cannot be used.
    """
    named = filters.pairs_of(feeds.filter_of(stem) or Filter()) if stem != "search" else []
    blank = {"limit", *filters.FIELDS}  # as if left out; what we do not know is told all the same
    typed = [(field, value) for field, value in pairs if value or field not in blank]
    limits = [value for field, value in typed if field == "limit"]
    typed = [(field, value) for field, value in typed if field != "limit"]
    twice = {field for field, _ in named} & {field for field, _ in typed}
    if twice:
        field = min(twice)
        raise UsageError(
            f"地址 /embed/{stem} 已含 {field}，请用 /embed/search"
            f" · {field}: the address /embed/{stem} says it already; use /embed/search"
        )
    return filters.parse_filter([*named, *typed]), _limit(limits)


def _limit(values: list[str]) -> int:
    if not values:
        return ROWS
    value = values[-1]
    if value.isascii() and value.isdigit() and 1 <= int(value[:4]) <= MOST_ROWS:
        return int(value[:4])
    raise UsageError(f"limit：1 到 {MOST_ROWS} 的数字 · limit: a number from 1 to {MOST_ROWS}")


def _made(site: Site, template: str, wanted: Filter, limit: int) -> Made:
    found = site.parts.announcements.find(wanted, limit=limit)
    public_url = site.parts.settings.public_url
    body = site.html(
        template,
        title=f"区讯 · {filters.describe(wanted)}",
        home=f"{public_url}/{query_of(wanted)}",
        rows=[_row(one, public_url) for one in found],
        discover=(wanted,),
    )
    return Made(body=body, media_type="text/html", modified_at=_changed_at(site, found))


def _changed_at(site: Site, found: Iterable[Announcement]) -> datetime:
    return max((one.changed_at for one in found), default=site.listed_at())


def _row(one: Announcement, public_url: str) -> Row:
    draft = one.draft
    return Row(
        title=feeds.tidy_title(draft.title),
        url=feeds.web_url(draft.url) or f"{public_url}/a/{one.uuid}",
        day=words.day(feeds.posted_at(one)),
        region=draft.regions[0].name if draft.regions else "",
        source=feeds.tidy(one.source_name),
    )


def _headers(site: Site, *, fragment: bool) -> dict[str, str]:
    """What lets other sites show it; our own pages let nobody."""
    common = {"X-Robots-Tag": "noindex", "Cross-Origin-Resource-Policy": "cross-origin"}
    if fragment:
        return common | {"Access-Control-Allow-Origin": "*"}
    frames = " ".join(site.parts.settings.embed_sites) or "'none'"
    policy = (
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none';"
        f" frame-ancestors {frames}"
    )
    return common | {"Content-Security-Policy": policy}


def embed_path(wanted: Filter, *, ending: str = "") -> str:
    """The address of a filter's list for other sites."""
    name, _, query = feed_path(wanted).removeprefix("/feeds/").partition("?")
    path = f"/embed/{name.removesuffix('.atom')}{ending}"
    return f"{path}?{query}" if query else path


def frame_code(wanted: Filter, public_url: str) -> str:
    """The markup with which another site shows a filter's list."""
    title = escape(f"区讯 · {filters.describe(wanted)}")
    address = escape(public_url + embed_path(wanted))
    return (
        f'<iframe src="{address}" title="{title}" width="100%" height="420" loading="lazy"'
        ' style="border:0" sandbox="allow-popups allow-popups-to-escape-sandbox"></iframe>'
    )
