"""One HTTP exchange by libcurl on asyncio's loop: bounded, guarded, never followed by itself.

Built for thousands of small conditional requests (PERFORMANCE.md): handles are prepared once
and keep their callbacks, and libcurl's sockets are watched by one selector of our own, so that
the loop is woken once for many of them.
"""

from __future__ import annotations

import asyncio
import selectors
import socket
import time
from collections.abc import Sequence
from typing import Any

import pycurl

from aggregator.fetch.exchange import Answer, Exchange, closed, failure
from aggregator.fetch.guard import may_connect
from aggregator.fetch.limits import Limits
from aggregator.fetch.names import Names

#: CURLOPT_SUPPRESS_CONNECT_HEADERS of curl.h, which pycurl does not name: what a proxy says
#: before the tunnel stands is not the portal's answer.
_SUPPRESS_CONNECT_HEADERS = 265
_EVENTS = {
    pycurl.POLL_IN: selectors.EVENT_READ,
    pycurl.POLL_OUT: selectors.EVENT_WRITE,
    pycurl.POLL_INOUT: selectors.EVENT_READ | selectors.EVENT_WRITE,
}
#: Names that libcurl is known to know; beyond that many, it is told anew.
_MOST_TOLD = 20_000
#: Seconds too short to count.
_NO_TIME = 0.05


class _Line:
    """A curl handle and the exchange it carries just now."""

    __slots__ = (
        "answer", "authorities", "connect_ms", "curl", "exchange", "future", "limits", "opened",
        "timeout_ms",
    )  # fmt: skip

    def __init__(self, limits: Limits, authorities: str) -> None:
        self.curl: Any = pycurl.Curl()
        self.limits = limits
        self.authorities = authorities
        self.answer = Answer()
        self.exchange: Exchange | None = None
        self.future: asyncio.Future[Answer] | None = None
        self.opened: list[socket.socket] = []
        self.timeout_ms = self.connect_ms = 0
        self.prepare()

    def prepare(self) -> None:
        """Set what is the same for every exchange."""
        curl, limits = self.curl, self.limits
        curl.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
        curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
        curl.setopt(pycurl.FOLLOWLOCATION, 0)
        curl.setopt(pycurl.NOSIGNAL, 1)
        curl.setopt(pycurl.PROXY, "")  # none from the environment
        # Nor exceptions to a source's proxy: such a connection would go past the guard.
        curl.setopt(pycurl.NOPROXY, "")
        curl.setopt(_SUPPRESS_CONNECT_HEADERS, 1)
        curl.setopt(pycurl.LOW_SPEED_LIMIT, 1)
        curl.setopt(pycurl.LOW_SPEED_TIME, limits.silent_seconds)
        curl.setopt(pycurl.MAXFILESIZE_LARGE, limits.wire_bytes)
        curl.setopt(pycurl.CAINFO, self.authorities)
        # What we tell it of names must outlive our own memory of them.
        curl.setopt(pycurl.DNS_CACHE_TIMEOUT, int(limits.name_seconds) * 2 + 60)
        curl.setopt(pycurl.TCP_KEEPALIVE, 1)
        curl.setopt(pycurl.HEADERFUNCTION, self._on_header)
        curl.setopt(pycurl.WRITEFUNCTION, self._on_body)
        curl.setopt(pycurl.OPENSOCKETFUNCTION, self._open_socket)
        self.timeout_ms = self.connect_ms = 0

    def load(self, exchange: Exchange, found: Sequence[str], waited: float) -> None:
        """Set what is this exchange's own.

        ``found`` are its host's addresses where libcurl does not know them yet; ``waited``
        the seconds that finding them took of the time to connect.
        """
        curl = self.curl
        self.exchange, self.answer = exchange, Answer()
        curl.setopt(pycurl.URL, exchange.address.url)
        curl.setopt(pycurl.HTTPHEADER, exchange.headers)
        if found:
            home = exchange.address
            curl.setopt(pycurl.RESOLVE, [f"+{home.host}:{home.port}:{','.join(found)}"])
        connect_ms = max(int((self.limits.connect_seconds - waited) * 1000), 1)
        if connect_ms != self.connect_ms:
            self.connect_ms = connect_ms
            curl.setopt(pycurl.CONNECTTIMEOUT_MS, connect_ms)
        timeout_ms = max(int((exchange.total_seconds - waited) * 1000), 1)
        if timeout_ms != self.timeout_ms:
            self.timeout_ms = timeout_ms
            curl.setopt(pycurl.TIMEOUT_MS, timeout_ms)
        if exchange.plain:
            return
        if exchange.proxy:
            curl.setopt(pycurl.PROXY, exchange.proxy)
        if exchange.tls_profile == "legacy":
            curl.setopt(pycurl.SSL_CIPHER_LIST, "DEFAULT@SECLEVEL=1")
        if exchange.own_rules:
            # A connection opened under one source's exemption must serve no other source.
            curl.setopt(pycurl.FORBID_REUSE, 1)
        if exchange.method == "POST":
            curl.setopt(pycurl.POST, 1)
            curl.setopt(pycurl.POSTFIELDS, exchange.body or b"")

    def unload(self) -> None:
        """Make ready for the next exchange; nothing of this one stays."""
        for opened in self.opened:
            opened.close()  # pycurl works on a duplicate of its own
        self.opened.clear()
        if self.exchange is None or not self.exchange.plain:
            self.curl.reset()
            self.prepare()
        self.exchange = self.future = None
        self.answer = Answer()

    # --- libcurl's callbacks ---

    def _on_header(self, line: bytes) -> int | None:
        answer = self.answer
        answer.header_bytes += len(line)
        if answer.header_bytes > self.limits.header_bytes:
            answer.stopped = "protocol"
            return -1
        if answer.complete:  # trailers say nothing that we believe
            return None
        if line.startswith(b"HTTP/"):
            answer.headers.clear()
            answer.status = _status(line)
            return None
        if line in {b"\r\n", b"\n"}:
            answer.complete = answer.status >= 200  # noqa: PLR2004  # 1xx are not the answer
            return None
        name, colon, rest = line.decode("latin-1").partition(":")
        if colon and not name.startswith((" ", "\t")):
            return _keep_header(answer, name.strip().lower(), rest.strip())
        return None

    def _on_body(self, part: bytes) -> int | None:
        answer = self.answer
        answer.wire_bytes += len(part)
        if answer.wire_bytes > self.limits.wire_bytes:
            answer.stopped = "too_large"
            return -1
        answer.body += part
        return None

    def _open_socket(self, _purpose: int, to: Any) -> socket.socket | int:
        """Open the socket libcurl asks for, unless its address is none of ours to speak to."""
        family, kind, protocol, address = to
        host = str(address[0])
        exchange = self.exchange
        if exchange is None:
            return int(pycurl.SOCKET_BAD)
        if exchange.proxy is None and not may_connect(
            host, exchange.allowed, public=exchange.public
        ):
            self.answer.refused = host
            return int(pycurl.SOCKET_BAD)
        opened = socket.socket(family, kind, protocol)
        self.opened.append(opened)
        return opened


class Transfers:
    """libcurl's multi handle on an event loop; handles and connections outlive the loop."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, limits: Limits, *, names: Names, authorities: str
    ) -> None:
        self.loop = loop
        self._limits = limits
        self._names = names
        self._authorities = authorities
        self._told: dict[tuple[str, int], tuple[str, ...]] = {}
        self._idle: list[_Line] = []
        self._busy: dict[Any, _Line] = {}
        self._selector = selectors.DefaultSelector()
        self._watched: dict[int, int] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._wake_at = 0.0
        self._closed = False
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._on_socket)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._on_timer)
        self._multi.setopt(pycurl.M_MAXCONNECTS, limits.in_flight * 2)
        self.slots = asyncio.Semaphore(limits.in_flight)
        loop.add_reader(self._selector.fileno(), self._on_ready)

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Go on with another loop; what the last one left unfinished is given up."""
        self._detach()
        self.loop = loop
        self.slots = asyncio.Semaphore(self._limits.in_flight)
        loop.add_reader(self._selector.fileno(), self._on_ready)
        self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)  # its clock hung on the last loop

    async def exchange(self, exchange: Exchange) -> Answer:
        """Send one request and wait for the whole answer; the caller holds one of ``slots``.

        Raises:
            FetchError: for every end but a complete HTTP answer.
        """
        found, waited = await self._find(exchange)
        if self._closed:
            raise closed(exchange)
        line = self._idle.pop() if self._idle else _Line(self._limits, self._authorities)
        try:
            line.load(exchange, found, waited)
            line.future = self.loop.create_future()
            self._busy[line.curl] = line
            self._multi.add_handle(line.curl)
            return await line.future
        finally:
            if self._busy.pop(line.curl, None):
                self._multi.remove_handle(line.curl)
            line.unload()
            self._idle.append(line)

    def close(self) -> None:
        """Close every connection."""
        self._closed = True
        self._detach()
        for line in self._idle:
            line.curl.close()
        self._idle.clear()
        self._multi.close()
        self._selector.close()

    async def _find(self, exchange: Exchange) -> tuple[Sequence[str], float]:
        if exchange.proxy:
            return (), 0.0
        started = time.monotonic()
        found = await self._names.find(exchange.address)
        waited = time.monotonic() - started
        key = (exchange.address.host, exchange.address.port)
        if self._told.get(key) is found:  # telling libcurl costs as much as asking the portal
            found = ()
        elif found:
            if len(self._told) >= _MOST_TOLD:
                self._told.clear()
            self._told[key] = found
        return found, waited if waited > _NO_TIME else 0.0

    def _detach(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        for curl, line in list(self._busy.items()):
            self._multi.remove_handle(curl)
            open_yet = line.future and not line.future.done() and not self.loop.is_closed()
            if line.future and line.exchange and open_yet:
                line.future.set_exception(closed(line.exchange))
        self._busy.clear()
        if not self.loop.is_closed():
            self.loop.remove_reader(self._selector.fileno())

    # --- libcurl's callbacks, all on the loop's thread ---

    def _on_socket(self, what: int, fd: int, _multi: object, _data: object) -> None:
        events = _EVENTS.get(what)
        before = self._watched.get(fd)
        if events is None:
            if before is not None:
                self._selector.unregister(fd)
                del self._watched[fd]
        elif before is None:
            self._selector.register(fd, events)
            self._watched[fd] = events
        elif before != events:
            self._selector.modify(fd, events)
            self._watched[fd] = events

    def _on_timer(self, wait_ms: int) -> None:
        if wait_ms < 0:
            if self._timer:
                self._timer.cancel()
                self._timer = None
            return
        self._wake_at = self.loop.time() + wait_ms / 1000
        # A timer that rings too early is set anew then; most are never due.
        if self._timer and self._timer.when() > self._wake_at:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._timer = self.loop.call_at(self._wake_at, self._on_time)

    def _on_time(self) -> None:
        self._timer = None
        if self.loop.time() < self._wake_at - 0.0005:
            self._timer = self.loop.call_at(self._wake_at, self._on_time)
            return
        self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
        self._collect()

    def _on_ready(self) -> None:
        for key, events in self._selector.select(0):
            self._multi.socket_action(key.fd, events)  # EVENT_READ and _WRITE are libcurl's bits
        self._collect()

    def _collect(self) -> None:
        more = 1
        while more:
            more, done, failed = self._multi.info_read()
            for curl in done:
                self._finish(curl, None)
            for curl, code, words in failed:
                self._finish(curl, (code, words))

    def _finish(self, curl: Any, error: tuple[int, str] | None) -> None:
        line = self._busy.pop(curl, None)
        self._multi.remove_handle(curl)
        if line is None or line.future is None or line.future.done() or line.exchange is None:
            return
        if error is None:
            line.answer.status = curl.getinfo(pycurl.RESPONSE_CODE)
            line.future.set_result(line.answer)
        else:
            line.answer.sent_bytes = curl.getinfo(pycurl.REQUEST_SIZE)
            line.future.set_exception(failure(error, line.answer, line.exchange))


def _status(line: bytes) -> int:
    word = line.split(None, 2)[1:2]
    return int(word[0]) if word and word[0].isdigit() else 0


def _keep_header(answer: Answer, name: str, value: str) -> int | None:
    """Keep a header's first value; what would let two readers disagree ends the exchange."""
    before = answer.headers.get(name)
    if name == "content-encoding" and before is not None:
        answer.headers[name] = f"{before}, {value}"  # RFC 9110 §5.3: a list, in order
        return None
    both = {"content-length", "transfer-encoding"} <= answer.headers.keys() | {name}
    if (name == "content-length" and before not in {None, value}) or both:
        answer.stopped = "protocol"  # RFC 9112 §6.3: request and answer could be torn apart
        return -1
    answer.headers.setdefault(name, value)
    return None
