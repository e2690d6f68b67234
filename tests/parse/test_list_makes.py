"""Every make of list in every surrounding, read unaided (DOMAIN §3, §5, §17)."""

from datetime import UTC, datetime

import pytest

from aggregator import parse
from tests.parse.listpages import AROUND, MAKES, UNDATED, gallery, many, page

NOW = datetime(2025, 11, 21, 4, 0, tzinfo=UTC)


def read(made):
    _, reading = parse.detect(made.html.encode(), url=made.url, content_type=None, now=NOW)
    return reading


def shown(reading):
    return tuple(
        (entry.title, entry.url, entry.date and entry.date[:10]) for entry in reading.entries
    )


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("make", [*MAKES, *UNDATED])
@pytest.mark.parametrize("count", [3, 15])
def test_the_rows_of_any_make_are_found_and_nothing_else(make, around, count):
    """Nobody writes a rule for a portal: menus, sidebars, friends and pagers stay out."""
    made = page(make, around, count=5 if make in UNDATED else count)

    assert shown(read(made)) == made.rows


@pytest.mark.parametrize("around", ["portal", "with_asides", "nested"])
@pytest.mark.parametrize("make", MAKES)
def test_a_column_of_one_notice_shows_that_one(make, around):
    """New columns begin with one row, and last pages end with one."""
    made = page(make, around, count=1)

    assert shown(read(made)) == made.rows


@pytest.mark.parametrize("make", ["plain", "breaks", "table_a_row", "in_the_link", "undated"])
def test_a_list_of_five_hundred_rows_is_read_whole(make):
    """Some portals print a whole archive on one page."""
    made = page(make, "with_asides", count=500)

    assert shown(read(made)) == made.rows


def test_a_page_with_a_date_and_no_link_is_no_list():
    """A bare notice: its date belongs to no row."""
    page_ = (
        "<html><body><h1>停水通知</h1><p>发布时间：2025-08-13</p><p>明日停水。</p></body></html>"
    )

    _, reading = parse.detect(
        page_.encode(), url="http://www.linxi.example/n", content_type=None, now=NOW
    )

    assert reading.entries == ()


PATHS = ["/{n}.html", "/info/1001/{n}.htm", "/xw/202508/t20250801_{n}.html", "/view.asp?id={n}", "/xw/content_{n}.shtml"]  # fmt: skip


@pytest.mark.parametrize("crumbs", [True, False])
@pytest.mark.parametrize("make", ["plain", "month_day", "undated", "undated_pictures", "cards"])
@pytest.mark.parametrize("path", PATHS)
def test_a_page_of_blocks_gives_the_rows_of_each(make, crumbs, path):
    """A home page and a column of columns have no main list: all their blocks are news."""
    made = many(make, crumbs=crumbs, path=path)

    assert [row[:2] for row in shown(read(made))] == [row[:2] for row in made.rows]


@pytest.mark.parametrize("crumbs", [True, False])
@pytest.mark.parametrize("make", [*MAKES, *UNDATED])
def test_blocks_of_any_make_give_their_rows(make, crumbs):
    """Summaries in every block are no article, whatever holds them."""
    made = many(make, crumbs=crumbs, path="/content/post_{n}.html")

    assert [row[:2] for row in shown(read(made))] == [row[:2] for row in made.rows]


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("path", PATHS)
def test_pictures_with_short_names_are_a_list(around, path):
    """Their addresses tell that they are no menu."""
    made = gallery(around, path=path)

    assert [row[:2] for row in shown(read(made))] == [row[:2] for row in made.rows]


def test_a_home_page_whose_scripts_count_pages_is_a_home_page():
    """Libraries speak of pages without there being any; the address tells."""
    made = many("plain", crumbs=False, path="/{n}.html")
    html = made.html.replace("</body>", "<script>var totalPage=1,pageCount=1;</script></body>")

    _, reading = parse.detect(html.encode(), url=made.url, content_type=None, now=NOW)

    assert shown(reading) == made.rows


def test_an_old_block_of_a_home_page_is_not_pinned():
    """Blocks stand beside each other; only within one list is an old row on top a pinned one."""
    made = many("plain", crumbs=False, path="/{n}.html")
    old = made.html.replace("2025-11-", "2025-03-", 6)

    _, reading = parse.detect(old.encode(), url=made.url, content_type=None, now=NOW)

    assert reading.entries[0].date.startswith("2025-03")
    assert not any(entry.pinned for entry in reading.entries)


def test_a_column_without_rows_shows_none():
    """Neither its menu nor its footer nor its friends are taken instead."""
    made = page("plain", "portal", count=1)
    empty = made.html.replace(made.rows[0][0], "").replace(made.rows[0][2], "")

    _, reading = parse.detect(empty.encode(), url=made.url, content_type=None, now=NOW)

    assert reading.entries == ()
