"""How a person's own deed waits for whoever plans for them: long enough, and in the same order.

A planner locks its readers by their numbers, then their subscriptions. Who changes several rows of
a person takes the person's first, so that none of the two waits for the other in a circle.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, text

#: Longer than any batch is planned, and less than a statement may take (store/engine.py).
_PATIENCE = text("set local lock_timeout = '25s'")


@contextmanager
def patiently(engine: Engine) -> Iterator[Connection]:
    """A transaction of a person, who presses a button once: it is not given up because of planning."""
    with engine.begin() as connection:
        connection.execute(_PATIENCE)
        yield connection


def lock_person(connection: Connection, subscriber_id: int) -> None:
    """Wait for whoever plans for a person, and have them wait."""
    connection.execute(
        text("select 1 from subscribers where id = :id for no key update"), {"id": subscriber_id}
    )


def lock_with_chats(connection: Connection, subscriber_id: int) -> None:
    """The same for a person and all of their chats, who may be erased after it."""
    connection.execute(
        text("select 1 from subscribers where :id in (id, owner_id) order by id for update"),
        {"id": subscriber_id},
    )
