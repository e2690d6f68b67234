"""Real processes of the service for tests: workers, schedulers and a broker that may be killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import redis
from flow_world import World
from sqlalchemy import text

from aggregator.flow import articles, mail, polls
from quxun.embedded import valkey
from tests.waiting import LONG, until


def now() -> datetime:
    return datetime.now(UTC)


def wait_for(met: Callable[[], object], *, what: str, seconds: float = LONG) -> float:
    """Wait until a condition holds; how long that took. Fails with ``what`` at the deadline."""
    started = now()
    until(met, what=what, seconds=seconds)
    return (now() - started).total_seconds()


class Service:
    """Processes over one database and one broker, ended with the test whatever happens."""

    def __init__(self, world: World, home: Path, *, database: str, broker: str, **more) -> None:
        self.world, self.home = world, home
        (home / "demo-divisions.json").write_text(json.dumps(world.divisions), encoding="utf-8")
        self.env = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("QUXUN_", "COV_"))},
            "QUXUN_HOME": str(home),
            "QUXUN_DATABASE_URL": database,
            "QUXUN_BROKER_URL": broker,
            "QUXUN_ALLOW_NETS": world.net,
            "QUXUN_DELAY_SECONDS": "0",
            "QUXUN_FLOOR_SECONDS": "1",
            "QUXUN_CEILING_SECONDS": "2",
            "QUXUN_IMMEDIATE_SECONDS": "1",
            "QUXUN_SECRET_KEY": "a-secret-for-these-tests",
            "QUXUN_DEMO": "1",
            "QUXUN_LOG_LEVEL": "WARNING",
            **{f"QUXUN_{name.upper()}": str(value) for name, value in more.items()},
        }
        self.running: list[tuple[subprocess.Popen[bytes], tuple[str, ...]]] = []
        self.ended_by_themselves = 0

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Start ``quxun …`` in a process group of its own."""
        with (self.home / f"{command[0]}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "quxun", *command],
                env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        self.running.append((process, command))
        return process

    def worker(self, *, concurrency: int = 2, queues: str = "") -> subprocess.Popen[bytes]:
        more = ("--queues", queues) if queues else ()
        return self.start("worker", "--concurrency", str(concurrency), *more)

    def scheduler(self) -> subprocess.Popen[bytes]:
        return self.start("scheduler")

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """Kill -9 of a process we started, and of its children."""
        self.running = [one for one in self.running if one[0] is not process]
        _kill(process)

    def supervise(self) -> None:
        """Start again what ended by itself, as a supervisor does."""
        for process, command in list(self.running):
            if process.poll() is not None:
                self.ended_by_themselves += 1
                self.kill(process)
                self.start(*command)

    def leases_run_out(self, *, after: float = 0) -> None:
        """Let a lease last only so many seconds, so that a test need not wait for all of them."""
        lasts = {"sources": polls.LEASE, "entries": articles.LEASE, "outbox": mail.LEASE}
        with self.world.engine.begin() as connection:
            for table, lease in lasts.items():
                connection.execute(
                    text(
                        f"update {table} set lease_until = now() - interval '1 second'"
                        " where lease_until between now() and :until"
                    ),
                    {"until": now() + lease - timedelta(seconds=after)},
                )

    def words(self) -> str:
        """The last words of every process, for a failure's message."""
        return "\n".join(
            f"== {log.name}\n" + log.read_text(encoding="utf-8", errors="replace")[-3000:]
            for log in sorted(self.home.glob("*.log"))
        )

    def close(self) -> None:
        for process, _ in self.running:
            _kill(process)
        self.running = []


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(60)


class Broker:
    """A Valkey of one test's own, that may be killed and comes back empty."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="qx-"))
        self.url = f"unix://{self.folder / 's'}"
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            [
                str(valkey._binary()), "--port", "0", "--unixsocket", str(self.folder / "s"),
                "--dir", str(self.folder), "--save", "", "--appendonly", "no",
            ],
            stdout=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        wait_for(self._answers, what="Valkey answers", seconds=60)

    def _answers(self) -> bool:
        with redis.Redis.from_url(self.url) as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False

    def flush(self) -> None:
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def kill_and_start_again(self) -> None:
        _kill(self._process)
        self._start()

    def close(self) -> None:
        _kill(self._process)
        shutil.rmtree(self.folder, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
