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
#: 单位：万元 above a table is the unit of the columns whose heads are of money or of land.
_ABOVE = re.compile(r"单位[ \t]?:[ \t]?(?:人民币)?(亿元|万元|千元|元)(?![\u4e00-\u9fff])")
_OF_MONEY = re.compile(
    r"投资|[金税费价款]额?$|总额|资金|预算|保证金|起[始拍]价|成交价|产值|收入|合计|补[助贴]|奖励"
)
_NO_MONEY = re.compile(r"名称|单位|来源|率|比|号")
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
    if not (_HEAD.search(plain) or _ABOVE.search(plain)):
        return
    above = ""
    columns: dict[int, tuple[str, str]] = {}
    width, rows, at = 0, 0, 0
    for line in plain.split("\n"):
        cells = [*_CELL.finditer(line)]
        named_above = _ABOVE.search(line)
        if _HEAD.search(line) and len(cells) > 1:
            columns = {i: (named[1], named[2]) for i, c in enumerate(cells) if (named := _UNIT.match(c.group()))}  # fmt: skip
            width, rows = len(cells), 0
        elif named_above:
            above, columns = named_above[1], {}
        elif above and len(cells) > 1 and (of := _heads_of_money(cells)):
            columns = {index: (head, above) for index, head in of.items()}
            above, width, rows = "", len(cells), 0
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


def _heads_of_money(cells: list[re.Match[str]]) -> dict[int, str]:
    """The columns whose heads are sums, none where a figure shows that the row is no head."""
    heads = [cell.group() for cell in cells]
    if any(_NUMBER.match(head) for head in heads):
        return {}
    return {
        index: head
        for index, head in enumerate(heads)
        if _OF_MONEY.search(head) and not _NO_MONEY.search(head)
    }
