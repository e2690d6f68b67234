"""Requests made for a source, all under the rules of its own record."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from aggregator.model import Request, Source, SourceSettings

#: Validators may lie: a list is read in full at least this often (RELIABILITY, row 27).
FULL_EVERY = timedelta(days=1)


def poll_request(source: Source, now: datetime) -> Request:
    """The request that polls a source, with its validators unless a full look is due."""
    full = source.full_at is None or now - source.full_at >= FULL_EVERY
    plain = Request(url=source.url)
    if not full:
        plain = replace(plain, etag=source.etag, last_modified=source.last_modified)
    return under_rules(plain, source.settings, url=source.url)


def like(source: Source, request: Request) -> Request:
    """A further request of a source: another page of its list, or an article."""
    return under_rules(request, source.settings, url=source.url)


def under_rules(request: Request, settings: SourceSettings, *, url: str) -> Request:
    """A request with what an operator set; the port of the source's own ``url`` is allowed."""
    return replace(
        request,
        ports=own_ports(url),
        headers={**settings.headers, **request.headers},
        delay_seconds=settings.delay_seconds,
        tls_profile=settings.tls_profile,
        proxy=settings.proxy,
        allow_nets=settings.allow_nets,
    )


def own_ports(url: str) -> tuple[int, ...]:
    """The port that a source's own address names, if it names one."""
    try:
        port = urlsplit(url).port
    except ValueError:
        return ()
    return (port,) if port else ()
