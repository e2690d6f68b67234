"""``python -m quxun.country``: serve a country on its own.

Prints ``country ready`` and a line of JSON (every column) on stdout, then serves until SIGTERM
or SIGINT. With ``--demo`` it publishes: every 4 s for two minutes, then every 30 s; what it
published at earlier starts with the same ``--journal`` stands there again.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from quxun.country.control import utc_now
from quxun.country.country import Country
from quxun.country.journal import Journal
from quxun.country.model import Size
from quxun.country.server import Served, serve

_BUSY_FOR = 120.0
"""Seconds of the demonstration's first, busy time."""


async def run(options: argparse.Namespace, clock: Callable[[], datetime] = utc_now) -> None:
    """Serve until a signal comes."""
    size = Size(portals=options.portals)
    if options.columns:
        size = Size.bench(options.columns, hosts=options.hosts, html_share=options.html_share)
    journal = Journal(options.journal) if options.journal else None
    born, *published = (journal.moments() if journal else []) or [clock()]
    if journal and not journal.moments():
        journal.note(born)
    country = Country(seed=options.seed, size=size, now=born, base=options.base)
    for turn, at in enumerate(published, start=1):
        take_turn(country, turn, at)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with serve(country, port=options.port) as served:
        if options.warm:
            served.warm()
        sys.stdout.write("country ready\n")
        sys.stdout.write(json.dumps(served.columns(), ensure_ascii=False) + "\n")
        sys.stdout.flush()
        news = (
            asyncio.create_task(
                publish_for_ever(served, options, clock, journal, turn=len(published))
            )
            if options.demo
            else None
        )
        await stop.wait()
        if news is not None:
            news.cancel()


async def publish_for_ever(
    served: Served,
    options: argparse.Namespace,
    clock: Callable[[], datetime],
    journal: Journal | None,
    *,
    turn: int,
) -> None:
    """Publish on and on; ``turn`` is how often that was done before."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    while True:
        busy = loop.time() - started < _BUSY_FOR
        await asyncio.sleep(options.every if busy else options.later)
        turn += 1
        at = clock()
        if journal:
            journal.note(at)
        take_turn(served.country, turn, at)


def take_turn(country: Country, turn: int, at: datetime) -> None:
    """Publish a notice, now and then changing or withdrawing it: the same for the same turn."""
    (notice,) = country.publish(at)
    if turn % 10 == 0:
        country.edit(notice, at)
    if turn % 25 == 0:
        country.withdraw(notice, at)


def main(argv: list[str] | None = None) -> int:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(
        prog="python -m quxun.country", description="Serve a simulated country of portals."
    )
    parser.add_argument("--port", type=int, default=0, help="one port for all addresses; 0: any")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--base", default="127.0.1.", help="first three numbers of the addresses")
    parser.add_argument("--portals", type=int, default=12, help="full portals of all families")
    parser.add_argument("--columns", type=int, default=0, help="many cheap columns instead")
    parser.add_argument("--hosts", type=int, default=249, help="addresses for --columns")
    parser.add_argument("--html-share", type=float, default=0.0, help="lists among --columns")
    parser.add_argument("--demo", action="store_true", help="publish something new on and on")
    parser.add_argument("--journal", type=Path, help="a file that keeps it for the next start")
    parser.add_argument("--every", type=float, default=4.0, help="seconds between, at first")
    parser.add_argument("--later", type=float, default=30.0, help="seconds between, later")
    parser.add_argument("--warm", action="store_true", help="render all lists before ready")
    try:
        asyncio.run(run(parser.parse_args(argv)))
    except OSError as failure:
        sys.stderr.write(f"country: cannot listen: {failure}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
