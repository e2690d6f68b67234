"""Deadlines as calendars to subscribe to: of every named feed, and of any filter."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import date, datetime
from time import monotonic
from urllib.parse import urlencode

import structlog
from fastapi import APIRouter, Request, Response
from sqlalchemy.exc import InterfaceError, TimeoutError  # noqa: A004

import feeds
from aggregator.errors import NotFoundError, OutageError
from aggregator.filters import FIELDS
from aggregator.flow.calendars import (
    ANY_FILTER,
    calendar_page,
    calendar_path,
    day_begins,
    read_name,
    today_of,
)
from aggregator.model import CalendarPage, Filter
from aggregator.wiring import Parts
from quxun.web.addresses import read_address
from quxun.web.documents import Document, pack
from quxun.web.feedroutes import MOVED
from quxun.web.http import conditional, query_pairs
from quxun.web.site import Site

log = structlog.get_logger()

#: Clients ask hourly (REFRESH-INTERVAL); shared caches may keep a document this long.
CACHE = "public, max-age=300, stale-while-revalidate=3600"
#: The cache is bounded by bytes, whatever people ask for.
SHELF_BYTES = 32_000_000
_PLAIN_NAME = re.compile(r"[^A-Za-z0-9]+")


def router(site: Site) -> APIRouter:
    """The routes of this module; they come before those of feeds, which take every name."""
    routes = APIRouter()
    shelf = CalendarShelf(site.parts, patience=site.patience)

    @routes.get("/feeds/{name:path}.ics")
    def calendar(name: str, request: Request) -> Response:
        pairs = query_pairs(request)
        if name not in ANY_FILTER:  # marks that others hang on an address are nobody's filter
            pairs = [(field, value) for field, value in pairs if field in FIELDS]
            spelt = _spelt(name)
            if spelt != name and not pairs:
                headers = {"Location": calendar_path(spelt), "Cache-Control": MOVED}
                return Response(None, 308, {**headers, "Access-Control-Allow-Origin": "*"})
            name = spelt
        query = urlencode(pairs)
        canonical, wanted = read_name(f"{name}?{query}" if query else name)
        response = conditional(request, shelf.get(canonical, wanted), cache=CACHE)
        response.headers["Content-Disposition"] = f'inline; filename="{file_name(canonical)}"'
        return response

    return routes


def file_name(name: str) -> str:
    """What a calendar is called where it is saved."""
    stem = _PLAIN_NAME.sub("-", name.partition("?")[0]).strip("-")
    return f"quxun-{stem}.ics"


def calendar_bytes(parts: Parts, name: str) -> bytes:
    """A calendar's bytes for the command line: a feed's name, or ``deadlines?QUERY``.

    Raises:
        NotFoundError: when there is no such feed.
        UsageError: for a filter that we do not know.
    """
    return feeds.render_calendar(_page(parts, *read_name(name), parts.now()))


@dataclass(slots=True)
class _Slot:
    """A cached document, what it was made from, and when that was last looked at."""

    version: tuple[int, datetime | None, date]
    document: Document
    looked_at: float


class CalendarShelf:
    """The calendars of one process: rendered once per change or day, whoever asks first.

    While the database cannot be reached, readers get the last document.
    """

    def __init__(self, parts: Parts, *, patience: float = 1.0) -> None:
        self._parts = parts
        self._patience = patience
        self._slots: OrderedDict[str, _Slot] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()
        self._stripes = [threading.Lock() for _ in range(16)]

    def get(self, name: str, wanted: Filter) -> Document:
        """A calendar by its canonical name."""
        with self._stripes[hash(name) % len(self._stripes)]:
            with self._lock:
                slot = self._slots.get(name)
                if slot is not None:
                    self._slots.move_to_end(name)
            if slot and monotonic() - slot.looked_at < self._patience:
                return slot.document
            try:
                return self._renewed(name, wanted, slot)
            except (OutageError, InterfaceError, TimeoutError) as error:
                if slot is None:
                    raise
                log.warning("calendar_served_stale", name=name[:80], error=type(error).__name__)
                return slot.document

    def _renewed(self, name: str, wanted: Filter, slot: _Slot | None) -> Document:
        parts = self._parts
        now = parts.now()
        version = (_last_change(parts, name), parts.deadlines.version(), today_of(now))
        if slot and slot.version == version:
            slot.looked_at = monotonic()
            return slot.document
        page = _page(parts, name, wanted, now)
        plain = feeds.render_calendar(page)
        if slot and slot.document.plain == plain:
            slot.version, slot.looked_at = version, monotonic()
            return slot.document
        # A change that was committed after a later one must still move the date, so a change
        # that this process sees is dated when it is seen; and what a new day leaves out is one.
        at = max(page.updated_at, day_begins(now))
        if slot:
            at = max(now, slot.document.modified_at)
        document = pack(plain, feeds.MEDIA_TYPES["ics"], at.replace(microsecond=0))
        self._keep(name, _Slot(version, document, monotonic()))
        return document

    def _keep(self, name: str, slot: _Slot) -> None:
        with self._lock:
            old = self._slots.pop(name, None)
            self._bytes += slot.document.weight - (old.document.weight if old else 0)
            self._slots[name] = slot
            while self._bytes > SHELF_BYTES and len(self._slots) > 1:
                _, dropped = self._slots.popitem(last=False)
                self._bytes -= dropped.document.weight


def _last_change(parts: Parts, name: str) -> int:
    """The last change that may have brought something into a calendar, or taken it out: of any
    filter it may be any, for what matches no more leaves no trace.
    """
    if name.startswith(ANY_FILTER[0]):
        return parts.journal.last()
    return (parts.journal.version(name) or (0,))[0]


def _page(parts: Parts, name: str, wanted: Filter, now: datetime) -> CalendarPage:
    return calendar_page(
        name,
        wanted,
        deadlines=parts.deadlines,
        public_url=parts.settings.public_url,
        identity=parts.announcements.identity(),
        now=now,
    )


def _spelt(name: str) -> str:
    """A feed's name as feeds write it, however it was spelt.

    Raises:
        NotFoundError: there is no such feed; says which are near.
    """
    try:
        address = read_address(f"/feeds/{name}.atom", "")
    except NotFoundError as error:
        raise NotFoundError(str(error).replace(".atom", ".ics")) from error
    if address.archive is not None or address.name.startswith("search?"):
        raise NotFoundError("日历没有存档 · a calendar has no archive; /feeds/ lists feeds")
    return address.name
