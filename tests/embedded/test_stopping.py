"""However a service ends, it leaves no process, and the next start finds its data."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import psutil
import pytest

pytestmark = pytest.mark.slow


def _works(service):
    service.up("--demo")
    service.news_arrives()
    worker = psutil.Process(service.children()["worker"])
    assert worker.children(), "the worker has no pool"


def _stops(service, number):
    told = service.told()
    assert service.stop(number, seconds=60) == 0
    service.nothing_left()
    assert not (service.home / "service.json").exists()
    assert "Traceback" not in service.said()
    return told


@pytest.mark.xdist_group("embedded-stopping")
def test_kill_leaves_no_process_and_the_next_start_recovers_and_stops_on_ctrl_c_and_term(
    service_on,
):
    """A power cut, a Ctrl-C and a service manager's stop, one after the other, on one folder."""
    service = service_on()
    _works(service)
    stored = service.ask("select count(*) from announcements")
    service.stop(signal.SIGKILL, seconds=60)
    service.nothing_left()

    service.up("--demo")  # the sockets, service.json and postmaster.pid of the dead are there
    assert service.ask("select count(*) from announcements") >= stored
    _stops(service, signal.SIGINT)

    _break(service.home)
    service.up("--demo")
    assert service.ask("select count(*) from announcements") >= stored
    _stops(service, signal.SIGTERM)


def _break(home):
    """What crashes, full disks and reused pids leave in a folder."""
    data = home / "postgres" / "data"
    pid_file = data / "postmaster.pid"
    pid_file.write_text(f"{os.getppid()}\n{data}\n1\n5432\n{home}\n\n 1 1\nready\n")
    pid_file.chmod(0o644)
    (home / "service.json").write_text('{"database": ')
    (home / "lock").write_text("nonsense")
    (home / "demo-port").write_text("nonsense")
    (home / "beat-1.dat").write_bytes(b"\0" * 100)
    parts = list((home / "valkey" / "appendonlydir").iterdir())
    assert parts
    for part in parts:
        part.write_bytes(b"\xff\x00nonsense" * 100)


@pytest.mark.xdist_group("embedded-places")
def test_initdb_that_was_cut_short_is_begun_anew(service_on):
    """PostgreSQL writes its version file first: half a cluster looks like a whole one."""
    service = service_on()
    half = service.home / "postgres" / "data.new-1"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    nothing = service.home / "postgres" / "data"
    (nothing / "base").mkdir(parents=True)

    done = service.run("stats", "--json")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["sources"] == 0
    assert not half.exists()
    service.nothing_left()


@pytest.mark.xdist_group("embedded-places")
def test_commands_start_servers_for_the_moment_and_wait_for_each_other(service_on):
    """Without a service a command brings its own servers and takes them away again."""
    service = service_on()
    command = [sys.executable, "-P", "-m", "quxun", "sources", "list", "--json"]
    both = [
        subprocess.Popen(command, env=service.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    said = [one.communicate(timeout=120) for one in both]

    assert [json.loads(out) for out, _ in said] == [[], []]
    assert [one.returncode for one in both] == [0, 0]
    service.nothing_left()


@pytest.mark.xdist_group("embedded-places")
def test_killed_command_leaves_no_server(service_on):
    """The servers that a command had started end with it."""
    service = service_on()
    service.process = subprocess.Popen(
        [sys.executable, "-P", "-m", "quxun", "sources", "list", "--json"],
        env=service.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    service.until(lambda: "valkey" in service.children(), seconds=120, what="its servers")
    service.stop(signal.SIGKILL, seconds=60)

    service.nothing_left()
    assert service.run("stats", "--json").returncode == 0


@pytest.mark.xdist_group("embedded-places")
def test_stop_while_starting_leaves_nothing(service_on):
    """An impatient Ctrl-C, twice, before anything is ready."""
    service = service_on()
    with (service.out / "stdout").open("wb") as out, (service.out / "stderr").open("wb") as err:
        service.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "quxun", "up", "--demo"],
            env=service.env, stdout=out, stderr=err, start_new_session=True,
        )  # fmt: skip
    service.until(service.children, seconds=120, what="a first child")
    service.process.send_signal(signal.SIGINT)
    service.process.send_signal(signal.SIGTERM)
    service.process.send_signal(signal.SIGINT)

    assert service.process.wait(timeout=60) == 0
    service.nothing_left()
    assert service.said() == ""
