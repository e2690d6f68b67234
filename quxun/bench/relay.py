"""Postfix's own test tools: a mail server that takes all, and a client that only sends."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from aggregator.errors import QuxunError

#: Over how many connections ``smtp-source`` sends.
_SESSIONS = (1, 4, 16)
_START_SECONDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """Where ``smtp-sink`` listens, and the client beside it."""

    port: int
    source: str


@contextmanager
def sink() -> Iterator[Relay]:
    """Run ``smtp-sink`` on a free port of loopback.

    Raises:
        QuxunError: Postfix's tools are not there, or it does not listen.
    """
    program, source = _tool("smtp-sink"), _tool("smtp-source")
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    humble = ["-u", "nobody"] if os.geteuid() == 0 else []  # it asks for that
    process = subprocess.Popen(  # noqa: S603  # Postfix's own
        [program, *humble, f"127.0.0.1:{port}", "1000"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        until = time.monotonic() + _START_SECONDS
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > until:
                raise QuxunError(f"smtp-sink does not listen on 127.0.0.1:{port}")
            time.sleep(0.05)
        yield Relay(port=port, source=source)
    finally:
        process.terminate()
        process.wait(timeout=10)


def source_rate(relay: Relay, *, size: int, messages: int) -> float:
    """Messages a second of ``smtp-source``, the best over some numbers of connections.

    It keeps its connections, as we do.

    Raises:
        QuxunError: it failed.
    """
    best = 0.0
    for sessions in _SESSIONS:
        began = time.perf_counter()
        done = subprocess.run(  # noqa: S603  # Postfix's own
            [
                relay.source, "-d", "-s", str(sessions), "-m", str(messages), "-l", str(size),
                "-f", "bench@quxun.example", "-t", "reader@mail.example",
                f"inet:127.0.0.1:{relay.port}",
            ],
            capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip
        if done.returncode:
            raise QuxunError(f"smtp-source failed: {done.stderr.strip()[:200]}")
        best = max(best, messages / (time.perf_counter() - began))
    return best


def _tool(name: str) -> str:
    path = shutil.which(name) or f"/usr/sbin/{name}"
    if not Path(path).is_file():
        raise QuxunError(f"{name} was not found; it is a part of Postfix (apt install postfix)")
    return path


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
