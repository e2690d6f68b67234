"""Rendered feeds, kept until what they show has changed."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta

import structlog

import feeds
from aggregator import filters
from aggregator.errors import BusyError, UsageError
from aggregator.flow.publish import SEARCH
from aggregator.model import Filter, Kind
from aggregator.wiring import Parts
from feeds.names import KIND_NAMES
from quxun.web.addresses import Address, address_of, name_of
from quxun.web.documents import Answers, Document
from quxun.web.lookout import OUTAGES, Lookout, Terms
from quxun.web.press import Press, Print

log = structlog.get_logger()

#: The cache is bounded by bytes, whatever people search for.
SHELF_BYTES = 64_000_000
#: While one reader's request renders a feed, the others wait so long before they get the
#: document before.
WAIT_SECONDS = 0.25
#: So many documents may wait to be made before new searches are sent away.
WAITING_SEARCHES = 200
#: Feeds rendered at once: rendering holds the interpreter, so that more would not be faster.
RENDERERS = 4


@dataclass(slots=True, eq=False)
class _Slot:
    """One document of the shelf and what it owes."""

    address: Address
    lock: threading.Lock = field(default_factory=threading.Lock)
    print: Print | None = None
    answers: Answers | None = None
    #: How often a change concerned it, and whether nothing has since it was made.
    marks: int = 0
    current: bool = False
    #: The store could not be asked: the document stays, and is owed at the next look.
    owed: bool = False

    @property
    def is_search(self) -> bool:
        """Whether it is a feed of a filter, and has no name."""
        return self.address.name.startswith(SEARCH)

    def concerns(self, news: Sequence[Terms], names: Terms) -> bool:
        """Whether one of the changes may stand in it."""
        if not self.is_search:
            return self.address.name in names
        return any(_may_show(self.address.wanted, terms) for terms in news)


class FeedShelf:
    """The feeds of one process: rendered once per change, whoever asks first.

    A look at the journal every ``patience`` seconds says which documents are stale; a request
    for another one touches nothing but memory. While the database cannot be reached, readers
    get the last document. With no patience every request looks.
    """

    def __init__(self, parts: Parts, *, patience: float = 1.0) -> None:
        self._parts = parts
        self._secure = parts.settings.public_url.startswith("https:")
        self._press = Press(parts)
        self._slots: dict[str, _Slot] = {}
        self._lock = threading.Lock()
        self._flights: dict[_Slot, Future[Answers]] = {}
        self._pool = ThreadPoolExecutor(RENDERERS, thread_name_prefix="shelf")
        #: Searches are without end and slower: a crowd of them holds up no feed that has a name.
        self._searches = ThreadPoolExecutor(RENDERERS, thread_name_prefix="search")
        self._bytes = 0
        #: Counts looks; whoever uses an answer notes it there, so that the idle ones are known.
        self.looks = 0
        #: Rises whenever a document became stale or was dropped: whoever remembers answers lets go.
        self.turns = 0
        #: Answers by their status, and documents rendered.
        self.counts: Counter[int] = Counter()
        self.rendered = 0
        self.lookout = Lookout(
            lambda: parts.journal,
            lambda: parts.sources.watch(),  # noqa: PLW0108  # nothing is opened before it is asked
            patience=patience,
            told=self._tell,
            covered=self._cover,
            looked=self._note_look,
        )

    async def answers(self, address: Address) -> Answers:
        """What an address answers; rendered once, however many ask at the same time.

        Raises:
            NotFoundError: there is no such archive document.
            OutageError: the store cannot be reached and the document was never made.
            BusyError: it is a search, and many others wait to be made.
        """
        slot = self._slot(address)
        before = slot.answers
        if before is not None and before.fresh:
            before.used = self.looks
            return before
        flight = self._flights.get(slot)
        if flight is None or not self.lookout.patient:
            if slot.is_search and before is None and len(self._flights) > WAITING_SEARCHES:
                raise BusyError("搜索太多，请稍后再试 · too many searches just now; ask again soon")
            pool = self._searches if slot.is_search else self._pool
            flight = pool.submit(self._renewed, slot)
            self._flights[slot] = flight
            loop = asyncio.get_running_loop()
            flight.add_done_callback(lambda done: self._arrive(loop, slot, done))
            waits = None
        else:
            waits = WAIT_SECONDS if before is not None else None
        try:
            return await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(flight)), waits)
        except TimeoutError:
            assert before is not None
            return before

    def document(self, address: Address) -> Document:
        """The same for callers without a loop.

        Raises:
            NotFoundError: there is no such archive document.
            OutageError: the store cannot be reached and the document was never made.
        """
        return self._renewed(self._slot(address)).document

    def find(self, path: str) -> Answers | None:
        """The answers of an address, given as asked, when they are fresh."""
        slot = self._slots.get(path)
        if slot is None or slot.answers is None or not slot.answers.fresh:
            return None
        slot.answers.used = self.looks
        return slot.answers

    def close(self) -> None:
        """End what runs in the background."""
        self.lookout.close()
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._searches.shutdown(wait=False, cancel_futures=True)

    def _arrive(
        self, loop: asyncio.AbstractEventLoop, slot: _Slot, flight: Future[Answers]
    ) -> None:
        with suppress(RuntimeError):  # the loop was closed: nobody waits any more
            loop.call_soon_threadsafe(self._land, slot, flight)

    def _land(self, slot: _Slot, flight: Future[Answers]) -> None:
        if self._flights.get(slot) is flight:
            del self._flights[slot]

    def _slot(self, address: Address) -> _Slot:
        with self._lock:
            slot = self._slots.get(address.path)
            if slot is None:
                slot = self._slots[address.path] = _Slot(address)
            return slot

    def _renewed(self, slot: _Slot) -> Answers:
        with slot.lock:
            try:
                if self.lookout.patient:
                    self.lookout.start()
                else:
                    self.lookout.look()
                if slot.answers is not None and slot.current:
                    return slot.answers
                marks = slot.marks
                made = self._press.make(slot.address, self.lookout.watch(), slot.print)
                return self._keep(slot, made, marks)
            except OUTAGES as error:
                return self._last(slot, error)
            finally:
                self._forget(slot)

    def _last(self, slot: _Slot, error: Exception) -> Answers:
        """The last document, while the store is away; it is looked at again when that is back."""
        if slot.answers is None:
            raise error
        log.warning("feed_served_stale", feed=slot.address.name[:80], error=type(error).__name__)
        with self._lock:
            slot.owed = True
            slot.answers.fresh = self.lookout.patient
        return slot.answers

    def _keep(self, slot: _Slot, made: Print, marks: int) -> Answers:
        with self._lock:
            if slot.answers is None or made is not slot.print:
                self._put(slot, made)
                self.rendered += 1
            assert slot.answers is not None
            slot.owed = False
            slot.current = slot.marks == marks
            slot.answers.fresh = slot.current and self.lookout.patient
            slot.answers.used = self.looks
            self._slots.setdefault(slot.address.path, slot)
            answers = slot.answers
        self._drop_idle()
        return answers

    def _put(self, slot: _Slot, made: Print) -> None:
        """Set a slot's document; the same bytes keep what was made of them."""
        before = slot.print
        if before and (before.document, before.cache) == (made.document, made.cache):
            slot.print = replace(made, document=before.document)
            return
        self._bytes += made.document.weight - (before.document.weight if before else 0)
        if slot.answers is not None:
            slot.answers.fresh = False
        slot.print = made
        slot.answers = Answers(made.document, cache=made.cache, secure=self._secure)

    def _forget(self, slot: _Slot) -> None:
        """Keep no slot for what cannot be made: names and numbers are without end."""
        with self._lock:
            if slot.answers is None and self._slots.get(slot.address.path) is slot:
                del self._slots[slot.address.path]

    def _drop_idle(self) -> None:
        with self._lock:
            while self._bytes > SHELF_BYTES and len(self._slots) > 1:
                idle = min(
                    (one for one in self._slots.values() if one.answers),
                    key=lambda one: one.answers.used if one.answers else 0,
                )
                assert idle.answers is not None
                assert idle.print is not None
                idle.answers.fresh = idle.current = False
                self._bytes -= idle.print.document.weight
                del self._slots[idle.address.path]
                idle.print = None
                self.turns += 1

    def _tell(self, news: Sequence[Terms] | None) -> None:
        """The lookout's news: mark what they concern."""
        names: Terms = frozenset().union(*news) if news else frozenset()
        with self._lock:
            self.turns += 1
            for slot in self._slots.values():
                if news is None or slot.concerns(news, names):
                    _mark(slot)

    def _cover(self) -> None:
        """The coverage has changed: it stands in every current document."""
        with self._lock:
            self.turns += 1
            for slot in self._slots.values():
                if slot.address.archive is None:
                    _mark(slot)

    def _note_look(self) -> None:
        """After every look: dates that are final now, and what an outage left undone."""
        now = self._parts.now()
        with self._lock:
            self.looks += 1
            for slot in self._slots.values():
                if slot.owed:
                    slot.owed = False
                    _mark(slot)
                made = slot.print
                if made and made.settles_at and now >= made.settles_at:
                    fresh = bool(slot.answers and slot.answers.fresh)
                    self._put(slot, _settled(made))
                    assert slot.answers
                    slot.answers.fresh, slot.answers.used = fresh, self.looks


def _mark(slot: _Slot) -> None:
    slot.marks += 1
    slot.current = False
    if slot.answers is not None:
        slot.answers.fresh = False


def _settled(made: Print) -> Print:
    """The same document with its final date (``press.SETTLING``)."""
    later = made.document.modified_at + timedelta(seconds=1)
    return replace(made, document=replace(made.document, modified_at=later), settles_at=None)


def _may_show(wanted: Filter, terms: Terms) -> bool:
    """Whether a change that concerns these feeds may match a filter: no match is ever missed."""
    parts = {part for term in terms for part in term.split("/")}
    if wanted.region and parts.isdisjoint(wanted.region):
        return False
    if wanted.category and parts.isdisjoint(wanted.category):
        return False
    if not wanted.kind or Kind.OTHER in wanted.kind or filters.shown_excluded(wanted):
        return True  # no name says of these
    return any(KIND_NAMES[name] in wanted.kind for name in KIND_NAMES if name in parts)


def feed_bytes(parts: Parts, name: str, form: str) -> bytes:
    """A feed's bytes for the command line: a named feed, or ``search?QUERY``.

    Raises:
        NotFoundError: when there is no such feed.
        UsageError: for a format or a filter that we do not know.
    """
    if form == "opml":
        from quxun.web.lists import opml_bytes  # noqa: PLC0415  # lists need us first

        return opml_bytes(parts, name)
    if form not in feeds.FORMATS:
        raise UsageError(f"no format {form!r}; there are {', '.join(feeds.FORMATS)}, ics and opml")
    shelf = FeedShelf(parts, patience=0)
    try:
        return shelf.document(address_of(name, form)).plain
    finally:
        shelf.close()


def feed_path(wanted: Filter, form: str = "atom") -> str:
    """The address of the feed of a filter: the named one where there is one."""
    return Address(name=name_of(wanted), form=form, wanted=wanted).path
