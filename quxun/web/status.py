"""How the service is doing: for readers a page, for machines three short answers."""

from __future__ import annotations

from collections import Counter

from fastapi import APIRouter, Response
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from aggregator.errors import OutageError
from aggregator.model import Health, Source, SourceState
from quxun.web.site import Site

_WELL = {Health.WELL, Health.NEW}


def router(site: Site) -> APIRouter:
    """The routes of this module."""
    routes = APIRouter()

    @routes.get("/status")
    def status() -> Response:
        sources = site.sources()
        active = [one for one in sources if one.state is SourceState.ACTIVE]
        return site.page(
            "status.html",
            sources=sorted(sources, key=_order),
            counts=Counter(one.health for one in active),
            coverage=site.coverage(),
            stats=site.stats(),
            alarms=len(site.alarms()),
            hold=site.parts.holds.held(),
        )

    @routes.get("/about")
    def about() -> Response:
        return site.page("about.html", agent=site.parts.settings.user_agent)

    @routes.get("/healthz")
    def healthz() -> Response:
        return _probe(site, "select 1")

    @routes.get("/readyz")
    def readyz() -> Response:
        return _probe(site, "select tag_date from house")

    @routes.get("/metrics")
    def metrics() -> Response:
        lines = [f"quxun_{name} {value}" for name, value in site.stats().items()]
        counts = Counter(one.health for one in site.sources())
        lines += [f'quxun_sources_health{{health="{h.value}"}} {counts[h]}' for h in Health]
        lines.append(f"quxun_alarms_open {len(site.alarms())}")
        shelf = site.shelf
        lines += [
            f'quxun_feed_answers{{status="{status}"}} {count}'
            for status, count in sorted(shelf.counts.items())
        ]
        lines.append(f"quxun_feeds_rendered {shelf.rendered}")
        return _plain("\n".join(lines), 200)

    return routes


def _probe(site: Site, question: str) -> Response:
    try:
        with site.parts.engine.connect() as connection:
            connection.execute(text(question))
    except (SQLAlchemyError, OutageError) as error:
        return _plain(f"database: {type(error).__name__}", 503)
    return _plain("ok", 200)


def _plain(words: str, status: int) -> Response:
    headers = {"Cache-Control": "no-store"}
    return Response(words + "\n", status, headers, "text/plain; charset=utf-8")


def _order(source: Source) -> tuple[bool, bool, str]:
    return source.state is not SourceState.ACTIVE, source.health in _WELL, source.slug
