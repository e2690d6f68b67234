"""The pinned figures: every one is readable, says where it comes from, and is held by something."""

from pathlib import Path

import pytest

from aggregator.errors import QuxunError
from quxun.bench import floors

ROOT = Path(__file__).resolve().parents[2]


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


@pytest.mark.parametrize(
    ("name", "figure"),
    [(n, f) for n, f in floors.figures().items() if f.needs == "own"],
)
def test_every_figure_that_needs_only_us_is_held_by_a_test(name: str, figure: floors.Figure):
    """A floor that nothing compares with would be a wish; its command leads to what does."""
    place = ROOT / figure.command.split()[-1]
    folder = place if place.is_dir() else place.parent
    texts = {file: file.read_text(encoding="utf-8") for file in folder.glob("*.py")}
    asking = [file for file, text in texts.items() if "bench.floors" in text]

    assert place in asking or (place == folder and asking), figure.command
    for word in name.split("."):
        assert any(word in text for text in texts.values()), f"{folder} does not know {word}"
