"""What the bench of faults asks of the service's books, and the news that it writes there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, text

from quxun.bench.verdict import Book, Pair

#: Nothing will be done with a row any more; what is in doubt for good is left to an operator.
_OVER = "state in ('sent', 'failed', 'merged') or (state = 'ambiguous' and due_at = 'infinity')"
LEFT = text(
    f"select (select count(*) from outbox where not ({_OVER})), (select count(*) from ledger)"  # noqa: S608  # our own words
)
_BOOKS = text(
    "select id, message_id, recipient, subscriber_id, state, was_ambiguous, answer,"  # noqa: S608  # our own words
    f" ({_OVER}) as over from outbox where run_id is not null"
)


def publish(connection: Connection, chosen: int, codes: Sequence[str], at: datetime) -> None:
    """Announce a notice, once however often this is tried."""
    connection.execute(
        text(
            "update announcements set announced_change = null, announced_at = :at,"
            " first_seen_at = :at, posted_at = :at, sort_at = :at, region_roll = :codes"
            " where id = :id and first_seen_at <> :at"
        ),
        {"id": chosen, "at": at, "codes": list(codes)},
    )


def under_way(connection: Connection) -> tuple[bool, bool]:
    """Whether a run is being planned, and whether mails are being sent."""
    row = connection.execute(
        text(
            "select exists (select 1 from runs where planned_at is null),"
            " exists (select 1 from outbox where waiting and state = 'handed')"
        )
    ).one()
    return bool(row[0]), bool(row[1])


def books(connection: Connection) -> list[Book]:
    """What the outbox says of every mail of a run."""
    found = connection.execute(_BOOKS)
    return [
        Book(
            mail_id=row.id, message_id=row.message_id, recipient=row.recipient,
            subscriber_id=row.subscriber_id, state=row.state, was_ambiguous=row.was_ambiguous,
            answer=row.answer or "", over=row.over,
        )
        for row in found
    ]  # fmt: skip


def ledger(connection: Connection) -> dict[int, set[Pair]]:
    """What the ledger says that each mail told whom of."""
    said: dict[int, set[Pair]] = defaultdict(set)
    for mail, whose, uuid in connection.execute(
        text(
            "select l.mail_id, l.subscriber_id, a.uuid from ledger l"
            " join announcements a on a.id = l.announcement_id"
        )
    ):
        said[mail].add((whose, str(uuid)))
    return said
