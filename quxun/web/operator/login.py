"""Logging in with the operator's token, and out."""

from __future__ import annotations

import structlog
from fastapi import APIRouter, HTTPException, Request, Response
from starlette.concurrency import run_in_threadpool

from quxun.web.gate import (
    LOGIN,
    check_way,
    cookie_name,
    drop_cookie,
    give_cookie,
    session_of,
)
from quxun.web.http import check_same_site, client_of, network_of, read_form
from quxun.web.operator.page import back
from quxun.web.site import Site

log = structlog.get_logger()

HOME = "/operator/"
_WRONG = "令牌不对 · this is not the token"
_NONE = (
    "没有设置 QUXUN_OPERATOR_TOKEN，操作台未开放"
    " · QUXUN_OPERATOR_TOKEN is not set, so these pages are closed"
)


def add(routes: APIRouter, site: Site) -> None:
    """Add the routes of this module."""

    @routes.get(LOGIN)
    def form(request: Request) -> Response:
        check_way(site, request)
        if session_of(site, request):
            return back(HOME)
        return _form(site)

    @routes.post(LOGIN)
    async def log_in(request: Request) -> Response:
        check_way(site, request)
        check_same_site(request, site.parts.settings.public_url)
        pairs = dict(await read_form(request))
        return await run_in_threadpool(_log_in, site, request, pairs.get("token", ""))

    @routes.post("/operator/logout")
    def log_out(request: Request) -> Response:
        site.parts.sessions.close(request.state.session.id, site.parts.now())
        response = back(LOGIN)
        drop_cookie(site, response)
        return response

    @routes.get("/operator")
    def bare() -> Response:
        return back(HOME)


def _log_in(site: Site, request: Request, typed: str) -> Response:
    if not site.parts.settings.operator_token.get_secret_value():
        raise HTTPException(403, _NONE)
    opened = site.parts.sessions.open(
        typed.strip(),
        site.parts.now(),
        address=client_of(request) or "unknown",
        network=network_of(request),
        old=request.cookies.get(cookie_name(site)),
    )
    if opened is None:
        log.warning("operator's token refused")
        return _form(site, problem=_WRONG)
    response = back(HOME)
    give_cookie(site, response, opened.id)
    return response


def _form(site: Site, *, problem: str | None = None) -> Response:
    return site.page(
        "operator/login.html", status=401 if problem else 200, private=True, problem=problem
    )
