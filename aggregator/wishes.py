"""Whether a filter can bring anything at all: for a search nothing is an answer, for a wish a trap."""

from __future__ import annotations

from aggregator.errors import UsageError
from aggregator.model import Filter
from aggregator.terms import HEAD_END, Term, terms
from aggregator.values import unusable


def check_wish(wish: Filter) -> None:
    """Refuse what contradicts itself: its reader would wait for ever, and never know why.

    Raises:
        UsageError: names the field and what it contradicts.
    """
    for field in ("posted", "deadline"):
        since, until = getattr(wish, f"{field}_after"), getattr(wish, f"{field}_before")
        if since and until and until < since:
            raise _never(f"{field}_before", f"{until} 早于 {since}", f"{until} is before {since}")
    for one in terms(wish.exclude):
        for wanted in terms(wish.q):
            if _always_holds(wanted, one):
                raise _never(
                    "not",
                    f"“{one.text}”已含在要找的“{wanted.text}”里",
                    f"{one.text} stands in {wanted.text}, which is looked for",
                )


def _always_holds(wanted: Term, other: Term) -> bool:
    """Whether every text that holds the one holds the other, as far as their signs can tell."""
    if other.bounded is None:
        return other.text in wanted.text
    return not wanted.exact and other.within(HEAD_END + wanted.text)


def _never(field: str, zh: str, en: str) -> UsageError:
    return unusable(field, f"{zh}，这样永远不会有信", f"{en}: nothing would ever come")
