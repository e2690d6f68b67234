"""Servers of our own for every test: real PostgreSQL and Valkey from wheels, one pair a worker."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from hypothesis import HealthCheck, settings
from sqlalchemy import Engine

from aggregator import store
from quxun import embedded

ROOT = Path(__file__).resolve().parent.parent
_NUMBERS = itertools.count(1)
# A property holds or not, however long a busy machine takes for one example of it.
settings.register_profile(
    "patient",
    settings(),
    deadline=None,
    suppress_health_check=[*settings().suppress_health_check, HealthCheck.too_slow],
)
settings.load_profile("patient")


@pytest.fixture(scope="session")
def servers() -> Iterator[embedded.Urls]:
    """PostgreSQL and Valkey of this test process; the database ``quxun`` is the template."""
    home = Path(tempfile.mkdtemp(prefix="quxun-tests-"))
    home.chmod(0o755)
    try:
        with embedded.servers(home) as urls:
            yield urls
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def database_url(servers: embedded.Urls) -> Iterator[str]:
    """A fresh, migrated database; dropped afterwards."""
    admin = servers.database.replace("/quxun?", "/postgres?")
    name = f"test_{os.getpid()}_{next(_NUMBERS)}"
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"create database {name} template quxun")
    yield servers.database.replace("/quxun?", f"/{name}?")
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)")


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An engine on a fresh database."""
    made = store.connect(database_url)
    yield made
    made.dispose()


@pytest.fixture
def database_of(servers: embedded.Urls) -> Iterator[Callable[[str], Engine]]:
    """Makes databases as the migration of that number left them, with nothing in them."""
    admin = servers.database.replace("/quxun?", "/postgres?")
    with ExitStack() as stack:

        def make(revision: str) -> Engine:
            name = f"old_{uuid4().hex}"
            with psycopg.connect(admin, autocommit=True) as connection:
                connection.execute(f"create database {name}")
            stack.callback(_drop, admin, name)
            made = store.connect(servers.database.replace("/quxun?", f"/{name}?"))
            stack.callback(made.dispose)
            config = Config()
            folder = Path(store.__file__).parent / "migrations"
            config.set_main_option("script_location", str(folder))
            with made.connect() as connection:
                config.attributes["connection"] = connection
                config.attributes["tag_authority"] = "quxun.example"
                command.upgrade(config, revision)
                connection.commit()
            return made

        yield make


def _drop(admin: str, name: str) -> None:
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)")


@pytest.fixture
def broker_url(servers: embedded.Urls) -> str:
    """A Valkey of our own, emptied."""
    import redis

    client = redis.Redis.from_url(servers.broker)
    client.flushall()
    client.close()
    return servers.broker


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Third-party pages, read in place; tests on them say loudly when they are missing."""
    from aggregator.settings import real_data_folder

    folder = real_data_folder() or ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"NO REAL PAGES: {folder} is missing (set QUXUN_REAL_DATA)")
    return folder
