"""Waiting for what is bound to come, on a machine that may have much else to do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

import pytest

Answer = TypeVar("Answer")

#: Nothing that a test waits for takes longer, on two busy cores; waiting for what comes costs nothing.
LONG = 180.0


def until(
    ready: Callable[[], Answer],
    *,
    what: str,
    seconds: float = LONG,
    pause: float = 0.05,
    trouble: Callable[[], object] = lambda: None,
) -> Answer:
    """What ``ready`` says once it is true.

    The test fails with ``what`` when that takes too long, and at once with what ``trouble`` says
    when it can come no more.
    """
    end = time.monotonic() + seconds
    rest = threading.Event()
    while not (answer := ready()):
        if wrong := trouble():
            pytest.fail(f"{what}: will not come, {wrong}")
        if time.monotonic() > end:
            pytest.fail(f"{what}: not within {seconds:g} s")
        rest.wait(pause)
    return answer
