"""A poll from claim to record: what is due, what it shows, what of that is new.

Sources come in batches, one async client for all of them. The store is asked twice a
batch, not twice a source: which entries are unseen, and here is what came of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b

import structlog

from aggregator import healing
from aggregator.errors import FetchError, OutageError, ParseError, SourceError
from aggregator.flow.batching import each_on_its_own, in_order_of_arrival
from aggregator.flow.paging import Known, Seen, page_back
from aggregator.flow.reports import POISONED_AFTER, PollRules, failed, poisoned, report_of
from aggregator.flow.requests import like, poll_request
from aggregator.model import (
    Entry,
    Health,
    KnownEntry,
    ListReading,
    Page,
    PollReport,
    PollSummary,
    Source,
    SourceId,
    SourceKind,
    Unchanged,
)
from aggregator.ports import Bell, Fetcher, PollStore, Reader
from aggregator.together import Together

log = structlog.get_logger()

#: One number each (DESIGN.md): the lease and how often it is renewed.
LEASE = timedelta(seconds=90)
RENEW_EVERY = timedelta(seconds=30)
#: A batch ends after this long whatever its hosts do; what is left over is given back.
BATCH_DEADLINE = timedelta(seconds=180)
#: Sources in one Celery message (PERFORMANCE.md §9: one per task costs 20 times as much).
BATCH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What one source's poll needs, the same for a whole batch."""

    fetch: Fetcher
    reader: Reader
    unseen: Together[tuple[Source, Sequence[Entry]], list[Entry]]
    known: Known
    clock: Callable[[], datetime]
    rules: PollRules


def ring_due(store: PollStore, bell: Bell, now: datetime, *, limit: int = 5000) -> int:
    """Hint the workers at every source that is due; how many there are.

    Sources of one host stay in one message, so that the wait between two requests to a
    host is kept by one worker. Those whose last poll never ended go alone: what ends a
    worker must not take a hundred others with it again and again (RELIABILITY row 7).
    """
    ids = store.due_sources(now, limit=limit)
    unended = store.unended(ids)
    together = [one for one in ids if one not in unended]
    for start in range(0, len(together), BATCH):
        bell.ring("polls.poll", together[start : start + BATCH])
    for one in sorted(unended):
        bell.ring("polls.poll", [one])
    return len(ids)


async def poll(
    ids: Sequence[SourceId],
    *,
    store: PollStore,
    fetch: Fetcher,
    reader: Reader,
    bell: Bell,
    clock: Callable[[], datetime],
    rules: PollRules,
    even_if_not_due: bool = False,
    seen: Callable[[PollSummary], None] | None = None,
) -> list[PollSummary]:
    """Claim those of the sources that are due, look at each, and record what came of it.

    Safe to run twice: a second claim finds nothing due, and a report whose lease was lost
    is not recorded. ``seen`` is called for every recorded summary (a progress bar).
    """
    claimed = await asyncio.to_thread(
        store.claim_sources, ids, clock(), lease=LEASE, even_if_not_due=even_if_not_due
    )
    open_leases = {source.id: source for source in claimed}
    summaries: list[PollSummary] = []

    def record(reports: list[PollReport]) -> None:
        fresh = each_on_its_own(
            store.record_polls,
            reports,
            instead=lambda report, error: failed(
                report.source, SourceError(str(error)), clock(), rules
            ),
        )
        for report in reports:
            open_leases.pop(report.source.id, None)
        for summary in fresh:
            log.debug(
                "polled",
                source=summary.slug,
                outcome=summary.outcome,
                found=summary.found,
                new=summary.new,
                problem=summary.problem,
            )
            if seen:
                seen(summary)
        _raise_alarms(reports, fresh)
        summaries.extend(fresh)
        if any(summary.new or summary.changed for summary in fresh):
            bell.ring("articles.tick")

    look = _Look(
        fetch=fetch,
        reader=reader,
        unseen=Together(_ask_unseen(store)),
        known=_ask_known(store, clock),
        clock=clock,
        rules=rules,
    )
    keeper = asyncio.create_task(_keep_leases(store, open_leases, clock))
    try:
        async with asyncio.timeout(BATCH_DEADLINE.total_seconds()):
            await in_order_of_arrival(
                [_poll_one(source, look) for source in claimed], record=record
            )
    except TimeoutError:
        left = list(open_leases.values())
        log.warning("batch out of time", left=len(left), sources=[s.slug for s in left[:10]])
    finally:
        keeper.cancel()
        with suppress(asyncio.CancelledError):
            await keeper
        if open_leases:  # out of time, or the store is: no fault of these sources
            await asyncio.to_thread(store.release_sources, list(open_leases.values()))
    return summaries


def _ask_unseen(
    store: PollStore,
) -> Callable[[Sequence[tuple[Source, Sequence[Entry]]]], Awaitable[list[list[Entry]]]]:
    async def ask(questions: Sequence[tuple[Source, Sequence[Entry]]]) -> list[list[Entry]]:
        pairs = [(source.id, entry) for source, entries in questions for entry in entries]
        fresh = await asyncio.to_thread(store.unseen, pairs)
        by_source: dict[SourceId, set[str]] = {}
        for source_id, entry in fresh:
            by_source.setdefault(source_id, set()).add(entry.key)
        return [
            [entry for entry in entries if entry.key in by_source.get(source.id, ())]
            for source, entries in questions
        ]

    return ask


def _ask_known(store: PollStore, clock: Callable[[], datetime]) -> Known:
    async def ask(source: Source) -> Sequence[KnownEntry]:
        since = clock() - healing.KNOWN_FOR
        return await asyncio.to_thread(store.known_entries, source.id, since)

    return ask


def _raise_alarms(reports: Sequence[PollReport], recorded: Sequence[PollSummary]) -> None:
    """Say aloud, once, what an operator has to look at, and what healed by itself."""
    ours = {summary.source_id for summary in recorded}
    for report in reports:
        if report.source.id not in ours:
            continue
        if report.health is Health.REDESIGNED and report.source.health is not Health.REDESIGNED:
            log.warning("alarm", source=report.source.slug, problem=report.problem)
        if report.redesign:
            log.info(
                "redesigned", source=report.source.slug, told=healing.in_words(report.redesign)
            )


async def _keep_leases(
    store: PollStore, open_leases: dict[SourceId, Source], clock: Callable[[], datetime]
) -> None:
    while True:
        await asyncio.sleep(RENEW_EVERY.total_seconds())
        if open_leases:
            await asyncio.to_thread(
                store.renew_sources, list(open_leases.values()), clock() + LEASE
            )


async def _poll_one(source: Source, look: _Look) -> PollReport:
    """Look at one source; whatever happens becomes a report, harming nobody else."""
    try:
        if source.attempts > POISONED_AFTER:
            return failed(source, poisoned(source), look.clock(), look.rules)
        return await _read_source(source, look)
    except SourceError as error:
        return failed(source, error, look.clock(), look.rules)
    except OutageError:
        raise  # the whole batch is looked at again when its leases end
    except Exception as error:  # the catch-all for bugs: written on the source, with traceback
        log.exception("poll failed by a bug of ours", source=source.slug)
        ours = SourceError(f"{source.slug}: a bug of ours ({error!r}); it is in the log")
        return failed(source, ours, look.clock(), look.rules)


async def _read_source(source: Source, look: _Look) -> PollReport:
    answer = await look.fetch.get(poll_request(source, look.clock()))
    now = look.clock()
    gap = bool(source.gap_open)
    if isinstance(answer, Unchanged):
        seen = await _page_back(source, look, None) if gap else None
        return report_of(source, look.rules, answer, "unchanged", seen=seen, now=now)
    digest = blake2b(answer.body, digest_size=16).digest()
    if digest == source.body_hash and not gap:
        return report_of(source, look.rules, answer, "same", body_hash=digest, now=now)
    kind, reading = await _read_list(answer, source, look, now)
    indirect = not reading.entries and reading.next is not None
    if indirect and reading.next:
        # The page is a shell, its rows come from elsewhere: the two together are what may have
        # changed, and the shell's validators would hide news.
        rows = await look.fetch.get(like(source, reading.next))
        if isinstance(rows, Unchanged):
            raise FetchError(
                f"{rows.url}: 304 to a request without validators", reason="protocol", url=rows.url
            )
        digest = blake2b(answer.body + rows.body, digest_size=16).digest()
        answer = replace(rows, etag=None, last_modified=None, moved_to=answer.moved_to)
        if digest == source.body_hash and not gap:
            return report_of(source, look.rules, answer, "same", body_hash=digest, now=now)
        told = replace(source, kind=kind, learned=reading.learned)
        shell, reading = reading, await look.reader.read_list(rows, source=told, now=now)
        reading = replace(reading, learned=shell.learned)
    seen = await _page_back(replace(source, kind=kind), look, (answer, reading))
    change = healing.redesign_of(
        source, reading, kind=kind, moved=len(seen.moved), known=seen.known, now=now
    )  # fmt: skip
    return report_of(
        source, look.rules, answer, "read", seen=seen, body_hash=digest, now=now,
        reading=reading, kind=kind, change=change,
    )  # fmt: skip


async def _read_list(
    page: Page, source: Source, look: _Look, now: datetime
) -> tuple[SourceKind, ListReading]:
    """Read a page as what its source is; where that does not fit any more, as what it is now."""
    failure, reading = None, None
    try:
        reading = await look.reader.read_list(page, source=source, now=now)
    except ParseError as error:
        if error.reason != "parse":
            raise
        failure = error
    told = source.settings.selectors.rows
    if reading and told and source.kind is not SourceKind.COLUMN:
        reading = replace(reading, missed=("rows",))
    if reading and ((told and not reading.missed) or _fits(source, reading)):
        return source.kind, reading
    kind, other = await look.reader.detect(page, now=now)
    if kind is not source.kind and (other.entries or other.next):
        kept = replace(other.learned, article=source.learned.article)
        return kind, replace(other, learned=kept, missed=("rows",) if told else ())
    if reading is None:
        assert failure
        raise failure
    return source.kind, reading


def _fits(source: Source, reading: ListReading) -> bool:
    """Whether a page looks like what its source is, selectors of the operator's aside."""
    shown = bool(reading.entries or reading.next)
    return shown and reading.kind is source.kind and not reading.relearned


async def _page_back(source: Source, look: _Look, first: tuple[Page, ListReading] | None) -> Seen:
    return await page_back(
        source,
        first,
        fetch=look.fetch,
        reader=look.reader,
        unseen=look.unseen,
        known=look.known,
        clock=look.clock,
    )
