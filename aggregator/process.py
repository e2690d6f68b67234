"""What a process asks of the kernel about itself (Linux; elsewhere nothing happens)."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with_parent(sig: signal.Signals = signal.SIGKILL) -> None:
    """Ask for ``sig`` when the thread that forked us ends (prctl(2), PR_SET_PDEATHSIG).

    So that kill -9 of a supervisor leaves no process. A parent that is gone already sends
    nothing any more: then we end at once.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(sig), 0, 0, 0)
    if os.getppid() == 1 and os.getpid() != 1:
        os.kill(os.getpid(), sig)
