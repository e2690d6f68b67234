"""The web server's process: uvicorn on libuv and llhttp, with a protocol of ours."""

from __future__ import annotations

from typing import Any

import uvicorn

from aggregator.wiring import Parts
from quxun.web.app import create_app
from quxun.web.wire import protocol

#: What a process ends with that could not start, as uvicorn's own command does.
NOT_STARTED = 3


def server_of(parts: Parts, *, patience: float = 1.0, **changes: Any) -> uvicorn.Server:
    """The server on QUXUN_HOST and QUXUN_PORT; ``changes`` are further settings of uvicorn."""
    app = create_app(parts, patience=patience)
    settings: dict[str, Any] = {
        "host": parts.settings.host,
        "port": parts.settings.port,
        "loop": "uvloop",
        "http": protocol(app.state.memory),
        "ws": "none",
        "log_level": "warning",
        "access_log": False,
        "server_header": False,
        "proxy_headers": bool(parts.settings.proxy_nets),
        "forwarded_allow_ips": ",".join(parts.settings.proxy_nets),
        "timeout_graceful_shutdown": 3,
        **changes,
    }
    return uvicorn.Server(uvicorn.Config(app, **settings))


def serve(parts: Parts) -> int:
    """Run one web server until it is told to end; the exit code."""
    server = server_of(parts)
    try:
        server.run()
    except KeyboardInterrupt:
        return 0
    return 0 if server.started else NOT_STARTED
