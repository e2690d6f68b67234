"""Puts the routes together and turns what goes wrong into a page with one clear line."""

from __future__ import annotations

import math
from http import HTTPStatus

import structlog
from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from psycopg.errors import DeadlockDetected, LockNotAvailable, QueryCanceled
from sqlalchemy.exc import InterfaceError, OperationalError
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from aggregator.errors import (
    BusyError,
    ForbiddenError,
    NotFoundError,
    OutageError,
    QuxunError,
    UsageError,
)
from aggregator.store.sessions import TooManyError
from aggregator.wiring import Parts
from quxun.web import (
    announcements,
    brought,
    calendar,
    channels,
    choices,
    embed,
    feedroutes,
    hub,
    letters,
    lists,
    mailbox,
    operator,
    post,
    status,
    wellknown,
)
from quxun.web.door import FeedDoor, Memory
from quxun.web.gate import Gate
from quxun.web.http import Guard
from quxun.web.site import STATIC, Site

log = structlog.get_logger()

#: Addresses that programs read: their errors are one line of plain text.
_PROGRAMS = (
    "/feeds/",
    "/embed/",
    "/.well-known/",
    "/hub",
    "/post/",
    "/healthz",
    "/readyz",
    "/metrics",
    "/static/",
)
#: Addresses that hold a token: nobody keeps their pages, errors neither.
_SECRET = ("/confirm/", "/preferences/", "/unsubscribe/", "/address/", "/mail/")
#: Lists stand before feeds: a feed's address takes whatever is left.
_ROUTES = (
    announcements,
    lists,
    calendar,
    feedroutes,
    embed,
    hub,
    letters,
    choices,
    brought,
    channels,
    status,
    mailbox,
    operator,
    wellknown,
    post,
)
_TITLES = {
    303: "请登录 Log in",
    400: "请求有误 Bad request",
    401: "请登录 Log in",
    403: "不允许 Forbidden",
    404: "找不到 Not found",
    405: "不支持的方法 Method not allowed",
    408: "超时 Timeout",
    413: "内容过大 Too large",
    415: "格式不支持 Unsupported type",
    429: "尝试过多 Too many tries",
    503: "暂时不可用 Unavailable",
}
_STATUS: dict[type[QuxunError], int] = {NotFoundError: 404, ForbiddenError: 401, UsageError: 400}
_LINES = {
    404: "没有这个页面 · there is no such page",
    405: "这个地址不接受这种请求 · this address does not take that method",
}


def create_app(parts: Parts, *, patience: float = 1.0) -> FastAPI:
    """The web server.

    Args:
        parts: the wired service.
        patience: for how many seconds a look at the store may be used again.
    """
    site = Site(parts=parts, patience=patience)
    app = FastAPI(
        title="Quxun", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False
    )
    # Whatever is not on the public list is closed to who has no session.
    gate = Depends(Gate(site))
    for routes in _ROUTES:
        app.include_router(routes.router(site), dependencies=[gate])
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    _answer_errors(app, site)
    app.add_middleware(Guard, secure=parts.settings.public_url.startswith("https:"))
    app.state.site = site
    app.state.memory = Memory(site.shelf)
    app.add_middleware(FeedDoor, shelf=site.shelf, memory=app.state.memory)
    return app


def _answer_errors(app: FastAPI, site: Site) -> None:
    """Every error is a page with one clear line, or that line alone for programs."""

    def answer(request: Request, error: Exception) -> Response:
        status, line, extra = _verdict(error)
        path = request.url.path
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            log.warning("web_error", error=type(error).__name__, route=path.split("/")[1][:20])
        if path.startswith(_PROGRAMS) and path != "/feeds/":
            headers = {"Cache-Control": "no-cache", **extra}
            return Response(line + "\n", status, headers, "text/plain; charset=utf-8")
        secret = path.startswith(_SECRET)
        title = _TITLES.get(status, "出错 Error")
        response = site.message(title, line, status=status, private=secret)
        response.headers.update(extra)
        return response

    for kind in (
        HTTPException,
        RequestValidationError,
        QuxunError,
        OperationalError,
        InterfaceError,
        Exception,
    ):
        app.add_exception_handler(kind, answer)


def _verdict(error: Exception) -> tuple[int, str, dict[str, str]]:  # noqa: PLR0911  # one a kind
    """Status, line and further headers for what went wrong."""
    match error:
        case HTTPException():
            known = error.detail != HTTPStatus(error.status_code).phrase
            line = error.detail if known else _LINES.get(error.status_code, error.detail)
            return error.status_code, line, dict(error.headers or {})
        case OperationalError(orig=LockNotAvailable() | DeadlockDetected() | QueryCanceled()):
            line = "系统正忙，这次什么也没有改动，请再试一次 · busy: nothing was changed, please try again"
            return 503, line, {"Retry-After": "5"}
        case OutageError() | OperationalError() | InterfaceError():
            line = "数据库暂时连不上，请稍后再试 · the database cannot be reached just now"
            return 503, line, {"Retry-After": "5"}
        case TooManyError():
            return 429, str(error), {"Retry-After": str(math.ceil(error.wait.total_seconds()))}
        case BusyError():
            return 503, str(error), {"Retry-After": "5"}
        case QuxunError():
            return _STATUS.get(type(error), 503), str(error), {}
        case RequestValidationError():
            return 400, "参数无法读取 · a parameter cannot be read", {}
        case _:
            return 500, "我们的程序出错，已记录 · our fault; it has been recorded", {}
