"""What operators did: who, what and when, in the transaction that did it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, event, text

LONGEST = 300
#: A transaction has a number as soon as it has written anything.
_CHANGED = "select pg_current_xact_id_if_assigned() is not null"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One thing that somebody did; ``about`` names rows by number, never an address."""

    who: str
    what: str
    about: str
    at: datetime


class Audit:
    """Reads what was done, and writes it down."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def last_deeds(self, limit: int = 50) -> Sequence[Deed]:
        """The newest first."""
        with self._engine.connect() as connection:
            found = connection.execute(
                text("select * from audit order by at desc, id desc limit :limit"),
                {"limit": limit},
            ).mappings()
            return [
                Deed(who=row["who"], what=row["what"], about=row["about"], at=row["at"])
                for row in found
            ]

    @contextmanager
    def along(self, deed: Deed) -> Iterator[None]:
        """Write a deed down in the transaction of what is done inside, the first that changed
        something: both stand or both fall. Where nothing was changed nothing was done.

        For processes that do one thing at a time, such as commands.
        """
        written = False

        def write(connection: Connection) -> None:
            nonlocal written
            if not written and connection.execute(text(_CHANGED)).scalar():
                written = True
                note(connection, who=deed.who, what=deed.what, about=deed.about, now=deed.at)

        event.listen(self._engine, "commit", write)
        try:
            yield
        finally:
            event.remove(self._engine, "commit", write)

    def note(self, *, who: str, what: str, about: str, now: datetime) -> None:
        """Write down a deed that changed no other row."""
        with self._engine.begin() as connection:
            note(connection, who=who, what=what, about=about, now=now)


def note(connection: Connection, *, who: str, what: str, about: str, now: datetime) -> None:
    """Write down a deed in the caller's transaction: both stand or both fall."""
    connection.execute(
        text("insert into audit (who, what, about, at) values (:who, :what, :about, :now)"),
        {"who": who, "what": what, "about": about[:LONGEST], "now": now},
    )
