"""Rendered feeds, kept until what they show has changed."""

from __future__ import annotations

import gzip
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from time import monotonic

import structlog
from sqlalchemy.exc import InterfaceError, TimeoutError  # noqa: A004

import feeds
from aggregator import filters
from aggregator.errors import NotFoundError, OutageError, UsageError
from aggregator.model import Coverage, FeedPage, Filter, Kind
from aggregator.wiring import Parts
from quxun.web.http import Document

log = structlog.get_logger()

#: The cache is bounded by bytes, whatever people search for.
SHELF_BYTES = 64_000_000
#: Coverage is printed in every feed; it may be this many seconds old.
COVERAGE_SECONDS = 60.0


@dataclass(slots=True)
class _Slot:
    """A cached document, what it was made from, and when that was last looked at."""

    version: tuple[int, datetime]
    coverage: Coverage
    document: Document
    looked_at: float


class FeedShelf:
    """The feeds of one process: rendered once per change, whoever asks first.

    While the database cannot be reached, readers get the last document.
    """

    def __init__(self, parts: Parts, *, patience: float = 1.0) -> None:
        self._parts = parts
        self._patience = patience
        self._slots: OrderedDict[tuple[str, str], _Slot] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()
        self._stripes = [threading.Lock() for _ in range(64)]
        self._coverage: tuple[float, Coverage] | None = None
        self._identity: tuple[str, str] | None = None

    def named(self, name: str, form: str) -> Document:
        """A feed by its name.

        Raises:
            NotFoundError: when there is no such feed.
        """
        return self._get(f"{name}.{form}", name, form)

    def search(self, wanted: Filter, form: str) -> Document:
        """A feed of whatever a filter asks for."""
        query = filters.canonical(wanted)
        return self._get(f"search.{form}?{query}", f"search?{query}", form)

    def _get(self, address: str, name: str, form: str) -> Document:
        key = (name, form)
        if fresh := self._fresh(key):
            return fresh.document
        with self._stripes[hash(key) % len(self._stripes)]:
            if fresh := self._fresh(key):
                return fresh.document
            slot = self._slots.get(key)
            try:
                return self._renewed(key, address, slot)
            except (OutageError, InterfaceError, TimeoutError) as error:
                if slot is None:
                    raise
                log.warning("feed_served_stale", feed=name[:80], error=type(error).__name__)
                return slot.document

    def _fresh(self, key: tuple[str, str]) -> _Slot | None:
        with self._lock:
            slot = self._slots.get(key)
            if slot is None or monotonic() - slot.looked_at >= self._patience:
                return None
            self._slots.move_to_end(key)
            return slot

    def _renewed(self, key: tuple[str, str], address: str, slot: _Slot | None) -> Document:
        name, form = key
        wanted = _wanted(name)
        version = self._parts.announcements.feed_version(wanted)
        coverage = self._covered()
        if slot and (slot.version, slot.coverage) == (version, coverage):
            slot.looked_at = monotonic()
            return slot.document
        page = self._page(name, address, wanted, version[1], coverage)
        before = slot.document.modified_at if slot else None
        document = make_document(page, form, self._modified(version[1], before))
        self._keep(key, _Slot(version, coverage, document, monotonic()))
        return document

    def _modified(self, changed_at: datetime, before: datetime | None) -> datetime:
        """When the document was last modified, as far as this process can tell.

        A change that was committed after a later one must still move the date, so a change
        seen by this process is dated when it was seen.
        """
        at = changed_at if before is None else self._parts.now()
        return max(at, before or at).replace(microsecond=0)

    def _page(
        self, name: str, address: str, wanted: Filter, updated_at: datetime, coverage: Coverage
    ) -> FeedPage:
        public_url = self._parts.settings.public_url
        if self._identity is None:
            self._identity = self._parts.announcements.identity()
        query = filters.canonical(wanted)
        title = feeds.feed_title(name)
        if name.startswith("search?"):
            title = f"区讯 · {filters.describe(wanted, 'zh')}"
        return FeedPage(
            name=name,
            title=title,
            subtitle=f"{filters.describe(wanted, 'zh')}：区县政策与项目公告。非政府网站,以原文为准",
            home_url=f"{public_url}/?{query}" if query else f"{public_url}/",
            self_url=f"{public_url}/feeds/{address}",
            tag_authority=self._identity[0],
            tag_date=self._identity[1],
            updated_at=updated_at,
            announcements=tuple(self._parts.announcements.feed_window(wanted)),
            coverage=coverage,
            public_url=public_url,
            hub_url=self._parts.settings.hub_url,
        )

    def _covered(self) -> Coverage:
        at = monotonic()
        if self._coverage is None or at - self._coverage[0] > self._patience * COVERAGE_SECONDS:
            self._coverage = (at, self._parts.sources.coverage())
        return self._coverage[1]

    def _keep(self, key: tuple[str, str], slot: _Slot) -> None:
        with self._lock:
            old = self._slots.pop(key, None)
            self._bytes += _weight(slot) - (_weight(old) if old else 0)
            self._slots[key] = slot
            while self._bytes > SHELF_BYTES and len(self._slots) > 1:
                _, dropped = self._slots.popitem(last=False)
                self._bytes -= _weight(dropped)


def make_document(page: FeedPage, form: str, modified_at: datetime) -> Document:
    """Render a feed in both codings; equal content has equal tags on all our servers."""
    link = f'<{page.hub_url}>; rel="hub", <{page.self_url}>; rel="self"' if page.hub_url else None
    return pack(feeds.render(page, form), feeds.MEDIA_TYPES[form], modified_at, link=link)


def pack(
    plain: bytes, media_type: str, modified_at: datetime, *, link: str | None = None
) -> Document:
    """Bytes with their twin in gzip and a strong tag for each."""
    tag = hashlib.blake2b(plain, digest_size=12).hexdigest()
    return Document(
        media_type=media_type,
        plain=plain,
        packed=gzip.compress(plain, compresslevel=6, mtime=0),
        etag=f'"{tag}"',
        packed_etag=f'"{tag}-gzip"',
        modified_at=modified_at,
        link=link,
    )


def feed_bytes(parts: Parts, name: str, form: str) -> bytes:
    """A feed's bytes for the command line: a named feed, or ``search?QUERY``.

    Raises:
        NotFoundError: when there is no such feed.
        UsageError: for a format or a filter that we do not know.
    """
    shelf = FeedShelf(parts)
    if form == "opml":
        return index_document(parts).plain
    if form not in feeds.FORMATS:
        raise UsageError(f"no format {form!r}; there are {', '.join(feeds.FORMATS)} and opml")
    if name.startswith("search?"):
        return shelf.search(filters.parse_query(name.removeprefix("search?")), form).plain
    return shelf.named(name, form).plain


def feed_path(wanted: Filter, form: str = "atom") -> str:
    """The address of the feed of a filter: the named one where there is one."""
    query = filters.canonical(wanted)
    kinds = {Kind.POLICY: "policies", Kind.PROJECT: "projects"}
    subjects = [*(kinds.get(k, "") for k in wanted.kind), *wanted.category]
    plain = Filter(region=wanted.region, kind=wanted.kind, category=wanted.category)
    if plain == wanted and len(subjects) <= 1 and len(wanted.region) <= 1:
        name = feeds.feed_name(
            subject=next(iter(subjects), None), region=next(iter(wanted.region), None)
        )
        if feeds.filter_of(name) == wanted:
            return f"/feeds/{name}.{form}"
    return f"/feeds/search.{form}?{query}"


def outline(public_url: str, regions: Sequence[tuple[str, str]]) -> list[feeds.OutlineGroup]:
    """The feeds we list: kinds, categories, and the regions we watch."""
    subjects = ["all", "policies", "projects"]
    categories = [slug for slug in filters.CATEGORIES if slug not in {"tender", "other"}]

    def group(title: str, names: Sequence[str]) -> feeds.OutlineGroup:
        return feeds.OutlineGroup(
            title=title, feeds=tuple(_outline_feed(public_url, name) for name in names)
        )

    groups = [group("总览 Overview", subjects), group("分类 Categories", categories)]
    if regions:
        groups.append(group("地区 Regions", [code for code, _ in regions]))
    return groups


def index_document(parts: Parts) -> Document:
    """The OPML list of our feeds."""
    from quxun.web.site import watched_regions  # noqa: PLC0415  # site needs us first

    announcements = parts.announcements
    groups = outline(parts.settings.public_url, watched_regions(parts.sources.list()))
    modified_at = announcements.feed_version(Filter())[1]
    body = feeds.opml("区讯 Quxun", groups, modified_at=modified_at)
    return pack(body, feeds.MEDIA_TYPES["opml"], modified_at.replace(microsecond=0))


def _outline_feed(public_url: str, name: str) -> feeds.OutlineFeed:
    wanted = feeds.filter_of(name) or Filter()
    query = filters.canonical(wanted)
    return feeds.OutlineFeed(
        title=feeds.feed_title(name),
        feed_url=f"{public_url}/feeds/{name}.atom",
        home_url=f"{public_url}/?{query}" if query else f"{public_url}/",
    )


def _wanted(name: str) -> Filter:
    if name.startswith("search?"):
        return filters.parse_query(name.removeprefix("search?"))
    wanted = feeds.filter_of(name)
    if wanted is None:
        raise NotFoundError(
            f"没有名为 {name[:60]!r} 的订阅源 · there is no such feed; /feeds lists them"
        )
    return wanted


def _weight(slot: _Slot) -> int:
    return len(slot.document.plain) + len(slot.document.packed)
