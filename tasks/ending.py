"""Sees to it that a worker that was told to end does, whatever Celery waits for.

Celery 5.7 cancels only tasks of whose start it has read: for one that starts as SIGTERM comes it
waits as long as that takes, and for the rest of a cut answer for ever (docs/celery.md).
"""

from __future__ import annotations

import os
import signal
import threading
import time

import structlog
from billiard.process import active_children

#: Behind the soft seconds. Children get the first to unwind what they were at, the worker the
#: second to give back what they had in hand; the third, kept by the kernel, is for a worker that
#: cannot even say that it failed. Together with 4 soft seconds that is ten at most.
CHILDREN_SECONDS = 3.0
WORKER_SECONDS = 5.0
KERNEL_SECONDS = 6.0

log = structlog.get_logger(__name__)


def end_in_time(soft_seconds: float) -> None:
    """From now on SIGTERM ends this process and its children, by force when nothing else does.

    What they had in hand is not acknowledged and so comes again. Call it from the main thread,
    before the pool is made. The signal is noticed whatever the main thread is at, because the
    interpreter itself writes it into a pipe.
    """
    told, tell = os.pipe()
    os.set_blocking(tell, False)
    signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
    # The signals of a child are none of ours.
    os.register_at_fork(after_in_child=lambda: signal.set_wakeup_fd(-1))
    threading.Thread(target=_watch, args=(told, soft_seconds), name="ending", daemon=True).start()


def _watch(told: int, soft_seconds: float) -> None:
    while signal.SIGTERM not in os.read(told, 64):
        continue
    signal.setitimer(signal.ITIMER_REAL, soft_seconds + KERNEL_SECONDS)  # nobody handles SIGALRM
    time.sleep(soft_seconds + CHILDREN_SECONDS)
    killed = []
    for child in active_children():
        try:
            os.kill(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
        killed.append(child.pid)
    if killed:
        log.warning("children killed, for they did not end", pids=killed)
    time.sleep(WORKER_SECONDS - CHILDREN_SECONDS)
    log.warning("worker ended by force, for it did not end")
    os._exit(1)
