"""Whether all is well: what the service needs, what waits for an operator, and how to mend it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from aggregator.errors import OutageError, QuxunError, SettingsError
from quxun.cli.common import AsJson, database_trouble, opened, say, tell

if TYPE_CHECKING:
    from aggregator.wiring import Parts

#: A disk fuller than this is an alarm (RELIABILITY.md, row 17).
DISK_FULL = 0.85

#: What was looked at, whether it is well, and what to do if not.
Finding = tuple[str, bool, str]


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command()(doctor)


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
    from aggregator.errors import DeliveryError

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
