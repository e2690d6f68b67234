"""One child process: how it is started, that it dies with us, how it is stopped."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from aggregator.process import die_with_parent
from quxun.embedded.home import Account

#: A log longer than this is begun anew, the old one kept beside it.
LOG_BYTES = 5_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSpec:
    """How a child is started and stopped.

    ``stop_signal`` asks it to end, ``kill_signal`` makes it; ``death_signal`` is what the
    kernel sends it when we are gone. ``mend`` is called before it is started again, with the
    seconds that it lived. ``leader`` names a child without which it is of no use: when that one
    ends, this one is ended and started again too.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    account: Account | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    kill_signal: signal.Signals = signal.SIGKILL
    mend: Callable[[float], None] | None = None
    leader: str | None = None


def start(spec: ChildSpec, *, log: Path | None) -> subprocess.Popen[bytes]:
    """Start a child in a process group of its own; call it from the main thread only.

    The kernel ties ``PR_SET_PDEATHSIG`` to the thread that forked, and forgets it when the
    account changes, so the account is changed first.
    """
    account = spec.account if os.geteuid() == 0 else None
    parent = os.getpid()

    def before_exec() -> None:
        if account:
            os.setgroups([])
            os.setgid(account.gid)
            os.setuid(account.uid)
        # What a shell's "&" or nohup ignores would stay ignored in every child.
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        die_with_parent(spec.death_signal, parent=parent)

    out: IO[bytes] | int = _open_log(log) if log else subprocess.DEVNULL
    try:
        return subprocess.Popen(  # noqa: S603  # our own programs
            spec.argv,
            env=dict(spec.env),
            cwd=spec.cwd,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=before_exec,  # noqa: PLW1509  # only the main thread forks
        )
    finally:
        if not isinstance(out, int):
            out.close()


def stop(process: subprocess.Popen[bytes], spec: ChildSpec) -> None:
    """Ask a child to end; does not wait."""
    if process.poll() is None:
        process.send_signal(spec.stop_signal)


def kill(process: subprocess.Popen[bytes], spec: ChildSpec) -> None:
    """End a child and all of its process group."""
    try:
        os.killpg(process.pid, spec.kill_signal)
    except ProcessLookupError:
        return
    except PermissionError:
        process.send_signal(spec.kill_signal)


def trim_log(path: Path, *, most: int = LOG_BYTES) -> None:
    """Begin a log anew when it is too long, whoever is writing to it.

    The file is copied and emptied, not moved: its writer appends, and goes on at the start.
    """
    try:
        if path.stat().st_size <= most:
            return
        shutil.copyfile(path, path.with_name(path.name + ".1"))
        os.truncate(path, 0)
    except OSError:
        return  # a full disk: the next look tries again


def _open_log(path: Path) -> IO[bytes]:
    trim_log(path)
    return path.open("ab")
