"""The lexicon of subjects as it stands in ``lexicon.toml``, read once and ready to be asked."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from aggregator.model import Kind
from aggregator.text import fold

#: A phrase that only holds other words (户口落户): it counts for nothing and hides them.
_NONE = "none"


@dataclass(frozen=True, slots=True)
class Hit:
    """A phrase that stands in a text, where it begins (from 0), and what it speaks for."""

    phrase: str
    start: int
    gives: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Rule:
    """A form, frame or column: its name, and what it adds to which category."""

    name: str
    gives: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """What ``lexicon.toml`` says; ``slugs`` in its order, which decides ties."""

    also: float
    least: float
    body: float
    slugs: tuple[str, ...]
    exclude: tuple[str, ...]
    kinds: Mapping[str, Kind]
    phrases: Mapping[str, Mapping[str, float]]
    lengths: Mapping[str, tuple[int, ...]]
    forms: Mapping[str, tuple[Rule, ...]]
    longest_form: int
    frames: tuple[tuple[re.Pattern[str], Rule], ...]
    columns: tuple[tuple[tuple[str, ...], Rule], ...]

    def hits(self, text: str) -> list[Hit]:
        """Phrases from left to right in folded text, the longest at each place."""
        found: list[Hit] = []
        position, end = 0, len(text)
        while position < end:
            for length in self.lengths.get(text[position], ()):
                phrase = text[position : position + length]
                gives = self.phrases.get(phrase)
                if gives is not None:
                    if gives:
                        found.append(Hit(phrase, position, gives))
                    position += length
                    break
            else:
                position += 1
        return found

    def form(self, text: str) -> tuple[str, tuple[Rule, ...]] | None:
        """The longest ending of folded text that is a form, with what it adds."""
        for length in range(min(self.longest_form, len(text)), 0, -1):
            rules = self.forms.get(text[-length:])
            if rules:
                return text[-length:], rules
        return None


@cache
def lexicon() -> Lexicon:
    """The lexicon that the package ships."""
    text = (files("aggregator.normalise") / "lexicon.toml").read_text(encoding="utf-8")
    read = tomllib.loads(text)
    weights = {name: float(weight) for name, weight in read["weights"].items()}
    phrases: dict[str, dict[str, float]] = {}
    for slug, ranks in read["topics"].items():
        for rank, words in ranks.items():
            for word in words:
                of = phrases.setdefault(fold(word), {})
                if slug != _NONE:
                    of[slug] = max(of.get(slug, 0.0), weights[rank])
    lengths: dict[str, set[int]] = {}
    for phrase in phrases:
        lengths.setdefault(phrase[0], set()).add(len(phrase))
    forms: dict[str, tuple[Rule, ...]] = {}
    for form in read["forms"]:
        rule = Rule(form["name"], _gives(form))
        for ending in form["ends"]:
            key = fold(ending)
            forms[key] = (*forms.get(key, ()), rule)
    return Lexicon(
        also=float(read["also"]),
        least=float(read["least"]),
        body=float(read["body"]),
        slugs=tuple(slug for slug in read["topics"] if slug != _NONE),
        exclude=tuple(word for words in read["exclude"].values() for word in words),
        kinds={slug: Kind(kind) for kind, slugs in read["kinds"].items() for slug in slugs},
        phrases=phrases,
        lengths={first: tuple(sorted(some, reverse=True)) for first, some in lengths.items()},
        forms=forms,
        longest_form=max(map(len, forms)),
        frames=tuple(
            (re.compile(frame["shape"]), Rule(frame["name"], _gives(frame)))
            for frame in read["frames"]
        ),
        columns=tuple(
            (
                tuple(fold(name) for name in column["names"]),
                Rule(column["names"][0], _gives(column)),
            )
            for column in read["columns"]
        ),
    )


def _gives(table: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    return {slug: float(weight) for slug, weight in table["gives"].items()}
