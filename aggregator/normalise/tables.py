"""Rows of a table printed as text, whose heads name the unit: 起始价（万元）, 面积（㎡）."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from aggregator.normalise.quantities import DIGITS, read_number

_HEAD = re.compile(r"\((?:亿元|万元|千元|元|亩|公顷|平方米|万平方米|㎡|m2|m²)\)")
_UNIT = re.compile(r"^(.*?)\(([^()]{1,4})\)$")
_CELL = re.compile(r"[^ \t|\n]+")
_NUMBER = re.compile(rf"^(?:{DIGITS})$")
_ROWS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A number in a column; its own place is ``start`` to ``end`` of the text."""

    head: str
    unit: str
    value: float
    start: int
    end: int


def read_cells(plain: str) -> Iterator[Cell]:
    """Numbers of columns whose heads name a unit, in rows that have as many cells as the head."""
    if not _HEAD.search(plain):
        return
    columns: dict[int, tuple[str, str]] = {}
    width, rows, at = 0, 0, 0
    for line in plain.split("\n"):
        cells = [*_CELL.finditer(line)]
        if _HEAD.search(line) and len(cells) > 1:
            columns = {i: (named[1], named[2]) for i, c in enumerate(cells) if (named := _UNIT.match(c.group()))}  # fmt: skip
            width, rows = len(cells), 0
        elif columns and len(cells) == width and rows < _ROWS:
            rows += 1
            for index, (head, unit) in columns.items():
                cell = cells[index]
                value = read_number(cell.group()) if _NUMBER.match(cell.group()) else None
                if value is not None:
                    yield Cell(
                        head=head, unit=unit, value=value, start=at + cell.start(), end=at + cell.end()
                    )  # fmt: skip
        elif cells:
            columns = {}
        at += len(line) + 1
