"""Articles in the many ways that portals make them, each read as a person reads it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from aggregator import parse
from aggregator.text import squeeze
from tests.parse.articlepages import made

NOW = datetime(2026, 1, 10, 4, 0, tzinfo=UTC)
PAGES = dict(made())


def read(html, url, *, learned=None):
    return parse.read_article(
        html.encode(), url=url, content_type=None, now=NOW, selector=None, learned=learned
    )


@pytest.mark.parametrize("name", PAGES)
def test_a_person_and_we_read_the_same(name):
    """Whatever the template, its title, day, source and text are found, and nothing else."""
    page = PAGES[name]

    got = read(page.html, page.notice.url)

    assert squeeze(got.title) == page.notice.title
    assert (got.date_text or got.meta.get("pubdate") or "")[:10].replace(
        "—", "-"
    ) == page.notice.posted
    assert got.source_text == page.notice.source
    assert squeeze(got.body_text) == squeeze("".join(page.notice.lines))


@pytest.mark.parametrize("name", [name for name in PAGES if name.endswith("-0")])
def test_what_one_article_taught_reads_the_next_as_if_nothing_were_known(name):
    """A known shape makes reading fast, never different; the template is known again."""
    make = name.removesuffix("-0")
    taught = read(PAGES[name].html, PAGES[name].notice.url).shape

    for other in (f"{make}-1", f"{make}-2"):
        page = PAGES[other]
        alone = read(page.html, page.notice.url)
        known = read(page.html, page.notice.url, learned=taught)

        assert replace(known, shape=None, shape_kept=False) == replace(alone, shape=None)
        assert known.shape_kept == (alone.shape is not None)


def test_a_shape_of_another_template_is_dropped_and_the_new_one_told():
    """A redesign must neither hide the text nor go unnoticed."""
    old = read(PAGES["asp_table-0"].html, PAGES["asp_table-0"].notice.url).shape
    page = PAGES["ucap-1"]
    alone = read(page.html, page.notice.url)

    got = read(page.html, page.notice.url, learned=old)

    assert not got.shape_kept
    assert got == alone
    assert got.shape.title.endswith("h1>ucaptitle")
