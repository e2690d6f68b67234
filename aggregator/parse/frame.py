"""What of an article page need not be looked at, where the shape of its source is known.

The ways of the shape lead to title, day, source and text at once. What stands in no element
with them (menus, columns beside, the footer) says nothing of the article, unless it speaks of
what belongs to one: labels of a header, attachments, a source.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from aggregator.model import ArticleShape
from aggregator.parse.bars import LABELS
from aggregator.parse.survey import is_edited, step_of
from aggregator.parse.tree import Element, ancestors, text_of
from aggregator.parse.walk import is_hidden_zone

#: So many elements may one way lead to; a way of more tells nothing.
_MOST = 20
_SHORTEST_LABEL = 3
#: Of labels that begin alike, the longer are found with the shorter.
_LONG = sorted(label for label in LABELS if len(label) >= _SHORTEST_LABEL)
_WORDS = re.compile(
    "|".join(
        [
            *(one for one in _LONG if not any(o != one and o in one for o in _LONG)),
            *("文号", "附件", "来源", "出处"),
        ]
    )
)


def aside_of(root: Element, shape: ArticleShape) -> set[Element] | None:
    """The elements of a page that need no look; None where the shape does not lead through it.

    Args:
        root: the page.
        shape: of an earlier article of the source.
    """
    if shape.title is None or shape.body is None or shape.date is None:
        return None
    titles, bodies = _led(root, shape.title), _led(root, shape.body)
    bars = [node for way in (shape.date, shape.source) if way for node in _led(root, way)]
    if not titles or not bodies or len(bodies) > 1:
        return None
    lines = [_line(node) for node in (*titles, *bodies, *bars)]
    depth = 0
    while all(len(line) > depth and line[depth] is lines[0][depth] for line in lines):
        depth += 1
    holder = lines[0][depth - 1]
    gone: set[Element] = set()
    for above, within in zip(lines[0][: depth - 1], lines[0][1:depth], strict=True):
        gone.update(_silent(child for child in above if child is not within))
    branches = {line[depth] for line in lines if len(line) > depth}
    if len(branches) > 1 and all(len(line) > depth for line in lines):
        body = next(line[depth] for line in lines if line[-1] is bodies[0])
        gone.update(_silent(_around(holder, branches, body, edited=is_edited(bodies[0]))))
    return gone


def _around(
    holder: Element, branches: set[Element], body: Element, *, edited: bool
) -> list[Element]:
    """Children of the element that holds all which stand before or behind what is wanted.

    A text that is in no container of its own may go on behind it, up to what is chrome by name.
    """
    children = list(holder)
    wanted = [at for at, child in enumerate(children) if child in branches]
    first, last = wanted[0], wanted[-1]
    before = children[:first] if children[first] is not body else []
    after = children[last + 1 :]
    if not edited:
        until = (at for at, one in enumerate(after) if isinstance(one.tag, str) and _is_chrome(one))
        after = after[next(until, len(after)) :]
    return before + after


def _is_chrome(node: Element) -> bool:
    return is_hidden_zone(node) and bool(text_of(node).strip())


def _silent(nodes: Iterable[Element]) -> list[Element]:
    """Those that say nothing of an article."""
    return [
        node
        for node in nodes
        if isinstance(node.tag, str) and not _WORDS.search("".join(text_of(node).split()))
    ]


def _led(root: Element, way: str) -> list[Element]:
    """The elements to which a way leads."""
    found = [root, *root.iterchildren("body")]
    for step in way.split(">"):
        tag = step.partition(".")[0]
        found = [
            child for node in found for child in node.iterchildren(tag) if step_of(child) == step
        ]
        if len(found) > _MOST:
            return []
    return found


def _line(node: Element) -> list[Element]:
    """From the root down to an element."""
    return [node, *ancestors(node)][::-1]
