"""A listener for what comes back: SMTP (EHLO) and LMTP (LHLO) on one port, for a relay beside us.

It takes any address, for which are ours only a token tells; what it cannot record it does not
take (451), so that the relay keeps it. Of a message only its beginning is kept: fifty megabytes
cost what half of one costs.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, Final

import structlog
from aiosmtpd.smtp import SMTP, syntax

from aggregator.errors import SettingsError

log = structlog.get_logger()

#: So much of a message is kept and looked at.
KEPT_BYTES: Final = 512 * 1024
#: A message is thrown away, and its sender let go, beyond this.
MOST_BYTES: Final = 100_000_000
MOST_RECIPIENTS: Final = 100
#: More relays than this do not talk to us at once.
MOST_CONNECTIONS: Final = 50
_LINE_BYTES: Final = 65_536
#: What ends a message; the byte before may be in an earlier piece.
_END: Final = b"\n.\r\n"

#: What is done with a message and its recipients; raises when it cannot be recorded now.
Take = Callable[[bytes, Sequence[str]], None]


class Listener:
    """Serves until it is closed.

    Args:
        take: called in a thread with a message's beginning, below a Return-Path, and its recipients;
            when it raises, the relay is told to keep the message and come again.
        silence: seconds after which a client that says nothing is let go.
    """

    def __init__(self, take: Take, *, silence: float = 120.0) -> None:
        self._take = take
        self._silence = silence
        self._server: asyncio.Server | None = None
        self._open = 0

    async def start(self, host: str, port: int) -> int:
        """Listen; the port, which is chosen when it is 0.

        Raises:
            OSError: when nothing can listen there.
        """
        # aiosmtpd tells addresses to its log; nobody's address is ever logged.
        logging.getLogger("mail.log").setLevel(logging.ERROR)
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Conversation(self, loop), host, port)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    @property
    def silence(self) -> float:
        """Seconds after which a silent client is let go."""
        return self._silence

    def enter(self) -> bool:
        """One connection more; False when there are too many."""
        self._open += 1
        return self._open <= MOST_CONNECTIONS

    def leave(self) -> None:
        """One connection less."""
        self._open -= 1

    async def take(self, message: bytes, recipients: Sequence[str]) -> str:
        """The answer to a message that came whole."""
        try:
            await asyncio.to_thread(self._take, message, recipients)
        except Exception as error:  # noqa: BLE001  # whatever it is, the relay keeps the message
            log.warning("return not recorded", error=type(error).__name__)
            return "451 4.3.0 not recorded now; come again"
        return "250 2.0.0 taken"


class _Conversation(SMTP):
    """One connection."""

    line_length_limit = _LINE_BYTES

    def __init__(self, listener: Listener, loop: asyncio.AbstractEventLoop) -> None:
        self._listener = listener
        self._local = False
        super().__init__(
            _Hooks(),
            data_size_limit=MOST_BYTES,
            enable_SMTPUTF8=True,
            hostname="returns.quxun.invalid",
            ident="Quxun",
            timeout=listener.silence,
            loop=loop,
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let nobody in beyond our bound."""
        super().connection_made(transport)
        if not self._listener.enter():
            transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        """Count it out."""
        self._listener.leave()
        super().connection_lost(error)

    @syntax("LHLO hostname")
    async def smtp_LHLO(self, hostname: str) -> None:  # noqa: N802  # aiosmtpd's name
        """The greeting of LMTP (RFC 2033): from now on every recipient gets an answer."""
        self._local = True
        await super().smtp_EHLO(hostname)

    @syntax("DATA")
    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802  # aiosmtpd's name
        """Take a message, of which only the beginning is kept."""
        if await self.check_helo_needed():
            return
        recipients = list(self.envelope.rcpt_tos) if self.envelope else []
        if not recipients or arg:
            await self.push("501 5.5.4 Syntax: DATA" if arg else "503 5.5.1 Error: need RCPT")
            return
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        message = await self._read_message()
        if message is None or self.transport is None:
            self._writer.close()
            return
        # RFC 5321 §4.4; above any that the message came with, so that the first one is ours.
        sender = (self.envelope.mail_from if self.envelope else None) or ""
        path = f"Return-Path: <{sender.strip('<>')}>\r\n".encode(errors="replace")
        answer = await self._listener.take(path + message, recipients)
        self._set_post_data_state()  # type: ignore[no-untyped-call]  # aiosmtpd's
        for _ in recipients if self._local else ("one",):
            await self.push(answer)

    async def _read_message(self) -> bytes | None:
        """A message's beginning, once its end has come; None when it has none.

        Read in pieces up to the final dot, not by lines: a message may be nothing but those.
        """
        kept = bytearray()
        seen = 0
        ended = False
        try:
            start = await self._reader.readexactly(1)
            if start == b".":
                start = await self._reader.readexactly(2)
                if start == b"\r\n":
                    return b""
            kept += start
            while not ended:
                self._reset_timeout()
                try:
                    piece = await self._reader.readuntil(_END)
                    ended = True
                except asyncio.LimitOverrunError as error:
                    piece = await self._reader.read(max(error.consumed, 1))
                seen += len(piece)
                if seen > MOST_BYTES:
                    return None
                kept += piece[: max(KEPT_BYTES - len(kept), 0)]
        except asyncio.IncompleteReadError:
            return None
        whole = bytes(kept).removesuffix(_END[1:]) if seen < KEPT_BYTES else bytes(kept)
        return whole.replace(b"\r\n..", b"\r\n.")  # RFC 5321 §4.5.2


class _Hooks:
    """What aiosmtpd asks of a handler."""

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's name
        self, server: Any, session: Any, envelope: Any, address: str, options: Sequence[str]
    ) -> str:
        """Take any address: a stranger must not learn which are ours."""
        del server, session, options
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return "452 4.5.3 too many recipients; send the rest apart"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"


def listen_address(word: str) -> tuple[str, int]:
    """Host and port of ``QUXUN_BOUNCE_LISTEN``; a port alone is on loopback.

    Raises:
        SettingsError: when it is none.
    """
    host, _, port = word.strip().rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    if not (port.isascii() and port.isdigit() and 0 <= int(port) <= 65_535):  # noqa: PLR2004
        raise SettingsError(
            f"QUXUN_BOUNCE_LISTEN must look like 127.0.0.1:2424 (it is {word[:100]!r})"
        )
    return host, int(port)
