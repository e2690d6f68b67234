"""A service whose parts may be killed: its servers and its worker under the real supervisor.

Nothing is faked but time: waits of minutes before another attempt, and leases of senders that
are dead, are cut short in the store, so that a run takes minutes instead of hours.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import TypeVar

import psutil
import psycopg
import redis
from pydantic import SecretStr
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from aggregator import store
from aggregator.errors import OutageError, QuxunError
from aggregator.flow.mail import LEASE
from aggregator.settings import inherited_environment, load_settings
from aggregator.wiring import Parts, bell_app, build_parts, now
from quxun.embedded import momentary, postgres, valkey
from quxun.embedded.child import ChildSpec
from quxun.embedded.home import Home
from quxun.embedded.supervisor import Supervisor

Answer = TypeVar("Answer")

SENDER, WORKER, DATABASE, BROKER, INBOX = "sender", "worker", "database", "broker", "mail server"
VICTIMS = (SENDER, WORKER, DATABASE, BROKER, INBOX)
_NAMES = {WORKER: "worker", DATABASE: "postgres", BROKER: "valkey", INBOX: "inbox"}
#: How often we look, ring, and cut waits short.
LOOK_SECONDS, RING_SECONDS, HASTEN_SECONDS = 0.1, 0.5, 1.0
#: Immediate mails are grouped this long: so often somebody may be planned for.
SLOT_SECONDS = 3.0
#: A statement of ours is tried so long; nothing may be away for longer.
PATIENCE_SECONDS = 120.0
#: A deferred mail waits no longer than this.
_DEFERRED = timedelta(seconds=2)
#: How exactly the time is known at which a process began.
_CLOCK = timedelta(seconds=2)
#: A pool whose children die while it is made ends its worker; older ones are replaced.
_GROWN = timedelta(seconds=2)
#: Rows that somebody works on are left to the next time.
_SOONER = text(
    "update outbox set due_at = :until where id in (select id from outbox where waiting"
    " and state = 'deferred' and due_at > :until for update skip locked)"
)
_NOBODYS = text(
    "update outbox set lease_until = now() - interval '1 second' where id in (select id from outbox"
    " where waiting and state in ('claimed', 'handed') and lease_until < :until"
    " for update skip locked)"
)


@dataclass(slots=True, kw_only=True)
class Recovery:
    """One victim: when it was struck last and how long it took at most until it worked again."""

    struck_at: float | None = None
    before: frozenset[int] = frozenset()
    longest: float = 0.0
    kills: int = 0


@dataclass(kw_only=True)
class Battered:
    """The service; everything happens in the thread that calls it."""

    home: Home
    keeper: Supervisor
    parts: Parts
    inbox: Path
    port: int
    senders: int
    dice: Random
    victims: dict[str, Recovery] = field(
        default_factory=lambda: {one: Recovery() for one in VICTIMS}
    )
    _rung: float = 0.0
    _hastened: float = 0.0

    def __post_init__(self) -> None:
        """Know the broker as whoever rings for work does."""
        url = valkey.url(self.home)
        self._queue = redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=1)
        self._bell = bell_app(url)

    # --- living ------------------------------------------------------------------------------

    def pass_time(self, seconds: float) -> None:
        """Let the service work for a while."""
        end = time.monotonic() + seconds
        while True:
            self.tick()
            if time.monotonic() >= end:
                return
            time.sleep(LOOK_SECONDS)

    def until(self, ready: Callable[[], bool], *, seconds: float) -> bool:
        """Let it work until something is so, and say whether it came to that."""
        end = time.monotonic() + seconds
        while not ready():
            if time.monotonic() >= end:
                return False
            self.tick()
            time.sleep(LOOK_SECONDS)
        return True

    def tick(self) -> None:
        """Start again what died, ring as the scheduler would, cut waits short, take the time."""
        self.keeper.look()
        at = time.monotonic()
        if at - self._rung > RING_SECONDS:
            self._rung = at
            self._ring()
        if at - self._hastened > HASTEN_SECONDS:
            self._hastened = at
            with suppress(OutageError, SQLAlchemyError), self.parts.engine.begin() as connection:
                self._hasten(connection)
        for name, victim in self.victims.items():
            if victim.struck_at is not None and self.works(name):
                victim.longest = max(victim.longest, time.monotonic() - victim.struck_at)
                victim.struck_at = None

    def ask(self, work: Callable[[Connection], Answer]) -> Answer:
        """Work in a transaction, again while the database is away; it must do no harm twice.

        Raises:
            QuxunError: it stays away.
        """
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                with self.parts.engine.begin() as connection:
                    return work(connection)
            except (OutageError, SQLAlchemyError) as error:
                if time.monotonic() > end:
                    raise QuxunError(f"the database did not come back: {error}") from error
            self.tick()
            time.sleep(LOOK_SECONDS)

    def taken(self) -> int:
        """How many bytes the mail server has kept: it grows with every mail."""
        return sum(one.stat().st_size for one in self.inbox.glob("*.kept"))

    def _ring(self) -> None:
        """Hint at what may be due, unless hints wait already or the broker is away."""
        try:
            if self._queue.llen("mail"):
                return
            for task in ("mail.plan", "mail.deliver"):
                self._bell.send_task(task, queue="mail", retry=False, ignore_result=True)
        except Exception:  # noqa: BLE001  # kombu raises whatever the dying broker made of it
            return

    def _hasten(self, connection: Connection) -> None:
        """Cut short the waits of deferred mails, and the leases of those who are dead: what was
        leased before the oldest sender that lives was born is nobody's.
        """
        born = [psutil.Process(pid).create_time() for pid in self._pool()]
        oldest = datetime.fromtimestamp(min(born), UTC) if born else None
        connection.execute(_SOONER, {"until": now() + _DEFERRED})
        if oldest is not None:
            connection.execute(_NOBODYS, {"until": oldest + LEASE - _CLOCK})

    # --- dying -------------------------------------------------------------------------------

    def strike(self, name: str) -> bool:
        """Kill a victim with SIGKILL, once it works; False when it does not come to that."""
        found: list[int] = []
        if not self.until(lambda: bool(self._targets(name, found)), seconds=PATIENCE_SECONDS):
            return False
        victim, pid = self.victims[name], self.dice.choice(found)
        victim.before |= {pid, *(self._pool() if name == WORKER else ())}
        with suppress(ProcessLookupError):
            if name == WORKER:
                os.killpg(pid, signal.SIGKILL)  # with its children
            else:
                os.kill(pid, signal.SIGKILL)
        victim.kills += 1
        victim.struck_at = victim.struck_at or time.monotonic()
        return True

    def _targets(self, name: str, found: list[int]) -> list[int]:
        """Whom to kill: one of the senders, or the process of that name; none until it works."""
        pid = self.keeper.pid(_NAMES.get(name, "worker"))
        pids = self._pool(_GROWN) if name == SENDER else [pid] if pid else []
        found[:] = pids if self.works(name) else []
        return found

    def works(self, name: str) -> bool:
        """Whether a victim does what it is for, and is another than the one that was killed."""
        if name in {SENDER, WORKER}:
            pool = set(self._pool(_GROWN)) - self.victims[name].before
            return len(pool) >= (self.senders if name == WORKER else 1)
        pid = self.keeper.pid(_NAMES[name])
        if pid is None or pid in self.victims[name].before:
            return False
        try:
            if name == DATABASE:
                url = postgres.url(self.home)
                with psycopg.connect(url, connect_timeout=2) as connection:
                    connection.execute("select 1")
            elif name == BROKER:
                self._queue.ping()
            else:
                socket.create_connection(("127.0.0.1", self.port), timeout=2).close()
        except (psycopg.Error, redis.RedisError, OSError):
            return False
        return True

    def _pool(self, age: timedelta = timedelta()) -> list[int]:
        """The worker's children that send and plan, of that age or older."""
        worker = self.keeper.pid("worker")
        try:
            return [
                one.pid
                for one in (psutil.Process(worker).children() if worker else [])
                if one.status() != psutil.STATUS_ZOMBIE
                and one.create_time() <= (now() - age).timestamp()
            ]
        except psutil.Error:
            return []


@contextmanager
def battered(folder: Path, *, senders: int, pause: float, dice: Random) -> Iterator[Battered]:
    """Start the servers of a fresh home and a mail server; ``begin`` starts the worker.

    Args:
        folder: the home.
        senders: the worker's children.
        pause: the mail server takes up to twice so many seconds for a mail.
        dice: whose throws decide which sender dies.
    """
    home = Home(folder)
    home.prepare()
    with home.locked(), closing(socket.socket()) as probe:
        keeper = Supervisor(logs=home.logs, say=lambda _: None)
        inbox = home.path / "inbox"
        inbox.mkdir(exist_ok=True)
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
        probe.close()
        parts = None
        try:
            postgres.prepare(home)
            valkey.prepare(home)
            keeper.start(postgres.spec(home))
            keeper.start(valkey.spec(home))
            keeper.start(_python("inbox", "quxun.bench.inbox", str(inbox), str(port), str(pause)))
            momentary.wait_for_servers(home, keeper.dead)
            momentary.create_database(home)
            parts = _parts(home, port)
            store.migrate(parts.engine)
            yield Battered(
                home=home, keeper=keeper, parts=parts, inbox=inbox, port=port, senders=senders,
                dice=dice,
            )  # fmt: skip
        finally:
            _end(keeper)
            if parts is not None:
                parts.close()
            home.forget_sockets()


def _end(keeper: Supervisor) -> None:
    """End all; nobody needs what the worker has in hand any more."""
    with suppress(KeyError, ProcessLookupError):
        pid = keeper.pid("worker")
        if pid is not None:
            os.killpg(pid, signal.SIGKILL)
    keeper.stop()


def begin(service: Battered) -> None:
    """Start the worker, as ``quxun up`` does, and wait for it.

    Raises:
        QuxunError: it does not come up.
    """
    arguments = ("worker", "--queues", "mail,upkeep", "--concurrency", str(service.senders))
    settings = service.parts.settings
    service.keeper.start(
        _python("worker", "quxun", *arguments, settings=settings.as_environment(), leader="valkey")
    )
    if not service.until(lambda: service.works(WORKER), seconds=PATIENCE_SECONDS):
        raise QuxunError(f"the worker does not start; see {service.keeper.log('worker')}")


def _parts(home: Home, port: int) -> Parts:
    return build_parts(
        load_settings(
            home=home.path, database_url=SecretStr(postgres.url(home)),
            broker_url=SecretStr(valkey.url(home)),
            smtp_url=SecretStr(f"smtp://127.0.0.1:{port}?tls=none"), smtp_per_second=0,
            smtp_connections=4, public_url="https://quxun.example", canary="",
            secret_key=SecretStr("a-key-of-the-bench-alone"), immediate_seconds=SLOT_SECONDS,
            log_level="WARNING", embedded=True,
        )
    )  # fmt: skip


def _python(
    name: str,
    module: str,
    *arguments: str,
    settings: dict[str, str] | None = None,
    leader: str | None = None,
) -> ChildSpec:
    return ChildSpec(
        name=name,
        argv=(sys.executable, "-P", "-m", module, *arguments),
        env={
            **inherited_environment(), **(settings or {}), "PYTHONUNBUFFERED": "1",
            "LC_ALL": "C.UTF-8", "C_FORCE_ROOT": "1",
        },
        leader=leader,
    )  # fmt: skip


def order_of(kills: int, dice: Random) -> Sequence[str]:
    """Whom to kill, one after the other: each an eighth of the times or more, senders most, and
    no oftener those after whom a worker must start anew, which takes most of the time.
    """
    least = kills // 8
    rest = kills - least * len(VICTIMS)
    chosen = list(VICTIMS) * least + dice.choices(VICTIMS, (6, 1, 4, 0, 4), k=rest)
    dice.shuffle(chosen)
    return chosen
