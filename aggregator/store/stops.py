"""What many answers say together: runs whose words are refused are held, in the transaction that
records the answers.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from aggregator import stops
from aggregator.model import Delivery, RunId
from aggregator.store import alarms

#: How the reason of a hold begins that several runs of a frequency share (store/holds.py).
TOGETHER = "nothing but refusals: "

#: Missed runs are planned this long after they were due.
_LATE = timedelta(days=8)
_OF_RUN = text(
    "select meaning from outbox where run_id = :run and answered_at is not null"
    " and meaning <> '' order by answered_at desc limit :last"
)
_RUNS = (
    "with ours as materialized (select id from runs where frequency = :frequency and (id = :run"
    " or (due_at > :late and coalesce(planned_at, due_at) > :since)))"
)
_OF_FREQUENCY = text(
    f"{_RUNS} select o.run_id, o.meaning from ours join outbox o on o.run_id = ours.id"
    " where o.answered_at > :since and o.meaning = any(cast(:about as text[]))"
    " order by o.answered_at desc, o.id desc limit :last"
)
_GREATEST = text(
    f"{_RUNS} select max(many) from ours cross join lateral (select count(*) as many from (select 1"
    " from outbox o where o.run_id = ours.id limit :enough) x) counted"
)


def judge(connection: Connection, deliveries: Sequence[Delivery]) -> None:
    """Hold the runs whose words these answers show to be refused, before more readers are tried."""
    answers: dict[RunId, list[str]] = defaultdict(list)
    for one in deliveries:
        if one.run_id is not None:
            answers[one.run_id].append(one.meaning)
    for run_id in sorted(answers):
        if stops.suspicious(answers[run_id]):
            _judge(connection, run_id, max(one.at for one in deliveries))


def _judge(connection: Connection, run_id: RunId, now: datetime) -> None:
    run = connection.execute(
        text("select frequency, held from runs where id = :run"), {"run": run_id}
    ).one_or_none()
    if run is None or run.held is not None:
        return
    last = connection.execute(_OF_RUN, {"run": run_id, "last": stops.OF_THE_LAST})
    meanings = list(last.scalars())
    if stops.too_many(meanings):
        refused = sum(one in stops.REFUSALS for one in meanings)
        words = f"{refused} of its last {len(meanings)} answers refused its mails"
        if _hold(connection, [run_id], words):
            alarms.raise_alarm(
                connection,
                f"mail-content:{run_id}",
                f"run {run_id} is held: {words}; read the answers on its page, then release it",
            )
        return
    _judge_together(connection, run_id, run.frequency, now)


def _judge_together(connection: Connection, run_id: RunId, frequency: str, now: datetime) -> None:
    """Hold the runs of a frequency that the last answers are of, when all of these refuse."""
    values = {
        "run": run_id, "frequency": frequency, "since": now - stops.WITHIN, "late": now - _LATE,
    }  # fmt: skip
    found = connection.execute(
        _OF_FREQUENCY,
        {**values, "about": list(stops.ABOUT_WORDS), "last": stops.MOST_IN_A_ROW},
    ).all()
    mails = connection.execute(
        _GREATEST, {**values, "enough": stops.MOST_IN_A_ROW * stops.MOST_IN_A_ROW}
    ).scalar_one()
    row = stops.in_a_row([one.meaning for one in found], mails=mails or 0)
    if not row:
        return
    runs = sorted({one.run_id for one in found[:row]})
    words = f"{TOGETHER}the last {row} answers to {frequency} mails"
    if _hold(connection, runs, words):
        alarms.raise_alarm(
            connection,
            f"mail-content:{frequency}",
            f"the last {row} answers to {frequency} mails refused them; held are their runs"
            f" ({', '.join(map(str, runs[-9:]))}): read the answers on their pages, then release"
            " one, and all of them go again",
        )


def _hold(connection: Connection, runs: Sequence[int], words: str) -> int:
    return connection.execute(
        text("update runs set held = :why where id = any(cast(:ids as bigint[])) and held is null"),
        {"ids": list(runs), "why": words},
    ).rowcount
