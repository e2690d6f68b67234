"""Sources and their polls: leases, and batches written by a handful of statements."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import IntegrityError

from aggregator.errors import ConflictError, NotFoundError
from aggregator.model import (
    Coverage,
    Entry,
    NewSource,
    PollReport,
    PollSummary,
    Source,
    SourceId,
    SourceState,
)
from aggregator.store import rows

#: More new rows than this in one poll are held from mail until an operator looked (promise 11).
FLOOD = 50
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
            slug = _free_slug(connection, new)
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

    def set_state(self, source_id: SourceId, state: SourceState) -> None:
        """Pause, resume or set back to untested."""
        with self._engine.begin() as connection:
            connection.execute(
                text("update sources set state = :state where id = :id"),
                {"state": state, "id": source_id},
            )

    def release_held(self, source_id: SourceId) -> None:
        """An operator looked at what was held: what comes from now on is news again."""
        with self._engine.begin() as connection:
            connection.execute(
                text("update sources set held = false where id = :id"), {"id": source_id}
            )

    def remove(self, source_id: SourceId) -> None:
        """Forget a source and its entries; announcements stay."""
        with self._engine.begin() as connection:
            connection.execute(text("delete from sources where id = :id"), {"id": source_id})

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
            return coverage(connection)

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
                    " order by id for update skip locked)"
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

    def record_polls(self, reports: Sequence[PollReport]) -> Sequence[PollSummary]:
        """Store entries and mark polls done, in one transaction and a handful of statements.

        A report whose lease was lost, or whose source was paused or removed meanwhile and
        leased by somebody else, is left out: whoever holds the lease will report.
        """
        with self._engine.begin() as connection:
            ours = _still_ours(connection, reports)
            kept = [report for report in reports if report.source.id in ours]
            if not kept:
                return []
            counts = _store_entries(connection, kept)
            _mark_done(connection, kept, counts)
            return [
                PollSummary(
                    source_id=report.source.id,
                    slug=report.source.slug,
                    outcome=report.outcome,
                    found=report.found,
                    new=counts.get(report.source.id, (0, 0))[0],
                    changed=counts.get(report.source.id, (0, 0))[1],
                    problem=report.problem,
                )
                for report in kept
            ]


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


def _free_slug(connection: Connection, new: NewSource) -> str:
    """``<region or host>-<last path word>``, made unique with a number."""
    parts = urlsplit(new.url)
    words = [w for w in re.split(r"[^a-z0-9]+", parts.path.lower()) if w and not w.isdigit()]
    words = [w for w in words if w not in {"index", "html", "htm", "shtml", "xml", "col"}]
    head = new.region or re.sub(r"[^a-z0-9]+", "-", (parts.hostname or "source").lower())
    slug = "-".join([head, *words[-1:]])[:60]
    taken = set(
        connection.execute(
            text("select slug from sources where slug = :slug or slug like :like"),
            {"slug": slug, "like": f"{slug}-%"},
        ).scalars()
    )
    number = 2
    free = slug
    while free in taken:
        free, number = f"{slug}-{number}", number + 1
    return free


def _still_ours(connection: Connection, reports: Sequence[PollReport]) -> set[SourceId]:
    """Ids of the reported sources whose lease is still the one we took; locks their rows."""
    found = connection.execute(
        text(
            "select s.id from sources s join unnest(cast(:ids as bigint[]),"
            " cast(:generations as integer[])) as mine (id, generation) on s.id = mine.id"
            " and s.generation = mine.generation and s.lease_until is not null"
            " order by s.id for update of s"
        ),
        {
            "ids": [report.source.id for report in reports],
            "generations": [report.source.generation for report in reports],
        },
    ).scalars()
    return {SourceId(one) for one in found}


def _store_entries(
    connection: Connection, reports: Sequence[PollReport]
) -> dict[SourceId, tuple[int, int]]:
    """Insert what is new, update what changed; (new, changed) by source.

    A changed row makes its article due at once. Keys are sorted, so that two batches that
    meet wait for each other instead of locking each other out.
    """
    wanted = sorted(
        (
            (report.source.id, entry.key, entry, report)
            for report in reports
            for entry in report.entries
        ),
        key=lambda one: one[:2],
    )
    if not wanted:
        return {}
    found = connection.execute(
        text(
            "insert into entries as e (source_id, key, url, title, entry, raw_hash, first_seen_at,"
            " first_poll, held, due_at) select source_id, key, url, title, cast(entry as jsonb),"
            " raw_hash, at, first_poll, held, at from unnest(cast(:sources as bigint[]),"
            " cast(:keys as text[]), cast(:urls as text[]), cast(:titles as text[]),"
            " cast(:entries as text[]), cast(:hashes as text[]), cast(:ats as timestamptz[]),"
            " cast(:firsts as boolean[]), cast(:helds as boolean[]))"
            " as fresh (source_id, key, url, title, entry, raw_hash, at, first_poll, held)"
            " on conflict (source_id, key) do update set url = excluded.url,"
            " title = excluded.title, entry = excluded.entry, raw_hash = excluded.raw_hash,"
            " due_at = excluded.due_at, attempts = 0, gone_since = null"
            " where e.raw_hash <> excluded.raw_hash"
            " returning source_id, (xmax = 0) as inserted"
        ),
        {
            "sources": [source_id for source_id, *_ in wanted],
            "keys": [key for _, key, *_ in wanted],
            "urls": [entry.url for *_, entry, _ in wanted],
            "titles": [entry.title for *_, entry, _ in wanted],
            "entries": [rows.to_json(entry) for *_, entry, _ in wanted],
            "hashes": [entry.raw_hash for *_, entry, _ in wanted],
            "ats": [report.at for *_, report in wanted],
            "firsts": [report.source.first_polled_at is None for *_, report in wanted],
            "helds": [_floods(report) for *_, report in wanted],
        },
    )
    counts: dict[SourceId, tuple[int, int]] = {}
    for source_id, inserted in found:
        new, changed = counts.get(source_id, (0, 0))
        counts[source_id] = (new + 1, changed) if inserted else (new, changed + 1)
    return counts


def _floods(report: PollReport) -> bool:
    """Whether what came is held from mail: a flood, or a source that an operator must see."""
    later = report.source.first_polled_at is not None
    return report.source.held or (later and len(report.entries) > FLOOD)


def _mark_done(
    connection: Connection,
    reports: Sequence[PollReport],
    counts: dict[SourceId, tuple[int, int]],
) -> None:
    """Write every poll's end with two statements, whatever the number of sources.

    Rows that only got a new ``next_poll_at`` are by far the most: they share a narrow
    update. The rest carry what changed.
    """
    quiet = [report for report in reports if _is_quiet(report)]
    loud = [report for report in reports if not _is_quiet(report)]
    if quiet:
        connection.execute(
            text(
                "update sources s set lease_until = null, attempts = 0, last_polled_at = r.at,"
                " last_ok_at = r.at, next_poll_at = r.next from unnest(cast(:ids as bigint[]),"
                " cast(:ats as timestamptz[]), cast(:nexts as timestamptz[]))"
                " as r (id, at, next) where s.id = r.id"
            ),
            _columns(quiet, ids=lambda r: r.source.id, ats=lambda r: r.at,
                     nexts=lambda r: r.next_poll_at),
        )  # fmt: skip
    if loud:
        connection.execute(
            text(
                "update sources s set lease_until = null, attempts = 0, last_polled_at = r.at,"
                " first_polled_at = coalesce(s.first_polled_at, case when r.ok then r.at end),"
                " last_ok_at = case when r.ok then r.at else s.last_ok_at end,"
                " last_new_at = case when r.new > 0 then r.at else s.last_new_at end,"
                " failures = case when r.ok then 0 else s.failures + 1 end,"
                " usual_rows = case when r.health = 'well' and r.read then r.found"
                " else s.usual_rows end,"
                " next_poll_at = r.next, etag = r.etag, last_modified = r.modified,"
                " body_hash = r.hash, learned = coalesce(cast(r.learned as jsonb), s.learned),"
                " gap_open = r.gap, health = r.health, problem = r.problem,"
                " problem_class = r.class, held = s.held or r.held"
                " from unnest(cast(:ids as bigint[]), cast(:ats as timestamptz[]),"
                " cast(:oks as boolean[]), cast(:reads as boolean[]), cast(:news as integer[]),"
                " cast(:founds as integer[]), cast(:nexts as timestamptz[]),"
                " cast(:etags as text[]), cast(:modifieds as text[]), cast(:hashes as bytea[]),"
                " cast(:learneds as text[]), cast(:gaps as text[]), cast(:healths as text[]),"
                " cast(:problems as text[]), cast(:classes as text[]), cast(:helds as boolean[]))"
                " as r (id, at, ok, read, new, found, next, etag, modified, hash, learned, gap,"
                " health, problem, class, held) where s.id = r.id"
            ),
            _columns(
                loud,
                ids=lambda r: r.source.id,
                ats=lambda r: r.at,
                oks=lambda r: r.outcome != "failed",
                reads=lambda r: r.outcome == "read",
                news=lambda r: counts.get(r.source.id, (0, 0))[0],
                founds=lambda r: r.found,
                nexts=lambda r: r.next_poll_at,
                etags=lambda r: r.etag,
                modifieds=lambda r: r.last_modified,
                hashes=lambda r: r.body_hash,
                learneds=lambda r: rows.to_json(r.learned) if r.learned else None,
                gaps=lambda r: r.gap_open,
                healths=lambda r: r.health.value,
                problems=lambda r: r.problem,
                classes=lambda r: r.problem_class,
                helds=_floods,
            ),
        )
        _learn_gaps(connection, [r.source.id for r in loud if counts.get(r.source.id)])
    told = [r for r in reports if not _is_quiet(r) or r.source.last_polled_at is None]
    if told:
        connection.execute(
            text(
                "insert into polls (source_id, at, outcome, status, found, new, changed, pages,"
                " page_bytes, took_ms, problem, notes)"
                " select id, at, outcome, status, found, new, changed, pages, bytes, ms, problem,"
                " case when note = '' then '{}' else string_to_array(note, E'\\x1f') end"
                " from unnest(cast(:ids as bigint[]), cast(:ats as timestamptz[]),"
                " cast(:outcomes as text[]), cast(:statuses as integer[]),"
                " cast(:founds as integer[]), cast(:news as integer[]),"
                " cast(:changeds as integer[]), cast(:pages as integer[]),"
                " cast(:bytes as bigint[]), cast(:mss as integer[]), cast(:problems as text[]),"
                " cast(:notes as text[])) as r (id, at, outcome, status, found, new, changed,"
                " pages, bytes, ms, problem, note)"
            ),
            _columns(
                told,
                ids=lambda r: r.source.id,
                ats=lambda r: r.at,
                outcomes=lambda r: r.outcome,
                statuses=lambda r: r.status,
                founds=lambda r: r.found,
                news=lambda r: counts.get(r.source.id, (0, 0))[0],
                changeds=lambda r: counts.get(r.source.id, (0, 0))[1],
                pages=lambda r: r.pages,
                bytes=lambda r: r.page_bytes,
                mss=lambda r: int(r.took.total_seconds() * 1000),
                problems=lambda r: r.problem,
                notes=lambda r: "\x1f".join(r.notes),
            ),
        )


def _is_quiet(report: PollReport) -> bool:
    """Whether nothing of the source changes but its times."""
    source = report.source
    return (
        report.outcome in {"unchanged", "same"}
        and source.first_polled_at is not None
        and source.failures == 0
        and (report.etag, report.last_modified, report.body_hash, report.gap_open)
        == (source.etag, source.last_modified, source.body_hash, source.gap_open)
        and (report.health, report.problem) == (source.health, source.problem)
        and not report.entries
    )


def _columns(reports: Sequence[PollReport], **columns: object) -> dict[str, list[object]]:
    return {
        name: [read(report) for report in reports]  # type: ignore[operator]  # lambdas above
        for name, read in columns.items()
    }


def _learn_gaps(connection: Connection, ids: Iterable[SourceId]) -> None:
    """The median wait between the days and minutes on which a source showed something new."""
    wanted = list(ids)
    if not wanted:
        return
    connection.execute(
        text(
            "update sources s set usual_gap = g.gap from (select source_id,"
            " percentile_cont(0.5) within group (order by gap) as gap from (select source_id,"
            " first_seen_at - lag(first_seen_at) over (partition by source_id"
            " order by first_seen_at) as gap from (select distinct source_id, first_seen_at from"
            " (select source_id, first_seen_at, row_number() over (partition by source_id order by"
            " id desc) as n from entries where source_id = any(cast(:ids as bigint[]))) last"
            " where n <= 100) seen) gaps where gap is not null group by source_id"
            " having count(*) >= 3) g where s.id = g.source_id"
        ),
        {"ids": wanted},
    )
