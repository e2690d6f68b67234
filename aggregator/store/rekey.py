"""What an earlier version stored otherwise, made anew once: keys and names, what is searched."""

from __future__ import annotations

import structlog
from sqlalchemy import Connection, text

from aggregator import cluster, filters
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


def rewrite_searched(connection: Connection) -> int:
    """Write searched texts and amounts anew where this version makes others than the store holds, and fill
    the search index with rows that it lacks; how many announcements were gone through.

    Safe to end and begin again: the version is written last, each batch commits. What is stored
    meanwhile, by whichever version, is in the index at once (migration 0006).
    """
    held = connection.execute(text("select search_version from house")).scalar()
    if held is None or held >= filters.SEARCH_VERSION:
        return 0
    done = last = 0
    while True:
        found = connection.execute(
            text("select id, draft from announcements where id > :last order by id limit :batch"),
            {"last": last, "batch": _BATCH},
        ).all()
        if not found:
            break
        connection.execute(
            text("update announcements set search = :search, amount_yuan = :amount where id = :id"),
            [
                {
                    "id": number,
                    "search": filters.search_text(said),
                    "amount": filters.amount_of(said),
                }
                for number, draft in found
                for said in (rows.from_json(draft, Draft),)
            ],
        )
        connection.commit()
        done += len(found)
        last = found[-1][0]
        log.info("searched texts made anew", announcements=done)
    connection.execute(text("update house set search_version = :v"), {"v": filters.SEARCH_VERSION})
    connection.commit()
    return done
