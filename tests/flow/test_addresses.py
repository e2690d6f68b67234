"""Addresses that lead on, validators that lie: a source is still read."""

from __future__ import annotations

import pytest
from flow_world import DAY, HOUR, MINUTE

from aggregator.model import Unchanged


@pytest.fixture
def it(world):
    made = world(portals=2, notices=6, reprints=0)
    made.add_all()
    made.look()
    made.later(MINUTE)
    return made


def test_an_address_that_leads_on_for_good_is_taken_after_a_day(it):
    """A redesign forwards its old addresses by 301: one such answer may be a mistake, three over
    a day are the new address; it is asked at once from then on.
    """
    portal = it.country.portals[0]
    old = it.served.url(portal.columns[0])
    fresh = it.do(it.country.redesign, portal, it.now, forward=True)
    source, there = it.sources.get(old), it.served.url(fresh.columns[0])
    seen = []
    for wait in (HOUR, HOUR, DAY, HOUR):
        it.later(wait)
        it.look()
        seen.append(it.sources.get(source.slug).url)
    it.fetch.asked.clear()
    it.later(HOUR)
    it.poll()

    assert seen == [old, old, there, there]
    assert it.fetch.asked[old] == 0
    assert it.fetch.asked[there] == 1
    notes = [note for poll in it.sources.polls(source.id) for note in poll.notes]
    assert f"moved for good: {old} → {there}" in notes
    assert it.sources.get(source.slug).problem is None


def test_an_address_that_leads_to_another_site_is_proposed_to_the_operator(it):
    """Somebody else may have taken the name: we go on reading, and a person decides."""
    column = it.column("trs")
    source, real = it.source(column), it.fetch.get
    elsewhere = "https://other.example/zwgk/"

    async def forwarded(request):
        came = await real(request)
        if request.url == source.url:
            object.__setattr__(came, "moved_to", elsewhere)
        return came

    it.fetch.get = forwarded
    said = []
    for wait in (HOUR, HOUR, DAY):
        it.later(wait)
        it.look()
        said.append(it.source(column).problem)
    it.fetch.get = real
    it.later(HOUR)
    it.look()

    assert said[:2] == [None, None]
    assert f"sources edit {source.slug} --url {elsewhere}" in said[2]
    assert it.source(column).url == source.url
    assert (it.source(column).problem, it.source(column).forwarding) == (None, None)


def test_validators_that_lie_hide_nothing_longer_than_a_day(it):
    """A cache that answers 304 to whatever it is asked: once a day the list is read in full."""
    column = it.column("trs")
    real = it.fetch.get

    async def stuck(request):
        if request.etag or request.last_modified:
            return Unchanged(url=request.url, fetched_at=it.now, etag=request.etag)
        return await real(request)

    it.fetch.get = stuck
    it.do(it.country.publish, it.now, column=column, reprints=False)
    it.later(HOUR)
    assert it.look(column)[it.served.url(column)].new == 0
    it.later(DAY)
    assert it.look(column)[it.served.url(column)].new == 1
    it.later(HOUR)
    assert it.look(column)[it.served.url(column)].outcome == "unchanged"
