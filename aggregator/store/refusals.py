"""Telling what the database refuses for good from what is only out of order for a moment."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from sqlalchemy.exc import DataError, IntegrityError

from aggregator.errors import RefusedError

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")


def refusals(write: Callable[Asked, Answer]) -> Callable[Asked, Answer]:
    """Make a refused row a ``RefusedError``; an outage or a lock stays what it is."""

    @wraps(write)
    def told(*args: Asked.args, **more: Asked.kwargs) -> Answer:
        try:
            return write(*args, **more)
        except (DataError, IntegrityError) as error:
            first = str(error.orig).splitlines()[0]
            raise RefusedError(f"the database refuses it: {first}") from error

    return told
