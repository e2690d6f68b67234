"""The parser child: one long-lived process that reads what strangers wrote.

It has bounds of memory and of CPU time a request, and is started again when it dies; the
request that killed it fails, the next go on. Both sides speak over pipes: four bytes of
length and a JSON header, four bytes of length and the page as it came. A plain subprocess
is used, not ``multiprocessing``, which refuses children inside a prefork worker.
"""

from __future__ import annotations

import asyncio
import functools
import os
import resource
import select
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import IO, TypeVar

import msgspec

from aggregator.errors import ParseError
from aggregator.model import (
    Article,
    ArticleShape,
    Draft,
    Entry,
    ListReading,
    Page,
    Source,
    SourceKind,
)
from aggregator.process import die_with_parent

_Answer = TypeVar("_Answer")
_LENGTH = struct.Struct("!I")
_MB = 1024 * 1024
#: A header or an answer larger than this is a fault of the other side.
_MAX_FRAME = 64 * _MB


class _Ask(msgspec.Struct, frozen=True, omit_defaults=True):
    """One request to the child; the page's bytes travel beside it."""

    op: str
    now: datetime
    url: str = ""
    content_type: str | None = None
    source: Source | None = None
    entry: Entry | None = None


class _Said(msgspec.Struct, frozen=True, omit_defaults=True):
    """One answer: a value of the operation's own shape, or what went wrong."""

    value: msgspec.Raw = msgspec.Raw(b"null")
    problem: str | None = None
    reason: str = ""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of the child (RELIABILITY, Settings)."""

    memory_bytes: int = 300 * _MB
    cpu_seconds: float = 10.0
    wall_seconds: float = 30.0


class ParserChild:
    """Implements ``ports.Reader`` by asking the child; safe from any event loop and thread.

    Requests wait in one queue. The child is started with the first request, in the queue's
    own thread, and belongs to the process that asked: after a fork a new one is started.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        invented: tuple[tuple[str, str, str | None], ...] = (),
    ) -> None:
        self._limits = limits or Limits()
        self._invented = invented
        self._lock = threading.Lock()
        self._owner = 0
        self._queue: ThreadPoolExecutor | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._closing = False

    async def read_list(self, page: Page, *, source: Source, now: datetime) -> ListReading:
        """Read a list page or feed; see ``ports.Reader``."""
        ask = _Ask("list", now, page.url, page.content_type, source)
        return await self._ask(ask, page.body, ListReading)

    async def read_article(
        self, page: Page, *, source: Source, entry: Entry, now: datetime
    ) -> tuple[Article, Draft]:
        """Read an article page and make its record; see ``ports.Reader``."""
        ask = _Ask("article", now, page.url, page.content_type, source, entry)
        return await self._ask(ask, page.body, tuple[Article, Draft])

    async def draft_row(self, entry: Entry, *, source: Source, now: datetime) -> Draft:
        """Make the record of a row alone; see ``ports.Reader``."""
        return await self._ask(_Ask("row", now, entry.url or "", None, source, entry), b"", Draft)

    async def detect(self, page: Page, *, now: datetime) -> tuple[SourceKind, ListReading]:
        """Find out what kind of source a page is; see ``ports.Reader``."""
        ask = _Ask("detect", now, page.url, page.content_type)
        return await self._ask(ask, page.body, tuple[SourceKind, ListReading])

    @property
    def pid(self) -> int | None:
        """The child's process id, or None while there is none."""
        child = self._child
        return child.pid if child and child.poll() is None else None

    def close(self) -> None:
        """End the child, whatever it reads; a later request would start another.

        What waits in the queue is given up: a worker that stops has no time for it.
        """
        with self._lock:
            queue, self._queue = self._queue, None
            if queue is None or self._owner != os.getpid():
                return
            self._closing = True
            queue.shutdown(wait=False, cancel_futures=True)
            if child := self._child:
                child.kill()
            queue.shutdown()
            self._end()
            self._closing = False

    async def _ask(self, ask: _Ask, body: bytes, shape: type[_Answer]) -> _Answer:
        work: Callable[[], _Answer] = functools.partial(self._round_trip, ask, body, shape)
        return await asyncio.wrap_future(self._submit(work))

    def _submit(self, work: Callable[[], _Answer]) -> Future[_Answer]:
        with self._lock:
            if self._queue is None or self._owner != os.getpid():
                self._owner = os.getpid()
                self._child = None  # one that a parent of ours started is not ours
                self._queue = ThreadPoolExecutor(1, thread_name_prefix="parser")
            return self._queue.submit(work)

    # --- in the queue's thread ---

    def _round_trip(self, ask: _Ask, body: bytes, shape: type[_Answer]) -> _Answer:
        child = self._child
        if child is None or child.poll() is not None:
            self._end()
            child = self._child = self._start()
            if self._closing:  # it was not there yet to be killed
                child.kill()
        try:
            answer = self._exchange(child, _frame(msgspec.json.encode(ask)) + _frame(body))
        except (OSError, EOFError) as error:
            how = self._end()
            raise ParseError(
                f"reading {ask.url} ended the parser ({how}); its other work goes on",
                reason="crash",
                url=ask.url,
            ) from error
        said = msgspec.json.decode(answer, type=_Said)
        if said.problem is not None:
            raise ParseError(said.problem, reason=said.reason, url=ask.url)
        made: _Answer = msgspec.json.decode(said.value, type=shape)
        return made

    def _start(self) -> subprocess.Popen[bytes]:
        limits = self._limits
        root = str(Path(__file__).resolve().parent.parent)
        return subprocess.Popen(  # noqa: S603  # our own interpreter and module
            [
                *(sys.executable, "-c", _BOOT, root, str(os.getpid())),
                *(str(limits.memory_bytes), str(limits.cpu_seconds)),
                msgspec.json.encode(self._invented).decode(),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def _exchange(self, child: subprocess.Popen[bytes], request: bytes) -> bytes:
        """Write and read at once, so that neither side waits for the other's full pipe."""
        if child.stdin is None or child.stdout is None:
            raise EOFError
        wall = threading.Timer(self._limits.wall_seconds, child.kill)
        wall.daemon = True
        wall.start()
        try:
            _write_all(child.stdin.fileno(), child.stdout.fileno(), request)
            return _read_frame(child.stdout)
        finally:
            wall.cancel()

    def _end(self) -> str:
        """Kill and reap the child; how it ended, in a word."""
        child, self._child = self._child, None
        if child is None:
            return "gone"
        for pipe in (child.stdin, child.stdout):
            if pipe:
                try:
                    pipe.close()
                except OSError:
                    continue
        try:
            code = child.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            child.kill()
            code = child.wait()
        return signal.Signals(-code).name if code < 0 else f"exit {code}"


_BOOT = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from aggregator.sandbox import serve; serve(*sys.argv[2:])"
)


def _frame(data: bytes) -> bytes:
    return _LENGTH.pack(len(data)) + data


def _write_all(out: int, back: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        readable, writable, _ = select.select([back], [out], [])
        if readable and not writable:
            raise EOFError  # it died, or speaks before it was asked
        view = view[os.write(out, view[:65536]) :]


def _read_frame(pipe: IO[bytes]) -> bytes:
    (size,) = _LENGTH.unpack(_exactly(pipe, _LENGTH.size))
    if size > _MAX_FRAME:
        raise EOFError
    return _exactly(pipe, size)


def _exactly(pipe: IO[bytes], size: int) -> bytes:
    data = pipe.read(size)
    if len(data) < size:
        raise EOFError
    return data


# --- the child -----------------------------------------------------------------------


def serve(parent: str, memory_bytes: str, cpu_seconds: str, invented: str = "[]") -> None:
    """Answer requests on standard input until it ends."""
    die_with_parent(parent=int(parent))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is our parent's affair
    # Loaded before the base of the memory bound is measured.
    from aggregator import divisions, normalise, parse  # noqa: F401, PLC0415

    divisions.add_demo(msgspec.json.decode(invented, type=tuple[tuple[str, str, str | None], ...]))

    asked = msgspec.json.Decoder(_Ask)
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not become an answer
    _bound_memory(int(memory_bytes))
    while True:
        try:
            header = _read_frame(source)
            body = _read_frame(source)
        except EOFError:
            return
        signal.setitimer(signal.ITIMER_PROF, float(cpu_seconds))
        said = _answer(asked.decode(header), body)
        signal.setitimer(signal.ITIMER_PROF, 0)
        sink.write(_frame(msgspec.json.encode(said)))
        sink.flush()


def _answer(ask: _Ask, body: bytes) -> _Said:
    try:
        return _Said(value=msgspec.Raw(msgspec.json.encode(_work(ask, body))))
    except ParseError as error:
        return _Said(problem=str(error), reason=error.reason)
    except RecursionError:
        return _Said(problem=f"{ask.url} is nested too deep to be read", reason="too_deep")
    except MemoryError:
        os._exit(1)  # nothing of this process can be trusted any more


def _work(ask: _Ask, body: bytes) -> object:
    from aggregator import normalise, parse  # noqa: PLC0415  # the parent never needs them

    now, source, entry = ask.now, ask.source, ask.entry
    if ask.op == "detect":
        return parse.detect(body, url=ask.url, content_type=ask.content_type, now=now)
    if source is None:
        raise ParseError(f"the request {ask.op!r} names no source")
    if ask.op == "list":
        return parse.read_list(
            body,
            url=ask.url,
            content_type=ask.content_type,
            kind=source.kind,
            now=now,
            selectors=source.settings.selectors,
            learned=source.learned,
            json_paths=source.settings.json_paths,
        )
    if entry is None:
        raise ParseError(f"the request {ask.op!r} names no entry")
    if ask.op == "row":
        return normalise.draft_row(entry, source=source, now=now)
    article = parse.read_article(
        body,
        url=ask.url,
        content_type=ask.content_type,
        now=now,
        selector=source.settings.selectors.body,
        learned=source.learned.article or ArticleShape(body=source.learned.body),
    )
    article = parse.tell_article(
        article, body, content_type=ask.content_type, selectors=source.settings.selectors
    )
    return article, normalise.draft(article, entry=entry, source=source, now=now)


def _bound_memory(extra: int) -> None:
    """Allow ``extra`` bytes of address space over what the libraries take already."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return
    base = int(statm.read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (base + extra, base + extra))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
