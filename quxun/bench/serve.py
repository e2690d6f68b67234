"""Our web server beside nginx: one feed, the same bytes, the same machine, one run.

nginx serves the feed as a file with its twin in gzip beside it. wrk asks both; it shares the
cores with them, so the ratios of one run count, not the rates.
"""

from __future__ import annotations

import getpass
import gzip
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import msgspec
from pydantic import SecretStr

from aggregator.errors import QuxunError
from aggregator.model import (
    ArticleOutcome,
    ArticleReport,
    Category,
    Draft,
    Entry,
    Kind,
    NewSource,
    PollReport,
    Source,
    SourceKind,
)
from aggregator.settings import inherited_environment, load_settings
from aggregator.wiring import Parts, build_parts, now
from quxun import embedded
from quxun.bench.floors import shortfalls

#: The feed that is asked for, and how large its fifty entries make it (PERFORMANCE.md §5).
PATH = "/feeds/all.atom"
ENTRIES = 50
BODY_CHARACTERS = 24
CONNECTIONS = 32
#: A change must be served within this, whatever the load.
CHANGE_SECONDS = 10.0
MODES = ("200", "304", "gzip")
LEASE = timedelta(seconds=90)
_NGINX = """
user {user}; worker_processes {workers}; daemon off; pid {home}/nginx.pid;
error_log {home}/nginx.log; events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000;
  open_file_cache max=100 inactive=60s; open_file_cache_valid 1s;
  gzip_static on; gzip_vary on; types {{ application/atom+xml atom; }}
  client_body_temp_path {home}/t1; proxy_temp_path {home}/t2; fastcgi_temp_path {home}/t3;
  uwsgi_temp_path {home}/t4; scgi_temp_path {home}/t5;
  server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One server and where it serves the feed."""

    name: str
    url: str


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What one server did in one mode: medians of the runs."""

    server: str
    mode: str
    per_second: float
    p99_ms: float
    of_nginx: float


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """A run of the bench; ``below`` names the figures that do not reach their floors."""

    feed_bytes: int
    change_seconds: float
    rows: list[Row]
    figures: dict[str, float]
    below: list[str]


def bench_serve(*, seconds: int, runs: int, say: Callable[[str], None]) -> Served:
    """Ask our server and nginx for one feed: whole, unchanged, and packed.

    Args:
        seconds: how long each is asked in each mode.
        runs: how often; medians are reported.
        say: told what goes on.

    Raises:
        QuxunError: nginx or wrk is missing, or a server answers wrongly.
    """
    nginx, wrk = _program("nginx", "nginx-light"), _program("wrk", "wrk")
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="quxun-bench-")))
        home.chmod(0o755)
        urls = stack.enter_context(embedded.servers(home / "home"))
        parts = _parts(home, urls)
        stack.callback(parts.close)
        say(f"storing {ENTRIES} announcements")
        publish(parts, range(ENTRIES))
        ours = stack.enter_context(_web(parts, home))
        plain = _get(ours.url)[0]
        _write(home / "www", plain)
        targets = [
            stack.enter_context(
                serving(nginx, home / f"nginx{workers}", home / "www", workers=workers)
            )
            for workers in (1, 2)
        ]
        targets.append(ours)
        _check_same(targets, plain)
        rows = measure(wrk, targets, seconds=seconds, runs=runs, say=say)
        say("quxun: a change under load")
        waited = _change_under_load(wrk, ours, parts)
    figures = {f"serve.{row.mode}": row.of_nginx for row in rows if row.server == ours.name}
    return Served(
        feed_bytes=len(plain),
        change_seconds=round(waited, 2),
        rows=rows,
        figures=figures,
        below=shortfalls(figures),
    )


def measure(
    wrk: str,
    targets: Sequence[Target],
    *,
    seconds: int,
    runs: int,
    say: Callable[[str], None],
) -> list[Row]:
    """Ask every target in every mode, in turns; ratios are to the first target."""
    rates: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for run in range(runs):
        for target in targets:
            say(f"run {run + 1} of {runs}: {target.name}")
            etag = _get(target.url)[1]
            for mode in MODES:
                load = _Load(wrk, target.url, _headers(mode, etag), seconds)
                rates.setdefault((target.name, mode), []).append(load.result())
    base = {mode: _median(rates[targets[0].name, mode], 0) for mode in MODES}
    return [
        Row(
            server=name,
            mode=mode,
            per_second=round(_median(found, 0)),
            p99_ms=round(_median(found, 1), 2),
            of_nginx=round(_median(found, 0) / base[mode], 3),
        )
        for (name, mode), found in sorted(rates.items(), key=lambda one: MODES.index(one[0][1]))
    ]


@contextmanager
def serving(program: str, home: Path, root: Path, *, workers: int) -> Iterator[Target]:
    """A server of nginx's on a folder of files, each with its ``.gz`` beside it."""
    home.mkdir()
    port = _any_port()
    config = home / "nginx.conf"
    config.write_text(
        _NGINX.format(user=getpass.getuser(), workers=workers, home=home, root=root, port=port),
        encoding="utf-8",
    )
    argv = [program, "-c", str(config), "-e", str(home / "nginx.log")]
    url = f"http://127.0.0.1:{port}{PATH}"
    with _running(argv, {}, home / "nginx.log", url):
        yield Target(name=f"nginx, {workers} worker{'s' if workers > 1 else ''}", url=url)


def publish(parts: Parts, numbers: Sequence[int]) -> None:
    """Let one portal show notices and us read their articles, as workers would."""
    at = now()
    known = [one for one in parts.sources.list() if one.name == "演示区政府网"]
    source: Source = known[0] if known else parts.sources.add(_NEW, at)
    [claimed] = parts.sources.claim_sources([source.id], at, lease=LEASE, even_if_not_due=True)
    drafts = {f"{_NEW.url}{number}.html": _draft(number) for number in numbers}
    entries = tuple(
        Entry(key=url, url=url, title=one.title, raw_hash=one.substance_hash)
        for url, one in drafts.items()
    )
    parts.sources.record_polls(
        [
            PollReport(
                source=claimed, at=at, outcome="read", found=len(entries), entries=entries,
                next_poll_at=at + timedelta(hours=1),
            )
        ]
    )  # fmt: skip
    due = parts.entries.due_entries(at, limit=len(entries))
    parts.entries.record_articles(
        [
            ArticleReport(
                entry=one, at=at, outcome=ArticleOutcome.READ, draft=drafts[one.entry.key],
                due_at=at + timedelta(hours=1),
            )
            for one in parts.entries.claim_entries(due, at, lease=LEASE)
        ],
        at,
    )  # fmt: skip


_NEW = NewSource(
    name="演示区政府网",
    kind=SourceKind.COLUMN,
    url="http://portal.example/zwgk/",
    region="500116",
)


def _draft(number: int) -> Draft:
    words = f"第{number}类企业 <{number}> & “产业”高质量发展扶持资金申报条件与流程说明，"
    body = (words * 9)[:BODY_CHARACTERS]
    return Draft(
        title=f"关于印发演示区支持第{number}类产业高质量发展若干措施的通知",
        url=f"{_NEW.url}{number}.html",
        posted_at=now() - timedelta(hours=number),
        issuer="演示区人民政府办公室",
        kind=Kind.POLICY,
        categories=(Category(slug="policy", why="若干措施"),),
        summary=body[:80],
        body_text=body,
        body_html=f"<p>{body.replace('&', '&amp;').replace('<', '&lt;')}</p>",
        title_key=f"第{number}类产业措施",
        body_hash=f"body {number}",
        substance_hash=f"substance {number}",
    )


def _parts(home: Path, urls: embedded.Urls) -> Parts:
    port = _any_port()
    return build_parts(
        load_settings(
            home=home,
            database_url=SecretStr(urls.database),
            broker_url=SecretStr(urls.broker),
            secret_key=SecretStr("only-for-a-bench-on-loopback"),
            port=port,
            public_url=f"http://127.0.0.1:{port}",
        )
    )


@contextmanager
def _web(parts: Parts, home: Path) -> Iterator[Target]:
    """Our web server, as ``quxun web`` runs it."""
    url = f"{parts.settings.public_url}{PATH}"
    env = {**inherited_environment(), **parts.settings.as_environment()}
    with _running([sys.executable, "-m", "quxun", "web"], env, home / "web.log", url):
        yield Target(name="quxun web", url=url)


@contextmanager
def _running(argv: list[str], env: dict[str, str], log: Path, url: str) -> Iterator[None]:
    """A server that answers, ended afterwards."""
    with log.open("ab") as out:
        process = subprocess.Popen(argv, env=env or None, stdout=out, stderr=out)  # noqa: S603  # ours
        try:
            end = time.monotonic() + 30
            while not _answers(url):
                if process.poll() is not None or time.monotonic() > end:
                    raise QuxunError(f"{argv[0]} did not start: {log.read_text()[-300:].strip()}")
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()


class _Load:
    """wrk at work on one address."""

    def __init__(self, wrk: str, url: str, headers: Sequence[str], seconds: float) -> None:
        named = [word for header in headers for word in ("-H", header)]
        argv = [wrk, *named, "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", url]
        self._process = subprocess.Popen(  # noqa: S603  # arguments are ours
            argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def result(self) -> tuple[float, float]:
        """Requests a second, and the 99th percentile of the wait in ms.

        Raises:
            QuxunError: some answers were errors.
        """
        words, _ = self._process.communicate()
        rate = re.search(r"Requests/sec:\s+([\d.]+)", words)
        wait = re.search(r"99%\s+([\d.]+)(us|ms|s)\b", words)
        if rate is None or wait is None:
            raise QuxunError(f"wrk did not run: {words.strip()[-200:]}")
        if "Non-2xx" in words or "Socket errors" in words:
            raise QuxunError(f"wrong answers under load: {words.strip()[-200:]}")
        scale = {"us": 0.001, "ms": 1.0, "s": 1000.0}[wait[2]]
        return float(rate[1]), float(wait[1]) * scale


def _change_under_load(wrk: str, ours: Target, parts: Parts) -> float:
    """Publish while readers ask; seconds until the new notice is in the feed.

    Raises:
        QuxunError: it is not served in time, or some answers were errors.
    """
    before = _get(ours.url)[1]
    load = _Load(wrk, ours.url, (), 4)
    time.sleep(0.5)
    publish(parts, [ENTRIES])
    started = time.monotonic()
    title = _draft(ENTRIES).title.encode()
    while True:
        body, etag = _get(ours.url)
        waited = time.monotonic() - started
        if title in body and etag != before:
            load.result()
            return waited
        if waited > CHANGE_SECONDS:
            raise QuxunError(f"a change was not served within {CHANGE_SECONDS:.0f} s under load")
        time.sleep(0.02)


def _headers(mode: str, etag: str) -> list[str]:
    match mode:
        case "304":
            return [f"If-None-Match: {etag}"]
        case "gzip":
            return ["Accept-Encoding: gzip"]
        case _:
            return []


def _median(found: Sequence[tuple[float, float]], which: int) -> float:
    return statistics.median(one[which] for one in found)


def _check_same(targets: Sequence[Target], plain: bytes) -> None:
    for target in targets:
        if _get(target.url)[0] != plain:
            raise QuxunError(f"{target.name} serves other bytes at {target.url}")


def _write(root: Path, plain: bytes) -> None:
    file = root / PATH.lstrip("/")
    file.parent.mkdir(parents=True)
    file.write_bytes(plain)
    file.with_name(file.name + ".gz").write_bytes(gzip.compress(plain, 6, mtime=0))


def _get(url: str) -> tuple[bytes, str]:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310  # loopback
        return answer.read(), answer.headers["ETag"]


def _answers(url: str) -> bool:
    try:
        _get(url)
    except (urllib.error.URLError, OSError):
        return False
    return True


def _program(name: str, package: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/sbin")
    if found is None:
        raise QuxunError(
            f"{name} is not installed; we are measured beside it: apt install {package}"
        )
    return found


def _any_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
