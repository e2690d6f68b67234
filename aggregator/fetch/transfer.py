"""One HTTP exchange by libcurl on asyncio's loop: bounded, guarded, never followed by itself."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import certifi
import pycurl

from aggregator.errors import FetchError
from aggregator.fetch.addresses import Address
from aggregator.fetch.guard import Network, may_connect
from aggregator.fetch.limits import Limits

_IN, _OUT = 1, 2
_REASONS = {
    pycurl.E_COULDNT_RESOLVE_HOST: "dns",
    pycurl.E_COULDNT_CONNECT: "connect",
    pycurl.E_OPERATION_TIMEDOUT: "timeout",
    pycurl.E_PARTIAL_FILE: "truncated",
    pycurl.E_RECV_ERROR: "truncated",
    pycurl.E_GOT_NOTHING: "protocol",
    pycurl.E_FILESIZE_EXCEEDED: "too_large",
    pycurl.E_SSL_CONNECT_ERROR: "tls",
    pycurl.E_PEER_FAILED_VERIFICATION: "tls",
    pycurl.E_SSL_CIPHER: "tls",
    pycurl.E_SSL_CERTPROBLEM: "tls",
    pycurl.E_SEND_ERROR: "connect",
}
_ADVICE = {
    "dns": "its name is not known; check the address",
    "connect": "nobody answers there; tried again ever more slowly",
    "timeout": "no complete answer in time; tried again ever more slowly",
    "truncated": "the answer ends too early; nothing of it was stored",
    "protocol": "the answer is no HTTP that we take",
    "too_large": "more bytes than a list or article can have; nothing of it was read",
    "tls": "its certificate or TLS is not accepted; the source may be given tls_profile = legacy",
}


@dataclass(slots=True)
class Answer:
    """What came back: a status, headers with lower-case names, raw bytes still encoded."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)
    wire_bytes: int = 0
    header_bytes: int = 0
    stopped: str | None = None
    refused: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What to send, and under which rules."""

    address: Address
    headers: Mapping[str, str]
    method: str = "GET"
    body: bytes | None = None
    tls_profile: str = "strict"
    proxy: str | None = None
    allowed: tuple[Network, ...] = ()
    own_rules: bool = False
    total_seconds: float = 30.0


class Transfers:
    """libcurl's multi handle tied to one event loop; handles and connections are kept."""

    def __init__(self, loop: asyncio.AbstractEventLoop, limits: Limits) -> None:
        self.loop = loop
        self._limits = limits
        self._idle: list[Any] = []
        self._waiting: dict[Any, tuple[asyncio.Future[Answer], Answer, Exchange]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._on_socket)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._on_timer)
        self._multi.setopt(pycurl.M_MAXCONNECTS, limits.in_flight * 2)
        self._slots = asyncio.Semaphore(limits.in_flight)

    async def exchange(self, exchange: Exchange) -> Answer:
        """Send one request and wait for the whole answer.

        Raises:
            FetchError: for every end but a complete HTTP answer.
        """
        async with self._slots:
            handle = self._idle.pop() if self._idle else pycurl.Curl()
            answer = Answer()
            self._set_up(handle, exchange, answer)
            future: asyncio.Future[Answer] = self.loop.create_future()
            self._waiting[handle] = (future, answer, exchange)
            self._multi.add_handle(handle)
            try:
                return await future
            finally:
                if self._waiting.pop(handle, None):
                    self._multi.remove_handle(handle)
                handle.reset()
                self._idle.append(handle)

    def close(self) -> None:
        """Close every connection."""
        if self._timer:
            self._timer.cancel()
        for handle in list(self._waiting):
            self._multi.remove_handle(handle)
        self._waiting.clear()
        for handle in self._idle:
            handle.close()
        self._idle.clear()
        self._multi.close()

    def _set_up(self, handle: Any, exchange: Exchange, answer: Answer) -> None:
        limits = self._limits
        handle.setopt(pycurl.URL, exchange.address.url)
        handle.setopt(pycurl.HTTPHEADER, [f"{k}: {v}" for k, v in exchange.headers.items()])
        handle.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
        handle.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
        handle.setopt(pycurl.FOLLOWLOCATION, 0)
        handle.setopt(pycurl.NOSIGNAL, 1)
        handle.setopt(pycurl.PROXY, exchange.proxy or "")
        handle.setopt(pycurl.TIMEOUT_MS, int(exchange.total_seconds * 1000))
        handle.setopt(pycurl.CONNECTTIMEOUT_MS, int(limits.connect_seconds * 1000))
        handle.setopt(pycurl.LOW_SPEED_LIMIT, 1)
        handle.setopt(pycurl.LOW_SPEED_TIME, limits.silent_seconds)
        handle.setopt(pycurl.MAXFILESIZE_LARGE, limits.wire_bytes)
        handle.setopt(pycurl.CAINFO, certifi.where())
        handle.setopt(pycurl.TCP_KEEPALIVE, 1)
        if exchange.tls_profile == "legacy":
            handle.setopt(pycurl.SSL_CIPHER_LIST, "DEFAULT@SECLEVEL=0")
            handle.setopt(pycurl.SSLVERSION, pycurl.SSLVERSION_TLSv1_0)
        if exchange.own_rules:
            # A connection opened under one source's exemption must serve no other source.
            handle.setopt(pycurl.FRESH_CONNECT, 1)
            handle.setopt(pycurl.FORBID_REUSE, 1)
        if exchange.method == "POST":
            handle.setopt(pycurl.POST, 1)
            handle.setopt(pycurl.POSTFIELDS, exchange.body or b"")
        handle.setopt(pycurl.HEADERFUNCTION, lambda line: _on_header(line, answer, limits))
        handle.setopt(pycurl.WRITEFUNCTION, lambda part: _on_body(part, answer, limits))
        handle.setopt(
            pycurl.OPENSOCKETFUNCTION,
            lambda _, to: _open_socket(to, answer, exchange),
        )

    # --- libcurl's callbacks, all on the loop's thread ---

    def _on_socket(self, what: int, fd: int, _multi: object, _data: object) -> None:
        self.loop.remove_reader(fd)
        self.loop.remove_writer(fd)
        if what in (pycurl.POLL_IN, pycurl.POLL_INOUT):
            self.loop.add_reader(fd, self._act, fd, _IN)
        if what in (pycurl.POLL_OUT, pycurl.POLL_INOUT):
            self.loop.add_writer(fd, self._act, fd, _OUT)

    def _on_timer(self, wait_ms: int) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if wait_ms >= 0:
            self._timer = self.loop.call_later(wait_ms / 1000, self._act, pycurl.SOCKET_TIMEOUT, 0)

    def _act(self, fd: int, events: int) -> None:
        self._multi.socket_action(fd, events)
        more = 1
        while more:
            more, done, failed = self._multi.info_read()
            for handle in done:
                self._finish(handle, None)
            for handle, code, words in failed:
                self._finish(handle, (code, words))

    def _finish(self, handle: Any, error: tuple[int, str] | None) -> None:
        waiting = self._waiting.pop(handle, None)
        self._multi.remove_handle(handle)
        if waiting is None:
            return
        future, answer, exchange = waiting
        if future.done():
            return
        if error is None:
            answer.status = handle.getinfo(pycurl.RESPONSE_CODE)
            future.set_result(answer)
        else:
            future.set_exception(_failure(error, answer, exchange))


def _on_header(line: bytes, answer: Answer, limits: Limits) -> int | None:
    answer.header_bytes += len(line)
    if answer.header_bytes > limits.header_bytes:
        answer.stopped = "protocol"
        return -1
    text = line.decode("latin-1")
    if text.startswith("HTTP/"):
        answer.headers.clear()
        return None
    name, colon, value = text.partition(":")
    if colon:
        answer.headers.setdefault(name.strip().lower(), value.strip())
    return None


def _on_body(part: bytes, answer: Answer, limits: Limits) -> int | None:
    answer.wire_bytes += len(part)
    if answer.wire_bytes > limits.wire_bytes:
        answer.stopped = "too_large"
        return -1
    answer.body += part
    return None


def _open_socket(to: Any, answer: Answer, exchange: Exchange) -> socket.socket | int:
    """Open the socket libcurl asks for, unless its address is none of ours to speak to."""
    family, kind, protocol, address = to
    host = address[0]
    if exchange.proxy is None and not may_connect(str(host), exchange.allowed):
        answer.refused = str(host)
        return int(pycurl.SOCKET_BAD)
    return socket.socket(family, kind, protocol)


def _failure(error: tuple[int, str], answer: Answer, exchange: Exchange) -> FetchError:
    url = exchange.address.url
    if answer.refused:
        return FetchError(
            f"{url}: {answer.refused} is not on the public net; if it may be fetched, exempt it "
            "with QUXUN_ALLOW_NETS or --allow-private",
            reason="blocked",
            url=url,
        )
    code, words = error
    reason = answer.stopped or _REASONS.get(code, "protocol")
    return FetchError(
        f"{url}: {_ADVICE[reason]} ({words or f'libcurl {code}'})", reason=reason, url=url
    )
