"""A portal is redesigned: nothing lost, nothing doubled, nothing announced again, and it is told."""

from __future__ import annotations

import pytest
from flow_world import DAY, HOUR
from test_whole_country import same_title

from quxun.country import Nature

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
