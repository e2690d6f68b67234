"""Keys and names of what was stored by an earlier version, made anew once."""

from __future__ import annotations

import structlog
from sqlalchemy import Connection, text

from aggregator import cluster
from aggregator.model import Draft
from aggregator.store import rows
from aggregator.store.records import names_of

log = structlog.get_logger()

_BATCH = 500


def rekey(connection: Connection) -> int:
    """Fill in keys and names where this version makes others than the store holds, and where a
    worker of an older version left none; how many announcements were gone through.

    Safe to end and begin again: the version is written last, each batch commits.
    """
    held = connection.execute(text("select keys_version from house")).scalar()
    if held is None:
        return 0
    which = " and a.keys = '{}'" if held >= cluster.VERSION else ""
    done = last = 0
    while True:
        found = connection.execute(
            text(
                "select a.id, a.draft, coalesce(array_agg(g.draft) filter (where g.draft is not"
                " null), '{}') as said from announcements a left join sightings g"
                f" on g.announcement_id = a.id where a.id > :last and a.merged_into is null{which}"
                " group by a.id order by a.id limit :batch"
            ),
            {"last": last, "batch": _BATCH},
        ).all()
        if not found:
            break
        updates = []
        for number, draft, said in found:
            drafts = [rows.from_json(one, Draft) for one in (draft, *said)]
            updates.append({"id": number, **names_of(drafts)})
        connection.execute(
            text(
                "update announcements set keys = :keys, names = :names, cites = :cites"
                " where id = :id"
            ),
            updates,
        )
        connection.commit()
        done += len(found)
        last = found[-1][0]
        log.info("keys made anew", announcements=done)
    connection.execute(text("update house set keys_version = :v"), {"v": cluster.VERSION})
    connection.commit()
    return done
