"""The connections of a round: those that are idle first, then new ones while there are any."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from aggregator.deliver.answers import Answer, Stage
from aggregator.deliver.wire import RefusedHereError, Wire, WireError

if TYPE_CHECKING:
    from aggregator.deliver.smtp import SmtpMailer

log = structlog.get_logger()


class Wires:
    """Gives connections to carriers and takes them back.

    ``unreachable`` is what the relay said, or what happened instead, when there is no connection
    at all; ``reached`` whether there was one in this round.

    Args:
        mailer: opens connections, and keeps those that are good from round to round.
        opened: called when there is a new one.
    """

    def __init__(self, mailer: SmtpMailer, opened: Callable[[], None]) -> None:
        self._mailer = mailer
        self._opened = opened
        self._most = mailer.connections
        self._taken = 0
        self.unreachable: Answer | None = None
        self.reached = False

    @property
    def most(self) -> int:
        """How many there can be; one alone is tried until one is there."""
        return self._most if self._taken or self._mailer.idle else 1

    async def take(self) -> Wire | None:
        """A connection, or None when there is none to be had."""
        while self._mailer.idle:
            wire = self._mailer.idle.pop()
            if wire.usable:
                self._count()
                return wire
            wire.drop()
        try:
            wire = await self._mailer.open()
        except RefusedHereError as error:
            self._turned_away(Answer(Stage.CONNECT, error.reply.code, error.reply.text))
            return None
        except WireError as error:
            self._turned_away(Answer(Stage.CONNECT, 0, str(error)))
            return None
        self._count()
        self._opened()
        return wire

    def release(self, wire: Wire, *, worn: bool = False) -> None:
        """Take a connection back; the next round uses it if it is still good."""
        self._taken -= 1
        if wire.usable and not worn and wire.sent < self._mailer.per_connection:
            self._mailer.idle.append(wire)
        else:
            wire.leave()

    def _count(self) -> None:
        self._taken += 1
        self.reached = True

    def _turned_away(self, answer: Answer) -> None:
        """Be content with the connections there are; without any, nobody can be reached."""
        if self._taken:
            self._most = self._taken
            return
        self.unreachable = answer
        log.warning("relay not reached", code=answer.code, said=answer.text[:80])
