"""Sources, and what a test saw of one, as they are printed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aggregator.model import Probe, Source


def source_answer(source: Source) -> dict[str, object]:
    """A source as printed."""
    return {
        "slug": source.slug,
        "id": source.id,
        "name": source.name,
        "kind": source.kind.value,
        "url": source.url,
        "region": source.region,
        "authority": source.authority.value,
        "state": source.state.value,
        "health": source.health.value,
        "problem": source.problem,
        "last_polled_at": _iso(source.last_polled_at),
        "last_ok_at": _iso(source.last_ok_at),
        "last_new_at": _iso(source.last_new_at),
        "next_poll_at": _iso(source.next_poll_at),
        "rows": source.usual_rows,
        "failures": source.failures,
        "gap_open": source.gap_open is not None,
        "held": source.held,
        "selectors": told(source.settings.selectors),
        "learned": {**told(source.learned), "article": told(source.learned.article)},
        "redesign": told(source.redesign) or None,
    }


def told(noun: object) -> dict[str, object]:
    """What a noun says, without what it leaves open."""
    import msgspec

    values = msgspec.to_builtins(noun) if noun is not None else {}
    return {name: value for name, value in values.items() if value not in (None, "", {})}


def redesign_line(source: Source) -> str:
    """The last redesign in words, with its time."""
    from aggregator import healing

    change = source.redesign
    if change is None:
        return "none seen"
    words = healing.in_words(change) if change.healed else source.problem or "not healed"
    return f"{change.at:%Y-%m-%d %H:%M} UTC: {words}"


def probe_answer(probed: Probe) -> dict[str, object]:
    """What a test saw, as printed."""
    return {
        "url": probed.url,
        "final_url": probed.final_url,
        "status": probed.status,
        "kind": probed.kind.value,
        "charset": probed.charset,
        "charset_why": probed.charset_why,
        "robots": probed.robots,
        "rows": probed.rows,
        "entries": [
            {"title": entry.title, "url": entry.url, "date": entry.date} for entry in probed.sample
        ],
        "next": probed.next_url,
        "title": probed.title,
        "region": probed.region,
        "authority": probed.authority.value,
        "notes": list(probed.notes),
        "missed": [*probed.missed, *(probed.article.missed if probed.article else ())],
        "article": told(probed.article) or None,
    }


def show_probe(probed: Probe, *, to: Callable[[str], None]) -> None:
    """Print what a test saw."""
    from aggregator import divisions

    region = divisions.get(probed.region) if probed.region else None
    to(f"{probed.url}: {probed.status}, {probed.kind.value}")
    if probed.final_url != probed.url:
        to(f"  leads to  {probed.final_url}")
    to(f"  charset   {probed.charset} ({probed.charset_why})")
    to(f"  robots    {probed.robots}")
    to(f"  title     {probed.title}")
    to(f"  region    {f'{region.code} {region.name}' if region else 'not known; say --region'}")
    to(f"  authority {probed.authority.value}")
    to(f"  rows      {probed.rows}")
    for entry in probed.sample:
        to(f"    {entry.date or '(no date)'}  {entry.title}")
    to(f"  next page {probed.next_url or 'none found'}")
    if probed.article:
        one = probed.article
        to(f"  article   {one.url}")
        to(f"    title   {one.title}")
        to(f"    date    {one.date or '(none)'}, source {one.source or '(none)'}")
        to(f"    body    {one.characters} characters")
    for note in probed.notes:
        to(f"  note      {note}")


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
