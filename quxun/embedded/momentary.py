"""PostgreSQL and Valkey for the moment, or those of a running ``quxun up``."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg
import redis

from aggregator import store
from aggregator.errors import EmbeddedError
from aggregator.settings import Settings
from quxun.embedded import child, postgres, valkey
from quxun.embedded.child import ChildSpec
from quxun.embedded.home import BusyError, Home, cannot_write

#: How long a server may take until it answers.
READY_SECONDS = 30.0
#: Asks our own servers, whatever proxy the environment names.
direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Urls:
    """How the servers of a home are reached, and what its running service was told."""

    database: str
    broker: str
    smtp: str = ""
    port: int = 0
    public_url: str = ""
    demo: bool = False
    allow_nets: tuple[str, ...] = ()
    delay_seconds: float | None = None
    floor_seconds: float | None = None
    immediate_seconds: float | None = None


@contextmanager
def servers(path: Path, *, migrate: bool = True) -> Iterator[Urls]:
    """Join the running service of a home, or start its servers for the moment and bring the
    schema up to date.

    Raises:
        EmbeddedError: when they cannot be started, in one line.
    """
    home = Home(path)
    end = time.monotonic() + READY_SECONDS
    while True:
        if not (home.path / "lock").exists():
            home.prepare()
        try:
            with home.locked():
                home.prepare()
                yield from _own(home, migrate=migrate)
                return
        except BusyError as busy:
            urls = _running(home)
            if urls is None and time.monotonic() > end:
                raise EmbeddedError(
                    f"a service is starting or stopping on {home.path}; try again in a moment"
                ) from busy
        if urls:
            yield urls
            return
        time.sleep(0.1)


def _own(home: Home, *, migrate: bool) -> Iterator[Urls]:
    home.service_file.unlink(missing_ok=True)  # of a service that was killed
    postgres.prepare(home)
    valkey.prepare(home)
    started: list[tuple[subprocess.Popen[bytes], ChildSpec]] = []
    try:
        for spec in (postgres.spec(home), valkey.spec(home)):
            log = home.logs / f"{spec.name}.log"
            started.append((child.start(spec, log=log), spec))
        urls = Urls(
            database=postgres.url(home),
            broker=valkey.url(home),
            demo=(home.path / "demo-divisions.json").exists(),
        )
        wait_for_servers(home, lambda: _dead(started))
        create_database(home)
        if migrate:
            engine = store.connect(urls.database)
            store.migrate(engine)
            engine.dispose()
        yield urls
    finally:
        end_all(started, seconds=8)
        home.forget_sockets()


def settings_of(settings: Settings, urls: Urls) -> dict[str, object]:
    """The settings of a home's service, as ``load_settings`` takes them."""
    home = Home(settings.home)
    given: dict[str, object] = {
        "home": settings.home,
        "database_url": urls.database,
        "broker_url": urls.broker,
        "secret_key": settings.secret_key.get_secret_value() or home.secret("secret-key"),
        # Its notices stay in the store when it is started without a demonstration later.
        "demo": urls.demo or (home.path / "demo-divisions.json").exists(),
    }
    if urls.smtp:
        given["smtp_url"] = urls.smtp
    if urls.public_url:
        given["public_url"] = urls.public_url
    if urls.port:
        given["port"] = urls.port
    for name in ("allow_nets", "delay_seconds", "floor_seconds", "immediate_seconds"):
        value = getattr(urls, name)
        if value not in (None, ()):
            given[name] = value
    return given


def write_service(home: Home, urls: Urls) -> None:
    """Tell commands how the running service is reached."""
    part = home.service_file.with_suffix(".part")
    try:
        part.touch(mode=0o600)
        part.write_text(json.dumps(asdict(urls)), encoding="utf-8")
        part.replace(home.service_file)
    except OSError as error:
        raise EmbeddedError(cannot_write(home.path, error)) from error


def wait_for_servers(home: Home, dead: Callable[[], str | None]) -> None:
    """Wait until both answer.

    Raises:
        EmbeddedError: when one ended, or does not answer in time.
    """
    wait_until(lambda: _answers_postgres(home), "PostgreSQL", home, dead)
    wait_until(lambda: _answers_valkey(home), "Valkey", home, dead)


def wait_until(
    ready: Callable[[], bool], what: str, home: Home, dead: Callable[[], str | None]
) -> None:
    """Wait until something is ready, not longer than ``READY_SECONDS``."""
    end = time.monotonic() + READY_SECONDS
    while not ready():
        gone = dead()
        if gone:
            raise EmbeddedError(
                f"{gone} ended while starting; its last words: {_last_line(home, gone)}"
            )
        if time.monotonic() > end:
            raise EmbeddedError(
                f"{what} does not answer after {READY_SECONDS:.0f} s; see {home.logs}"
            )
        time.sleep(0.03)


def create_database(home: Home) -> None:
    """Make our database in a cluster that has none yet."""
    with psycopg.connect(postgres.url(home, "postgres"), autocommit=True) as connection:
        there = connection.execute("select 1 from pg_database where datname = 'quxun'").fetchone()
        if not there:
            connection.execute("create database quxun")


def end_all(started: list[tuple[subprocess.Popen[bytes], ChildSpec]], *, seconds: float) -> None:
    """Ask all to end, wait, and make those end that did not."""
    for process, spec in started:
        child.stop(process, spec)
    end = time.monotonic() + seconds
    for process, spec in started:
        try:
            process.wait(timeout=max(end - time.monotonic(), 0.05))
        except subprocess.TimeoutExpired:
            child.kill(process, spec)
            process.wait(timeout=2)
        child.kill(process, spec)  # whatever is left of its group


def _running(home: Home) -> Urls | None:
    """How the running service is reached, if it has said so already."""
    try:
        told = json.loads(home.service_file.read_text(encoding="utf-8"))
        return Urls(**{**told, "allow_nets": tuple(told["allow_nets"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _dead(started: list[tuple[subprocess.Popen[bytes], ChildSpec]]) -> str | None:
    return next((spec.name for process, spec in started if process.poll() is not None), None)


def _last_line(home: Home, name: str) -> str:
    try:
        lines = (home.logs / f"{name}.log").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "none"
    return (lines.strip().splitlines() or ["none"])[-1]


def _answers_postgres(home: Home) -> bool:
    try:
        with psycopg.connect(postgres.url(home, "postgres"), connect_timeout=2):
            return True
    except psycopg.OperationalError:
        return False


def _answers_valkey(home: Home) -> bool:
    try:
        return bool(redis.Redis.from_url(valkey.url(home), socket_timeout=2).ping())
    except redis.RedisError:
        return False
