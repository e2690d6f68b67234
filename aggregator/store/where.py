"""A filter as SQL: the same language for feeds, pages and what is owed to subscribers."""

from __future__ import annotations

from aggregator.filters import shown_excluded
from aggregator.model import Filter
from aggregator.text import fold


def where(filter_: Filter, *, alias: str = "a", prefix: str = "") -> tuple[str, dict[str, object]]:
    """The condition and its parameters; ``prefix`` keeps several filters' names apart.

    Says the same as ``filters.matches``: a test holds the two together.
    """
    a, p = alias, prefix
    parts = [f"{a}.merged_into is null"]
    values: dict[str, object] = {}
    if not shown_excluded(filter_):
        parts.append(f"not {a}.excluded")
    if filter_.region:
        parts.append(f"{a}.region_roll && cast(:{p}region as text[])")
        values[f"{p}region"] = list(filter_.region)
    if filter_.kind:
        parts.append(f"{a}.kind = any(cast(:{p}kind as text[]))")
        values[f"{p}kind"] = [kind.value for kind in filter_.kind]
    if filter_.category:
        parts.append(f"{a}.categories && cast(:{p}category as text[])")
        values[f"{p}category"] = list(filter_.category)
    if filter_.authority:
        parts.append(f"{a}.authority = any(cast(:{p}authority as text[]))")
        values[f"{p}authority"] = [authority.value for authority in filter_.authority]
    for number, word in enumerate(filter_.q):
        parts.append(f"position(:{p}q{number} in {a}.search) > 0")
        values[f"{p}q{number}"] = fold(word)
    for number, word in enumerate(filter_.exclude):
        parts.append(f"position(:{p}x{number} in {a}.search) = 0")
        values[f"{p}x{number}"] = fold(word)
    if filter_.amount_min is not None:
        parts.append(f"coalesce({a}.amount_yuan, 0) >= :{p}amount")
        values[f"{p}amount"] = filter_.amount_min
    if filter_.posted_after:
        parts.append(
            f"({a}.sort_at at time zone 'Asia/Shanghai')::date >= :{p}posted"
        )
        values[f"{p}posted"] = filter_.posted_after
    if filter_.deadline_before:
        parts.append(f"{a}.deadline_on <= :{p}deadline")
        values[f"{p}deadline"] = filter_.deadline_before
    return " and ".join(parts), values
