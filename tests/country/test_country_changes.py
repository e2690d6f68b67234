"""What happens in the country is seen on its pages: news, edits, withdrawals, redesigns."""

from __future__ import annotations

from datetime import timedelta

import pytest
from country_reading import LATER, column_url, country, get, plain, read, walk
from hypothesis import given, settings
from hypothesis import strategies as st

from quxun.country import Edit, Nature, Size, Wrap
from quxun.country.site import Site

PORT = 18_322


@pytest.fixture
def site() -> Site:
    return Site(country(), PORT)


def _column(site: Site, family: str):
    return next(c for c in site.country.columns if c.family == family)


@pytest.mark.parametrize(
    "family", ["trs", "guangdong", "gkmlpt", "jcms", "jpaas", "boda", "shtml", "search", "phpcms",
               "commercial", "rss", "atom"],
)  # fmt: skip
def test_a_new_notice_stands_first_in_its_column(site, family):
    """Published means seen: at the next look, on the first page, newest first."""
    column = _column(site, family)
    before = {url for page in walk(site, column) for url in page}
    (notice,) = site.country.publish(LATER, column=column, reprints=False)

    after = [url for page in walk(site, column) for url in page]
    pinned = sum(s.pinned for s in site.country.standings(column))
    (new,) = set(after) - before
    assert after[pinned] == new
    assert "".join(notice.title.split()) in plain(read(site, new))
    assert notice.posted_at == LATER


def test_publishing_is_determined_by_seed_and_clock():
    """The same calls on the same clock make the same news."""
    one, two = country(), country()

    assert one.publish(LATER, 20) == two.publish(LATER, 20)
    assert one.truth(1) == two.truth(1)


def test_an_edit_moves_the_deadline_and_the_validators(site):
    """A deadline is put off: the page, its ETag and Last-Modified change; the list does not."""
    column = _column(site, "trs")
    (notice,) = site.country.publish(LATER, column=column, nature=Nature.DRAFT, reprints=False)
    ((_, standing, _),) = site.country.sightings(notice.id)
    url = site.origin(column.host) + site.country.shown(column, standing).path
    before, listed = get(site, url), get(site, column_url(site, column))
    edited = site.country.edit(notice, LATER + timedelta(hours=1))
    after = get(site, url)

    moved = edited.facts.deadlines[0].day - notice.facts.deadlines[0].day
    assert moved == timedelta(days=14)
    assert after.etag != before.etag
    assert after.last_modified > before.last_modified
    assert "".join(edited.facts.deadlines[0].sentence.split()) in plain(read(site, url))
    assert get(site, column_url(site, column)).body == listed.body
    assert edited.revision == 1


@pytest.mark.parametrize("how", list(Edit))
def test_every_edit_changes_the_page(site, how):
    """Each sort of edit is visible to one who reads the article again."""
    (notice,) = site.country.publish(LATER, nature=Nature.LAND, reprints=False)
    ((column, standing, _),) = site.country.sightings(notice.id)
    while standing.attachment_only or notice.facts.deadlines == ():
        (notice,) = site.country.publish(LATER, nature=Nature.LAND, reprints=False)
        ((column, standing, _),) = site.country.sightings(notice.id)
    url = site.origin(column.host) + site.country.shown(column, standing).path
    before = get(site, url).body
    edited = site.country.edit(notice, LATER, how)

    assert get(site, url).body != before
    assert (edited.title != notice.title) == (how is Edit.TITLE)
    sums = [[amount.yuan for amount in n.facts.amounts] for n in (notice, edited)]
    assert (sums[0] != sums[1]) == (how is Edit.AMOUNT)


def test_an_edit_of_the_first_portal_leaves_reprints_as_they_were(site):
    """Portals seldom follow each other's corrections."""
    column = _column(site, "trs")
    (notice,) = site.country.publish(LATER, column=column, reprints=False)
    site.country.reprint(notice, _column(site, "guangdong"), LATER, wrap=Wrap.FORWARD)
    site.country.edit(notice, LATER, Edit.BODY, everywhere=False)

    revisions = [standing.edits for _, standing, _ in site.country.sightings(notice.id)]
    assert revisions == [1, 0]


def test_a_withdrawn_notice_is_gone_and_its_row_too(site):
    """404 and no row; the truth keeps it, flagged."""
    column = _column(site, "boda")
    (notice,) = site.country.publish(LATER, column=column, reprints=False)
    ((_, standing, _),) = site.country.sightings(notice.id)
    url = site.origin(column.host) + site.country.shown(column, standing).path
    assert get(site, url).status == 200
    site.country.withdraw(notice, LATER)

    assert get(site, url).status == 404
    assert url not in {u for page in walk(site, column) for u in page}
    known = site.country.truth(PORT).by_url()[url]
    assert known.withdrawn


def test_a_notice_can_be_withdrawn_in_one_place(site):
    """The city takes it down, the district does not."""
    home, city = _column(site, "trs"), _column(site, "guangdong")
    (notice,) = site.country.publish(LATER, column=home, reprints=False)
    site.country.reprint(notice, city, LATER)
    site.country.withdraw(notice, LATER, column=city)

    assert [gone for _, _, gone in site.country.sightings(notice.id)] == [False, True]


def test_a_redesign_moves_every_address(site):
    """After a 改版 the old addresses are 404 and the same notices stand under new ones."""
    column = _column(site, "trs")
    old = [url for page in walk(site, column) for url in page]
    titles = [site.country.shown(column, s).title for s in site.country.standings(column)]
    site.country.redesign(site.country.portal(column.host), LATER)
    fresh = site.country.columns[column.key]

    assert get(site, column_url(site, column)).status == 404
    assert all(get(site, url).status == 404 for url in old)
    new = [url for page in walk(site, fresh) for url in page]
    assert len(new) == len(old)
    assert not set(new) & set(old)
    assert titles == [site.country.shown(fresh, s).title for s in site.country.standings(fresh)]


def test_a_redesign_may_keep_addresses_or_change_the_family(site):
    """New markup under old addresses; or another maker's software."""
    column = _column(site, "trs")
    portal = site.country.portal(column.host)
    before = read(site, column_url(site, column))
    site.country.redesign(portal, LATER, keep_urls=True)
    assert read(site, column_url(site, column)) != before
    site.country.redesign(portal, LATER, family="boda")
    fresh = site.country.columns[column.key]

    assert fresh.family == "boda"
    seen = {url for page in walk(site, fresh) for url in page}
    assert seen == site.country.truth(PORT).standing_urls(column_url(site, fresh))


def test_last_modified_never_stands_still(site):
    """Two changes within a second have two times, or a reader would miss the second."""
    column = next(
        c for c in site.country.columns if not site.country.portal(c.host).habits.etag
        and site.country.portal(c.host).habits.last_modified
    )  # fmt: skip
    times = []
    for _ in range(3):
        site.country.publish(LATER, column=column, reprints=False)
        times.append(get(site, column_url(site, column)).last_modified)

    assert len(set(times)) == 3


@settings(deadline=None, max_examples=8)
@given(seed=st.integers(0, 10_000), turns=st.lists(st.sampled_from("peweprc"), max_size=12))
def test_truth_and_pages_agree_whatever_happens(seed, turns):
    """Any order of news, edits, withdrawals, reprints and changes leaves pages and truth at one."""
    made = country(seed=seed, size=Size(notices_per_column=22))
    site = Site(made, PORT)
    newest = made.publish(LATER)[0]
    for minute, turn in enumerate(turns):
        now = LATER + timedelta(minutes=minute)
        match turn:
            case "p":
                newest = made.publish(now)[0]
            case "e":
                made.edit(newest, now)
            case "w":
                made.withdraw(newest, now)
            case "r":
                made.redesign(made.portals[minute % len(made.portals)], now)
            case "c":
                made.change(0.1, now)
    truth = made.truth(PORT)
    for column in made.columns:
        standing = truth.standing_urls(column_url(site, column))
        seen = {url for page in walk(site, column) for url in page}
        assert seen <= standing
        if column.kind != "feed":
            assert seen == standing
