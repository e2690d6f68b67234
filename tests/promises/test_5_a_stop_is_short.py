"""Promise of every stop: seconds, whatever is in hand; and that comes again."""

from __future__ import annotations

import signal
import subprocess
import sys

import psutil
import pytest
import redis
from flow_processes import wait_for

from aggregator.wiring import bell_app

pytestmark = pytest.mark.slow

#: What the worker is at when SIGTERM comes, and would be at for ten minutes more.
NEVER_ENDS = {
    # Celery has not read of its start yet, so it neither cancels it nor counts its seconds.
    "a task that has just started": """
@app.task(name="a.long.task")
def long():
    os.kill(os.getppid(), signal.SIGTERM)
    say()
    time.sleep(600)
""",
    "a task that lets nothing interrupt it": """
@app.task(name="a.long.task")
def long():
    say()
    os.kill(os.getppid(), signal.SIGTERM)
    while True:
        try:
            time.sleep(600)
        except BaseException:
            continue
""",
    "a worker that is stuck itself": """
@signals.worker_shutting_down.connect
def stick(**_):
    time.sleep(600)

@app.task(name="a.long.task")
def long():
    say()
    os.kill(os.getppid(), signal.SIGTERM)
    time.sleep(600)
""",
}
WORKER = """
import os, signal, sys, time
os.environ["REMAP_SIGTERM"] = "SIGQUIT"
from celery import signals
from tasks.app import app
def say():
    open(sys.argv[1], "w").close()
{task}
from quxun.cli.service import worker
worker(queues="upkeep", concurrency=2)
"""


@pytest.mark.parametrize("what", NEVER_ENDS)
def test_worker_ends_whatever_it_is_at_and_its_work_comes_again(what, service, world, tmp_path):
    """A stop that takes minutes is ended by kill -9 from outside, of the wrong process."""
    run = service(world(portals=1), embedded=1)
    broker = run.env["QUXUN_BROKER_URL"]
    begun = tmp_path / "begun"
    with (tmp_path / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", WORKER.format(task=NEVER_ENDS[what]), str(begun)],
            env=run.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    run.running.append((process, ()))
    wait_for(psutil.Process(process.pid).children, what=f"the pool\n{run.words()}")
    family = psutil.Process(process.pid).children(recursive=True)

    bell_app(broker).send_task("a.long.task", queue="upkeep")
    wait_for(begun.exists, what=f"the task\n{run.words()}")
    process.wait(timeout=120)

    # By itself, by its watch, or by the kernel where a busy machine let neither come in time.
    assert process.returncode in {0, 1, -signal.SIGALRM}, run.words()
    assert psutil.wait_procs(family, timeout=30)[1] == []
    with redis.Redis.from_url(broker) as client:
        assert client.llen("upkeep") + client.hlen("unacked") == 1
