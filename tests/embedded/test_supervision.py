"""A service of which any part may be killed: it goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import psutil
import pytest
import redis

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("embedded-running")]

CHILDREN = {"postgres", "valkey", "worker", "scheduler", "web", "mailbox", "country"}


def test_service_is_seven_children_that_wait_on_us(running):
    """Nothing runs in the background that a supervisor does not see."""
    running.until(lambda: set(running.children()) == CHILDREN, seconds=60, what="all seven")


@pytest.mark.parametrize("name", sorted(CHILDREN))
def test_killed_child_runs_again_and_the_service_goes_on(running, name):
    """A crash at night is nobody's call: what is published afterwards still arrives."""
    pid = running.until(lambda: running.children().get(name), seconds=60, what=name)

    os.kill(pid, signal.SIGKILL)

    running.until(
        lambda: running.children().get(name) not in {None, pid}, seconds=60, what=f"{name} again"
    )
    running.until(lambda: running.page("/healthz"), seconds=60, what="the web server")
    running.news_arrives()


def test_killed_pool_child_and_parser_child_are_replaced(running):
    """Grandchildren die too: the worker and its parser see to those."""
    worker = running.until(lambda: running.children().get("worker"), seconds=60, what="the worker")

    def parsers():
        pool = psutil.Process(worker).children()
        return [parser for child in pool for parser in child.children()]

    doomed = running.until(parsers, seconds=120, what="a parser child")
    doomed += psutil.Process(worker).children()
    for one in doomed:
        one.kill()
    psutil.wait_procs(doomed, timeout=60)

    at = running.until(
        lambda: running.ask("select clock_timestamp()"), seconds=60, what="the store"
    )
    running.until(
        lambda: running.ask("select 1 from heartbeats where name = 'worker' and at > %s", at),
        seconds=120, what="a heartbeat of the new pool",
    )  # fmt: skip
    assert running.children()["worker"] == worker


def test_polls_go_on_after_every_loss_of_the_broker(running):
    """Celery 5.7 exits or hangs when its broker dies under load (RELIABILITY.md, row 4)."""
    for _ in range(3):
        for _ in range(10):
            running.publish()
        before = running.until(
            lambda: ({"valkey", "worker"} <= (now := running.children()).keys()) and now,
            seconds=60, what="broker and worker",
        )  # fmt: skip

        os.kill(before["valkey"], signal.SIGKILL)

        running.until(
            lambda pid=before["worker"]: running.children().get("worker", pid) != pid,
            seconds=60, what="another worker",
        )  # fmt: skip
        at = running.until(lambda: running.ask("select now()"), seconds=60, what="the store")
        running.until(
            lambda at=at: running.ask("select 1 from polls where at > %s limit 1", at),
            seconds=120, what="a poll after the broker's death",
        )  # fmt: skip


def test_emptied_broker_loses_nothing(running):
    """The broker holds no truth: it may be flushed at any moment (DESIGN.md, promise 3)."""
    with redis.Redis.from_url(running.told()["broker"]) as client:
        client.flushall()

    running.news_arrives()


def test_mail_still_comes_after_the_mailbox_was_killed(running):
    """What could not be handed over waits in the outbox."""
    before = set((running.home / "mailbox").glob("*.eml"))
    pid = running.until(lambda: running.children().get("mailbox"), seconds=60, what="the mailbox")
    os.kill(pid, signal.SIGKILL)
    running.news_arrives()

    running.until(
        lambda: set((running.home / "mailbox").glob("*.eml")) - before,
        seconds=300, what="a mail in the mailbox (the first wait after a failure is a minute)",
    )  # fmt: skip


def test_commands_join_the_running_service(running):
    """A command sees the store that the service fills, and starts no servers of its own."""
    servers = {running.children()[name] for name in ("postgres", "valkey")}

    stats = running.run("stats", "--json")
    listed = running.run("sources", "list", "--json")

    assert stats.returncode == 0, stats.stderr
    assert json.loads(stats.stdout)["sources"] > 0
    assert len(json.loads(listed.stdout)) == json.loads(stats.stdout)["sources"]
    assert {running.children()[name] for name in ("postgres", "valkey")} == servers


def test_second_service_on_the_same_folder_refuses(running):
    """Two supervisors on one folder would fight over its data."""
    second = running.run("up", "--demo")

    assert second.returncode == 1
    assert second.stdout == ""
    assert second.stderr.count("\n") == 1
    assert f"a service is running on {running.home} already (pid" in second.stderr
    assert running.page("/healthz")


def test_logs_stay_short_while_the_service_works(running):
    """Nothing is said for every message: a year of it must fit on the disk."""
    running.news_arrives()

    sizes = {one.name: one.stat().st_size for one in (running.home / "log").glob("*.log")}

    assert "Sending due task" not in (running.home / "log" / "scheduler.log").read_text()
    assert "received" not in (running.home / "log" / "worker.log").read_text()
    assert max(sizes.values()) < 200_000, sizes


def test_worker_alone_ends_at_sigterm_and_leaves_nothing(running):
    """In a distribution every process is stopped by itself, with work in its hands."""
    told = running.told()
    env = {
        **running.env, "QUXUN_DATABASE_URL": told["database"], "QUXUN_BROKER_URL": told["broker"],
        "QUXUN_SMTP_URL": told["smtp"], "QUXUN_DEMO": "1", "QUXUN_ALLOW_NETS": "127.0.1.0/24",
        "QUXUN_DELAY_SECONDS": "0", "QUXUN_FLOOR_SECONDS": "5", "QUXUN_EMBEDDED": "1",
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "quxun", "worker"],
        env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    worker = psutil.Process(process.pid)
    try:
        running.until(
            lambda: [p for c in worker.children() for p in c.children()],
            seconds=120, what="a parser child",
        )  # fmt: skip
        family = worker.children(recursive=True)
        process.send_signal(signal.SIGTERM)

        # By itself, by its watch, or by the kernel (tasks/ending.py).
        assert process.wait(timeout=60) in {0, 1, -signal.SIGALRM}
        _, alive = psutil.wait_procs(family, timeout=30)
        assert not alive
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
