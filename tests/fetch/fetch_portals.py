"""Portals on loopback that misbehave as told, byte by byte, and a canary that must stay silent."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import itertools
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from aggregator.errors import FetchError
from aggregator.fetch import CurlFetcher, Limits
from aggregator.model import Page, Request, Unchanged

T = TypeVar("T")
NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
#: The tests' part of loopback; everything else of it, 127.0.0.1 above all, is guarded.
NETS = ("127.0.64.0/18",)
#: Everything small but time: a busy machine must not fail a test.
CALM = Limits(
    total_seconds=60.0, connect_seconds=30.0, silent_seconds=60, body_bytes=300_000,
    wire_bytes=400_000, header_bytes=8_192,
)  # fmt: skip
#: For portals that must run into a time limit.
QUICK = replace(CALM, total_seconds=1.0, silent_seconds=1)
_ADDRESSES = (f"127.0.{64 + n % 64}.{2 + n // 64 % 250}" for n in itertools.count(os.getpid()))


def new_address() -> str:
    """A loopback address that no other test of this process has: a host of its own."""
    return next(_ADDRESSES)


@dataclass
class Call:
    """One request as it came, and the way to answer it."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    writer: asyncio.StreamWriter
    number: int
    connection: int

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()


Answer = Callable[[Call], Awaitable[bytes | None]]


@dataclass
class Portal:
    """A server of raw bytes; ``answer`` gives the bytes, or None to have the line closed."""

    host: str
    answer: Answer
    port: int = 0
    calls: list[Call] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    connections: int = 0
    open: int = 0
    most_open: int = 0
    came: asyncio.Event = field(default_factory=asyncio.Event)
    visits: list[str] = field(default_factory=list)

    @property
    def base(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def hits(self) -> int:
        return len(self.calls)

    def request(self, path: str = "/list", **more: Any) -> Request:
        url = path if "://" in path else self.base + path
        return Request(**{"url": url, "ports": (self.port,), "ignore_robots": True, **more})

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        me = self.connections
        self.visits.append(f"{self.host} connected")
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                lines = head.decode("latin-1").split("\r\n")
                method, target, _ = lines[0].split(" ", 2)
                headers = [
                    (name.strip(), value.strip())
                    for name, _, value in (one.partition(":") for one in lines[1:] if one)
                ]
                size = next((int(v) for k, v in headers if k.lower() == "content-length"), 0)
                body = await reader.readexactly(size)
                call = Call(method, target, headers, body, writer, len(self.calls) + 1, me)
                self.calls.append(call)
                self.times.append(asyncio.get_running_loop().time())
                self.visits.append(f"{self.host} asked for {target}")
                self.came.set()
                data = await self.answer(call)
                if data is None:
                    return
                await call.send(data)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            self.open -= 1
            writer.close()


@contextlib.asynccontextmanager
async def portal(
    answer: Answer | bytes, *, host: str | None = None, port: int = 0
) -> AsyncIterator[Portal]:
    """Serve raw bytes, or what a function answers, on an address of its own."""

    async def always(_call: Call) -> bytes | None:
        assert isinstance(answer, bytes)
        return answer

    made = Portal(host or new_address(), always if isinstance(answer, bytes) else answer)
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        tasks.add(task)
        with contextlib.suppress(asyncio.CancelledError):
            await made.serve(reader, writer)
        tasks.discard(task)

    server = await asyncio.start_server(serve, made.host, port)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def canary_and(answer: Answer | bytes) -> AsyncIterator[tuple[Portal, list[str]]]:
    """A portal and, on the very same port of 127.0.0.1, a canary: its list of visits.

    The same port, because then only the address guard stands between them.
    """
    for _ in range(50):
        async with contextlib.AsyncExitStack() as stack:
            made = await stack.enter_async_context(portal(answer))
            visits: list[str] = []
            try:
                for host in ("127.0.0.1", "::1"):
                    bird = portal(ok(b"<html>secret</html>"), host=host, port=made.port)
                    (await stack.enter_async_context(bird)).visits = visits
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    continue
            yield made, visits
            return
    raise AssertionError("no port is free on both addresses")


def ok(body: bytes = b"<ul><li>one</ul>", *headers: str, status: str = "200 OK") -> bytes:
    """A proper answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def fetcher(limits: Limits = CALM, **more: Any) -> CurlFetcher:
    """A fetcher that may go to the tests' portals, without waits between requests."""
    return CurlFetcher(
        **{
            "user_agent": "QuxunTest/1 (+http://127.0.0.2/about)",
            "clock": lambda: NOW,
            "delay_seconds": 0.0,
            "allow_nets": NETS,
            "limits": limits,
            **more,
        }
    )


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a scenario on a loop of its own, bounded."""

    async def bounded() -> T:
        async with asyncio.timeout(180):
            return await work

    return asyncio.run(bounded())


async def reason_of(client: CurlFetcher, request: Request) -> str:
    """The reason a fetch ends with, or ``page`` or ``unchanged``."""
    try:
        answer = await client.get(request)
    except FetchError as error:
        one_line = error.url and str(error) and "\n" not in str(error)
        return error.reason if one_line else "an error that does not say what is wrong"
    assert isinstance(answer, Page | Unchanged)
    return "page" if isinstance(answer, Page) else "unchanged"


def fetch_once(answer: Answer | bytes, *, limits: Limits = CALM, **more: Any) -> tuple[str, Portal]:
    """Fetch from a portal once; the reason, and the portal as it was left."""

    async def scene() -> tuple[str, Portal]:
        async with portal(answer) as made:
            client = fetcher(limits)
            try:
                return await reason_of(client, made.request(**more)), made
            finally:
                client.close()

    return run(scene())
