"""The demonstration: a simulated country beside the service, and one reader who wants it all."""

from __future__ import annotations

import json
import socket
import urllib.error
from contextlib import closing
from pathlib import Path

from sqlalchemy import Engine

from aggregator import divisions, store
from aggregator.errors import ConflictError, EmbeddedError
from aggregator.model import Authority, Filter, Frequency, NewSource, SourceKind
from aggregator.wiring import now
from quxun.embedded.home import Home
from quxun.embedded.momentary import direct

#: The portals' addresses, exempt from the address guard.
NETWORK = "127.0.1.0/24"
READER = "demo@quxun.example"
CANARY = "canary@quxun.example"
_FIRST = "127.0.1.1"
_PORTS = range(8800, 8900)


def free_port(home: Home) -> int:
    """A port that is free on the portals' addresses: the one of the last start, if it is.

    So that the sources of an earlier start are found again.

    Raises:
        EmbeddedError: when none of a hundred is.
    """
    note = home.path / "demo-port"
    for port in (*_noted(note), *_PORTS):
        try:
            with closing(socket.socket()) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((_FIRST, port))
        except OSError:
            continue
        note.write_text(f"{port}\n", encoding="ascii")
        return int(port)
    raise EmbeddedError(
        f"no port from {_PORTS[0]} to {_PORTS[-1]} is free on {_FIRST} for the demonstration"
    )


def _noted(note: Path) -> tuple[int, ...]:
    try:
        port = int(note.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return ()
    return (port,) if port in _PORTS else ()


def is_ready(port: int) -> bool:
    """Whether the country answers."""
    try:
        return bool(_ask(port, "columns"))
    except (urllib.error.URLError, OSError, ValueError):
        return False


def register(home: Home, engine: Engine, port: int) -> None:
    """Tell the service of the country's divisions, its columns and its one reader.

    The columns of an earlier start stay as they were where the address is the same.
    """
    rows = [(row["code"], row["name"], row["parent"] or None) for row in _ask(port, "divisions")]
    part = home.path / "demo-divisions.part"
    part.write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    part.replace(home.path / "demo-divisions.json")
    divisions.add_demo(tuple(rows))
    sources = store.Sources(engine)
    for column in _ask(port, "columns"):
        try:
            sources.add(
                NewSource(
                    name=column["name"],
                    kind=SourceKind(column["kind"]),
                    url=column["url"],
                    region=column["region_code"],
                    authority=Authority(column["authority"]),
                ),
                now(),
            )
        except ConflictError:
            continue
    store.Subscribers(engine).sign_up(
        READER, [Filter()], Frequency.IMMEDIATE, now(), confirmed=True
    )


def _ask(port: int, what: str):  # type: ignore[no-untyped-def]  # noqa: ANN202
    with direct.open(f"http://{_FIRST}:{port}/__country__/{what}", timeout=5) as answer:
        return json.loads(answer.read())
