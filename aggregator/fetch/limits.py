"""How much one fetch may cost (RELIABILITY.md §Settings, Fetcher)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one fetch; bytes, seconds and counts."""

    total_seconds: float = 30.0
    connect_seconds: float = 5.0
    silent_seconds: int = 10
    body_bytes: int = 10 * 1024 * 1024
    wire_bytes: int = 12 * 1000 * 1000
    header_bytes: int = 64 * 1024
    redirects: int = 5
    in_flight: int = 200
    lookups: int = 200
    name_seconds: float = 60.0
    gzip_members: int = 16
    robots_bytes: int = 512 * 1024
    robots_seconds: float = 86_400.0
    crawl_delay_seconds: float = 30.0
