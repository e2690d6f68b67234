"""Figures a text states: money, deadlines, areas, stages, validity, each with its sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from itertools import islice
from typing import TypeVar

from aggregator.model import Fact, Facts
from aggregator.normalise.areas import read_areas
from aggregator.normalise.contacts import read_contacts
from aggregator.normalise.deadlines import read_deadlines
from aggregator.normalise.money import read_amounts
from aggregator.normalise.numbers import read_numbers, read_registry
from aggregator.normalise.sentences import Reading
from aggregator.normalise.stages import read_stages
from aggregator.normalise.validity import read_validity

_F = TypeVar("_F")
#: Facts of one kind kept from one text; a table of a thousand amounts says nothing to a reader.
MOST = 60
#: Characters of a text that are read, a hundred pages of print: what follows are annexes and tables.
LONGEST = 100_000
_CITED = re.compile(r"《([^《》]{4,60})》")


def read_facts(text: str, *, posted: date | None = None) -> Facts:
    """Everything a text states in figures. ``posted`` fills in missing years.

    Of a longer text the first hundred thousand characters are read.
    """
    reading = Reading(text[:LONGEST])
    return Facts(
        doc_numbers=_some(read_numbers(reading)),
        registry_numbers=_some(read_registry(reading)),
        amounts=_some(read_amounts(reading)),
        deadlines=_some(read_deadlines(reading, posted)),
        areas=_some(read_areas(reading)),
        stages=_some(read_stages(reading, posted)),
        validity=_some(read_validity(reading, posted)),
        cited=_some(_cited(reading)),
        contacts=_some(read_contacts(reading)),
    )


def _some(facts: Iterator[_F]) -> tuple[_F, ...]:
    """No more than are kept, so that no more are looked for."""
    return tuple(islice(facts, MOST))


def _cited(reading: Reading) -> Iterator[Fact]:
    seen: set[str] = set()
    for match in _CITED.finditer(reading.text):
        name = match.group(1).strip()
        if name not in seen:
            seen.add(name)
            yield Fact(value=name, sentence=reading.evidence(*match.span()))
