"""Reading pages: the web, and the child process that parses what it says."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from aggregator.model import (
    Article,
    Draft,
    Entry,
    ListReading,
    Page,
    Request,
    Source,
    SourceKind,
    Unchanged,
)


class Fetcher(Protocol):
    """Bytes from the web, politely and safely."""

    async def get(self, request: Request) -> Page | Unchanged:
        """Make one request.

        Raises:
            FetchError: for every other end, with its reason.
        """
        ...

    async def robots_verdict(self, request: Request) -> str:
        """Say in words whether robots.txt lets us read this address."""
        ...


class Reader(Protocol):
    """Reads what strangers wrote, in a child process with bounds of memory and time."""

    async def read_list(self, page: Page, *, source: Source, now: datetime) -> ListReading:
        """Read a list page or feed.

        Raises:
            ParseError: when the bytes are not what they should be, or the child died.
        """
        ...

    async def read_article(
        self, page: Page, *, source: Source, entry: Entry, now: datetime
    ) -> tuple[Article, Draft]:
        """Read an article page and make the clean record of it.

        Raises:
            ParseError: as above.
        """
        ...

    async def draft_row(self, entry: Entry, *, source: Source, now: datetime) -> Draft:
        """Make the clean record of a row whose article could not be read."""
        ...

    async def detect(self, page: Page, *, now: datetime) -> tuple[SourceKind, ListReading]:
        """Find out what kind of source a page is, and read it."""
        ...
