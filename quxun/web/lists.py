"""The page of feeds, OPML lists, and pages of places by their names."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Request, Response

import feeds
from aggregator import filters
from aggregator.errors import NotFoundError, UsageError
from aggregator.flow.calendars import calendar_path
from aggregator.model import Filter
from aggregator.text import one_line
from aggregator.wiring import Parts
from quxun.web.addresses import name_of
from quxun.web.documents import Document
from quxun.web.embed import embed_path, frame_code
from quxun.web.feedshelf import feed_path
from quxun.web.http import conditional, query_pairs
from quxun.web.kept import Made
from quxun.web.moved import moved
from quxun.web.site import SCRIPT_POLICY, Site, form_values, watched_regions

#: The formats of a feed with their labels; the calendar holds its deadlines.
FORMATS = (("atom", "Atom"), ("rss", "RSS"), ("json", "JSON"), ("ics", "iCal"))
#: Lists change when a source is added: seldom, and no harm is done by an old one.
CACHE = "public, max-age=300, stale-while-revalidate=3600"


def router(site: Site) -> APIRouter:
    """The routes of this module."""
    routes = APIRouter()

    @routes.get("/feeds")
    @routes.get("/feeds/")
    def listing(request: Request) -> Response:
        return _page_of_a_filter(site, request) if request.url.query else _page(site, request)

    @routes.get("/feeds/index.opml")
    def index(request: Request) -> Response:
        return _opml(site, request, "index")

    @routes.get("/feeds/opml/{name:path}")
    def outline(name: str, request: Request) -> Response:
        stem, dot, form = name.rpartition(".")
        if not dot or form != "opml":
            raise HTTPException(
                404, "列表地址以 .opml 结尾 · a list ends in .opml; /feeds/ shows them"
            )
        settled = stem if stem in feeds.WHOLE_LISTS else feeds.settled(stem)
        if feeds.list_path(settled) != request.url.path:
            return moved(request, feeds.list_path(settled))
        return _opml(site, request, settled)

    @routes.get("/r/{place:path}")
    def place(place: str, request: Request) -> Response:
        names = feeds.meant(place.removesuffix("/"))
        if len(names) != 1:
            return _no_one_place(site, place, names, request.url.query)
        wanted = feeds.filter_of(names[0]) or Filter()
        return moved(request, "/", urlencode(filters.pairs_of(wanted)))

    return routes


def _no_one_place(site: Site, place: str, names: Sequence[str], query: str) -> Response:
    """No place is called so, or several are: the page leads to each."""
    said = one_line(place)[:60]
    if not names:
        line = (
            f"没有叫 {said!r} 的地方 · no place is called so; /feeds/ lists those that are watched"
        )
        return site.message("找不到 Not found", line, status=404)
    line = f"{said!r} 可指多个地区 · several places are called so; choose one"
    tail = f"?{query}" if query else ""
    links = [
        (f"/r/{name}{tail}", f"{code} {feeds.region_title(code)}")
        for name in names
        for code in [name.rpartition("/")[2]]
    ]
    return site.message("哪一个？ Which one?", line, status=404, links=links)


def opml_document(site: Site, name: str) -> Document:
    """A list as OPML, made anew when the watched regions have changed.

    Raises:
        NotFoundError: when there is no such list.
    """
    regions = tuple(code for code, _ in site.watched_regions())
    public_url = site.parts.settings.public_url
    changed_at = site.listed_at()

    def make() -> Made:
        found = feeds.feed_list(name, regions=regions, public_url=public_url)
        if found is None:
            raise NotFoundError(_no_list(name))
        body = feeds.opml(found, modified_at=changed_at, owner_url=f"{public_url}/")
        return Made(body=body, media_type=feeds.MEDIA_TYPES["opml"], modified_at=changed_at)

    return site.kept.get(("opml", name), make, version=(regions, changed_at))


def opml_bytes(parts: Parts, name: str) -> bytes:
    """A list's bytes for the command line: ``all`` and ``index`` are the list of all.

    Raises:
        NotFoundError: when there is no such list.
    """
    public_url = parts.settings.public_url
    regions = [code for code, _ in watched_regions(parts.sources.list())]
    wanted = "index" if name == "all" else name
    found = feeds.feed_list(wanted, regions=regions, public_url=public_url)
    if found is None:
        raise NotFoundError(_no_list(name))
    return feeds.opml(found, modified_at=parts.sources.listed_at(), owner_url=f"{public_url}/")


def _no_list(name: str) -> str:
    return f"没有名为 {name[:60]!r} 的列表 · there is no such list; /feeds/ shows them"


def _opml(site: Site, request: Request, name: str) -> Response:
    answer = conditional(request, opml_document(site, name), cache=CACHE)
    answer.headers["Access-Control-Allow-Origin"] = "*"
    return answer


def _page(site: Site, request: Request) -> Response:
    """The page without a filter: the same bytes until a source is added."""
    changed_at = site.listed_at()

    def make() -> Made:
        body = _html(site, [], Filter())
        return Made(body=body, media_type="text/html", modified_at=changed_at)

    version = (tuple(site.watched_regions()), changed_at)
    made = site.kept.get(("page", "feeds"), make, version=version)
    return _with_script(conditional(request, made, cache="no-cache"))


def _page_of_a_filter(site: Site, request: Request) -> Response:
    """The same page with the addresses of a filter's feed."""
    pairs = query_pairs(request)
    problem = None
    try:
        wanted = filters.parse_filter(pairs)
    except UsageError as error:
        problem, wanted = str(error), Filter()
    html = _html(site, pairs, wanted, problem)
    status = 400 if problem else 200
    headers = {"Cache-Control": "no-cache"}
    return _with_script(Response(html, status, headers, "text/html; charset=utf-8"))


def _with_script(answer: Response) -> Response:
    """Let the page run our own script, the one behind its copy buttons."""
    answer.headers["Content-Security-Policy"] = SCRIPT_POLICY
    answer.headers["X-Frame-Options"] = "DENY"
    return answer


def _html(
    site: Site, pairs: list[tuple[str, str]], wanted: Filter, problem: str | None = None
) -> bytes:
    public_url = site.parts.settings.public_url
    regions = site.watched_regions()
    listed = feeds.feed_list("index", regions=[code for code, _ in regions], public_url="")
    assert listed is not None
    return site.html(
        "feeds.html",
        groups=listed.groups,
        formats=FORMATS,
        address=_address,
        regions=regions,
        form=form_values(pairs, wanted, problem),
        problem=problem,
        wanted=wanted,
        chosen=wanted != Filter(),
        list_url=_list_url(wanted, public_url),
        frame=frame_code(wanted, public_url),
        fragment=public_url + embed_path(wanted, ending=".html"),
        discover=(wanted,),
    )


def _address(wanted: Filter, form: str) -> str:
    if form == "ics":
        return calendar_path(name_of(wanted).replace("search?", "deadlines?"))
    return feed_path(wanted, form)


def _list_url(wanted: Filter, public_url: str) -> str | None:
    """The OPML list of a filter that is nothing, one region or one subject."""
    name = feed_path(wanted).removeprefix("/feeds/").removesuffix(".atom")
    if "/" in name or feeds.filter_of(name) is None:
        return None
    return public_url + feeds.list_path("index" if name == "all" else name)
