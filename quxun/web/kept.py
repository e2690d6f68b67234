"""Documents that are made again only when what they show may have changed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime
from time import monotonic

import structlog

from quxun.web.documents import Document, pack
from quxun.web.lookout import OUTAGES

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """Fresh bytes with their media type, and when what they show was last changed."""

    body: bytes
    media_type: str
    modified_at: datetime


@dataclass(slots=True)
class _Slot:
    version: Hashable
    plain: bytes
    document: Document
    looked_at: float


class Kept:
    """The last documents of one process, bounded by bytes; hot requests make nothing.

    While the database cannot be reached, readers get the last one.
    """

    def __init__(self, *, patience: float, most_bytes: int, now: Callable[[], datetime]) -> None:
        self._patience = patience
        self._most_bytes = most_bytes
        self._now = now
        self._slots: OrderedDict[Hashable, _Slot] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], Made], *, version: Hashable = None) -> Document:
        """A document, at most ``patience`` seconds old.

        Args:
            key: what it is.
            make: makes it anew.
            version: where it is given, an equal one says that nothing has changed.
        """
        with self._lock:
            slot = self._slots.get(key)
            if slot:
                self._slots.move_to_end(key)
        at = monotonic()
        if slot and (
            at - slot.looked_at < self._patience if version is None else slot.version == version
        ):
            return slot.document
        try:
            made = make()
        except OUTAGES as error:
            if slot is None:
                raise
            log.warning("page_served_stale", error=type(error).__name__)
            return slot.document
        if slot and slot.plain == made.body:
            slot.version, slot.looked_at = version, at
            return slot.document
        # What this process saw change is dated when it was seen: a row that is gone leaves no date.
        modified_at = made.modified_at if slot is None else max(self._now(), made.modified_at)
        document = pack(made.body, made.media_type, modified_at.replace(microsecond=0))
        self._keep(key, _Slot(version, made.body, document, at))
        return document

    def _keep(self, key: Hashable, slot: _Slot) -> None:
        with self._lock:
            old = self._slots.pop(key, None)
            self._bytes += _weight(slot) - (_weight(old) if old else 0)
            self._slots[key] = slot
            while self._bytes > self._most_bytes and len(self._slots) > 1:
                _, dropped = self._slots.popitem(last=False)
                self._bytes -= _weight(dropped)


def _weight(slot: _Slot) -> int:
    return 2 * len(slot.plain)
