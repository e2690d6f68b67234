"""Looks at the journal of changes, so that no request has to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from time import monotonic
from typing import Protocol

import structlog
from sqlalchemy.exc import InterfaceError, TimeoutError  # noqa: A004

from aggregator.errors import OutageError
from aggregator.model import Watch

log = structlog.get_logger()

#: Names of the feeds that one change concerns.
Terms = frozenset[str]
#: So many changes are told one by one; after more, everything is looked at again.
MOST_CHANGES = 5_000
#: Coverage is printed in every current document; it may be this many looks old.
COVERAGE_LOOKS = 60

OUTAGES = (OutageError, InterfaceError, TimeoutError)


class Journal(Protocol):
    """What is asked of the store: numbers and feeds of changes."""

    def last(self) -> int:
        """The number of the last change that readers may see."""

    def since(self, change: int, limit: int) -> Sequence[tuple[int, Collection[str]]]:
        """Changes after a number, in order, with the names of the feeds they concern."""


class Lookout:
    """Asks the journal once every ``patience`` seconds and tells what is new.

    ``told`` gets the terms of every new change, or None when they are too many to name;
    ``covered`` is called when the coverage has changed. Both run under the lookout's lock: one
    look at a time. With no patience nothing runs in the background: whoever asks calls ``look``.
    """

    def __init__(
        self,
        journal: Callable[[], Journal],
        coverage: Callable[[], Watch],
        *,
        patience: float,
        told: Callable[[Sequence[Terms] | None], None],
        covered: Callable[[], None],
        looked: Callable[[], None],
    ) -> None:
        self._journal = journal
        self._ask_coverage = coverage
        self._patience = patience
        self._told = told
        self._covered = covered
        self._looked = looked
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._coverage: Watch | None = None
        self._coverage_at = 0.0
        self.seen: int | None = None

    @property
    def patient(self) -> bool:
        """Whether looks happen in the background."""
        return self._patience > 0

    def start(self) -> None:
        """Look once, then go on in the background; does nothing the second time.

        Raises:
            OutageError: the store cannot be reached and never could.
        """
        if self._thread is not None:
            return
        if self.seen is None:
            self.look()
        with self._lock:
            if self._thread is None and self.patient and not self._ended.is_set():
                self._thread = threading.Thread(target=self._go_on, name="lookout", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """End the background looks."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(10)

    def watch(self) -> Watch:
        """How well the sources were watched at the last look."""
        if self._coverage is None:
            self.look()
        assert self._coverage is not None
        return self._coverage

    def look(self) -> None:
        """Ask what is new since the last look and tell it.

        Raises:
            OutageError: the store cannot be reached; then nothing is told.
        """
        with self._lock:
            journal = self._journal()
            last = journal.last()
            if self.seen is not None and last != self.seen:
                self._told(self._news(journal, self.seen, last))
            self.seen = last
            at = monotonic()
            due = self._coverage_at + self._patience * COVERAGE_LOOKS
            if self._coverage is None or at >= due:
                coverage = self._ask_coverage()
                changed = self._coverage is not None and self._coverage != coverage
                self._coverage, self._coverage_at = coverage, at
                if changed:
                    self._covered()
            self._looked()

    @staticmethod
    def _news(journal: Journal, seen: int, last: int) -> list[Terms] | None:
        """The terms of what is new; None after a restore, too, whose numbers are lower, and after
        a cut, which concerns every feed.
        """
        if last < seen:
            return None
        rows = journal.since(seen, MOST_CHANGES + 1)
        if len(rows) > MOST_CHANGES or not all(terms for _, terms in rows):
            return None
        return [frozenset(terms) for _, terms in rows]

    def _go_on(self) -> None:
        down = False
        while not self._ended.wait(self._patience):
            try:
                self.look()
            except OUTAGES as error:
                if not down:
                    log.warning("feeds_served_stale", error=type(error).__name__)
                down = True
            except Exception:
                log.exception("lookout_failed")
            else:
                down = False
