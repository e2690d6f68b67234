"""Promise 4: leases run out and are taken again; what comes twice is done once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flow_processes import now, wait_for

from aggregator import store
from aggregator.model import Filter, Frequency
from aggregator.wiring import bell_app

pytestmark = pytest.mark.slow


def test_two_schedulers_and_every_message_three_times_do_nothing_twice(world, service, broker_url):
    """A doubled message, a second scheduler by mistake, a worker that died with its leases:
    each source is polled once, each article read once, each mail planned once.
    """
    it = world(portals=7)
    it.add_all()
    ids = [one.id for one in it.sources.list()]
    dead = it.sources.claim_sources(ids[:3], now(), lease=timedelta(seconds=2))
    assert len(dead) == 3
    run = service(it, floor_seconds=3600, ceiling_seconds=3600)
    run.scheduler()
    run.scheduler()
    run.worker(concurrency=3)
    bell = bell_app(broker_url)

    def thrice() -> bool:
        due = list(it.entries.due_entries(now(), limit=500))
        for task, args in (
            ("polls.poll", (ids,)), ("polls.tick", ()), ("articles.read", (due,)),
            ("articles.tick", ()), ("mail.plan", ()), ("upkeep.sweep", ()),
        ):  # fmt: skip
            for _ in range(3):
                bell.send_task(task, args=args, queue=task.partition(".")[0], expires=30)
        return done()

    def done() -> bool:
        return not it.one(
            "select count(*) from sources where first_polled_at is null"
        ) and not it.one("select count(*) from entries where announcement_id is null")

    thrice()
    wait_for(
        lambda: it.one("select count(*) from entries") > 30, what=f"polls are done\n{run.words()}"
    )
    thrice()
    wait_for(done, what=f"every article is read\n{run.words()}")
    store.Subscribers(it.engine).sign_up(
        "reader@inbox.example", [Filter()], Frequency.IMMEDIATE, now(), confirmed=True
    )
    thrice()
    with it.engine.begin() as connection:
        connection.exec_driver_sql("update sources set next_poll_at = now()")
    it.do(it.country.publish, now(), 3)
    thrice()
    truth = {p.article_url for known in it.truth().notices for p in known.places}
    wait_for(
        lambda: it.one("select count(*) from entries") >= len(truth) and done(),
        what=f"the news is read\n{run.words()}",
    )
    wait_for(
        lambda: it.one("select count(*) from ledger"), what=f"a mail is planned\n{run.words()}"
    )

    assert {row["url"] for row in it.rows("select url from entries")} == truth
    polls = it.rows("select source_id, count(*) from polls group by 1 having count(*) > 2")
    assert polls == []
    assert it.rows("select url, reads from entries where reads <> 1") == []
    assert it.rows("select generation from entries where generation <> 1") == []
    assert it.one("select count(*) from sightings") == len(truth)
    assert it.one("select count(*) from revisions") == 0
