"""Connecting to PostgreSQL and bringing its schema up to date."""

from __future__ import annotations

from pathlib import Path

import structlog
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg import Connection as RawConnection
from psycopg import Error as DriverError
from psycopg import OperationalError
from psycopg.abc import Buffer
from psycopg.errors import LockNotAvailable
from psycopg.types.string import StrBinaryDumper, StrDumperUnknown
from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event, text
from sqlalchemy.exc import OperationalError as DatabaseBusyError
from sqlalchemy.exc import SQLAlchemyError

from aggregator.errors import CutShortError, OutageError
from aggregator.store.publish import publish_missed
from aggregator.store.rekey import rekey, rewrite_searched

log = structlog.get_logger()

#: Any number will do; it must only never change (``pg_advisory_lock``).
_MIGRATION_LOCK = 7_405_116
#: How long a change of a table waits for those who use it, and how often it tries again.
_TABLE_LOCK = "3s"
_TRIES = 40
#: Where a restore keeps what was there until it is done, and where that is dropped.
BEFORE_RESTORE = "quxun_before_restore"
REPLACED = "quxun_replaced"


def _storable(text: str) -> str:
    """Text as PostgreSQL can hold it: without NUL and lone surrogates, which strangers send."""
    text = text.replace("\x00", "")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text


class _Text(StrDumperUnknown):
    """Strings in parameters."""

    def dump(self, obj: str) -> Buffer | None:
        return super().dump(_storable(obj))


class _BinaryText(StrBinaryDumper):
    """Strings in binary COPY."""

    def dump(self, obj: str) -> Buffer | None:
        return super().dump(_storable(obj))


def connect(url: str, *, restoring: bool = False) -> Engine:
    """An engine on a ``postgresql://`` address, with the limits of RELIABILITY.md §Settings.

    No text that a stranger sent can fail a batch: what cannot be stored is dropped from it.
    Whatever is asked of it raises ``OutageError`` while the server cannot be reached, and
    ``CutShortError`` beside a restore that is not done, but for who is ``restoring``.
    """
    options = (
        "-c statement_timeout=30s -c lock_timeout=5s "
        "-c idle_in_transaction_session_timeout=60s -c timezone=UTC"
    )
    engine = create_engine(
        url.replace("postgresql://", "postgresql+psycopg://", 1),
        pool_size=5,
        max_overflow=10,
        pool_pre_ping=True,
        pool_recycle=1800,
        hide_parameters=True,  # addresses and secrets of people must not stand in tracebacks
        connect_args={
            "options": options,
            "connect_timeout": 10,
            "keepalives_idle": 30,
            "application_name": "quxun",
        },
    )

    @event.listens_for(engine, "connect")
    def _prepare(raw: RawConnection, _record: object) -> None:
        raw.adapters.register_dumper(str, _BinaryText)
        raw.adapters.register_dumper(str, _Text)  # the last one is taken for parameters
        if not restoring:
            _refuse_half(raw)

    event.listen(engine, "handle_error", _outage, retval=True)
    return engine


def _refuse_half(raw: RawConnection) -> None:
    """Let nobody into what the next restore drops, or this one has not filled yet."""
    try:
        half = raw.execute(
            "select 1 from pg_namespace where nspname = %s", (BEFORE_RESTORE,)
        ).fetchone()
        raw.rollback()
    except DriverError:
        raw.close()
        raise
    if half:
        raw.close()
        raise CutShortError(
            'a restore is under way or was cut short; let it end, or run "quxun restore FILE" again,'
            ' or "quxun restore --undo" to have what was there before'
        )


def _outage(context: ExceptionContext) -> OutageError | None:
    """Tell a server that is away, restarting or full from a statement that it refuses."""
    error = context.original_exception
    unreached = context.connection is None and isinstance(error, OperationalError)
    if not (unreached or context.is_disconnect) or context.is_pre_ping:
        return None
    words = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return OutageError(f"the database cannot be reached just now: {words}")


def _upgrade(connection: Connection, config: Config) -> None:
    """Upgrade to the newest schema, giving way to who uses a table that is to be changed.

    A change that waits for a table makes everybody after it wait, too: it waits briefly, and
    tries again.
    """
    for left in reversed(range(_TRIES)):
        try:
            command.upgrade(config, "head")
            connection.commit()
        except DatabaseBusyError as error:
            connection.rollback()
            if not (left and isinstance(error.orig, LockNotAvailable)):
                raise
            log.info("waiting for a table to be changed", tries_left=left)
            connection.execute(text("select pg_sleep(1)"))
            connection.commit()
        else:
            return


def versions() -> frozenset[str]:
    """The schemas that this version of the program knows."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return frozenset(one.revision for one in ScriptDirectory.from_config(config).walk_revisions())


def migrate(engine: Engine, *, tag_authority: str = "quxun.example") -> None:
    """Bring the schema up to date; callers at once wait for each other.

    ``tag_authority`` is written once, at the first migration, and never changed: feed ids
    outlive any public URL (RFC 4151).
    """
    with engine.connect() as connection:
        connection.execute(text("set lock_timeout = 0"))
        connection.execute(text("set statement_timeout = 0"))
        connection.execute(text("select pg_advisory_lock(:lock)"), {"lock": _MIGRATION_LOCK})
        connection.execute(text(f"set lock_timeout = '{_TABLE_LOCK}'"))
        connection.commit()
        try:
            config = Config()
            config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
            config.attributes["connection"] = connection
            config.attributes["tag_authority"] = tag_authority
            _upgrade(connection, config)
            rekey(connection)
            rewrite_searched(connection)
            publish_missed(connection, None)
        finally:
            connection.rollback()
            connection.execute(text("select pg_advisory_unlock(:lock)"), {"lock": _MIGRATION_LOCK})
            connection.commit()
            connection.invalidate()
    drop_replaced(engine)


def drop_replaced(engine: Engine) -> None:
    """Drop what a restore has replaced; what cannot be dropped now, the next ``migrate`` tries."""
    try:
        with engine.begin() as connection:
            connection.execute(text("set local statement_timeout = 0"))
            connection.execute(text(f"drop schema if exists {REPLACED} cascade"))
    except (SQLAlchemyError, OutageError) as error:
        log.warning("what a restore replaced is still there", schema=REPLACED, why=str(error))
