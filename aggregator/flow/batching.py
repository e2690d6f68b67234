"""Results recorded as they come in: a slow host holds up no other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import structlog

from aggregator.errors import RefusedError

Answer = TypeVar("Answer")
Report = TypeVar("Report")

log = structlog.get_logger()


async def in_order_of_arrival(
    work: Sequence[Awaitable[Answer]],
    *,
    record: Callable[[list[Answer]], None],
    every_seconds: float = 0.25,
    most: int = 200,
) -> None:
    """Run all of the work at once and record results as they come in, never all at the end.

    A slow host holds up no other's results: what has arrived is recorded every quarter of
    a second, in a thread, while the network goes on. A worker killed in between loses only
    what it had not recorded, and that is still leased to nobody but itself.
    """
    pending = {asyncio.ensure_future(one) for one in work}
    ready: list[Answer] = []
    loop = asyncio.get_running_loop()
    try:
        flush_at = loop.time() + every_seconds
        while pending or ready:
            if pending and len(ready) < most:
                done, pending = await asyncio.wait(
                    pending,
                    timeout=max(flush_at - loop.time(), 0),
                    return_when=asyncio.FIRST_COMPLETED,
                )
                ready.extend(task.result() for task in done)
            if ready and (not pending or len(ready) >= most or loop.time() >= flush_at):
                batch, ready = ready[:most], ready[most:]
                await asyncio.to_thread(record, batch)
                flush_at = loop.time() + every_seconds
            elif not ready:
                flush_at = loop.time() + every_seconds
    finally:
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)


def each_on_its_own(
    record: Callable[[Sequence[Report]], Sequence[Answer]],
    reports: Sequence[Report],
    *,
    instead: Callable[[Report, RefusedError], Report],
) -> list[Answer]:
    """Record reports together; when one is refused, only that one is replaced.

    The batch is halved until the refused report stands alone; ``instead`` says what is
    recorded in its place. An outage is not a refusal and ends the whole.
    """
    try:
        return list(record(reports))
    except RefusedError as error:
        if len(reports) == 1:
            log.exception("report refused", report=repr(reports[0])[:300])
            return list(record([instead(reports[0], error)]))
    half = len(reports) // 2
    return [
        *each_on_its_own(record, reports[:half], instead=instead),
        *each_on_its_own(record, reports[half:], instead=instead),
    ]
