"""The end of the journals: what was sent, planned, done and ended is kept for 400 days.

A few small batches a call, each in a transaction of its own, found by number and not by time: so
no index is kept for this alone, and a journal of years is gone through in turns. What could still
be owed, changed or sent keeps its rows: nothing is told twice because its record is gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, Engine, text

from aggregator.store import recall
from aggregator.store.further import TOLD_FOR
from aggregator.store.matches import LOOK_BACK

#: RELIABILITY.md §Security model: the delivery journal, and what stands beside it.
KEEP: Final = timedelta(days=400)
#: Rows looked at in one transaction, and transactions of one journal in a call.
BATCH: Final = 1_000
BATCHES: Final = 10
#: Ledger rows deleted in one transaction: a notice may have gone to everybody.
AT_ONCE: Final = 5_000
#: How often one process looks, and how long a journal is left alone that was gone through.
EVERY: Final = timedelta(minutes=1)
REST: Final = timedelta(hours=12)
#: Any number will do; it must only never change.
_LOCK: Final = 7_405_119

#: Each journal: when a row of it was written last, and that nobody needs it any more.
_JOURNALS: Final[Mapping[str, tuple[str, str]]] = {
    "outbox": (
        "greatest(j.created_at, j.sent_at, j.answered_at)",
        "j.state in ('sent', 'failed', 'merged') or (j.state = 'ambiguous' and j.due_at > '9000-01-01')",
    ),
    # After its mails.
    "runs": (
        "j.due_at",
        "j.held is null and not exists (select 1 from outbox o where o.run_id = j.id)",
    ),
    "audit": ("j.at", "true"),
    "endings": ("j.at", "true"),
    "alarms": ("j.cleared_at", "true"),
}
#: That an announcement may still be told of: its deadline is open, it was announced or changed a
#: short while ago, or nobody was told yet.
_OPEN: Final = (
    "a.novelty = 'held' or coalesce(a.deadline_on >= cast(:now as timestamptz)::date - 1, false)"
    " or a.announced_at >= :since or a.changed_at >= :since"
    " or exists (select 1 from deadlines d where d.announcement_id = a.id"
    " and d.cancelled_at is null and d.day >= cast(:now as timestamptz)::date - 1)"
    " or exists (select 1 from revisions r where r.announcement_id = a.id and r.at >= :told_since)"
)


class Pruning:
    """Prunes the journals, a little at a time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._looked_at: datetime | None = None

    def prune(self, now: datetime) -> None:
        """Delete what is over, as far as one call goes; may be asked every few seconds."""
        if self._looked_at is not None and abs(now - self._looked_at) < EVERY:
            return
        for journal in _JOURNALS:
            self._in_turns(journal, now)
        self._in_turns("ledger", now)
        with self._engine.begin() as connection:
            recall.prune(connection, now)
        self._looked_at = now  # what failed is tried again at once, and is seen to fail

    def _in_turns(self, journal: str, now: datetime) -> None:
        for _ in range(BATCHES):
            with self._engine.begin() as connection:
                alone = connection.execute(
                    text("select pg_try_advisory_xact_lock(:lock)"), {"lock": _LOCK}
                ).scalar_one()
                step = _ledger if journal == "ledger" else _journal
                if (
                    not alone
                    or _rests(connection, journal, now)
                    or not step(connection, journal, now)
                ):
                    return


def _journal(connection: Connection, journal: str, now: datetime) -> bool:
    """Look at the next rows of a journal; whether there may be more that are over."""
    at, over = _JOURNALS[journal]
    found = connection.execute(
        text(
            f"select j.id, coalesce({at} < :before, false) as old,"
            f" case when {at} < :before then {over} else false end as over"
            f" from {journal} j where j.id > :after order by j.id limit :batch"
        ),
        {"before": now - KEEP, "after": _place(connection, journal), "batch": BATCH},
    ).all()
    gone = [row.id for row in found if row.over]
    if gone:
        connection.execute(text(f"delete from {journal} where id = any(:ids)"), {"ids": gone})
    more = any(row.old for row in found)
    _go_on(connection, journal, found[-1].id if more else 0, now)
    return more


def _ledger(connection: Connection, journal: str, now: datetime) -> bool:
    """Forget to whom the next announcements went that are over; whether there may be more."""
    values = {
        "before": now - KEEP, "now": now, "since": now - LOOK_BACK, "told_since": now - TOLD_FOR,
        "after": _place(connection, journal), "batch": BATCH, "at_once": AT_ONCE,
    }  # fmt: skip
    found = connection.execute(
        text(
            "select a.id, a.announced_at < :before as old,"
            f" case when a.announced_at < :before then not ({_OPEN}) else false end as over"
            " from announcements a where a.id > :after order by a.id limit :batch"
        ),
        values,
    ).all()
    gone = [row.id for row in found if row.over]
    if gone:
        deleted = connection.execute(
            text(
                "delete from ledger where ctid = any(array(select l.ctid from ledger l"
                " where l.announcement_id = any(cast(:ids as bigint[])) and l.at < :before"
                # All that was told of it to one reader goes together.
                " and not exists (select 1 from ledger k where k.subscriber_id = l.subscriber_id"
                " and k.announcement_id = l.announcement_id and k.at >= :before)"
                " limit :at_once))"
            ),
            {**values, "ids": gone},
        ).rowcount
        if deleted == AT_ONCE:
            return True
    more = any(row.old for row in found)
    _go_on(connection, journal, found[-1].id if more else 0, now)
    return more


def _place(connection: Connection, journal: str) -> int:
    """The last number that was looked at; 0 at the beginning."""
    found = connection.execute(
        text("select last_id from pruned where journal = :journal"), {"journal": journal}
    ).scalar()
    return found or 0


def _rests(connection: Connection, journal: str, now: datetime) -> bool:
    """Whether a journal was gone through a short while ago: what is old in it stays for a reason."""
    return bool(
        connection.execute(
            text(
                "select last_id = 0 and done_at > cast(:since as timestamptz) from pruned"
                " where journal = :journal"
            ),
            {"journal": journal, "since": now - REST},
        ).scalar()
    )


def _go_on(connection: Connection, journal: str, last: int, now: datetime) -> None:
    connection.execute(
        text(
            "insert into pruned (journal, last_id, done_at) values (:journal, :last, :now)"
            " on conflict (journal) do update set last_id = excluded.last_id,"
            " done_at = excluded.done_at"
        ),
        {"journal": journal, "last": last, "now": now},
    )
