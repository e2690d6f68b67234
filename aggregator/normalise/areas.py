"""Areas of land and buildings that a text states, in square metres (DOMAIN.md §11)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from aggregator.model import Fact
from aggregator.normalise.quantities import DIGITS, WORDS, read_number
from aggregator.normalise.sentences import Reading

_MU = 10_000 / 15
_UNITS = {
    "亩": _MU, "公顷": 1e4, "平方公里": 1e6, "平方千米": 1e6, "平方米": 1.0, "平米": 1.0, "㎡": 1.0,
    "m2": 1.0, "m²": 1.0, "M2": 1.0, "km2": 1e6, "km²": 1e6, "平方": 1.0,
}  # fmt: skip
_UNIT = r"(?:亩|公顷|平方公里|平方千米|平方米|平米|㎡|[mM]2|m²|km2|km²|平方(?![公千毫厘分米英]))"
_AREA = re.compile(rf"([亿万])?(?:余|多)?({_UNIT})(?![税产])")
#: The number before a unit; units are rarer than numbers, so they are looked for first.
_NUMBER = re.compile(rf"({DIGITS}|[{WORDS}]{{1,6}})[ \t]?(?:余|多|来)?[ \t]?$")
_REACH = 24
#: 1000-3000平方米: the first number of a range whose unit stands behind the second one only.
_LOWER = re.compile(r"(?<![\d.第])(\d+(?:\.\d+)?)([亿万])?[ \t]?(?:-|至|到)[ \t]?$")
#: A column's or a field's head names the unit of what follows it.
_LABELLED = re.compile(
    rf"面积[ \t]?\((万)?({_UNIT})\)[ \t]?:?[ \t]{{0,3}}\n?[ \t]?({DIGITS})(?![\d%])"
)
#: What is made by the square metre is no area.
_MADE = re.compile(
    r"(?:年产|产能|产量|日产|生产|销售|销量|加工)[^,，。;:]{0,6}$|[人户]均[^,，。;:]{0,10}$|/[ \t]?$|元[ \t]?$"
)


def read_areas(reading: Reading) -> Iterator[Fact]:
    """Every area as written; prices by the area and what is produced by it are none."""
    plain = reading.plain
    for match in _AREA.finditer(plain):
        left = max(match.start() - _REACH, 0)
        number = _NUMBER.search(plain, left, match.start())
        if number is None:
            continue
        before = plain[max(number.start() - 14, 0) : number.start()]
        if _MADE.search(before):
            continue
        span = (number.start(), match.end())
        if lower := _LOWER.search(before):
            yield from _fact(reading, lower[1], lower[2] or match[1], match[2], span)
        yield from _fact(reading, number[1], match[1], match[2], span)
    for cell in reading.cells:
        if "面积" in cell.head and (unit := cell.unit.removeprefix("万")) in _UNITS:
            myriad = "万" if unit != cell.unit else None
            yield from _fact(reading, f"{cell.value}", myriad, unit, (cell.start, cell.end))
    for match in _LABELLED.finditer(plain):
        yield from _fact(reading, match[3], match[1], match[2], (match.start(3), match.end(3)))


def _fact(
    reading: Reading, number: str, myriad: str | None, unit: str, at: tuple[int, int]
) -> Iterator[Fact]:
    value = read_number(number)
    if value is None:
        return
    times = {"万": 1e4, "亿": 1e8}.get(myriad or "", 1.0)
    yield Fact(
        value=reading.text[at[0] : at[1]],
        unit=(myriad or "") + unit,
        number=round(value * times * _UNITS[unit], 2),
        sentence=reading.evidence(*at),
    )
