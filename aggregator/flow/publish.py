"""The story of a feed document: from the store to the page that ``feeds`` renders.

Web, commands, hub and export all make their pages here and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import feeds
from aggregator import divisions, filters
from aggregator.errors import NotFoundError
from aggregator.model import Coverage, FeedPage, Filter, Grave, GraveReason, Watch, Window
from aggregator.ports import FeedStore, JournalStore

#: How the name of a feed of any filter begins; its query follows.
SEARCH = "search?"


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What all our feeds say of us: where we are, and what our ids are made of."""

    public_url: str
    tag_authority: str
    tag_date: str
    hub_url: str | None = None


def wanted_by(name: str) -> Filter:
    """The filter of a feed by its name, ``search?QUERY`` included.

    Raises:
        NotFoundError: when there is no such feed.
        UsageError: when the query cannot be read.
    """
    if name.startswith(SEARCH):
        return filters.parse_query(name.removeprefix(SEARCH))
    wanted = feeds.filter_of(name)
    if wanted is None:
        raise NotFoundError(
            f"没有名为 {name[:60]!r} 的订阅源 · there is no such feed; /feeds lists them"
        )
    return wanted


def feed_version(
    name: str, *, journal: JournalStore, announcements: FeedStore
) -> tuple[int, datetime]:
    """A number that moves whenever the current document does, and when that was.

    Raises:
        NotFoundError, UsageError: as in ``wanted_by``.
    """
    wanted = wanted_by(name)
    known = None if name.startswith(SEARCH) else journal.version(name)
    return known or announcements.feed_version(wanted)


def coverage_of(wanted: Filter, watch: Watch) -> Coverage:
    """How well the sources are watched that a feed is made of: those of its regions and of what
    is below them, or all.
    """
    if not wanted.region:
        return watch.everywhere
    outer = [
        code
        for code in wanted.region
        if not any(other in divisions.roll(code) for other in wanted.region if other != code)
    ]
    found = [watch.regions[code] for code in outer if code in watch.regions]
    return Coverage(
        watched=sum(one.watched for one in found),
        well=sum(one.well for one in found),
        worst_since=min((one.worst_since for one in found if one.worst_since), default=None),
    )


def feed_address(public_url: str, name: str, form: str, number: int | None = None) -> str:
    """Where a feed's current document, or an archive document of it, is served."""
    stem, mark, query = name.partition("?")
    path = f"{stem}/archive/{number}" if number is not None else stem
    return f"{public_url}/feeds/{path}.{form}{mark}{query}"


def current_page(
    name: str,
    form: str,
    *,
    journal: JournalStore,
    announcements: FeedStore,
    house: House,
    watch: Watch,
) -> FeedPage:
    """The current document of a feed: what changed last, and where its archive begins.

    Raises:
        NotFoundError: when there is no such feed.
        UsageError: when its query cannot be read.
    """
    wanted = wanted_by(name)
    window = _searched(wanted, announcements) if name.startswith(SEARCH) else journal.window(name)
    if window is None:
        window = empty_window(name, announcements=announcements)
    return _page(name, form, wanted, window, house=house, coverage=coverage_of(wanted, watch))


def archive_page(
    name: str, number: int, form: str, *, journal: JournalStore, house: House
) -> FeedPage:
    """An archive document of a feed: the changes that end with a number (RFC 5005 §4).

    Raises:
        NotFoundError: when there is no such feed, or no document of it ends there.
    """
    wanted = wanted_by(name)
    if name.startswith(SEARCH):
        raise NotFoundError(
            "a search feed has no archive: follow the archive of a named feed that holds it"
        )
    return _page(name, form, wanted, journal.archive(name, number), house=house, number=number)


def window_page(
    name: str,
    form: str,
    window: Window,
    *,
    house: House,
    coverage: Coverage | None = None,
    number: int | None = None,
) -> FeedPage:
    """The page of a document whose window is known: an archive document's by its number.

    Raises:
        NotFoundError: when there is no such feed.
    """
    return _page(name, form, wanted_by(name), window, house=house, coverage=coverage, number=number)


def empty_window(name: str, *, announcements: FeedStore) -> Window:
    """What a feed shows that nothing has concerned yet."""
    born = announcements.feed_version(wanted_by(name))[1]
    return Window(entries=(), graves=(), through=0, at=born)


def _page(
    name: str,
    form: str,
    wanted: Filter,
    window: Window,
    *,
    house: House,
    coverage: Coverage | None = None,
    number: int | None = None,
) -> FeedPage:
    url = house.public_url
    query, said = _words(wanted)

    def beside(other: int | None) -> str | None:
        return None if other is None else feed_address(url, name, form, other)

    current = feed_address(url, name, form)
    return FeedPage(
        name=name,
        title=f"区讯 · {said}" if name.startswith(SEARCH) else feeds.feed_title(name),
        subtitle=f"{said}：区县政策与项目公告。非政府网站,以原文为准",
        home_url=f"{url}/?{query}" if query else f"{url}/",
        self_url=current if number is None else feed_address(url, name, form, number),
        tag_authority=house.tag_authority,
        tag_date=house.tag_date,
        updated_at=window.at,
        announcements=window.entries,
        graves=window.graves,
        coverage=coverage,
        public_url=url,
        hub_url=house.hub_url if number is None else None,
        archived=number is not None,
        current_url=None if number is None else current,
        prev_url=beside(window.prev),
        next_url=beside(window.next),
    )


@lru_cache(maxsize=8)
def _words(wanted: Filter) -> tuple[str, str]:
    """A filter as a query and in words: the same in all formats, which are asked for in a row."""
    return filters.canonical(wanted), filters.describe(wanted, "zh")


def _searched(wanted: Filter, announcements: FeedStore) -> Window:
    """The window of a filter that has no feed of its own: what it finds in the store now."""
    through, at = announcements.feed_version(wanted)
    found = announcements.feed_window(wanted)
    return Window(
        entries=tuple(one for one in found if one.withdrawn_at is None),
        graves=tuple(
            Grave(
                uuid=one.uuid,
                at=one.withdrawn_at,
                why=GraveReason.MERGED if one.merged_into else GraveReason.WITHDRAWN,
                merged_into=one.merged_into,
            )
            for one in found
            if one.withdrawn_at is not None
        ),
        through=through,
        at=at,
    )
