"""Connecting to PostgreSQL and bringing its schema up to date."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from psycopg import Connection, OperationalError
from psycopg.abc import Buffer
from psycopg.types.string import StrBinaryDumper, StrDumperUnknown
from sqlalchemy import Engine, ExceptionContext, create_engine, event, text

from aggregator.errors import OutageError
from aggregator.store.rekey import rekey

#: Any number will do; it must only never change (``pg_advisory_lock``).
_MIGRATION_LOCK = 7_405_116


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


def connect(url: str) -> Engine:
    """An engine on a ``postgresql://`` address, with the limits of RELIABILITY.md §Settings.

    No text that a stranger sent can fail a batch: what cannot be stored is dropped from it.
    Whatever is asked of it raises ``OutageError`` while the server cannot be reached.
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
        connect_args={
            "options": options,
            "connect_timeout": 10,
            "keepalives_idle": 30,
            "application_name": "quxun",
        },
    )

    @event.listens_for(engine, "connect")
    def _prepare(raw: Connection, _record: object) -> None:
        raw.adapters.register_dumper(str, _BinaryText)
        raw.adapters.register_dumper(str, _Text)  # the last one is taken for parameters

    event.listen(engine, "handle_error", _outage, retval=True)
    return engine


def _outage(context: ExceptionContext) -> OutageError | None:
    """Tell a server that is away, restarting or full from a statement that it refuses."""
    error = context.original_exception
    unreached = context.connection is None and isinstance(error, OperationalError)
    if not (unreached or context.is_disconnect) or context.is_pre_ping:
        return None
    words = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return OutageError(f"the database cannot be reached just now: {words}")


def migrate(engine: Engine, *, tag_authority: str = "quxun.example") -> None:
    """Bring the schema up to date; callers at once wait for each other.

    ``tag_authority`` is written once, at the first migration, and never changed: feed ids
    outlive any public URL (RFC 4151).
    """
    with engine.connect() as connection:
        connection.execute(text("set lock_timeout = 0"))
        connection.execute(text("set statement_timeout = 0"))
        connection.execute(text("select pg_advisory_lock(:lock)"), {"lock": _MIGRATION_LOCK})
        connection.commit()
        try:
            config = Config()
            config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
            config.attributes["connection"] = connection
            config.attributes["tag_authority"] = tag_authority
            command.upgrade(config, "head")
            connection.commit()
            rekey(connection)
        finally:
            connection.rollback()
            connection.execute(text("select pg_advisory_unlock(:lock)"), {"lock": _MIGRATION_LOCK})
            connection.commit()
            connection.invalidate()
