"""A service with a store and a clock of our own, looked at through its web app and nothing else."""

from __future__ import annotations

import asyncio
import itertools
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from aggregator.settings import Settings
from aggregator.wiring import Parts
from quxun.embedded import Urls
from quxun.web import create_app

PUBLIC = "http://quxun.example"
START = datetime(2027, 1, 4, 1, 0, tzinfo=UTC)

Answer = tuple[int, Mapping[str, str], bytes]


@dataclass
class Web:
    """One server process: its own app, its own caches, on a store that others use too."""

    parts: Parts
    _app: Any = field(init=False, repr=False)
    _runner: asyncio.Runner = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._app = create_app(self.parts, patience=0)
        self._runner = asyncio.Runner()

    def get(self, url: str, headers: Mapping[str, str]) -> Answer:
        """What the server answers to a GET."""
        return self._runner.run(self._ask(url, headers))

    async def _ask(self, url: str, headers: Mapping[str, str]) -> Answer:
        parts = urlsplit(url)
        sent = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET",
            "scheme": "http", "path": parts.path, "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(), "root_path": "", "client": ("127.0.0.1", 9),
            "server": ("127.0.0.1", 80), "headers": [(b"host", b"quxun.example"), *sent],
        }  # fmt: skip
        asked = iter([{"type": "http.request", "body": b"", "more_body": False}])
        told: list[Any] = []

        async def receive() -> Any:
            return next(asked, {"type": "http.disconnect"})

        async def send(message: Any) -> None:
            told.append(message)

        await self._app(scope, receive, send)
        head = next(one for one in told if one["type"] == "http.response.start")
        body = b"".join(one.get("body", b"") for one in told)
        named = {name.decode().lower(): value.decode() for name, value in head["headers"]}
        return head["status"], named, body

    def close(self) -> None:
        """Stop the process."""
        self._runner.close()
        self.parts.close()


@contextmanager
def fresh_database(servers: Urls, *, template: str = "quxun") -> Iterator[str]:
    """A database of our own; dropped afterwards."""
    name = f"archives_{os.getpid()}_{next(_NUMBERS)}"
    admin = servers.database.replace("/quxun?", "/postgres?")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"create database {name} template {template}")
    try:
        yield servers.database.replace("/quxun?", f"/{name}?")
    finally:
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f"drop database {name} with (force)")


_NUMBERS = itertools.count(1)


def open_web(
    database_url: str, home: Path, time: list[datetime], *, public_url: str = PUBLIC
) -> Web:
    """A web process on a store; ``time`` holds the present moment."""
    settings = Settings(
        home=home,
        database_url=database_url,
        secret_key="a-secret-of-the-tests-long-enough",
        public_url=public_url,
        embedded=True,
    )
    return Web(Parts(settings=settings, clock=lambda: time[0]))


#: How each format says that a younger archive document has come to stand behind it.
_NEXT_JSON = re.compile(rb'"next_archive":"[^"]*",')
_NEXT = re.compile(rb'\s*<(?:\w+:)?link\b[^<>]*\brel="next-archive"[^<>]*/>')


def without_next(url: str, body: bytes) -> bytes:
    """A document without its one link to the next archive document, which is added later."""
    if urlsplit(url).path.endswith(".json"):
        return _NEXT_JSON.sub(b"", body)
    return _NEXT.sub(b"", body)


def has_next(url: str, body: bytes) -> bool:
    """Whether a document names the archive document that follows it."""
    if urlsplit(url).path.endswith(".json"):
        return _NEXT_JSON.search(body) is not None
    return _NEXT.search(body) is not None


@dataclass
class Memory:
    """Every archive document ever served, by address: none may ever be another."""

    bodies: dict[str, bytes] = field(default_factory=dict)
    seen: int = 0

    def remember(self, url: str, body: bytes) -> None:
        """Compare a document with what stood at its address before.

        Raises:
            AssertionError: it changed otherwise than by one link to its successor.
        """
        self.seen += 1
        before = self.bodies.setdefault(url, body)
        if before == body:
            return
        assert not has_next(url, before), f"{url} changed after it was closed off\n{body!r}"
        assert has_next(url, body), f"{url} changed, and not by a link to the next\n{body!r}"
        assert without_next(url, before) == without_next(url, body), f"{url} changed\n{body!r}"
        self.bodies[url] = body


def is_archive(url: str) -> bool:
    """Whether an address is that of an archive document (docs/feeds.md)."""
    return "/archive/" in urlsplit(url).path
