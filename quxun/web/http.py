"""What HTTP asks of us: headers, bounds, forms, validators."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Iterable
from urllib.parse import parse_qsl, urlsplit

from fastapi import HTTPException, Request, Response
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from quxun.web.documents import COMMON_HEADERS, STRICT_TRANSPORT, Answers, Document
from quxun.web.mailed import tidy

#: A form of ours has a few hundred bytes; nothing honest has a megabyte.
BODY_BYTES = 256_000
FIELDS = 200
QUERY_BYTES = 8_000
PATH_BYTES = 2_000
#: A sender may take this long over a form.
BODY_SECONDS = 15.0
#: A refused body up to this size is let in and thrown away, for at most so long.
DRAINED_BYTES = 4_000_000
DRAIN_SECONDS = 0.8


class Guard:
    """Bounds every request, answers HEAD like GET, tidies links that mails held, and adds the
    headers of every answer.
    """

    def __init__(self, app: ASGIApp, *, secure: bool) -> None:
        self._app = app
        self._secure = secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        head = scope["method"] == "HEAD"
        if head:
            scope = {**scope, "method": "GET"}

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in COMMON_HEADERS.items():
                    headers.setdefault(name, value)
                if self._secure:
                    headers.setdefault(*STRICT_TRANSPORT)
            elif head and message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        if (path := tidy(scope["path"])) != scope["path"]:
            scope = {**scope, "path": path}
        refusal = _refusal(scope)
        if refusal:
            await _drain(scope, receive)
            response = Response(refusal[1], refusal[0], {"Connection": "close"}, "text/plain")
            await response(scope, receive, answer)
            return
        await self._app(scope, receive, answer)


async def read_form(request: Request) -> list[tuple[str, str]]:
    """The fields of a posted form, in order, within our bounds.

    Raises:
        HTTPException: 400, 408, 413 or 415 with one line.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise HTTPException(415, "只接受表单 · only application/x-www-form-urlencoded is taken")
    body = await read_body(request)
    try:
        return parse_qsl(
            body.decode("utf-8"), keep_blank_values=True, max_num_fields=FIELDS, errors="strict"
        )
    except ValueError as error:
        raise HTTPException(
            400, f"表单无法读取 · a form of at most {FIELDS} fields in UTF-8"
        ) from error


async def read_body(request: Request) -> bytes:
    """The body, however it is sent, up to our bound.

    Raises:
        HTTPException: 408 when it takes too long, 413 when it is too big.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > BODY_BYTES:
                    raise HTTPException(413, too_big(), {"Connection": "close"})
    except TimeoutError as error:
        raise HTTPException(
            408, "发送太慢 · the body took too long", {"Connection": "close"}
        ) from error
    return bytes(body)


def too_big() -> str:
    """The one line about a body that is too big."""
    return f"内容过大 · at most {BODY_BYTES:,} bytes are taken"


def check_same_site(request: Request, public_url: str) -> None:
    """Refuse a form that another site posts.

    Token pages send no referrer, and so ``Origin: null``; browsers that say
    ``Sec-Fetch-Site`` are believed before that.

    Raises:
        HTTPException: 403.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site is not None:
        fine = site in {"same-origin", "none"}
    elif origin is None or origin == "null":
        fine = True
    else:
        ours = {urlsplit(public_url).netloc, request.headers.get("host", "")}
        fine = urlsplit(origin).netloc in ours
    if not fine:
        raise HTTPException(403, "请在本站页面上操作 · this form must be sent from our own page")


def client_of(request: Request) -> str | None:
    """The client's address, as the connection says."""
    return request.client.host if request.client else None


def network_of(request: Request) -> str:
    """The network that a client's limits are counted for: a /24 or a /56."""
    try:
        address = ipaddress.ip_address(client_of(request) or "")
    except ValueError:
        return "unknown"
    if address.version == 6 and address.ipv4_mapped:  # noqa: PLR2004  # as below
        address = address.ipv4_mapped
    prefix = 24 if address.version == 4 else 56  # noqa: PLR2004  # the version's own name
    return str(ipaddress.ip_network(f"{address}/{prefix}", strict=False))


def conditional(request: Request, body: Document, *, cache: str) -> Response:
    """Answer with a document, or 304 when the client has it (RFC 9110 §13.2.2)."""
    return answered(request, Answers(body, cache=cache))


def answered(request: Request, answers: Answers) -> Response:
    """What a document answers to a request."""
    ready = answers.to(request.headers.raw)
    response = Response(ready.body, ready.status)
    response.raw_headers = list(ready.headers)
    return response


def query_pairs(request: Request, *, drop: Iterable[str] = ()) -> list[tuple[str, str]]:
    """The query's pairs, in order, without some.

    Raises:
        HTTPException: 400 for more fields than any filter has.
    """
    raw = request.scope["query_string"].decode("latin-1")
    try:
        pairs = parse_qsl(raw, keep_blank_values=True, max_num_fields=FIELDS)
    except ValueError as error:
        raise HTTPException(400, f"参数过多 · at most {FIELDS} fields are taken") from error
    leave = set(drop)
    return [(name, value) for name, value in pairs if name not in leave]


async def _drain(scope: Scope, receive: Receive) -> None:
    """Let a moderately big body arrive, kept nowhere: a reset would hide our answer."""
    length = Headers(scope=scope).get("content-length", "0")
    if not length.isdigit() or int(length) > DRAINED_BYTES:
        return
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            while (message := await receive())["type"] == "http.request":
                if not message.get("more_body"):
                    return
    except TimeoutError:
        return


def _refusal(scope: Scope) -> tuple[int, str] | None:
    headers = Headers(scope=scope)
    length = headers.get("content-length", "0")
    if not length.isdigit():
        return 400, "Content-Length is no number\n"
    if int(length) > BODY_BYTES:
        return 413, too_big() + "\n"
    if len(scope.get("query_string", b"")) > QUERY_BYTES:
        return 414, f"the query may have {QUERY_BYTES:,} bytes\n"
    if len(scope.get("raw_path") or b"") > PATH_BYTES:
        return 414, f"the path may have {PATH_BYTES:,} bytes\n"
    return None
