"""A list read by the shape it is known by: straight to its rows, past all that is not needed.

A shape says how many rows were found and the way to them: ``20:div.main>ul.list>li``. Where
several lists were taken together (a home page) the count is ``*``, and the page is learned
every time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aggregator.parse.groups import Group, add_undated, dated_groups, undated_groups
from aggregator.parse.shapes import Shapes, step_of
from aggregator.parse.tree import Document, Element
from aggregator.parse.walk import walk

_MANY = "*"
_LEAST = 3
_MARKS = "#@"
_MIDDLE_TITLE = 5
_MOST = 0.7
_NOT_MUCH_LESS = 0.3


@dataclass(frozen=True, slots=True)
class Shape:
    """A shape taken apart: the key of the rows' group, and how many rows it had when learned."""

    key: str
    rows: int | None

    def __str__(self) -> str:
        """The form in which it is kept."""
        return f"{_MANY if self.rows is None else self.rows}:{self.key}"


def shape_of(text: str | None) -> Shape | None:
    """The shape that was kept as a text; what is not of this form is a mere key."""
    if not text:
        return None
    count, colon, key = text.partition(":")
    if colon and (count == _MANY or count.isdecimal()):
        return Shape(key, None if count == _MANY else int(count))
    return Shape(text, None)


def described(shape: Shape) -> str:
    """A shape in words: the nearest containers of its rows, the inner first."""
    way = shape.key.partition("[")[0].rstrip(_MARKS).split(">")
    dates = "without dates" if "@" in shape.key else "with dates"
    return f"{' in '.join(reversed(way[-3:]))}, {dates}"


def read_known(page: Document, shape: Shape, *, base: str) -> Group | str:
    """The rows of a page by the shape they are known by, or in words why it does not fit.

    It fits while there are at least half as many rows as there were, most of them with dates
    if they had some, with titles of their own.
    """
    if shape.rows is None:
        return "it is one of several lists of its page"
    holder = _holder(page.root, shape.key)
    if holder is None:
        return "no such rows are on the page"
    found = walk([holder], base=base)
    shapes = Shapes()
    groups = dated_groups(found, shapes)
    group = next((group for group in groups if group.key == shape.key), None)
    if group is not None:
        add_undated(found, group)
    elif "@" in shape.key:
        taken = {link.element for one in groups for row in one.rows for link in row.links}
        groups = undated_groups(found, shapes, taken=taken)
        group = next((group for group in groups if group.key == shape.key), None)
    if group is None:
        return "no such rows are on the page"
    return misfit(group, shape) or group


def stays(group: Group, best: Group, shape: Shape | None) -> bool:
    """Whether the list of a known shape is still the one of its page, beside the weightiest.

    With few rows left (the last page of many has one) it must not be much the lighter.
    """
    return shape is not None and (
        _spoilt(group) is None
        and (misfit(group, shape) is None or group.weight >= best.weight * _NOT_MUCH_LESS)
    )


def misfit(group: Group, shape: Shape) -> str | None:
    """Why rows are no longer those that a shape was learned from, or None when they are."""
    rows = group.rows
    if shape.rows is not None and len(rows) < max(_LEAST, shape.rows / 2):
        return f"only {len(rows)} such rows are left of {shape.rows}"
    return _spoilt(group)


def _spoilt(group: Group) -> str | None:
    rows = group.rows
    if group.dated and sum(1 for row in rows if row.stamp) < len(rows) * _MOST:
        return "most rows have no date any more"
    titles = [row.link.words for row in rows]
    if sorted(map(len, titles))[len(titles) // 2] < _MIDDLE_TITLE:
        return "most rows have no title any more"
    if len(set(titles)) < len(titles) / 2:
        return "most rows say the same"
    return None


def _holder(root: Element, key: str) -> Element | None:
    """The smallest element that holds all that stands at the end of a way, by its steps."""
    body = next(root.iterchildren("body"), root)
    steps = key.partition("[")[0].rstrip(_MARKS).split(">")
    nodes: Sequence[Element] = [body]
    holder = body
    for at, step in enumerate(steps):
        tag = step.partition(".")[0]
        last = at == len(steps) - 1
        nodes = [
            child
            for node in nodes
            for child in node.iterchildren(tag)
            if (last and tag == step) or step_of(child) == step
        ]
        if len(nodes) == 1 and not (last and "#" not in key):
            holder = nodes[0]
    return holder if nodes else None
