"""What the search index knows of a filter: a query that never misses, and may find too much.

The index holds words that triggers write beside every announcement (migration 0006): its fields
as ``facets``, the pairs of characters of its text as ``grams``. What it finds is looked at once
more by ``where``, so a clue may be left out, but must not be wrong.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import date, timedelta

from aggregator.industries import industry_terms
from aggregator.model import Filter
from aggregator.terms import Term, terms

#: Days before and after are stored as these.
FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2099, 12, 31)
#: Numbers of changes are told apart by so many at once.
CHANGES = 512
_SHIFTS = (20, 15, 12, 9)
_FEW = 6
_GRAMS_OF_A_TERM = 8
_GRAMS = 40
_LATIN_LENGTH = 40
_DECADES = 64
_FINE = 4
_RUNS = re.compile(r"\A[a-z0-9]{2,}|[a-z0-9]{2,}\Z")
#: What a head's Latin words are cut into.
_HEAD_PIECE = 3


def facets(filter_: Filter) -> str:
    """The fields of a filter as a ``tsquery``; empty when none of them is in the index."""
    due = (filter_.deadline_after, filter_.deadline_before)
    posted = (filter_.posted_after, filter_.posted_before)
    return both(
        _any(f"r{code}" for code in filter_.region),
        _any(f"k{kind.value}" for kind in filter_.kind),
        _any(f"c{slug}" for slug in filter_.category),
        _any(f"a{authority.value}" for authority in filter_.authority),
        days("t", *due) if any(due) else "",
        days("d", *posted) if any(posted) else "",
        _sums(filter_.amount_min) if filter_.amount_min else "",
    )


def grams(filter_: Filter, *, singles: bool) -> str:
    """The words of a filter as a ``tsquery``; ``singles``: also those of one Chinese character,
    whose look-up costs as much as they have neighbours.
    """
    pairs = (pair for term in terms(filter_.q) for pair in _pairs(term, singles=singles))
    found = list(dict.fromkeys(pairs))[:_GRAMS]
    ways = [_pairs(term, singles=True) for term in industry_terms(filter_.industry)]
    if ways and all(ways):  # one of the words, whichever
        found.append(f"({' | '.join('(' + ' & '.join(way) + ')' for way in ways)})")
    if found:  # nothing but exclusions would be looked for in the whole index
        for term in terms(filter_.exclude):
            if len(term.text) == 2 and term.bounded is None:  # noqa: PLR2004  # a pair is exact
                found.append(f"!{quoted(term.text)}")
    return f"({' & '.join(found)}) | 'any'" if found else ""


def days(letter: str, first: date | None, last: date | None) -> str:
    """The days, months or years, as few as may be, that a span of days lies in.

    The index pays for every one of them at every row, so the span's ends are left to the rows.
    """
    first, last = clamped(first), clamped(last or LAST_DAY)
    span = (last - first).days
    if span <= _FEW:
        names = [f"{first + timedelta(days=more):%Y%m%d}" for more in range(span + 1)]
    elif span <= _FEW * 30:
        months = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
        names = [f"{month // 12}{month % 12 + 1:02}" for month in months]
    else:
        names = [f"{year}" for year in range(first.year, last.year + 1)]
    return _any(f"{letter}{name}" for name in names)


def changes(first: int, last: int) -> str:
    """The blocks, as few as may be, that a span of numbers of changes lies in; both ends are
    numbers of blocks of ``CHANGES``.
    """
    for shift in reversed(_SHIFTS):
        less = shift - _SHIFTS[-1]
        if (last >> less) - (first >> less) <= _FEW:
            break
    return _any(f"n{shift}:{block}" for block in range(first >> less, (last >> less) + 1))


def both(*parts: str) -> str:
    """All of the parts that say something."""
    return " & ".join(part for part in parts if part)


def clamped(day: date | None) -> date:
    """A day as it is stored."""
    return min(max(day or FIRST_DAY, FIRST_DAY), LAST_DAY)


def quoted(word: str) -> str:
    """A word as ``tsquery`` reads it."""
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"


def _any(words: Iterable[str]) -> str:
    made = [quoted(word) for word in words]
    return f"({' | '.join(made)})" if made else ""


def _pairs(term: Term, *, singles: bool) -> list[str]:
    """What a text that holds a term must have: pairs, and whole Latin words or those of a head."""
    text = term.text
    if len(text) == 1:
        if term.bounded:
            return [f"({quoted('=' + text)} | {quoted('^' + text)})"]
        # A letter or digit within others is common: it is found by looking.
        return [f"{quoted(text)}:*"] if singles and not (text.isascii() and text.isalnum()) else []
    covered: set[int] = set()
    found = []
    for run in _RUNS.finditer(text) if term.bounded else ():
        inner = range(run.start(), run.end() - 1)
        covered.update(inner)
        size = min(_HEAD_PIECE, len(run[0]))
        ends = sorted({run.start(), run.end() - size})
        head = " & ".join(quoted("h" + text[at : at + size]) for at in ends)
        found.append(f"({quoted('=' + run[0][:_LATIN_LENGTH])} | {head})")
    pairs = [text[at : at + 2] for at in range(len(text) - 1) if at not in covered]
    if len(pairs) > _GRAMS_OF_A_TERM:  # the first, the last, and some between
        last = len(pairs) - 1
        pairs = [pairs[last * n // (_GRAMS_OF_A_TERM - 1)] for n in range(_GRAMS_OF_A_TERM)]
    return found + [quoted(pair) for pair in pairs]


def _sums(least: float) -> str:
    """Sums of that much or more, by quarters of a power of ten."""
    first = max(0, min(_DECADES, math.floor(_FINE * math.log10(least) - 1e-6)))
    return _any(f"y{size}" for size in range(first, _DECADES + 1))
