"""What the search index knows of a filter: a query that never misses, and may find too much.

The index holds words that triggers write beside every announcement (migration 0006): its fields
as ``facets``, the pairs of characters of its text as ``grams``. What it finds is looked at once
more by ``where``, so a clue may be left out, but must not be wrong.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from aggregator.filters import shown_excluded
from aggregator.model import Filter
from aggregator.terms import Term, terms

#: Days before and after are stored as these.
FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2099, 12, 31)
#: Numbers of changes are told apart by so many at once.
CHANGES = 512
_SHIFTS = (20, 15, 12, 9)
_GRAMS_OF_A_TERM = 12
_GRAMS = 60
_LATIN_LENGTH = 40
_DECADES = 64
_FINE = 4
_RUNS = re.compile(r"\A[a-z0-9]{2,}|[a-z0-9]{2,}\Z")


def facets(filter_: Filter, *, gone: bool, window: str = "") -> str:
    """The fields of a filter as a ``tsquery``; with those ``gone`` (withdrawn or merged) or not."""
    due = (filter_.deadline_after, filter_.deadline_before)
    posted = (filter_.posted_after, filter_.posted_before)
    return _all(
        [
            window,
            _any(f"r{code}" for code in filter_.region),
            _any(f"k{kind.value}" for kind in filter_.kind),
            _any(f"c{slug}" for slug in filter_.category),
            _any(f"a{authority.value}" for authority in filter_.authority),
            days("t", *due) if any(due) else "",
            days("d", *posted) if any(posted) else "",
            _sums(filter_.amount_min) if filter_.amount_min else "",
            "" if shown_excluded(filter_) else "!x",
            "" if gone else "!w & !m",
        ]
    )


def grams(filter_: Filter, *, singles: bool) -> str:
    """The words of a filter as a ``tsquery``; ``singles``: also those of one character, whose
    look-up costs as much as they have neighbours.
    """
    found: list[str] = []
    for term in terms(filter_.q):
        found += _pairs(term, singles=singles)
    found = found[:_GRAMS]
    for term in terms(filter_.exclude):
        if len(term.text) == 2 and term.bounded is None:  # noqa: PLR2004  # a pair is exact
            found.append(f"!{quoted(term.text)}")
    return f"({' & '.join(found)}) | 'any'" if found else ""


def days(letter: str, first: date | None, last: date | None) -> str:
    """A span of days, both ends in it, in as few years, months and days as it takes."""
    return _any(f"{letter}{one}" for one in _days(clamped(first), clamped(last or LAST_DAY)))


def changes(first: int, last: int) -> str:
    """A span of numbers of changes; both ends are numbers of blocks of ``CHANGES``."""
    return _any(_blocks(first, last))


def clamped(day: date | None) -> date:
    """A day as it is stored."""
    return min(max(day or FIRST_DAY, FIRST_DAY), LAST_DAY)


def quoted(word: str) -> str:
    """A word as ``tsquery`` reads it."""
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"


def _any(words: Iterable[str]) -> str:
    made = [quoted(word) for word in words]
    return f"({' | '.join(made)})" if made else ""


def _all(parts: Iterable[str]) -> str:
    return " & ".join(part for part in parts if part)


def _pairs(term: Term, *, singles: bool) -> list[str]:
    """What a text that holds a term must have: pairs, and whole Latin words or those of a head."""
    text = term.text
    if len(text) == 1:
        return [f"{quoted(text)}:*"] if singles else []
    covered: set[int] = set()
    found = []
    for run in _RUNS.finditer(text) if term.bounded else ():
        inner = range(run.start(), run.end() - 1)
        covered.update(inner)
        head = " & ".join(quoted("h" + text[at : at + 2]) for at in inner[:_GRAMS_OF_A_TERM])
        found.append(f"({quoted('=' + run[0][:_LATIN_LENGTH])} | {head})")
    pairs = [text[at : at + 2] for at in range(len(text) - 1) if at not in covered]
    step = max(1, -(-len(pairs) // _GRAMS_OF_A_TERM))
    return found + [quoted(pair) for pair in pairs[::step]]


def _sums(least: float) -> str:
    """Sums of that much or more, by quarters of a power of ten."""
    first = max(0, min(_DECADES, math.floor(_FINE * math.log10(least) - 1e-6)))
    return _any(f"y{size}" for size in range(first, _DECADES + 1))


def _days(day: date, last: date) -> Iterator[str]:
    while day <= last:
        if (day.month, day.day) == (1, 1) and date(day.year, 12, 31) <= last:
            yield f"{day:%Y}"
            day = date(day.year + 1, 1, 1)
        elif day.day == 1 and (later := (day + timedelta(days=31)).replace(day=1)) <= (
            last + timedelta(days=1)
        ):
            yield f"{day:%Y%m}"
            day = later
        else:
            yield f"{day:%Y%m%d}"
            day += timedelta(days=1)


def _blocks(block: int, last: int) -> Iterator[str]:
    while block <= last:
        for shift in _SHIFTS:
            size = 1 << (shift - _SHIFTS[-1])
            if block % size == 0 and block + size - 1 <= last:
                yield f"n{shift}:{block // size}"
                block += size
                break
