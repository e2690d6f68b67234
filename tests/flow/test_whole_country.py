"""Every family of portal, polled through the real flow: the store equals the truth."""

from __future__ import annotations

from aggregator.text import fold
from quxun.country.model import SHANGHAI

FIRST_PAGES = 5


def test_the_store_equals_the_country(world):
    """No announcement missed: all families, all charsets, and then a week of news."""
    it = world(notices=16)
    it.add_all()
    it.look()

    problems = it.rows("select slug, kind, health, problem from sources where problem is not null")
    assert problems == []
    for column in it.country.columns:
        check_column(it, column, pages=FIRST_PAGES)
    check_dates(it)


def check_column(it, column, *, pages=None) -> None:
    """The column's entries are what it shows: addresses and titles."""
    shown = {place.article_url: place.title for place in it.shown(column, pages=pages)}
    stored = it.stored(column)
    assert stored.keys() == shown.keys(), column.family
    wrong = {
        url: (stored[url], title)
        for url, title in shown.items()
        if not same_title(stored[url], title)
    }
    assert not wrong, column.family


def same_title(stored: str, true: str) -> bool:
    """Equal, or cut as the list itself cuts it."""
    head = stored.rstrip(".…")
    return fold(stored) == fold(true) or (head != stored and fold(true).startswith(fold(head)))


def check_dates(it) -> None:
    """Every announcement has the day on which one of its pages was posted."""
    days = {}
    for known in it.truth().notices:
        for place in known.places:
            days[place.article_url] = place.posted_at.astimezone(SHANGHAI).date()
    rows = it.rows("select url, posted_at from announcements")
    wrong = [
        (row["url"], row["posted_at"], days[row["url"]])
        for row in rows
        if row["posted_at"] is None
        or row["posted_at"].astimezone(SHANGHAI).date() != days[row["url"]]
    ]
    assert not wrong, (len(rows), len(wrong), wrong[:8])
