"""A list page (栏目) read by nothing but how it is made: which of its repeated rows are news."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from aggregator.dates import date_from_url
from aggregator.model import Entry, Learned, ListReading, Relearned, Selectors, SourceKind
from aggregator.parse.decode import Decoded
from aggregator.parse.inline import inline_entries
from aggregator.parse.paging import next_page
from aggregator.parse.refusals import refuse_soft_failures
from aggregator.parse.rows import (
    Group,
    Row,
    add_undated,
    dated_groups,
    entry_of,
    undated_groups,
)
from aggregator.parse.told import told_entries
from aggregator.parse.tree import Document, Element, ancestors, document, line_of, names_of, text_of
from aggregator.parse.walk import Walk, is_hidden_zone, walk
from aggregator.urls import absolute, canonical_url

_LONG_TITLE = 40
_MIN_UNDATED = 3
_UNDATED_TITLE = 9
_ASIDE = re.compile(
    r"相关|推荐|热点|热门|热文|排行|点击|猜你|最新更新|最近更新|更多项目|友情|链接|常见问题|专题"
)
_CRUMBS = re.compile(r"(?:当前|您的|您现在的?|现在|所在)\s*(?:所在)?的?\s*(?:位置|栏目)|你的位置")
_PAGER = re.compile(
    r"createPage\w*\s*\(|下一页|下\s*页|尾\s*页|末\s*页|共\s*\d+\s*页|jpage|pageCount|totalPage",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[，。；,;]")
_BODY_NAMES = re.compile(
    r"trs_(?:editor|ueditor|paper)|vsb_content|ucap-?content|ivs_content|article-?con|newscon|"
    r"(?:^|\s)zoom(?:$|\s)|content-?text|article-?body"
)
_MUCH_TEXT = 200


def read_column(
    decoded: Decoded, *, url: str, now: datetime, selectors: Selectors, learned: Learned
) -> ListReading:
    """Read a list page: its rows, its next page, what its head says.

    Raises:
        ParseError: the page is refused by the look before parsing, or says that there is
            nothing to see (soft 404, login, challenge).
    """
    page = document(decoded.text, url=url)
    base = absolute(page.base, url) or url
    refuse_soft_failures(page, url=url)
    notes: tuple[str, ...] = ()
    column = Column(entries=(), shape=learned.rows)
    entries: tuple[Entry, ...] = ()
    if selectors.rows:
        entries = told_entries(decoded.text, selectors=selectors, base=base, now=now)
        if not entries:
            notes = (f"the given selector {selectors.rows!r} found no row; read unaided",)
    if not entries:
        column = parse_column(page, base=base, now=now, shape=learned.rows)
        entries = column.entries
    if not entries:
        entries = inline_entries(page.scripts, base=base, now=now)
    entries = mark_pinned(unique(entries))
    reading = ListReading(
        kind=SourceKind.COLUMN,
        entries=entries,
        next=next_page(page, url=url, base=base, entries=len(entries), selector=selectors.next),
        learned=replace(learned, rows=column.shape),
        relearned=column.relearned,
        notes=notes,
    )
    return with_head(reading, page, decoded)


def with_head(reading: ListReading, page: Document, decoded: Decoded) -> ListReading:
    """The reading with what the head of its page says about site and column."""
    return replace(
        reading,
        title=page.title or None,
        site_name=page.meta.get("sitename"),
        site_code=page.meta.get("siteidcode"),
        column_name=page.meta.get("columnname"),
        column_type=page.meta.get("columntype"),
        charset=decoded.charset,
        charset_why=decoded.why,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """The rows of a page, the shape that read them, and what it replaced if it is another."""

    entries: tuple[Entry, ...]
    shape: str | None
    relearned: Relearned | None = None


def parse_column(page: Document, *, base: str, now: datetime, shape: str | None) -> Column:
    """The rows of a page by the shape they were known by, or by one learned anew.

    Args:
        page: the page as a tree.
        base: what its links are relative to.
        now: for dates without a year.
        shape: what an earlier reading gave as ``shape``, or None.

    Returns:
        The given shape comes back letter by letter when it read the page, and when the page
        has no rows at all; another one comes with ``relearned``.
    """
    entries, key = learn(page, base=base, now=now, known=shape)
    if shape is None or key is None or key == shape:
        return Column(entries=entries, shape=key or shape)
    changed = Relearned(
        before=described(shape), after=described(key), why="no such rows are on the page"
    )
    return Column(entries=entries, shape=key, relearned=changed)


def described(shape: str) -> str:
    """A shape in words: the nearest containers of its rows, the inner first."""
    parts = shape.rstrip("#@").split(">")
    return " in ".join(reversed(parts[-3:]))


def learn(
    page: Document, *, base: str, now: datetime, known: str | None
) -> tuple[tuple[Entry, ...], str | None]:
    """The rows of the page's list, or of its blocks, and the shape they are known by."""
    found = walk(page, base=base)
    groups = dated_groups(found)
    for group in groups:
        add_undated(found, group)
    # A last page of one row is a list all the same where the first page showed the shape.
    groups = [group for group in groups if group.key == known or _plausible(group)]
    taken = {link.element for group in groups for row in group.rows for link in row.links}
    groups.extend(g for g in undated_groups(found, taken=taken) if _plausible_undated(g, base))
    for group in groups:
        group.weight = _weight(group)
    groups = [group for group in groups if group.weight > 0]
    if not groups:
        return (), None
    best = max(groups, key=lambda group: group.weight)
    if known:
        best = next((group for group in groups if group.key == known), best)
    if _is_article(page, found, groups, best):
        return (), None
    chosen = [best] if _is_column(page) else _blocks(groups, best)
    rows = sorted((row for group in chosen for row in group.rows), key=lambda row: row.link.at)
    hints = _trusted_hints(rows)
    entries = [entry_of(row, hints=hints, now=now) for row in rows]
    return tuple(entry for entry in entries if entry), best.key


def _trusted_hints(rows: Sequence[Row]) -> bool:
    """Whether title attributes say something of their own: not one word for all rows."""
    hints = Counter(row.link.hint for row in rows if row.link.hint)
    return not hints or hints.most_common(1)[0][1] <= max(2, len(rows) // 3)


def _plausible(group: Group) -> bool:
    rows = [row for row in group.rows if row.stamp]
    if not rows:
        return False
    if len(rows) == 1:
        row = rows[0]
        text = line_of(row.root)
        return (
            row.root.tag in {"li", "tr", "dl", "a"}
            and len(row.links) <= 2  # noqa: PLR2004
            and len(text) < len(row.link.words) * 2 + 40
            and len(row.link.words) >= 8  # noqa: PLR2004
        )
    return True


def _plausible_undated(group: Group, base: str) -> bool:
    rows = group.rows
    if len(rows) < _MIN_UNDATED:
        return False
    lengths = sorted(len(row.link.words) for row in rows)
    if lengths[len(rows) // 2] < _UNDATED_TITLE:
        return False
    leading = [row.link.href for row in rows if row.link.href]
    own = canonical_url(base)
    apart = {canonical_url(href) for href in leading} - {own}
    return len(apart) >= len(rows) / 2


def _weight(group: Group) -> float:
    rows = group.rows
    words = sum(min(len(row.link.words), _LONG_TITLE) for row in rows)
    weight = float(words)
    if not group.dated:
        urls = [row.link.href or "" for row in rows]
        dated = sum(1 for href in urls if date_from_url(href))
        deep = sum(1 for href in urls if re.search(r"\d{3,}[^/]*$|/\d{3,}/?$", href))
        weight *= 0.8 if dated > len(rows) * 0.7 else 0.5 if deep > len(rows) * 0.7 else 0.2
    if _zone_of(rows[0].root):
        weight *= 0.25
    if _heading_of(rows[0].root):
        weight *= 0.4
    return weight


def _zone_of(element: Element) -> bool:
    return any(
        is_hidden_zone(node) for node in (element, *ancestors(element)) if node.tag != "body"
    )


def _heading_of(element: Element) -> bool:
    """Whether the heading before a list says that it is an aside."""
    node = element
    for _ in range(5):
        parent = node.getparent()
        if parent is None or parent.tag == "body":
            return False
        before = node.getprevious()
        while before is not None and not (isinstance(before.tag, str) and line_of(before)):
            before = before.getprevious()
        if before is not None and isinstance(before.tag, str) and before.tag not in {"li", "tr"}:
            return bool(_ASIDE.search(line_of(before)[-12:])) and len(line_of(before)) <= 20  # noqa: PLR2004
        node = parent
    return False


def _is_column(page: Document) -> bool:
    """Whether the page says that it is one column: by tags, by the way to it or by a pager."""
    if page.meta.get("columnname") and page.meta.get("columntype") != "首页":
        return True
    body = next(iter(page.root.iter("body")), page.root)
    return bool(_PAGER.search(page.scripts)) or _says_where(body)


def _says_where(body: Element) -> bool:
    text = text_of(body)
    return bool(_CRUMBS.search(text) or _PAGER.search(text)) or any(
        "crumb" in names_of(node) for node in body.iter("div", "p", "ul", "nav", "ol")
    )


def _blocks(groups: Sequence[Group], best: Group) -> list[Group]:
    """The blocks of a home page: every dated list that is not much smaller than the largest."""
    alike = [
        group
        for group in groups
        if group is best
        or (
            group.dated
            and len(group.rows) > 1
            and group.weight >= best.weight * 0.15
            and not _zone_of(group.rows[0].root)
        )
    ]
    return alike if best.dated else [best]


def _is_article(page: Document, found: Walk, groups: Sequence[Group], best: Group) -> bool:
    """Whether the page is one notice, with lists only beside it."""
    told = bool(page.meta.get("articletitle"))
    own = {row.root for group in groups for row in group.rows if not row.shared}
    roots = {row.root for row in best.rows}
    prose = named = 0
    for node in page.root.iter("p", "div", "span", "td", "ucapcontent", "section", "article"):
        text = "".join([node.text or "", *(child.tail or "" for child in node)]).strip()
        if len(text) < 30 or not _SENTENCE.search(text):  # noqa: PLR2004
            continue
        up = (node, *ancestors(node))
        if any(x in own or x in roots or x.tag == "a" for x in up):
            continue
        if any(is_hidden_zone(x) for x in up):
            continue
        prose += len(text)
        if any(_BODY_NAMES.search(names_of(x)) for x in up):
            named += len(text)
    if told and prose > _MUCH_TEXT / 2:
        return True
    if named > _MUCH_TEXT and not _pages_on(page):
        return True
    return prose > _MUCH_TEXT and prose > best.weight and not _pages_on(page) and bool(found.links)


def _pages_on(page: Document) -> bool:
    return bool(_PAGER.search(page.scripts))


def unique(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Each entry once, the first of its kind; a date is taken from a later twin."""
    kept: dict[str, Entry] = {}
    for entry in entries:
        old = kept.get(entry.key)
        if old is None:
            kept[entry.key] = entry
        elif entry.date and not old.date:
            kept[entry.key] = replace(
                old, date=entry.date, date_text=entry.date_text, raw_hash=entry.raw_hash
            )
    return tuple(kept.values())


def mark_pinned(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Mark old rows that stand before newer ones in a list that is else newest first."""
    days = [(entry.date or "")[:10] for entry in entries]
    rest = 0
    while rest < min(6, len(days) // 2) and any(d > days[rest] for d in days[rest + 1 :]):
        rest += 1
    tail = [day for day in days[rest:] if day]
    if rest and len(tail) >= 3 and tail == sorted(tail, reverse=True):  # noqa: PLR2004
        return tuple(
            replace(entry, pinned=True) if index < rest else entry
            for index, entry in enumerate(entries)
        )
    return tuple(entries)
