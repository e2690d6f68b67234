"""Work that waits for strangers: claimed as slots become free, recorded as each piece ends.

A slow callback holds one slot and nobody else; a worker that dies leaves leases that run out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeVar

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
    clock: Callable[[], datetime],
) -> list[Outcome]:
    """Claim, do and record until nothing more is to be claimed; what came of it all.

    Args:
        claim: leases at most so many pieces; fewer when fewer are due.
        work: does one; must not raise but for bugs and outages.
        record: writes what came of some, together.
        clock: the present time.
    """
    until = clock() + LONGEST
    flying: set[asyncio.Task[Outcome]] = set()
    ended: list[Outcome] = []
    try:
        while True:
            if clock() < until and len(flying) < AT_ONCE:
                for piece in await asyncio.to_thread(claim, AT_ONCE - len(flying)):
                    flying.add(asyncio.ensure_future(work(piece)))
            if not flying:
                return ended
            done, flying = await asyncio.wait(flying, return_when=asyncio.FIRST_COMPLETED)
            outcomes = [task.result() for task in done]
            await asyncio.to_thread(record, outcomes)
            ended += outcomes
    finally:
        for task in flying:
            task.cancel()
        await asyncio.gather(*flying, return_exceptions=True)
