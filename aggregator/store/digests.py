"""Runs: which are planned, whom they may write to, and what was owed by them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta

from sqlalchemy import Engine, text

from aggregator.model import (
    Announcement,
    Filter,
    Frequency,
    ProjectNews,
    Run,
    RunId,
    Selection,
    Subscriber,
    SubscriberId,
    SubscriptionState,
    Watch,
    WishId,
)
from aggregator.store import recall
from aggregator.store.alarms import clear_alarm, raise_alarm
from aggregator.store.further import FURTHER_DUE, Revisions, revisions_of
from aggregator.store.matches import LOOK_BACK, MAILED, Matcher
from aggregator.store.owed import owed, standing
from aggregator.store.planning import Batch
from aggregator.store.radar import project_news, watched_since
from aggregator.store.slim import slim
from aggregator.store.waiting import Waiting, waiting
from aggregator.store.watching import watch

__all__ = ["LOOK_BACK", "MAILED", "SLOT", "Digests"]

#: The few times of day, of all readers, that there are: each is looked at once and not everybody.
_CLOCKS = (
    "with recursive clocks as ((select timezone, hour, minute, weekday from subscribers order by"
    " timezone, hour, minute, weekday limit 1) union all select n.* from clocks c cross join"
    " lateral (select s.timezone, s.hour, s.minute, s.weekday from subscribers s where"
    " (s.timezone, s.hour, s.minute, s.weekday) > (c.timezone, c.hour, c.minute, c.weekday)"
    " order by s.timezone, s.hour, s.minute, s.weekday limit 1) n)"
)
#: A run that is planned in several goes counts those due in its first, and all of its mails.
_COUNTED = (
    "people_due = greatest(coalesce(people_due, 0), :due),"
    " people_planned = coalesce(people_planned, 0) + :planned"
)
#: The page of all that a mail brought has so many at most.
MOST_BROUGHT = 3_000
#: The slots in which runs fall due.
SLOT = timedelta(minutes=15)


class Digests:
    """Implements ``ports.DigestStore``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._matcher = Matcher(engine)
        self._filters: dict[WishId, Filter] = {}

    def open_run(
        self,
        frequency: Frequency,
        due_at: datetime,
        *,
        alone: bool = False,
        now: datetime | None = None,
    ) -> Run | None:
        """The run of that slot, made if need be; None when it is planned already. One that was
        closed later than ``now`` was so by a clock that had run ahead: it is still to be planned.

        One that whoever opens it plans ``alone`` is in no slot: it counts as planned from now on,
        for nobody would plan it later.
        """
        with self._engine.begin() as connection:
            row = connection.execute(
                text(
                    "insert into runs (frequency, due_at, planned_at)"
                    " values (:frequency, :due, case when :alone then :due end)"
                    " on conflict (frequency, due_at) do update set due_at = excluded.due_at"
                    " returning id, xmax = 0 as made, planned_at is null"
                    " or coalesce(planned_at > cast(:now as timestamptz), false) as open"
                ),
                {"frequency": frequency, "due": due_at, "alone": alone, "now": now},
            ).one()
        if not (row.made if alone else row.open):
            return None
        return Run(id=RunId(row.id), frequency=frequency, due_at=due_at)

    def planned_slots(
        self, frequency: Frequency, since: datetime, now: datetime
    ) -> Sequence[datetime]:
        """Due times since then whose runs were planned by now."""
        with self._engine.connect() as connection:
            return list(
                connection.execute(
                    text(
                        "select due_at from runs where frequency = :frequency and due_at >= :since"
                        " and planned_at <= :now"
                    ),
                    {"frequency": frequency, "since": since, "now": now},
                ).scalars()
            )

    def first_run_at(self) -> datetime | None:
        """When the first subscriber confirmed: no run before that can owe anything."""
        with self._engine.connect() as connection:
            return connection.execute(text("select min(confirmed_at) from subscribers")).scalar()

    def match(self, now: datetime) -> int:
        """Match what is new with what is wished for; how many announcements were looked at."""
        return self._matcher.catch_up(now)

    def subscribers_due(
        self, run: Run, now: datetime, *, after: SubscriberId | None, limit: int
    ) -> Sequence[SubscriberId]:
        """Confirmed, not suppressed subscribers who may be owed something by the run and whose
        hour (and weekday) falls into its quarter of an hour, in order.
        """
        # An hour that clocks leave out is an hour later, one that comes twice is its second time:
        # every day of a reader has exactly one instant.
        local = "cast((cast(:due as timestamptz) at time zone p.timezone) as date)"
        wished = "((d.day + make_time(p.hour, p.minute, 0)) at time zone p.timezone)"
        # Where the last hour of a day is left out, an hour later is a new day (America/Nuuk).
        slot = (
            f"exists (select 1 from (values ({local}), ({local} - 1)) as d(day)"
            f" where {wished} >= cast(:due as timestamptz)"
            f" and {wished} < cast(:due as timestamptz) + interval '{SLOT}'"
        )
        due, when = "", "true"
        if run.frequency is not Frequency.IMMEDIATE:
            if run.frequency is Frequency.WEEKLY:
                slot += " and extract(isodow from d.day) = p.weekday + 1"
            due = f"{_CLOCKS}, due as materialized (select * from clocks p where {slot})) "
            when = (
                "exists (select 1 from due) and"
                " (p.timezone, p.hour, p.minute, p.weekday) in (select * from due)"
            )
        with self._engine.connect() as connection:
            return list(
                connection.execute(
                    text(
                        f"{due}select p.id from subscribers p where p.id > :after"
                        " and p.state = 'confirmed' and exists (select 1 from subscriptions n"
                        # Said twice, or those of all pages before are read again.
                        " where n.subscriber_id = p.id and n.subscriber_id > :after"
                        " and n.state = 'active' and n.frequency ="
                        f" :frequency and ({FURTHER_DUE} or exists (select 1 from matches m where"
                        " m.wish_id = n.wish_id and m.number > n.settled)))"
                        " and not exists (select 1 from suppressions x"
                        f" where x.email_key = p.email_key) and {when} order by p.id limit :limit"
                    ),
                    {
                        "after": after or 0,
                        "frequency": run.frequency,
                        "due": run.due_at,
                        "now": now,
                        "limit": limit,
                    },
                ).scalars()
            )

    @contextmanager
    def planning(self, run: Run, ids: Sequence[SubscriberId], now: datetime) -> Iterator[Batch]:
        """What a batch of subscribers is owed by a run, and the place for what is made of it:
        one transaction, committed when the block ends well.
        """
        with self._engine.begin() as connection:
            yield Batch(connection, run, ids, now, self._filters)

    @contextmanager
    def waiting(self, now: datetime, *, after: int = 0) -> Iterator[Waiting | None]:
        """The next mails of one run that wait and tell of what was withdrawn since, behind that
        number; None when there are none. One transaction, committed when the block ends well.
        """
        with self._engine.begin() as connection:
            yield waiting(connection, after, now)

    def owed(
        self, subscriber: Subscriber, frequency: Frequency, now: datetime
    ) -> tuple[Selection, Sequence[Announcement]]:
        """What one subscriber would get now, and the announcements of it; locks nothing."""
        self.match(now)
        wishes = tuple(
            one.wish.filter
            for one in sorted(subscriber.subscriptions, key=lambda one: one.wish.id)
            if one.frequency == frequency and one.state is SubscriptionState.ACTIVE
        )
        with self._engine.connect() as connection:
            items = (
                set()
                if subscriber.suppressed
                else owed(connection, frequency, [subscriber.id], now, lock=False).items.get(
                    subscriber.id, set()
                )
            )
            items -= {
                (one.announcement_id, one.reason)
                for one in recall.told(connection, {subscriber.id: items})
            }
            kept = standing(connection, [one for one, _ in items], now).kept(items)
            selection = Selection(language=subscriber.language, wishes=wishes, items=kept)
            return selection, slim(connection, [one for one, _ in kept])

    def revisions(self, selection: Selection) -> Revisions:
        """What the changes of a selection tell of."""
        with self._engine.connect() as connection:
            return revisions_of(connection, selection.items)

    def project_news(self, until: date) -> tuple[Sequence[ProjectNews], date | None]:
        """The projects of the five weeks before that day, and the first day of our watching."""
        with self._engine.connect() as connection:
            return project_news(connection, until), watched_since(connection)

    def brought(
        self, subscriber_id: SubscriberId, run_id: RunId
    ) -> tuple[Run, datetime, Selection, Sequence[Announcement]] | None:
        """What a run's mail to a subscriber brought by the ledger, and when it was planned; what
        was merged or taken out since is left out, and the oldest beyond ``MOST_BROUGHT``.
        """
        values = {"who": subscriber_id, "run": run_id, "most": MOST_BROUGHT}
        with self._engine.connect() as connection:
            run = connection.execute(
                text("select id, frequency, due_at from runs where id = :run"), values
            ).first()
            found = connection.execute(
                text(
                    "select l.announcement_id, l.reason, l.at from ledger l join announcements a"
                    " on a.id = l.announcement_id and a.merged_into is null and a.removed_at is null"
                    " where l.subscriber_id = :who and l.run_id = :run"
                    " order by l.announcement_id desc, l.reason limit :most"
                ),
                values,
            ).all()
            if run is None or not found:
                return None
            return (
                Run(id=RunId(run[0]), frequency=Frequency(run[1]), due_at=run[2]),
                max(row[2] for row in found),
                Selection(
                    language="zh", wishes=(), items=tuple(sorted((row[0], row[1]) for row in found))
                ),
                slim(connection, sorted({row[0] for row in found})),
            )

    def watch(self) -> Watch:
        """How well the sources are watched just now, everywhere and by region."""
        with self._engine.connect() as connection:
            return watch(connection)

    def leave_run(self, run_id: RunId, now: datetime, *, due: int, planned: int) -> datetime:
        """Leave a run open for those who could not be planned; since when it is left so."""
        with self._engine.begin() as connection:
            since: datetime = connection.execute(
                text(
                    f"update runs set tried_at = coalesce(tried_at, :now), {_COUNTED}"
                    " where id = :id returning tried_at"
                ),
                {"now": now, "id": run_id, "due": due, "planned": planned},
            ).scalar_one()
            return since

    def close_run(
        self, run_id: RunId, now: datetime, *, due: int = 0, planned: int = 0, missed: int = 0
    ) -> None:
        """Mark a run as planned: how many might be owed something, how many got a mail, and how
        many could not be planned, which is an alarm.
        """
        with self._engine.begin() as connection:
            frequency = connection.execute(
                text(
                    f"update runs set planned_at = :now, {_COUNTED}"
                    " where id = :id and (planned_at is null or people_due is null"
                    " or planned_at > :now)"
                    " returning frequency"
                ),
                {"now": now, "id": run_id, "due": due, "planned": planned},
            ).scalar()
            if frequency is None:
                return
            kind = f"planning:{frequency}"
            if missed:
                raise_alarm(
                    connection, kind,
                    f"{missed} of those due in {frequency} run {run_id} could not be planned;"
                    " the worker's log says why (digest not planned, digest not rendered)."
                    " What they are owed goes with their next run.",
                )  # fmt: skip
            elif frequency == Frequency.IMMEDIATE:  # everybody is in every one of these
                clear_alarm(connection, kind)
