"""A small HTTP/1.1 server: every portal on its own loopback address, all in one event loop."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from quxun.country.country import Country
from quxun.country.faults import Fault, FaultKind, Faults
from quxun.country.model import Column, Portal, Standing
from quxun.country.site import Answer, Site, is_unmodified
from quxun.country.truth import Truth

_MAX_HEAD = 65_536
_MAX_BODY = 1_048_576
_WORDS_IN_REQUEST_LINE = 3
_SHIELD = (
    "<!DOCTYPE html><html><head><meta charset='utf-8'></head><body><script>var _0x=[{0}];"
    "document.cookie='__demo_jsl='+_0x[0];location.reload();</script></body></html>"
)
_SOFT404 = (
    "<!DOCTYPE html><html><head><meta charset='utf-8'><title>页面不存在</title></head><body>"
    "<p>抱歉，您访问的页面不存在，5秒后返回首页。</p></body></html>"
)

Control = Callable[[str, str, bytes], Awaitable[tuple[int, bytes, str]] | tuple[int, bytes, str]]


@dataclass(slots=True)
class Request:
    """A request line, the headers the server looks at, and the body."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    close: bool


@dataclass(slots=True)
class Served:
    """A country that is being served.

    ``requests`` counts by status; ``faults`` can be set from inside the process.
    """

    country: Country
    port: int
    site: Site
    faults: Faults = field(default_factory=Faults)
    requests: dict[int, int] = field(default_factory=dict)
    control: Control | None = None

    def url(self, column: Column) -> str:
        """The address a source of this column has."""
        return self.site.origin(column.host) + self.country.columns[column.key].path

    def base_url(self, portal: Portal) -> str:
        """``http://host:port`` of a portal."""
        return self.site.origin(portal.host)

    def article_url(self, standing: Standing) -> str:
        """The address of an article."""
        column = self.country.columns[standing.column_key]
        return self.site.origin(column.host) + self.country.shown(column, standing).path

    def columns(self) -> list[dict[str, str]]:
        """url, name, family, kind, authority and region_code of every column."""
        return [
            {
                "url": self.url(column),
                "name": f"{self.country.portal(column.host).name} {column.name}",
                "family": column.family,
                "kind": column.kind.value,
                "authority": column.authority.value,
                "region_code": column.region_code,
            }
            for column in self.country.columns
        ]

    def truth(self) -> Truth:
        """What should be known of the country, with addresses as served."""
        return self.country.truth(self.port)

    def warm(self) -> int:
        """Render every list that changed, so that a measurement does not pay for it."""
        return self.site.warm()


class _Connection(asyncio.Protocol):
    """One keep-alive connection; requests are answered in order, pipelined ones too."""

    def __init__(self, served: Served, host: str, open_now: set[_Connection]) -> None:
        self._open_now = open_now
        self._served = served
        self._host = host
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._waiting: deque[Request] = deque()
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._open_now.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._open_now.discard(self)
        if self._task is not None:
            self._task.cancel()

    def abort(self) -> None:
        """Close at once, whatever is under way."""
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (request := self._take()) is not None:
            if self._task is None and not self._slow(request):
                self._reply(request, self._answer(request))
            else:
                self._waiting.append(request)
        if self._waiting and self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._work())

    def _slow(self, request: Request) -> bool:
        return bool(self._served.faults) or request.target.startswith("/__country__/")

    async def _work(self) -> None:
        try:
            while self._waiting:
                request = self._waiting.popleft()
                if request.target.startswith("/__country__/"):
                    await self._control(request)
                    continue
                fault = self._served.faults.hit(self._host, request.target)
                if fault is None:
                    self._reply(request, self._answer(request))
                elif not await self._fail(request, fault):
                    return
        finally:
            self._task = None

    def _take(self) -> Request | None:
        """The next whole request in the buffer."""
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > _MAX_HEAD:
                self._refuse(b"HTTP/1.1 431 Request Header Fields Too Large\r\n")
            return None
        lines = self._buffer[:end].decode("latin-1").split("\r\n")
        words = lines[0].split(" ")
        if len(words) != _WORDS_IN_REQUEST_LINE or not words[2].startswith("HTTP/1."):
            self._refuse(b"HTTP/1.1 400 Bad Request\r\n")
            return None
        headers: dict[str, str] = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        size = headers.get("content-length", "0")
        length = int(size) if size.isascii() and size.isdigit() else 0
        if length > _MAX_BODY or "transfer-encoding" in headers:
            self._refuse(b"HTTP/1.1 413 Content Too Large\r\n")
            return None
        if len(self._buffer) < end + 4 + length:
            return None
        body = bytes(self._buffer[end + 4 : end + 4 + length])
        del self._buffer[: end + 4 + length]
        target = words[1]
        if target.startswith("http://"):
            target = "/" + "".join(target.split("/", 3)[3:])
        wish = headers.get("connection", "").lower()
        close = wish == "close" or (words[2] == "HTTP/1.0" and wish != "keep-alive")
        return Request(
            method=words[0], target=target.split("#", 1)[0], headers=headers, body=body, close=close
        )

    def _refuse(self, head: bytes) -> None:
        self._buffer.clear()
        if self._transport is not None:
            self._transport.write(head + b"Content-Length: 0\r\nConnection: close\r\n\r\n")
            self._transport.close()

    def _answer(self, request: Request) -> Answer:
        site = self._served.site
        if request.method not in ("GET", "HEAD", "POST"):
            return site.plain(self._host, 405, "<p>405</p>", ["Allow: GET, HEAD, POST"])
        form = request.body if request.method == "POST" else b""
        return site.answer(self._host, request.method, request.target, form)

    def _reply(self, request: Request, answer: Answer) -> None:
        headers = request.headers
        status, head, body = answer.status, answer.head, answer.body
        if answer.not_modified and is_unmodified(
            answer, headers.get("if-none-match", ""), headers.get("if-modified-since", "")
        ):
            status, head, body = 304, answer.not_modified, b""
        elif answer.zipped is not None and "gzip" in headers.get("accept-encoding", ""):
            head, body = answer.zipped_head, answer.zipped
        if request.method == "HEAD":
            body = b""
        self._send(request, status, head, body)

    def _send(self, request: Request, status: int, head: bytes, body: bytes) -> None:
        if self._transport is None:
            return
        counts = self._served.requests
        counts[status] = counts.get(status, 0) + 1
        if request.close:
            self._transport.write(b"".join((head, b"Connection: close\r\n\r\n", body)))
            self._transport.close()
        else:
            self._transport.write(b"".join((head, b"\r\n", body)))

    async def _fail(self, request: Request, fault: Fault) -> bool:
        """Answer as the fault says; false when the connection is of no more use."""
        transport = self._transport
        if transport is None:
            return False
        match fault.kind:
            case FaultKind.HANG:
                await asyncio.Event().wait()
            case FaultKind.DROP:
                transport.abort()
                return False
            case FaultKind.TRUNCATED:
                answer = self._answer(request)
                transport.write(answer.head + b"\r\n" + answer.body[: len(answer.body) // 2])
                transport.close()
                return False
            case FaultKind.DRIP:
                await self._drip(request, fault.seconds)
            case FaultKind.SLOW:
                await asyncio.sleep(fault.seconds)
                self._reply(request, self._answer(request))
            case FaultKind.EMPTY | FaultKind.SOFT404 | FaultKind.STATUS:
                self._reply(request, self._wrong(request, fault))
        return True

    async def _drip(self, request: Request, seconds: float) -> None:
        """Send the body in ten pieces."""
        answer, transport = self._answer(request), self._transport
        if transport is None:
            return
        last = b"Connection: close\r\n\r\n" if request.close else b"\r\n"
        transport.write(answer.head + last)
        size = max(1, -(-len(answer.body) // 10))
        for start in range(0, len(answer.body), size):
            await asyncio.sleep(seconds)
            transport.write(answer.body[start : start + size])
        if request.close:
            transport.close()

    def _wrong(self, request: Request, fault: Fault) -> Answer:
        """An answer with the wrong content."""
        site = self._served.site
        if fault.kind is FaultKind.EMPTY:
            return site.emptied(self._host, request.target, request.body)
        if fault.kind is FaultKind.SOFT404:
            return site.plain(self._host, 200, _SOFT404)
        return self._status(fault)

    def _status(self, fault: Fault) -> Answer:
        headers = []
        html = f"<html><body><h1>{fault.status}</h1></body></html>"
        if fault.status in (412, 468, 521):
            headers.append("Set-Cookie: __demo_shield=1; path=/")
            html = _SHIELD.replace("{0}", "'演示'")
        elif fault.status in (429, 503):
            headers.append(f"Retry-After: {fault.retry_after}")
        return self._served.site.plain(self._host, fault.status, html, headers)

    async def _control(self, request: Request) -> None:
        control = self._served.control
        first = self._served.country.portals[0].host
        if control is None or self._host != first:
            self._reply(request, self._answer(request))
            return
        given = control(request.method, request.target, request.body)
        status, body, mime = given if isinstance(given, tuple) else await given
        head = (
            f"HTTP/1.1 {status} Control\r\nContent-Type: {mime}; charset=utf-8\r\n"
            f"Content-Length: {len(body)}\r\n"
        )
        self._send(request, status, head.encode(), b"" if request.method == "HEAD" else body)


def bind_all(hosts: list[str], port: int) -> list[socket.socket]:
    """Listening sockets on one port of every address; port 0 finds one that is free on all.

    Raises:
        OSError: when a fixed port is taken, or no port is free on all addresses.
    """
    for _ in range(100):
        sockets: list[socket.socket] = []
        wanted = port
        try:
            for host in hosts:
                listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
                sockets.append(listener)
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind((host, wanted))
                listener.listen(1024)
                listener.setblocking(False)
                wanted = wanted or listener.getsockname()[1]
        except OSError as failure:
            for listener in sockets:
                listener.close()
            if port or failure.errno != errno.EADDRINUSE:
                raise
            continue
        return sockets
    message = f"no port is free on all of {hosts[0]} to {hosts[-1]}"
    raise OSError(errno.EADDRINUSE, message)


@asynccontextmanager
async def serve(country: Country, *, port: int = 0) -> AsyncIterator[Served]:
    """Serve a country until the block ends; every portal on its own address, one port for all.

    Args:
        country: what to serve; it may change while it is served.
        port: 0 finds a port that is free on all its addresses.
    """
    from quxun.country.control import make_control  # noqa: PLC0415 - control knows Served

    hosts = [portal.host for portal in country.portals]
    sockets = bind_all(hosts, port)
    number: int = sockets[0].getsockname()[1]
    served = Served(country=country, port=number, site=Site(country, number))
    served.control = make_control(served)
    loop = asyncio.get_running_loop()
    open_now: set[_Connection] = set()

    def factory(host: str) -> Callable[[], _Connection]:
        return lambda: _Connection(served, host, open_now)

    servers = [
        await loop.create_server(factory(host), sock=listener)
        for host, listener in zip(hosts, sockets, strict=True)
    ]
    try:
        yield served
    finally:
        for server in servers:
            server.close()
        for connection in tuple(open_now):
            connection.abort()
