"""The pinned figures: every one is readable, says where it comes from, and is held by something."""

import pytest

from aggregator.errors import QuxunError
from quxun.bench import floors


def test_a_figure_below_its_floor_is_told_with_both_numbers():
    """Who broke extraction reads which figure fell, how far, and what it means."""
    [line] = floors.shortfalls({"list.items_f1": 0.5})

    assert line.startswith("list.items_f1: 0.5, must be at least 0.99")
    assert floors.shortfalls({"list.items_f1": 1.0}) == []


def test_a_time_above_its_ceiling_is_a_shortfall():
    """Milliseconds are bounded from above."""
    assert floors.shortfalls({"read.list.known_ms": 1.9}) == []
    assert "at most 2" in floors.shortfalls({"read.list.known_ms": 2.1})[0]


def test_a_figure_that_was_not_measured_is_a_shortfall():
    """A bench that forgets half of its figures must not pass."""
    lines = floors.shortfalls({"list.items_f1": 1.0}, among=["list.items_f1", "list.dates"])

    assert [line.split(":")[0] for line in lines] == ["list.dates"]


def test_an_unknown_figure_is_an_error():
    """A misspelt name would hold nothing."""
    with pytest.raises(QuxunError, match="no figure"):
        floors.floor("list.itmes_f1")
