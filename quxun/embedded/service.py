"""``quxun up``: the whole service, every piece of it a child of ours."""

from __future__ import annotations

import signal
import socket
import sys
import time
import urllib.error
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import timedelta

import psycopg
from pydantic import SecretStr

from aggregator import store
from aggregator.errors import EmbeddedError
from aggregator.settings import Settings, inherited_environment
from quxun.embedded import demo as demonstration
from quxun.embedded import momentary, postgres, valkey
from quxun.embedded.child import ChildSpec
from quxun.embedded.home import Home
from quxun.embedded.momentary import Urls
from quxun.embedded.supervisor import Supervisor

#: A worker whose heartbeat is older than this lives but does not work: longer than any task
#: may take (``task_time_limit``), because a busy worker beats between tasks.
SILENT_AFTER = timedelta(seconds=360)
#: How often the children are looked at, and the heartbeat and the logs.
LOOK_SECONDS = 0.2
BEAT_SECONDS = 15.0
#: A child that ends this often while the service starts will not do better.
MOST_DEATHS = 3


class _Stop(Exception):  # noqa: N818  # a request, not an error
    """Somebody asked us to end."""


@dataclass(slots=True)
class _Request:
    """Whether somebody asked us to end. A signal only notes it: nothing is left half done."""

    made: bool = False

    def note(self, *_: object) -> None:
        self.made = True

    def check(self) -> None:
        if self.made:
            raise _Stop


def up(settings: Settings, *, demo: bool) -> int:
    """Run the service until SIGINT, SIGTERM or SIGHUP; the exit code.

    Raises:
        EmbeddedError: when it cannot start, in one line.
    """
    home = Home(settings.home)
    home.prepare()
    with home.locked():
        _free_port(settings.host, settings.port)
        keeper = Supervisor(logs=home.logs)
        request = _Request()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, request.note)
        try:
            _start(settings, home, keeper, request, demo=demo)
            _keep(home, keeper, request)
        except _Stop:
            return 0
        finally:
            with suppress(OSError):
                home.service_file.unlink(missing_ok=True)
            keeper.stop()
            home.forget_sockets()
    return 0


def _start(
    settings: Settings, home: Home, keeper: Supervisor, request: _Request, *, demo: bool
) -> None:
    home.service_file.unlink(missing_ok=True)  # of a service that was killed

    def dead() -> str | None:
        request.check()
        return keeper.dead()

    postgres.prepare(home)
    valkey.prepare(home)
    request.check()
    keeper.start(postgres.spec(home))
    keeper.start(valkey.spec(home))
    momentary.wait_for_servers(home, dead)
    momentary.create_database(home)
    engine = store.connect(postgres.url(home))
    store.migrate(engine)
    request.check()
    own_mailbox = not settings.smtp_url.get_secret_value()
    urls = Urls(
        database=postgres.url(home),
        broker=valkey.url(home),
        smtp=f"smtp://127.0.0.1:{_any_port()}" if own_mailbox else "",
        port=settings.port,
        public_url=settings.public_url,
        demo=demo,
        allow_nets=(*settings.allow_nets, demonstration.NETWORK) if demo else settings.allow_nets,
        delay_seconds=0.0 if demo else settings.delay_seconds,
        floor_seconds=5.0 if demo else settings.floor_seconds,
        immediate_seconds=10.0 if demo else settings.immediate_seconds,
    )
    token = settings.operator_token.get_secret_value() or home.secret("operator-token")
    env = _environment(settings, home, urls, token)
    if demo:
        port = demonstration.free_port(home)
        journal = str(home.path / "demo-country")
        keeper.start(
            _python(
                "country", env, "quxun.country", "--demo", "--port", str(port), "--journal", journal
            )
        )
        momentary.wait_until(
            lambda: demonstration.is_ready(port), "the simulated country", home, dead
        )
        demonstration.register(home, engine, port)
    engine.dispose()
    momentary.write_service(home, urls)
    if own_mailbox:
        keeper.start(_python("mailbox", env, "quxun.mailbox"))
    if settings.bounce_listen:
        keeper.start(_quxun("bounces", env))
    # Celery 5.7 exits, or lives on without consuming, when its broker dies: it starts anew too.
    keeper.start(_quxun("worker", env, leader="valkey"))
    keeper.start(_quxun("scheduler", env, leader="valkey"))
    keeper.start(_quxun("web", env))

    def hopeless() -> str | None:
        request.check()
        keeper.look()
        return "web" if keeper.deaths("web") >= MOST_DEATHS else None

    momentary.wait_until(
        lambda: _answers(settings.host, settings.port), "the web server", home, hopeless
    )
    with suppress(OSError, ValueError):  # nobody listens: the service runs all the same
        sys.stdout.write(f"Operator token: {token}\nQuxun is ready at {settings.public_url}\n")
        sys.stdout.flush()


def _keep(home: Home, keeper: Supervisor, request: _Request) -> None:
    beat_at = time.monotonic() + BEAT_SECONDS
    while True:
        request.check()
        keeper.look()
        if time.monotonic() >= beat_at:
            beat_at = time.monotonic() + BEAT_SECONDS
            keeper.trim_logs()
            _watch_heartbeat(home, keeper)
        time.sleep(LOOK_SECONDS)


def _watch_heartbeat(home: Home, keeper: Supervisor) -> None:
    """Celery 5.7's worker can live on without consuming; the heartbeat tells (RELIABILITY row 4)."""
    if keeper.age("worker") < SILENT_AFTER.total_seconds():
        return
    try:
        with psycopg.connect(postgres.url(home), connect_timeout=2) as connection:
            row = connection.execute(
                "select extract(epoch from now() - max(at)) from heartbeats where name = 'worker'"
            ).fetchone()
    except psycopg.OperationalError:
        return  # the database is being started again; nobody can beat without it
    silent = float(row[0]) if row and row[0] is not None else float("inf")
    if silent > SILENT_AFTER.total_seconds():
        keeper.restart("worker", f"no heartbeat for {silent:.0f} s")


def _environment(settings: Settings, home: Home, urls: Urls, token: str) -> dict[str, str]:
    """What our children are told: the settings of this service, whatever ours came from."""
    told = settings.model_copy(
        update={
            "home": home.path,
            "database_url": SecretStr(urls.database),
            "broker_url": SecretStr(urls.broker),
            "smtp_url": SecretStr(urls.smtp) if urls.smtp else settings.smtp_url,
            "secret_key": settings.secret_key
            if settings.secret_key.get_secret_value()
            else SecretStr(home.secret("secret-key")),
            "operator_token": SecretStr(token),
            "allow_nets": urls.allow_nets,
            "delay_seconds": urls.delay_seconds,
            "floor_seconds": urls.floor_seconds,
            "immediate_seconds": urls.immediate_seconds,
            "demo": urls.demo,
            "canary": settings.canary or (demonstration.CANARY if urls.demo else ""),
            "canary_frequency": "immediate" if urls.demo else settings.canary_frequency,
            "embedded": True,
        }
    )
    return {
        **inherited_environment(),
        **told.as_environment(),
        "PYTHONUNBUFFERED": "1",
        "LC_ALL": "C.UTF-8",
    }


def _quxun(name: str, env: dict[str, str], *, leader: str | None = None) -> ChildSpec:
    return replace(_python(name, env, "quxun", name), leader=leader)


def _python(name: str, env: dict[str, str], module: str, *arguments: str) -> ChildSpec:
    """One of our modules; ``-P``: what lies in the folder we were called from is not imported."""
    return ChildSpec(name=name, argv=(sys.executable, "-P", "-m", module, *arguments), env=env)


def _free_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        raise EmbeddedError(
            f"port {port} on {host} cannot be used ({error.strerror}); set QUXUN_PORT to another"
        ) from error


def _any_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(host: str, port: int) -> bool:
    name = f"[{host}]" if ":" in host else host
    try:
        with momentary.direct.open(f"http://{name}:{port}/healthz", timeout=2) as answer:
            return bool(answer.status == 200)  # noqa: PLR2004
    except (urllib.error.URLError, OSError):
        return False
