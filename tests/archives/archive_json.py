"""A site that rebuilds a feed from JSON Feed 1.1 and the page ``docs/feeds.md``.

JSON Feed has neither archives nor tombstones: ``next_url`` leads to older items (its own way of
paging), and ``_quxun`` says what is gone and which documents never change.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from archive_atom import NEVER, Get, instant, is_absolute, need


@dataclass(frozen=True)
class Item:
    """An item as a document prints it."""

    id: str
    updated: datetime
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Page:
    """One document of a feed."""

    address: str
    updated: datetime
    archived: bool
    older: str | None
    items: tuple[Item, ...]
    gone: tuple[tuple[str, datetime], ...]


def parse(address: str, body: bytes) -> Page:
    """A document, held to JSON Feed 1.1."""
    feed = json.loads(body)
    need(feed.get("version") == "https://jsonfeed.org/version/1.1", address, "is no JSON Feed 1.1")
    older = feed.get("next_url")
    need(older is None or is_absolute(older), address, f"leads back to {older!r}")
    need(older is None or older != feed.get("feed_url"), address, "leads back to itself")
    ours = feed["_quxun"]
    items = tuple(
        Item(one["id"], instant(address, one["date_modified"]), one) for one in feed["items"]
    )
    ids = [one.id for one in items]
    need(len(set(ids)) == len(ids), address, "has an id twice")
    return Page(
        address=address,
        updated=instant(address, ours["updated"]),
        archived=bool(ours.get("archive")),
        older=older,
        items=items,
        gone=tuple((one["id"], instant(address, one["when"])) for one in ours["withdrawn"]),
    )


@dataclass
class Consumer:
    """Visits one feed whenever it likes, and holds what the feed says, read in order."""

    address: str
    get: Get
    items: dict[str, Item] = field(default_factory=dict)
    read: set[str] = field(default_factory=set)
    etag: str | None = None
    visits: int = 0
    documents: int = 0

    def visit(self) -> None:
        """Look at the feed and at every older document that is new to us."""
        self.visits += 1
        asked = {"If-None-Match": self.etag} if self.etag else {}
        status, headers, body = self.get(self.address, asked)
        if status == 304:
            need(asked, self.address, "answers 304 to a plain request")
            return
        chain = [self._page(self.address, status, headers, body)]
        need(not chain[0].archived, self.address, "is the feed, and says that it is an archive")
        while (address := chain[-1].older) is not None:
            if address in self.read:
                break
            need(address not in {one.address for one in chain}, address, "is met twice")
            chain.append(self._page(address, *self.get(address, {})))
            need(chain[-1].archived, address, "is an archive document and does not say so")
        for page in reversed(chain):
            self._take(page)
        self.read.update(one.address for one in chain[1:])
        self.etag = headers.get("etag")

    def _page(self, address: str, status: int, headers: Mapping[str, str], body: bytes) -> Page:
        need(status == 200, address, f"answers {status}: {body[:200]!r}")
        kind = headers.get("content-type", "").partition(";")[0].strip()
        need(kind == "application/feed+json", address, f"is of type {kind}")
        self.documents += 1
        return parse(address, body)

    def _take(self, page: Page) -> None:
        gone = dict(page.gone)
        for one in gone:
            self.items.pop(one, None)
        for item in page.items:
            if item.updated > gone.get(item.id, NEVER):
                self.items[item.id] = item
