"""Pages made to measure by: they have the size that is asked for and show what they hold."""

from datetime import UTC, datetime

import pytest

from aggregator import parse
from quxun.bench.pages import ARTICLES, LISTS, Press

NOW = datetime(2026, 11, 27, tzinfo=UTC)


@pytest.fixture(scope="module")
def press() -> Press:
    return Press()


@pytest.mark.parametrize("family", LISTS)
def test_a_list_of_60_kb_shows_its_twenty_rows(press: Press, family: str):
    """A page on which nothing is found would be read in no time."""
    page = press.list_page(family, 60)

    _, reading = parse.detect(page.raw, url=page.url, content_type=None, now=NOW)

    assert len(page.raw) == pytest.approx(60 * 1024, rel=0.05)
    assert len(reading.entries) == 20
    assert all(entry.date for entry in reading.entries)


@pytest.mark.parametrize("family", ARTICLES)
def test_an_article_of_60_kb_has_its_body(press: Press, family: str):
    """Half of the page is text that must be read, the rest is to be left out."""
    page = press.article_page(family, 60)

    article = parse.read_article(
        page.raw, url=page.url, content_type=None, now=NOW, selector=None, learned=None
    )

    assert len(page.raw) == pytest.approx(60 * 1024, rel=0.05)
    assert len(article.body_text.encode()) > 25_000
    assert "办事" not in article.body_text.splitlines()
