"""A whole ``quxun up`` of one test: started, looked into, killed, and never left behind."""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from aggregator.settings import inherited_environment
from quxun.embedded.home import ROOT_FALLBACK, Home
from tests.waiting import until

ROOT = Path(__file__).absolute().parents[2]
NOBODY = 65534
_MARK = "EMBEDDED_TEST"
_PAUSE = threading.Event()


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def wait_for() -> Callable[..., Any]:
    """Waits for what is bound to come, and fails when it does not."""
    return until


class Service:
    """One ``quxun up`` on a folder of its own, and every process that comes of it."""

    until = staticmethod(until)

    def __init__(
        self,
        home: Path,
        *,
        env: Mapping[str, str | None] | None = None,
        python: Sequence[str] = (sys.executable,),
    ) -> None:
        self.home = home
        self.port = free_port()
        self.out = Path(tempfile.mkdtemp(prefix="quxun-said-"))
        self._mark = uuid.uuid4().hex
        self._python = tuple(python)
        asked = {
            **inherited_environment(),
            "PYTHONPATH": str(ROOT),
            "QUXUN_HOME": str(home),
            "QUXUN_PORT": str(self.port),
            _MARK: self._mark,
            **(env or {}),
        }
        self.env = {name: value for name, value in asked.items() if value is not None}
        self.process: subprocess.Popen[bytes] | None = None

    # --- commands ---

    def run(self, *arguments: str, seconds: float = 120) -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        return subprocess.run(
            [*self._python, "-P", "-m", "quxun", *arguments],
            env=self.env, cwd="/", capture_output=True, text=True, timeout=seconds, check=False,
        )  # fmt: skip

    def up(self, *arguments: str) -> None:
        """Start the service and wait for its ready line."""
        with (self.out / "stdout").open("wb") as out, (self.out / "stderr").open("wb") as err:
            self.process = subprocess.Popen(
                [*self._python, "-P", "-m", "quxun", "up", *arguments],
                env=self.env, cwd="/", stdout=out, stderr=err, start_new_session=True,
            )  # fmt: skip
        until(self._ready, seconds=180, what="the ready line")

    def said(self) -> str:
        """Everything that ``quxun up`` printed."""
        return "".join((self.out / name).read_text() for name in ("stdout", "stderr"))

    def _ready(self) -> bool:
        assert self.process
        if self.process.poll() is not None:
            pytest.fail(f"quxun up ended with {self.process.returncode}: {self.said()}")
        return "Quxun is ready at" in self.said()

    def stop(self, number: signal.Signals, *, seconds: float) -> int:
        """Send a signal and wait; the exit code."""
        assert self.process
        self.process.send_signal(number)
        return self.process.wait(timeout=seconds)

    # --- processes ---

    def children(self) -> dict[str, int]:
        """The pid of every child that runs now, by its name."""
        assert self.process
        found: dict[str, int] = {}
        for one in psutil.Process(self.process.pid).children():
            try:
                words = one.cmdline()
                if one.status() == psutil.STATUS_ZOMBIE or not words:
                    continue
            except psutil.Error:
                continue
            name = next((w for w in words[1:] if w in {"worker", "scheduler", "web"}), None)
            for module in ("country", "mailbox"):
                name = module if f"quxun.{module}" in words else name
            for program in ("postgres", "valkey"):
                name = program if Path(words[0]).name.startswith(program) else name
            if name:
                found[name] = one.pid
        return found

    def family(self) -> list[psutil.Process]:
        """Every process of this service, grandchildren too, whoever their parent is now."""
        needle = Home(self.home).sockets.name.rsplit("-", 1)[-1]
        return [one for one in psutil.process_iter() if self._is_ours(one, needle)]

    def _is_ours(self, one: psutil.Process, needle: str) -> bool:
        try:
            if one.pid == os.getpid() or one.status() == psutil.STATUS_ZOMBIE:
                return False
            if one.environ().get(_MARK) == self._mark:
                return True
            words = [*one.cmdline(), one.cwd()]
        except psutil.Error:
            return False
        return any(needle in word or str(self.home) in word for word in words)

    def nothing_left(self, *, seconds: float = 30) -> None:
        """No process is left; the test fails with their names when one is."""
        end = time.monotonic() + seconds
        while left := self.family():
            if time.monotonic() > end:
                pytest.fail(
                    f"left behind: {[(p.pid, p.cmdline()) for p in left if p.is_running()]}"
                )
            _PAUSE.wait(0.05)

    def clean(self) -> None:
        """End whatever is left of it, by pid, and remove its folders."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        left = self.family()
        for one in left:
            try:
                one.kill()
            except psutil.Error:
                continue
        psutil.wait_procs(left, timeout=30)
        home = Home(self.home)
        if os.geteuid() == 0:
            shutil.rmtree(ROOT_FALLBACK / home.sockets.name, ignore_errors=True)
        for folder in (self.home, self.out, home.sockets):
            shutil.rmtree(folder, ignore_errors=True)

    # --- what it serves ---

    def told(self) -> dict[str, Any]:
        """What it tells commands of itself."""
        return dict(json.loads((self.home / "service.json").read_text()))

    def ask(self, statement: str, *values: object) -> Any:
        """One value from the store; None while it cannot be asked."""
        try:
            with psycopg.connect(self.told()["database"], connect_timeout=10) as connection:
                row = connection.execute(statement, values).fetchone()
                return row[0] if row else None
        except (psycopg.Error, OSError, ValueError):
            return None

    def page(self, path: str) -> str | None:
        """A page of the web server; None while it does not answer."""
        return _answer(f"http://127.0.0.1:{self.port}{path}")

    def publish(self) -> str | None:
        """Let the simulated country publish; the notice's address, or None: it is away."""
        port = (self.home / "demo-port").read_text().strip()
        said = _answer(f"http://127.0.1.1:{port}/__country__/publish", b"{}")
        return json.loads(said)[0]["places"][0]["url"] if said else None

    def news_arrives(self, *, seconds: float = 240) -> None:
        """A notice that is published from now on becomes an announcement.

        Another is published every few seconds: a source that a killed worker had leased comes
        up again only when its lease has run out.
        """
        urls: list[str] = []
        published_at = -math.inf

        def arrived() -> Any:
            nonlocal published_at
            if time.monotonic() > published_at + 4 and (url := self.publish()):
                urls.append(url)
                published_at = time.monotonic()
            return self.ask("select max(announcement_id) from entries where url = any(%s)", urls)

        until(arrived, seconds=seconds, what="a new notice in the store")


def _answer(url: str, body: bytes | None = None) -> str | None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, data=body), timeout=20) as answer:
            return str(answer.read().decode())
    except (urllib.error.URLError, OSError):
        return None


@contextmanager
def _service(home: Path | None = None, **options: Any) -> Iterator[Service]:
    if home is None:
        home = Path(tempfile.mkdtemp(prefix="quxun-up-"))
        home.chmod(0o755)
    service = Service(home, **options)
    try:
        yield service
    finally:
        service.clean()


@pytest.fixture
def service_on() -> Iterator[Callable[..., Service]]:
    """Makes services; each is ended and removed after the test, whatever came of it."""
    made: list[Any] = []

    def make(home: Path | None = None, **options: Any) -> Service:
        context = _service(home, **options)
        made.append(context)
        return context.__enter__()

    yield make
    for context in made:
        context.__exit__(None, None, None)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every account can get through to, unlike pytest's own."""
    made = Path(tempfile.mkdtemp(prefix="quxun-place-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="module")
def running() -> Iterator[Service]:
    """One demonstration for all tests of a module."""
    with _service() as service:
        service.up("--demo")
        yield service


@pytest.fixture
def as_nobody(folder: Path) -> Sequence[str]:
    """The command that runs Python as an ordinary user.

    As root that is ``nobody``, with the interpreter, its packages and our code mounted where
    that account can read them, in a mount namespace of the command's own.
    """
    if os.geteuid() != 0:
        return (sys.executable,)
    parts = {
        "python": Path(sys.base_prefix), "packages": Path(sysconfig.get_path("purelib")),
        "code": ROOT,
    }  # fmt: skip
    script = ["set -e"]
    for name, source in parts.items():
        (folder / name).mkdir()
        script.append(f"mount --bind '{source}' '{folder / name}'")
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    script.append(
        f"export PYTHONPATH='{folder}/code:{folder}/packages' HOME='{folder}' PYTHONNOUSERSITE=1 "
        f"LD_LIBRARY_PATH='{folder}/python/lib'\n"
        f"exec setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups -- "
        f"'{folder}/python/bin/{version}' \"$@\""
    )
    command = ("unshare", "--mount", "sh", "-c", "\n".join(script), "sh")
    try:
        tried = subprocess.run([*command, "-V"], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        pytest.skip(f"AS ROOT ONLY: no ordinary user can be tried here ({error})")
    if tried.returncode:
        pytest.skip(f"AS ROOT ONLY: no ordinary user can be tried here ({tried.stderr.strip()})")
    return command
