"""Puts the routes together and turns what goes wrong into a page with one clear line."""

from __future__ import annotations

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import InterfaceError, OperationalError
from starlette.exceptions import HTTPException
from starlette.staticfiles import StaticFiles

from aggregator.errors import NotFoundError, QuxunError, UsageError
from aggregator.wiring import Parts
from quxun.web import announcements, feedroutes, letters, mailbox, status
from quxun.web.http import Guard
from quxun.web.site import STATIC, Site

log = structlog.get_logger()

#: Addresses that programs read: their errors are one line of plain text.
_PROGRAMS = ("/feeds/", "/healthz", "/readyz", "/metrics", "/static/")
_TITLES = {
    400: "请求有误 Bad request",
    403: "不允许 Forbidden",
    404: "找不到 Not found",
    405: "不支持的方法 Method not allowed",
    408: "超时 Timeout",
    413: "内容过大 Too large",
    415: "格式不支持 Unsupported type",
    503: "暂时不可用 Unavailable",
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
    for routes in (announcements, feedroutes, letters, status, mailbox):
        app.include_router(routes.router(site))
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    _answer_errors(app, site)
    app.add_middleware(Guard, secure=parts.settings.public_url.startswith("https:"))
    return app


def _answer_errors(app: FastAPI, site: Site) -> None:
    def answer(request: Request, status_code: int, line: str, **headers: str) -> Response:
        if request.url.path.startswith(_PROGRAMS) and request.url.path != "/feeds/":
            kept = {"Cache-Control": "no-cache", **headers}
            return Response(line + "\n", status_code, kept, "text/plain; charset=utf-8")
        response = site.message(_TITLES.get(status_code, "出错 Error"), line, status=status_code)
        response.headers.update(headers)
        return response

    @app.exception_handler(HTTPException)
    def http_error(request: Request, error: HTTPException) -> Response:
        line = error.detail
        if error.status_code == 404 and line == "Not Found":  # noqa: PLR2004
            line = "没有这个页面 · there is no such page"
        return answer(request, error.status_code, line, **dict(error.headers or {}))

    @app.exception_handler(RequestValidationError)
    def bad_request(request: Request, _: RequestValidationError) -> Response:
        return answer(request, 400, "参数无法读取 · a parameter cannot be read")

    @app.exception_handler(NotFoundError)
    def not_found(request: Request, error: NotFoundError) -> Response:
        return answer(request, 404, str(error))

    @app.exception_handler(UsageError)
    def usage(request: Request, error: UsageError) -> Response:
        return answer(request, 400, str(error))

    @app.exception_handler(QuxunError)
    def foreseen(request: Request, error: QuxunError) -> Response:
        return answer(request, 503, str(error))

    @app.exception_handler(OperationalError)
    @app.exception_handler(InterfaceError)
    def no_database(request: Request, error: OperationalError | InterfaceError) -> Response:
        log.warning("database_unreachable", path=request.url.path, error=type(error).__name__)
        line = "数据库暂时连不上,请稍后再试 · the database cannot be reached just now"
        return answer(request, 503, line, **{"Retry-After": "5"})

    @app.exception_handler(Exception)
    def bug(request: Request, error: Exception) -> Response:
        log.error("web_bug", route=request.scope.get("path", "")[:20], error=type(error).__name__)
        return answer(request, 500, "我们的程序出错,已记录 · our fault; it has been recorded")
