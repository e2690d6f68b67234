"""The real command in processes of its own, over real servers and a small country on loopback."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from quxun import embedded
from quxun.country import Country, Notice, Served, Size, serve

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Done:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        """The one JSON document on stdout."""
        return json.loads(self.out)

    @property
    def lines(self) -> list:
        """The JSON lines on stdout."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def complaint(self) -> str:
        """The one line on stderr, without a traceback; nothing is on stdout."""
        assert self.out == ""
        [line] = self.err.splitlines()
        assert line.startswith("quxun")
        return line


@dataclass
class Shell:
    """Runs ``quxun`` with an environment that holds our settings and nobody else's."""

    settings: dict[str, str] = field(default_factory=dict)
    folder: Path = ROOT
    zygote: subprocess.Popen[bytes] | None = None

    def run(self, *words: str, stdin: str | bytes = b"", code: int = 0, **settings: str) -> Done:
        clean = {name: value for name, value in os.environ.items() if "QUXUN" not in name}
        given = {f"QUXUN_{name.upper()}": value for name, value in settings.items()}
        env = {**clean, "PYTHONPATH": str(ROOT), **self.settings, **given}
        given_bytes = stdin.encode() if isinstance(stdin, str) else stdin
        start = self._exec if self.zygote is None else self._fork
        answer = start(words, given_bytes, env)
        assert answer.code == code, f"{words}: exit {answer.code}\n{answer.out}\n{answer.err}"
        assert "Traceback" not in answer.err
        return answer

    def _exec(self, words: tuple[str, ...], stdin: bytes, env: dict[str, str]) -> Done:
        """A process from nothing, as a shell would start it."""
        done = subprocess.run(
            [sys.executable, "-m", "quxun", *words],
            input=stdin,
            env=env,
            cwd=self.folder,
            capture_output=True,
            timeout=120,
            check=False,
        )
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    def _fork(self, words: tuple[str, ...], stdin: bytes, env: dict[str, str]) -> Done:
        """A process of its own too, forked from one that has imported everything."""
        streams = {name: self.folder / f".{name}" for name in ("stdin", "stdout", "stderr")}
        streams["stdin"].write_bytes(stdin)
        order = {"argv": words, "env": env, "cwd": str(self.folder)}
        order |= {name: str(path) for name, path in streams.items()}
        self.zygote.stdin.write(json.dumps(order).encode() + b"\n")
        self.zygote.stdin.flush()
        code = int(self.zygote.stdout.readline())
        return Done(
            code, streams["stdout"].read_text("utf-8"), streams["stderr"].read_text("utf-8")
        )


@dataclass
class Land:
    """A country that is being served by a thread of its own."""

    served: Served
    loop: asyncio.AbstractEventLoop

    def publish(self) -> Notice:
        """A notice that stands on its portals from now on."""

        async def work() -> Notice:
            return self.served.country.publish(datetime.now(UTC))[0]

        return asyncio.run_coroutine_threadsafe(work(), self.loop).result(20)

    def column(self, kind: str, *, family: str | None = None) -> dict[str, str]:
        """The first column of a kind (and family)."""
        columns = self.served.columns()
        return next(
            one for one in columns
            if one["kind"] == kind and (family is None or one["family"] == family)
        )  # fmt: skip


@pytest.fixture
def cold(tmp_path: Path) -> Shell:
    """The command with no server anywhere, started from nothing."""
    return Shell({"QUXUN_HOME": str(tmp_path / "home")}, tmp_path)


@pytest.fixture
def offline(tmp_path: Path, zygote: subprocess.Popen[bytes]) -> Shell:
    """The command with no server anywhere: what needs none must not ask for one."""
    return Shell({"QUXUN_HOME": str(tmp_path / "home")}, tmp_path, zygote)


@pytest.fixture(scope="session")
def zygote() -> Iterator[subprocess.Popen[bytes]]:
    """The process that commands are forked from."""
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("zygote.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:
        yield process
        process.stdin.close()


@pytest.fixture
def shell(
    database_url: str, broker_url: str, tmp_path: Path, zygote: subprocess.Popen[bytes]
) -> Shell:
    """The command over a fresh database and an empty broker."""
    return Shell(settings_of(database_url, broker_url, tmp_path), tmp_path, zygote)


@pytest.fixture(scope="session")
def land() -> Iterator[Land]:
    """A dozen portals of all families on loopback."""
    country = Country(
        seed=11,
        size=Size(portals=12, notices_per_column=12),
        now=datetime.now(UTC),
        base="127.0.1.",
    )
    ready: list[Land] = []
    is_ready, stop = threading.Event(), asyncio.Event()

    async def inside() -> None:
        async with serve(country) as served:
            ready.append(Land(served, asyncio.get_running_loop()))
            is_ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(inside()))
    thread.start()
    assert is_ready.wait(30)
    yield ready[0]
    ready[0].loop.call_soon_threadsafe(stop.set)
    thread.join(20)


@pytest.fixture(scope="session")
def new_database(servers: embedded.Urls) -> Iterator[Callable[[], str]]:
    """Makes migrated databases that live as long as the tests of this process."""
    admin = servers.database.replace("/quxun?", "/postgres?")
    made: list[str] = []

    def make() -> str:
        name = f"test_cli_{os.getpid()}_{len(made)}"
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f"create database {name} template quxun")
        made.append(name)
        return servers.database.replace("/quxun?", f"/{name}?")

    yield make
    with psycopg.connect(admin, autocommit=True) as connection:
        for name in made:
            connection.execute(f"drop database {name} with (force)")


def settings_of(database: str, broker: str, home: Path) -> dict[str, str]:
    """What a distributed service would be told, with the country let through the guard."""
    return {
        "QUXUN_HOME": str(home / "home"),
        "QUXUN_DATABASE_URL": database,
        "QUXUN_BROKER_URL": broker,
        "QUXUN_SECRET_KEY": "a-secret-of-the-tests-long-enough",
        "QUXUN_PUBLIC_URL": "http://quxun.example",
        "QUXUN_ALLOW_NETS": "127.0.1.0/24",
        "QUXUN_DELAY_SECONDS": "0",
        "QUXUN_FLOOR_SECONDS": "1",
    }
