"""The way to the relay: its connections, how many mails a second, and what it was told.

One call of ``deliver`` is a round (``round.py``); what outlives it is kept here.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from email.utils import parseaddr
from pathlib import Path
from typing import Final
from weakref import WeakSet

import uvloop

from aggregator.deliver.composer import Composer
from aggregator.deliver.journal import Journal
from aggregator.deliver.mime import wire_address
from aggregator.deliver.round import Round
from aggregator.deliver.wire import RefusedHereError, Relay, Wire, WireError
from aggregator.errors import DeliveryError, SettingsError
from aggregator.ports import Desk

#: A server that does not answer a farewell is not waited for longer.
_FAREWELL_SECONDS: Final = 2.0
_MINUTE = 60.0


class SmtpMailer:
    """Implements ``ports.Mailer``; its connections are kept between calls.

    Args:
        url: ``smtp://user:password@host:port`` (STARTTLS where the server offers it) or
            ``smtps://…``; ``?tls=none`` never encrypts. Empty: nothing can be delivered.
        mail_from: the sender as in the From header; its address is the envelope's too, unless
            the composer knows a better one.
        composer: makes bytes of mails.
        notes: the folder where this machine's senders leave notes (``journal.py``).
        connections: at most so many at once.
        per_second: mails a second at most; 0 for no limit.
        timeout: seconds for every step of the conversation.
        dot_timeout: seconds for the answer to the final dot; RFC 5321 §4.5.3.2.6 asks for more
            than for the rest, because servers look at the words then.
        per_connection: mails before a connection is renewed; some servers count them.
        pause: waits, for pacing.
        ticks: a clock for pacing, in seconds.
    """

    def __init__(
        self,
        url: str,
        *,
        mail_from: str,
        composer: Composer | None = None,
        notes: Path | None = None,
        connections: int = 8,
        per_second: float = 0,
        timeout: float = 20,
        dot_timeout: float = 120,
        per_connection: int = 100,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self.sender = sender_address(mail_from)
        self.relay = Relay.of(url) if url else None
        self.composer = composer or Composer(self.sender)
        self.journal = Journal(notes)
        self.connections = connections
        self.timeout = timeout
        self.dot_timeout = dot_timeout
        self.per_connection = per_connection
        #: A server that offered pipelining and did not keep to it is not asked for it again.
        self.pipelines = True
        self.idle: list[Wire] = []
        self._wires: WeakSet[Wire] = WeakSet()
        #: Rounds in a row in which nobody was reached; None before the first.
        self.failures: int | None = None
        self._gap = 1 / per_second if per_second else 0.0
        self._pause = pause
        self._ticks = ticks
        self._free_at = float("-inf")
        self._tried: tuple[float, Counter[str], Counter[str]] = (ticks(), Counter(), Counter())
        self._runner: asyncio.Runner | None = None
        self._thread: ThreadPoolExecutor | None = None

    def deliver(self, desk: Desk) -> None:
        """Send each of the desk's mails; see ``ports.Mailer``."""
        if self._runner is None:
            self._runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="desk")
        assert self._thread is not None
        self._runner.run(Round(self, desk, self._thread).run())

    def close(self) -> None:
        """End the connections, politely where the server still listens."""
        try:
            if self._runner is not None:
                self._runner.run(self._quit())
                self._runner.close()
        finally:
            self._runner = None
            if self._thread is not None:
                self._thread.shutdown()
                self._thread = None
            self.journal.close()

    def probe(self) -> None:
        """Greet the relay and log in, as delivery does.

        Raises:
            DeliveryError: what the relay said, or what happened instead.
        """
        if self._runner is None:
            self._runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="desk")
        try:
            wire = self._runner.run(self.open())
        except RefusedHereError as error:
            raise DeliveryError(f"{error.reply.code} {error.reply.text}") from error
        except WireError as error:
            raise DeliveryError(str(error)) from error
        self.idle.append(wire)

    async def open(self) -> Wire:
        """A new connection.

        Raises:
            RefusedHereError: the server does not want us.
            WireError: nobody answers, or no mail server.
        """
        if self.relay is None:
            raise WireError("QUXUN_SMTP_URL is empty: there is no mail server")
        name = self.sender.rpartition("@")[2]
        wire = await Wire.open(self.relay, name=name, within=self.timeout, begun=self._wires.add)
        wire.pipelining = wire.pipelining and self.pipelines
        return wire

    async def turn(self) -> None:
        """Wait until the next mail is within the limit a second."""
        wait = self._free_at - self._ticks()
        self._free_at = max(self._free_at, self._ticks()) + self._gap
        if wait > 0:
            await self._pause(wait)

    def free(self) -> bool:
        """Whether the next mail need not wait; if so, its turn is taken."""
        if self._gap and self._free_at > self._ticks():
            return False
        self._free_at = max(self._free_at, self._ticks()) + self._gap
        return True

    def tried(self, domain: str) -> float:
        """Count a mail to a domain; how many a minute it is offered by this process."""
        since, present, last = self._tried
        if self._ticks() - since > _MINUTE:
            last = present if self._ticks() - since < 2 * _MINUTE else Counter()
            present = Counter()
            self._tried = self._ticks(), present, last
        present[domain] += 1
        return float(max(present[domain], last[domain]))

    async def _quit(self) -> None:
        """Leave, and see every connection end: a loop is not closed under one."""
        wires, self.idle = list(self._wires), []
        for wire in wires:
            wire.leave()
        try:
            async with asyncio.timeout(_FAREWELL_SECONDS):
                await _all_gone(wires)
        except TimeoutError:
            for wire in wires:
                wire.drop()
            with suppress(TimeoutError):
                async with asyncio.timeout(_FAREWELL_SECONDS):
                    await _all_gone(wires)


async def _all_gone(wires: Iterable[Wire]) -> None:
    for wire in wires:
        await wire.gone()


def sender_address(mail_from: str) -> str:
    """The address in a From header, as it goes into an envelope.

    Raises:
        SettingsError: there is none.
    """
    try:
        return wire_address(parseaddr(mail_from)[1])
    except ValueError as error:
        raise SettingsError(f"QUXUN_MAIL_FROM holds no address: {mail_from!r}") from error
