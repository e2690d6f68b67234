"""The lives of subscriptions at length: ``.venv/bin/python tests/planning/prove.py --steps 10000``.

On a PostgreSQL of its own. A life that fails is printed step by step, as short as it can be made.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test
from planning_machine import Planning
from sqlalchemy import text

from aggregator import store
from quxun import embedded


def main() -> int:
    """Live until so many steps are made; 1 when a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--length", type=int, default=60, help="steps of one life, at most")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # and clean up
    home = Path(tempfile.mkdtemp(prefix="quxun-planning-"))
    home.chmod(0o755)
    began, lives = perf_counter(), 0
    try:
        with embedded.servers(home) as servers:
            Planning.engine = store.connect(servers.database)
            with Planning.engine.begin() as connection:
                connection.execute(text("alter database quxun set synchronous_commit = off"))
            while Planning.steps < asked.steps:
                live(asked.seed + lives, asked.length)
                lives += 20
                say(f"{Planning.steps} steps, {Planning.told} told, {perf_counter() - began:.0f} s")
            Planning.engine.dispose()
    finally:
        shutil.rmtree(home, ignore_errors=True)
    say(
        f"seed {asked.seed}: {Planning.steps} steps in {lives} lives, {Planning.told} items told,"
        " nothing broken"
    )
    return 0


def say(words: str) -> None:
    """A line for who waits."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def live(number: int, length: int) -> None:
    """Twenty lives."""

    @seed(number)
    class Seeded(Planning):
        pass

    before, told = Seeded.steps, Seeded.told
    run_state_machine_as_test(
        Seeded,
        settings=settings(
            max_examples=20, stateful_step_count=length, deadline=None, database=None,
            phases=[Phase.generate], suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
    Planning.steps += Seeded.steps - before
    Planning.told += Seeded.told - told


if __name__ == "__main__":
    sys.exit(main())
