"""Reprints become one announcement with several sightings; different notices stay apart."""

from __future__ import annotations

import pytest
from flow_world import MINUTE

from quxun.country import Nature, Wrap

#: Pairs of pages; measured: precision 1.00, recall 0.94 (1.00 among whole official pages).
PRECISION, RECALL = 0.98, 0.9


def test_reprints_are_found_and_nothing_else(world):
    """A reader sees each notice once, and no two notices as one: pairs counted over a country."""
    it = world(notices=9, reprints=0.5)
    it.add_all()
    it.look()

    found = it.clusters()
    assert found.true_pairs > 100
    assert found.precision >= PRECISION, (str(found), found.lumped[:5])
    assert found.recall >= RECALL, (str(found), found.split[:5])


@pytest.mark.parametrize("order", ["official first", "trade portal first"])
def test_one_notice_on_three_portals_is_one_announcement(world, order):
    """One entry in a feed, three sightings, and the official page leads whoever came first."""
    it = world(notices=6, reprints=0)
    it.add_all()
    it.look()
    assert not it.entries.problems(limit=5)
    before = it.one("select count(*) from announcements")
    trs, other, trade = it.column("trs"), it.column("guangdong"), it.column("commercial")
    it.later(MINUTE)
    (notice,) = it.do(
        it.country.publish, it.now, column=trs, nature=Nature.APPLICATION, reprints=False
    )
    it.do(it.country.reprint, notice, other, it.now, wrap=Wrap.PLAIN)
    it.do(it.country.reprint, notice, trade, it.now, wrap=Wrap.PRESS)
    for column in (trs, other, trade) if order == "official first" else (trade, other, trs):
        it.look(column)

    urls = {p.article_url for p in it.truth().notices[-1].places}
    assert it.clusters(urls=urls).split == [], [
        (d["title_key"], d["body_text"], d["facts"]["deadlines"], d["facts"]["amounts"])
        for d in (
            row["draft"]
            for row in it.rows("select draft from announcements where url = any(:u)", u=[*urls])
        )
    ]
    assert it.one("select count(*) from announcements") == before + 1
    one = it.announcements.get(it.one("select max(id) from announcements"))
    assert len(one.sightings) == 3
    assert one.draft.authority == "official"
    assert one.draft.title == notice.title
