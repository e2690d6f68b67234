"""The figures that must hold: ``bench/floors.json``, asked by tests and by the benches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import msgspec

from aggregator.errors import QuxunError


class Figure(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One pinned figure.

    ``at_least`` or ``at_most`` bounds it, never both. ``needs`` says what it is measured on:
    ``own`` (this repository alone), ``real`` (third-party pages), ``timing`` (a quiet machine).
    """

    what: str
    command: str
    needs: str
    at_least: float | None = None
    at_most: float | None = None

    @property
    def bound(self) -> float:
        """The number that the figure is compared with."""
        number = self.at_least if self.at_most is None else self.at_most
        assert number is not None
        return number

    def holds(self, value: float) -> bool:
        """Whether a measured value is good enough."""
        return value >= self.bound if self.at_most is None else value <= self.bound


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    about: list[str]
    figures: dict[str, Figure]


@cache
def figures() -> dict[str, Figure]:
    """Every pinned figure by its name.

    Raises:
        QuxunError: the file is missing or not what it should be.
    """
    root = Path(__file__).resolve().parent.parent.parent
    for path in (root / "quxun" / "_bench" / "floors.json", root / "bench" / "floors.json"):
        if path.is_file():
            break
    else:
        raise QuxunError(f"no bench/floors.json below {root}")
    try:
        made = msgspec.json.decode(path.read_bytes(), type=_File).figures
    except msgspec.DecodeError as error:
        raise QuxunError(f"{path} cannot be read: {error}") from error
    for name, figure in made.items():
        if (figure.at_least is None) == (figure.at_most is None):
            raise QuxunError(f'{path}: "{name}" needs one of at_least and at_most')
        if figure.needs not in {"own", "real", "timing"}:
            raise QuxunError(f'{path}: "{name}" needs own, real or timing, not {figure.needs!r}')
    return made


def floor(name: str) -> float:
    """The bound of a figure (a ceiling where the file says ``at_most``).

    Raises:
        QuxunError: nothing of that name is pinned.
    """
    return _figure(name).bound


def shortfalls(measured: Mapping[str, float], *, among: Iterable[str] = ()) -> list[str]:
    """One line for each measured figure that does not hold.

    Args:
        measured: values by the names of ``bench/floors.json``.
        among: names that should have been measured; a missing one is a shortfall too.
    """
    lines = []
    for name in dict.fromkeys((*measured, *among)):
        figure = _figure(name)
        value = measured.get(name)
        bound = "at most" if figure.at_least is None else "at least"
        if value is None:
            lines.append(f"{name}: not measured, must be {bound} {figure.bound:g} ({figure.what})")
        elif not figure.holds(value):
            lines.append(f"{name}: {value:.4g}, must be {bound} {figure.bound:g} ({figure.what})")
    return lines


def _figure(name: str) -> Figure:
    try:
        return figures()[name]
    except KeyError:
        raise QuxunError(f'bench/floors.json pins no figure "{name}"') from None
