"""Publishing: the journal of changes and the announcements in feeds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from aggregator.model import Announcement, Filter, Window


class JournalStore(Protocol):
    """What is published, change by change."""

    def last(self) -> int:
        """The number of the newest change or cut; 0 for none."""
        ...

    def since(self, change: int, limit: int = ...) -> Sequence[tuple[int, frozenset[str]]]:
        """Numbers of later changes, the oldest first, and the names of the feeds they concern;
        none for a cut, which concerns every feed.
        """
        ...

    def version(self, name: str) -> tuple[int, datetime] | None:
        """The last change or cut of a named feed, and when its last change was made."""
        ...

    def window(self, name: str) -> Window | None:
        """The current document of a named feed, or None when nothing ever concerned it."""
        ...

    def archive(self, name: str, number: int) -> Window:
        """The archive document of a named feed that ends with a change.

        Raises:
            NotFoundError: when no document of it ends there.
        """
        ...


class FeedStore(Protocol):
    """Announcements as they are now, for feeds of any filter."""

    def feed_window(self, filter_: Filter) -> Sequence[Announcement]:
        """The 50 that changed last, withdrawn ones too."""
        ...

    def feed_version(self, filter_: Filter) -> tuple[int, datetime]:
        """The last change of what matches, and when it was; (0, first migration) for none."""
        ...
