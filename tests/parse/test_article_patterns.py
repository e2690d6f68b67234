"""Articles in the many ways that portals make them, each read as a person reads it."""

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
