"""One step of the upkeep that fails keeps none of the others back, and somebody is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from aggregator.flow.upkeep import do_each
from aggregator.model import Filter, Frequency
from aggregator.settings import Settings
from aggregator.wiring import Parts
from tasks.upkeep import sweeping

NOW = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture
def parts(database_url, broker_url, tmp_path):
    """A worker's parts."""
    made = Parts(
        settings=Settings(
            home=tmp_path, database_url=SecretStr(database_url), broker_url=SecretStr(broker_url),
            secret_key=SecretStr("a-secret-of-the-tests-long-enough"),
            public_url="https://quxun.example", contact="ops@quxun.example",
        ),
        clock=lambda: NOW,
    )  # fmt: skip
    yield made
    made.close()


def kinds(parts):
    return [alarm.kind for alarm in parts.alarms.open_alarms()]


@pytest.mark.parametrize(
    ("table", "step"), [("polls", "prune"), ("recalled_mails", "prune"), ("moves", "forget")]
)
def test_whatever_step_fails_the_others_are_made_and_an_alarm_names_it(parts, table, step):
    """Pauses must end and people be forgotten, though the pruning of polls cannot be done."""
    parts.subscribers.sign_up("a@mail.example", [Filter()], Frequency.DAILY, NOW, confirmed=True)
    with parts.engine.begin() as connection:
        connection.execute(
            text("update subscriptions set state = 'paused', paused_until = :at"), {"at": NOW}
        )
        connection.execute(
            text("insert into suppressions_lifted (email_key, kind, reason, evidence, at, lifted_at,"
                 " lifted_by) values ('a', 'hard', '', '', :at, :at, 'o')"),
            {"at": NOW - timedelta(days=4000)},
        )  # fmt: skip
        connection.execute(text(f"alter table {table} rename to elsewhere"))
    for _ in range(2):  # nor does a look that comes too early call it well
        do_each(sweeping(parts, NOW), alarms=parts.alarms)
        assert kinds(parts) == [f"upkeep:{step}"]

    with parts.engine.begin() as connection:
        states = connection.execute(text("select state from subscriptions")).scalars().all()
        lifted = connection.execute(text("select count(*) from suppressions_lifted")).scalar()
        connection.execute(text(f"alter table elsewhere rename to {table}"))
    assert (states, lifted) == (["active"], 0)

    do_each(sweeping(parts, NOW), alarms=parts.alarms)
    assert kinds(parts) == []
