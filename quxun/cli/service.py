"""The service and its processes: up, worker, scheduler, web, mailbox, migrate, doctor, stats."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from aggregator.errors import OutageError, QuxunError, SettingsError, UsageError
from quxun.cli.common import (
    AsJson,
    database_trouble,
    log_to_stderr,
    opened,
    say,
    show_table,
    tell,
)

if TYPE_CHECKING:
    from aggregator.wiring import Parts

QUEUES = "polls,articles,mail,push,upkeep"

#: A disk fuller than this is an alarm (RELIABILITY.md, row 17).
DISK_FULL = 0.85


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (up, worker, scheduler, web, mailbox, bounces, migrate, stats, doctor):
        app.command(command.__name__)(command)


def up(
    demo: Annotated[
        bool,
        typer.Option("--demo", help="beside a small simulated country that publishes, offline"),
    ] = False,
) -> None:
    """Run the whole service here: database, broker, worker, scheduler, web, mailbox.

    Data lies in QUXUN_HOME. Ctrl-C ends it.
    """
    from aggregator.settings import load_settings
    from quxun import embedded

    log_to_stderr()
    raise typer.Exit(embedded.up(load_settings(demo=demo), demo=demo))


def worker(
    queues: Annotated[str, typer.Option(help="the queues it works on, comma separated")] = QUEUES,
    concurrency: Annotated[
        int | None,
        typer.Option(min=1, max=64, help="child processes; QUXUN_CONCURRENCY when not given"),
    ] = None,
) -> None:
    """Run one Celery worker; SIGTERM gives its tasks a few seconds."""
    from aggregator.settings import load_settings

    _check_queues(queues)
    _check_urls()
    log_to_stderr()
    # Celery reads it when imported: without it a SIGTERM waits for the longest task.
    os.environ.setdefault("REMAP_SIGTERM", "SIGQUIT")  # noqa: TID251
    from tasks.app import app as celery  # reads the broker's URL when imported

    celery.worker_main(
        [
            "worker",
            "--queues", queues,
            "--concurrency", str(concurrency or load_settings().concurrency),
            "--hostname", f"{queues.replace(',', '-')}-{os.getpid()}@%h",
            "--loglevel", _celery_level(load_settings().log_level),
            "--without-gossip", "--without-mingle",
        ]
    )  # fmt: skip


def scheduler() -> None:
    """Run the scheduler: it only says "look", so two of them do no harm."""
    from aggregator.settings import load_settings

    _check_urls()
    log_to_stderr()
    from tasks.app import app as celery  # as above

    # The plain scheduler keeps no file: what is due is computed from the database.
    celery.start(
        ["beat", "--loglevel", _celery_level(load_settings().log_level), "--pidfile=",
         "--scheduler", "celery.beat:Scheduler"]
    )  # fmt: skip


def _celery_level(level: str) -> str:
    """Celery tells of every message at INFO; we tell of what came of it."""
    return "WARNING" if level.upper() == "INFO" else level


def web() -> None:
    """Run one web server on QUXUN_HOST and QUXUN_PORT."""
    from aggregator.settings import load_settings
    from aggregator.templates import environment
    from aggregator.wiring import build_parts
    from quxun.web.server import serve

    log_to_stderr()
    raise typer.Exit(serve(build_parts(load_settings(), templates=environment())))


def mailbox() -> None:
    """Run the local mailbox: an SMTP server on loopback that keeps every mail as a file."""
    from aggregator.settings import load_settings
    from quxun.mailbox import run  # needs the extra "embedded"

    log_to_stderr()
    run(load_settings())


def bounces() -> None:
    """Take what comes back of our mails, by SMTP or LMTP, at QUXUN_BOUNCE_LISTEN."""
    from aggregator.settings import load_settings
    from aggregator.wiring import build_parts
    from quxun.bounces import run

    log_to_stderr()
    run(build_parts(load_settings()))


def migrate() -> None:
    """Bring the database to this version's schema; running it again does no harm."""
    from aggregator import store

    with opened() as parts:
        store.migrate(parts.engine)
    tell("the database is up to date")


def stats(as_json: AsJson = False) -> None:
    """Count what the store holds and how the outbox stands."""
    import msgspec

    with opened() as parts:
        figures = msgspec.to_builtins(parts.system.stats())
    if as_json:
        say(figures)
    else:
        show_table("the store", ("what", "how many"), list(figures.items()))


def doctor(
    here: Annotated[
        bool,
        typer.Option("--here", help="only what this process reaches: for health checks"),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check database, broker, SMTP, clock and disk, and what waits for an operator; say how to
    mend what is ill.
    """
    with opened() as parts:
        findings = [
            _database(parts), _clock(parts), _broker(parts), _smtp(parts), _disk(parts),
            _dkim(parts),
        ]  # fmt: skip
        if not here:
            findings += [_duplicates(parts), _webhooks(parts), _alarms(parts), _hold(parts)]
            findings.append(_bounces(parts))
    if as_json:
        say([{"what": what, "well": well, "words": words} for what, well, words in findings])
    else:
        for what, well, words in findings:
            tell(f"{'ok ' if well else 'ILL'} {what}: {words}")
    if not all(well for _, well, _ in findings):
        ill = ", ".join(what for what, well, _ in findings if not well)
        raise QuxunError(f"ill: {ill}; the words beside each say how to mend it")


Finding = tuple[str, bool, str]


def _check_urls() -> None:
    """A process of the distributed service needs both servers by address.

    Raises:
        SettingsError: naming the variable that is empty.
    """
    from aggregator.settings import load_settings

    settings = load_settings()
    for name, url in (
        ("QUXUN_DATABASE_URL", settings.database_url),
        ("QUXUN_BROKER_URL", settings.broker_url),
    ):
        if not url.get_secret_value():
            raise SettingsError(f'{name} is empty; set it, or run everything with "quxun up"')


def _check_queues(queues: str) -> None:
    known = QUEUES.split(",")
    strange = [one for one in queues.split(",") if one not in known]
    if strange:
        raise UsageError(f"no queue {', '.join(map(repr, strange))}; there are {', '.join(known)}")


def _database(parts: Parts) -> Finding:
    from sqlalchemy import text
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with parts.engine.connect() as connection:
            version = connection.execute(text("show server_version")).scalar_one()
            head = connection.execute(text("select version_num from alembic_version")).scalar()
    except (SQLAlchemyError, OutageError) as error:
        return "database", False, database_trouble(error)
    return "database", True, f"PostgreSQL {version}, schema {head}"


def _duplicates(parts: Parts) -> Finding:
    """Where so many notices share a text that not all were compared: none is lost, but some
    may stand there twice.
    """
    from sqlalchemy.exc import SQLAlchemyError

    try:
        crowded = parts.announcements.crowded(parts.now())
    except (SQLAlchemyError, OutageError):
        return "duplicates", True, "not looked at, for the database does not answer"
    if not crowded:
        return "duplicates", True, "every candidate was compared in the last 30 days"
    most, looked_at, example = crowded[0]
    words = (
        f"of up to {most} notices of one wording the {looked_at} nearest in time were compared "
        f'({example[:40]}); merge what stands there twice with "quxun announcements merge"'
    )
    return "duplicates", True, words


def _webhooks(parts: Parts) -> Finding:
    """Those that were given up wait for an operator; they lose nothing meanwhile."""
    from sqlalchemy.exc import SQLAlchemyError

    from aggregator.push import HookState

    try:
        hooks = parts.webhooks.list()
    except (SQLAlchemyError, OutageError):
        return "webhooks", True, "not looked at, for the database does not answer"
    for one in hooks:
        if one.state is HookState.GIVEN_UP:
            words = (
                f"{one.url} was given up: {(one.problem or 'it failed')[:120]}; mend it, then"
                f' "quxun webhooks resume {one.id}" goes on where it stood'
            )
            return "webhooks", False, words
    failing = sum(one.failing_since is not None for one in hooks)
    return "webhooks", True, f"{len(hooks)}, of which {failing} fail and are tried again"


def _alarms(parts: Parts) -> Finding:
    """What somebody must look at; each says what to do."""
    from sqlalchemy.exc import SQLAlchemyError

    try:
        alarms = parts.alarms.open_alarms()
    except (SQLAlchemyError, OutageError):
        return "alarms", True, "not looked at, for the database does not answer"
    if not alarms:
        return "alarms", True, "none is open"
    said = "; ".join(f"{one.kind} since {one.at:%Y-%m-%d %H:%M} UTC: {one.text}" for one in alarms)
    return "alarms", False, f"{len(alarms)} open; {said}"


def _hold(parts: Parts) -> Finding:
    """Mail that an operator holds back is not forgotten, but it is late."""
    from sqlalchemy.exc import SQLAlchemyError

    try:
        hold = parts.holds.held()
        runs = parts.holds.held_runs()
    except (SQLAlchemyError, OutageError):
        return "hold", True, "not looked at, for the database does not answer"
    if hold is not None:
        words = (
            f"digests are held since {hold.at:%Y-%m-%d %H:%M} UTC ({hold.why});"
            ' "quxun digest release" lets them go'
        )
        return "hold", False, words
    if runs:
        words = (
            f"{len(runs)} runs are held, the first is {runs[0]};"
            f' "quxun digest release {runs[0]}" lets its mails go'
        )
        return "hold", False, words
    return "hold", True, "nothing is held"


def _bounces(parts: Parts) -> Finding:
    """Whether anybody hears it when mails come back."""
    import socket

    from aggregator.receive import listen_address

    it = parts.settings
    ways = []
    if it.bounce_listen:
        host, port = listen_address(it.bounce_listen)
        try:
            socket.create_connection((host, port), timeout=5).close()
        except OSError as error:
            words = f'nobody listens at {it.bounce_listen} ({error}); run "quxun bounces"'
            return "bounces", False, words
        ways.append(f"taken at {it.bounce_listen}")
    if parts.bounce_mailbox is not None:
        # Nobody logs in here: this is asked every minute, and what fails is an alarm already.
        ways.append(f"read at {parts.bounce_mailbox.host}")
    if it.post_secret.get_secret_value():
        ways.append("told at /post/events")
    if ways and not it.bounce_domain and ways != ["told at /post/events"]:
        words = "QUXUN_BOUNCE_DOMAIN is empty: no mail comes back to an address of its own"
        return "bounces", False, words
    return (
        "bounces",
        True,
        " and ".join(ways) or ("nobody asks for them (docs/bounces.md)" + _elsewhere(parts)),
    )


def _clock(parts: Parts) -> Finding:
    from sqlalchemy import text
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with parts.engine.connect() as connection:
            theirs = connection.execute(text("select clock_timestamp()")).scalar_one()
    except (SQLAlchemyError, OutageError):
        return "clock", False, "cannot be compared without the database; mend that first"
    off = abs((parts.now() - theirs).total_seconds())
    words = f"{off:.1f} s from the database's"
    return "clock", off < 5, words if off < 5 else f"{words}; run a time service on both"  # noqa: PLR2004


def _broker(parts: Parts) -> Finding:
    import redis

    url = parts.settings.broker_url.get_secret_value()
    if not url:
        return "broker", False, "QUXUN_BROKER_URL is empty; set it to redis://host:6379/0"
    try:
        client = redis.Redis.from_url(
            url.replace("redis+socket://", "unix://", 1), socket_connect_timeout=3
        )
        client.ping()
    except (redis.RedisError, ValueError) as error:
        return "broker", False, f"{error}; check QUXUN_BROKER_URL and that the server runs"
    return "broker", True, "answers"


def _smtp(parts: Parts) -> Finding:
    from aggregator.errors import DeliveryError, SettingsError

    host = urlsplit(parts.settings.smtp_url.get_secret_value()).hostname
    if not host:
        return "smtp", True, "no relay set: the embedded service keeps mail in its mailbox"
    try:
        parts.mailer.probe()
    except SettingsError as error:
        return "smtp", False, str(error)
    except DeliveryError as error:
        return "smtp", False, f"{host}: {error}; check QUXUN_SMTP_URL"
    return "smtp", True, f"{host} answers"


def _dkim(parts: Parts) -> Finding:
    from aggregator.errors import SettingsError

    try:
        signer = parts.signer
    except SettingsError as error:
        return "dkim", False, str(error)
    if signer is None:
        words = "mails are not signed here; let the relay sign, or see docs/mail.md"
        return "dkim", True, words + _elsewhere(parts)
    name, value = signer.record()
    return "dkim", True, f'mails are signed; publish {name} TXT "{value}"'


def _elsewhere(parts: Parts) -> str:
    """What a shell cannot know of a service that was started from another one."""
    if not (parts.settings.home / "service.json").exists():
        return ""
    return "; so say this shell's settings: the running service may have others"


def _disk(parts: Parts) -> Finding:
    home = parts.settings.home
    usage = shutil.disk_usage(home if home.exists() else home.anchor)
    used = usage.used / usage.total
    words = f"{used:.0%} of the disk below {home} is used"
    if used > DISK_FULL:
        return "disk", False, f"{words}; make room before feeds and polls stop"
    return "disk", True, words
