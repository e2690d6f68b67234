"""A WebSub subscriber written from the Recommendation's text alone, on loopback.

It knows nothing of our code: it finds the hub in a feed's headers or document (§4), asks it
(§5.1), confirms only what it asked for (§5.3) and takes only what is signed as agreed (§7.1).
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import os
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

_ADDRESSES = (f"127.0.{128 + n % 64}.{2 + n // 64 % 250}" for n in itertools.count(os.getpid()))
#: The tests' part of loopback; 127.0.0.1 above all stays guarded.
NETS = ("127.0.128.0/18",)


def links_of(header: str) -> dict[str, str]:
    """The addresses of a Link header by their relation."""
    return {rel: url for url, rel in re.findall(r'<([^>]*)>; rel="?(\w+)"?', header)}


@dataclass
class Ping:
    """One POST as it came, and whether its signature is that of the agreed secret."""

    path: str
    headers: dict[str, str]
    body: bytes
    signed: bool | None


@dataclass
class Question:
    """One GET as it came: the callback's own query, and the hub's fields."""

    own: dict[str, list[str]]
    mode: str
    topic: str
    lease: str | None
    challenge: str | None
    reason: str | None


@dataclass
class Callbacks:
    """A server for callbacks; ``confirm`` and ``take`` may be made to misbehave."""

    host: str = field(default_factory=lambda: next(_ADDRESSES))
    wanted: dict[tuple[str, str], str | None] = field(default_factory=dict)
    pings: list[Ping] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    connections: int = 0
    #: Given a question, the status and body that are answered.
    confirm: Callable[[Question], tuple[int, bytes]] | None = None
    #: Given a ping, a status; or a function that writes the answer itself.
    take: Callable[[Ping], int | Callable[[BaseHTTPRequestHandler], None]] = lambda _: 204
    came: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def setup(self) -> None:
                outer.connections += 1
                super().setup()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

            def do_GET(self) -> None:
                status, body = outer._asked(self.path)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                answer = outer._told(self.path, dict(self.headers.items()), body)
                if callable(answer):
                    answer(self)
                    return
                self.send_response(answer)
                self.send_header("Content-Length", "0")
                self.end_headers()

        self.server = ThreadingHTTPServer((self.host, 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self._thread.start()

    def url(self, path: str = "/callback") -> str:
        return f"http://{self.host}:{self.port}{path}"

    def want(self, mode: str, topic: str, secret: str | None = None) -> None:
        """Be ready to confirm; nothing else is confirmed."""
        self.wanted[mode, topic] = secret

    @property
    def bodies(self) -> list[bytes]:
        return [one.body for one in self.pings]

    def close(self) -> None:
        if not self._thread.is_alive():
            return
        self.server.shutdown()
        self._thread.join(60)
        self.server.server_close()

    def _asked(self, path: str) -> tuple[int, bytes]:
        fields = parse_qs(urlsplit(path).query, keep_blank_values=True)

        def one(name: str) -> str | None:
            return fields.get(f"hub.{name}", [None])[0]

        question = Question(
            own={name: values for name, values in fields.items() if not name.startswith("hub.")},
            mode=one("mode") or "", topic=one("topic") or "", lease=one("lease_seconds"),
            challenge=one("challenge"), reason=one("reason"),
        )  # fmt: skip
        self.questions.append(question)
        self.came.set()
        if self.confirm:
            return self.confirm(question)
        if (question.mode, question.topic) not in self.wanted or not question.challenge:
            return 404, b""
        return 200, question.challenge.encode()

    def _told(self, path: str, headers: dict[str, str], body: bytes):
        signed = None
        links = links_of(headers.get("Link", ""))
        secret = self.wanted.get(("subscribe", links.get("self", "")))
        if secret:
            method, _, digest = headers.get("X-Hub-Signature", "").partition("=")
            made = hmac.new(secret.encode(), body, getattr(hashlib, method, hashlib.sha1))
            signed = hmac.compare_digest(made.hexdigest(), digest)
        ping = Ping(path, headers, body, signed)
        self.pings.append(ping)
        self.came.set()
        return self.take(ping)
