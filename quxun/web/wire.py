"""The HTTP protocol of our web server: uvicorn's on llhttp, with bounds and a short way.

A request for a feed that comes in the very bytes of one answered before, at the start of a
message, gets that answer again without being parsed, as long as the document is fresh
(docs/adr/0023). Everything else takes uvicorn's way; Chinese that stands unencoded in a request
line is encoded first, for llhttp takes none and many readers send what was typed.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any, ClassVar

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from quxun.web.documents import Ready
from quxun.web.door import LONGEST_REQUEST, Memory

#: A request's head may have so many bytes and take so long to arrive: llhttp bounds neither.
HEAD_BYTES = 65_536
HEAD_SECONDS = 20.0
#: Data is cut into so many pieces at most to find request lines; what is behind goes as it came.
MOST_PIECES = 256
_HEAD_END = b"\r\n\r\n"
_BLANK_LINES = (b"\r\n", b"\n")
_BLANK_LINE = re.compile(rb"\n\r?\n")
_RAW = re.compile(rb"[\x80-\xff]")
_STARTS = (b"GET /feeds/", b"HEAD /feeds/")
_NOT_PLAIN = (b"\r\nexpect:", b"\r\nupgrade:", b"\r\ncontent-length:", b"\r\ntransfer-encoding:")


class FeedProtocol(HttpToolsProtocol):
    """One connection; ``memory`` is set on the subclass that ``protocol`` makes."""

    memory: ClassVar[Memory]

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        #: Messages whose first and whose last byte has been parsed.
        self._begun = 0
        self._ended = 0
        self._in_head = False
        #: Whether the next byte belongs to a request line, or to blank ones before it.
        self._in_line = True
        self._body_bytes = 0
        self._head_bytes = 0
        self._head_late: asyncio.TimerHandle | None = None
        self._answered = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """A client that says nothing is let go."""
        super().connection_made(transport)
        self._head_late = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer of the head, too."""
        self._head_came()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Answer at once what was answered before; else parse."""
        at_start = self._begun == self._ended
        if at_start:
            ready = self.memory.known.get(data)
            if ready is not None and ready.answers.fresh and self._is_idle():
                self._answer(ready)
                return
        if self.transport.is_closing():
            return
        before = self._begun
        if self._in_head:
            self._head_bytes += len(data)
        if data.isascii() and data.endswith(_HEAD_END):
            super().data_received(data)
        else:
            self._parse_in_pieces(data)
        if self._in_head:
            if self._begun > before:  # what is left of this data behind the messages in it
                self._head_bytes = len(data) - data.rfind(b"\r\n\r\n") - 4
            self._bound_head()
        elif at_start and self._begun == self._ended == before + 1 and _is_plain(data):
            self._offer(data)

    def on_message_begin(self) -> None:
        """The first byte of a message."""
        self._begun += 1
        self._in_head = True
        self._body_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The head is there."""
        self._in_head = self._in_line = False
        self._head_came()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Some bytes of a body."""
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The last byte of a message."""
        self._ended += 1
        self._in_line = True
        super().on_message_complete()

    def timeout_keep_alive_handler(self) -> None:
        """Let an idle client go; one that was answered the short way is looked at again."""
        if self._answered and not self.transport.is_closing():
            self._answered = False
            self._wait_for_more()
        else:
            super().timeout_keep_alive_handler()

    def _parse_in_pieces(self, data: bytes) -> None:
        """Parse data that may hold unencoded bytes, or end within a request line.

        No piece goes beyond the end of a line, a head or a body that is known, so it is known of
        each whether it is of a request line: only there are bytes from 0x80 on percent-encoded.
        """
        start = 0
        for _ in range(MOST_PIECES):
            end = self._piece_end(data, start)
            piece = data[start:end]
            start = end
            if self._in_line:
                super().data_received(_RAW.sub(_encoded, piece))
                if piece.endswith(b"\n") and self._in_head:
                    self._in_line = False
            else:
                super().data_received(piece)
            if start >= len(data) or self.transport.is_closing():
                return
        super().data_received(data[start:])
        self._in_line &= not self._in_head

    def _piece_end(self, data: bytes, start: int) -> int:
        """Where to cut: behind the request line, at the latest behind the message."""
        if self._in_line:
            return data.find(b"\n", start) + 1 or len(data)
        if not self._in_head:
            size = next((v for name, v in self.headers if name == b"content-length"), None)
            if size is not None:
                return start + max(1, int(size) - self._body_bytes)
        for blank in _BLANK_LINES:
            if data.startswith(blank, start):
                return start + len(blank)
        found = _BLANK_LINE.search(data, start)
        return found.end() if found else len(data)

    def _is_idle(self) -> bool:
        """Whether nothing is being answered and the client takes what it is sent."""
        return (
            (self.cycle is None or self.cycle.response_complete)
            and not self.flow.write_paused
            and not self.transport.is_closing()
        )

    def _answer(self, ready: Ready) -> None:
        stamp = self.server_state.default_headers
        if ready.stamp is not stamp:
            _stamp(ready, stamp)
        self.transport.write(ready.wire)
        self.server_state.total_requests += 1
        self.memory.count(ready)
        self._answered = True
        if self._head_late is not None:
            self._head_came()
        if self.timeout_keep_alive_task is None:
            self._wait_for_more()

    def _wait_for_more(self) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def _offer(self, data: bytes) -> None:
        """Let the door remember this request: it was whole, alone, and the connection goes on."""
        cycle = self.cycle
        if cycle.keep_alive and not cycle.response_complete and cycle.scope is self.scope:
            self.scope["extensions"] = {"quxun.request": {"bytes": data}}

    def _bound_head(self) -> None:
        """Refuse a head without end, and one that does not come to its end."""
        if self._head_bytes > HEAD_BYTES:
            self._refuse(431, f"a request's head may have {HEAD_BYTES:,} bytes\n")
        elif self._head_late is None:
            self._head_late = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _head_came(self) -> None:
        if self._head_late is not None:
            self._head_late.cancel()
            self._head_late = None

    def _give_up(self) -> None:
        if self._in_head:
            self._refuse(408, "the request took too long\n")
        else:
            self.transport.close()

    def _refuse(self, status: int, words: str) -> None:
        """Say why, where nothing else is being said, and close."""
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete:
            body = words.encode()
            lines = [b"%s: %s" % pair for pair in self.server_state.default_headers]
            lines += [b"content-type: text/plain; charset=utf-8", b"connection: close"]
            lines += [b"content-length: %d" % len(body), b"", body]
            self.transport.write(STATUS_LINE[status] + b"\r\n".join(lines))
        self.transport.close()


def protocol(memory: Memory) -> type[FeedProtocol]:
    """The protocol class of one server, which remembers together."""
    return type("RememberingProtocol", (FeedProtocol,), {"memory": memory})


def _stamp(ready: Ready, headers: list[tuple[bytes, bytes]]) -> None:
    """Put an answer together with the present date; done once a second at most."""
    lines = [b"%s: %s" % pair for pair in (*headers, *ready.headers)]
    ready.wire = STATUS_LINE[ready.status] + b"\r\n".join((*lines, b"", ready.body))
    ready.stamp = headers


def _encoded(raw: re.Match[bytes]) -> bytes:
    return b"%%%02X" % raw[0][0]


def _is_plain(data: bytes) -> bool:
    """Whether these bytes are one request for a feed without a body."""
    if len(data) > LONGEST_REQUEST or not data.startswith(_STARTS):
        return False
    if data.find(b"\r\n\r\n") != len(data) - 4:
        return False
    head = data.lower()
    return not any(name in head for name in _NOT_PLAIN)
