"""Writing polls down: entries and the state of their sources, a handful of statements a batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from urllib.parse import urlsplit

import psycopg
from sqlalchemy import Connection, text

from aggregator.model import Entry, Health, PollReport, PollSummary, SourceId
from aggregator.store import rows

#: More new rows than this in one poll are held from mail until an operator looked (promise 11).
FLOOD = 50
#: What an entry of the batch is beside itself: its source, and the report that brought it.
Fresh = tuple[SourceId, str, Entry, PollReport]
_COPIED = ("int8", "text", "text", "text", "text", "text", "timestamptz", "bool", "bool")


def record(connection: Connection, reports: Sequence[PollReport]) -> Sequence[PollSummary]:
    """Store entries and mark polls done in the caller's transaction.

    A report whose lease was lost is left out: whoever holds the lease will report.
    """
    ours = _still_ours(connection, reports)
    kept = [report for report in reports if report.source.id in ours]
    if not kept:
        return []
    moved = _move_entries(connection, kept)
    counts = _store_entries(connection, kept)
    flooded = _hold_floods(connection, kept, counts)
    _mark_done(connection, kept, counts, flooded)
    return [
        PollSummary(
            source_id=report.source.id,
            slug=report.source.slug,
            outcome=report.outcome,
            found=report.found,
            new=counts.get(report.source.id, (0, 0))[0],
            changed=counts.get(report.source.id, (0, 0))[1],
            moved=moved.get(report.source.id, 0),
            problem=report.problem,
        )
        for report in kept
    ]


def _still_ours(connection: Connection, reports: Sequence[PollReport]) -> set[SourceId]:
    """Ids of the reported sources whose lease is still the one we took; locks their rows."""
    found = connection.execute(
        text(
            "select s.id from sources s join unnest(cast(:ids as bigint[]),"
            " cast(:generations as integer[])) as mine (id, generation) on s.id = mine.id"
            " and s.generation = mine.generation and s.lease_until is not null"
            " order by s.id for no key update of s"
        ),
        {
            "ids": [report.source.id for report in reports],
            "generations": [report.source.generation for report in reports],
        },
    ).scalars()
    return {SourceId(one) for one in found}


def _move_entries(connection: Connection, reports: Sequence[PollReport]) -> dict[SourceId, int]:
    """Let entries that stand under new addresses have these; how many, by source.

    They keep their id and their announcement. Their article is due at once under the new
    address, and what the old one answered (validators, a first 404) counts no more.
    """
    moves = sorted(
        ((report.source.id, old, entry, report.at) for report in reports
         for old, entry in report.moved),
        key=lambda move: move[:2],
    )  # fmt: skip
    if not moves:
        return {}
    found = connection.execute(
        text(
            "update entries e set key = m.key, url = m.url, title = m.title,"
            " entry = cast(m.entry as jsonb), raw_hash = m.hash, etag = null,"
            " last_modified = null, due_at = m.at, attempts = 0, gone_since = null,"
            " problem = null, problem_class = null"
            " from unnest(cast(:ids as bigint[]), cast(:olds as text[]), cast(:keys as text[]),"
            " cast(:urls as text[]), cast(:titles as text[]), cast(:entries as text[]),"
            " cast(:hashes as text[]), cast(:ats as timestamptz[]))"
            " as m (id, old, key, url, title, entry, hash, at)"
            " where e.source_id = m.id and e.key = m.old and not exists (select 1 from entries o"
            " where o.source_id = m.id and o.key = m.key) returning e.source_id"
        ),
        {
            "ids": [source_id for source_id, _, _, _ in moves],
            "olds": [old for _, old, _, _ in moves],
            "keys": [entry.key for _, _, entry, _ in moves],
            "urls": [entry.url for _, _, entry, _ in moves],
            "titles": [entry.title for _, _, entry, _ in moves],
            "entries": [rows.to_json(entry) for _, _, entry, _ in moves],
            "hashes": [entry.raw_hash for _, _, entry, _ in moves],
            "ats": [at for _, _, _, at in moves],
        },
    ).scalars()
    return dict(Counter(SourceId(one) for one in found))


def _store_entries(
    connection: Connection, reports: Sequence[PollReport]
) -> dict[SourceId, tuple[int, int]]:
    """Insert what is new, update what changed; (new, changed) by source.

    A changed row makes its article due at once, unless the law took its notice out. Keys are
    sorted, so that two batches that meet wait for each other instead of locking each other out;
    a key that a list shows twice counts once, its last row wins.
    """
    by_key = {
        (report.source.id, entry.key): (entry, report)
        for report in reports
        for entry in report.entries
    }
    if not by_key:
        return {}
    _copy(connection, [(*key, *by_key[key]) for key in sorted(by_key)])
    found = connection.execute(
        text(
            "insert into entries as e (source_id, key, url, title, entry, raw_hash, first_seen_at,"
            " first_poll, held, due_at) select source_id, key, url, title, cast(entry as jsonb),"
            " raw_hash, at, first_poll, held, at from fresh_entries order by source_id, key"
            " on conflict (source_id, key) do update set url = excluded.url,"
            " title = excluded.title, entry = excluded.entry, raw_hash = excluded.raw_hash,"
            " due_at = excluded.due_at, attempts = 0, gone_since = null"
            " where e.raw_hash <> excluded.raw_hash and not exists (select 1 from announcements a"
            " where a.id = e.announcement_id and a.removed_at is not null)"
            " returning source_id, (xmax = 0) as inserted"
        )
    )
    counts: dict[SourceId, tuple[int, int]] = {}
    for source_id, inserted in found:
        new, changed = counts.get(source_id, (0, 0))
        counts[source_id] = (new + 1, changed) if inserted else (new, changed + 1)
    return counts


def _copy(connection: Connection, fresh: Sequence[Fresh]) -> None:
    """Bring rows to a table of this session by binary COPY (PERFORMANCE.md §7: thrice unnest)."""
    raw = connection.connection.driver_connection
    assert isinstance(raw, psycopg.Connection)
    with raw.cursor() as cursor:
        cursor.execute(
            "create temp table if not exists fresh_entries (source_id bigint, key text, url text,"
            " title text, entry text, raw_hash text, at timestamptz, first_poll boolean,"
            " held boolean) on commit delete rows"
        )
        with cursor.copy(
            "copy fresh_entries (source_id, key, url, title, entry, raw_hash, at, first_poll,"
            " held) from stdin (format binary)"
        ) as copy:
            copy.set_types(_COPIED)
            for source_id, key, entry, report in fresh:
                copy.write_row(
                    (
                        source_id, key, entry.url, entry.title, rows.to_json(entry),
                        entry.raw_hash, report.at, report.source.first_polled_at is None,
                        report.source.held or report.held,
                    )
                )  # fmt: skip


def _hold_floods(
    connection: Connection,
    reports: Sequence[PollReport],
    counts: dict[SourceId, tuple[int, int]],
) -> set[SourceId]:
    """Hold from mail what came with more new rows than one poll may bring; whose they are.

    Rows that only changed are no flood, nor is what a source shows on its first poll.
    """
    flooded = {
        report.source.id: report.at
        for report in reports
        if report.source.first_polled_at is not None
        and counts.get(report.source.id, (0, 0))[0] > FLOOD
    }
    if flooded:
        connection.execute(
            text(
                "update entries e set held = true from unnest(cast(:ids as bigint[]),"
                " cast(:ats as timestamptz[])) as r (id, at) where e.source_id = r.id"
                " and e.first_seen_at = r.at"
            ),
            {"ids": list(flooded), "ats": list(flooded.values())},
        )
    return set(flooded)


def _mark_done(
    connection: Connection,
    reports: Sequence[PollReport],
    counts: dict[SourceId, tuple[int, int]],
    flooded: set[SourceId],
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
                " last_ok_at = r.at, next_poll_at = r.next,"
                " full_at = case when r.whole then r.at else s.full_at end"
                " from unnest(cast(:ids as bigint[]), cast(:ats as timestamptz[]),"
                " cast(:nexts as timestamptz[]), cast(:fulls as boolean[]))"
                " as r (id, at, next, whole) where s.id = r.id"
            ),
            _columns(quiet, ids=lambda r: r.source.id, ats=lambda r: r.at,
                     nexts=lambda r: r.next_poll_at, fulls=lambda r: r.full),
        )  # fmt: skip
    if loud:
        connection.execute(
            text(
                "update sources s set lease_until = null, attempts = 0, last_polled_at = r.at,"
                " first_polled_at = coalesce(s.first_polled_at, case when r.done then r.at end),"
                " last_ok_at = case when r.ok then r.at else s.last_ok_at end,"
                " last_new_at = case when r.new > 0 then r.at else s.last_new_at end,"
                " failures = case when r.ok then 0 else s.failures + 1 end,"
                " usual_rows = case when r.health = 'well' and r.read then r.found"
                " else s.usual_rows end,"
                " next_poll_at = r.next, etag = r.etag, last_modified = r.modified,"
                # What articles teach is written by those who read them.
                " body_hash = r.hash, learned = s.learned || coalesce(cast(r.learned as jsonb)"
                " - 'article' - 'article_next' - 'body', '{}'),"
                " gap_open = r.gap, health = r.health, problem = r.problem,"
                " problem_class = r.class, held = s.held or r.held,"
                " kind = coalesce(r.kind, s.kind),"
                " full_at = case when r.whole then r.at else s.full_at end,"
                " forwarding = case when r.done then cast(r.forwarding as jsonb)"
                " else s.forwarding end,"
                " url = case when u.url is null then s.url else u.url end,"
                " host = case when u.url is null then s.host else u.host end,"
                " redesign = coalesce(cast(r.redesign as jsonb), s.redesign)"
                " from unnest(cast(:ids as bigint[]), cast(:ats as timestamptz[]),"
                " cast(:oks as boolean[]), cast(:reads as boolean[]), cast(:news as integer[]),"
                " cast(:founds as integer[]), cast(:nexts as timestamptz[]),"
                " cast(:etags as text[]), cast(:modifieds as text[]), cast(:hashes as bytea[]),"
                " cast(:learneds as text[]), cast(:gaps as text[]), cast(:healths as text[]),"
                " cast(:problems as text[]), cast(:classes as text[]), cast(:helds as boolean[]),"
                " cast(:dones as boolean[]), cast(:kinds as text[]), cast(:redesigns as text[]),"
                " cast(:fulls as boolean[]), cast(:forwardings as text[]), cast(:urls as text[]),"
                " cast(:hosts as text[]))"
                " as r (id, at, ok, read, new, found, next, etag, modified, hash, learned, gap,"
                " health, problem, class, held, done, kind, redesign, whole, forwarding, url, host)"
                " left join lateral (select r.url, r.host where r.url is not null and not exists"
                " (select 1 from sources o where o.url = r.url)) u on true where s.id = r.id"
            ),
            _columns(
                loud,
                ids=lambda r: r.source.id,
                ats=lambda r: r.at,
                oks=_is_well_read,
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
                helds=lambda r: r.held or r.source.id in flooded,
                dones=_is_whole,
                kinds=lambda r: r.kind.value if r.kind else None,
                redesigns=lambda r: rows.to_json(r.redesign) if r.redesign else None,
                fulls=lambda r: r.full,
                forwardings=lambda r: rows.to_json(r.forwarding) if r.forwarding else None,
                urls=lambda r: r.url,
                hosts=lambda r: urlsplit(r.url).netloc.lower() if r.url else None,
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


def _is_well_read(report: PollReport) -> bool:
    """Whether a poll showed what the source has; an empty list where rows were did not."""
    doubted = report.health in {Health.EMPTY, Health.REDESIGNED} and not report.found
    return report.outcome != "failed" and not doubted


def _is_whole(report: PollReport) -> bool:
    """Whether a poll ended; a first one that broke on a later page is read on (ADR 13)."""
    first = report.source.first_polled_at is None
    return report.outcome != "failed" and not (first and report.gap_open)


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
        and report.forwarding == source.forwarding
        and not (report.entries or report.url)
    )


def _columns(
    reports: Sequence[PollReport], **columns: Callable[[PollReport], object]
) -> dict[str, list[object]]:
    return {name: [read(report) for report in reports] for name, read in columns.items()}


def _learn_gaps(connection: Connection, ids: Iterable[SourceId]) -> None:
    """The median wait between the polls that brought something new, of the last 100 entries:
    the cost does not grow with what is stored.
    """
    wanted = list(ids)
    if not wanted:
        return
    connection.execute(
        text(
            "update sources s set usual_gap = g.gap from (select source_id,"
            " percentile_cont(0.5) within group (order by gap) as gap from (select source_id,"
            " at - lag(at) over (partition by source_id order by at) as gap from (select distinct"
            " asked.id as source_id, last.first_seen_at as at"
            " from unnest(cast(:ids as bigint[])) as asked (id) cross join lateral (select"
            " first_seen_at from entries e where e.source_id = asked.id order by e.id desc"
            " limit 100) last) seen) gaps where gap is not null group by source_id"
            " having count(*) >= 3) g where s.id = g.source_id"
        ),
        {"ids": wanted},
    )
