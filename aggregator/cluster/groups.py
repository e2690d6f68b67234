"""Many drafts into groups: the same groups in whatever order they came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

from aggregator.cluster.rule import APART, SAME, score
from aggregator.model import Draft


def grouped(
    drafts: Sequence[Draft], *, ruled: Mapping[tuple[int, int], bool] | None = None
) -> list[list[int]]:
    """The groups of drafts that show one announcement each, as places in ``drafts``.

    The surest pairs are joined first; two groups stay two when any of their members cannot be
    one, so that a chain of likenesses swallows nothing. What an operator ruled holds before
    any score: a pair together, or apart. A ruling carries its pair's own reprints with it:
    whoever is one with a member that was ruled together is not kept out by the other.

    Args:
        drafts: in any order; the groups do not depend on it, but for drafts equal in all.
        ruled: of a pair of places ``(i, j)`` with ``i < j``: together, or apart.

    Returns:
        Places in ascending order; groups in the order of their first.
    """
    rulings = dict(ruled or {})
    count = len(drafts)
    names = [_name(draft) for draft in drafts]
    scores = {
        (i, j): score(drafts[i], drafts[j])
        for i, j in combinations(range(count), 2)
        if (i, j) not in rulings
    }

    def rank(pair: tuple[int, int]) -> tuple[float, list[tuple[str, ...]]]:
        sure = 2.0 if rulings.get(pair) else scores[pair]
        return -sure, sorted((names[pair[0]], names[pair[1]]))

    joined = [pair for pair, together in rulings.items() if together]
    joined += [pair for pair, found in scores.items() if found >= SAME]
    group = list(range(count))
    members = {one: [one] for one in range(count)}
    for i, j in sorted(joined, key=rank):
        one, other = group[i], group[j]
        if one == other:
            continue
        if not all(_may_meet(m, n, scores, rulings) for m in members[one] for n in members[other]):
            continue
        keep, drop = min(one, other), max(one, other)
        members[keep] += members.pop(drop)
        for member in members[keep]:
            group[member] = keep
    return [sorted(found) for _, found in sorted(members.items())]


def _may_meet(
    m: int, n: int, scores: Mapping[tuple[int, int], float], rulings: Mapping[tuple[int, int], bool]
) -> bool:
    """Whether two may stand in one group: not apart, or brought together by a ruling that one
    of them shares with a twin of the other.
    """
    pair = (min(m, n), max(m, n))
    if pair in rulings:
        return rulings[pair]
    if scores[pair] > APART:
        return True
    for (i, j), together in rulings.items():
        if not together:
            continue
        for one, other in ((i, j), (j, i)):
            for here, there in ((m, n), (n, m)):
                twin = scores.get((min(one, there), max(one, there)), APART)
                if other == here and one not in {m, n} and twin >= SAME:
                    return True
    return False


def _name(draft: Draft) -> tuple[str, ...]:
    """What orders drafts, whenever they came."""
    return (draft.url, draft.title, str(draft.posted_at), draft.body_text)
