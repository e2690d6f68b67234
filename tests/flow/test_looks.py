"""How a list is looked at: cheaply when quiet, back to known rows after a sleep, alone in a fault."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from flow_world import DAY, HOUR, MINUTE

from aggregator.fetch.limits import Limits
from aggregator.flow import paging, polls, sources
from aggregator.model import Filter, Frequency, SourceKind
from aggregator.sandbox import Limits as Bounds
from aggregator.store import Digests, Subscribers
from quxun.country import Fault, FaultKind

COUNT = "select count(*) from announcements"


def test_a_quiet_country_is_read_and_parsed_no_second_time(world):
    """Most polls bring nothing: they cost a request, and no parsing and no article."""
    it = world(notices=4)
    it.add_all()
    it.look()
    it.reader.lists.clear()
    it.reader.articles.clear()
    it.later(MINUTE)
    summaries = it.look()

    assert {one.outcome for one in summaries.values()} <= {"unchanged", "same"}
    shells = {
        it.served.url(c) for c in it.country.columns if c.kind.value in ("jpaas", "jpage", "json")
    }
    assert set(it.reader.lists) <= shells
    assert not it.reader.articles


@pytest.mark.parametrize("family", ["jpaas", "gkmlpt"])
def test_rows_behind_an_unchanged_shell_are_noticed(world, family):
    """The page itself never changes, its rows come from elsewhere: news all the same."""
    it = world(portals=5, notices=4)
    column = it.column(family)
    it.add(column)
    it.look()
    it.later(MINUTE)
    it.look()
    (notice,) = it.do(it.country.publish, it.now, column=column, reprints=False)
    it.later(MINUTE)
    summary = it.look(column)[it.served.url(column)]

    assert summary.new == 1
    assert it.one(f"{COUNT} where title = :title", title=notice.title) == 1


@pytest.mark.parametrize("family", ["trs", "guangdong", "jpaas", "gkmlpt", "jcms", "boda"])
def test_after_a_long_sleep_a_list_is_paged_back_to_known_rows(world, family):
    """Three weeks without us: the second and third page are read too, and nothing is missing."""
    it = world(portals=6, notices=6, reprints=0)
    column = it.column(family)
    it.add(column)
    it.poll()
    it.later(21 * DAY)
    it.do(it.country.publish, it.now, 2 * column.per_page + 3, column=column, reprints=False)
    it.poll()

    assert it.stored(column).keys() == {p.article_url for p in it.shown(column)}
    assert it.source(column).gap_open is None


@pytest.mark.parametrize("family", ["trs", "gkmlpt"])
def test_a_first_poll_reaches_back_five_pages_and_says_so(world, family):
    """Enough to fill a feed, not the whole archive of a portal."""
    it = world(portals=2, notices=120, reprints=0)
    column = it.column(family)
    it.add(column)
    it.poll()

    shown = it.shown(column, pages=paging.FIRST_PAGES)
    assert it.stored(column).keys() == {p.article_url for p in shown}
    notes = it.one("select array_to_string(notes, ' ') from polls")
    assert "the first poll ends after 5 pages" in notes
    assert it.source(column).gap_open is None


def test_a_gap_is_said_until_it_is_closed(world):
    """More new rows than twenty pages hold: the source says that something is missing, reads on
    at the next poll, and says so no more when all is there.
    """
    it = world(portals=1, notices=6, reprints=0)
    column = it.column("trs")
    it.add(column)
    it.poll()
    it.later(90 * DAY)
    it.do(
        it.country.publish, it.now, paging.LATER_PAGES * column.per_page + 50, column=column,
        reprints=False,
    )  # fmt: skip
    it.poll()
    told = it.source(column)
    assert told.gap_open
    assert told.problem.startswith("gap open")
    it.later(HOUR)
    it.poll()

    assert it.stored(column).keys() == {p.article_url for p in it.shown(column)}
    assert it.source(column).gap_open is None
    assert it.source(column).problem is None


def test_news_on_top_closes_no_gap_below(world):
    """While old rows are still missing, fresh ones arrive: both are there in the end."""
    it = world(portals=1, notices=6, reprints=0)
    column = it.column("trs")
    it.add(column)
    it.poll()
    it.later(90 * DAY)
    it.do(
        it.country.publish, it.now, paging.LATER_PAGES * column.per_page + 50, column=column,
        reprints=False,
    )  # fmt: skip
    it.poll()
    it.later(HOUR)
    it.do(it.country.publish, it.now, column.per_page + 2, column=column, reprints=False)
    it.poll()

    assert it.stored(column).keys() == {p.article_url for p in it.shown(column)}
    assert it.source(column).gap_open is None


@pytest.mark.parametrize(
    ("fault", "gap"),
    [({"kind": FaultKind.STATUS, "status": 500}, True), ({"kind": FaultKind.SOFT404}, False)],
)
def test_a_bad_second_page_takes_nothing_from_the_first(world, fault, gap):
    """What the first page showed is stored; what could not be read is read at the next poll."""
    it = world(portals=1, notices=6, reprints=0)
    column = it.column("trs")
    it.add(column)
    it.poll()
    it.later(10 * DAY)
    it.do(it.country.publish, it.now, column.per_page + 4, column=column, reprints=False)
    it.do(it.served.faults.set, Fault(host=column.host, path=f"{column.path}index_1.html", **fault))
    it.poll()
    first = {p.article_url for p in it.shown(column, pages=1)}
    assert first <= it.stored(column).keys()
    assert bool(it.source(column).gap_open) is gap
    it.do(it.served.faults.clear)
    it.later(HOUR)
    it.poll()

    assert not gap or it.stored(column).keys() == {p.article_url for p in it.shown(column)}
    assert it.source(column).gap_open is None


@pytest.mark.parametrize("mended", [True, False])
def test_a_first_poll_that_fails_on_its_second_page_is_read_on_once(world, mended):
    """A server that stumbled once must not cost a source its first hundred rows (ADR 0013); one
    that never gives its second page must not keep it from being polled like any other.
    """
    it = world(portals=1, notices=40, reprints=0)
    column = it.column("trs")
    it.add(column)
    second = Fault(
        host=column.host, path=f"{column.path}index_1.html", kind=FaultKind.STATUS, status=500
    )
    it.do(it.served.faults.set, second)
    it.poll()

    assert len(it.stored(column)) == column.per_page
    assert it.source(column).gap_open
    assert "could not be read" in it.source(column).problem
    if mended:
        it.do(it.served.faults.clear)
    it.later(HOUR)
    it.look()
    it.later(HOUR)
    it.do(it.country.publish, it.now, column=column, reprints=False)
    it.look()

    pages = None if mended else 1
    assert {p.article_url for p in it.shown(column, pages=pages)} <= it.stored(column).keys()
    assert it.source(column).gap_open is None
    assert (it.source(column).health, it.source(column).problem) == ("well", None)
    assert it.one(f"{COUNT} where novelty = 'first-poll'") == len(it.stored(column)) - 1
    assert it.one(f"{COUNT} where novelty <> 'first-poll'") == 1


def test_a_first_poll_mails_nothing_and_a_flood_is_held(world):
    """Adding a source floods no one; nor does a portal that brings sixty rows at once. Feeds
    have them all.
    """
    it = world(portals=1, notices=20, reprints=0)
    column = it.column("trs")
    subscriber = Subscribers(it.engine).sign_up(
        "reader@inbox.example", [Filter()], Frequency.IMMEDIATE, it.now, confirmed=True
    )

    def owed():
        return Digests(it.engine).owed(subscriber, Frequency.IMMEDIATE, it.now)[0].items

    it.later(MINUTE)
    it.add(column)
    it.look()
    assert it.one(COUNT) == len(it.shown(column)) > 0
    assert not owed()
    it.later(MINUTE)
    it.do(it.country.publish, it.now, 3, column=column, reprints=False)
    it.look()
    few = owed()
    assert 0 < len(few) <= 3
    it.later(DAY)
    it.do(it.country.publish, it.now, 60, column=column, reprints=False)
    it.look()

    assert it.source(column).held
    assert it.stored(column).keys() == {p.article_url for p in it.shown(column)}
    assert owed() == few


def test_a_list_that_is_suddenly_empty_withdraws_nothing(world):
    """No row where there were twenty: the page is ill, not the notices. Health says so, and when
    the rows are back nothing is announced again.
    """
    it = world(portals=1, notices=20, reprints=0)
    column = it.column("trs")
    it.add(column)
    it.look()
    stored = it.one(COUNT)
    it.later(HOUR)
    it.do(it.served.faults.set, Fault(host=column.host, path=column.path, kind=FaultKind.EMPTY))
    it.do(it.country.change, 1, it.now)
    it.poll()
    ill = it.source(column)
    assert ill.health == "empty"
    assert "sources test" in ill.problem
    it.do(it.served.faults.clear)
    it.later(2 * DAY)
    it.look()

    assert it.source(column).health == "well"
    assert it.source(column).problem is None
    assert it.one(f"{COUNT} where withdrawn_at is not null") == 0
    assert it.one(COUNT) == stored + 1


FAULTS = {
    "hangs": (Fault(host="", kind=FaultKind.HANG), "timeout"),
    "refuses": (Fault(host="", kind=FaultKind.STATUS, status=403), "http"),
    "shields": (Fault(host="", kind=FaultKind.STATUS, status=412), "challenge"),
    "is cut": (Fault(host="", kind=FaultKind.TRUNCATED), "truncated"),
    "drops": (Fault(host="", kind=FaultKind.DROP), None),
}


def test_an_ill_host_harms_only_itself(world):
    """One hangs, one refuses, one cuts its pages short …: the others are recorded while the
    first still hangs, and each ill one says what is wrong with it.
    """
    it = world(portals=12, notices=4, limits=Limits(total_seconds=10))
    it.add_all()
    hosts = [portal.host for portal in it.country.portals]
    for host, (fault, _) in zip(hosts, FAULTS.values(), strict=False):
        it.do(it.served.faults.set, replace(fault, host=host))
    recorded: dict[str, float] = {}
    started = time.monotonic()
    ids = {one.id: one for one in it.sources.list()}

    def seen(summary) -> None:
        recorded[ids[summary.source_id].url] = time.monotonic() - started

    it.run(
        polls.poll(
            list(ids), store=it.sources, fetch=it.fetch, reader=it.reader, bell=_Silent(),
            clock=it.clock, rules=polls.PollRules(delay_seconds=0), seen=seen,
        )
    )  # fmt: skip

    hanging = min(at for url, at in recorded.items() if f"{hosts[0]}:" in url)
    well = [at for url, at in recorded.items() if not any(f"{h}:" in url for h in hosts[:5])]
    assert len(recorded) == len(ids)
    assert min(well) < hanging
    assert sum(at < hanging for at in well) >= len(well) * 0.9
    for one in it.sources.list():
        host = one.url.split("/")[2].split(":")[0]
        if host in hosts[:5]:
            assert one.problem, one.url
            assert one.failures == 1
            assert one.next_poll_at > it.now
        else:
            assert one.problem is None, one.problem


class _Silent:
    def ring(self, task, *args) -> None: ...


def test_a_page_that_kills_the_parser_harms_only_its_source(world):
    """Poison: the child dies of the page; every other source is read by the next child."""
    it = world(portals=3, notices=4, limits_of_parser=Bounds(memory_bytes=60 * 1024 * 1024))
    it.add_all()
    poison = it.served.url(it.country.columns[0])
    read = it.reader.read_list

    async def poisoned(page, **more):
        if page.url == poison:
            page = replace(page, body=b"<ul>" + b"<li><i>a</i><b>b</b>" * 300_000 + b"</ul>")
        return await read(page, **more)

    it.reader.read_list = poisoned
    it.poll()

    (ill,) = [one for one in it.sources.list() if one.problem]
    assert ill.url == poison
    assert "ended the parser" in ill.problem
    for column in it.country.columns[1:]:
        assert it.stored(column), column.family


def test_sources_whose_poll_never_ended_are_tried_alone(world):
    """One of a hundred ends its worker: the others must not go down with it a second time."""
    it = world(portals=4, notices=2)
    ids = [one.id for one in it.add_all()]
    rung = []

    class Bell:
        def ring(self, _task, *args) -> None:
            rung.append(args[0])

    it.sources.claim_sources(ids[:3], it.now, lease=polls.LEASE)
    it.later(polls.LEASE + MINUTE)
    polls.ring_due(it.sources, Bell(), it.now)

    assert sorted(batch for batch in rung if len(batch) == 1) == [[one] for one in sorted(ids[:3])]
    assert sorted(one for batch in rung for one in batch) == sorted(ids)
    it.poll(anyway=False)
    assert it.one("select count(*) from sources where attempts > 0") == 0


def test_every_column_tells_what_it_is(world):
    """An operator pastes an address; the kind is found out by looking."""
    it = world(notices=12)
    wrong = {}
    for column in it.country.columns:
        probed = it.run(
            sources.probe(it.served.url(column), fetch=it.fetch, reader=it.reader, now=it.now)
        )
        if probed.kind is not SourceKind(column.kind.value) or not probed.rows:
            wrong[column.family, column.path] = (probed.kind.value, probed.rows)
    assert not wrong
