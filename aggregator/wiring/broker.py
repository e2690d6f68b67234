"""How the broker is spoken to, by workers and by those who only ring."""

from __future__ import annotations

from typing import Any

from celery import Celery

#: What a wiring of Celery needs to know of the broker (RELIABILITY.md §Settings, with reasons
#: in docs/celery.md). Kept here because the web and the commands ring the same bell.
BROKER_OPTIONS: dict[str, Any] = {
    "visibility_timeout": 900,
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
    "socket_timeout": 15,
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
    "health_check_interval": 15,
}


def bell_app(broker_url: str) -> Celery:
    """A Celery app that only sends: two seconds and one try (RELIABILITY.md, row 3)."""
    app = Celery("quxun-bell", broker=celery_url(broker_url), set_as_current=False)
    app.conf.update(
        task_ignore_result=True,
        broker_connection_timeout=1,
        broker_connection_max_retries=1,
        broker_transport_options={
            **BROKER_OPTIONS,
            "socket_timeout": 2,
            "socket_connect_timeout": 1,
            "max_retries": 0,
        },
    )
    return app


def celery_url(broker_url: str) -> str:
    """The broker's address as Celery spells it: ``unix://`` is ``redis+socket://`` there."""
    return broker_url.replace("unix://", "redis+socket://", 1)
