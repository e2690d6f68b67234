"""One connection to a mail server: lines out, answers in, nothing taken on trust.

Our own hundred lines over asyncio instead of smtplib, because ESMTP PIPELINING (RFC 2920) makes
a mail one round trip instead of five: the next mail's envelope rides behind the final dot
(docs/adr/0034). Whatever a server answers is bounded: lines, answers, and the time for them.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, cast
from urllib.parse import parse_qs, unquote, urlsplit

from aggregator.errors import SettingsError
from aggregator.returns.mime import characters
from aggregator.text import one_line

PORTS: Final = {"smtp": 25, "smtps": 465}
#: RFC 5321 §4.5.3.1.5 allows 512 octets a line; real servers write more, none of them this much.
LONGEST_LINE: Final = 4096
LONGEST_ANSWER: Final = 32_768
_KEPT: Final = 500
#: A blank belongs behind the code (RFC 5321 §4.2), and is not always there.
_LINE = re.compile(rb"([2-5]\d\d)(?!\d)(-?)(.*)", re.DOTALL)
#: Nearly all answers are one whole line.
_SHORT = re.compile(rb"([2-5]\d\d) ([ -~]{0,400})\r\n")
_NEAR = {"localhost", "127.0.0.1", "::1"}
_CHALLENGE, _AUTHENTICATED = 334, 235
_WAYS = ("PLAIN", "LOGIN", "CRAM-MD5")
#: A way to log in that is offered and not to be had: not known, too weak, or not without TLS.
_ANOTHER_WAY = (500, 501, 502, 503, 504, 534, 538)


class WireError(Exception):
    """The connection is of no more use; the text says what happened to it."""


class SilentError(WireError):
    """No answer came in time."""


class RefusedHereError(Exception):
    """The server does not want us at all: what it said when it was greeted or logged in to."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.text)
        self.reply = reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A server's whole answer: its code, and its lines without it."""

    code: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The lines as one."""
        return " ".join(self.lines)

    @property
    def good(self) -> bool:
        """Whether it says yes."""
        return self.code // 100 == 2  # noqa: PLR2004  # RFC 5321 §4.2.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """Where mails are handed to, and how: read from ``QUXUN_SMTP_URL``."""

    host: str
    port: int
    user: str | None
    password: str
    from_start: bool
    clear: bool

    @classmethod
    def of(cls, url: str) -> Relay:
        """Read ``smtp://user:password@host:port`` (STARTTLS where offered), ``smtps://…`` or
        ``?tls=none``.

        Raises:
            SettingsError: when it is neither.
        """
        try:
            parts = urlsplit(url)
            known = parts.scheme in PORTS and bool(parts.hostname) and (parts.port or 1) > 0
        except ValueError:
            known = False
        if not known:
            raise SettingsError("QUXUN_SMTP_URL must look like smtp://user:password@host:port")
        return cls(
            host=parts.hostname or "",
            port=parts.port or PORTS[parts.scheme],
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password or ""),
            from_start=parts.scheme == "smtps",
            clear=parse_qs(parts.query).get("tls") == ["none"],
        )

    @property
    def near(self) -> bool:
        """Whether nobody can sit between."""
        return self.host in _NEAR


class Wire(asyncio.Protocol):
    """A connection; ``sent`` counts the mails that went over it."""

    def __init__(self, within: float) -> None:
        self._within = within
        self._transport: asyncio.Transport | None = None
        self._unread = bytearray()
        self._waiter: asyncio.Future[None] | None = None
        self._end: str | None = None
        self._gone = asyncio.Event()
        self.pipelining = False
        #: A transaction may be open in which nothing was sent: the next begins with RSET.
        self.unclean = False
        self.sent = 0
        #: Something was asked over it before.
        self.used = False

    @classmethod
    async def open(
        cls, relay: Relay, *, name: str, within: float, begun: Callable[[Wire], object]
    ) -> Wire:
        """Connect, greet, encrypt where that is offered, and log in.

        Args:
            relay: the server.
            name: what we greet it with.
            within: seconds for each step.
            begun: is told of the connection as soon as there is one, whatever comes of it.

        Raises:
            RefusedHereError: the server answered, but does not want us.
            WireError: it did not answer, or not as a mail server does.
        """
        loop = asyncio.get_running_loop()
        wire = cls(within)
        context = _context() if relay.from_start else None
        try:
            async with asyncio.timeout(within):
                await loop.create_connection(lambda: wire, relay.host, relay.port, ssl=context)
        except (OSError, UnicodeError) as error:
            raise WireError(f"{type(error).__name__}: {error}".removesuffix(": ")) from error
        begun(wire)
        try:
            await wire._begin(relay, name)
        except BaseException:
            wire.drop()
            raise
        return wire

    # --- asyncio's side --------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what bytes are written to."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are none by class

    def data_received(self, data: bytes) -> None:
        """Keep what came until it is asked for."""
        self._unread += data
        if len(self._unread) > 4 * LONGEST_ANSWER:
            self._end = "more was said than any mail server says"
            self.drop()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Remember why; what was said before is read first."""
        said = f"{type(exc).__name__}: {exc}" if exc else "the server closed the connection"
        self._end = self._end or said
        self._gone.set()
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # --- the conversation ------------------------------------------------------------------

    @property
    def usable(self) -> bool:
        """Whether the server still listens and has said nothing unasked."""
        return self._end is None and not self._unread

    def write(self, data: bytes) -> None:
        """Send bytes.

        Raises:
            WireError: as ``check``.
        """
        self.check()
        assert self._transport is not None
        self._transport.write(data)

    def check(self) -> None:
        """See that bytes can be sent.

        Raises:
            WireError: the connection ended, or the server has said what nobody asked: which
                answer belongs to which command is not known any more.
        """
        if self._unread and self._end is None:
            said = bytes(self._unread[:80]).decode("utf-8", "replace")
            raise WireError(f"the server answers what it was not asked: {said!r}")
        if self._end is not None or self._transport is None:
            raise WireError(self._end or "not connected")

    async def reply(self, within: float | None = None) -> Reply:
        """The next answer.

        Raises:
            WireError: none came in time, or what came is none.
        """
        found = self._read()
        if found is not None:
            return found
        try:
            async with asyncio.timeout(within or self._within):
                while (found := self._read()) is None:
                    if self._end is not None:
                        raise WireError(self._end)
                    self._waiter = asyncio.get_running_loop().create_future()
                    await self._waiter
        except TimeoutError as error:
            self.drop()
            raise SilentError(f"no answer within {within or self._within:g} s") from error
        return found

    async def ask(self, line: str) -> Reply:
        """Send one command and wait for its answer."""
        self.write(line.encode("ascii") + b"\r\n")
        return await self.reply()

    def leave(self) -> None:
        """End politely, without waiting for the answer."""
        if self.usable and self._transport is not None:
            self._transport.write(b"QUIT\r\n")
            self._transport.close()
        else:
            self.drop()
        self._end = self._end or "we closed the connection"

    async def gone(self) -> None:
        """Wait until nothing of it is left, TLS's own farewell among it."""
        if self._transport is not None:
            await self._gone.wait()

    def drop(self) -> None:
        """End at once: of a mail whose dot was not sent nothing is left at the server."""
        self._end = self._end or "we closed the connection"
        if self._transport is not None:
            self._transport.abort()

    def _read(self) -> Reply | None:
        """A whole answer from what has come, or None while its last line is missing."""
        short = _SHORT.match(self._unread)
        if short is not None:
            reply = Reply(code=int(short[1]), lines=(short[2].decode(),))
            del self._unread[: short.end()]
            return reply
        lines: list[str] = []
        at = 0
        while (end := self._unread.find(b"\n", at)) >= 0:
            line = bytes(self._unread[at : min(end, at + LONGEST_LINE + 2)]).rstrip(b"\r\n")
            at = end + 1
            found = _LINE.fullmatch(line)
            if found is None or len(line) > LONGEST_LINE:
                shown = line[:80].decode("utf-8", "replace")
                raise self._broken(f"what came is no answer of a mail server: {shown!r}")
            # In China they speak GBK; what the database does not take goes into no record.
            lines.append(one_line(characters(found[3], ""))[:_KEPT])
            if found[2] != b"-":
                del self._unread[:at]
                return Reply(code=int(found[1]), lines=tuple(lines))
        if len(self._unread) - at > LONGEST_LINE or at > LONGEST_ANSWER:
            raise self._broken("an answer of the server has no end")
        return None

    def _broken(self, why: str) -> WireError:
        self.drop()
        return WireError(why)

    async def _begin(self, relay: Relay, name: str) -> None:
        greeting = await self.reply()
        if greeting.code != 220:  # noqa: PLR2004  # RFC 5321 §4.3.2
            raise RefusedHereError(greeting)
        offers = await self._greet(name)
        secure = relay.from_start
        if not secure and not relay.clear and "STARTTLS" in offers:
            await self._encrypt(relay.host)
            offers = await self._greet(name)
            secure = True
        if relay.user is not None:
            if not (secure or relay.clear or relay.near):
                words = (
                    "it offers no TLS, so we do not send it the password; use smtps://, or add"
                    " ?tls=none to QUXUN_SMTP_URL"
                )
                raise RefusedHereError(Reply(code=454, lines=(words,)))
            ways = offers.get("AUTH", "").upper().split()
            await self._log_in(ways, relay.user, relay.password)
        self.pipelining = "PIPELINING" in offers

    async def _greet(self, name: str) -> dict[str, str]:
        """Say who we are; what the server offers, by keyword."""
        reply = await self.ask(f"EHLO {name}")
        if reply.code // 100 == 5:  # noqa: PLR2004  # old servers have many words for "not known"
            reply = await self.ask(f"HELO {name}")
            if not reply.good:
                raise RefusedHereError(reply)
            return {}
        if not reply.good:
            raise RefusedHereError(reply)
        offers: dict[str, str] = {}
        for line in reply.lines[1:]:
            # "AUTH=LOGIN PLAIN" is older than RFC 4954 and still written.
            word, _, rest = line.replace("=", " ").partition(" ")
            offers[word.upper()] = f"{offers.get(word.upper(), '')} {rest}".strip()
        return offers

    async def _encrypt(self, host: str) -> None:
        reply = await self.ask("STARTTLS")
        if reply.code != 220:  # noqa: PLR2004  # RFC 3207 §4
            raise RefusedHereError(reply)
        if not self.usable or self._transport is None:
            raise self._broken("the server said more before the connection was encrypted")
        try:
            async with asyncio.timeout(self._within):
                transport = await asyncio.get_running_loop().start_tls(
                    self._transport, self, _context(), server_hostname=host
                )
        except (OSError, TimeoutError) as error:
            raise self._broken(f"{type(error).__name__}: {error}".removesuffix(": ")) from error
        if transport is None:
            raise self._broken(self._end or "the connection ended while it was encrypted")
        self._transport = transport

    async def _log_in(self, ways: list[str], user: str, password: str) -> None:
        """By the first way of ours that is offered, or the next where that is not to be had."""
        said = " ".join(ways) or "none"
        words = f"no way to log in that we know is offered (offered: {said})"
        reply = Reply(code=504, lines=(words,))
        for way in _WAYS:
            if way in ways:
                reply = await self._log_in_by(way, user, password)
                if reply.code not in _ANOTHER_WAY:
                    break
        if reply.code != _AUTHENTICATED:
            raise RefusedHereError(reply)

    async def _log_in_by(self, way: str, user: str, password: str) -> Reply:
        """AUTH PLAIN (RFC 4616), LOGIN or CRAM-MD5 (RFC 2195)."""
        if way == "PLAIN":
            both = _base64(f"{chr(0)}{user}{chr(0)}{password}")
            reply = await self.ask(f"AUTH PLAIN {both}")
            return await self.ask(both) if reply.code == _CHALLENGE else reply
        reply = await self.ask(f"AUTH {way}")
        if way == "LOGIN":
            for word in (user, password):
                if reply.code == _CHALLENGE:
                    reply = await self.ask(_base64(word))
        elif reply.code == _CHALLENGE:
            try:
                challenge = base64.b64decode(reply.text)
            except ValueError as error:
                raise self._broken("its login's challenge is no base64") from error
            mac = hmac.new(password.encode(), challenge, "md5").hexdigest()
            reply = await self.ask(_base64(f"{user} {mac}"))
        return reply


@lru_cache(maxsize=1)
def _context() -> ssl.SSLContext:
    """Whom we believe: reading the certificates takes longer than a hundred mails."""
    return ssl.create_default_context()


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
