"""What changed of a notice since it was sent, in words: only what a reader would act on.

Edits of the text alone, and better readings of ours, are told to nobody (DESIGN.md, promise 10).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final

from aggregator.filters import money
from aggregator.model import Alteration, Revision
from aggregator.notify.words import Words
from aggregator.text import shorten

#: The fields of a revision that readers are told of, in the order in which they are told.
TOLD: Final = (
    "withdrawn",
    "deadlines",
    "valid_until",
    "valid_from",
    "validity",
    "amounts",
    "stages",
    "title",
    "attachments",
)
_VALUES_NAMED = 3
_VALUE_LENGTH = 60
_TITLE_LENGTH = 80
#: Fields whose values the store joins with commas.
_LISTS = frozenset({"deadlines", "amounts", "stages", "attachments"})
_DAYS = frozenset({"deadlines", "valid_until", "valid_from"})
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_SUM = re.compile(r"(\d+(?:\.\d+)?)(万|亿)?元")
_UNITS = {None: 1, "万": 10_000, "亿": 100_000_000}


def alterations(revisions: Iterable[Revision]) -> tuple[Alteration, ...]:
    """What these revisions of one announcement come to, field by field.

    What was changed and changed back is no change; revisions that only read better are none.
    """
    before: dict[str, str] = {}
    after: dict[str, str] = {}
    for revision in sorted(revisions, key=lambda one: one.revision):
        if revision.why != "edited":
            continue
        for field, (old, new) in revision.changes.items():
            before.setdefault(field, old)
            after[field] = new
    return tuple(
        Alteration(field=field, before=before[field], after=after[field])
        for field in TOLD
        if field in before and _parts(field, before[field]) != _parts(field, after[field])
    )


def altered(found: Sequence[Alteration], words: Words, *, year: int) -> list[str]:
    """The alterations in a reader's words, a line each."""
    return [said for one in found if (said := _said(one, words, year=year))]


def _said(one: Alteration, words: Words, *, year: int) -> str:
    if one.field == "withdrawn":
        return words.withdrawn if one.after else words.returned
    changed, added, dropped = words.altered[one.field]
    old, new = _parts(one.field, one.before), _parts(one.field, one.after)
    if one.field == "attachments":
        old, new = [x for x in old if x not in new], [x for x in new if x not in old]
    if one.field in _DAYS and not all(day.startswith(f"{year}-") for day in (*old, *new)):
        year = 0  # days of several years are said with theirs
    before, after = (_listed(one.field, values, words, year=year) for values in (old, new))
    if before and after:
        return changed.format(before=before, after=after)
    return (added if after else dropped).format(before=before, after=after)


def _listed(field: str, values: Sequence[str], words: Words, *, year: int) -> str:
    shown = [_value(field, value, words, year=year) for value in values[:_VALUES_NAMED]]
    return words.comma.join(shown) + (" …" if len(values) > _VALUES_NAMED else "")


def _value(field: str, value: str, words: Words, *, year: int) -> str:
    if field in _DAYS and _DAY.fullmatch(value):
        return words.say_day(date.fromisoformat(value), year=year)
    if field == "amounts" and (found := _SUM.fullmatch(value)):
        return money(float(found[1]) * _UNITS[found[2]], words.lang[:2])
    return shorten(value, _TITLE_LENGTH if field == "title" else _VALUE_LENGTH)


def _parts(field: str, value: str) -> list[str]:
    """The values of a field, each once, in order."""
    parts = value.split(", ") if field in _LISTS else [value]
    return list(dict.fromkeys(part for part in parts if part))
