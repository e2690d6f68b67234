"""Lists that stand apart by accident: torn by tables closed too often, or cut into several containers."""

from __future__ import annotations

from collections.abc import Sequence

from aggregator.parse.addresses import pattern
from aggregator.parse.groups import Group, holder_of
from aggregator.parse.rows import Row
from aggregator.parse.shapes import step_of
from aggregator.parse.stamps import only_date
from aggregator.parse.tree import Element, ancestors
from aggregator.parse.walk import Walk
from aggregator.text import one_line

_NEAR = 3


def join_torn(groups: Sequence[Group], walk: Walk) -> list[Group]:
    """Bring lists together that follow each other with nothing between, their rows made alike.

    A list whose rows are closed by one ``</table>`` too many stands deeper at every row; to a
    reader it is one list.
    """
    joined: list[Group] = []
    for group in sorted(groups, key=lambda group: group.rows[0].link.at):
        last = joined[-1] if joined else None
        if last and last.key != group.key and _follows(last, group, walk):
            longer = max((last, group), key=lambda one: len(one.rows))
            last.key, last.torn = longer.key, True
            last.rows = [*last.rows, *group.rows]
            last.holder = holder_of(walk, last.rows)
        else:
            joined.append(group)
    return joined


def _follows(one: Group, other: Group, walk: Walk) -> bool:
    last, first = max(one.rows, key=lambda row: row.link.at), other.rows[0]
    if one.dated is not other.dated or _make(last) != _make(first) or last.shared or first.shared:
        return False
    if not one.dated and not _alike(last, first):
        return False
    start, end = walk.spans[last.link.element][1], walk.spans[first.link.element][0]
    return not any(
        start < at < end and not only_date(one_line(text)) for at, text in walk.texts
    ) and not any(start < link.at < end for link in walk.links)


def _alike(one: Row, other: Row) -> bool:
    """Whether links without dates have a class of their own and addresses of one pattern."""
    if not one.link.element.get("class") or not one.link.href or not other.link.href:
        return False
    return pattern(one.link.href) == pattern(other.link.href)


def _make(row: Row) -> tuple[str, ...]:
    """How a row is made inside: the ways from its root to its title and to its date."""
    ends = [row.link.element, *([row.stamp.element] if row.stamp else [])]
    return tuple(step for end in ends for step in _way(end, row.root))


def _way(end: Element, root: Element) -> list[str]:
    steps = [step_of(end)]
    for node in ancestors(end):
        if end is root or len(steps) > _NEAR:
            break
        steps.append(step_of(node))
        if node is root:
            break
    return steps
