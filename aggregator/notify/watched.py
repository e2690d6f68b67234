"""What of all that is watched matters to a reader: the sources of their regions."""

from __future__ import annotations

from collections.abc import Sequence

from aggregator import divisions
from aggregator.model import Coverage, Filter, Watch


def coverage_of(watch: Watch, wishes: Sequence[Filter]) -> Coverage:
    """How well the sources of the wishes' regions, and of all below them, are watched.

    All sources count where a wish names no region, and where none is known to publish for one.
    """
    named = {code for wish in wishes for code in wish.region}
    if not named or any(not wish.region for wish in wishes):
        return watch.everywhere
    apart = [
        code for code in sorted(named) if not named.intersection(set(divisions.roll(code)) - {code})
    ]
    parts = [watch.regions[code] for code in apart if code in watch.regions]
    if not parts:
        return watch.everywhere
    return Coverage(
        watched=sum(one.watched for one in parts),
        well=sum(one.well for one in parts),
        ill=tuple(name for one in parts for name in one.ill),
    )
