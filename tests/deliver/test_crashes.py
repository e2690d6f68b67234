"""A sender killed between any two steps: nothing is lost, and only what is in doubt comes twice."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from scripted import Scripted
from sqlalchemy import text

from aggregator import store
from aggregator.model import Lane, Mail

NOW = datetime(2026, 3, 2, 0, 30, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def relay():
    server = Scripted()
    yield server
    server.close()


@pytest.fixture(params=["notes", "none"])
def notes(request, tmp_path):
    """The folder where senders leave notes, or none, as after a crash of the machine."""
    return [str(tmp_path / "sending")] if request.param == "notes" else []


@pytest.fixture
def sender(database_url, relay, notes):
    """Deliver as of a minute, and die at a step; says whether it was killed."""
    child = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("dying.py")), database_url, relay.url, *notes],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip

    def deliver(steps, minutes):
        child.stdin.write(f"{steps} {minutes}\n")
        child.stdin.flush()
        said = child.stdout.readline().strip()
        assert said in ("killed", "0")
        return said == "killed"

    yield deliver
    child.stdin.close()
    child.stdout.close()
    assert child.wait(60) == 0


def test_a_sender_killed_at_any_step_loses_nothing(engine, relay, sender, notes):
    """For every step of its work: all mails arrive, at most twice, and twice only what was marked
    as in doubt; what was sent before stays sent.
    """
    outbox = store.Outbox(engine)
    step, minutes, doubled = 0, 0, 0
    while True:
        keys = [f"<{step}.{number}@quxun.example>" for number in range(2)]
        for number, key in enumerate(keys):
            outbox.enqueue_mail(
                Mail(
                    key=key, lane=Lane.DIGEST, to=f"r{number}@inbox.example", subject="s",
                    text="t", html="h", message_id=key, headers={"From": "a@quxun.example"},
                ),
                NOW,
            )  # fmt: skip
        killed = sender(step, minutes)
        assert not sender(1_000_000, minutes + 5)
        minutes += 10

        copies = Counter({key: relay.mails[key] for key in keys})
        assert set(copies.values()) <= {1, 2}, f"killed at step {step}: {copies}"
        twice = {key for key, many in copies.items() if many == 2}
        with engine.connect() as connection:
            rows = connection.execute(
                text("select message_id, state, was_ambiguous from outbox where key = any(:keys)"),
                {"keys": keys},
            ).all()
        assert {row.state for row in rows} == {"sent"}
        assert twice <= {row.message_id for row in rows if row.was_ambiguous}
        if notes:
            assert len([row for row in rows if row.was_ambiguous]) <= len(twice) + 1
        doubled += len(twice)
        if not killed:
            break
        step += 1 if notes else 3

    assert step > 15, "it was killed at every step"
    assert doubled, "among them between a dot and its record"
