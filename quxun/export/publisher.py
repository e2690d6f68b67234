"""Keeps a folder of feeds as the journal says: all of them once, then what changed."""

from __future__ import annotations

import hashlib
import time
from collections import deque
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Event

import msgspec
import structlog
from sqlalchemy.exc import InterfaceError, OperationalError, TimeoutError  # noqa: A004

import feeds
from aggregator.errors import OutageError, QuxunError
from aggregator.flow import publish
from aggregator.model import Window
from aggregator.store.outline import FeedOutline, Outline, removed_after, seal
from aggregator.wiring import Parts
from quxun.export.folder import Folder, State
from quxun.export.printer import FORMS, Printer, file_of, jobs_of, name_of, printer_of, said_of
from quxun.export.shards import print_shards
from quxun.web.site import watched_regions

log = structlog.get_logger()

OUTAGES = (OutageError, InterfaceError, OperationalError, TimeoutError)
#: The journal is looked at so often.
EVERY_SECONDS = 0.5
#: When more feeds than these have changed, the journal is read once instead of for each.
MOST_FEEDS = 300
#: What is new is asked for in portions.
MOST_CHANGES = 5000
#: A change of the coverage alone has the current documents written anew so often at most.
COVERAGE_EVERY = timedelta(hours=6)
#: While they are, news is looked for after so many seconds.
SLICE_SECONDS = 0.5
_SLICE = 100
#: Lists change when a source is added; that is asked for so often.
LISTS_SECONDS = 60.0
#: After a full disk, the folder is tried again after so many seconds.
_PAUSE = 5.0
_BEAT = 5.0


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a run wrote: documents that are others than before, and files (two for each format)."""

    through: int
    feeds: int
    documents: int
    files: int
    bytes: int
    seconds: float


@dataclass(slots=True, kw_only=True)
class _Renewal:
    """Current documents that are written anew because the coverage has changed, bit by bit."""

    said: str
    begun_at: float
    printer: Printer
    left: deque[FeedOutline]


class Publisher:
    """Writes into one folder, which the caller has locked."""

    def __init__(
        self,
        parts: Parts,
        folder: Folder,
        *,
        jobs: int = 1,
        say: Callable[[str], None] = lambda _: None,
        stop: Event | None = None,
    ) -> None:
        self._parts = parts
        self._folder = folder
        self._jobs = jobs
        self._say = say
        self._stop = stop or Event()
        self._renewal: _Renewal | None = None
        self._looked_at: float | None = None
        self._beat_at = -_BEAT
        #: Whether somebody looks whether we are alive.
        self.follows = False

    def work(self, *, everything: bool = False) -> Report:
        """Bring the folder to where the journal is.

        Raises:
            QuxunError: a file could not be written; what readers see stays whole.
            OutageError: the database cannot be reached.
        """
        started, folder = time.monotonic(), self._folder
        files, size = folder.files, folder.bytes
        through, names, documents = self._catch_up(everything=everything)
        documents += self._renew_lists()
        documents += self._cover()
        return Report(
            through=through, feeds=names, documents=documents, files=folder.files - files,
            bytes=folder.bytes - size, seconds=round(time.monotonic() - started, 3),
        )  # fmt: skip

    def finish(self, *, everything: bool = False) -> Report:
        """The same, until there is nothing left to do."""
        reports = [self.work(everything=everything)]
        while reports[-1].feeds or self.busy:
            reports.append(self.work())
        return Report(
            through=reports[-1].through,
            feeds=sum(one.feeds for one in reports),
            documents=sum(one.documents for one in reports),
            files=sum(one.files for one in reports),
            bytes=sum(one.bytes for one in reports),
            seconds=round(sum(one.seconds for one in reports), 3),
        )

    @property
    def busy(self) -> bool:
        """Whether there is more to do at once."""
        return self._renewal is not None

    def _catch_up(self, *, everything: bool) -> tuple[int, int, int]:
        """Where the folder is then, how many feeds were looked at, documents written."""
        state, mine = self._folder.state(), printer_of(self._parts.house)
        last = self._parts.journal.last()
        if (
            everything
            or state is None
            or state.printer != mine
            or state.through > last
            or state.seal != seal(self._parts.engine, state.through)
        ):
            return self._write_all()
        if state.through == last:
            return last, 0, 0
        found = self._parts.journal.since(state.through, MOST_CHANGES)
        through = found[-1][0] if found else last
        removed, blanked = removed_after(self._parts.engine, state.removed)
        whole = not blanked and all(terms for _, terms in found)  # a cut concerns every feed
        names = sorted(set().union(*(terms for _, terms in found))) if whole else None
        printer = self._printer()
        if names is not None and len(names) <= MOST_FEEDS:
            for name in names:
                self._write_feed(printer, name)
            self._folder.commit()
        else:
            outline = Outline.load(self._parts.engine, names)
            jobs = [
                job
                for one in self._named(outline)
                for job in jobs_of(one, since=printer.archived_through(one.name), blanked=blanked)
            ]
            deque(printer.print_many(jobs, self._parts.engine), maxlen=0)
            names = list(outline.feeds)
        if self._renewal is not None:
            gone = set(names)
            self._renewal.left = deque(one for one in self._renewal.left if one.name not in gone)
        sealed = seal(self._parts.engine, through)
        self._folder.set_state(
            msgspec.structs.replace(state, through=through, seal=sealed, removed=removed)
        )
        return through, len(names), printer.documents

    def _write_feed(self, printer: Printer, name: str) -> None:
        """One feed whose change was told: what was archived since, and the current document."""
        if feeds.filter_of(name) is None:
            return
        journal = self._parts.journal
        window = journal.window(name)
        if window is None:
            return
        known, number = printer.archived_through(name), window.prev
        archived: list[tuple[int, Window]] = []
        while number is not None and (number != known or archived):
            archived.append((number, journal.archive(name, number)))
            if number == known:
                break  # it has a successor now
            number = archived[-1][1].prev
        for number, one in reversed(archived):
            printer.print(name, one, number)
        printer.print(name, window)

    def _write_all(self) -> tuple[int, int, int]:
        """Everything, from one pass over the journal; what is there already is not touched."""
        self._renewal = None
        self._folder.sweep()
        begun_at = self._parts.now().timestamp()
        self._say("reading the journal")
        removed, _ = removed_after(self._parts.engine, "")
        outline = Outline.load(self._parts.engine)
        found = self._named(outline)
        printer = self._printer()
        for done, of in print_shards(found, self._parts, printer, jobs=self._jobs, stop=self._stop):
            self._say(f"{done:,} of {of:,} documents")
            self.beat()
        self._check()
        written = printer.documents + self._write_lists(concerned=outline.feeds)
        self._clear(outline)
        self._folder.set_state(
            State(
                through=outline.last,
                seal=seal(self._parts.engine, outline.last),
                removed=removed,
                printer=printer_of(self._parts.house),
                lists=self._lists_now()[0],
                coverage=said_of(printer.watch),
                covered_at=begun_at,
            )
        )
        return outline.last, len(found), written

    def _named(self, outline: Outline) -> list[FeedOutline]:
        """Feeds that have an address."""
        return [one for name, one in outline.feeds.items() if feeds.filter_of(name) is not None]

    def _printer(self) -> Printer:
        return Printer(
            folder=self._folder,
            house=self._parts.house,
            watch=self._parts.sources.watch(),
            check=self._check,
        )

    def _lists_now(self) -> tuple[str, list[str], datetime]:
        """What lists are made of: the same as long as no source is added."""
        regions = [code for code, _ in watched_regions(self._parts.sources.list())]
        changed_at = self._parts.sources.listed_at()
        said = f"{changed_at.isoformat()} {' '.join(regions)}"
        return hashlib.blake2b(said.encode(), digest_size=12).hexdigest(), regions, changed_at

    def _renew_lists(self) -> int:
        """Write lists when a source was added."""
        state, at = self._folder.state(), time.monotonic()
        if state is None or (self._looked_at is not None and at < self._looked_at + LISTS_SECONDS):
            return 0
        self._looked_at = at
        now = self._lists_now()[0]
        if now == state.lists:
            return 0
        written = self._write_lists(concerned=None)
        self._folder.set_state(msgspec.structs.replace(state, lists=now))
        return written

    def _write_lists(self, *, concerned: Container[str] | None) -> int:
        """The OPML lists, and the feeds of the first of them that nothing has concerned yet."""
        folder, public_url = self._folder, self._parts.settings.public_url
        _, regions, changed_at = self._lists_now()
        written = 0
        for name in feeds.list_names(regions):
            found = feeds.feed_list(name, regions=regions, public_url=public_url)
            if found is not None:
                body = feeds.opml(found, modified_at=changed_at, owner_url=f"{public_url}/")
                written += folder.put(feeds.list_path(name).removeprefix("/"), body, changed_at)
            self._check()
        printer = self._printer()
        for name in _listed(regions):
            path = f"feeds/{file_of(name, FORMS[-1], None)}"
            if name not in concerned if concerned is not None else folder.read(path) is None:
                window = self._parts.journal.window(name) or publish.empty_window(
                    name, announcements=self._parts.announcements
                )
                printer.print(name, window)
        folder.commit()
        return written + printer.documents

    def _clear(self, outline: Outline) -> None:
        """Remove documents that are there no more: after a restore, or of a name we gave up."""
        listed = set(_listed(self._lists_now()[1]))
        numbers = {name: frozenset(one.numbers) for name, one in outline.feeds.items()}
        for path in self._folder.documents():
            name, number = name_of(path)
            known = number in numbers.get(name, ()) if number is not None else (
                name in numbers or name in listed
            )  # fmt: skip
            if not known:
                self._folder.remove(path)

    def _cover(self) -> int:
        """Write current documents anew when only the coverage has changed, some at a time."""
        state = self._folder.state()
        if state is None:
            return 0
        if self._renewal is None:
            now = self._parts.now().timestamp()
            if now < state.covered_at + COVERAGE_EVERY.total_seconds():
                return 0
            printer = self._printer()
            said = said_of(printer.watch)
            if said == state.coverage:
                return 0
            found = self._named(Outline.load(self._parts.engine))
            self._say(f"writing {len(found):,} feeds anew: the coverage has changed")
            self._renewal = _Renewal(said=said, begun_at=now, printer=printer, left=deque(found))
        renewal, end = self._renewal, time.monotonic() + SLICE_SECONDS
        before = renewal.printer.documents
        while renewal.left and time.monotonic() < end:
            some = [renewal.left.popleft() for _ in range(min(_SLICE, len(renewal.left)))]
            jobs = [jobs_of(one)[-1] for one in some]
            deque(renewal.printer.print_many(jobs, self._parts.engine), maxlen=0)
        if not renewal.left:
            self._renewal = None
            self._folder.set_state(
                msgspec.structs.replace(state, coverage=renewal.said, covered_at=renewal.begun_at)
            )
        return renewal.printer.documents - before

    def _check(self) -> None:
        """Stop between two documents.

        Raises:
            StoppedError: we were told to.
        """
        self.beat()
        if self._stop.is_set():
            raise StoppedError("stopped; the next run goes on")

    def beat(self) -> None:
        """Show that the folder is kept, where that is promised."""
        at = time.monotonic()
        if self.follows and at > self._beat_at + _BEAT:
            self._beat_at = at
            self._folder.beat()


class StoppedError(QuxunError):
    """The publisher was told to end in the middle of its work."""


def follow(publisher: Publisher, stop: Event, *, everything: bool = False) -> None:
    """Keep a folder fresh until told to stop, whatever becomes of database and disk meanwhile."""
    down, publisher.follows = False, True
    while not stop.is_set():
        try:
            publisher.work(everything=everything)
            publisher.beat()
            everything = False
        except StoppedError:
            return
        except (*OUTAGES, QuxunError) as error:
            if not down:
                log.warning("export_waits", error=" ".join(str(error).split())[:300])
            down = True
            stop.wait(_PAUSE)
        else:
            if down:
                log.info("export_goes_on")
            down = False
            stop.wait(0 if publisher.busy else EVERY_SECONDS)


def _listed(regions: Sequence[str]) -> list[str]:
    """Names of the feeds that the first list offers."""
    found = feeds.feed_list("index", regions=regions, public_url="")
    assert found is not None
    return [name for group in found.groups for name in _members(group)]


def _members(group: feeds.OutlineGroup) -> Iterator[str]:
    for one in group.members:
        if isinstance(one, feeds.OutlineGroup):
            yield from _members(one)
        else:
            yield one.name
