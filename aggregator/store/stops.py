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
_DOMAIN = "coalesce(o.domain, lower(split_part(o.recipient, '@', 2)))"
_OF_RUN = text(
    f"select o.meaning, {_DOMAIN} as domain from outbox o where o.run_id = :run"
    " and o.answered_at > coalesce(cast(:released as timestamptz), '-infinity')"
    " and o.meaning <> '' order by o.answered_at desc limit :last"
)
_MOSTLY = text(
    f"select 2 * count(*) filter (where {_DOMAIN} = :domain) >= count(*) from outbox o"
    " where o.run_id = :run and o.recipient like '%@%'"
)
_ELSEWHERE = text(
    "select exists (select 1 from outbox o where o.run_id = any(cast(:runs as bigint[]))"
    f" and o.recipient like '%@%' and {_DOMAIN} <> :domain)"
)
#: When an operator last released a run of a frequency: what was answered before counts no more.
_RELEASED = text(
    "select max(a.at) from audit a join runs r"
    " on r.id = cast(substring(a.about from '^run ([0-9]{1,18})$') as bigint)"
    " where a.what = 'release' and a.at > :since and r.frequency = :frequency"
)
_RUNS = (
    "with ours as materialized (select id from runs where frequency = :frequency and (id = :run"
    " or (due_at > :late and coalesce(planned_at, due_at) > :since)))"
)
_OF_FREQUENCY = text(
    f"{_RUNS} select o.run_id, o.meaning, {_DOMAIN} as domain"
    " from ours join outbox o on o.run_id = ours.id"
    " where o.answered_at > greatest(:since, cast(:released as timestamptz)) and o.meaning = any(cast(:about as text[]))"
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
    released = connection.execute(
        _RELEASED, {"since": now - stops.WITHIN, "frequency": run.frequency}
    ).scalar()
    last = connection.execute(
        _OF_RUN, {"run": run_id, "released": released, "last": stops.OF_THE_LAST}
    ).all()
    if not stops.too_many([one.meaning for one in last]):
        _judge_together(connection, run_id, run.frequency, released, now)
        return
    refused = [one.domain for one in last if one.meaning in stops.REFUSALS]
    said = f"{len(refused)} of its last {len(last)} answers"
    domain = stops.alone(refused)
    if domain and not connection.execute(_MOSTLY, {"run": run_id, "domain": domain}).scalar_one():
        _tell(connection, domain, f"run {run_id}: {said}")
    elif _hold(connection, [run_id], f"{said} refused its mails"):
        alarms.raise_alarm(
            connection,
            f"mail-content:{run_id}",
            f"run {run_id} is held: {said} refused its mails; read the answers on its page, then"
            " release it",
        )


def _judge_together(
    connection: Connection, run_id: RunId, frequency: str, released: datetime | None, now: datetime
) -> None:
    """Hold the runs of a frequency that the last answers are of, when all of these refuse."""
    values = {
        "run": run_id, "frequency": frequency, "since": now - stops.WITHIN, "late": now - _LATE,
    }  # fmt: skip
    found = connection.execute(
        _OF_FREQUENCY,
        {
            **values,
            "released": released,
            "about": list(stops.ABOUT_WORDS),
            "last": stops.MOST_IN_A_ROW,
        },
    ).all()
    mails = connection.execute(
        _GREATEST, {**values, "enough": stops.MOST_IN_A_ROW * stops.MOST_IN_A_ROW}
    ).scalar_one()
    row = stops.in_a_row([one.meaning for one in found], mails=mails or 0)
    if not row:
        return
    runs = sorted({one.run_id for one in found[:row]})
    said = f"the last {row} answers to {frequency} mails"
    domain = stops.alone(one.domain for one in found[:row])
    if domain and connection.execute(_ELSEWHERE, {"runs": runs, "domain": domain}).scalar_one():
        _tell(connection, domain, said)
    elif _hold(connection, runs, f"{TOGETHER}{said}"):
        alarms.raise_alarm(
            connection,
            f"mail-content:{frequency}",
            f"{said} refused them; held are their runs"
            f" ({', '.join(map(str, runs[-9:]))}): read the answers on their pages, then release"
            " one, and all of them go again",
        )


def _tell(connection: Connection, domain: str, said: str) -> None:
    """Raise the alarm of a domain that refuses by itself; mails to others go on."""
    alarms.raise_alarm(
        connection,
        f"refusing:{domain}",
        f"{said} refused our mails, and all of these are of {domain}; nothing is held for it. Ask"
        " its postmaster; to try its mails again, hold their run and release it",
    )


def _hold(connection: Connection, runs: Sequence[int], words: str) -> int:
    return connection.execute(
        text("update runs set held = :why where id = any(cast(:ids as bigint[])) and held is null"),
        {"ids": list(runs), "why": words},
    ).rowcount
