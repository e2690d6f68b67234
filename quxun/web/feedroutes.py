"""Feeds and the page that lists them."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request, Response

import feeds
from aggregator import filters
from quxun.web.feedshelf import index_document, outline
from quxun.web.http import conditional, query_pairs
from quxun.web.site import Site

#: Readers ask every few minutes; shared caches may keep a document this long.
CACHE = "public, max-age=60, stale-while-revalidate=600"


def router(site: Site) -> APIRouter:
    """The routes of this module."""
    routes = APIRouter()

    @routes.get("/feeds")
    @routes.get("/feeds/")
    def listing() -> Response:
        public_url = site.parts.settings.public_url
        groups = outline(public_url, site.watched_regions())
        return site.page(
            "feeds.html",
            groups=groups,
            formats=[(form, form.upper()) for form in feeds.FORMATS],
            stem=lambda url: url.removesuffix(".atom"),
            opml_url=f"{public_url}/feeds/index.opml",
        )

    @routes.get("/feeds/index.opml")
    def index(request: Request) -> Response:
        return conditional(request, index_document(site.parts), cache=CACHE)

    @routes.get("/feeds/{name:path}")
    def document(name: str, request: Request) -> Response:
        stem, dot, form = name.rpartition(".")
        if not dot or form not in feeds.FORMATS:
            endings = ", ".join(f".{form}" for form in feeds.FORMATS)
            raise HTTPException(
                404, f"订阅源地址以 {endings} 结尾 · a feed ends in {endings}; /feeds lists them"
            )
        if stem == "search":
            wanted = filters.parse_filter(query_pairs(request))
            found = site.shelf.search(wanted, form)
        else:
            found = site.shelf.named(stem, form)
        return conditional(request, found, cache=CACHE)

    return routes
