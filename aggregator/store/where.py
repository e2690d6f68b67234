"""A filter as SQL: the same language for feeds, pages and what is owed to subscribers."""

from __future__ import annotations

from aggregator.filters import shown_excluded
from aggregator.industries import industry_terms
from aggregator.model import Filter
from aggregator.terms import Term, terms


def where(
    filter_: Filter, *, alias: str = "a", prefix: str = "", merged: bool = False
) -> tuple[str, dict[str, object]]:
    """The condition and its parameters; ``prefix`` keeps several filters' names apart.

    What was merged into another is left out unless ``merged`` asks for it: feeds print its
    tombstone. Says the same as ``filters.matches``: a test holds the two together. The row
    ``alias`` may be of any table that has merged_into, excluded, region_roll, kind, categories,
    authority, amount_yuan, sort_at, deadline_on and search.
    """
    a, p = alias, prefix
    wanted: list[tuple[str, str, object]] = [
        ("region", f"{a}.region_roll && cast(:{p}region as text[])", list(filter_.region)),
        ("kind", f"{a}.kind = any(cast(:{p}kind as text[]))", [k.value for k in filter_.kind]),
        ("category", f"{a}.categories && cast(:{p}category as text[])", list(filter_.category)),
        (
            "authority",
            f"{a}.authority = any(cast(:{p}authority as text[]))",
            [one.value for one in filter_.authority],
        ),
        ("amount", f"coalesce({a}.amount_yuan, 0) >= :{p}amount", filter_.amount_min),
        ("since", f"{_posted_on(a)} >= :{p}since", filter_.posted_after),
        ("until", f"{_posted_on(a)} <= :{p}until", filter_.posted_before),
        ("due_from", f"{a}.deadline_on >= :{p}due_from", filter_.deadline_after),
        ("due_by", f"{a}.deadline_on <= :{p}due_by", filter_.deadline_before),
    ]
    asked = [one for one in wanted if one[2] not in (None, [])]
    parts = [condition for _, condition, _ in asked]
    values = {f"{p}{name}": value for name, _, value in asked}
    if not merged:
        parts.insert(0, f"{a}.merged_into is null")
    if not shown_excluded(filter_):
        parts.append(f"not {a}.excluded")
    for sign, words in (("", terms(filter_.q)), ("not ", terms(filter_.exclude))):
        for number, term in enumerate(words):
            name = f"{p}{'x' if sign else 'q'}{number}"
            parts.append(sign + _holds(a, name, term))
            values |= _looked_for(name, term)
    if filter_.industry:
        ways = []
        for number, term in enumerate(industry_terms(filter_.industry)):
            name = f"{p}i{number}"
            ways.append(_holds(a, name, term))
            values |= _looked_for(name, term)
        parts.append(f"({' or '.join(ways) or 'false'})")
    return " and ".join(parts) or "true", values


def _posted_on(a: str) -> str:
    return f"cast({a}.sort_at at time zone 'Asia/Shanghai' as date)"


def _looked_for(name: str, term: Term) -> dict[str, object]:
    values: dict[str, object] = {name: term.text}
    if term.bounded:
        values[f"{name}_alone"] = term.bounded
    return values


def _holds(a: str, name: str, term: Term) -> str:
    """That a text holds a term, as ``Term.within`` says it."""
    if term.bounded is None:
        return f"position(:{name} in {a}.search) > 0"
    return (  # the first part is there to spare texts the pattern
        f"(position(:{name} in {a}.search) > 0"
        f" and (position(:{name} in split_part({a}.search, chr(30), 1)) > 0"
        f" or split_part({a}.search, chr(30), 2) ~ :{name}_alone))"
    )
