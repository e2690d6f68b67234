"""Polling N sources of the simulated country through the real worker and store, beside curl.

The floor is one ``curl --parallel --parallel-max 50`` over the same addresses with the same
validators; it parses and stores nothing. Sources, both clients and the database share the
machine, so the ratios of one run count, not the rates.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import psutil
from sqlalchemy import Engine, text

from aggregator import store
from aggregator.errors import QuxunError
from aggregator.flow.polls import BATCH
from aggregator.model import Authority, NewSource, SourceKind
from aggregator.settings import inherited_environment
from aggregator.wiring import bell_app, now
from quxun import embedded

#: Addresses of the country that is measured, far from those of a demonstration.
BASE = "127.0.97."
#: A phase that takes longer than this is broken.
PATIENCE_SECONDS = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One phase of one run; rates are sources a second, CPU is the worker's, in seconds."""

    name: str
    sources: int
    seconds: float
    rate: float
    curl_seconds: float
    of_curl: float
    worker_cpu_seconds: float
    new_entries: int


def bench_poll(
    *,
    count: int,
    html_share: float,
    changed: float,
    urls: Sequence[str],
    concurrency: int,
    say: Callable[[str], None],
) -> list[Phase]:
    """Poll cold, unchanged and with a share changed; each beside curl.

    Args:
        count: columns of the simulated country.
        html_share: how many of them are list pages; the rest are feeds.
        changed: the share that gets one new entry before the last phase.
        urls: addresses to poll instead of the country's; then nothing is changed.
        concurrency: Celery child processes.
        say: told what goes on.
    """  # fmt: skip
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="quxun-bench-")))
        home.chmod(0o755)
        servers = stack.enter_context(embedded.servers(home))
        engine = store.connect(servers.database)
        stack.callback(engine.dispose)
        country = None
        if not urls:
            say(f"making a country of {count} columns")
            country = stack.enter_context(_country(count, html_share))
        ids, addresses = _add_sources(engine, country, urls)
        worker = stack.enter_context(_worker(home, servers, concurrency))
        curl = _Curl(addresses, home)
        ring = _ringer(servers.broker, ids)
        _wait_for_worker(servers.broker, worker, home)
        phases = [
            _phase("cold", engine, ids, ring, worker, curl, say=say),
            _phase("unchanged", engine, ids, ring, worker, curl, say=say),
        ]
        if country:
            country.change(changed)
            phases.append(
                _phase(f"{changed:.0%} changed", engine, ids, ring, worker, curl, say=say)
            )
    return phases


@dataclass(frozen=True, slots=True)
class _Served:
    control: str
    columns: list[dict[str, str]]

    def change(self, fraction: float) -> None:
        """Publish one new entry in that share of the columns."""
        body = json.dumps({"fraction": fraction, "warm": True}).encode()
        request = urllib.request.Request(f"{self.control}change", data=body, method="POST")  # noqa: S310
        with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310  # loopback
            answer.read()


@contextmanager
def _country(count: int, html_share: float) -> Iterator[_Served]:
    process = subprocess.Popen(  # noqa: S603  # our own module
        [
            sys.executable, "-m", "quxun.country", "--columns", str(count), "--base", BASE,
            "--html-share", str(html_share), "--warm",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        if process.stdout.readline().strip() != "country ready":
            raise QuxunError("the simulated country did not start")
        columns = json.loads(process.stdout.readline())
        port = columns[0]["url"].split("/")[2].rpartition(":")[2]
        yield _Served(f"http://{BASE}1:{port}/__country__/", columns)
    finally:
        process.terminate()
        process.wait(timeout=10)
        if process.stdout:
            process.stdout.close()


@contextmanager
def _worker(home: Path, servers: embedded.Urls, concurrency: int) -> Iterator[psutil.Process]:
    env = {
        **inherited_environment(),
        "QUXUN_HOME": str(home),
        "QUXUN_DATABASE_URL": servers.database,
        "QUXUN_BROKER_URL": servers.broker,
        "QUXUN_ALLOW_NETS": f"{BASE}0/24,127.0.0.2/31,127.0.0.4/30,127.0.0.8/29,127.0.0.16/28,"
        "127.0.0.32/27,127.0.0.64/26,127.0.0.128/25",
        "QUXUN_DELAY_SECONDS": "0",
        "QUXUN_LOG_LEVEL": "INFO",
        "C_FORCE_ROOT": "1",
    }
    log = (home / "worker.log").open("wb")
    process = subprocess.Popen(  # noqa: S603  # our own module
        [
            *(sys.executable, "-m", "quxun", "worker", "--queues", "polls"),
            *("--concurrency", str(concurrency)),
        ],
        env=env,
        stdout=log,
        stderr=log,
    )
    try:
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
        log.close()


def _add_sources(
    engine: Engine, country: _Served | None, urls: Sequence[str]
) -> tuple[list[int], list[str]]:
    """Store the sources; their ids in the order in which a tick would hand them out."""
    sources = store.Sources(engine)
    if country:
        new = [
            NewSource(name=c["name"], kind=SourceKind(c["kind"]), url=c["url"])
            for c in country.columns
        ]
    else:
        new = [
            NewSource(name=url, kind=SourceKind.FEED, url=url, authority=Authority.MEDIA)
            for url in urls
        ]
    for one in new:
        sources.add(one, now())
    ids = list(sources.due_sources(now(), limit=len(new)))
    return [int(one) for one in ids], [one.url for one in new]


def _ringer(broker: str, ids: Sequence[int]) -> Callable[[], None]:
    app = bell_app(broker)

    def ring() -> None:
        for start in range(0, len(ids), BATCH):
            app.send_task("polls.poll", args=[ids[start : start + BATCH]], queue="polls")

    return ring


def _wait_for_worker(broker: str, worker: psutil.Process, home: Path) -> None:
    """Wait until the worker answers: start-up is no part of what is measured.

    It is asked, because at our usual log level it does not say that it is ready.
    """
    app = bell_app(broker)
    end = time.monotonic() + 60
    while not app.control.ping(timeout=0.5):
        if time.monotonic() > end or not worker.is_running():
            raise QuxunError(
                f"the worker did not start: {(home / 'worker.log').read_text()[-300:]}"
            )


def _phase(  # noqa: PLR0917  # what is measured, in the order of its making
    name: str,
    engine: Engine,
    ids: Sequence[int],
    ring: Callable[[], None],
    worker: psutil.Process,
    curl: _Curl,
    *,
    say: Callable[[str], None],
) -> Phase:
    say(f"{name}: curl")
    curl_seconds = curl.run()
    with engine.begin() as connection:
        connection.execute(text("update sources set next_poll_at = now() - interval '1 second'"))
        entries = connection.execute(text("select count(*) from entries")).scalar_one()
    say(f"{name}: quxun")
    cpu, started, since = _cpu(worker), time.perf_counter(), now()
    ring()
    _wait(engine, len(ids), since)
    seconds = time.perf_counter() - started
    used = _cpu(worker) - cpu
    with engine.begin() as connection:
        new = connection.execute(text("select count(*) from entries")).scalar_one() - entries
    return Phase(
        name=name,
        sources=len(ids),
        seconds=round(seconds, 3),
        rate=round(len(ids) / seconds, 1),
        curl_seconds=round(curl_seconds, 3),
        of_curl=round(curl_seconds / seconds, 3),
        worker_cpu_seconds=round(used, 2),
        new_entries=new,
    )


def _wait(engine: Engine, count: int, since: object) -> None:
    query = text(
        "select count(*) from sources where last_polled_at >= :since and lease_until is null"
    )
    end = time.monotonic() + PATIENCE_SECONDS
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while connection.execute(query, {"since": since}).scalar_one() < count:
            if time.monotonic() > end:
                raise QuxunError(
                    f"polling {count} sources took longer than {PATIENCE_SECONDS:.0f} s"
                )
            time.sleep(0.02)


def _cpu(worker: psutil.Process) -> float:
    total = 0.0
    for process in (worker, *worker.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


class _Curl:
    """The floor: one curl process, each address with the ETag it gave last time."""

    def __init__(self, urls: Sequence[str], folder: Path) -> None:
        self._urls = urls
        self._etags: dict[str, str] = {}
        self._config = folder / "curl.cfg"

    def run(self) -> float:
        """Fetch everything once; wall seconds."""
        blocks = []
        for url in self._urls:
            etag = self._etags.get(url, "").replace('"', '\\"')
            header = f'header = "If-None-Match: {etag}"\n' if etag else ""
            blocks.append(
                f'url = "{url}"\noutput = "{os.devnull}"\n{header}'
                'write-out = "%{url} %{http_code} %header{etag}\\n"\nsilent\n'
            )
        self._config.write_text("next\n".join(blocks), encoding="utf-8")
        started = time.perf_counter()
        try:
            done = subprocess.run(  # noqa: S603  # arguments are ours
                ["curl", "--no-progress-meter", "--parallel", "--parallel-max", "50",  # noqa: S607
                 "-K", str(self._config)],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
        except FileNotFoundError as error:
            raise QuxunError(
                "curl is not installed; it is the floor that we measure beside"
            ) from error
        seconds = time.perf_counter() - started
        for line in done.stdout.splitlines():
            words = line.split()
            if len(words) > 2 and words[1] == "200":  # noqa: PLR2004
                self._etags[words[0]] = words[2]
        return seconds


def as_rows(phases: Sequence[Phase]) -> list[dict[str, object]]:
    """Phases as JSON objects."""
    rows: list[dict[str, object]] = msgspec.to_builtins(phases)
    return rows
