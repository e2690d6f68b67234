"""What a process asks of the kernel about itself (Linux; elsewhere nothing happens)."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with_parent(sig: signal.Signals = signal.SIGKILL, *, parent: int | None = None) -> None:
    """Ask for ``sig`` when the thread that forked us ends (prctl(2), PR_SET_PDEATHSIG).

    So that kill -9 of a supervisor leaves no process. ``parent`` is the pid that forked us:
    when it is gone already, no signal will ever come, and we end at once.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(sig), 0, 0, 0)
    if parent is not None and os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
