"""What a text states in figures."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """Money as written: ``basis`` says what it is (cap, floor, fixed, rate, unit, …)."""

    value: float
    yuan: float | None
    basis: str
    unit: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """The last day on which something may be handed in."""

    value: date
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """Any other value read from the text, with the sentence that holds it literally.

    ``role`` is ``own`` or ``cited`` for document numbers, ``from`` or ``until`` for validity.
    """

    value: str
    sentence: str
    unit: str | None = None
    role: str | None = None
    number: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the text states in figures; every value keeps its sentence."""

    doc_numbers: tuple[Fact, ...] = ()
    registry_numbers: tuple[Fact, ...] = ()
    amounts: tuple[Amount, ...] = ()
    deadlines: tuple[Deadline, ...] = ()
    areas: tuple[Fact, ...] = ()
    stages: tuple[Fact, ...] = ()
    validity: tuple[Fact, ...] = ()
    cited: tuple[Fact, ...] = ()
    contacts: tuple[Fact, ...] = ()
