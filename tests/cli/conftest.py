"""The real command in processes of its own, over real servers and a small country on loopback."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from quxun import embedded
from quxun.country import Country, Notice, Served, Size, serve

sys.path.insert(0, str(Path(__file__).parent))

from cli_shell import ROOT, Shell, settings_of  # beside this file


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

    def redesign(self, host: str) -> None:
        """New looks and new numbers for a portal; its lists stay where they are."""

        async def work() -> None:
            country = self.served.country
            country.redesign(country.portal(host), keep_urls=True, renumber=True)

        asyncio.run_coroutine_threadsafe(work(), self.loop).result(20)

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
    assert is_ready.wait(120)
    yield ready[0]
    ready[0].loop.call_soon_threadsafe(stop.set)
    thread.join(60)


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


@pytest.fixture(scope="module")
def empty_town(
    new_database: Callable[[], str],
    servers: embedded.Urls,
    zygote: subprocess.Popen[bytes],
    tmp_path_factory: pytest.TempPathFactory,
) -> Shell:
    """The command over a database that the tests of one module share."""
    folder = tmp_path_factory.mktemp("town")
    return Shell(settings_of(new_database(), servers.broker, folder), folder, zygote)
