"""Rings a Celery queue: a hint that there may be work, never the work itself.

The broker holds no truth (DESIGN.md, promise 3), so a hint that cannot be sent is counted
and logged, and the sweeper finds the work a few seconds later.
"""

from __future__ import annotations

import structlog
from celery import Celery
from celery.exceptions import CeleryError
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

log = structlog.get_logger()

#: A hint that nobody took in this time is worth nothing: the next sweep rings again.
EXPIRES_SECONDS = 30


class CeleryBell:
    """Implements ``ports.Bell`` over any Celery app; task ``queue.verb`` goes to its queue."""

    def __init__(self, app: Celery) -> None:
        self._app = app
        self.failed = 0

    def ring(self, task: str, *args: object) -> None:
        """Send the hint within two seconds or give up; the caller never fails."""
        try:
            self._app.send_task(
                task,
                args=args,
                queue=task.partition(".")[0],
                expires=EXPIRES_SECONDS,
                retry=False,
                ignore_result=True,
            )
        except (KombuError, CeleryError, RedisError, OSError) as error:
            self.failed += 1
            log.warning("bell not heard", task=task, error=repr(error), failed=self.failed)


class SilentBell:
    """Rings nothing: for commands that do the work themselves."""

    def ring(self, task: str, *args: object) -> None:
        """Do nothing."""
