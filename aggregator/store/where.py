"""A filter as SQL: the same language for feeds, pages and what is owed to subscribers."""

from __future__ import annotations

from aggregator.filters import shown_excluded
from aggregator.model import Filter
from aggregator.text import fold


def where(
    filter_: Filter, *, alias: str = "a", prefix: str = "", merged: bool = False
) -> tuple[str, dict[str, object]]:
    """The condition and its parameters; ``prefix`` keeps several filters' names apart.

    What was merged into another is left out unless ``merged`` asks for it: feeds print its
    tombstone. Says the same as ``filters.matches``: a test holds the two together.
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
        *(
            (f"q{number}", f"position(:{p}q{number} in {a}.search) > 0", fold(word))
            for number, word in enumerate(filter_.q)
        ),
        *(
            (f"x{number}", f"position(:{p}x{number} in {a}.search) = 0", fold(word))
            for number, word in enumerate(filter_.exclude)
        ),
        ("amount", f"coalesce({a}.amount_yuan, 0) >= :{p}amount", filter_.amount_min),
        (
            "posted",
            f"cast({a}.sort_at at time zone 'Asia/Shanghai' as date) >= :{p}posted",
            filter_.posted_after,
        ),
        ("deadline", f"{a}.deadline_on <= :{p}deadline", filter_.deadline_before),
    ]
    asked = [one for one in wanted if one[2] not in (None, [])]
    parts = [condition for _, condition, _ in asked]
    if not merged:
        parts.insert(0, f"{a}.merged_into is null")
    if not shown_excluded(filter_):
        parts.append(f"not {a}.excluded")
    return " and ".join(parts) or "true", {f"{p}{name}": value for name, _, value in asked}
