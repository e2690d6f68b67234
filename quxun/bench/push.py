"""Telling many followers of a changed feed, through the real store, caller and rendering.

Callbacks are answered at once by one process on loopback that shares the machine, so what is
measured is the most that one worker process can tell.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
from pydantic import SecretStr
from sqlalchemy import text

from aggregator.errors import QuxunError
from aggregator.flow import hub
from aggregator.flow.hub import Press
from aggregator.push import Edition, Topic, follower_key
from aggregator.settings import load_settings
from aggregator.wiring import Parts, build_parts, now
from quxun import embedded
from quxun.bench.serve import publish

#: Addresses of the callbacks, far from those of the demonstration.
BASE = "127.0.98."
ADDRESS = "all.atom"
_LENGTH = re.compile(rb"(?i)content-length: (\d+)")
_SEED = """
insert into websub_subscriptions (key, address, callback, callback_host, secret, lease_seconds,
 request_id, created_at, renewed_at, expires_at, sent_version, due_at)
select decode(k, 'hex'), :address, c, h, 'a secret of the bench', 864000, 1, now(), now(),
 now() + interval '10 days', :sent, now()
from unnest(cast(:keys as text[]), cast(:callbacks as text[]), cast(:hosts as text[])) n (k, c, h)
"""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One change told to all; seconds of the wall, and of our own CPU."""

    followers: int
    hosts: int
    told: int
    renderings: int
    document_bytes: int
    notice_ms: float
    seconds: float
    per_second: float
    cpu_seconds: float


def bench_push(*, followers: int, hosts: int, say: Callable[[str], None]) -> Told:
    """Change one feed and tell all who follow it.

    Args:
        followers: how many callbacks follow it, all with a secret.
        hosts: on how many hosts they are.
        say: told what goes on.

    Raises:
        QuxunError: not everybody was told.
    """
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="quxun-bench-")))
        home.chmod(0o755)
        urls = stack.enter_context(embedded.servers(home / "home"))
        port = stack.enter_context(_callbacks())
        settings = load_settings(
            home=home, database_url=SecretStr(urls.database), broker_url=SecretStr(""),
            allow_nets=(f"{BASE}0/24",), log_level="ERROR",
        )  # fmt: skip
        parts = build_parts(settings)
        stack.callback(parts.close)
        publish(parts, range(50))
        say(f"{followers} followers on {hosts} hosts")
        _follow(parts, followers, hosts, port)
        publish(parts, range(50, 51))
        rendered: list[Edition] = []

        def render(topic: Topic) -> Edition:
            rendered.append(parts.edition(topic))
            return rendered[-1]

        began = time.perf_counter()
        hub.notice(
            store=parts.hub, last=parts.journal.last, changes=parts.journal.since,
            version=parts.feed_version,
        )  # fmt: skip
        noticed, cpu = time.perf_counter(), time.process_time()
        told = parts.run(
            hub.distribute(
                store=parts.hub, caller=parts.courier, press=Press(render),
                hub_url=settings.hub_url, clock=now, jitter=lambda: 0.5,
            )
        )  # fmt: skip
        seconds = time.perf_counter() - noticed
        reached = sum(one.through is not None for one in told)
        if reached != followers:
            raise QuxunError(f"{reached} of {followers} followers were told")
        return Told(
            followers=followers,
            hosts=hosts,
            told=reached,
            renderings=len(rendered),
            document_bytes=len(rendered[-1].body),
            notice_ms=round((noticed - began) * 1000, 1),
            seconds=round(seconds, 2),
            per_second=round(reached / seconds, 1),
            cpu_seconds=round(time.process_time() - cpu, 2),
        )


def _follow(parts: Parts, followers: int, hosts: int, port: int) -> None:
    """Have so many callbacks follow a feed, as if each had confirmed it."""
    names = [f"{BASE}{1 + number % hosts}" for number in range(followers)]
    callbacks = [f"http://{host}:{port}/{number}" for number, host in enumerate(names)]
    url = f"{parts.settings.public_url}/feeds/{ADDRESS}"
    last = parts.journal.last()
    with parts.engine.begin() as connection:
        connection.execute(
            text(
                "insert into websub_topics (address, name, form, url, search, version, measured)"
                " values (:address, 'all', 'atom', :url, false, :last, 0)"
            ),
            {"address": ADDRESS, "url": url, "last": last},
        )
        connection.execute(
            text(_SEED),
            {
                "address": ADDRESS, "sent": last, "callbacks": callbacks, "hosts": names,
                "keys": [follower_key(one, ADDRESS).hex() for one in callbacks],
            },
        )  # fmt: skip
        connection.execute(text("analyze websub_subscriptions"))


@contextmanager
def _callbacks() -> Iterator[int]:
    """A process that takes everything; the port on which it does."""
    process = subprocess.Popen(  # this module
        [sys.executable, "-m", "quxun.bench.push"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(timeout=10)
        if process.stdout:
            process.stdout.close()


async def _take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            await reader.readexactly(int(length.group(1)) if length else 0)
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def _serve() -> None:
    server = await asyncio.start_server(_take, "0.0.0.0", 0, backlog=1000)  # noqa: S104  # all of 127/8
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
