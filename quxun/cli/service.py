"""The service and its processes: up, worker, scheduler, web, mailbox, bounces, migrate, stats."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from aggregator.errors import SettingsError, UsageError
from quxun.cli.common import (
    AsJson,
    log_to_stderr,
    opened,
    say,
    show_table,
    tell,
)

QUEUES = "polls,articles,mail,push,upkeep"


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (up, worker, scheduler, web, mailbox, bounces, migrate, stats):
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
