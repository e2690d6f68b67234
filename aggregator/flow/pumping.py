"""Work that waits for strangers: claimed as slots become free, recorded as each piece ends.

A slow callback holds one slot and nobody else; a worker that dies leaves leases that run out; a
piece that meets a bug of ours is recorded as failed, and harms none of the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeVar

import structlog

from aggregator.errors import OutageError

log = structlog.get_logger()

Piece = TypeVar("Piece")
Outcome = TypeVar("Outcome")

#: Calls in flight in one worker process.
AT_ONCE: Final = 32
#: Nothing is claimed later than this after the beginning; the rest waits for the next hint.
LONGEST: Final = timedelta(seconds=180)
#: A claim outlasts the slowest call (10 s) and a rendering before it.
LEASE: Final = timedelta(seconds=60)


async def pump(
    claim: Callable[[int], Sequence[Piece]],
    work: Callable[[Piece], Awaitable[Outcome]],
    record: Callable[[Sequence[Outcome]], None],
    *,
    instead: Callable[[Piece, str], Outcome],
    clock: Callable[[], datetime],
) -> int:
    """Claim, do and record until nothing more is to be claimed; how many pieces that were.

    Args:
        claim: leases at most so many pieces; fewer when fewer are due.
        work: does one.
        record: writes what came of some, together.
        instead: what came of a piece that met a bug of ours, in these words.
        clock: the present time.

    Raises:
        OutageError: the database went away; what was claimed is claimed again when its lease ends.
    """

    async def guarded(piece: Piece) -> Outcome:
        try:
            return await work(piece)
        except OutageError:
            raise
        except Exception as error:  # the catch-all for bugs: one piece's, and nobody else's
            log.exception("push failed by a bug of ours")
            return instead(piece, f"we failed at it ourselves ({type(error).__name__})")

    until = clock() + LONGEST
    flying: set[asyncio.Task[Outcome]] = set()
    ended = 0
    try:
        while True:
            if clock() < until and len(flying) < AT_ONCE:
                for piece in await asyncio.to_thread(claim, AT_ONCE - len(flying)):
                    flying.add(asyncio.ensure_future(guarded(piece)))
            if not flying:
                return ended
            done, flying = await asyncio.wait(flying, return_when=asyncio.FIRST_COMPLETED)
            outcomes = [task.result() for task in done]
            await asyncio.to_thread(_record, record, outcomes)
            ended += len(outcomes)
    finally:
        for task in flying:
            task.cancel()
        await asyncio.gather(*flying, return_exceptions=True)


def _record(record: Callable[[Sequence[Outcome]], None], outcomes: Sequence[Outcome]) -> None:
    """Record some together; when that fails, each on its own, and those that cannot be are left
    to be claimed again.
    """
    try:
        record(outcomes)
    except OutageError:
        raise
    except Exception:  # the catch-all for bugs, as above
        log.exception("push not recorded", outcomes=len(outcomes))
        if len(outcomes) > 1:
            for one in outcomes:
                _record(record, [one])
