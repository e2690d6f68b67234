"""Taking an announcement out because the law demands it, of the archives of feeds too.

The one case in which what was published is rewritten (docs/adr/0018): its entries stay where they
are, with their ids, and say nothing any more.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, Engine, text

from aggregator.errors import UsageError
from aggregator.model import Announcement, AnnouncementId
from aggregator.publication import blanked
from aggregator.store import rows
from aggregator.store.announcements import Announcements
from aggregator.store.publish import cut, publish


class Removals:
    """Removes for good: what the portals show of it later is not looked at any more."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def remove(self, ref: UUID | str | int, *, by: str, why: str, now: datetime) -> Announcement:
        """Blank an announcement everywhere, and leave a grave in every feed that held it.

        Title, text, files, addresses, sightings, history and raw pages are gone from the
        database; its id, its days and its subjects stay. The same goes for what it was merged
        into, which is answered then, and for what was merged into that. Reprints that are
        announcements of their own are not touched.

        Raises:
            NotFoundError: there is no such announcement.
            UsageError: it was removed already.
        """
        one = Announcements(self._engine).get(ref)
        while one.merged_into is not None:
            one = Announcements(self._engine).get(one.merged_into)
        if one.removed_at is not None:
            raise UsageError(f"{one.uuid} was removed at {one.removed_at:%Y-%m-%d %H:%M} UTC")
        with self._engine.begin() as connection:
            for part in (one, *_merged_into(connection, one)):
                values = {"id": part.id, "now": now, "by": by, "why": why}
                _forget_pages(connection, part.id)
                _blank(connection, part, values)
                _blank_records(connection, part.id)
            publish(connection, [one.id], now)
            # Always: of what was withdrawn before, nothing but this says that archives changed.
            cut(connection, f"removed {one.uuid}", always=True)
        return Announcements(self._engine).get(one.id)


def _merged_into(connection: Connection, one: Announcement) -> list[Announcement]:
    """What was merged into an announcement, and into that, and is not removed yet."""
    found = connection.execute(
        text(
            "with recursive lost as (select id, uuid from announcements where merged_into = :uuid"
            " union select a.id, a.uuid from announcements a join lost l on a.merged_into = l.uuid)"
            " select a.* from announcements a join lost using (id) where a.removed_at is null"
            " order by a.id"
        ),
        {"uuid": one.uuid},
    ).mappings()
    return [rows.announcement(row) for row in found]


def _forget_pages(connection: Connection, one: AnnouncementId) -> None:
    """Drop the raw pages of its entries, and what their rows said; nobody reads them again, and
    who reads one just now has lost its lease.
    """
    hashes = connection.execute(
        text(
            "with mine as (select id, page_hash from entries where announcement_id = :id"
            " order by id for update) update entries e set page_hash = null, due_at = null,"
            " lease_until = null, title = '', url = null, etag = null, last_modified = null,"
            " entry = jsonb_build_object('key', e.key, 'url', null, 'title', '', 'raw_hash',"
            " e.raw_hash) from mine where e.id = mine.id returning mine.page_hash"
        ),
        {"id": one},
    ).scalars()
    connection.execute(
        text(
            "delete from pages p where p.hash = any(cast(:hashes as bytea[]))"
            " and not exists (select 1 from entries e where e.page_hash = p.hash)"
        ),
        {"hashes": [one for one in hashes if one is not None]},
    )


def _blank(connection: Connection, one: Announcement, values: dict[str, object]) -> None:
    empty = blanked(one)
    connection.execute(
        text(
            "update announcements set removed_at = :now, withdrawn_at = coalesce(withdrawn_at,"
            " :now), changed_at = :now, title = :title, title_key = '', url = '',"
            " doc_number = null, deadline_on = null, amount_yuan = null, keys = '{}',"
            " names = '{}', cites = '{}', substance_hash = '', search = '',"
            " draft = cast(:draft as jsonb) where id = :id"
        ),
        {**values, "title": empty.draft.title, "draft": rows.to_json(empty.draft)},
    )
    for statement in (
        "delete from sightings where announcement_id = :id",
        "delete from revisions where announcement_id = :id",
        "update deadlines set sentence = '' where announcement_id = :id",
        "insert into removals (announcement_id, by, why, at) values (:id, :by, :why, :now)",
    ):
        connection.execute(text(statement), values)


def _blank_records(connection: Connection, one: AnnouncementId) -> None:
    """Blank what its changes published: the entries in archive documents."""
    found = connection.execute(
        text("select change, record from changes where announcement_id = :id"), {"id": one}
    ).all()
    if found:
        connection.execute(
            text("update changes set record = :record where change = :change"),
            [
                {"change": row[0], "record": rows.to_json(blanked(rows.record(row[1])))}
                for row in found
            ],
        )
