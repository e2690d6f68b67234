"""Which announcements one cites, and which cite it: by names, whichever was stored first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, text

from aggregator import cluster
from aggregator.model import AnnouncementId, Related
from aggregator.store.rows import Row

#: So many are shown; a framework law is cited by thousands.
MOST = 50
#: Of those whose names meet, so many are looked at, the newest first.
_LOOKED_AT = 500
_COLUMNS = (
    "b.id, b.uuid, b.title, b.names, b.cites, b.regions, b.region_roll, b.posted_at, b.sort_at,"
    " b.withdrawn_at"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Citations:
    """Both directions of citing for one announcement.

    Nothing is stored of a citation but the names on both sides, so it holds whichever came
    first, and follows every new reading, merge and withdrawal.
    """

    cites: tuple[Related, ...] = ()
    cited_by: tuple[Related, ...] = ()


def citations(engine: Engine, announcement_id: AnnouncementId) -> Citations:
    """What an announcement cites and what cites it, the newest first, by indexes on names."""
    with engine.connect() as connection:
        own = _rows(connection, "b.id = :id", {"id": announcement_id})
        if not own:
            return Citations()
        one = _named(own[0])
        cited = _holding(connection, one.cites)
        citing = _rows(
            connection,
            "b.cites && cast(:names as text[]) and b.merged_into is null and b.id <> :id",
            {"names": sorted(one.names), "id": announcement_id},
        )
        rivals = _holding(connection, one.names)  # others of the same name may be meant
    forth = cluster.resolve(one, [_named(row) for row in cited])
    known = [_named(row) for row in rivals]
    back = {row["id"]: cluster.resolve(_named(row), known).get(one.id) for row in citing}
    return Citations(
        cites=tuple(
            _related(row, own[0]["title"], forth[row["id"]]) for row in cited if row["id"] in forth
        )[:MOST],
        cited_by=tuple(
            _related(row, row["title"], name) for row in citing if (name := back[row["id"]])
        )[:MOST],
    )


def _holding(connection: Connection, names: frozenset[str]) -> Sequence[Row]:
    return _rows(
        connection,
        "b.names && cast(:names as text[]) and b.merged_into is null",
        {"names": sorted(names)},
    )


def _rows(connection: Connection, condition: str, values: dict[str, object]) -> Sequence[Row]:
    return (
        connection.execute(
            text(
                f"select {_COLUMNS} from announcements b where {condition}"
                f" order by b.sort_at desc, b.id desc limit {_LOOKED_AT}"
            ),
            values,
        )
        .mappings()
        .all()
    )


def _named(row: Row) -> cluster.Named:
    return cluster.Named(
        id=row["id"],
        title=row["title"],
        names=frozenset(row["names"]),
        cites=frozenset(row["cites"]),
        regions=frozenset(row["regions"]),
        region_roll=frozenset(row["region_roll"]),
        at=row["posted_at"] or row["sort_at"],
    )


def _related(row: Row, citing_title: str, name: str) -> Related:
    return Related(
        uuid=row["uuid"],
        title=row["title"],
        relation=cluster.relation(citing_title, name),
        words=name[1:],
        posted_at=row["posted_at"],
        withdrawn=row["withdrawn_at"] is not None,
    )
