"""What is asked of the web, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One GET or POST to make, with the bounds that its source's record sets.

    ``ports`` are the source's own, allowed besides 80 and 443.
    """

    url: str
    ports: tuple[int, ...] = ()
    etag: str | None = None
    last_modified: str | None = None
    method: str = "GET"
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    delay_seconds: float | None = None
    tls_profile: str = "strict"
    proxy: str | None = None
    allow_nets: tuple[str, ...] = ()
    ignore_robots: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Bytes from the web after decompression, not yet decoded to text.

    ``url`` is the final address after redirects, ``moved_to`` the same where all of them were
    permanent; ``content_type`` the header as sent.
    """

    url: str
    requested_url: str
    status: int
    body: bytes
    content_type: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    max_age: timedelta | None = None
    fetched_at: datetime
    took: timedelta = timedelta(0)
    moved_to: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unchanged:
    """A 304: nothing new since the validators we sent."""

    url: str
    fetched_at: datetime
    etag: str | None = None
    last_modified: str | None = None
    max_age: timedelta | None = None
    took: timedelta = timedelta(0)
    moved_to: str | None = None
