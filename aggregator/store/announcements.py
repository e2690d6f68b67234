"""Announcements as feeds, pages and commands read them."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, Engine, text

from aggregator.errors import NotFoundError
from aggregator.model import Announcement, AnnouncementId, Filter, Revision, Sighting
from aggregator.store import rows
from aggregator.store.citations import Citations, citations
from aggregator.store.hunt import Hunter
from aggregator.store.members import crowded_keys
from aggregator.store.records import sort_time

#: Entries in a feed document (DESIGN.md, one number each).
FEED_ENTRIES = 50
#: Counting stops here: nobody reads on, and a word that stands in every text would cost seconds.
COUNTED = 1_000


class Announcements:
    """Reads announcements; they are written where articles are recorded."""

    def __init__(self, engine: Engine, *, hunter: Hunter | None = None) -> None:
        self._engine = engine
        self._hunter = hunter or Hunter()

    def find(
        self,
        filter_: Filter,
        *,
        limit: int,
        offset: int = 0,
        order: str = "posted",
        include_withdrawn: bool = False,
    ) -> Sequence[Announcement]:
        """A page of what matches, newest first by posted time or by change; what is gone, and
        what was merged into another, only when it is asked for.
        """
        with self._snapshot() as connection:
            ids = self._hunter.newest(
                connection, filter_, order=order, limit=offset + limit, gone=include_withdrawn
            )[offset:]
            found = connection.execute(
                text("select * from announcements where id = any(cast(:ids as bigint[]))"),
                {"ids": ids},
            ).mappings()
            by_id = {row["id"]: row for row in found}
            return with_sightings(connection, [by_id[one] for one in ids])

    def count(self, filter_: Filter, *, at_most: int = COUNTED) -> int:
        """How many match and are not withdrawn; counting stops at ``at_most``."""
        with self._snapshot() as connection:
            found = self._hunter.newest(
                connection, filter_, order="posted", limit=at_most, gone=False
            )
            return len(found)

    def get(self, ref: UUID | str | int) -> Announcement:
        """An announcement by uuid or id.

        Raises:
            NotFoundError: when there is none.
        """
        column, value = _reference(ref)
        with self._engine.connect() as connection:
            found = connection.execute(
                text(f"select * from announcements where {column} = :value"), {"value": value}
            ).mappings()
            for one in with_sightings(connection, list(found)):
                return one
        raise NotFoundError(f'no announcement {ref!s}; "quxun search" finds them')

    def revisions(self, announcement_id: AnnouncementId) -> Sequence[Revision]:
        """What changed since it was first stored, newest first."""
        with self._engine.connect() as connection:
            found = connection.execute(
                text(
                    "select revision, at, changes, why from revisions where announcement_id = :id"
                    " order by revision desc"
                ),
                {"id": announcement_id},
            ).mappings()
            return [
                Revision(
                    revision=row["revision"],
                    at=row["at"],
                    changes={name: (pair[0], pair[1]) for name, pair in row["changes"].items()},
                    why=row["why"],
                )
                for row in found
            ]

    def citations(self, announcement_id: AnnouncementId) -> Citations:
        """What it cites and what cites it."""
        return citations(self._engine, announcement_id)

    def crowded(self, now: datetime) -> Sequence[tuple[int, int, str]]:
        """Where the search for duplicates was cut in the last 30 days: how many there were, how
        many were looked at, and a title; the worst first.
        """
        with self._engine.connect() as connection:
            return crowded_keys(connection, since=now - timedelta(days=30))

    def feed_window(self, filter_: Filter, *, limit: int = FEED_ENTRIES) -> Sequence[Announcement]:
        """The entries changed last, withdrawn ones too, by posted time, newest first."""
        found = self.find(filter_, limit=limit, order="changed", include_withdrawn=True)
        return sorted(found, key=_by_posted, reverse=True)

    def feed_version(self, filter_: Filter) -> tuple[int, datetime]:
        """The last change of what matches, and when it was; (0, first migration) for none."""
        with self._snapshot() as connection:
            found = self._hunter.newest(connection, filter_, order="changed", limit=1, gone=True)
            if found:
                row = connection.execute(
                    text("select change, changed_at from announcements where id = :id"),
                    {"id": found[0]},
                ).one()
                return row[0], row[1]
            born = connection.execute(
                text("select cast(tag_date as timestamp) at time zone 'Asia/Shanghai' from house")
            ).scalar_one()
            return 0, born

    @contextmanager
    def _snapshot(self) -> Iterator[Connection]:
        """A connection that sees one moment, whatever is written meanwhile."""
        with self._engine.connect() as made:
            yield made.execution_options(isolation_level="REPEATABLE READ")

    def identity(self) -> tuple[str, str]:
        """Authority and date of our ``tag:`` ids, fixed at the first migration."""
        with self._engine.connect() as connection:
            row = connection.execute(text("select tag_authority, tag_date from house")).one()
            return row[0], row[1].isoformat()

    def page_of(self, announcement_id: AnnouncementId) -> bytes | None:
        """The raw bytes of the article as archived, or None."""
        with self._engine.connect() as connection:
            body = connection.execute(
                text(
                    "select p.body from entries e join pages p on p.hash = e.page_hash"
                    " where e.announcement_id = :id order by e.id limit 1"
                ),
                {"id": announcement_id},
            ).scalar()
            return zlib.decompress(body) if body else None


def with_sightings(connection: Connection, found: Sequence[rows.Row]) -> Sequence[Announcement]:
    """Announcements with their sightings, read in one query for the whole page."""
    if not found:
        return []
    seen = sightings_of(connection, [row["id"] for row in found])
    return [rows.announcement(row, tuple(seen.get(row["id"], ()))) for row in found]


def sightings_of(connection: Connection, ids: Sequence[int]) -> dict[int, list[Sighting]]:
    """The sightings of each of these announcements, the first seen first."""
    seen: dict[int, list[Sighting]] = {}
    for row in connection.execute(
        text(
            "select * from sightings where announcement_id = any(cast(:ids as bigint[]))"
            " order by seen_at, entry_id"
        ),
        {"ids": ids},
    ).mappings():
        seen.setdefault(row["announcement_id"], []).append(rows.sighting(row))
    return seen


def _by_posted(one: Announcement) -> tuple[datetime, int]:
    return sort_time(one.draft, one.first_seen_at), one.id


def _reference(ref: UUID | str | int) -> tuple[str, object]:
    word = str(ref)
    if word.isascii() and word.isdigit() and len(word) < 19:  # noqa: PLR2004  # a bigint
        return "id", int(word)
    try:
        return "uuid", UUID(word)
    except ValueError as error:
        raise NotFoundError(f"{word!r} is neither an announcement's id nor its uuid") from error
