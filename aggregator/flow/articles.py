"""An entry's article from claim to announcement, and the looks taken at it again later."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from aggregator import healing
from aggregator.errors import FetchError, OutageError, SourceError
from aggregator.flow.batching import each_on_its_own, in_order_of_arrival
from aggregator.flow.requests import like
from aggregator.model import (
    AnnouncementId,
    ArticleOutcome,
    ArticleReport,
    EntryId,
    Request,
    StoredEntry,
    Unchanged,
)
from aggregator.ports import ArticleStore, Bell, Fetcher, Reader

log = structlog.get_logger()

#: One number each (DESIGN.md): the lease and how often it is renewed.
LEASE = timedelta(seconds=90)
RENEW_EVERY = timedelta(seconds=30)
BATCH = 50
BATCH_DEADLINE = timedelta(seconds=150)
#: An entry becomes an announcement from its row alone after this many tries or this long.
TRIES = 3
PATIENCE = timedelta(hours=2)
#: Looks without any end after which an entry is set aside (RELIABILITY row 7), and for how long.
SET_ASIDE_AFTER = 6
ASIDE = timedelta(days=1)
#: An article is read again this long after it was first seen: edits and withdrawals (DESIGN 4).
READ_AGAIN = (
    timedelta(hours=1),
    timedelta(days=1),
    timedelta(days=3),
    timedelta(days=7),
    timedelta(days=30),
)
#: Two 404s at least this far apart withdraw an announcement.
GONE_FOR = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    fetch: Fetcher
    reader: Reader
    clock: Callable[[], datetime]


def ring_due(store: ArticleStore, bell: Bell, now: datetime, *, limit: int = 1000) -> int:
    """Hint the workers at every article that is due; how many there are."""
    ids = store.due_entries(now, limit=limit)
    for start in range(0, len(ids), BATCH):
        bell.ring("articles.read", list(ids[start : start + BATCH]))
    return len(ids)


async def read_articles(
    ids: Sequence[EntryId],
    *,
    store: ArticleStore,
    fetch: Fetcher,
    reader: Reader,
    bell: Bell,
    clock: Callable[[], datetime],
) -> list[AnnouncementId]:
    """Claim those of the entries that are due, read their articles, record what they say.

    Safe to run twice. Answers the announcements that are new or changed in substance.
    """
    claimed = await asyncio.to_thread(store.claim_entries, ids, clock(), lease=LEASE)
    open_leases = {stored.id: stored for stored in claimed}
    changed: list[AnnouncementId] = []

    def record(reports: list[ArticleReport]) -> None:
        fresh = each_on_its_own(
            lambda some: store.record_articles(some, clock()),
            reports,
            instead=lambda report, error: _retry(report.entry, clock(), str(error), error.reason),
        )
        for report in reports:
            open_leases.pop(report.entry.id, None)
        changed.extend(fresh)
        if fresh:
            bell.ring("mail.plan")
            bell.ring("push.deliver")

    look = _Look(fetch=fetch, reader=reader, clock=clock)
    keeper = asyncio.create_task(_keep_leases(store, open_leases, clock))
    try:
        async with asyncio.timeout(BATCH_DEADLINE.total_seconds()):
            await in_order_of_arrival(
                [_read_one(stored, look) for stored in claimed], record=record
            )
    except TimeoutError:
        left = list(open_leases.values())
        log.warning("article batch out of time", left=len(left))
        await asyncio.to_thread(
            record, [_retry(stored, clock(), "its turn did not come", "timeout") for stored in left]
        )
    finally:
        keeper.cancel()
        with suppress(asyncio.CancelledError):
            await keeper
    return changed


async def _keep_leases(
    store: ArticleStore, open_leases: dict[EntryId, StoredEntry], clock: Callable[[], datetime]
) -> None:
    while True:
        await asyncio.sleep(RENEW_EVERY.total_seconds())
        if open_leases:
            await asyncio.to_thread(
                store.renew_entries, list(open_leases.values()), clock() + LEASE
            )


async def _read_one(stored: StoredEntry, look: _Look) -> ArticleReport:
    """Read one article; whatever happens becomes a report, harming nobody else."""
    if stored.attempts > SET_ASIDE_AFTER:
        words = f"looked at {SET_ASIDE_AFTER} times without an end; set aside for a day"
        return replace(_retry(stored, look.clock(), words, "poison"), due_at=look.clock() + ASIDE)
    try:
        return await _read(stored, look)
    except SourceError as error:
        failure = error
    except OutageError:
        raise  # the whole batch is looked at again when its leases end
    except Exception as error:  # the catch-all for bugs: recorded on the entry, with traceback
        log.exception("article failed by a bug of ours", entry=stored.id)
        failure = SourceError(f"a bug of ours ({error!r})")
    try:
        return await _failed(stored, failure, look)
    except SourceError as error:  # not even the row could be read
        return _retry(stored, look.clock(), str(error), error.reason)
    except OutageError:
        raise
    except Exception as error:  # as above
        log.exception("row failed by a bug of ours", entry=stored.id)
        return _retry(stored, look.clock(), f"a bug of ours ({error!r})", "bug")


async def _read(stored: StoredEntry, look: _Look) -> ArticleReport:
    source, entry = stored.source, stored.entry
    if not entry.url:
        return await _row_only(stored, look, None, None)
    request = Request(url=entry.url, etag=stored.etag, last_modified=stored.last_modified)
    answer = await look.fetch.get(like(source, request))
    now = look.clock()
    if isinstance(answer, Unchanged):
        return ArticleReport(
            entry=stored,
            at=now,
            outcome=ArticleOutcome.UNCHANGED,
            etag=answer.etag or stored.etag,
            last_modified=answer.last_modified or stored.last_modified,
            due_at=read_again_at(stored, now),
        )
    article, draft = await look.reader.read_article(answer, source=source, entry=entry, now=now)
    missed = healing.article_selectors_missed(source, article) if article.missed else None
    return ArticleReport(
        entry=stored,
        at=now,
        outcome=ArticleOutcome.READ,
        draft=draft,
        page=answer,
        etag=answer.etag,
        last_modified=answer.last_modified,
        due_at=read_again_at(stored, now),
        shape=article.shape,
        shape_kept=article.shape_kept,
        problem=missed,
        problem_class="selector" if missed else None,
    )


async def _failed(stored: StoredEntry, error: SourceError, look: _Look) -> ArticleReport:
    """A 404 of a known article is the first step to withdrawal; all else is tried again,
    and at last the row speaks for itself.
    """
    now = look.clock()
    status = error.status if isinstance(error, FetchError) else None
    if stored.announcement_id and status in (404, 410):
        if _moved_away(stored):
            words = f"{error}; its address is gone since the portal was redesigned"
            return replace(_retry(stored, now, words, "moved"), due_at=None)
        if stored.gone_since and now - stored.gone_since >= GONE_FOR and _is_credible(stored):
            return ArticleReport(
                entry=stored,
                at=now,
                outcome=ArticleOutcome.WITHDRAWN,
                due_at=read_again_at(stored, now),  # it may come back
                gone_since=stored.gone_since,
                problem=str(error),
                problem_class=error.reason,
            )
        since = stored.gone_since or now
        due_at = since + GONE_FOR
        return ArticleReport(
            entry=stored,
            at=now,
            outcome=ArticleOutcome.GONE_ONCE,
            gone_since=since,
            due_at=due_at if due_at > now else now + GONE_FOR,
            problem=str(error),
            problem_class=error.reason,
        )
    if stored.announcement_id:
        return _retry(stored, now, str(error), error.reason)
    if stored.attempts >= TRIES or now - stored.first_seen_at >= PATIENCE:
        return await _row_only(stored, look, str(error), error.reason)
    return _retry(stored, now, str(error), error.reason)


def _moved_away(stored: StoredEntry) -> bool:
    """Whether the notice stood on the portal's old pages, whose addresses are all gone."""
    change = stored.source.redesign
    return (
        change is not None and change.what == "addresses" and stored.first_seen_at < change.at
        and (stored.read_at is None or stored.read_at < change.at)
    )  # fmt: skip


def _is_credible(stored: StoredEntry) -> bool:
    """Whether a portal that answers 404 is well: its list was read since the first of them.

    When a whole portal moves, list and articles are gone together; that withdraws nothing.
    """
    read_at, since = stored.source.last_ok_at, stored.gone_since
    return read_at is not None and since is not None and read_at >= since


def _retry(stored: StoredEntry, now: datetime, problem: str, reason: str) -> ArticleReport:
    if stored.announcement_id:
        due_at = read_again_at(stored, now)
    else:
        due_at = now + timedelta(minutes=min(2 ** max(stored.attempts - 1, 0), 30))
    return ArticleReport(
        entry=stored,
        at=now,
        outcome=ArticleOutcome.RETRY,
        due_at=due_at,
        problem=problem,
        problem_class=reason,
    )


async def _row_only(
    stored: StoredEntry, look: _Look, problem: str | None, reason: str | None
) -> ArticleReport:
    """Let the row speak: what is published must not wait for ever for its article."""
    now = look.clock()
    draft = await look.reader.draft_row(stored.entry, source=stored.source, now=now)
    return ArticleReport(
        entry=stored,
        at=now,
        outcome=ArticleOutcome.ROW_ONLY,
        draft=draft,
        due_at=read_again_at(stored, now) if stored.entry.url else None,
        problem=problem,
        problem_class=reason,
    )


def read_again_at(stored: StoredEntry, now: datetime) -> datetime | None:
    """When to look at an article again, or None after its thirty days.

    Counted from its first sight; looks that were missed are not made up for.
    """
    due = (stored.first_seen_at + wait for wait in READ_AGAIN)
    return next((at for at in due if at > now), None)
