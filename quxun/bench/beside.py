"""nginx and wrk: what our web server is measured beside, and who asks both.

nginx serves a folder of files, each with its twin in gzip beside it.
"""

from __future__ import annotations

import getpass
import re
import shutil
import socket
import statistics
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import msgspec
import psutil

from aggregator.errors import QuxunError

CONNECTIONS = 32
MODES = ("200", "304", "gzip")
_NGINX = """
user {user}; worker_processes {workers}; daemon off; pid {home}/nginx.pid;
error_log {home}/nginx.log; events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000;
  client_body_temp_path {home}/t1; proxy_temp_path {home}/t2; fastcgi_temp_path {home}/t3;
  uwsgi_temp_path {home}/t4; scgi_temp_path {home}/t5;
  {site}
}}
"""
_FILES = """
  open_file_cache max=100 inactive=60s; open_file_cache_valid 1s;
  gzip_static on; gzip_vary on; types {{ application/atom+xml atom; }}
  server {{ listen 127.0.0.1:{port}; root {root}; }}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One server and where it serves the feed."""

    name: str
    url: str
    process: psutil.Process


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What one server did in one mode: medians of the runs.

    ``cpu_us`` is the CPU time of its processes for one answer, in µs: steadier than the rate
    where other work shares the cores.
    """

    server: str
    mode: str
    per_second: float
    p99_ms: float
    cpu_us: float
    of_nginx: float


def measure(
    wrk: str,
    targets: Sequence[Target],
    *,
    seconds: int,
    runs: int,
    say: Callable[[str], None],
) -> list[Row]:
    """Ask every target in every mode, in turns; ratios are to the first target."""
    rates: dict[tuple[str, str], list[_Heard]] = {}
    for run in range(runs):
        for target in targets:
            say(f"run {run + 1} of {runs}: {target.name}")
            etag = get(target.url)[1]
            for mode in MODES:
                spent = _cpu(target.process)
                heard = Load(wrk, target.url, _headers(mode, etag), seconds).result()
                heard.cpu_us = (_cpu(target.process) - spent) / heard.answers * 1e6
                rates.setdefault((target.name, mode), []).append(heard)
    base = {mode: _median(rates[targets[0].name, mode], "rate") for mode in MODES}
    return [
        Row(
            server=name,
            mode=mode,
            per_second=round(_median(found, "rate")),
            p99_ms=round(_median(found, "p99_ms"), 2),
            cpu_us=round(_median(found, "cpu_us"), 1),
            of_nginx=round(_median(found, "rate") / base[mode], 3),
        )
        for (name, mode), found in sorted(rates.items(), key=lambda one: MODES.index(one[0][1]))
    ]


@contextmanager
def serving(
    nginx: str,
    home: Path,
    root: Path,
    path: str,
    *,
    workers: int,
    site: Callable[[int], str] | None = None,
) -> Iterator[Target]:
    """A server of nginx's on a folder of files, each with its ``.gz`` beside it; ``site`` makes
    another configuration for a port.
    """
    home.mkdir()
    port = any_port()
    config = home / "nginx.conf"
    made = site(port) if site else _FILES.format(port=port, root=root)
    config.write_text(
        _NGINX.format(user=getpass.getuser(), workers=workers, home=home, site=made),
        encoding="utf-8",
    )
    argv = [nginx, "-c", str(config), "-e", str(home / "nginx.log")]
    url = f"http://127.0.0.1:{port}{path}"
    with running(argv, {}, home / "nginx.log", url) as process:
        name = f"nginx, {workers} worker{'s' if workers > 1 else ''}"
        yield Target(name=name, url=url, process=process)


def door(root: Path, *, port: int, public_url: str, web: str) -> str:
    """The configuration of docker-compose.yml's nginx, for a folder and a port of loopback."""
    text = (files("quxun.export") / "nginx.conf.template").read_text(encoding="utf-8")
    for old, new in (
        ("${QUXUN_PUBLIC_URL}", public_url),
        ("${QUXUN_WEB}", web),
        ("${NGINX_LOCAL_RESOLVERS}", "127.0.0.1"),
        ("listen 8000;", f"listen 127.0.0.1:{port};"),
        ("/srv/feeds;", f"{root};"),
    ):
        text = text.replace(old, new)
    return text


@contextmanager
def running(argv: list[str], env: dict[str, str], log: Path, url: str) -> Iterator[psutil.Process]:
    """A server that answers, ended afterwards."""
    with log.open("ab") as out:
        process = subprocess.Popen(argv, env=env or None, stdout=out, stderr=out)  # noqa: S603  # ours
        try:
            end = time.monotonic() + 30
            while not _answers(url):
                if process.poll() is not None or time.monotonic() > end:
                    raise QuxunError(f"{argv[0]} did not start: {log.read_text()[-300:].strip()}")
                time.sleep(0.05)
            yield psutil.Process(process.pid)
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()


@dataclass(slots=True, kw_only=True)
class _Heard:
    """What wrk says of one server in one mode, and what that cost the server."""

    rate: float
    p99_ms: float
    answers: int
    cpu_us: float = 0.0


class Load:
    """wrk at work on one address."""

    def __init__(self, wrk: str, url: str, headers: Sequence[str], seconds: float) -> None:
        named = [word for header in headers for word in ("-H", header)]
        argv = [wrk, *named, "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", url]
        self._process = subprocess.Popen(  # noqa: S603  # arguments are ours
            argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def result(self) -> _Heard:
        """What came of it.

        Raises:
            QuxunError: some answers were errors.
        """
        words, _ = self._process.communicate()
        rate = re.search(r"Requests/sec:\s+([\d.]+)", words)
        wait = re.search(r"99%\s+([\d.]+)(us|ms|s)\b", words)
        answers = re.search(r"(\d+) requests in", words)
        if rate is None or wait is None or answers is None:
            raise QuxunError(f"wrk did not run: {words.strip()[-200:]}")
        if "Non-2xx" in words or "Socket errors" in words:
            raise QuxunError(f"wrong answers under load: {words.strip()[-200:]}")
        scale = {"us": 0.001, "ms": 1.0, "s": 1000.0}[wait[2]]
        return _Heard(rate=float(rate[1]), p99_ms=float(wait[1]) * scale, answers=int(answers[1]))


def get(url: str) -> tuple[bytes, str]:
    """The bytes at an address, and their tag."""
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310  # loopback
        return answer.read(), answer.headers["ETag"]


def program(name: str, package: str) -> str:
    """Where a program lies.

    Raises:
        QuxunError: it is missing; says how to install it.
    """
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin:/sbin")
    if found is None:
        raise QuxunError(
            f"{name} is not installed; we are measured beside it: apt install {package}"
        )
    return found


def any_port() -> int:
    """A port that is free."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(url: str) -> bool:
    try:
        get(url)
    except (urllib.error.URLError, OSError):
        return False
    return True


def _headers(mode: str, etag: str) -> list[str]:
    match mode:
        case "304":
            return [f"If-None-Match: {etag}"]
        case "gzip":
            return ["Accept-Encoding: gzip"]
        case _:
            return []


def _median(found: Sequence[_Heard], which: str) -> float:
    return float(statistics.median(getattr(one, which) for one in found))


def _cpu(process: psutil.Process) -> float:
    total = 0.0
    for one in (process, *process.children(recursive=True)):
        times = one.cpu_times()
        total += times.user + times.system
    return total
