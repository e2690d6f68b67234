"""One walk over a page: its links and its printed dates, in the order of reading."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field

from lxml import etree

from aggregator.parse.stamps import (
    FULL,
    date_in,
    date_in_pieces,
    full_date_in,
    may_be_date,
    only_date,
    strip_date,
)
from aggregator.parse.tree import Element, ancestors, line_of, names_of
from aggregator.text import one_line
from aggregator.urls import absolute

__all__ = [
    "CRUMBS",
    "FULL",
    "Link",
    "Stamp",
    "Walk",
    "date_in",
    "is_hidden_zone",
    "strip_date",
    "walk",
]

_ADDRESS = re.compile(
    r"""['"]((?:https?:/|\.{0,2})/[^'"\s()]{2,500}|[\w\-./]{1,300}\.\w{2,5}(?:\?[^'"\s]{0,300})?)['"]"""
)
_BOTH = ("start", "end")
_CLICKED = frozenset({"li", "tr", "div", "dl", "dd", "dt", "td", "p", "section"})
#: Words that lead to a row's article and are not its title, and those that lead elsewhere.
_MUTE = (
    r"详情|查看|查看详情|查看全文|阅读全文|阅读原文|详细|详细信息|详细内容|立即查看|点击查看|了解更多|了解详情|"
    r"进入专题|进入|全文|原文|预览|在线预览|下载|点击下载|附件下载|文件下载|read more|details?|view"
)
_NO_TITLE = re.compile(
    r"^(?:更多|查看更多|更多信息|更多内容|more|\+?更多\+?|附件|首\s*页|尾\s*页|末\s*页|上一页|下一页|上页|下页|"
    r"前一页|后一页|返回\w{0,2}|(?:打印|关闭)(?:本页|窗口|此页|页面)?|收藏|分享|设为首页|加入收藏|登录|注册|无障碍|繁体|简体|english|"
    r"跳转|确定|go|\S*ICP备\S*|\S*公网安备\s*\S*|\W*|[\d\s<>«»‹›.…]+|"
    + _MUTE
    + r")[\s>»›+.…\]】）)]*$",
    re.IGNORECASE,
)
_IS_MUTE = re.compile(rf"^(?:{_MUTE})[\s>»›+.…\]】）)]*$", re.IGNORECASE)
#: The name of a picture's file, which some pages give as its description.
_PICTURE = re.compile(r"[\w/.-]+\.(?:jpe?g|png|gif|bmp)", re.IGNORECASE)
#: An address that tells a day; then even two characters are a title.
_DATED = re.compile(r"(?:19|20)\d\d[-/]?[01]?\d[-/]?[0-3]?\d(?!\d)")
_PAGE = re.compile(r"[上下尾末前后]\s*一?\s*页")
_FRAME = re.compile(r"^[\s\[【（(<《+·]+")
#: What stands before the links from one article to the next.
_NEIGHBOUR = re.compile(r"\W*[上下前后]\s*一?\s*[篇条则]\W*$")
CRUMBS = re.compile(
    r"(?:当前|您的|您?现在的?|你的|所在)\s*(?:所在)?的?\s*(?:页面)?(?:位置|栏目)|(?:^|\s)位置\s*[:：>]"
)
_MIN_TITLE = 4
_MIN_CAPTION = 5
_MAX_PART = 24
_IS_DATE = re.compile(FULL)
_DATE_FRAME = "[](){}【】（） "
#: ``11月20日``; what is longer has a year.
_MONTH_DAY = 6
_TOO_WIDE = frozenset({"body", "html", "tbody", "table", "ul", "ol", "form"})
_ZONE = re.compile(
    r"(?:^|[\s_-])(?:nav|navi?gation|menu|foot|footer|bottom|crumbs?|breadcrumbs?|friend|links?|"
    r"yqlj|sidebar|aside|related|recommend|hot|rank|share|search|copyright|pager|pagination)"
    r"(?:$|[\s_\d-]|bar|list|box)",
)


@dataclass(slots=True, eq=False)
class Link:
    """A link that may be the title of a row.

    ``element`` shows the title. It is the link itself, or what stands around a link that
    shows only a picture or says 详情.
    """

    at: int
    element: Element
    text: str
    hint: str
    base: str
    anchor: Element
    _href: str | None = None
    _asked: bool = False

    @property
    def words(self) -> str:
        """The longer of what it shows and what its title attribute says."""
        return self.hint if len(self.hint) > len(self.text) else self.text

    @property
    def href(self) -> str | None:
        """Its absolute address, or None when it leads nowhere; made when first asked for."""
        if not self._asked:
            self._asked = True
            self._href = _address_of(self.anchor, self.base)
        return self._href


@dataclass(slots=True, eq=False)
class Stamp:
    """A date as printed, with the element that holds it.

    ``said`` tells that it stands at an edge of a link's text, maybe as a word of the title.
    """

    at: int
    element: Element
    text: str
    said: bool = False


@dataclass(slots=True)
class Walk:
    """What one walk found; positions count pieces of text.

    ``texts`` are the pieces by position, as they stand; ``mores``, ``pagers`` and ``crumbs`` the positions of
    links that say 更多, of links of a pager and of texts that say where the page stands.
    """

    links: list[Link] = field(default_factory=list)
    stamps: list[Stamp] = field(default_factory=list)
    texts: list[tuple[int, str]] = field(default_factory=list)
    mores: list[int] = field(default_factory=list)
    pagers: list[int] = field(default_factory=list)
    crumbs: list[int] = field(default_factory=list)
    spans: dict[Element, tuple[int, int]] = field(default_factory=dict)
    _starts: list[int] = field(default_factory=list)
    _stamps: list[int] = field(default_factory=list)

    def links_in(self, element: Element) -> list[Link]:
        """The links below (or at) an element."""
        start, end = self.spans[element]
        return self.links[bisect_left(self._starts, start) : bisect_left(self._starts, end)]

    def stamps_in(self, element: Element) -> list[Stamp]:
        """The dates below (or at) an element."""
        start, end = self.spans[element]
        return self.stamps[bisect_left(self._stamps, start) : bisect_left(self._stamps, end)]

    def close(self) -> None:
        """Make the indexes once everything is found."""
        self.links.sort(key=lambda link: link.at)
        self._starts = [link.at for link in self.links]
        self._stamps = [stamp.at for stamp in self.stamps]


def walk(roots: Iterable[Element], *, base: str) -> Walk:
    """Find the links and dates below some elements, which do not hold each other."""
    found = Walk()
    opened: dict[Element, int] = {}
    link: Element | None = None
    pieces: list[tuple[int, Element, str, bool]] = []
    mute: list[Element] = []
    before = ""
    at = 0
    for event, node in (x for root in roots for x in etree.iterwalk(root, events=_BOTH)):
        at += 1
        if event == "start":
            opened[node] = at
            if link is None and _leads(node):
                link = node
                before = pieces[-1][2] if pieces else ""
            holder, text = node, node.text
        else:
            found.spans[node] = (opened.pop(node), at)
            if link is not None and node is link:
                link = None
                if len(before) > _MAX_PART or not _NEIGHBOUR.match(before):
                    _add_link(found, mute, node, base)
            holder, text = node.getparent(), node.tail if opened else None
        if text and holder is not None and not text.isspace():
            at += 1
            pieces.append((at, holder, text, link is not None))
    found.texts = [(at, text) for at, _, text, _ in pieces]
    found.links = [link for at, link in enumerate(found.links) if not _is_twin(found.links, at)]
    _add_stamps(found, pieces)
    found.close()
    if mute:
        _give_titles(found, mute, base)
    return found


def _is_twin(links: list[Link], at: int) -> bool:
    """Whether a link is a picture beside a link with words to the same article."""
    link = links[at]
    href = link.anchor.get("href")
    near = links[max(0, at - 1) : at] + links[at + 1 : at + 2]
    if link.text:
        return not href and any(_says_whole(other, link.text) for other in near)
    return any(other.text and other.anchor.get("href") == href for other in near)


def _says_whole(picture: Link, text: str) -> bool:
    """Whether a picture is a link and says the title that a link without address shows."""
    short = text.rstrip("….。 ")
    return not picture.text and bool(short) and picture.hint.startswith(short)


def _leads(node: Element) -> bool:
    """Whether an element is a link: of its own, or a whole row by script."""
    return node.tag == "a" or (
        node.tag in _CLICKED and node.get("onclick") is not None and _is_clicked(node)
    )


def _is_clicked(node: Element) -> bool:
    """Whether a whole row is a link by script, and holds none that leads anywhere itself."""
    if not _ADDRESS.search(node.get("onclick") or ""):
        return False
    return not any(absolute(link.get("href"), "http://any.example/") for link in node.iter("a"))


def _address_of(node: Element, base: str) -> str | None:
    href = node.get("href")
    found = absolute(href, base)
    if found is None:
        clicked = _ADDRESS.search(node.get("onclick") or "") or (
            _ADDRESS.search(href) if href and "(" in href else None
        )
        found = absolute(clicked.group(1), base) if clicked else None
    return found


def _add_link(found: Walk, mute: list[Element], node: Element, base: str) -> None:
    text = line_of(node)
    hint = one_line(node.get("title") or "")
    words = hint if len(hint) > len(text) else text
    if not text and not hint:
        image = next(iter(node.iter("img")), None)
        if image is None:
            return
        hint = words = one_line(image.get("alt") or image.get("title") or "")
        if len(hint) < _MIN_TITLE or _PICTURE.fullmatch(hint):
            mute.append(node)
            return
    elif (len(words) <= _MAX_PART and _NO_TITLE.match(_FRAME.sub("", words))) or (
        len(words) < _MIN_TITLE and not _DATED.search(node.get("href") or "")
    ):
        _note(found, mute, node, words)
        return
    elif len(words) <= _MAX_PART and _IS_DATE.fullmatch(words.strip(_DATE_FRAME)):
        mute.append(node)  # the date of a row, which leads to its article too
        return
    found.links.append(
        Link(
            at=found.spans[node][0],
            element=node,
            text=text,
            hint=hint,
            base=base,
            anchor=node,
        )
    )


def short_title(found: Walk, row: Element, base: str) -> Link | None:
    """The only link of a row as its title, though it has but two or three characters."""
    leading = [node for node in row.iter("a") if _address_of(node, base)]
    if len(leading) != 1:
        return None
    node = leading[0]
    text, hint = line_of(node), one_line(node.get("title") or "")
    if len(text) < 2 or _NO_TITLE.match(_FRAME.sub("", text)):  # noqa: PLR2004
        return None
    return Link(at=found.spans[node][0], element=node, text=text, hint=hint, base=base, anchor=node)


def _note(found: Walk, mute: list[Element], node: Element, words: str) -> None:
    """Remember where a link stands that is no title."""
    bare = _FRAME.sub("", words)
    if "更多" in bare or "more" in bare.lower():
        found.mores.append(found.spans[node][0])
    elif _PAGE.search(bare) or (bare.isdecimal() and _in_pager(node)):
        found.pagers.append(found.spans[node][0])
    elif len(bare) < _MIN_TITLE or _IS_MUTE.match(bare):
        mute.append(node)


def _in_pager(node: Element) -> bool:
    """Whether a number that is a link is one of a pager: not of a picture show."""
    around = [up for up, _ in zip(ancestors(node), range(4), strict=False)]
    return any(re.search(r"(?:^|[\s_-])pag(?:e|es|er|ing|ination)", names_of(up)) for up in around)


def _give_titles(found: Walk, mute: list[Element], base: str) -> None:
    """Make links of those that show no title, where it stands as text around them alone."""
    taken: set[Element] = set()
    for node in mute:
        if not (href := _address_of(node, base)):
            continue
        best = None
        for holder in ancestors(node):
            if holder not in found.spans or holder.tag in _TOO_WIDE or found.links_in(holder):
                break
            if any(_address_of(link, base) not in {href, None} for link in holder.iter("a")):
                break
            text = line_of(holder)
            if len(text) - len(line_of(node)) >= _MIN_CAPTION and not only_date(text):
                best = holder
        if best is None or best in taken:
            continue
        taken.add(best)
        found.links.append(
            Link(
                at=found.spans[node][0],
                element=best,
                text=line_of(best),
                hint=one_line(node.get("title") or ""),
                base=base,
                anchor=node,
            )
        )
    found.close()


def _add_stamps(found: Walk, pieces: list[tuple[int, Element, str, bool]]) -> None:
    skip = 0
    for index, (at, holder, raw, in_link) in enumerate(pieces):
        if "位置" in raw and CRUMBS.search(raw):
            found.crumbs.append(at)
        if skip:
            skip -= 1
            continue
        if not may_be_date(raw):
            continue
        text = one_line(raw)
        stamp = date_in(text, in_link=in_link)
        if stamp:
            wide = one_line(holder.get("title") or "") if holder.tag != "a" else ""
            whole = full_date_in(wide) if wide and not full_date_in(stamp) else None
            if whole is None and len(stamp) <= _MONTH_DAY:
                beside = one_line(pieces[index + 1][2]) if index + 1 < len(pieces) else ""
                whole, following_parts = date_in_pieces(text, beside, "")
                skip = following_parts if whole else 0
            said = in_link and len(text) - len(stamp) >= _MIN_CAPTION
            found.stamps.append(Stamp(at=at, element=holder, text=whole or stamp, said=said))
            continue
        if len(text) > _MAX_PART:
            continue
        following, third = (
            one_line(pieces[index + ahead][2]) if index + ahead < len(pieces) else ""
            for ahead in (1, 2)
        )
        joined, following_parts = date_in_pieces(text, following, third)
        if joined:
            skip = following_parts
            found.stamps.append(Stamp(at=at, element=holder, text=joined))


def is_hidden_zone(element: Element) -> bool:
    """Whether a container is by its name navigation, footer or the like."""
    return bool(_ZONE.search(names_of(element))) or element.tag in {"nav", "footer", "aside"}
