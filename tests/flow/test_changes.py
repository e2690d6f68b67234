"""Edits, withdrawals and redesigns: seen, recorded, and never announced a second time."""

from __future__ import annotations

import pytest
from flow_world import DAY, HOUR, MINUTE

from quxun.country import Edit, Fault, FaultKind, Nature

COUNT = "select count(*) from announcements"


@pytest.fixture
def it(world):
    """Two portals, polled once; everything that comes now is news."""
    made = world(portals=2, notices=8, reprints=0)
    made.add_all()
    made.look()
    made.later(MINUTE)
    return made


def publish(it, family="trs", nature=Nature.APPLICATION):
    """One notice in a column, seen at once; what the country and what we call it."""
    column = it.column(family)
    (notice,) = it.do(it.country.publish, it.now, column=column, nature=nature, reprints=False)
    it.look(column)
    (place,) = next(k.places for k in it.truth().notices if k.notice.id == notice.id)
    found = it.one("select announcement_id from entries where url = :url", url=place.article_url)
    assert found, "the notice was not seen"
    return notice, found


@pytest.mark.parametrize("how", [Edit.DEADLINE, Edit.AMOUNT, Edit.BODY, Edit.TITLE])
def test_an_edit_is_a_revision_and_no_news(it, how):
    """A deadline is put off: the record says so and keeps what it said before; nobody gets a
    second announcement, and whoever had it as news has had it.
    """
    notice, ours = publish(it, nature=Nature.DRAFT if how is Edit.DEADLINE else Nature.APPLICATION)
    before, first = it.one(COUNT), it.announcements.get(ours)
    it.later(HOUR)
    edited = it.do(it.country.edit, notice, it.now, how)
    it.later(MINUTE)
    it.look()

    after = it.announcements.get(ours)
    assert it.one(COUNT) == before
    assert (after.uuid, after.announced_at) == (first.uuid, first.announced_at)
    assert after.revision == 2
    assert after.change > first.change
    (revision,) = it.announcements.revisions(ours)
    assert revision.changes
    if how is Edit.TITLE:
        assert after.draft.title == edited.title
    if how is Edit.DEADLINE:
        assert edited.facts.deadlines[0].day in {d.value for d in after.draft.facts.deadlines}


def test_what_answers_404_for_a_day_is_withdrawn(it):
    """One 404 proves nothing: a portal in trouble must not empty our feeds. Two, a day apart,
    withdraw; and what comes back is there again.
    """
    notice, ours = publish(it)
    it.do(it.country.withdraw, notice, it.now)
    it.later(HOUR + MINUTE)
    it.look()
    assert it.announcements.get(ours).withdrawn_at is None
    it.later(DAY - HOUR)
    it.look()
    assert it.announcements.get(ours).withdrawn_at is None
    it.later(HOUR + MINUTE)
    it.look()

    assert it.announcements.get(ours).withdrawn_at == it.now
    assert it.one("select count(*) from announcements where withdrawn_at is not null") == 1


def test_a_portal_that_answers_404_to_all_for_a_moment_loses_nothing(it):
    """A bad deploy on their side: half an hour of 404s, then all is well."""
    _, ours = publish(it)
    host = it.country.portals[0].host
    it.later(HOUR + MINUTE)
    it.do(it.served.faults.set, Fault(host=host, kind=FaultKind.STATUS, status=404))
    it.look()
    it.do(it.served.faults.clear)
    it.later(DAY + HOUR)
    it.look()

    assert it.announcements.get(ours).withdrawn_at is None
    assert it.one("select count(*) from announcements where withdrawn_at is not null") == 0
    assert it.one("select count(*) from entries where gone_since is not null") == 0


@pytest.mark.parametrize("keep_urls", [True, False])
def test_a_redesign_announces_nothing_again(it, keep_urls):
    """New looks, and new addresses for every page: what moved is known already. No entry in a
    feed twice, and nothing of it is news.
    """
    portal = it.country.portals[0]
    before, news = it.one(COUNT), it.one(f"{COUNT} where novelty in ('news', 'late-news')")
    fresh = it.do(it.country.redesign, portal, it.now, keep_urls=keep_urls)
    if not keep_urls:
        for old, new in zip(portal.columns, fresh.columns, strict=True):
            with it.engine.begin() as connection:
                connection.exec_driver_sql(
                    "update sources set url = %s where url like %s",
                    (it.served.url(new), f"%{portal.host}%{old.path}"),
                )
    it.later(HOUR)
    it.look()
    it.later(MINUTE)
    (notice,) = it.do(
        it.country.publish, it.now, column=fresh.columns[0], nature=Nature.POLICY, reprints=False
    )
    it.look()

    assert it.one(COUNT) == before + 1
    assert it.one(f"{COUNT} where novelty in ('news', 'late-news')") == news + 1
    assert it.one("select title from announcements order by id desc limit 1") == notice.title
