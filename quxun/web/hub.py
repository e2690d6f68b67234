"""The WebSub hub's one address: programs post here, and are answered in one line."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from aggregator.flow import hub
from quxun.web.http import network_of, read_form
from quxun.web.site import Site

_HOUR = "3600"


def router(site: Site) -> APIRouter:
    """The routes of this module."""
    routes = APIRouter()

    @routes.post("/hub")
    async def ask(request: Request) -> Response:
        # Servers post here: there is no session that another site could borrow, so no origin
        # is asked for. What is asked does nothing before the callback itself confirmed it.
        return await run_in_threadpool(_ask, site, request, await read_form(request))

    return routes


def _ask(site: Site, request: Request, form: list[tuple[str, str]]) -> Response:
    parts = site.parts
    answer = hub.ask(
        form,
        store=parts.hub,
        caller=parts.courier,
        public_url=parts.settings.public_url,
        network=network_of(request),
        last_change=parts.journal.last,
        now=parts.now(),
    )
    headers = {"Cache-Control": "no-store"}
    if answer.status == 202:  # noqa: PLR2004  # kept
        parts.bell.ring("push.verify")
    elif answer.status == 429:  # noqa: PLR2004  # a limit is reached
        headers["Retry-After"] = _HOUR
    return Response(answer.line + "\n", answer.status, headers, "text/plain; charset=utf-8")
