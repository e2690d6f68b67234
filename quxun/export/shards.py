"""All documents of all feeds, in portions that share records, by several processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from aggregator.errors import QuxunError
from aggregator.flow.publish import House
from aggregator.model import Watch
from aggregator.process import die_with_parent
from aggregator.settings import Settings
from aggregator.store.outline import FeedOutline
from aggregator.wiring import Parts, build_parts
from quxun.export.folder import Folder
from quxun.export.printer import Job, Printer, jobs_of

#: A portion is made of neighbouring cities until their feeds have so many changes in all.
_PORTION = 20_000
_LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Order:
    """What a process needs to know."""

    root: Path
    house: House
    watch: Watch


def print_shards(
    found: Sequence[FeedOutline], parts: Parts, printer: Printer, *, jobs: int, stop: Event
) -> Iterator[tuple[int, int]]:
    """Print every document of some feeds; yields how many are done, and of how many.

    Raises:
        QuxunError: a file could not be written, or a process of ours was ended.
    """
    portions = [jobs_in for feeds in _portions(found) if (jobs_in := _jobs(feeds))]
    total = sum(map(len, portions))
    if jobs == 1 or len(portions) == 1:
        done = 0
        for portion in portions:
            for count in printer.print_many(portion, parts.engine):
                done += count
                yield done, total
                if stop.is_set():
                    return
        return
    order = _Order(root=printer.folder.root, house=printer.house, watch=printer.watch)
    with ProcessPoolExecutor(
        jobs,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_begin,
        initargs=(parts.settings, os.getpid()),
    ) as pool:
        waiting: set[Future[_Done]] = {pool.submit(_print, order, one) for one in portions}
        try:
            yield from _gather(waiting, printer, total, stop)
        except BrokenProcessPool as error:
            raise QuxunError(
                "a process that printed feeds was ended (out of memory?); run it again, or with"
                " --jobs 1"
            ) from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in list(getattr(pool, "_processes", None) or {}):
                _end(process)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Done:
    """What came of a portion."""

    jobs: int
    documents: int
    files: int
    bytes: int


def _gather(
    waiting: set[Future[_Done]], printer: Printer, total: int, stop: Event
) -> Iterator[tuple[int, int]]:
    done = 0
    while waiting and not stop.is_set():
        ready, waiting = wait(waiting, timeout=_LOOK_SECONDS, return_when=FIRST_COMPLETED)
        for one in ready:
            came = one.result()
            done += came.jobs
            printer.documents += came.documents
            printer.folder.files += came.files
            printer.folder.bytes += came.bytes
        if ready:
            yield done, total


_parts: Parts | None = None


def _begin(settings: Settings, parent: int) -> None:
    """Set a process up: it ends with its parent, and leaves Ctrl-C to it."""
    global _parts  # noqa: PLW0603  # what an initializer makes has no other place
    die_with_parent(parent=parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _parts = build_parts(settings)


def _print(order: _Order, portion: Sequence[Job]) -> _Done:
    assert _parts is not None
    folder = Folder(order.root)
    printer = Printer(folder=folder, house=order.house, watch=order.watch)
    try:
        count = sum(printer.print_many(portion, _parts.engine))
    finally:
        folder.close()
    return _Done(jobs=count, documents=printer.documents, files=folder.files, bytes=folder.bytes)


def _end(process: int) -> None:
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return


def _jobs(some: Iterable[FeedOutline]) -> list[Job]:
    return [job for one in some for job in jobs_of(one)]


def _portions(found: Sequence[FeedOutline]) -> list[list[FeedOutline]]:
    """Feeds that hold the same announcements together, the largest portion first."""
    cities: dict[str, list[FeedOutline]] = defaultdict(list)
    for one in found:
        cities[_city(one.name)].append(one)
    portions: list[list[FeedOutline]] = []
    weight = _PORTION
    for _, feeds in sorted(cities.items()):
        own = _weight(feeds)
        if weight + own > _PORTION:
            portions.append([])
            weight = 0
        portions[-1] += feeds
        weight += own
    return sorted(portions, key=_weight, reverse=True)


def _weight(feeds: Sequence[FeedOutline]) -> int:
    return sum(len(one.changes) for one in feeds)


def _city(name: str) -> str:
    """The first four digits of the code in a feed's name, two for a province, none without."""
    code = name.rpartition("/")[2].removeprefix("Z")
    if not code[:6].isdigit():
        return ""
    return code[:2] if code[2:6] == "0000" else code[:4]
