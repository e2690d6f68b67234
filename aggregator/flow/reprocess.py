"""The archive read again by the extractor we have now: better records, and nobody is told.

No network is used. What a page says is a pure function of its bytes and of when they were
fetched, so reading one twice with the same extractor gives the same record (promise 10).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from aggregator.errors import SourceError
from aggregator.flow.articles import LEASE
from aggregator.flow.batching import each_on_its_own
from aggregator.model import ArticleOutcome, ArticleReport, EntryId, Page, StoredEntry
from aggregator.normalise import EXTRACTOR
from aggregator.ports import ArchiveStore, Reader

log = structlog.get_logger()

#: Pages leased and read at a time: memory does not follow the size of the archive.
BATCH = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Reprocessed:
    """What came of it: pages read, records that say something else now, pages that failed."""

    read: int = 0
    revised: int = 0
    failed: int = 0


async def reprocess(
    *,
    store: ArchiveStore,
    reader: Reader,
    clock: Callable[[], datetime],
    everything: bool = False,
    limit: int | None = None,
    seen: Callable[[int], None] | None = None,
) -> Reprocessed:
    """Extract stored pages again, the oldest entries first.

    Safe to run twice, and beside workers: an entry that somebody holds is left to the next
    run. Those that the present extractor has read are left out unless ``everything`` is
    wanted. Nothing is announced, no entry's ``updated`` moves, no look at a page is put off;
    what is printed otherwise stands in archive documents, so that consumers learn it and readers
    are not shown old notices again.

    Args:
        store: the archive.
        reader: the parser child.
        clock: UTC; for leases only.
        everything: read what the present extractor has read, too.
        limit: pages at most.
        seen: called with the size of every batch (a progress bar).
    """
    done, after = Reprocessed(), EntryId(0)
    while limit is None or done.read + done.failed < limit:
        size = BATCH if limit is None else min(BATCH, limit - done.read - done.failed)
        claimed = await asyncio.to_thread(
            store.claim_archived, after, limit=size, now=clock(), lease=LEASE,
            before=None if everything else EXTRACTOR,
        )  # fmt: skip
        if not claimed:
            break
        after = claimed[-1][0].id
        reports = [await _read(stored, page, reader, clock()) for stored, page in claimed]
        revised = await asyncio.to_thread(_record, store, reports, clock())
        failed = sum(report.draft is None for report in reports)
        done = Reprocessed(
            read=done.read + len(reports) - failed,
            revised=done.revised + revised,
            failed=done.failed + failed,
        )
        if seen:
            seen(len(reports))
    if done.read:
        await asyncio.to_thread(store.cut_feeds, "read again")
    return done


async def _read(stored: StoredEntry, page: Page, reader: Reader, now: datetime) -> ArticleReport:
    """Read one page as if it had been fetched just then."""
    try:
        _, draft = await reader.read_article(
            page, source=stored.source, entry=stored.entry, now=page.fetched_at
        )
    except SourceError as error:
        log.info("page not read again", entry=stored.id, problem=str(error))
        return ArticleReport(
            entry=stored,
            at=now,
            outcome=ArticleOutcome.REREAD,
            problem=str(error),
            problem_class=error.reason,
        )
    return ArticleReport(
        entry=stored, at=now, outcome=ArticleOutcome.REREAD, draft=draft, page=page
    )


def _record(store: ArchiveStore, reports: Sequence[ArticleReport], now: datetime) -> int:
    """Write the records; how many of them say something else now."""
    told = each_on_its_own(
        lambda some: store.record_articles(some, now),
        reports,
        instead=lambda report, error: ArticleReport(
            entry=report.entry,
            at=now,
            outcome=ArticleOutcome.REREAD,
            problem=str(error),
            problem_class=error.reason,
        ),
    )
    if told:
        log.warning("a page read again was announced", announcements=told[:10])
    return store.reread_since([report.entry.id for report in reports], now)
