"""Makes feed documents for the shelf: the one place of the web door that asks for pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text

import feeds
from aggregator import filters
from aggregator.model import Coverage, FeedPage
from aggregator.wiring import Parts
from quxun.web.addresses import Address
from quxun.web.documents import Document, pack

#: HTTP's dates have whole seconds, so a document whose last change is younger than this is said
#: to be a second older: another change of that second may follow.
SETTLING = timedelta(seconds=5)

#: Readers ask every few minutes; shared caches may keep a document so long, and go on with it
#: while we render or are away.
CURRENT = "public, max-age=60, stale-while-revalidate=600, stale-if-error=86400"
#: An archive document that has a successor never changes again.
CLOSED = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Print:
    """A document, what it was made from, its ``Cache-Control``, and when its date is final."""

    version: object
    document: Document
    cache: str = CURRENT
    settles_at: datetime | None = None


class Press:
    """Renders feeds from the store's pages."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._identity: tuple[str, str] | None = None

    def make(self, address: Address, coverage: Coverage, before: Print | None) -> Print:
        """The document of an address; the one before, when nothing in it has changed.

        Raises:
            NotFoundError: there is no such archive document.
        """
        version = (self._parts.announcements.feed_version(address.wanted), coverage)
        if before is not None and before.version == version:
            return before
        page = self._page(address, version[0][1], coverage)
        return self._printed(address, page, version)

    def _printed(self, address: Address, page: FeedPage, version: object) -> Print:
        plain = feeds.render(page, address.form)
        closed = page.archived and page.next_url is not None
        at = page.updated_at.replace(microsecond=0)
        # The newest archive document gets its successor's address later, and is another then.
        early = not closed and (page.archived or self._parts.now() < at + SETTLING)
        document = pack(
            plain,
            feeds.MEDIA_TYPES[address.form],
            at - timedelta(seconds=1) if early else at,
            link=link_of(page),
        )
        return Print(
            version=version,
            document=document,
            cache=CLOSED if closed else CURRENT,
            settles_at=at + SETTLING if early and not page.archived else None,
        )

    def _page(self, address: Address, updated_at: datetime, coverage: Coverage) -> FeedPage:
        public_url = self._parts.settings.public_url
        if self._identity is None:
            self._identity = self._parts.announcements.identity()
        wanted = address.wanted
        query = filters.canonical(wanted)
        title = feeds.feed_title(address.name)
        if address.name.startswith("search?"):
            title = f"区讯 · {filters.describe(wanted, 'zh')}"
        return FeedPage(
            name=address.name,
            title=title,
            subtitle=f"{filters.describe(wanted, 'zh')}：区县政策与项目公告。非政府网站,以原文为准",
            home_url=f"{public_url}/?{query}" if query else f"{public_url}/",
            self_url=f"{public_url}{address.path}",
            tag_authority=self._identity[0],
            tag_date=self._identity[1],
            updated_at=updated_at,
            announcements=tuple(self._parts.announcements.feed_window(wanted)),
            coverage=coverage,
            public_url=public_url,
            hub_url=self._parts.settings.hub_url,
        )


def link_of(page: FeedPage) -> str:
    """The ``Link`` header of a page: WebSub wants hub and self there too (§4)."""
    hub = f'<{page.hub_url}>; rel="hub", ' if page.hub_url else ""
    return f'{hub}<{page.self_url}>; rel="self"'


class NoJournal:
    """Numbers of changes, as long as the store keeps no journal."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def last(self) -> int:
        """The last change of any announcement."""
        with self._parts.engine.connect() as connection:
            found = connection.execute(text("select max(change) from announcements")).scalar()
        return int(found or 0)

    def since(self, change: int, *, limit: int) -> Sequence[tuple[int, Sequence[str]]]:
        """Which feeds are concerned is not known: all of them."""
        return [(change, ())] * limit
