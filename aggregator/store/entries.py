"""Entries, their articles, and the announcements they make: one transaction a batch."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, text

from aggregator import healing
from aggregator.model import (
    AnnouncementId,
    ArticleOutcome,
    ArticleReport,
    ArticleShape,
    EntryId,
    Learned,
    Page,
    Redesign,
    SourceId,
    StoredEntry,
)
from aggregator.store import rows
from aggregator.store.clusters import Clusters
from aggregator.store.pages import archive, archived, page_hash
from aggregator.store.publish import cut, publish
from aggregator.store.refusals import refusals

_JOINED = (
    "e.id, e.entry, e.first_seen_at, e.first_poll, e.generation, e.attempts, e.reads, e.read_at,"
    " e.etag, e.last_modified, e.page_hash, e.gone_since, e.announcement_id, "
    + ", ".join(f"s.{column} as s_{column}" for column in rows.SOURCE_COLUMNS)
)
_WITH_DRAFT = {ArticleOutcome.READ, ArticleOutcome.REREAD, ArticleOutcome.ROW_ONLY}


class Entries:
    """Implements ``ports.ArticleStore``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def due_entries(self, now: datetime, *, limit: int) -> Sequence[EntryId]:
        """Ids of entries whose article is due and free: first reads first, the newest first."""
        with self._engine.connect() as connection:
            found = connection.execute(
                text(
                    "select e.id from entries e join sources s on s.id = e.source_id"
                    " where e.due_at <= :now and s.state <> 'paused'"
                    " and (e.lease_until is null or e.lease_until < :now)"
                    " order by e.announcement_id is not null, e.first_poll, e.due_at, e.id"
                    " limit :limit"
                ),
                {"now": now, "limit": limit},
            ).scalars()
            return [EntryId(one) for one in found]

    def claim_entries(
        self, ids: Sequence[EntryId], now: datetime, *, lease: timedelta
    ) -> Sequence[StoredEntry]:
        """Lease those that are due and free; the attempt is counted before the work."""
        with self._engine.begin() as connection:
            found = connection.execute(
                text(
                    "with free as (select id from entries where id = any(cast(:ids as bigint[]))"
                    " and due_at <= :now and (lease_until is null or lease_until < :now)"
                    " order by id for update skip locked),"
                    " e as (update entries u set lease_until = :until,"
                    " generation = u.generation + 1, attempts = u.attempts + 1 from free"
                    " where u.id = free.id returning u.*)"
                    f" select {_JOINED} from e join sources s on s.id = e.source_id"
                ),
                {"ids": list(ids), "now": now, "until": now + lease},
            ).mappings()
            claimed = {row["id"]: rows.stored_entry(row) for row in found}
        return [claimed[one] for one in ids if one in claimed]

    def claim_archived(
        self, after: EntryId, *, limit: int, now: datetime, lease: timedelta, before: int | None
    ) -> Sequence[tuple[StoredEntry, Page]]:
        """Lease entries with a kept page, in order of id; see ``ports.ArchiveStore``."""
        with self._engine.begin() as connection:
            found = connection.execute(
                text(
                    "with free as (select e.id from entries e join announcements a"
                    " on a.id = e.announcement_id where e.id > :after and e.page_hash is not null"
                    " and (e.lease_until is null or e.lease_until < :now)"
                    " and (cast(:before as integer) is null or"
                    " coalesce(cast(a.draft ->> 'extractor' as integer), 1) < :before)"
                    " order by e.id limit :limit for update of e skip locked),"
                    " e as (update entries u set lease_until = :until,"
                    " generation = u.generation + 1 from free where u.id = free.id returning u.*)"
                    f" select {_JOINED}, p.url as p_url, p.content_type as p_type,"
                    " p.body as p_body, p.fetched_at as p_at from e join sources s"
                    " on s.id = e.source_id join pages p on p.hash = e.page_hash order by e.id"
                ),
                {"after": after, "now": now, "until": now + lease, "limit": limit,
                 "before": before},
            ).mappings()  # fmt: skip
            return [(rows.stored_entry(row), archived(row)) for row in found]

    def reread_since(self, ids: Sequence[EntryId], since: datetime) -> int:
        """How many records of these entries were revised by a better reading since then."""
        with self._engine.connect() as connection:
            found = connection.execute(
                text(
                    "select count(*) from revisions r where r.why = 'reread' and r.at >= :since"
                    " and exists (select 1 from entries e where e.announcement_id ="
                    " r.announcement_id and e.id = any(cast(:ids as bigint[])))"
                ),
                {"since": since, "ids": list(ids)},
            )
            return int(found.scalar_one())

    def cut_feeds(self, why: str) -> None:
        """End a document of every feed here; see ``ports.ArchiveStore``."""
        with self._engine.begin() as connection:
            cut(connection, why)

    def renew_entries(self, entries: Sequence[StoredEntry], until: datetime) -> None:
        """Hold the leases that are still ours until then."""
        ordered = sorted(entries, key=lambda one: one.id)
        with self._engine.begin() as connection:
            connection.execute(
                text(
                    "with mine as (select e.id from entries e join unnest(cast(:ids as bigint[]),"
                    " cast(:generations as integer[])) as m (id, generation) on e.id = m.id"
                    " and e.generation = m.generation and e.lease_until is not null"
                    " order by e.id for update of e)"
                    " update entries e set lease_until = :until from mine where e.id = mine.id"
                ),
                {
                    "until": until,
                    "ids": [one.id for one in ordered],
                    "generations": [one.generation for one in ordered],
                },
            )

    @refusals
    def record_articles(
        self, reports: Sequence[ArticleReport], now: datetime
    ) -> Sequence[AnnouncementId]:
        """Store what came of a batch of looks; the announcements new or changed in substance.

        A report whose lease was lost is left out: whoever holds the lease will report.
        """
        with self._engine.begin() as connection:
            ours = _still_ours(connection, reports)
            kept = [report for report in reports if report.entry.id in ours]
            if not kept:
                return []
            fetched = [r for r in kept if r.outcome is not ArticleOutcome.REREAD]
            archive(connection, [r.page for r in fetched if r.page])
            clusters = Clusters(connection, now)
            clusters.prepare(kept)
            changed: list[AnnouncementId] = []
            belongs: dict[EntryId, AnnouncementId] = {}
            for report in sorted(kept, key=lambda one: one.entry.id):
                if report.draft and report.outcome in _WITH_DRAFT:
                    placed = clusters.place(report, report.draft, held=ours[report.entry.id])
                    belongs[report.entry.id] = placed.id
                    if placed.changed:
                        changed.append(placed.id)
                elif report.outcome is ArticleOutcome.WITHDRAWN:
                    changed.extend(clusters.withdraw(report))
            _mark(connection, kept, belongs)
            publish(connection, clusters.touched, now)
        with self._engine.begin() as connection:  # apart: polls lock sources before entries
            _learn(connection, kept, now)
        return changed

    def problems(self, *, limit: int = 50) -> Sequence[tuple[str, str, str]]:
        """Articles that could not be read lately: source slug, address, problem in words."""
        with self._engine.connect() as connection:
            found = connection.execute(
                text(
                    "select s.slug, coalesce(e.url, ''), e.problem from entries e"
                    " join sources s on s.id = e.source_id where e.problem is not null"
                    " order by e.id desc limit :limit"
                ),
                {"limit": limit},
            )
            return [(row[0], row[1], row[2]) for row in found]


def _still_ours(connection: Connection, reports: Sequence[ArticleReport]) -> dict[EntryId, bool]:
    """Reported entries whose lease is still ours, and whether they are held from mail."""
    found = connection.execute(
        text(
            "select e.id, e.held from entries e join unnest(cast(:ids as bigint[]),"
            " cast(:generations as integer[])) as mine (id, generation) on e.id = mine.id"
            " and e.generation = mine.generation and e.lease_until is not null"
            " order by e.id for update of e"
        ),
        {
            "ids": [report.entry.id for report in reports],
            "generations": [report.entry.generation for report in reports],
        },
    )
    return {EntryId(row[0]): row[1] for row in found}


def _mark(
    connection: Connection,
    reports: Sequence[ArticleReport],
    belongs: dict[EntryId, AnnouncementId],
) -> None:
    """Free the leases and write what each entry needs to know for its next look.

    An entry whose row changed while its article was read stays due at once.
    """
    settled = {
        ArticleOutcome.READ,
        ArticleOutcome.UNCHANGED,
        ArticleOutcome.ROW_ONLY,
        ArticleOutcome.GONE_ONCE,
    }
    kept = {ArticleOutcome.REREAD}  # neither fetched nor due because of it
    read = {ArticleOutcome.READ, ArticleOutcome.UNCHANGED}
    connection.execute(
        text(
            "update entries e set lease_until = null,"
            " due_at = case when r.kept then e.due_at when e.raw_hash = r.hash then r.due else least(r.due, e.due_at) end,"
            " attempts = case when r.settled then 0 else e.attempts end,"
            " reads = e.reads + case when r.read then 1 else 0 end,"
            " read_at = case when r.read then r.at else e.read_at end,"
            " etag = case when r.read then r.etag else e.etag end,"
            " last_modified = case when r.read then r.modified else e.last_modified end,"
            " page_hash = coalesce(r.page, e.page_hash),"
            " gone_since = case when r.read then null else coalesce(r.gone, e.gone_since) end,"
            " announcement_id = coalesce(r.announcement, e.announcement_id),"
            " problem = case when r.kept then e.problem else r.problem end,"
            " problem_class = case when r.kept then e.problem_class else r.class end"
            " from unnest(cast(:ids as bigint[]), cast(:dues as timestamptz[]),"
            " cast(:settleds as boolean[]), cast(:reads as boolean[]), cast(:etags as text[]),"
            " cast(:modifieds as text[]), cast(:pages as bytea[]), cast(:gones as timestamptz[]),"
            " cast(:announcements as bigint[]), cast(:problems as text[]),"
            " cast(:classes as text[]), cast(:hashes as text[]), cast(:ats as timestamptz[]),"
            " cast(:kepts as boolean[])) as r (id, due, settled, read, etag, modified, page, gone,"
            " announcement, problem, class, hash, at, kept) where e.id = r.id"
        ),
        {
            "ids": [r.entry.id for r in reports],
            "dues": [r.due_at for r in reports],
            "settleds": [r.outcome in settled for r in reports],
            "reads": [r.outcome in read for r in reports],
            "etags": [r.etag for r in reports],
            "modifieds": [r.last_modified for r in reports],
            "pages": [page_hash(r.page) if r.page else None for r in reports],
            "gones": [r.gone_since for r in reports],
            "announcements": [belongs.get(r.entry.id) for r in reports],
            "problems": [r.problem for r in reports],
            "classes": [r.problem_class for r in reports],
            "hashes": [r.entry.entry.raw_hash for r in reports],
            "ats": [r.at for r in reports],
            "kepts": [r.outcome in kept for r in reports],
        },
    )


def _learn(connection: Connection, reports: Sequence[ArticleReport], now: datetime) -> None:
    """Keep with each source how its articles are made, and when that changed.

    Rows are locked so that whoever writes announcements of these sources meanwhile, in an order
    of their own, neither waits for us nor we for them: foreign keys lock them ``for key share``.
    """
    seen: dict[SourceId, list[tuple[ArticleShape, bool]]] = {}
    for report in sorted(reports, key=lambda one: one.entry.id):
        if report.shape:
            seen.setdefault(report.entry.source.id, []).append((report.shape, report.shape_kept))
    if not seen:
        return
    found = connection.execute(
        text(
            "select id, learned, redesign, first_polled_at from sources where id = any(cast(:ids as bigint[]))"
            " order by id for no key update"
        ),
        {"ids": sorted(seen)},
    ).all()
    for source_id, kept, redesign, since in found:
        before = rows.from_json(kept, Learned)
        learned, change = healing.learn_articles(
            before, seen[SourceId(source_id)], now=now, since=since
        )
        if change:
            old = rows.from_json(redesign, Redesign) if redesign else None
            change = healing.together(old, change)
        if learned != before:
            connection.execute(
                text(
                    "update sources set learned = cast(:learned as jsonb),"
                    " redesign = coalesce(cast(:redesign as jsonb), redesign) where id = :id"
                ),
                {
                    "id": source_id,
                    "learned": rows.to_json(learned),
                    "redesign": rows.to_json(change) if change else None,
                },
            )
