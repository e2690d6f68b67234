"""Rows of a list page: a title, its link and its date, wherever the page puts them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime

from aggregator.dates import date_from_url, read_date
from aggregator.model import Entry
from aggregator.parse.tree import Element, ancestors, line_of, names_of
from aggregator.parse.walk import Link, Stamp, Walk, date_in, strip_date
from aggregator.text import clean, fold, one_line, shorten
from aggregator.urls import entry_key, text_key

MAX_TITLE = 500
MAX_SUMMARY = 300
_MIN_SUMMARY = 15
_MANY_LINKS = 6
_PINNED = re.compile(r"置\s*顶|\[\s*顶\s*\]|【\s*顶\s*】")
_PIN_MARK = re.compile(
    r"^\s*[\[【(（]?\s*(?:置\s*顶|顶|new|hot|荐|热)\s*[\]】)）]\s*", re.IGNORECASE
)
_BULLET = re.compile(r"^[\s·•●○◆◇■□▪▫►▶▸>»›★☆※\-－—*|丨.。、]+(?=\S)")
_NUMBER = re.compile(r"^\d{1,3}\s*[.、．]\s*(?=\D)")
_NEW = re.compile(r"(?:\s+|(?<=\W))(?:new|hot)!*\s*$", re.IGNORECASE)
_CUT = re.compile(r"\s*(?:…+|\.{2,}|。。+)\s*$")
_HINT = re.compile(
    r"标\s*题\s*[:：]\s*(.+?)(?:\s*(?:发布|更新|点击|时间|日期|作者|来源)\S*\s*[:：].*)?$"
)
_NAMED_TITLE = re.compile(r"(?:^|[\s_-])(?:title|tit|biaoti|bt|headline|name)(?:$|[\s_\d-])")
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6", "strong", "b", "dt")
_BLOCKS = ("p", "div", "span", "dt", "dd", "em", "li")
_VARIANT = re.compile(
    r"\d+|(?:^|[_-])(?:odd|even|first|last|active|on|cur|current|hover|bg|top)(?=$|[_-])"
)
_ROW_TAGS = frozenset({"li", "tr", "dl", "dd", "a", "p"})


@dataclass(slots=True, eq=False)
class Row:
    """One row as found: the links it might be known by, and its date as printed."""

    root: Element
    links: list[Link]
    stamp: Stamp | None
    shared: bool = False

    @property
    def link(self) -> Link:
        """The link that is the title: the one with the most words, not a `[column]`."""
        whole = [link for link in self.links if not _is_column(link.text)] or self.links
        return max(whole, key=lambda link: (len(link.words), link.href is not None, -link.at))


@dataclass(slots=True, eq=False)
class Group:
    """Rows made alike: one list of the page."""

    key: str
    rows: list[Row] = field(default_factory=list)
    weight: float = 0.0
    dated: bool = True


def _is_column(text: str) -> bool:
    return bool(re.fullmatch(r"[\[【(（].{1,12}[\]】)）]\s*[:：]?", text))


def shape(element: Element) -> str:
    """The way from the body to an element, without what tells one row from the next."""
    parts = []
    for node in (element, *ancestors(element)):
        if not isinstance(node.tag, str) or node.tag in {"html", "body"}:
            continue
        names = "" if node is element else _VARIANT.sub("", (node.get("class") or "").lower())
        names = ".".join(name for name in names.split() if name)
        parts.append(f"{node.tag}.{names}" if names else node.tag)
    return ">".join(reversed(parts))


def dated_groups(walk: Walk) -> list[Group]:
    """Lists found by their dates: each date claims the title that stands nearest to it."""
    rows: list[Row] = []
    shared: dict[Element, list[Stamp]] = {}
    single: dict[Element, Row] = {}
    for stamp in walk.stamps:
        root = _reach(walk, stamp)
        if root is None:
            continue
        links = walk.links_in(root)
        stamps = walk.stamps_in(root)
        alone = len(stamps) == 1 or len(links) == 1 or root.tag in {"tr", "li", "a"}
        if alone and len(links) <= _MANY_LINKS:
            if root not in single:
                single[root] = Row(root=root, links=links, stamp=stamp)
                rows.append(single[root])
        elif len(stamps) > 1 and len(links) > 1:
            shared.setdefault(root, []).append(stamp)
    for root, stamps in shared.items():
        rows.extend(_pair(walk, root, stamps))
    groups: dict[str, Group] = {}
    for row in rows:
        key = shape(row.root) + ("#" if row.shared else "")
        groups.setdefault(key, Group(key=key)).rows.append(row)
    return list(groups.values())


def _reach(walk: Walk, stamp: Stamp) -> Element | None:
    """The nearest container of a date that also holds a title."""
    for node in (stamp.element, *ancestors(stamp.element)):
        if node.tag in {"body", "html"}:
            return node if node.tag == "body" and node in walk.spans else None
        if walk.links_in(node):
            return node
    return None


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


def add_undated(walk: Walk, group: Group) -> None:
    """Take in the rows of a list that have no date, pinned ones mostly."""
    seen = {row.root for row in group.rows}
    parents: dict[Element, None] = {}
    for row in group.rows:
        parent = row.root.getparent()
        if not row.shared and parent is not None and row.root.tag in _ROW_TAGS:
            parents[parent] = None
    extra = []
    for parent in parents:
        for node in parent.iterchildren(group.rows[0].root.tag):
            if node in seen or node not in walk.spans:
                continue
            links = walk.links_in(node)
            if links and len(links) <= 2 and max(len(x.words) for x in links) >= 8:  # noqa: PLR2004
                extra.append(Row(root=node, links=links, stamp=None))
    if len(extra) <= len(group.rows):
        group.rows.extend(extra)


def undated_groups(walk: Walk, *, taken: set[Element]) -> list[Group]:
    """Lists without printed dates, by the likeness of their links."""
    groups: dict[str, Group] = {}
    for link in walk.links:
        if link.element in taken:
            continue
        key = shape(link.element) + "@"
        group = groups.setdefault(key, Group(key=key, dated=False))
        group.rows.append(Row(root=_own(walk, link), links=[link], stamp=None))
    for group in groups.values():
        if len({row.root for row in group.rows}) < len(group.rows):
            _one_a_row(group)
    return list(groups.values())


def _own(walk: Walk, link: Link) -> Element:
    """The largest container that holds no other title than this one."""
    best = link.element
    for node in ancestors(link.element):
        if node.tag in {"body", "html"} or len(walk.links_in(node)) > 1:
            break
        best = node
    return best


def _one_a_row(group: Group) -> None:
    best: dict[Element, Row] = {}
    for row in group.rows:
        if row.root not in best or len(row.link.words) > len(best[row.root].link.words):
            best[row.root] = row
    group.rows = list(best.values())


def title_of(row: Row, *, hints: bool) -> str:
    """The title of a row: the title attribute before a cut text (DOMAIN §3)."""
    link = row.link
    shown = _shown(link.element) if len(link.element) else link.text
    hint = link.hint
    if said := _HINT.search(hint):
        hint = said.group(1)
    hint = hint if hints else ""
    text = tidy_title(shown)
    if not hint:
        return text
    hint = tidy_title(hint)
    short = fold(_CUT.sub("", text))
    if not short or _CUT.search(text) or fold(hint).startswith(short):
        return hint if len(hint) >= len(short) else text
    return text if len(hint) < len(short) // 2 else hint


def _shown(link: Element) -> str:
    """What a link shows as its title: a heading in it, else its first piece that is no date."""
    for node in link.iter(*_HEADINGS):
        text = line_of(node)
        if len(text) >= 4 and not _only_date(text):  # noqa: PLR2004
            return text
    named = next(
        (n for n in link.iterdescendants() if _NAMED_TITLE.search(names_of(n)) and line_of(n)), None
    )
    if named is not None and not _only_date(line_of(named)):
        return line_of(named)
    pieces = [
        (node, line_of(node))
        for node in link.iterchildren(*_BLOCKS)
        if line_of(node) and not _only_date(line_of(node))
    ]
    own = one_line((link.text or "") + " ".join(child.tail or "" for child in link))
    if len(own) >= 4 and not _only_date(own):  # noqa: PLR2004
        return line_of(link) if not pieces else own if len(own) > 8 else line_of(link)  # noqa: PLR2004
    long = [text for _, text in pieces if len(text) >= 4]  # noqa: PLR2004
    if not long:
        return line_of(link)
    first = long[0]
    deeper = [node for node, text in pieces if text == first]
    return _shown(deeper[0]) if deeper and len(deeper[0]) and deeper[0].tag == "div" else first


def _only_date(text: str) -> bool:
    stamp = date_in(text, in_link=False)
    return stamp is not None and len(text) - len(stamp) < 8  # noqa: PLR2004


def tidy_title(text: str) -> str:
    """A title without bullets, pins, NEW marks and the date printed with it."""
    text = one_line(text)
    for _ in range(2):
        text = _PIN_MARK.sub("", _BULLET.sub("", text))
    text = _NEW.sub("", strip_date(text))
    return shorten(text.strip(), MAX_TITLE)


def entry_of(row: Row, *, hints: bool, now: datetime) -> Entry | None:
    """The entry that a row is, or None when it has no title."""
    title = title_of(row, hints=hints)
    if not title:
        return None
    printed = row.stamp.text if row.stamp else None
    whole = "" if row.shared else line_of(row.root)
    mark = one_line(
        " ".join(img.get("alt") or img.get("title") or "" for img in row.root.iter("img"))
    )
    return make_entry(
        title=title,
        url=row.link.href,
        date_text=printed,
        summary=None if row.shared else _summary(row, title),
        pinned=bool(_PINNED.search(whole[:20]) or _PINNED.search(mark)),
        now=now,
    )


def make_entry(  # noqa: D417
    *,
    title: str,
    url: str | None,
    date_text: str | None,
    now: datetime,
    summary: str | None = None,
    pinned: bool = False,
    content_html: str | None = None,
    author: str | None = None,
    guid: str | None = None,
    raw: str | None = None,
) -> Entry:
    """An entry with its key, its date read, and the hash by which it is known again.

    Args:
        guid: names an entry that has no address.
        raw: the source's own text of the entry, where there is one.
    """
    title = clean(title)
    read = read_date(date_text, now=now) if date_text else None
    value = read.iso() if read else None
    if value is None and url:
        day = date_from_url(url)
        value = day.isoformat() if day and day <= now.date() else None
    key = entry_key(url) if url else text_key(f"{guid or title}|{'' if guid else value or ''}")
    seen = raw if raw is not None else "|".join((title, url or "", date_text or "", summary or ""))
    return Entry(
        key=key,
        url=url,
        title=title,
        date=value,
        date_text=one_line(date_text)[:100] if date_text else None,
        summary=summary,
        content_html=content_html,
        author=author,
        pinned=pinned,
        raw_hash=text_key(seen),
    )


def _summary(row: Row, title: str) -> str | None:
    """The longest piece of a row's text that is neither its title nor its date."""
    known = fold(title)
    best = ""
    for node in row.root.iter(*_BLOCKS):
        if node is row.root:
            continue
        text = line_of(node)
        if len(text) > len(best) and known[:20] not in fold(text) and not _only_date(text):
            best = text
    return shorten(best, MAX_SUMMARY) if len(best) >= _MIN_SUMMARY else None
