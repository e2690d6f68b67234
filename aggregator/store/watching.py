"""How well the sources are watched, by region, with the names of those that are ill."""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import Connection, text

from aggregator import divisions
from aggregator.model import Coverage, Watch


def watch(connection: Connection) -> Watch:
    """All active sources, and those of every region that one publishes for or that holds one."""
    every: list[tuple[str, bool]] = []
    places: dict[str, list[tuple[str, bool]]] = defaultdict(list)
    for name, region, well in connection.execute(
        text(
            "select name, region, health in ('well', 'new') from sources where state = 'active'"
            " order by name, id"
        )
    ):
        every.append((name, well))
        for code in {region, *divisions.roll(region)} if region else ():
            places[code].append((name, well))
    return Watch(
        everywhere=_coverage(every), regions={code: _coverage(one) for code, one in places.items()}
    )


def _coverage(found: list[tuple[str, bool]]) -> Coverage:
    return Coverage(
        watched=len(found),
        well=sum(well for _, well in found),
        ill=tuple(name for name, well in found if not well),
    )
