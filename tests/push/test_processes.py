"""The real worker in a process of its own, killed while it speaks to a callback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from push_subscriber import NETS

from aggregator.wiring import bell_app
from tests.waiting import until


@pytest.fixture
def worker(house, database_url, broker_url, tmp_path):
    """Starts real push workers; they end with the test."""
    running = []

    def start() -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", "quxun", "worker", "--queues", "push", "--concurrency", "1"],
            env={
                **{k: v for k, v in os.environ.items() if not k.startswith(("QUXUN_", "COV_"))},
                "QUXUN_HOME": str(tmp_path), "QUXUN_DATABASE_URL": database_url,
                "QUXUN_BROKER_URL": broker_url, "QUXUN_ALLOW_NETS": ",".join(NETS),
                "QUXUN_PUBLIC_URL": "http://quxun.example", "QUXUN_LOG_LEVEL": "WARNING",
            },
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        running.append(process)
        return process

    yield start
    for process in running:
        _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(120)


@pytest.mark.slow
def test_a_worker_killed_between_claim_and_record_loses_and_doubles_nothing(
    house, worker, broker_url
):
    """The callback had the document, nobody wrote it down: it comes again, once, and then no
    more.
    """
    house.later(datetime.now(UTC) - house.parts.now())
    hold, held, done = threading.Event(), threading.Event(), threading.Event()
    house.stack.callback(hold.set)

    def take(_ping):
        if held.is_set():
            done.set()
            return 204
        held.set()
        hold.wait(300)
        return 204

    who = house.callbacks(take=take)
    house.follow(who, secret="kept through it all")
    house.publish(1)
    bell = bell_app(broker_url)
    first = worker()
    bell.send_task("push.deliver", queue="push")
    assert held.wait(120), "the first worker calls nobody"
    _kill(first)
    house.rows("update websub_subscriptions set lease_until = now() - interval '1 second'")
    worker()
    bell.send_task("push.deliver", queue="push")
    assert done.wait(120), "the second worker calls nobody"
    bell.send_task("push.deliver", queue="push")
    bell.send_task("push.verify", queue="push")
    row = until(
        lambda: next((one for one in house.followers() if one["sent_at"]), None),
        what="what was sent, in the store",
    )
    bell.close()

    assert (row["attempts"], row["lease_until"]) == (0, None)
    assert [one.signed for one in who.pings] == [True, True]
    assert who.bodies[0] == who.bodies[1] == house.web.ask("/feeds/all.atom").body
