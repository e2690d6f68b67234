"""The tables as files, read once."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from types import MappingProxyType

MUNICIPALITIES = frozenset({"110000", "120000", "310000", "500000"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Division:
    """A division or zone; ``parent`` is a code, empty for a province.

    ``valid_to`` is the first day on which it is no more, ``successor`` what its area belongs
    to since. A zone's parent is the division it lies in.
    """

    code: str
    name: str
    parent: str
    level: str
    valid_from: date | None = None
    valid_to: date | None = None
    successor: str | None = None
    aliases: tuple[str, ...] = ()

    @property
    def is_zone(self) -> bool:
        """Whether this is a development zone, which is not in GB/T 2260."""
        return self.level == "zone"

    def valid_on(self, day: date | None) -> bool:
        """Whether it exists on a day; with no day, whether it exists now."""
        if day is None:
            return self.valid_to is None
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_to is None or day < self.valid_to
        )


_invented: dict[str, Division] = {}


@cache
def shipped() -> MappingProxyType[str, Division]:
    """All divisions and zones that the package ships, by code."""
    table: dict[str, Division] = {}
    for row in _rows("divisions.tsv"):
        table[row["code"]] = Division(
            code=row["code"],
            name=row["name"],
            parent=row["parent"],
            level=row["level"],
            valid_from=date.fromisoformat(row["from"]) if row["from"] else None,
            valid_to=date.fromisoformat(row["to"]) if row["to"] else None,
            successor=row["successor"] or None,
        )
    for row in _rows("zones.tsv"):
        host = table[row["host"]]
        table[row["code"]] = Division(
            code=row["code"],
            name=row["name"],
            parent=row["host"],
            level="zone",
            valid_to=host.valid_to,
            successor=host.successor,
            aliases=tuple(alias for alias in row["aliases"].split("|") if alias),
        )
    return MappingProxyType(table)


def get(code: str) -> Division | None:
    """The division or zone with that code, abolished ones too."""
    return shipped().get(code) or _invented.get(code)


def invent(rows: tuple[tuple[str, str, str | None], ...]) -> None:
    """Register invented divisions for the demonstration; their codes begin with 99."""
    for code, name, parent in rows:
        digits = code.lstrip("Z")
        if not digits.startswith("99"):
            continue
        level = (
            "zone"
            if code.startswith("Z")
            else "province"
            if digits.endswith("0000")
            else "city"
            if digits.endswith("00")
            else "county"
        )
        _invented[code] = Division(code=code, name=name, parent=parent or "", level=level)


def invented() -> tuple[Division, ...]:
    """The invented divisions registered in this process."""
    return tuple(_invented.values())


def path(code: str) -> tuple[str, ...]:
    """Names of the divisions from the province down; a zone has its host's.

    Below a municipality the city is named like the municipality: (重庆市, 重庆市, 江津区).
    """
    names: list[str] = []
    one = get(code)
    if one and one.is_zone:
        one = get(one.parent)
    while one:
        names.append(one.name)
        if one.parent in MUNICIPALITIES and one.level == "county":
            names.append(shipped()[one.parent].name)
        one = get(one.parent) if one.parent else None
    return tuple(reversed(names))


def roll(code: str) -> tuple[str, ...]:
    """The code and those of all that contain it; what an abolished division became, too."""
    codes: list[str] = []
    one = get(code)
    if one and one.successor:
        codes.extend(roll(one.successor))
    while one:
        codes.append(one.code)
        one = get(one.parent) if one.parent else None
    return tuple(dict.fromkeys(codes or [code]))


def _rows(name: str) -> list[dict[str, str]]:
    text = (files("aggregator.divisions") / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))
