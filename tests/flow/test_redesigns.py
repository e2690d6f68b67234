"""A portal is redesigned: nothing lost, nothing doubled, nothing announced again, and it is told."""

from __future__ import annotations

from dataclasses import replace

import pytest
from flow_world import DAY, HOUR, MINUTE
from test_whole_country import same_title

from aggregator.model import NewSource, Request, Selectors, SourceSettings
from quxun.country import Fault, FaultKind, Nature

COUNT = "select count(*) from announcements"
#: What happens to all portals at once; between them they are of all families.
REDESIGNS = {
    "new markup": {"keep_urls": True},
    "new numbers": {"keep_urls": True, "renumber": True},
    "all addresses": {"forward": True},
    "no dates": {"keep_urls": True, "undated": True},
    "an XML island": {"family": "jcms", "forward": True},
    "HTML inside JSON": {"family": "jpaas", "forward": True, "renumber": True},
    "an API": {"family": "gkmlpt", "forward": True},
    "pages that count down": {"family": "boda", "forward": True, "renumber": True},
    "plain lists": {"family": "trs", "forward": True},
    "numbered lists": {"family": "guangdong", "forward": True, "renumber": True},
    "own elements, no dates": {"family": "shtml", "forward": True, "undated": True},
    "small site": {"family": "phpcms", "forward": True},
}
#: Rows of these come without markup of the portal's own.
BARE = {"rss", "atom", "gkmlpt", "search", "jcms", "jpaas"}


def known(it):
    """What must not change by a redesign: which notices there are, and what is news of them."""
    return it.rows("select uuid, title_key, novelty, announced_at from announcements order by id")


def stored(it, source_id):
    return {
        row["url"]: row["title"]
        for row in it.rows("select url, title from entries where source_id = :id", id=source_id)
    }


@pytest.mark.parametrize("how", REDESIGNS)
def test_a_redesign_loses_doubles_and_announces_nothing(world, how):
    """Every family of portal, turned into each other: the same notices stay the same records,
    what comes afterwards is news once, and the operator reads what happened.
    """
    change = REDESIGNS[how]
    it = world(portals=6, notices=6, reprints=0)
    families = {column.key: column.family for column in it.country.columns}
    places = set(it.truth().by_url())
    source = {column.key: it.add(column).id for column in it.country.columns}
    it.look()
    before = known(it)
    for portal in it.country.portals:
        it.do(it.country.redesign, portal, it.now, **change)
    it.later(HOUR)
    it.look()
    for _ in range(2):
        it.later(DAY)
        it.look()
    assert known(it) == before
    fresh = {}
    for column in it.country.columns:
        fresh[column.key] = it.do(
            it.country.publish, it.now, column=column, nature=Nature.POLICY, reprints=False
        )[0].title
    it.later(HOUR)
    it.look()

    # An API answers at its old address, and with nothing: nobody can know where it went.
    lost = {
        column.key for column in it.country.columns
        if families[column.key] == column.family == "gkmlpt" and "keep_urls" not in change
    }  # fmt: skip
    assert it.one(COUNT) == len(before) + len(fresh) - len(lost)
    assert known(it)[: len(before)] == before
    assert {row["novelty"] for row in known(it)[len(before) :]} == {"news"}
    assert it.one("select count(*) from announcements where withdrawn_at is not null") == 0
    assert it.one("select count(*) from revisions") == 0
    for column in it.country.columns:
        one = it.sources.get(source[column.key])
        if column.key in lost:
            assert one.health == "redesigned", one.url
            continue
        shown = {place.article_url: place.title for place in it.shown(column)}
        assert stored(it, one.id).keys() == shown.keys(), families[column.key]
        for url, title in stored(it, one.id).items():
            assert same_title(title, shown[url]), families[column.key]
        assert (one.health, one.problem, one.kind) == ("well", None, column.kind)
        told = [note for poll in it.sources.polls(one.id) for note in poll.notes]
        moved = not places & shown.keys()
        if moved or families[column.key] != column.family or families[column.key] not in BARE:
            assert any("redesigned, learned again" in note for note in told), families[column.key]
            assert one.redesign.healed
        links = it.rows("select url from announcements where source_id = :id", id=one.id)
        assert {row["url"] for row in links} <= shown.keys(), families[column.key]


@pytest.fixture
def it(world):
    """Two portals that were read; everything that comes now is news."""
    made = world(portals=2, notices=8, reprints=0)
    made.add_all()
    made.look()
    made.later(MINUTE)
    return made


def test_a_list_without_rows_is_an_alarm_at_the_third_poll_and_heals(it):
    """One empty answer may be a hiccup; three are a redesign that an operator must hear of. What
    was stored stays, the last good look is not the empty one, and nothing comes twice.
    """
    column = it.column("trs")
    before, read_at = known(it), it.source(column).last_ok_at
    it.do(it.served.faults.set, Fault(host=column.host, path=column.path, kind=FaultKind.EMPTY))
    said = []
    for _ in range(4):
        it.poll(column)
        said.append(it.source(column).health.value)
        it.later(HOUR)
    ill = it.source(column)
    it.do(it.served.faults.clear)
    it.look()

    assert said == ["empty", "empty", "redesigned", "redesigned"]
    assert ill.last_ok_at == read_at
    assert f"{len(it.shown(column, pages=1))}" in ill.problem
    assert "sources edit" in ill.problem
    assert ill.learned.rows
    well = it.source(column)
    assert (well.health, well.problem, well.failures) == ("well", None, 0)
    assert known(it) == before


def test_a_portal_that_moves_and_leaves_nothing_behind_is_found_again(it):
    """No forwarding: list and articles answer 404 for three days. Nothing is withdrawn; with the
    new address everything is known again.
    """
    portal = it.country.portals[0]
    before = known(it)
    fresh = it.do(it.country.redesign, portal, it.now)
    for _ in range(3):
        it.later(DAY + HOUR)
        it.look()
    assert it.one("select count(*) from announcements where withdrawn_at is not null") == 0
    for old, new in zip(portal.columns, fresh.columns, strict=True):
        source = it.sources.get(it.served.url(new).replace(new.path, old.path))
        named = NewSource(
            name=source.name, kind=source.kind, url=it.served.url(new), region=source.region,
            authority=source.authority, settings=source.settings,
        )  # fmt: skip
        it.sources.change(source.id, named, it.now)
    for _ in range(3):
        it.later(DAY + HOUR)
        it.look()

    assert known(it) == before
    assert it.one("select count(*) from announcements where withdrawn_at is not null") == 0
    for column in fresh.columns:
        assert it.source(column).health == "well"
        assert it.stored(column).keys() == {place.article_url for place in it.shown(column)}
        assert it.source(column).redesign.moved == len(it.shown(column))


def test_rows_that_carry_on_nothing_are_kept_and_held_from_mail(it):
    """Another list stands where ours was, and nothing of it is known: a hijacked page, or the
    first words of a new owner. Stored, said, and mailed to nobody before somebody looked.
    """
    column, other = it.column("trs"), it.country.portals[1].columns[0]
    before = known(it)
    real = it.fetch.get

    async def hijacked(request):
        if request.url == it.served.url(column):
            page = await real(Request(url=it.served.url(other), ports=request.ports))
            return replace(page, url=request.url, requested_url=request.url)
        return await real(request)

    it.fetch.get = hijacked
    it.sources.remove(it.sources.get(it.served.url(other)).id)
    it.poll(column)
    ill = it.source(column)
    assert ill.health == "redesigned"
    assert ill.held
    assert "held from mail" in ill.problem
    it.poll(column)
    assert it.source(column).health == "redesigned"
    it.fetch.get = real
    it.look(column)
    assert it.source(column).health == "well"
    assert it.one(f"{COUNT} where novelty in ('news', 'late-news')") == 0
    it.sources.release_held(ill.id)
    assert known(it)[: len(before)] == before


def test_selectors_of_an_operator_win_and_say_when_they_name_nothing(it):
    """What an operator pointed at is read, redesign or not; when it is gone the page is read
    unaided, all is there, and the source tells which selector it was.
    """
    column = it.column("trs")
    source = it.source(column)
    told = Selectors(rows="a[href^='./2']")
    settings = SourceSettings(selectors=told)
    named = NewSource(name=source.name, kind=source.kind, url=source.url, settings=settings)
    it.sources.change(source.id, named, it.now)
    it.look(column)
    assert it.source(column).problem is None
    named = replace(named, settings=SourceSettings(selectors=replace(told, rows=".no-such-row")))
    it.sources.change(source.id, named, it.now)
    it.do(it.country.redesign, it.country.portal(column.host), it.now, keep_urls=True)
    it.do(it.country.publish, it.now, column=column, nature=Nature.POLICY, reprints=False)
    it.later(HOUR)
    it.look(column)

    ill = it.source(column)
    assert ill.health == "well"
    assert ".no-such-row" in ill.problem
    assert f"read unaided: {len(it.shown(column, pages=1))} rows" in ill.problem
    assert ill.settings.selectors.rows == ".no-such-row"
    assert it.stored(column).keys() == {place.article_url for place in it.shown(column)}


@pytest.mark.parametrize("told", [True, False])
def test_article_selectors_win_over_what_is_read_unaided(it, told):
    """The portal prints its own name as the largest heading: the operator points elsewhere."""
    column = it.column("trs")
    source = it.source(column)
    selectors = Selectors(article_title="title", article_source=".nothing") if told else Selectors()
    named = NewSource(
        name=source.name, kind=source.kind, url=source.url,
        settings=SourceSettings(selectors=selectors),
    )  # fmt: skip
    it.sources.change(source.id, named, it.now)
    (notice,) = it.do(
        it.country.publish, it.now, column=column, nature=Nature.POLICY, reprints=False
    )
    it.look(column)

    title, problem = next(
        (row["title"], row["problem"]) for row in it.rows(
            "select a.title, e.problem from announcements a join entries e"
            " on e.announcement_id = a.id order by a.id desc"
        )
    )  # fmt: skip
    portal = it.country.portal(column.host).name
    assert (portal in title, notice.title in title) == (told, not told)
    assert bool(problem and "article_source = '.nothing'" in problem) is told
