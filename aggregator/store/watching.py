"""How well the sources are watched, everywhere and by region: in figures, or with the ill named."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from sqlalchemy import Connection, text

from aggregator import divisions
from aggregator.model import Coverage, Watch


def coverage(connection: Connection) -> Coverage:
    """How well the active sources are watched just now."""
    row = connection.execute(
        text(
            "select count(*) as watched, count(*) filter (where health in ('well', 'new')) as well,"
            " min(coalesce(last_ok_at, created_at)) filter (where health not in ('well', 'new'))"
            " as worst_since, coalesce(array_agg(name order by name) filter"
            " (where health not in ('well', 'new')), '{}') as ill"
            " from sources where state = 'active'"
        )
    ).mappings().one()  # fmt: skip
    return Coverage(
        watched=row["watched"],
        well=row["well"],
        worst_since=row["worst_since"],
        ill=tuple(row["ill"]),
    )


def counted(connection: Connection) -> Watch:
    """Figures without names, for feeds: everywhere, and for every region that a source publishes
    for or that holds one, since when the worst of it is not well.
    """
    everywhere = coverage(connection)
    found = connection.execute(
        text(
            "select region, count(*), count(*) filter (where health in ('well', 'new')),"
            " min(coalesce(last_ok_at, created_at)) filter (where health not in"
            " ('well', 'new')) from sources where state = 'active' and region is not null"
            " group by region order by region"
        )
    ).all()
    regions: dict[str, Coverage] = {}
    for region, watched, well, worst in found:
        for code in {region, *divisions.roll(region)}:
            one = regions.get(code, Coverage(watched=0, well=0))
            since = [at for at in (one.worst_since, worst) if at is not None]
            regions[code] = Coverage(
                watched=one.watched + watched,
                well=one.well + well,
                worst_since=min(since, default=None),
            )
    return Watch(everywhere=replace(everywhere, ill=()), regions=regions)


def watch(connection: Connection) -> Watch:
    """The same for mails, which name the sources that are ill and not since when."""
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
        everywhere=_named(every), regions={code: _named(one) for code, one in places.items()}
    )


def _named(found: list[tuple[str, bool]]) -> Coverage:
    return Coverage(
        watched=len(found),
        well=sum(well for _, well in found),
        ill=tuple(name for name, well in found if not well),
    )
