"""The supervisor by itself, on children that misbehave as real ones do."""

from __future__ import annotations

import itertools
import os
import signal
import sys
from types import SimpleNamespace

import psutil
import pytest

from quxun.embedded import supervisor
from quxun.embedded.child import ChildSpec, trim_log
from quxun.embedded.supervisor import LONGEST_WAIT, Supervisor


@pytest.fixture
def keeper(tmp_path):
    """A supervisor whose children are gone after the test."""
    made = Supervisor(logs=tmp_path)
    yield made
    for ward in made._wards.values():
        if ward.process.poll() is None:
            os.killpg(ward.process.pid, signal.SIGKILL)
            ward.process.wait()


def python(name, code, **options):
    return ChildSpec(name=name, argv=(sys.executable, "-I", "-S", "-u", "-c", code), **options)


def lives(keeper, name):
    return keeper._wards[name].process.poll() is None


def said(keeper, name):
    return keeper.log(name).read_text().splitlines()


def test_child_that_always_dies_is_started_ever_more_slowly_and_every_death_is_told(
    keeper, wait_for, capsys, monkeypatch
):
    """One crash is mended at once; a loop must not eat the machine, nor be kept secret."""
    clock = [0.0]
    monkeypatch.setattr(supervisor, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    keeper.start(python("loop", "raise SystemExit(3)"))

    waits = []
    for _ in range(5):
        wait_for(lambda: not lives(keeper, "loop"), seconds=60, what="its death")
        dead, died_at = keeper._wards["loop"].process, clock[0]
        while keeper.look() or keeper._wards["loop"].process is dead:
            clock[0] += 0.25
        waits.append(clock[0] - died_at)

    assert waits == [0, 1, 2, LONGEST_WAIT, LONGEST_WAIT]
    lines = capsys.readouterr().err.splitlines()
    assert (
        f"quxun: loop ended (exit code 3); it is started again; see {keeper.log('loop')}" in lines
    )
    assert len(lines) >= 2


def test_deaf_and_frozen_children_and_theirs_are_gone_after_a_stop(keeper, wait_for):
    """A stop that waits for the worst child is no stop."""
    deaf = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "os.fork()\n"
        "print(os.getpid())\n"
        "while True: signal.pause()"
    )
    keeper.start(python("deaf", deaf))
    keeper.start(python("frozen", deaf))
    keeper.start(python("postgres", "import signal; print(1); signal.pause()"))
    pids = [
        int(pid)
        for name in ("deaf", "frozen")
        for pid in wait_for(
            lambda name=name: len(said(keeper, name)) == 2 and said(keeper, name),
            seconds=60, what=name,
        )
    ]  # fmt: skip
    family = [psutil.Process(pid) for pid in pids]
    keeper._wards["frozen"].process.send_signal(signal.SIGSTOP)

    keeper.stop()

    _, alive = psutil.wait_procs(family, timeout=30)
    assert not [one for one in alive if one.status() != psutil.STATUS_ZOMBIE]
    assert not any(lives(keeper, name) for name in ("deaf", "frozen", "postgres"))


def test_child_that_cannot_be_started_again_is_tried_until_it_can(
    keeper, wait_for, tmp_path, capsys
):
    """No memory or no process left, for a minute: the supervisor must outlive it."""
    program, away = tmp_path / "program", tmp_path / "away"
    program.symlink_to(sys.executable)
    keeper.start(ChildSpec(name="one", argv=(str(program), "-S", "-c", "input()")))
    keeper.start(python("other", "import signal; signal.pause()"))
    wait_for(lambda: said(keeper, "one"), seconds=60, what="its end of input")
    program.rename(away)

    seen = []
    wait_for(
        lambda: (
            keeper.look()
            or seen.append(capsys.readouterr().err)
            or "one cannot be started" in "".join(seen)
        ),
        seconds=60, what="words on the failure",
    )  # fmt: skip
    assert lives(keeper, "other")
    before = len(said(keeper, "one"))
    away.rename(program)

    wait_for(
        lambda: keeper.look() or len(said(keeper, "one")) > before,
        seconds=60, what="another start",
    )  # fmt: skip


def test_follower_is_ended_and_started_again_with_its_leader(keeper, wait_for, capsys):
    """A worker that lost its broker may live on and consume nothing."""
    deaf = "import signal; signal.signal(15, signal.SIG_IGN); print(1)\nwhile 1: signal.pause()"
    keeper.start(python("broker", "import signal; signal.pause()"))
    keeper.start(python("worker", deaf, leader="broker"))
    keeper.start(python("web", "import signal; signal.pause()"))
    wait_for(lambda: said(keeper, "worker"), seconds=60, what="the worker")
    web = keeper._wards["web"].process.pid

    keeper._wards["broker"].process.kill()

    wait_for(
        lambda: keeper.look() or len(said(keeper, "worker")) == 2, seconds=60, what="a new worker"
    )
    assert lives(keeper, "broker")
    assert keeper._wards["web"].process.pid == web
    assert "worker is ended and started again: broker ended" in capsys.readouterr().err


def test_long_log_begins_anew_under_its_writer(tmp_path):
    """Nobody restarts a service to keep its disk from filling."""
    path = tmp_path / "some.log"
    with path.open("ab", buffering=0) as writer:
        for number in itertools.count():
            if writer.tell() > 1000:
                break
            writer.write(b"line %d\n" % number)

        trim_log(path, most=1000)
        writer.write(b"after\n")

    assert path.read_text() == "after\n"
    assert path.with_name("some.log.1").read_text().startswith("line 0\nline 1\n")
