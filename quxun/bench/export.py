"""A large store written out as files, then one change after another: seconds, files, memory.

The journal is invented (bench/journals.py) and the commands are the real ones, in processes of
their own. Every district has feeds of ten subjects and more, so 3,000 of them make some 45,000.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
import psutil
from pydantic import SecretStr

from aggregator.errors import QuxunError
from aggregator.settings import inherited_environment, load_settings
from aggregator.wiring import Parts, build_parts, now
from quxun import embedded
from quxun.bench.floors import shortfalls
from quxun.bench.journals import districts, write_change, write_journal

#: What the ceilings of bench/floors.json are held for.
ANNOUNCEMENTS, DIVISIONS = 100_000, 3_000
CHANGES = 5
#: A notice takes so much room in all its documents together.
_BYTES_EACH = 200_000
_PATIENCE = 60.0


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """One run of the bench; ``cpu_seconds`` is that of all processes that printed.

    ``change_seconds`` is the longest of some changes, from its commit to the last of its files.
    """

    announcements: int
    divisions: int
    changes: int
    feeds: int
    documents: int
    files: int
    gigabytes: float
    seconds: float
    cpu_seconds: float
    peak_mb: float
    change_files: int
    change_seconds: float
    idle_seconds: float
    figures: dict[str, float]
    below: list[str]


def bench_export(
    *, announcements: int, divisions: int, jobs: int, say: Callable[[str], None]
) -> Exported:
    """Write a whole store, then follow changes.

    Args:
        announcements: how many the store holds.
        divisions: districts that they go round.
        jobs: processes that print.
        say: told what goes on.

    Raises:
        QuxunError: there is no room, or a command failed.
    """
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="quxun-bench-")))
        home.chmod(0o755)
        _check_room(home, announcements)
        urls = stack.enter_context(embedded.servers(home / "home"))
        parts = _parts(home, urls)
        stack.callback(parts.close)
        places = districts(divisions)
        say(f"storing {announcements:,} announcements of {len(places):,} districts")
        last = write_journal(parts.engine, announcements=announcements, places=places)
        root = home / "served"
        say(f"writing every feed with {jobs} processes")
        report, seconds, cpu, peak = _whole(parts, root, jobs)
        started = time.monotonic()
        _whole(parts, root, jobs)
        idle = time.monotonic() - started
        say("following changes")
        with _following(parts, root):
            worst, files = 0.0, 0
            for number in range(CHANGES):
                waited, touched = _change(parts, root, last + 1 + number, places[number])
                worst, files = max(worst, waited), max(files, touched)
    whole = (announcements, divisions) == (ANNOUNCEMENTS, DIVISIONS)
    figures = {"export.change_s": round(worst, 2)}
    if whole:
        figures["export.full_s"] = round(seconds, 1)
    return Exported(
        announcements=announcements, divisions=divisions, changes=last, feeds=report["feeds"],
        documents=report["documents"], files=report["files"],
        gigabytes=round(report["bytes"] / 1e9, 2), seconds=round(seconds, 1),
        cpu_seconds=round(cpu, 1), peak_mb=round(peak / 1e6), change_files=files,
        change_seconds=round(worst, 2), idle_seconds=round(idle, 2), figures=figures,
        below=shortfalls(figures),
    )  # fmt: skip


def _check_room(home: Path, announcements: int) -> None:
    wanted, free = announcements * _BYTES_EACH, shutil.disk_usage(home).free
    if free < wanted:
        raise QuxunError(
            f"{home.parent} has {free / 1e9:.0f} GB free, {wanted / 1e9:.0f} GB are needed: set"
            " TMPDIR, or take fewer with --announcements"
        )


def _parts(home: Path, urls: embedded.Urls) -> Parts:
    return build_parts(
        load_settings(
            home=home,
            database_url=SecretStr(urls.database),
            broker_url=SecretStr(urls.broker),
            secret_key=SecretStr("only-for-a-bench-on-loopback"),
            public_url="http://quxun.example",
        )
    )


def _argv(root: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "quxun", "feeds", "publish", str(root), *options]


def _environment(parts: Parts) -> dict[str, str]:
    return {**inherited_environment(), **parts.settings.as_environment()}


def _whole(parts: Parts, root: Path, jobs: int) -> tuple[dict[str, int], float, float, float]:
    """One run of the command: its report, seconds, CPU seconds, and the most memory at once.

    Raises:
        QuxunError: it failed.
    """
    started, cpu, peak = time.monotonic(), {}, 0.0
    with subprocess.Popen(  # noqa: S603  # ours
        _argv(root, "--jobs", str(jobs), "--json"), env=_environment(parts),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        watched = psutil.Process(process.pid)
        while process.poll() is None:
            memory = 0
            try:
                for one in (watched, *watched.children(recursive=True)):
                    with one.oneshot():
                        memory += one.memory_info().rss
                        times = one.cpu_times()
                        cpu[one.pid] = times.user + times.system
            except psutil.Error:
                pass  # it has just ended
            peak = max(peak, memory)
            time.sleep(0.2)
        seconds = time.monotonic() - started
        out, err = process.communicate()
    if process.returncode:
        raise QuxunError(f"quxun feeds publish failed: {err.strip().splitlines()[-1:]}")
    return json.loads(out), seconds, sum(cpu.values()), peak


@contextmanager
def _following(parts: Parts, root: Path) -> Iterator[None]:
    seen = root / ".quxun" / "seen"
    with subprocess.Popen(  # noqa: S603  # ours
        _argv(root, "--follow"), env=_environment(parts), stderr=subprocess.DEVNULL
    ) as process:
        try:
            _until(seen.exists, "the publisher did not start")
            yield
        finally:
            process.terminate()


def _change(parts: Parts, root: Path, number: int, place: str) -> tuple[float, int]:
    """Tell one change; seconds until its files are there, and how many they are."""
    names = write_change(parts.engine, number, place)
    started, at = time.monotonic(), now().timestamp() - 0.001
    mark = f'"through":{number},'.encode()
    state = root / ".quxun" / "state.json"
    _until(lambda: mark in state.read_bytes(), "a change was not written")
    waited = time.monotonic() - started
    touched = [
        path
        for name in names
        for stem in (root / "feeds" / name, root / "feeds" / name / "archive")
        for path in (stem.parent.glob(f"{stem.name}.*") if stem.name != "archive" else stem.glob("*"))
        if path.stat().st_ctime > at
    ]  # fmt: skip
    return waited, len(touched)


def _until(what: Callable[[], bool], problem: str) -> None:
    end = time.monotonic() + _PATIENCE
    while not what():
        if time.monotonic() > end:
            raise QuxunError(f"{problem} within {_PATIENCE:.0f} s")
        time.sleep(0.005)
