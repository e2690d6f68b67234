"""Sources and their polls: leases, and batches written by a handful of statements."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from aggregator.errors import ConflictError, NotFoundError
from aggregator.model import (
    AnnouncementId,
    Coverage,
    Entry,
    KnownEntry,
    NewSource,
    PollReport,
    PollSummary,
    Source,
    SourceId,
    SourceState,
    Watch,
)
from aggregator.store import polls, rows, watching
from aggregator.store.publish import lock, number, publish_marked
from aggregator.store.refusals import refusals
from aggregator.store.slugs import free_slug

#: Announcements published anew in one transaction.
_BATCH = 500
_COLUMNS = ", ".join(rows.SOURCE_COLUMNS)


@dataclass(frozen=True, slots=True, kw_only=True)
class PollRow:
    """One past poll, as operators read it; ``took_ms`` in milliseconds."""

    at: datetime
    outcome: str
    status: int | None
    found: int
    new: int
    changed: int
    pages: int
    page_bytes: int
    took_ms: int
    problem: str | None
    notes: tuple[str, ...]


class Sources:
    """Implements ``ports.PollStore`` and what operators do with sources."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # --- what operators do ---

    def add(self, new: NewSource, now: datetime) -> Source:
        """Store a source; its first poll is due at once.

        Raises:
            ConflictError: when its address is there already.
        """
        host = (urlsplit(new.url).netloc or "").lower()
        values = {
            "name": new.name, "kind": new.kind, "url": new.url, "host": host,
            "region": new.region, "authority": new.authority, "state": new.state, "now": now,
            "settings": rows.to_json(new.settings), "learned": rows.to_json(new.learned),
        }  # fmt: skip
        statement = text(
            "insert into sources (slug, name, kind, url, host, region, authority, settings, state,"
            " learned, next_poll_at, created_at) values (:slug, :name, :kind, :url, :host, :region,"
            " :authority, cast(:settings as jsonb), :state, cast(:learned as jsonb), :now, :now)"
            f" returning {_COLUMNS}"
        )
        with self._engine.begin() as connection:
            there = connection.execute(
                text("select slug from sources where url = :url"), {"url": new.url}
            ).scalar()
            if there:
                raise ConflictError(f'{new.url} is there already as "{there}"')
            slug = free_slug(connection, new)
            try:
                row = connection.execute(statement, {**values, "slug": slug}).mappings().one()
            except IntegrityError as error:
                raise ConflictError(f"{new.url} was added by somebody else just now") from error
            return rows.source(row)

    def get(self, ref: str | int) -> Source:
        """A source by id, slug or address.

        Raises:
            NotFoundError: when there is none.
        """
        with self._engine.connect() as connection:
            row = connection.execute(
                text(
                    f"select {_COLUMNS} from sources where slug = :ref or url = :ref"
                    " or cast(id as text) = :ref limit 1"
                ),
                {"ref": str(ref)},
            ).mappings().first()  # fmt: skip
        if row is None:
            raise NotFoundError(f'no source {ref!r}; "quxun sources list" shows them')
        return rows.source(row)

    def list(self) -> Sequence[Source]:
        """All sources, by slug."""
        with self._engine.connect() as connection:
            found = connection.execute(text(f"select {_COLUMNS} from sources order by slug"))
            return [rows.source(row) for row in found.mappings()]

    def change(self, source_id: SourceId, new: NewSource, now: datetime) -> Source:
        """Let a source be what an operator says now; it is polled at once.

        What it showed, what was learned of it and its state stay; answers that were kept for
        comparison with the next one do not.

        Raises:
            ConflictError: when another source has that address.
        """
        host = (urlsplit(new.url).netloc or "").lower()
        with self._engine.begin() as connection:
            there = connection.execute(
                text("select slug from sources where url = :url and id <> :id"),
                {"url": new.url, "id": source_id},
            ).scalar()
            if there:
                raise ConflictError(f'{new.url} is there already as "{there}"')
            row = connection.execute(
                text(
                    "update sources set name = :name, kind = :kind, url = :url, host = :host,"
                    " region = :region, authority = :authority,"
                    " settings = cast(:settings as jsonb), etag = null, last_modified = null,"
                    " body_hash = null, failures = 0, next_poll_at = :now, gap_open = case"
                    " when url = :url then gap_open end where id = :id"
                    f" returning {_COLUMNS}"
                ),
                {
                    "id": source_id, "name": new.name, "kind": new.kind, "url": new.url,
                    "host": host, "region": new.region, "authority": new.authority,
                    "settings": rows.to_json(new.settings), "now": now,
                },
            ).mappings().first()  # fmt: skip
        if row is None:
            raise NotFoundError("the source was removed meanwhile")
        return rows.source(row)

    def set_state(self, source_id: SourceId, state: SourceState) -> None:
        """Pause, resume or set back to untested."""
        with self._engine.begin() as connection:
            connection.execute(
                text("update sources set state = :state where id = :id"),
                {"state": state, "id": source_id},
            )

    def release_held(self, source_id: SourceId) -> None:
        """An operator looked at what was held: it is announced now, and so is what comes.

        By the rules of promise 11: what was posted more than 30 days before it was first seen
        stays unmailed, more than 3 days is marked late.
        """
        with self._engine.begin() as connection:
            for statement in (
                "update sources set held = false where id = :id",
                "update entries set held = false where source_id = :id and held",
            ):
                connection.execute(text(statement), {"id": source_id})
            released = connection.execute(
                text(
                    "with mine as (select id from announcements where source_id = :id"
                    " and novelty = 'held' order by id for update)"
                    " update announcements a set announced_at = clock_timestamp(), novelty = case"
                    " when posted_at is null or first_seen_at - posted_at <= interval '4 days'"
                    " then 'news' when first_seen_at - posted_at <= interval '31 days'"
                    " then 'late-news' else 'late' end from mine where a.id = mine.id returning a.id"
                ),
                {"id": source_id},
            ).scalars()
            number(connection, list(released))

    def remove(self, source_id: SourceId) -> None:
        """Forget a source and its entries; announcements stay, and feeds name it no more."""
        with self._engine.begin() as connection:
            shown = connection.execute(
                text("select distinct announcement_id from sightings where source_id = :id"),
                {"id": source_id},
            ).scalars()
            ids = lock(connection, [AnnouncementId(one) for one in shown])
            connection.execute(text("delete from sources where id = :id"), {"id": source_id})
            # A number without a change: should we end here, the sweeper or a migration publishes.
            connection.execute(
                text(
                    "update announcements set change = nextval('change_number')"
                    " where id = any(cast(:ids as bigint[])) and change > 0"
                ),
                {"ids": ids},
            )
        for place in range(0, len(ids), _BATCH):
            with self._engine.begin() as connection:
                publish_marked(connection, ids[place : place + _BATCH], None)

    def polls(self, source_id: SourceId, *, limit: int = 20) -> Sequence[PollRow]:
        """The last polls of a source, newest first."""
        with self._engine.connect() as connection:
            found = connection.execute(
                text(
                    "select at, outcome, status, found, new, changed, pages, page_bytes, took_ms,"
                    " problem, notes from polls where source_id = :id order by id desc limit :limit"
                ),
                {"id": source_id, "limit": limit},
            ).mappings()
            return [PollRow(**{**row, "notes": tuple(row["notes"])}) for row in found]

    def coverage(self) -> Coverage:
        """How many active sources there are, how many are well, since when the worst is not."""
        with self._engine.connect() as connection:
            return watching.coverage(connection)

    def watch(self) -> Watch:
        """The same, and for every region that a source publishes for, or that holds one."""
        with self._engine.connect() as connection:
            return watching.counted(connection)

    def listed_at(self) -> datetime:
        """When a source that is not untested was last added; the first migration for none."""
        with self._engine.connect() as connection:
            at: datetime = connection.execute(
                text(
                    "select coalesce((select max(created_at) from sources where state <> 'untested'),"
                    " (select cast(tag_date as timestamp) at time zone 'Asia/Shanghai' from house))"
                )
            ).scalar_one()
            return at

    # --- ports.PollStore ---

    def due_sources(self, now: datetime, *, limit: int) -> Sequence[SourceId]:
        """Ids of due, free sources; those of one host side by side, longest waiting first."""
        with self._engine.connect() as connection:
            found = connection.execute(
                text(
                    "select id from (select id, host, min(next_poll_at) over (partition by host)"
                    " as first from sources where state = 'active' and next_poll_at <= :now"
                    " and (lease_until is null or lease_until < :now)"
                    " order by next_poll_at limit :limit) due order by first, host, id"
                ),
                {"now": now, "limit": limit},
            ).scalars()
            return [SourceId(one) for one in found]

    def unended(self, ids: Sequence[SourceId]) -> AbstractSet[SourceId]:
        """Those of them that were claimed and never reported on: they may end workers."""
        if not ids:
            return frozenset()
        with self._engine.connect() as connection:
            found = connection.execute(
                text(
                    "select id from sources where attempts > 0 and id = any(cast(:ids as bigint[]))"
                ),
                {"ids": list(ids)},
            ).scalars()
            return frozenset(SourceId(one) for one in found)

    def claim_sources(
        self,
        ids: Sequence[SourceId],
        now: datetime,
        *,
        lease: timedelta,
        even_if_not_due: bool = False,
    ) -> Sequence[Source]:
        """Lease those that are due and free; the attempt is counted before the work."""
        with self._engine.begin() as connection:
            found = connection.execute(
                text(
                    "with free as (select id from sources where id = any(cast(:ids as bigint[]))"
                    " and state <> 'paused' and (:anyway or (next_poll_at <= :now and"
                    " state = 'active')) and (lease_until is null or lease_until < :now)"
                    " order by id for no key update skip locked)"
                    " update sources s set lease_until = :until, generation = s.generation + 1,"
                    " attempts = s.attempts + 1 from free where s.id = free.id"
                    f" returning {', '.join('s.' + c for c in rows.SOURCE_COLUMNS)}"
                ),
                {"ids": list(ids), "now": now, "until": now + lease, "anyway": even_if_not_due},
            ).mappings()
            claimed = {row["id"]: rows.source(row) for row in found}
        return [claimed[one] for one in ids if one in claimed]

    def renew_sources(self, sources: Sequence[Source], until: datetime) -> None:
        """Hold the leases that are still ours until then."""
        with self._engine.begin() as connection:
            connection.execute(
                text(
                    "update sources s set lease_until = :until from unnest(cast(:ids as bigint[]),"
                    " cast(:generations as integer[])) as mine (id, generation)"
                    " where s.id = mine.id and s.generation = mine.generation"
                    " and s.lease_until is not null"
                ),
                {
                    "until": until,
                    "ids": [source.id for source in sources],
                    "generations": [source.generation for source in sources],
                },
            )

    def release_sources(self, sources: Sequence[Source]) -> None:
        """Give back leases whose turn did not come; the attempt is not counted."""
        with self._engine.begin() as connection:
            connection.execute(
                text(
                    "update sources s set lease_until = null, attempts = greatest(s.attempts - 1, 0)"
                    " from unnest(cast(:ids as bigint[]), cast(:generations as integer[]))"
                    " as mine (id, generation) where s.id = mine.id"
                    " and s.generation = mine.generation and s.lease_until is not null"
                ),
                {
                    "ids": [source.id for source in sources],
                    "generations": [source.generation for source in sources],
                },
            )

    def unseen(self, entries: Sequence[tuple[SourceId, Entry]]) -> Sequence[tuple[SourceId, Entry]]:
        """Those not held, or held with another ``raw_hash``: one query for a whole batch."""
        if not entries:
            return []
        with self._engine.connect() as connection:
            fresh = set(
                connection.execute(
                    text(
                        "select ask.n from unnest(cast(:sources as bigint[]), cast(:keys as text[]),"
                        " cast(:hashes as text[])) with ordinality as ask (source_id, key, hash, n)"
                        " left join entries e on e.source_id = ask.source_id and e.key = ask.key"
                        " where e.id is null or e.raw_hash <> ask.hash"
                    ),
                    {
                        "sources": [source_id for source_id, _ in entries],
                        "keys": [entry.key for _, entry in entries],
                        "hashes": [entry.raw_hash for _, entry in entries],
                    },
                ).scalars()
            )
        return [pair for number, pair in enumerate(entries, 1) if number in fresh]

    def known_entries(self, source_id: SourceId, since: datetime) -> Sequence[KnownEntry]:
        """Entries first seen since then, the newest first; asked for when a portal moved."""
        with self._engine.connect() as connection:
            found = connection.execute(
                text(
                    "select key, title, entry ->> 'date', entry ->> 'date_text' from entries"
                    " where source_id = :id and first_seen_at >= :since order by id desc"
                    " limit 5000"
                ),
                {"id": source_id, "since": since},
            )
            return [
                KnownEntry(key=row[0], title=row[1], date=row[2], date_text=row[3]) for row in found
            ]

    @refusals
    def record_polls(self, reports: Sequence[PollReport]) -> Sequence[PollSummary]:
        """Store entries and mark polls done, in one transaction and a handful of statements.

        A report whose lease was lost, or whose source was paused or removed meanwhile and
        leased by somebody else, is left out: whoever holds the lease will report.
        """
        if not reports:
            return []
        with self._engine.begin() as connection:
            return polls.record(connection, reports)
