"""Where a mail provider tells what became of mails: one address, signed JSON, answers in a line."""

from __future__ import annotations

import json

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from aggregator.errors import NotFoundError
from aggregator.flow import returns as flow
from quxun.web.http import read_body
from quxun.web.site import Site


def router(site: Site) -> APIRouter:
    """The routes of this module."""
    routes = APIRouter()

    @routes.post("/post/events")
    async def events(request: Request) -> Response:
        # A program posts here: its signature says who it is, so no origin is asked for.
        return await run_in_threadpool(_take, site, request, await read_body(request))

    return routes


def _take(site: Site, request: Request, body: bytes) -> Response:
    parts = site.parts
    secret = parts.settings.post_secret.get_secret_value()
    if not secret:
        raise NotFoundError("this address is closed; an operator opens it by QUXUN_POST_SECRET")
    done = flow.take_events(
        body, request.headers, secret=secret, store=parts.returns, now=parts.now()
    )
    headers = {"Cache-Control": "no-store"}
    return Response(json.dumps(done) + "\n", 200, headers, "application/json")
