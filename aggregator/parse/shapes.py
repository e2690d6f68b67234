"""The shape of a row: the way from the body to it, by tags and by the classes its like share."""

from __future__ import annotations

import re

from aggregator.parse.tree import Element

_VARIANT = re.compile(
    r"\d+|(?:^|[\s_-])(?:odd|even|first|last|active|on|cur|current|hover|bg|top|hide|hidden|show|none)(?=$|[\s_-])"
)


class Shapes:
    """The ways from the body to elements, each made once."""

    def __init__(self) -> None:
        """Know none yet."""
        self._ways: dict[Element, str] = {}

    def of(self, element: Element) -> str:
        """The way to an element, without what tells one row from the next."""
        parent = element.getparent()
        above = self._way(parent) if parent is not None else ""
        return f"{above}>{element.tag}" if above else str(element.tag)

    def _way(self, element: Element) -> str:
        todo: list[Element] = []
        node: Element | None = element
        way = ""
        while node is not None:
            if node in self._ways:
                way = self._ways[node]
                break
            todo.append(node)
            node = node.getparent()
        for node in reversed(todo):
            if node.tag not in {"html", "body"}:
                way = f"{way}>{step_of(node)}" if way else step_of(node)
            self._ways[node] = way
        return way


def step_of(node: Element) -> str:
    """An element's tag and the classes that its like share."""
    names = node.get("class")
    if names:
        names = ".".join(_VARIANT.sub("", names.lower()).split())
    return f"{node.tag}.{names}" if names else str(node.tag)


def shape(element: Element) -> str:
    """The way from the body to one element."""
    return Shapes().of(element)
