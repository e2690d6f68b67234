"""What is reported of a poll: judged from what was seen, with what an operator has to know."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from aggregator import healing, schedule
from aggregator.errors import FetchError, SourceError
from aggregator.flow.paging import LATER_PAGES, Seen, gap_text
from aggregator.model import (
    Health,
    ListReading,
    Page,
    PollReport,
    Redesign,
    Source,
    SourceKind,
    Unchanged,
)

#: Claims without a record after which a source is set aside instead of tried (RELIABILITY row 7).
POISONED_AFTER = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class PollRules:
    """Numbers that the settings may change."""

    floor: timedelta = timedelta(minutes=30)
    ceiling: timedelta = timedelta(days=1)
    delay_seconds: float = 2.0


def report_of(
    source: Source,
    rules: PollRules,
    answer: Page | Unchanged,
    outcome: str,
    *,
    now: datetime,
    seen: Seen | None = None,
    body_hash: bytes | None = None,
    reading: ListReading | None = None,
    kind: SourceKind | None = None,
    change: Redesign | None = None,
) -> PollReport:
    """A poll that was answered: what it brought, how the source is doing, when to look again."""
    found = seen.found if seen else source.usual_rows
    new = len(seen.fresh) if seen else 0
    health, problem = schedule.judge_health(
        source, now=now, found=found if outcome == "read" else None, new=new
    )
    strange = change is not None and not change.healed
    if reading and reading.missed:
        problem = healing.selectors_missed(source, reading)
        if not reading.entries or strange:
            health = Health.REDESIGNED
    elif change and strange and reading:
        words = healing.not_carried_on(source, change, reading.entries[0].title)
        health, problem = Health.REDESIGNED, words
    elif source.held and source.redesign and not (source.redesign.healed or change) and found:
        health, problem = Health.REDESIGNED, source.problem
    notes = seen.notes if seen else ()
    if change and not strange:
        notes = (*notes, healing.in_words(change))
    forwarding, address = healing.forwarding_of(source, answer.moved_to, now)
    if address:
        notes = (*notes, f"moved for good: {source.url} → {address}")
    if forwarding and not problem:
        problem = healing.proposal(source, forwarding, now)
    if seen and seen.gaps and not problem:
        why = (
            "a page of the list could not be read"
            if seen.broken
            else f"more than {LATER_PAGES} pages of new rows"
        )
        problem = f"gap open: {why}; reading goes on at the next poll"
    # An empty list where there were rows is not believed: its validators are not kept, so
    # that the next poll reads it again in full. Nor with selectors that name nothing: their note stays.
    doubt = health in (Health.EMPTY, Health.REDESIGNED) or bool(reading and reading.missed)
    unchanged = isinstance(answer, Unchanged)
    return PollReport(
        source=source,
        at=now,
        outcome=outcome,
        status=answer.status if isinstance(answer, Page) else 304,
        found=found,
        entries=seen.fresh if seen else (),
        moved=seen.moved if seen else (),
        pages=seen.pages if seen else 1,
        page_bytes=seen.page_bytes if seen else 0,
        took=answer.took,
        etag=None if doubt else answer.etag or (source.etag if unchanged else None),
        last_modified=None
        if doubt
        else answer.last_modified or (source.last_modified if unchanged else None),
        body_hash=None if doubt else body_hash or source.body_hash,
        learned=seen.learned if seen else None,
        gap_open=gap_text(seen.gaps) if seen else None,
        health=health,
        problem=problem,
        problem_class="gap"
        if problem and seen and seen.gaps
        else (health.value if problem else None),
        notes=notes,
        kind=kind if found and kind is not source.kind else None,
        redesign=change,
        held=strange,
        forwarding=forwarding,
        url=address,
        full=isinstance(answer, Page),
        next_poll_at=schedule.next_poll_at(
            now,
            source_id=source.id,
            usual_gap=source.usual_gap,
            failures=0,
            limits=_limits(source, rules),
            ttl=(seen.ttl if seen else None) or answer.max_age,
        ),
    )


def failed(source: Source, error: SourceError, now: datetime, rules: PollRules) -> PollReport:
    """A poll that came to nothing, and when the source is looked at again."""
    retry_after = error.retry_after if isinstance(error, FetchError) else None
    health = schedule.health_of_failure(error.reason)
    return PollReport(
        source=source,
        at=now,
        outcome="failed",
        status=error.status if isinstance(error, FetchError) else None,
        etag=source.etag,
        last_modified=source.last_modified,
        body_hash=source.body_hash,
        gap_open=source.gap_open,
        health=health,
        problem=str(error),
        problem_class=error.reason,
        next_poll_at=schedule.next_poll_at(
            now,
            source_id=source.id,
            usual_gap=source.usual_gap,
            failures=source.failures + 1,
            limits=_limits(source, rules),
            retry_after=retry_after,
            blocked=health is Health.BLOCKED,
        ),
    )


def poisoned(source: Source) -> SourceError:
    """Why a source that ended its workers is set aside."""
    return SourceError(
        f"{source.slug}: reading it ended its worker {POISONED_AFTER} times; set aside for a "
        f'while, see "quxun sources test {source.url}"'
    )


def _limits(source: Source, rules: PollRules) -> schedule.PollLimits:
    floor = source.settings.floor_seconds
    shortest = timedelta(seconds=floor) if floor else rules.floor
    return schedule.PollLimits(shortest=shortest, longest=max(rules.ceiling, shortest))
