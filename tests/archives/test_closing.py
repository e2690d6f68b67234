"""A document is closed when nothing can be written into it any more, and then for good."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from archive_history import History
from archive_notices import keyed
from archive_proof import Proof
from archive_world import START, open_web
from sqlalchemy import Connection, Engine, text

from tests.waiting import until

#: Held by whoever wants transactions to stay open at their very end.
GATE = 4_711
WAITING = f"""
create function stay() returns trigger language plpgsql as $$ begin
  perform pg_advisory_xact_lock_shared({GATE}); return null; end $$;
create constraint trigger stay after insert on announcements deferrable initially deferred
  for each row when (new.url like 'http://p0.%') execute function stay();
"""


@pytest.fixture
def proof(database_url: str, tmp_path: Path) -> Iterator[Proof]:
    """A store in which the commit of every batch of the first portal waits at a gate."""
    time = [START]
    web = open_web(database_url, tmp_path, time)
    with web.parts.engine.begin() as connection:
        connection.execute(text(WAITING))
    yield Proof(web, History(parts=web.parts, time=time, seed=11), names=("all", "500000"))
    web.close()


def reports(proof: Proof, portal: int, many: int) -> Callable[[], object]:
    """The articles of so many new notices of a portal, claimed and read; to be recorded."""
    history = proof.history
    history.hold = True
    drafts = [history._draft(portal) for _ in range(many)]
    if portal == 0:  # of other words than all others: nobody has to wait for it as for a twin
        drafts = [
            keyed(replace(one, title=f"{mark * 9}通告", body_text=mark * 200))
            for one, mark in zip(drafts, "甲乙丙丁戊己庚辛", strict=False)
        ]
    history._show(portal, drafts)
    history.hold = False
    held, history.held = history.held, []
    now = history.now
    return lambda: history.parts.entries.record_articles(held, now)


def test_a_transaction_that_stays_open_loses_nobody_anything(proof: Proof, engine: Engine):
    """One worker has written everything and not committed, while another stores much more.

    Were a number handed out before others could see what went before it, readers would take
    documents for closed into which the first one's notices fall.
    """
    proof.run(3)
    slow, fast = reports(proof, 0, 5), [reports(proof, 1, 40) for _ in range(4)]
    with engine.connect() as gate, ThreadPoolExecutor(2) as pool:
        gate.execute(text("select pg_advisory_lock(:gate)"), {"gate": GATE})
        first = pool.submit(slow)
        until(lambda: waiting(gate, GATE) or first.done(), what="the first at the gate")
        assert not first.done()
        second = pool.submit(lambda: [work() for work in fast])
        until(lambda: second.done() or waiting(gate) > 1, what="the second at the lock")
        for reader in proof.readers:
            reader.consumer.visit()
        seen = dict(proof.memory.bodies)
        gate.execute(text("select pg_advisory_unlock(:gate)"), {"gate": GATE})
        first.result(60)
        second.result(60)
    proof.step_done()

    for reader in [*proof.readers, *proof.newcomers("all")]:
        proof.visit(reader)
    for url in seen:
        proof.audit(url)
    assert len(proof.expected("all", "atom")) > 100
    assert len(proof.memory.bodies) > len(seen)


def test_a_long_read_keeps_no_document_open(proof: Proof, engine: Engine):
    """A report or a dump that takes hours must not stop archives from being closed."""
    with engine.connect() as report:
        report.execute(text("set transaction isolation level repeatable read"))
        report.execute(text("select count(*) from announcements")).scalar_one()
        for _ in range(4):
            reports(proof, 1, 40)()
        proof.step_done()
        for reader in proof.readers:
            proof.visit(reader)

        assert len(proof.memory.bodies) > 3


def test_many_workers_at_once_write_one_story(proof: Proof):
    """Three workers store as fast as they can; readers come all the while."""
    work = [reports(proof, portal, many) for many in (3, 9, 30) for portal in (1, 2, 3)]
    done = threading.Event()

    def store(some: list[Callable[[], object]]) -> None:
        for one in some:
            one()

    with ThreadPoolExecutor(3) as pool:
        futures = [pool.submit(store, work[place::3]) for place in range(3)]
        for future in futures:
            future.add_done_callback(lambda _: done.set() if all_done(futures) else None)
        while not done.is_set():
            for reader in proof.readers:
                reader.consumer.visit()
        for future in futures:
            future.result()
    proof.step_done()

    for reader in proof.readers:
        proof.visit(reader)
    for url in sorted(proof.memory.bodies):
        proof.audit(url)
    assert proof.memory.bodies


def all_done(futures) -> bool:
    return all(one.done() for one in futures)


def waiting(connection: Connection, key: int | None = None) -> int:
    """How many transactions wait for a lock: for any, or for the advisory one of that key."""
    found = connection.execute(
        text(
            "select count(*) from pg_locks where not granted and database = (select oid from"
            " pg_database where datname = current_database())"
            " and (cast(:key as bigint) is null or objid = :key)"
        ),
        {"key": key},
    )
    return int(found.scalar_one())
