"""The journals end after 400 days, and nothing is told twice because its record is gone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine, text
from test_digests import NOW, announce, owed, send, subscriber

from aggregator import store
from aggregator.store import pruning

DAY = timedelta(days=1)
COUNTS = (
    "select (select count(*) from ledger), (select count(*) from outbox), (select count(*) from"
    " runs), (select count(*) from audit), (select count(*) from endings),"
    " (select count(*) from alarms)"
)


def counts(engine: Engine) -> tuple[int, ...]:
    with engine.connect() as connection:
        return tuple(connection.execute(text(COUNTS)).one())


def change(engine: Engine, sql: str, **values: object) -> None:
    with engine.begin() as connection:
        connection.execute(text(sql), values)


def journals_of(engine: Engine, at) -> None:
    """A day of long ago: a notice that was sent, a deed, an ending, an alarm."""
    who = subscriber(engine, at=at - DAY)
    announce(engine, "政策", at=at)
    assert send(engine, who, at)
    change(engine, "update outbox set state = 'sent', sent_at = :at", at=at)
    change(engine, "insert into audit (who, what, about, at) values ('o', 'w', 'a', :at)", at=at)
    change(
        engine, "insert into endings (at, reason, frequency) values (:at, 'one-click', 'daily')",
        at=at,
    )  # fmt: skip
    change(
        engine, "insert into alarms (kind, text, at, cleared_at) values ('k', 't', :at, :at)",
        at=at,
    )  # fmt: skip


@pytest.mark.parametrize(("days", "left"), [(401, 0), (399, 1)])
def test_what_was_sent_and_done_is_kept_for_400_days(engine: Engine, days, left):
    """A journal that never ends is a file on people, and a disk that is full one day."""
    journals_of(engine, NOW - days * DAY)

    store.System(engine).prune(NOW)
    assert counts(engine) == (left,) * 6


def test_a_journal_of_years_ends_in_small_turns(engine: Engine, monkeypatch):
    """One call is short; the next goes on where it was left, past what has to stay."""
    monkeypatch.setattr(pruning, "BATCH", 2)
    monkeypatch.setattr(pruning, "BATCHES", 1)
    change(
        engine,
        "insert into outbox (key, lane, state, recipient, message_id, created_at, due_at) select"
        " i::text, 2, case when i in (1, 2, 5) then 'deferred' else 'sent' end, '', i::text, :at,"
        " :at from generate_series(1, 7) i",
        at=NOW - 401 * DAY,
    )
    left = []
    for minutes in range(5):
        store.System(engine).prune(NOW + timedelta(minutes=minutes))
        left.append(counts(engine)[1])

    assert left == [7, 5, 4, 3, 3]


def test_open_alarms_held_runs_and_what_waits_stay(engine: Engine):
    """However old: somebody still has to decide on them."""
    at = NOW - 401 * DAY
    journals_of(engine, at)
    change(engine, "update alarms set cleared_at = null")
    change(engine, "update runs set held = 'words'")
    change(engine, "update outbox set state = 'deferred', sent_at = null")

    store.System(engine).prune(NOW)
    assert counts(engine)[1:3] == (1, 1)
    assert counts(engine)[5] == 1


def test_a_notice_that_is_open_keeps_its_ledger_and_tells_a_change_once(engine: Engine):
    """Sent 401 days ago and changed yesterday: the change is told, and is not told again."""
    who = subscriber(engine, at=NOW - 402 * DAY)
    one = announce(engine, "项目", at=NOW - 401 * DAY)
    assert send(engine, who, NOW - 401 * DAY)
    change(
        engine,
        "insert into revisions (announcement_id, revision, at, changes, why) values"
        ' (:one, 2, :at, \'{"title": ["项目一", "项目"]}\', \'edited\')',
        one=one, at=NOW - DAY,
    )  # fmt: skip
    change(engine, "update announcements set revision = 2")
    system = store.System(engine)

    system.prune(NOW)
    assert owed(engine, who) == ["项目"]
    assert send(engine, who, NOW)
    system.prune(NOW + DAY)
    assert owed(engine, who, NOW + DAY) == []
    assert system.why(str(one), who.email, NOW + DAY).rule == "sent"


def test_a_notice_that_was_told_and_is_held_again_is_not_news_once_it_is_let_go(engine: Engine):
    """However long somebody takes to decide on it."""
    who = subscriber(engine, at=NOW - 402 * DAY)
    announce(engine, "项目", at=NOW - 401 * DAY)
    assert send(engine, who, NOW - 401 * DAY)
    change(engine, "update announcements set novelty = 'held'")
    store.System(engine).prune(NOW)
    change(engine, "update announcements set novelty = 'news', announced_at = :now", now=NOW)

    assert owed(engine, who) == []


def test_all_that_one_reader_was_told_of_a_notice_is_forgotten_together(engine: Engine):
    """Who was reminded last year was told the news, though that is longer ago."""
    who = subscriber(engine, at=NOW - 402 * DAY)
    announce(engine, "项目", at=NOW - 401 * DAY)
    assert send(engine, who, NOW - 401 * DAY)
    change(
        engine,
        "insert into ledger (subscriber_id, announcement_id, reason, run_id, at)"
        " select subscriber_id, announcement_id, 'reminder:1:2025-06-01', run_id, :at from ledger",
        at=NOW - 300 * DAY,
    )  # fmt: skip
    system = store.System(engine)

    system.prune(NOW)
    assert counts(engine)[0] == 2
    system.prune(NOW + 101 * DAY)
    assert counts(engine)[0] == 0


def test_why_says_that_the_journal_of_that_time_is_gone(engine: Engine):
    """No answer is better than a wrong one; who came later was certainly not sent it."""
    at = NOW - 401 * DAY
    who, late = subscriber(engine, at=at - DAY), subscriber(engine, email="late@mail.example")
    one = announce(engine, "政策", at=at)
    assert send(engine, who, at)
    system = store.System(engine)
    system.prune(NOW)

    told = system.why(str(one), who.email, NOW)
    assert told.rule == "not-kept"
    assert any("400 days" in line for line in told.lines)
    assert system.why(str(one), late.email, NOW).rule == "too-old"
