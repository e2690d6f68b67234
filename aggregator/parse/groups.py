"""Rows made alike, brought together: the lists of a page, with and without dates."""

from __future__ import annotations

from dataclasses import dataclass, field

from aggregator.parse.rows import Row
from aggregator.parse.shapes import Shapes, step_of
from aggregator.parse.tree import Element, ancestors
from aggregator.parse.walk import Link, Stamp, Walk, short_title

_MANY_LINKS = 6
_ROW_TAGS = frozenset({"li", "tr", "dl", "dd", "a", "p", "div"})
_ONE_A_ROW = frozenset({"tr", "li", "a"})
_MIN_WORDS = 8


@dataclass(slots=True, eq=False)
class Group:
    """Rows made alike: one list of the page.

    ``key`` says how they are made; ``#`` at its end that they share one container, ``@``
    that they have no dates, ``[n]`` which of the columns of a layout table holds them.
    ``aside`` tells that the heading above says so, ``torn`` that it stands in pieces
    of several keys.
    """

    key: str
    rows: list[Row] = field(default_factory=list)
    weight: float = 0.0
    dated: bool = True
    aside: bool = False
    torn: bool = False
    holder: Element | None = None


def dated_groups(walk: Walk, shapes: Shapes) -> list[Group]:
    """Lists found by their dates: each date claims the title that stands nearest to it."""
    rows: list[Row] = []
    shared: dict[Element, list[Stamp]] = {}
    single: set[Element] = set()
    for stamp in walk.stamps:
        root = _reach(walk, stamp)
        if root is None or root in single or (stamp.said and _is_word(walk, root)):
            continue
        links = walk.links_in(root)
        stamps = walk.stamps_in(root)
        alone = len(stamps) == 1 or len(links) == 1 or root.tag in _ONE_A_ROW
        if alone and len(links) <= _MANY_LINKS:
            single.add(root)
            rows.append(Row(root=root, links=links, stamp=stamp))
        elif len(stamps) > 1 and len(links) > 1:
            shared.setdefault(root, []).append(stamp)
    for root, stamps in shared.items():
        rows.extend(_pair(walk, root, stamps))
    groups: dict[str, Group] = {}
    for row in rows:
        key = shapes.of(row.root) + ("#" if row.shared else "")
        groups.setdefault(key, Group(key=key)).rows.append(row)
    return [part for group in groups.values() for part in _columns(walk, group)]


def _reach(walk: Walk, stamp: Stamp) -> Element | None:
    """The nearest container of a date that also holds a title."""
    for node in (stamp.element, *ancestors(stamp.element)):
        if node not in walk.spans or node.tag == "html":
            return None
        if walk.links_in(node):
            return node
    return None


def _is_word(walk: Walk, link: Element) -> bool:
    """Whether the row of a link whose text begins or ends with a day prints another beside it."""
    for node in ancestors(link):
        if node not in walk.spans or len(walk.links_in(node)) > 1:
            return False
        if not all(stamp.said for stamp in walk.stamps_in(node)):
            return True
    return False


def _pair(walk: Walk, root: Element, stamps: list[Stamp]) -> list[Row]:
    """Rows without a container of their own: dates and titles take turns."""
    links = [link for link in walk.links_in(root) if not _in_row(walk, link, root)]
    if not links:
        return []
    if len(links) == len(stamps) and (links[-1].at < stamps[0].at or stamps[-1].at < links[0].at):
        return [
            Row(root=root, links=[link], stamp=stamp, shared=True)
            for link, stamp in zip(links, stamps, strict=True)
        ]
    before = stamps[0].at < links[0].at
    rows = []
    for index, stamp in enumerate(stamps):
        if before:
            end = stamps[index + 1].at if index + 1 < len(stamps) else walk.spans[root][1]
            near = [link for link in links if stamp.at < link.at < end]
        else:
            start = stamps[index - 1].at if index else walk.spans[root][0]
            near = [link for link in links if start < link.at < stamp.at]
        if near and len(near) <= _MANY_LINKS:
            rows.append(Row(root=root, links=near, stamp=stamp, shared=True))
    return rows


def _in_row(walk: Walk, link: Link, root: Element) -> bool:
    """Whether a link stands in a smaller container with a date of its own."""
    for node in ancestors(link.element):
        if node is root:
            return False
        if walk.stamps_in(node):
            return True
    return False


def holder_of(walk: Walk, rows: list[Row]) -> Element:
    """The smallest element that holds all the rows."""
    first, last = rows[0].root, max(walk.spans[row.root][1] for row in rows)
    start = min(walk.spans[row.root][0] for row in rows)
    if len({row.root for row in rows}) == 1:
        return first
    for node in ancestors(first):
        if node not in walk.spans:
            break
        opened, closed = walk.spans[node]
        if opened <= start and last <= closed:
            return node
        first = node
    return first


def _columns(walk: Walk, group: Group) -> list[Group]:
    """The group, or its parts where it stands in several columns of a layout table."""
    group.holder = holder_of(walk, group.rows)
    if group.holder.tag != "tr" or group.rows[0].root is group.holder:
        return [group]
    parts: dict[int, Group] = {}
    cells = {cell: at for at, cell in enumerate(group.holder)}
    for row in group.rows:
        at = next((cells[x] for x in (row.root, *ancestors(row.root)) if x in cells), 0)
        part = parts.setdefault(at, Group(key=f"{group.key}[{at}]"))
        part.rows.append(row)
    if not group.dated and len(parts) > 2 and len(parts) == len(group.rows):  # noqa: PLR2004
        return [group]  # a row of pictures, one a cell
    for part in parts.values():
        part.holder = holder_of(walk, part.rows)
    return list(parts.values())


def add_undated(walk: Walk, group: Group) -> None:
    """Take in the rows of a list that have no date, pinned ones mostly."""
    seen = {row.root for row in group.rows}
    parents: dict[Element, None] = {}
    for row in group.rows:
        parent = row.root.getparent()
        if not row.shared and parent is not None and row.root.tag in _ROW_TAGS:
            parents[parent] = None
    extra = []
    base = group.rows[0].link.base
    step = step_of(group.rows[0].root) if group.rows[0].root.tag == "div" else None
    for parent in parents:
        for node in parent.iterchildren(str(group.rows[0].root.tag)):
            if node in seen or node not in walk.spans or (step and step_of(node) != step):
                continue
            links = walk.links_in(node)
            if (
                not links
                and (stamps := walk.stamps_in(node))
                and (link := short_title(walk, node, base))
            ):
                extra.append(Row(root=node, links=[link], stamp=stamps[0]))
                continue
            if links and len(links) <= 2 and max(len(x.words) for x in links) >= _MIN_WORDS:  # noqa: PLR2004
                extra.append(Row(root=node, links=links, stamp=None))
    if len(extra) <= len(group.rows):
        group.rows.extend(extra)


def undated_groups(walk: Walk, shapes: Shapes, *, taken: set[Element]) -> list[Group]:
    """Lists without printed dates, by the likeness of their links."""
    groups: dict[str, Group] = {}
    for link in walk.links:
        if link.element in taken:
            continue
        key = shapes.of(link.element) + "@"
        group = groups.setdefault(key, Group(key=key, dated=False))
        group.rows.append(Row(root=_own(walk, link), links=[link], stamp=None))
    made = []
    for group in groups.values():
        if len({row.root for row in group.rows}) < len(group.rows):
            _one_a_row(group)
        for part in _columns(walk, group):
            part.dated = False
            made.append(part)
    return made


def _own(walk: Walk, link: Link) -> Element:
    """The largest container that holds no other title than this one."""
    best = link.element
    for node in ancestors(link.element):
        if node.tag in {"body", "html"} or node not in walk.spans or len(walk.links_in(node)) > 1:
            break
        best = node
    return best


def _one_a_row(group: Group) -> None:
    best: dict[Element, Row] = {}
    for row in group.rows:
        if row.root not in best or len(row.link.words) > len(best[row.root].link.words):
            best[row.root] = row
    group.rows = list(best.values())
