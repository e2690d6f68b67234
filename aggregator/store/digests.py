"""Runs and the ledger: who is owed what, and that it went out once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, text

from aggregator.model import (
    Announcement,
    Coverage,
    Frequency,
    Mail,
    Novelty,
    Run,
    RunId,
    Selection,
    Subscriber,
    SubscriberId,
    SubscriptionState,
)
from aggregator.store import outbox, sources
from aggregator.store.announcements import with_sightings
from aggregator.store.subscribers import with_subscriptions
from aggregator.store.where import where

#: Candidates are looked up this far back by stored time (DESIGN.md, promise 8).
LOOK_BACK = timedelta(days=35)
#: What is mailed; the rest is left out by a rule of that name (promise 11).
MAILED = (Novelty.NEWS.value, Novelty.LATE_NEWS.value)
#: No transaction lasts longer than this between its time stamp and its commit.
SEAM = "5 minutes"
#: The slots in which runs fall due.
SLOT = timedelta(minutes=15)


class Digests:
    """Implements ``ports.DigestStore``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def open_run(self, frequency: Frequency, due_at: datetime) -> Run | None:
        """The run of that slot, made if need be; None when it is planned already."""
        with self._engine.begin() as connection:
            row = connection.execute(
                text(
                    "insert into runs (frequency, due_at) values (:frequency, :due)"
                    " on conflict (frequency, due_at) do update set due_at = excluded.due_at"
                    " returning id, planned_at"
                ),
                {"frequency": frequency, "due": due_at},
            ).one()
        if row.planned_at is not None:
            return None
        return Run(id=RunId(row.id), frequency=frequency, due_at=due_at)

    def planned_slots(self, frequency: Frequency, since: datetime) -> Sequence[datetime]:
        """Due times since then whose runs are planned already."""
        with self._engine.connect() as connection:
            return list(
                connection.execute(
                    text(
                        "select due_at from runs where frequency = :frequency and due_at >= :since"
                        " and planned_at is not null"
                    ),
                    {"frequency": frequency, "since": since},
                ).scalars()
            )

    def first_run_at(self) -> datetime | None:
        """When the first subscriber confirmed: no run before that can owe anything."""
        with self._engine.connect() as connection:
            return connection.execute(text("select min(confirmed_at) from subscribers")).scalar()

    def subscribers_due(
        self, run: Run, *, after: SubscriberId | None, limit: int
    ) -> Sequence[Subscriber]:
        """Confirmed, not suppressed subscribers with an active subscription of the run's
        frequency whose hour (and weekday) falls into its quarter of an hour, by id.
        """
        local = "(cast(:due as timestamptz) at time zone p.timezone)"
        slot = (
            f"extract(hour from {local}) = p.hour"
            f" and extract(minute from {local}) / 15 >= floor(p.minute / 15.0)"
            f" and extract(minute from {local}) / 15 < floor(p.minute / 15.0) + 1"
        )
        when = {
            Frequency.IMMEDIATE: "true",
            Frequency.DAILY: slot,
            Frequency.WEEKLY: f"{slot} and extract(isodow from {local}) = p.weekday + 1",
        }[run.frequency]
        with self._engine.connect() as connection:
            people = (
                connection.execute(
                    text(
                        "select p.*, cast(null as text) as suppressed from subscribers p"
                        " where p.id > :after and p.state = 'confirmed' and exists (select 1 from"
                        " subscriptions n where n.subscriber_id = p.id and n.state = 'active'"
                        " and n.frequency = :frequency) and not exists (select 1 from suppressions"
                        f" x where x.email_key = p.email_key) and {when}"
                        " order by p.id limit :limit"
                    ),
                    {
                        "after": after or 0,
                        "frequency": run.frequency,
                        "due": run.due_at,
                        "limit": limit,
                    },
                )
                .mappings()
                .all()
            )
            return with_subscriptions(connection, people)

    def owed(
        self, subscriber: Subscriber, frequency: Frequency, now: datetime
    ) -> Sequence[Announcement]:
        """What is announced and matches a wish of that frequency, less the ledger.

        A set, not a window: what was stored late or out of order is owed until it is in
        the ledger, up to 35 days back.
        """
        wishes = [
            one
            for one in subscriber.subscriptions
            if one.frequency == frequency and one.state is SubscriptionState.ACTIVE
        ]
        if not wishes or subscriber.suppressed:
            return []
        alternatives: list[str] = []
        values: dict[str, object] = {
            "subscriber": subscriber.id,
            "since": now - LOOK_BACK,
            "mailed": list(MAILED),
        }
        for number, one in enumerate(wishes):
            condition, more = where(one.wish.filter, prefix=f"w{number}_")
            alternatives.append(f"({_while_active(number)} and {condition})")
            values.update(more)
            values[f"w{number}_from"] = one.active_from
            values[f"w{number}_id"] = one.id
        with self._engine.connect() as connection:
            found = connection.execute(
                text(
                    "select a.* from announcements a where a.announced_at >= :since"
                    " and a.novelty = any(cast(:mailed as text[])) and a.withdrawn_at is null"
                    f" and ({' or '.join(alternatives)}) and not exists (select 1 from ledger l"
                    " where l.subscriber_id = :subscriber and l.announcement_id = a.id"
                    " and l.reason = 'news') order by a.sort_at desc, a.id desc"
                ),
                values,
            ).mappings()
            return with_sightings(connection, list(found))

    def coverage(self) -> Coverage:
        """How well the sources are watched just now."""
        with self._engine.connect() as connection:
            return sources.coverage(connection)

    def enqueue_digest(
        self, run: Run, subscriber_id: SubscriberId, selection: Selection, mail: Mail
    ) -> bool:
        """Write the ledger and the outbox in one transaction; False, and nothing written, when
        another planner was first with the mail or with any of its announcements, or when one of
        these was merged since: a merge waits for us, or we see it.
        """
        with self._engine.begin() as connection:
            _lock_subscriber(connection, subscriber_id)
            mail_id = outbox.insert(connection, mail, run.due_at)
            if mail_id is None:
                return False
            written = connection.execute(
                text(
                    "insert into ledger (subscriber_id, announcement_id, reason, run_id, mail_id,"
                    " at) select :subscriber, a.id, i.reason, :run, :mail, now() from"
                    " (select id from announcements where id = any(cast(:ids as bigint[]))"
                    " and merged_into is null order by id for key share) a join"
                    " unnest(cast(:ids as bigint[]), cast(:reasons as text[])) i (id, reason)"
                    " on i.id = a.id on conflict do nothing"
                ),
                {
                    "subscriber": subscriber_id,
                    "run": run.id,
                    "mail": mail_id,
                    "ids": [one for one, _ in selection.items],
                    "reasons": [reason for _, reason in selection.items],
                },
            ).rowcount
            if written != len(selection.items):
                connection.rollback()
                return False
            return True

    def close_run(self, run_id: RunId, now: datetime) -> None:
        """Mark a run as planned for every subscriber."""
        with self._engine.begin() as connection:
            connection.execute(
                text("update runs set planned_at = :now where id = :id and planned_at is null"),
                {"now": now, "id": run_id},
            )


def _while_active(number: int) -> str:
    """That an announcement appeared while a subscription was active, as SQL.

    One whose transaction began before the subscription and committed after it was on no page
    when it started: the snapshot of that moment tells it from what could be seen, by the
    order of commits and not by clocks.
    """
    start, one = f":w{number}_from", f":w{number}_id"
    return (
        f"(a.announced_at >= {start} or (a.announced_at >= {start} - interval '{SEAM}' and not"
        " pg_visible_in_snapshot(a.announced_in, (select n.seen from subscriptions n"
        f" where n.id = {one}))))"
        f" and not exists (select 1 from pauses p where p.subscription_id = {one}"
        " and a.announced_at >= p.from_at and (p.until_at is null or a.announced_at < p.until_at))"
    )


def _lock_subscriber(connection: Connection, subscriber_id: SubscriberId) -> None:
    """One planner at a time for a person: the second sees the first's ledger."""
    connection.execute(
        text("select 1 from subscribers where id = :id for update"), {"id": subscriber_id}
    )
