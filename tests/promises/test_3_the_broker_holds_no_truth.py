"""Promise 3: the broker may be emptied or killed at any moment; work is late, never lost."""

from __future__ import annotations

import pytest
from flow_processes import Broker, now, wait_for

pytestmark = pytest.mark.slow
#: A lease lasts this long here instead of 90 s.
LEASE_SECONDS = 10


@pytest.fixture
def broker():
    made = Broker()
    yield made
    made.close()


def test_everything_is_done_though_the_broker_forgets(world, service, broker):
    """FLUSHALL twice and kill -9 once while polls and articles are under way; the workers come
    back (or are started again by their supervisor) and the clock finds what no message names.
    """
    it = world(portals=7)
    it.add_all()
    run = service(it, broker=broker.url)
    run.scheduler()
    run.worker()
    stored = "select count(*) from announcements"

    def time_goes_on() -> None:
        run.supervise()
        run.leases_run_out(after=LEASE_SECONDS)

    for harm in (broker.flush, broker.kill_and_start_again, broker.flush):
        it.do(it.country.publish, now(), 2)
        before = it.one(stored)
        wait_for(
            lambda before=before: time_goes_on() or it.one(stored) > before,
            what=f"work is under way\n{run.words()}",
        )
        harm()
    it.do(it.country.publish, now(), 2)
    truth = {p.article_url for known in it.truth().notices for p in known.places}
    wait_for(
        lambda: (
            time_goes_on()
            or it.one("select count(*) from entries where announcement_id is not null")
            >= len(truth)
        ),
        what=f"all of {len(truth)} pages are read\n{run.words()}",
    )

    assert it.one("select max(generation) from entries") < 20
    assert {row["url"] for row in it.rows("select url from entries")} == truth
