"""A demonstration started again is the country that it was."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from quxun.country.__main__ import take_turn
from quxun.country.country import Country
from quxun.country.journal import Journal
from quxun.country.model import Size

BORN = datetime(2026, 11, 27, 2, 0, 0, 123456, tzinfo=UTC)
MOMENTS = [BORN + timedelta(seconds=4 * n) for n in range(31)]


def made(moments):
    country = Country(size=Size(portals=2), now=moments[0])
    for turn, at in enumerate(moments[1:], start=1):
        take_turn(country, turn, at)
    return {
        (column.host, one.path, one.title, one.standing.posted_at)
        for column in country.columns
        for one in (country.shown(column, s) for s in country.standings(column))
    }


def test_all_notices_stand_again_under_their_addresses(tmp_path):
    """What was read before a restart is no news after it."""
    journal = Journal(tmp_path / "demo-country")
    for at in MOMENTS:
        journal.note(at)

    assert made(journal.moments()) == made(MOMENTS)


def test_a_line_cut_short_by_a_crash_costs_that_line_alone(tmp_path):
    """And what is written next is not joined to it."""
    path = tmp_path / "demo-country"
    journal = Journal(path)
    for at in MOMENTS[:3]:
        journal.note(at)
    path.write_text(path.read_text()[:-9])

    assert journal.moments() == MOMENTS[:2]
    journal.note(MOMENTS[2])
    assert journal.moments() == MOMENTS[:3]
