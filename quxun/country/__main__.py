"""``python -m quxun.country``: serve a country on its own.

Prints ``country ready`` and a line of JSON (every column) on stdout, then serves until SIGTERM
or SIGINT. With ``--demo`` it publishes: every 4 s for two minutes, then every 30 s.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from collections.abc import Callable
from datetime import datetime

from quxun.country.control import utc_now
from quxun.country.country import Country
from quxun.country.model import Size
from quxun.country.server import Served, serve

_BUSY_FOR = 120.0
"""Seconds of the demonstration's first, busy time."""


async def run(options: argparse.Namespace, clock: Callable[[], datetime] = utc_now) -> None:
    """Serve until a signal comes."""
    size = Size(portals=options.portals)
    if options.columns:
        size = Size.bench(options.columns, hosts=options.hosts, html_share=options.html_share)
    country = Country(seed=options.seed, size=size, now=clock(), base=options.base)
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
            asyncio.create_task(publish_for_ever(served, options, clock)) if options.demo else None
        )
        await stop.wait()
        if news is not None:
            news.cancel()


async def publish_for_ever(
    served: Served, options: argparse.Namespace, clock: Callable[[], datetime]
) -> None:
    """Publish on and on, now and then changing or withdrawing what is out."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    turn = 0
    while True:
        busy = loop.time() - started < _BUSY_FOR
        await asyncio.sleep(options.every if busy else options.later)
        turn += 1
        (notice,) = served.country.publish(clock())
        if turn % 10 == 0:
            served.country.edit(notice, clock())
        if turn % 25 == 0:
            served.country.withdraw(notice, clock())


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
