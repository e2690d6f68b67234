"""Regions of our own titles over the ambiguous names of DOMAIN.md §12, with and without a site.

``places.tsv``: a group, a title, the site that it stood on, its day, and what it is about; a ``?``
before several means that the title leaves it open between them. The rows are split by a checksum:
half A was looked at while the rules were written, half B was only counted.
"""

from __future__ import annotations

import csv
import sys
import zlib
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from aggregator import divisions
from quxun.bench.floors import floor

TEXT = (Path(__file__).parent / "places.tsv").read_text(encoding="utf-8")
ROWS = list(csv.DictReader(TEXT.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))


def half(row: dict[str, str]) -> str:
    """Which half a row is in."""
    return "AB"[zlib.crc32((row["title"] + row["site"]).encode()) % 2]


def codes(cell: str) -> set[str]:
    """The codes in a cell of ``code name;code name``."""
    return {one.split()[0] for one in cell.lstrip("?").split(";") if one}


def is_right(row: dict[str, str]) -> bool:
    """Whether a row's regions are exactly the wanted ones, or left open as wanted."""
    site = divisions.resolve(row["site"]) if row["site"] else None
    prior = site.code if site else None
    on = date.fromisoformat(row["on"]) if row["on"] else None
    if row["site"] and not site:
        return False
    placed = set(divisions.place(row["title"], prior=prior, on=on))
    if row["wanted"].startswith("?"):
        said = [set(one.codes) for one in divisions.find(row["title"], prior=prior, on=on)]
        return not placed and said == [codes(row["wanted"])]
    return placed == codes(row["wanted"])


def share(rows: list[dict[str, str]], name: str) -> float:
    """The share of right rows, printed by halves; a figure's misses are told."""
    parts = {
        part: [is_right(row) for row in rows if half(row) == part or part == "all"]
        for part in ("A", "B", "all")
    }
    figures = {part: sum(right) / len(right) for part, right in parts.items()}
    told = "  ".join(f"{part} {figure:.3f}" for part, figure in figures.items())
    sys.stdout.write(f"{name} {told} of {len(rows)}\n")
    return min(figures["B"], figures["all"])


def with_site(row: dict[str, str]) -> bool:
    """A county-level place whose title alone does not tell it, or tells another than the site."""
    wanted = codes(row["wanted"])
    return bool(row["site"]) and any(len(c) == 6 and not c.endswith("00") for c in wanted)


@pytest.mark.parametrize(
    ("name", "belongs"),
    [
        ("regions.with_site.county", with_site),
        ("regions.own.none_invented", lambda row: row["group"] == "no place"),
        ("regions.own.exact", lambda row: not row["site"] and row["group"] != "no place"),
    ],
)
def test_places_reach_their_floors(name: str, belongs: Callable[[dict[str, str]], bool]) -> None:
    """A reader of 鼓楼区 of 南京 gets no notice of the other three."""
    rows = [row for row in ROWS if belongs(row)]

    assert len(rows) >= 50
    assert share(rows, name) >= floor(name)


def test_every_shared_name_is_tried() -> None:
    """28 names of counties are borne by 64 counties: each is among the cases."""
    bearers: dict[str, list[str]] = {}
    for one in divisions.all_current():
        if one.level == "county":
            bearers.setdefault(one.name, []).append(one.code)
    shared = {code for codes in bearers.values() if len(codes) > 1 for code in codes}
    tried = {code for row in ROWS for code in codes(row["wanted"])}

    assert len(shared) == 64
    assert shared <= tried
