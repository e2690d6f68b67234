"""A database that is away is nobody's fault, and told apart from one that refuses."""

from __future__ import annotations

import socket

import pytest
from psycopg.errors import DeadlockDetected
from sqlalchemy import text
from sqlalchemy.exc import OperationalError, ProgrammingError

from aggregator.errors import OutageError
from aggregator.store.engine import connect
from aggregator.store.refusals import refusals


def test_a_server_that_does_not_answer_is_an_outage():
    """A worker that starts before its database waits for it; it has not met a bug."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        away = connect(f"postgresql://quxun@127.0.0.1:{free.getsockname()[1]}/quxun")

        with pytest.raises(OutageError, match="cannot be reached just now"), away.connect():
            pass


def test_a_server_that_goes_away_in_the_middle_is_an_outage(engine):
    """An administrator's restart ends connections while they are used."""
    with pytest.raises(OutageError), engine.connect() as connection:
        connection.execute(text("select pg_terminate_backend(pg_backend_pid())"))

    with engine.connect() as connection:
        assert connection.execute(text("select 1")).scalar_one() == 1


def test_a_statement_that_is_wrong_is_no_outage(engine):
    """Our own mistakes must not hide behind the database's weather."""
    with pytest.raises(ProgrammingError), engine.connect() as connection:
        connection.execute(text("select nothing from nowhere"))


@pytest.mark.parametrize(("deadlocks", "calls"), [(0, 1), (3, 4)])
def test_a_transaction_that_was_ended_for_a_deadlock_is_written_again(deadlocks, calls):
    """Two workers that meet in one row must not cost either its hundred polls."""
    tried = []

    @refusals
    def write():
        tried.append(1)
        if len(tried) <= deadlocks:
            raise OperationalError("update", {}, DeadlockDetected("deadlock detected"))
        return "written"

    assert write() == "written"
    assert len(tried) == calls
