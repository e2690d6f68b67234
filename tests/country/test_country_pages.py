"""What stands on the pages is the truth, page by page, in every family."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from pathlib import Path

import pytest
from country_reading import LATER, NOW, SMALL, column_url, country, get, plain, read, rows_of, walk

from quxun.country import Country, Size, SourceKind
from quxun.country.families import FAMILIES
from quxun.country.site import Site

PORT = 18_321


@pytest.fixture(scope="module")
def site() -> Site:
    return Site(country(), PORT)


def _bytes_of(made: Country) -> str:
    """A digest of every list and of the newest article of each column."""
    site, digest = Site(made, PORT), hashlib.sha256()
    for column in made.columns:
        digest.update(get(site, column_url(site, column)).body)
        newest = made.standings(column)[0]
        path = made.shown(column, newest).path
        digest.update(get(site, site.origin(column.host) + path).body)
    return digest.hexdigest()


def test_same_seed_gives_the_same_bytes_in_any_process():
    """A failure seen once can be made again from its seed."""
    code = (
        "import sys; sys.path[:0] = sys.argv[1:]; import test_country_pages as t; "
        "print(t._bytes_of(t.country()))"
    )
    here = Path(__file__).parent
    other = subprocess.run(
        [sys.executable, "-c", code, str(here), str(here.parent.parent)],
        capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": "99"},
    )  # fmt: skip
    ours = _bytes_of(country())

    assert ours == _bytes_of(country()) == other.stdout.strip()
    assert ours != _bytes_of(country(seed=8))


def test_every_kind_and_family_is_there(site):
    """The demonstration shows all five kinds of source and every page family."""
    columns = site.country.columns

    assert {column.kind for column in columns} == set(SourceKind)
    assert {column.family for column in columns} == set(FAMILIES)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_paging_shows_every_notice_exactly_once(site, family):
    """Whoever pages through a column as its pager says has seen all of it."""
    truth = site.country.truth(PORT)
    for column in site.country.columns:
        if column.family != family:
            continue
        pages = walk(site, column)
        standing = truth.standing_urls(column_url(site, column))
        if column.kind is SourceKind.FEED:
            (entries,) = pages
            assert len(entries) == min(column.per_page, len(standing))
            assert set(entries) <= standing
            continue
        pinned = sum(s.pinned for s in site.country.standings(column))
        seen = [url for page in pages for url in page]
        assert len(seen) == len(standing) + pinned
        assert set(seen) == standing
        newest_first = [
            site.origin(column.host) + site.country.shown(column, s).path
            for s in site.country.standings(column)
        ]
        assert seen[pinned:] == newest_first


def test_some_rows_are_pinned_and_stand_twice(site):
    """Pinned rows break newest-first; a reader must be shown some."""
    assert any(s.pinned for c in site.country.columns for s in site.country.standings(c))


def test_articles_print_what_the_truth_says(site):
    """Every paragraph and title of the truth can be read on the page, every fact in a paragraph."""
    for known in site.country.truth(PORT).notices:
        for place in known.places:
            text = plain(read(site, place.article_url))
            assert re.sub(r"\s", "", place.title) in text
            if not place.whole:
                assert "正文内容详见附件" in text
            elif place.authority != "commercial":
                for paragraph in known.notice.paragraphs:
                    assert re.sub(r"\s", "", paragraph) in text
        joined = "\n".join(known.notice.paragraphs)
        facts = known.notice.facts
        for fact in (*facts.amounts, *facts.deadlines, *facts.areas):
            assert fact.sentence in joined


def test_commercial_bodies_are_doubled_and_name_no_document(site):
    """The seed's pattern: the body twice, no 文号, no issuer in a header."""
    checked = 0
    for known in site.country.truth(PORT).notices:
        long = [p for p in known.notice.paragraphs if len(p) > 30]
        for place in known.places:
            if place.authority != "commercial" or len(long) < 3:
                continue
            text = plain(read(site, place.article_url))
            kept = [re.sub(r"\s", "", b.text) for b in known.notice.body if b.style == "p"]
            assert all(text.count(p) >= 2 for p in kept)
            assert "发文字号" not in text
            checked += 1
    assert checked > 10


def test_titles_and_numbers_are_unique():
    """Two notices share a title or a document number only where one is a reprint."""
    made = country(size=Size.bench(150, hosts=40))
    notices = list(made.notices())
    numbers = [n.doc_number for n in notices if n.doc_number]

    assert len({n.title for n in notices}) == len(notices) == 150 * 25
    assert len(set(numbers)) == len(numbers)


def test_some_notices_stand_on_several_portals_under_other_titles(site):
    """Reprints: same document, other portal, often another title."""
    shared = [k for k in site.country.truth(PORT).notices if len(k.places) > 1]

    assert len(shared) > 50
    assert any(len({p.title for p in k.places}) > 1 for k in shared)
    assert any({p.authority for p in k.places} >= {"official", "commercial"} for k in shared)


def test_gb_pages_hold_rare_characters_and_say_gb2312(site):
    """镕, 喆 and 堃 are outside GB 2312; the label says it all the same."""
    seen = set()
    for known in site.country.truth(PORT).notices:
        for place in known.places:
            answer = get(site, place.article_url)
            if b"gb2312" not in answer.body[:2000]:
                continue
            seen |= set("镕喆堃") & set(answer.body.decode("gb18030"))
            with pytest.raises(UnicodeDecodeError):
                answer.body.decode("utf-8")

    assert seen == set("镕喆堃")


def test_headers_lie_or_are_missing_where_they_should(site):
    """ISO-8859-1 over UTF-8, a type without a charset, no type at all."""
    kinds = set()
    for column in site.country.columns:
        head = get(site, column_url(site, column)).head.decode()
        found = re.search(r"Content-Type: ([^\r]*)", head)
        kinds.add(found[1].lower() if found else "")

    assert {"", "text/html", "text/html; charset=iso-8859-1", "text/html; charset=utf-8"} <= kinds


def test_a_few_titles_carry_a_vertical_tab(site):
    """Pasted from a word processor; the truth has the clean title."""
    column = next(c for c in site.country.columns if c.setting("control"))
    pages = "".join(
        read(site, site.origin(column.host) + site.country.shown(column, s).path)
        for s in site.country.standings(column)
    )

    assert "\x0b" in pages
    assert all("\x0b" not in k.notice.title for k in site.country.truth(PORT).notices)


def test_attachments_can_be_fetched(site):
    """Every attachment a page links is a file of its kind."""
    fetched = 0
    for known in site.country.truth(PORT).notices:
        for column, standing, _ in site.country.sightings(known.notice.id):
            page_url = site.origin(column.host) + site.country.shown(column, standing).path
            get(site, page_url)
            files = FAMILIES[column.family].files(
                site, column, site.country.notice(standing), standing
            )
            for order, (file, _) in enumerate(files):
                path = FAMILIES[column.family].attachment_path(column, standing, order, file)
                if column.family == "commercial":
                    continue
                assert get(site, site.origin(column.host) + path).status == 200
                fetched += 1
    assert fetched > 100


def test_history_is_mostly_older_than_thirty_days(site):
    """The first poll finds an archive, not a flood of news."""
    ages = [(NOW - n.posted_at).days for n in site.country.notices()]

    assert min(ages) >= 0
    assert sum(age > 30 for age in ages) / len(ages) > 0.7
    assert any(age < 4 for age in ages)


def test_front_pages_lead_to_the_columns(site):
    """A newcomer can start at a portal's address."""
    for portal in site.country.portals:
        page = read(site, site.origin(portal.host) + "/")
        for column in portal.columns:
            assert column.name in page


def test_lists_have_menus_and_footers_around_the_rows(site):
    """Nothing is made easy: each list page holds many links that are no rows."""
    for column in site.country.columns:
        if column.kind is SourceKind.COLUMN:
            url = column_url(site, column)
            page = read(site, url)
            assert page.count("<a ") - len(rows_of(page, url)) > 10


def test_divisions_are_marked_as_invented():
    """No code of GB/T 2260, and the province says that this is a demonstration."""
    rows = country().divisions()
    codes = {code for code, _, _, _ in rows}

    assert all(code.lstrip("Z").startswith("99") for code in codes)
    assert rows[0][1] == "演示省"
    assert all(parent in codes for _, _, parent, level in rows if level != "province")
    assert len(codes) == len(rows)


def test_bench_country_spreads_its_columns():
    """Many columns over few addresses, lists among them when asked for."""
    made = country(size=Size.bench(100, hosts=30, html_share=0.3))

    assert len(made.columns) == 100
    assert len(made.portals) == 30
    assert {c.kind for c in made.columns} == {SourceKind.FEED, SourceKind.COLUMN}
    assert len(made.change(0.05, LATER)) == 5
    site = Site(made, PORT)
    assert site.warm() == 100
    assert site.warm() == 0
    truth = made.truth(PORT)
    for column in made.columns:
        seen = {url for page in walk(site, column) for url in page}
        standing = truth.standing_urls(column_url(site, column))
        assert len(standing) >= 25
        assert seen <= standing
        assert len(seen) >= 25
    assert SMALL.columns == 0
