"""The Celery app: settings with their reasons, and the parts of a worker process.

The measurements behind the settings are in docs/celery.md. Two lines sum them up: a message is
a hint, so it may be lost, doubled or late; and nothing waits for a result.
"""

from __future__ import annotations

import mmap
import os
from typing import Any

import structlog
from celery import Celery, Task
from celery.signals import (
    worker_init,
    worker_process_init,
    worker_process_shutdown,
    worker_shutting_down,
)
from kombu.entity import Queue

from aggregator.errors import OutageError
from aggregator.process import die_with_parent
from aggregator.settings import load_settings
from aggregator.templates import environment
from aggregator.wiring import BROKER_OPTIONS, Parts, build_parts, celery_url
from tasks.ending import end_in_time

QUEUES = ("polls", "articles", "mail", "push", "upkeep")

log = structlog.get_logger(__name__)


class Hint(Task):  # type: ignore[misc]  # celery has no types
    """A task whose message may be lost: while the database is away it says so and ends.

    What was due stays due, so nothing is tried again from here.
    """

    def __call__(self, *args: Any, **more: Any) -> Any:
        """Do the task; an outage is one line in the log."""
        try:
            return super().__call__(*args, **more)
        except OutageError as error:
            log.warning("database away", task=self.name, error=str(error))
            return None


app = Celery(
    "quxun",
    include=["tasks.polls", "tasks.articles", "tasks.mail", "tasks.push", "tasks.upkeep"],
    task_cls=Hint,
)
_settings = load_settings()
app.conf.update(
    broker_url=celery_url(_settings.broker_url.get_secret_value()),
    broker_transport_options=BROKER_OPTIONS,
    visibility_timeout=BROKER_OPTIONS["visibility_timeout"],
    # A worker that lost its broker comes back for as long as it takes (default: gives up at 100).
    broker_connection_max_retries=None,
    broker_connection_retry_on_startup=True,
    # A task that its worker did not finish is delivered again: measured 0 lost instead of 12.
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_acks_on_failure_or_timeout=True,
    # No result backend: nothing may depend on results, and none can leak.
    task_ignore_result=True,
    task_store_errors_even_if_ignored=False,
    # Far below the visibility timeout, so that no message is redelivered while it is worked on.
    task_time_limit=300,
    task_soft_time_limit=240,
    # Waiting messages age towards redelivery, so none waits inside a worker.
    worker_prefetch_multiplier=1,
    worker_disable_prefetch=True,
    # A slow leak ends with its child.
    worker_max_tasks_per_child=500,
    worker_max_memory_per_child=300_000,
    worker_eta_task_limit=1000,
    # Embedded everything ends within ten seconds; elsewhere the grace is 45 s (compose file).
    worker_soft_shutdown_timeout=4 if _settings.embedded else 30,
    worker_cancel_long_running_tasks_on_connection_loss=True,
    worker_hijack_root_logger=False,
    worker_send_task_events=False,
    task_send_sent_event=False,
    task_serializer="json",
    accept_content=["json"],
    task_default_queue="upkeep",
    task_queues=[Queue(name) for name in QUEUES],
    task_create_missing_queues=False,
    timezone="UTC",
    enable_utc=True,
    # Beat only says "look"; what is due is computed from the database.
    beat_max_loop_interval=1 if _settings.demo else 5,
    beat_schedule={
        "due polls": {
            "task": "polls.tick",
            "schedule": 2.0 if _settings.demo else 10.0,
            "options": {"queue": "polls", "expires": 10},
        },
        "due articles": {
            "task": "articles.tick",
            "schedule": 5.0 if _settings.demo else 15.0,
            "options": {"queue": "articles", "expires": 15},
        },
        "due runs": {
            "task": "mail.plan",
            "schedule": 5.0 if _settings.demo else 30.0,
            # It may wait behind turns of delivery, and must not be starved by them.
            "options": {"queue": "mail", "expires": 120},
        },
        "due mail": {
            "task": "mail.deliver",
            "schedule": 5.0 if _settings.demo else 15.0,
            "options": {"queue": "mail", "expires": 15},
        },
        "what came back": {
            "task": "upkeep.bounces",
            "schedule": 120.0,
            "options": {"queue": "upkeep", "expires": 120},
        },
        "canary": {
            "task": "upkeep.canary",
            "schedule": 5.0 if _settings.demo else 30.0,
            "options": {"queue": "upkeep", "expires": 30},
        },
        "sweep": {
            "task": "upkeep.sweep",
            "schedule": 15.0,
            "options": {"queue": "upkeep", "expires": 15},
        },
    },
)

_parts: Parts | None = None
_worker: int | None = None
#: One byte that all children of this worker see: set when it was told to end.
_told = mmap.mmap(-1, 1)


def parts() -> Parts:
    """This process's parts, made when a task first needs them."""
    global _parts  # noqa: PLW0603  # one per worker process, by Celery's design
    if _parts is None:
        _parts = build_parts(_settings, templates=environment())
    return _parts


def stopping() -> bool:
    """Whether the worker was told to end, so that nothing more is begun."""
    return _told[0] != 0


@worker_shutting_down.connect
def _tell(**_: object) -> None:
    """Let the children know; they hear no signal themselves."""
    _told[0] = 1


@worker_init.connect
def _begun(**_: object) -> None:
    """Remember who the children's parent is, and end when told to."""
    global _worker  # noqa: PLW0603
    _worker = os.getpid()
    end_in_time(app.conf.worker_soft_shutdown_timeout)


@worker_process_init.connect
def _born(**_: object) -> None:
    """Inherit no connection from the parent, and die with it."""
    global _parts  # noqa: PLW0603
    _parts = None
    die_with_parent(parent=_worker)


@worker_process_shutdown.connect
def _shut(**_: object) -> None:
    global _parts  # noqa: PLW0603
    if _parts is not None:
        _parts.close()
        _parts = None
