"""Promise 1: an entry read is stored in the transaction that marks the poll done."""

from __future__ import annotations

import pytest
from flow_processes import now, wait_for

pytestmark = pytest.mark.slow

#: What a worker is in the middle of when it is killed.
MOMENTS = {
    "polls": "select count(*) from sources where lease_until > now()",
    "articles": "select count(*) from entries where lease_until > now()",
    "just stored": "select count(*) from announcements",
}


def test_a_worker_killed_again_and_again_loses_nothing(world, service):
    """Power cuts, the kernel's memory killer, a deploy at a bad moment: the store equals the
    country in the end, each page once.
    """
    it = world(portals=7)
    it.add_all()
    run = service(it)
    run.scheduler()
    kills = 0
    for moment in ("polls", "articles", "just stored", "articles"):
        worker = run.worker()
        it.do(it.country.publish, now(), 3)
        before = it.one(MOMENTS[moment]) if moment == "just stored" else 0
        wait_for(
            lambda sql=MOMENTS[moment], before=before: it.one(sql) > before,
            what=f"a worker is in the middle of {moment}\n{run.words()}",
        )
        run.kill(worker)
        kills += 1
        run.leases_run_out()
    it.do(it.country.publish, now(), 3)
    run.worker()
    run.leases_run_out()
    truth = {
        place.article_url: known
        for known in it.truth().notices
        for place in known.places
        if not place.withdrawn
    }
    wait_for(
        lambda: (
            it.one("select count(*) from entries where announcement_id is not null") >= len(truth)
        ),
        what=f"all of {len(truth)} pages are read\n{run.words()}",
    )

    assert kills == 4
    stored = it.rows("select url, announcement_id from entries")
    assert sorted(row["url"] for row in stored) == sorted(truth)
    assert all(row["announcement_id"] for row in stored)
    assert it.one("select count(*) from sightings") == len(truth)
    orphans = "select count(*) from announcements a where not exists (select 1 from sightings s"
    assert it.one(f"{orphans} where s.announcement_id = a.id)") == 0
    assert it.clusters().precision > 0.97
