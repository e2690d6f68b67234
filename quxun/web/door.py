"""The door before the web framework: feeds that were answered before cost no framework."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from quxun.web.documents import Ready
from quxun.web.feedshelf import FeedShelf

#: Requests are remembered by their bytes: so many at most, none longer than this.
REMEMBERED = 4_096
LONGEST_REQUEST = 2_048
_PREFIX = "/feeds/"
_ALLOWED = b"GET, HEAD, OPTIONS"
_NO_BODY = {"type": "http.response.body", "body": b""}
_PREFLIGHT = [
    (b"allow", _ALLOWED),
    (b"access-control-allow-origin", b"*"),
    (b"access-control-allow-methods", _ALLOWED),
    (b"access-control-allow-headers", b"If-None-Match, If-Modified-Since"),
    (b"access-control-max-age", b"86400"),
    (b"cache-control", b"no-cache"),
]
_REFUSAL = "订阅源只能读取 · feeds are read with GET or HEAD\n".encode()
_REFUSED = [
    (b"allow", _ALLOWED),
    (b"content-type", b"text/plain; charset=utf-8"),
    (b"content-length", str(len(_REFUSAL)).encode()),
    (b"cache-control", b"no-cache"),
    (b"x-content-type-options", b"nosniff"),
]


class Memory:
    """Answers by the bytes of the request that they were given to.

    The bytes decide the answer: a request that is asked in the same bytes at the start of a
    message gets the same, as long as the document is fresh.
    """

    def __init__(self, shelf: FeedShelf) -> None:
        self._shelf = shelf
        self._turns = shelf.turns
        self.known: dict[bytes, Ready] = {}

    def learn(self, asked: bytes, ready: Ready) -> None:
        """Remember what was answered to a request."""
        if self._turns != self._shelf.turns:
            self._turns = self._shelf.turns
            self.known = {k: v for k, v in self.known.items() if v.answers.fresh}
        if len(self.known) >= REMEMBERED:
            self.known.clear()
        self.known[asked] = ready

    def count(self, ready: Ready) -> None:
        """Note that an answer was given."""
        ready.answers.used = self._shelf.looks
        self._shelf.counts[ready.status] += 1


class FeedDoor:
    """Answers for feeds what needs no framework; everything else goes on to it."""

    def __init__(self, app: ASGIApp, *, shelf: FeedShelf, memory: Memory) -> None:
        self._app = app
        self._shelf = shelf
        self._memory = memory

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (ASGI)."""
        if scope["type"] != "http" or not scope["path"].startswith(_PREFIX):
            await self._app(scope, receive, send)
            return
        method = scope["method"]
        if method in {"GET", "HEAD"}:
            answers = self._shelf.find(_address(scope))
            if answers is None:
                await self._app(scope, receive, send)
                return
            ready = answers.to(scope["headers"], head=method == "HEAD")
            await send(
                {"type": "http.response.start", "status": ready.status, "headers": ready.headers}
            )
            await send({"type": "http.response.body", "body": ready.body})
            self._memory.count(ready)
            if (asked := scope.get("extensions", {}).get("quxun.request")) is not None:
                self._memory.learn(asked["bytes"], ready)
        elif method == "OPTIONS":
            await send({"type": "http.response.start", "status": 204, "headers": _PREFLIGHT})
            await send(_NO_BODY)
        else:
            await send({"type": "http.response.start", "status": 405, "headers": _REFUSED})
            await send({"type": "http.response.body", "body": _REFUSAL})


def _address(scope: Scope) -> str:
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    query: bytes = scope["query_string"]
    return (path + b"?" + query if query else path).decode("latin-1")
