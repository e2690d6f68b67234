"""Runs as an operator looks at them.

Every question is bounded: a run of 100,000 mails is counted over one index.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, RowMapping, text

from aggregator.errors import NotFoundError
from aggregator.model import Frequency, RunId
from aggregator.paces import Pace
from aggregator.store import paces
from aggregator.store.mails import Mails

#: The overview counts the mails of so many days.
DAYS = 7
_DOMAINS = 60


#: A run of so many readers is counted whole in a list; no index names what was merged.
_SMALL = 2_000
_MERGED = "o.state = 'merged' and o.run_id = any(cast(:small as bigint[]))"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """A run: how many mails it has, how many left, and what became of the rest.

    In a list, ``states`` count only what has not left: that is found over small indexes, where
    counting all of a page of runs would read millions of rows. What was merged is counted there
    for runs of few readers.
    """

    id: RunId
    frequency: Frequency
    due_at: datetime
    planned_at: datetime | None
    held: str | None
    people_due: int | None
    people_planned: int | None
    states: Mapping[str, int]

    @property
    def people_without(self) -> int | None:
        """How many were due and had nothing new."""
        if self.people_due is None or self.people_planned is None:
            return None
        return max(0, self.people_due - self.people_planned)

    @property
    def mails(self) -> int:
        """How many mails it has."""
        return max(self.people_planned or 0, sum(self.states.values()))

    @property
    def sent(self) -> int:
        """How many left."""
        return self.states.get("sent", 0)

    @property
    def rest(self) -> dict[str, int]:
        """How many stand in other states."""
        return {state: count for state, count in self.states.items() if state != "sent" and count}


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainRow:
    """What became of a run's mails to one domain."""

    domain: str
    states: Mapping[str, int]
    next_try_at: datetime | None
    answer: str | None
    bounced: int = 0
    pace: str | None = None

    @property
    def mails(self) -> int:
        """How many go there."""
        return sum(self.states.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Morning:
    """The figures that tell whether all is well."""

    states: Mapping[str, int]
    oldest_waiting_at: datetime | None
    unplanned: Sequence[RunId]
    beats: Mapping[str, datetime] = field(default_factory=dict)


class Runs(Mails):
    """What operators ask of runs and mails."""

    def runs(
        self,
        *,
        frequency: Frequency | None = None,
        empty: bool = False,
        before: datetime | None = None,
        limit: int = 20,
    ) -> Sequence[RunRow]:
        """Runs by the time they fell due, the newest first; those without a mail if asked for."""
        with self._engine.connect() as connection:
            found = connection.execute(
                text(
                    "select r.* from runs r where (cast(:frequency as text) is null"
                    " or r.frequency = :frequency)"
                    " and (cast(:before as timestamptz) is null or r.due_at < :before)"
                    " and (:empty or r.planned_at is null or r.held is not null"
                    " or exists (select 1 from outbox o where o.run_id = r.id))"
                    " order by r.due_at desc, r.id desc limit :limit"
                ),
                {"frequency": frequency, "before": before, "empty": empty, "limit": limit},
            ).mappings().all()  # fmt: skip
            small = [row["id"] for row in found if (row["people_planned"] or 0) <= _SMALL]
            return _with_states(
                connection, found, only=("o.waiting", "o.troubled", _MERGED), small=small
            )

    def run(self, run_id: RunId) -> RunRow:
        """One run.

        Raises:
            NotFoundError: there is none of that number.
        """
        with self._engine.connect() as connection:
            found = connection.execute(
                text("select * from runs where id = :id"), {"id": run_id}
            ).mappings().all()  # fmt: skip
            if not found:
                raise NotFoundError(f"没有批次 {run_id} · there is no run {run_id}")
            return _with_states(connection, found)[0]

    def domains(self, run_id: RunId, now: datetime) -> Sequence[DomainRow]:
        """A run's mails by the domain they go to, the most first, with its present pace."""
        with self._engine.connect() as connection:
            found = connection.execute(
                text(
                    "select domain, jsonb_object_agg(state, n) as states, min(next) as next,"
                    " (array_agg(answer order by state = 'deferred' desc, n desc)"
                    " filter (where answer is not null))[1] as answer, sum(bounced) as bounced"
                    " from (select domain, state, count(*) as n, count(bounced) as bounced,"
                    " min(due_at) filter (where state = 'deferred') as next,"
                    " max(answer) filter (where state in ('deferred', 'failed', 'ambiguous'))"
                    " as answer from outbox where run_id = :run group by domain, state) x"
                    " group by domain order by sum(n) desc, domain limit :limit"
                ),
                {"run": run_id, "limit": _DOMAINS},
            ).mappings()
            paced = {one.domain: one for one in paces.known(connection)}
            return [
                DomainRow(
                    pace=_pace(paced.get(row["domain"]), now),
                    domain=row["domain"] or "—",
                    states=row["states"],
                    next_try_at=row["next"],
                    answer=row["answer"],
                    bounced=int(row["bounced"]),
                )
                for row in found
            ]

    def morning(self, now: datetime) -> Morning:
        """The figures of the last days, for one look."""
        since = now - timedelta(days=DAYS)
        with self._engine.connect() as connection:
            states = connection.execute(
                text(
                    "select state, count(*) from outbox where waiting group by 1 union all"
                    " select state, count(*) from outbox where troubled and state = 'failed'"
                    " and created_at >= :since group by 1"
                ),
                {"since": since},
            ).all()
            oldest = connection.execute(
                text(
                    "select min(created_at) from outbox"
                    " where waiting and state in ('queued', 'claimed', 'handed', 'deferred')"
                )
            ).scalar()
            unplanned = connection.execute(
                text(
                    "select id from runs where planned_at is null and due_at < :late"
                    " and due_at >= :since order by id limit 9"
                ),
                {"late": now - timedelta(minutes=15), "since": since},
            ).scalars()
            beats = connection.execute(text("select name, at from heartbeats"))
            return Morning(
                states={row[0]: row[1] for row in states},
                oldest_waiting_at=oldest,
                unplanned=[RunId(one) for one in unplanned],
                beats={row[0]: row[1] for row in beats},
            )


def _with_states(
    connection: Connection,
    found: Sequence[RowMapping],
    only: Sequence[str] = ("true",),
    *,
    small: Sequence[int] = (),
) -> list[RunRow]:
    counted = connection.execute(
        text(
            " union ".join(
                "select o.run_id, o.state, count(*) from outbox o where"
                f" o.run_id = any(cast(:ids as bigint[])) and {condition}"
                " group by o.run_id, o.state"
                for condition in only
            )
        ),
        {"ids": [row["id"] for row in found], "small": list(small)},
    )
    states: dict[int, dict[str, int]] = {}
    for run_id, state, count in counted:
        states.setdefault(run_id, {})[state] = count
    return [
        RunRow(
            id=RunId(row["id"]),
            frequency=Frequency(row["frequency"]),
            due_at=row["due_at"],
            planned_at=row["planned_at"],
            held=row["held"],
            people_due=row["people_due"],
            people_planned=row["people_planned"],
            states=states.get(row["id"], {}),
        )
        for row in found
    ]


def _pace(pace: Pace | None, now: datetime) -> str | None:
    """What a domain takes just now, in words; None where it never complained."""
    if pace is None:
        return None
    said = []
    if pace.per_minute is not None:
        said.append(f"{pace.per_minute:.0f}/min")
    if pace.connections is not None:
        said.append(f"{pace.connections} at once")
    if pace.wait_until is not None and pace.wait_until > now:
        minutes = -(-int((pace.wait_until - now).total_seconds()) // 60)
        said.append(f"waits {minutes} min")
    return ", ".join(said) or None
