"""Telling what the database refuses for good from what is only out of order for a moment."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import structlog
from psycopg.errors import DeadlockDetected
from sqlalchemy.exc import DataError, IntegrityError, OperationalError

from aggregator.errors import RefusedError

log = structlog.get_logger()

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")

#: How often a transaction that was ended for a deadlock is tried in all.
_TRIES = 4


def refusals(write: Callable[Asked, Answer]) -> Callable[Asked, Answer]:
    """Make a refused row a ``RefusedError``; an outage or a lock stays what it is.

    ``write`` may be called again: where two transactions lock the same rows in another order
    one is ended and nothing of it is left; what it had committed before is left out by its lease.
    """

    @wraps(write)
    def told(*args: Asked.args, **more: Asked.kwargs) -> Answer:
        for left in reversed(range(_TRIES)):
            try:
                return write(*args, **more)
            except (DataError, IntegrityError) as error:
                first = str(error.orig).splitlines()[0]
                raise RefusedError(f"the database refuses it: {first}") from error
            except OperationalError as error:
                if not (left and isinstance(error.orig, DeadlockDetected)):
                    raise
                log.info("written again after a deadlock", what=write.__name__, tries_left=left)
        raise AssertionError

    return told
