"""Makes feed documents for the shelf: the one place of the web door that asks for pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import feeds
from aggregator.flow import publish
from aggregator.model import Coverage, FeedPage, Watch
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
    """A document, its ``Cache-Control``, and when its date is final.

    ``version`` is the last change in it and its coverage; None for an archive document.
    """

    version: tuple[int, Coverage] | None
    document: Document
    cache: str = CURRENT
    settles_at: datetime | None = None


class Press:
    """Renders feeds from the store's pages."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def make(self, address: Address, watch: Watch, before: Print | None) -> Print:
        """The document of an address; the one before, when nothing in it has changed.

        Raises:
            NotFoundError: there is no such archive document.
        """
        parts = self._parts
        if address.archive is not None:
            # Read again after a change of the feed: it gets a successor, and a removal that the
            # law demands may blank an entry.
            page = publish.archive_page(
                address.name, address.archive, address.form, journal=parts.journal,
                house=parts.house,
            )  # fmt: skip
            return self._printed(address, page, None, before)
        journal, announcements = parts.journal, parts.announcements
        change, _ = publish.feed_version(address.name, journal=journal, announcements=announcements)
        version = (change, publish.coverage_of(address.wanted, watch))
        searched = address.name.startswith(publish.SEARCH)  # what left it moves no number there
        if before is not None and before.version == version and not searched:
            return before
        page = publish.current_page(
            address.name, address.form, journal=journal, announcements=announcements,
            house=parts.house, watch=watch,
        )  # fmt: skip
        return self._printed(address, page, version, before)

    def _printed(
        self,
        address: Address,
        page: FeedPage,
        version: tuple[int, Coverage] | None,
        before: Print | None,
    ) -> Print:
        plain = feeds.render(page, address.form)
        closed = page.archived and page.next_url is not None
        at = page.updated_at.replace(microsecond=0)
        # The newest archive document gets its successor's address later, and is another then.
        early = not closed and (page.archived or self._parts.now() < at + SETTLING)
        modified_at = at - timedelta(seconds=1) if early else at
        settled = page.archived or not early
        if settled and before and _differs(before, version, address, plain):
            # Committed late, and so dated like the change before, or blanked in an archive
            # document: the date moves all the same.
            modified_at = max(modified_at, before.document.modified_at + timedelta(seconds=1))
        document = pack(plain, feeds.MEDIA_TYPES[address.form], modified_at, link=link_of(page))
        return Print(
            version=version,
            document=document,
            cache=CLOSED if closed else CURRENT,
            settles_at=at + SETTLING if early and not page.archived else None,
        )


def _differs(
    before: Print, version: tuple[int, Coverage] | None, address: Address, plain: bytes
) -> bool:
    """Whether a document shows other changes than the one before."""
    if version is None or before.version is None or address.name.startswith(publish.SEARCH):
        return before.document.plain != plain
    return before.version[0] != version[0]


def link_of(page: FeedPage) -> str:
    """The ``Link`` header of a page: WebSub wants hub and self there too (§4)."""
    hub = f'<{page.hub_url}>; rel="hub", ' if page.hub_url else ""
    return f'{hub}<{page.self_url}>; rel="self"'
