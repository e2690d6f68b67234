"""The switches that keep mail back: all of it but confirmations, or one run's.

Planning goes on while mail is held, so nothing is lost and nothing is owed twice; confirmations
and links that people ask for go on, because somebody waits for them and no run is behind them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, text

from aggregator.errors import NotFoundError
from aggregator.model import RunId
from aggregator.store import alarms, audit
from aggregator.store.stops import TOGETHER

LONGEST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """That all mail of runs is held: since when, and why."""

    at: datetime
    why: str


class Holds:
    """Holds and releases; each deed leaves a row in the audit."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def held(self) -> Hold | None:
        """The hold over everything, if there is one."""
        with self._engine.connect() as connection:
            row = connection.execute(
                text("select mail_held_at, mail_held_why from house where mail_held_at is not null")
            ).one_or_none()
        return None if row is None else Hold(at=row[0], why=row[1] or "")

    def held_runs(self, limit: int = 20) -> Sequence[RunId]:
        """Runs whose mails are held, the newest first."""
        with self._engine.connect() as connection:
            found = connection.execute(
                text("select id from runs where held is not null order by id desc limit :limit"),
                {"limit": limit},
            ).scalars()
            return [RunId(one) for one in found]

    def hold_all(self, why: str, *, who: str, now: datetime) -> bool:
        """Let nothing of any run leave from now on; what is being handed over just now may.

        False, and nothing is changed, when all was held already.
        """
        with self._engine.begin() as connection:
            done = connection.execute(
                text(
                    "update house set mail_held_at = :now, mail_held_why = :why"
                    " where mail_held_at is null"
                ),
                {"now": now, "why": why[:LONGEST]},
            ).rowcount
            if done:
                audit.note(connection, who=who, what="hold", about=f"all: {why}", now=now)
        return bool(done)

    def release_all(self, *, who: str, now: datetime) -> bool:
        """Let mails go again; False when nothing was held. Runs held on their own stay so."""
        with self._engine.begin() as connection:
            done = connection.execute(
                text(
                    "update house set mail_held_at = null, mail_held_why = null"
                    " where mail_held_at is not null"
                )
            ).rowcount
            if done:
                audit.note(connection, who=who, what="release", about="all", now=now)
        return bool(done)

    def hold_run(self, run_id: RunId, why: str, *, who: str, now: datetime) -> str | None:
        """Let no more mails of a run leave.

        Returns:
            Why it was held already, and goes on being held; else None.

        Raises:
            NotFoundError: there is no such run.
        """
        with self._engine.begin() as connection:
            found = connection.execute(
                text("select held from runs where id = :id for update"), {"id": run_id}
            ).one_or_none()
            if found is None:
                raise NotFoundError(f"there is no run {run_id}")
            if found.held is not None:
                return str(found.held)
            connection.execute(
                text("update runs set held = :why where id = :id"),
                {"id": run_id, "why": why[:LONGEST]},
            )
            audit.note(connection, who=who, what="hold", about=f"run {run_id}: {why}", now=now)
        return None

    def release_run(self, run_id: RunId, *, who: str, now: datetime) -> bool:
        """Let a run's mails go again; False when it was not held.

        Runs of one frequency that were held together, because nothing but refusals came back, go
        together.
        """
        with self._engine.begin() as connection:
            run = connection.execute(
                text("select frequency, held from runs where id = :id for update"), {"id": run_id}
            ).one_or_none()
            if run is None or run.held is None:
                return False
            released = {run_id}
            if run.held.startswith(TOGETHER):
                released |= set(
                    connection.execute(
                        text(
                            "select id from runs where frequency = :frequency"
                            " and starts_with(held, :together) order by id for update"
                        ),
                        {"frequency": run.frequency, "together": TOGETHER},
                    ).scalars()
                )
                alarms.clear_alarm(connection, f"mail-content:{run.frequency}")
            connection.execute(
                text("update runs set held = null where id = any(cast(:ids as bigint[]))"),
                {"ids": list(released)},
            )
            for one in sorted(released):
                audit.note(connection, who=who, what="release", about=f"run {one}", now=now)
                _try_again(connection, RunId(one), now)
        return True


def _try_again(connection: Connection, run_id: RunId, now: datetime) -> None:
    """Let mails go once more that were refused for what they say: whoever releases their run has
    mended the words' way, and their readers are owed them.
    """
    connection.execute(
        text(
            "update outbox set state = 'queued', due_at = :now, attempts = 0, meaning = null,"
            " answered_at = null, waiting_since = :now"
            " where run_id = :run and troubled and state = 'failed' and meaning in ('content', 'refused')"
        ),
        {"now": now, "run": run_id},
    )
    alarms.clear_alarm(connection, f"mail-content:{run_id}")
