"""The listener for what comes back: our own process, which relays hand bounces to."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Sequence

import structlog
from sqlalchemy.exc import SQLAlchemyError

from aggregator.errors import EmbeddedError, OutageError, SettingsError
from aggregator.flow import returns as flow
from aggregator.model import ReturnKind
from aggregator.receive import Listener, listen_address
from aggregator.returns import read_return
from aggregator.wiring import Parts

log = structlog.get_logger()

#: What names no mail of ours is only counted, and written down this often.
COUNT_SECONDS = 5.0


class Taker:
    """Records what the listener takes; forged messages cost no transaction each."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._foreign = 0

    def take(self, message: bytes, recipients: Sequence[str]) -> None:
        """Record one message for every mail that its recipients name.

        Raises:
            OutageError: when it cannot be recorded now.
        """
        parts = self._parts
        if parts.canary_arrived(message):
            return
        # In LMTP one message may be for several of our addresses, each of its own mail.
        ours = [one for one in recipients if parts.mail_of(one) is not None]
        if not ours and read_return(message, mail_of=parts.mail_of).kind is ReturnKind.FOREIGN:
            self._foreign += 1
            return
        arrived = [flow.Arrived(message=message, recipients=(one,)) for one in ours]
        flow.take_in(
            arrived or [flow.Arrived(message=message)],
            store=parts.returns, mail_of=parts.mail_of, via="listener", now=parts.now(),
        )  # fmt: skip

    def count(self) -> None:
        """Write down how many messages named no mail of ours."""
        many, self._foreign = self._foreign, 0
        if not many:
            return
        try:
            self._parts.returns.count(Counter({ReturnKind.FOREIGN.value: many}), self._parts.now())
        except (SQLAlchemyError, OutageError):
            self._foreign += many
        else:
            log.info("returned", foreign=many, via="listener")


def run(parts: Parts) -> None:
    """Listen at QUXUN_BOUNCE_LISTEN until we are told to stop.

    Raises:
        SettingsError: when that is empty, or no bounce domain is set.
        EmbeddedError: when nothing can listen there.
    """
    word = parts.settings.bounce_listen
    if not word:
        raise SettingsError("QUXUN_BOUNCE_LISTEN is empty; set it to 127.0.0.1:2424, say")
    if not parts.settings.bounce_domain:
        raise SettingsError(
            "QUXUN_BOUNCE_DOMAIN is empty: no mail would come back to an address of its own"
        )
    host, port = listen_address(word)
    try:
        asyncio.run(serve(parts, host, port))
    except OSError as error:
        raise EmbeddedError(
            f"{word} cannot be used for bounces ({os.strerror(error.errno or 0)});"
            " set QUXUN_BOUNCE_LISTEN to another"
        ) from error


async def serve(parts: Parts, host: str, port: int) -> None:
    """Take what comes back until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    done = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, done.set)
    taker = Taker(parts)
    listener = Listener(taker.take)
    await listener.start(host, port)
    log.info("taking bounces", host=host, port=port)
    while not done.is_set():
        try:
            await asyncio.wait_for(done.wait(), COUNT_SECONDS)
        except TimeoutError:
            await asyncio.to_thread(taker.count)
    await listener.close()
    await asyncio.to_thread(taker.count)
