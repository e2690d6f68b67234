"""Whether a page was made for one notice, with lists only beside it."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection, Sequence

from aggregator.parse import addresses
from aggregator.parse.choose import Around, pages_on
from aggregator.parse.groups import Group
from aggregator.parse.tree import Element, ancestors, names_of
from aggregator.parse.walk import Walk, is_hidden_zone

_LEAST = 3
_LINE = 30
_SENTENCE = re.compile(r"[，。；,;]")
_BODY_NAMES = re.compile(
    r"trs_(?:editor|ueditor|paper)|vsb_content|ucap-?content|ivs_content|article-?con|newscon|"
    r"(?:^|\s)zoom(?:$|\s)|content-?text|article-?body"
)
_MUCH_TEXT = 200


def is_article(groups: Sequence[Group], best: Group, around: Around) -> bool:
    """Whether the page is one notice, with lists only beside it.

    Its own address tells, tags do, and so does how much prose stands outside of its lists.
    """
    page = around.page
    dated = addresses.likeness(around.base) == addresses.DATED
    told = dated or bool(page.meta.get("articletitle"))
    prose, named = _prose(page.root, _rows_of(groups, best, around.walk))
    alone = best.aside or not best.dated or not best.rows[1:]
    if told and (prose > _MUCH_TEXT / 2 or (dated and alone)):
        return True
    if addresses.is_root(around.base) and best.dated and not told and best.rows[2:]:
        return False  # a home page says at length who its owner is
    if pages_on(page) and (best.dated or prose < best.weight * 4):
        return False
    return named > _MUCH_TEXT or (
        prose > _MUCH_TEXT and prose > best.weight and bool(around.walk.links)
    )


def _rows_of(groups: Sequence[Group], best: Group, walk: Walk) -> set[Element]:
    """What holds the rows of the page's lists, their summaries included."""
    rows = {row.root for group in groups for row in group.rows if not row.shared}
    rows |= {row.root for row in best.rows} | _whole_rows(best, walk)
    if best.dated:  # other blocks of the page, each row with its summary
        for group in groups:
            if group.dated and len(group.rows) >= _LEAST:
                rows |= {row.root for row in group.rows} | _whole_rows(group, walk)
    return rows


def _prose(root: Element, rows: Collection[Element]) -> tuple[int, int]:
    """How much prose stands outside of rows and zones, and how much of it in a body by name."""
    prose = named = 0
    for node in root.iter("p", "div", "span", "td", "ucapcontent", "section", "article"):
        text = "".join([node.text or "", *(child.tail or "" for child in node)]).strip()
        if len(text) < _LINE or not _SENTENCE.search(text):
            continue
        up = (node, *ancestors(node))
        if any(x in rows or x.tag == "a" or is_hidden_zone(x) for x in up):
            continue
        prose += len(text)
        if any(_BODY_NAMES.search(names_of(x)) for x in up):
            named += len(text)
    return prose, named


def _whole_rows(group: Group, walk: Walk) -> set[Element]:
    """What holds each row and no other: its summary may stand beside its title and date."""
    if not group.rows[1:] or any(row.shared for row in group.rows):
        return set()
    starts = sorted(walk.spans[row.root][0] for row in group.rows)
    whole: set[Element] = set()
    for row in group.rows:
        node = row.root
        while (up := node.getparent()) is not None and up in walk.spans:
            start, end = walk.spans[up]
            if bisect_left(starts, end) - bisect_left(starts, start) > 1:
                break
            node = up
        whole.add(node)
    return whole
