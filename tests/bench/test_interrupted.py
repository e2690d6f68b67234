"""Ctrl-C of a bench that has servers, workers and senders under it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from aggregator.settings import inherited_environment

#: So long a loaded machine may take; nothing is measured here.
PATIENCE = 240


def _below(process: psutil.Process) -> dict[tuple[int, float], str]:
    """The processes that it has under it just now, by what makes each unique."""
    found = {}
    for one in process.children(recursive=True):
        try:
            found[one.pid, one.create_time()] = " ".join(one.cmdline())
        except psutil.Error:
            continue  # it ended while we looked
    return found


def _lives(pid: int, created: float) -> bool:
    try:
        one = psutil.Process(pid)
        return one.create_time() == created and one.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


@pytest.mark.slow
@pytest.mark.parametrize(
    ("argv", "last"),
    [
        (("digest", "--n", "60", "--wishes", "24", "--announcements", "200", "--news", "100"),
         "quxun.bench.digest"),
        (("faults", "--kills", "5", "--digests", "20"), "worker"),
    ],
)  # fmt: skip
def test_ctrl_c_leaves_neither_a_process_nor_a_file(tmp_path, argv, last):
    """Whoever stops a bench has their machine back: databases, senders and folders are gone."""
    tmp_path.chmod(0o755)  # its servers run as somebody else
    bench = subprocess.Popen(
        [sys.executable, "-P", "-m", "quxun", "bench", *argv],
        env={**inherited_environment(), "TMPDIR": str(tmp_path)},
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    seen: dict[tuple[int, float], str] = {}
    until = time.monotonic() + PATIENCE
    while not any(last in words for words in seen.values()):
        assert bench.poll() is None
        assert time.monotonic() < until, seen
        seen |= _below(psutil.Process(bench.pid))
        time.sleep(0.05)
    seen |= _below(psutil.Process(bench.pid))

    os.killpg(bench.pid, signal.SIGINT)  # as a terminal does: to all in front of it
    _, said = bench.communicate(timeout=PATIENCE)

    assert bench.returncode == 130
    assert "Traceback" not in said
    until = time.monotonic() + PATIENCE
    while (left := [words for one, words in seen.items() if _lives(*one)]) and (
        time.monotonic() < until
    ):
        time.sleep(0.05)
    assert not left
    assert not list(tmp_path.iterdir())
