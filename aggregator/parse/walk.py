"""One walk over a page: its links and its printed dates, in the order of reading."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass, field

from lxml import etree

from aggregator.parse.tree import Document, Element, line_of, names_of
from aggregator.text import one_line
from aggregator.urls import absolute

_SEP = r"[-/.年—－–‐]"
_SEP2 = r"[-/.月—－–‐]"
_CLOCK = r"(?:[\sT]*\d{1,2}[:：∶]\d{2}(?:[:：∶]\d{2})?(?:\.\d+)?)?"
FULL = rf"(?:19|20)\d\d\s*{_SEP}\s*\d{{1,2}}\s*{_SEP2}\s*\d{{1,2}}\s*日?{_CLOCK}"
_FULL = re.compile(FULL)
#: What may stand alone in a cell as a date without a year, or said in relation to today.
_SHORT = re.compile(
    r"(?:\d{2}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}|\d{1,2}月\d{1,2}日?"
    r"|(?:今天|昨天|前天|刚刚)|\d{1,2}\s*(?:天|小时|分钟)前|(?:19|20)\d\d[01]\d[0-3]\d)" + _CLOCK
)
_LABEL = re.compile(
    r"^(?:[\u4e00-\u9fff\s]{1,8}[:：]|发布|发文|成文|公开|公布|更新|上传|时间|日期|于|on|[:：\s])*",
    re.IGNORECASE,
)
_WRAP = " \t\r\n\u3000\u00a0[]()（）【】〔〕{}<>《》|｜·•:：-—/,，"
_LABELLED = re.compile(rf"(?:时间|日期)\s*[:：]?\s*({FULL})")
_TAIL = re.compile(rf"[\s\[(（【〔|]+({FULL})\s*[\])）】〔]?\s*$")
_HEAD = re.compile(rf"^\s*[\[(（【〔]?\s*({FULL})\s*[\])）】〕\s|]+(?=\S)")
_DAY = re.compile(r"(?:0?[1-9]|[12]\d|3[01])\s*日?")
_YEAR_MONTH = re.compile(rf"(?:19|20)\d\d\s*{_SEP}\s*(?:0?[1-9]|1[0-2])\s*月?")
_MONTH = re.compile(r"(0?[1-9]|1[0-2])\s*月")
_REST = 30
_ONCLICK = re.compile(r"""['"]((?:https?:)?[^'"\s]*?/?[\w\-./]+\.\w{2,5}(?:\?[^'"]*)?)['"]""")
_NO_TITLE = re.compile(
    r"^(?:更多|查看更多|更多信息|more|\+?更多\+?|详情|查看|查看详情|查看全文|阅读全文|详细|详细信息|下载|附件|"
    r"首\s*页|尾\s*页|末\s*页|上一页|下一页|上页|下页|前一页|后一页|返回|返回首页|打印|关闭|收藏|分享|"
    r"设为首页|加入收藏|登录|注册|无障碍|繁体|简体|english|跳转|确定|go|\W*|[\d\s<>«»‹›.…]+)"
    r"[\s>»›+.…]*$",
    re.IGNORECASE,
)
_MIN_TITLE = 4


@dataclass(slots=True, eq=False)
class Link:
    """A link that may be the title of a row; ``href`` is None when it leads nowhere."""

    at: int
    end: int
    element: Element
    text: str
    hint: str
    href: str | None
    used: bool = False

    @property
    def words(self) -> str:
        """The longer of what it shows and what its title attribute says."""
        return self.hint if len(self.hint) > len(self.text) else self.text


@dataclass(slots=True, eq=False)
class Stamp:
    """A date as printed, with the element that holds it."""

    at: int
    element: Element
    text: str


@dataclass(slots=True)
class Walk:
    """What one walk found; positions count pieces of text."""

    links: list[Link] = field(default_factory=list)
    stamps: list[Stamp] = field(default_factory=list)
    spans: dict[Element, tuple[int, int]] = field(default_factory=dict)
    _starts: list[int] = field(default_factory=list)
    _stamps: list[int] = field(default_factory=list)

    def links_in(self, element: Element) -> list[Link]:
        """The links below (or at) an element."""
        start, end = self.spans[element]
        at = bisect_left(self._starts, start)
        found = []
        while at < len(self.links) and self.links[at].at < end:
            found.append(self.links[at])
            at += 1
        return found

    def stamps_in(self, element: Element) -> list[Stamp]:
        """The dates below (or at) an element."""
        start, end = self.spans[element]
        return self.stamps[bisect_left(self._stamps, start) : bisect_left(self._stamps, end)]

    def close(self) -> None:
        """Make the indexes once everything is found."""
        self.links.sort(key=lambda link: link.at)
        self._starts = [link.at for link in self.links]
        self._stamps = [stamp.at for stamp in self.stamps]


def walk(page: Document, *, base: str) -> Walk:
    """Find the links and dates of a page in one pass."""
    found = Walk()
    opened: dict[Element, int] = {}
    link: Element | None = None
    pieces: list[tuple[int, Element, str, bool]] = []
    at = 0
    for event, node in etree.iterwalk(page.root, events=("start", "end")):
        if event == "start":
            at += 1
            opened[node] = at
            if node.tag == "a" and link is None:
                link = node
            if node.text and node.text.strip():
                at += 1
                pieces.append((at, node, node.text, link is not None))
            continue
        at += 1
        found.spans[node] = (opened.pop(node), at)
        if link is not None and node is link:
            link = None
            _add_link(found, node, base)
        parent = node.getparent()
        if node.tail and parent is not None and node.tail.strip():
            at += 1
            pieces.append((at, parent, node.tail, link is not None))
    _add_stamps(found, pieces)
    found.close()
    return found


def _add_link(found: Walk, node: Element, base: str) -> None:
    text = line_of(node)
    hint = one_line(node.get("title") or "")
    if not text and not hint:
        return
    words = hint if len(hint) > len(text) else text
    if len(words) < _MIN_TITLE or _NO_TITLE.match(words):
        return
    href = absolute(node.get("href"), base)
    if href is None:
        clicked = _ONCLICK.search(node.get("onclick") or "") or _ONCLICK.search(
            node.get("href") or "" if "(" in (node.get("href") or "") else ""
        )
        href = absolute(clicked.group(1), base) if clicked else None
    start, end = found.spans[node]
    found.links.append(Link(at=start, end=end, element=node, text=text, hint=hint, href=href))


def _add_stamps(found: Walk, pieces: list[tuple[int, Element, str, bool]]) -> None:
    skip = -1
    for index, (at, holder, raw, in_link) in enumerate(pieces):
        if index == skip:
            continue
        text = one_line(raw)
        stamp = date_in(text, in_link=in_link)
        if stamp:
            wide = one_line(holder.get("title") or "")
            whole = _FULL.search(wide) if not _FULL.search(stamp) and holder.tag != "a" else None
            found.stamps.append(
                Stamp(at=at, element=holder, text=whole.group() if whole else stamp)
            )
            continue
        if index + 1 < len(pieces):
            joined = _two_nodes(text, one_line(pieces[index + 1][2]))
            if joined:
                skip = index + 1
                found.stamps.append(Stamp(at=at, element=holder, text=joined))


def _two_nodes(one: str, other: str) -> str | None:
    """A day in one node and its month (and year) in the next, either way round."""
    a, b = one.strip(_WRAP), other.strip(_WRAP)
    if len(a) > 10 or len(b) > 10:  # noqa: PLR2004  # no year and month is longer
        return None
    for day, month in ((a, b), (b, a)):
        if not _DAY.fullmatch(day):
            continue
        if _YEAR_MONTH.fullmatch(month):
            return re.sub(r"\D+", "-", month.strip("月 ")) + "-" + day.strip("日 ")
        if only := _MONTH.fullmatch(month):
            return f"{only.group(1)}-{day.strip('日 ')}"
    if re.fullmatch(r"(?:19|20)\d\d\s*年?", a) and re.fullmatch(r"\d{1,2}[-/.月]\d{1,2}日?", b):
        return f"{a.strip('年 ')}-" + re.sub(r"\D+", "-", b.strip("日"))
    if re.fullmatch(r"\d{1,2}[-/.月]\d{1,2}日?", a) and re.fullmatch(r"(?:19|20)\d\d\s*年?", b):
        return f"{b.strip('年 ')}-" + re.sub(r"\D+", "-", a.strip("日"))
    return None


def date_in(text: str, *, in_link: bool) -> str | None:  # noqa: PLR0911  # a table of cases
    """The date that a piece of text is, or carries at its end, as printed.

    A sentence that speaks of a day is no date of a row.
    """
    if len(text) < 4 or (not any(c.isdigit() for c in text) and "天" not in text):  # noqa: PLR2004
        return None
    bare = _LABEL.sub("", text.strip(_WRAP)).strip(_WRAP)
    if _SHORT.fullmatch(bare):
        return bare
    found = _FULL.search(text)
    if not found:
        return None
    if _FULL.fullmatch(bare):
        return bare
    if labelled := _LABELLED.search(text):
        return labelled.group(1)
    if in_link:
        edge = _TAIL.search(text) or _HEAD.search(text)
        return edge.group(1) if edge else None
    edge = _TAIL.search(text) or _HEAD.search(text)
    if edge:
        return edge.group(1)
    return found.group() if len(text) - len(found.group()) <= _REST else None


def is_hidden_zone(element: Element) -> bool:
    """Whether a container is by its name navigation, footer or the like."""
    return bool(_ZONE.search(names_of(element))) or element.tag in {"nav", "footer", "aside"}


_ZONE = re.compile(
    r"(?:^|[\s_-])(?:nav|navi?gation|menu|foot|footer|bottom|crumbs?|breadcrumbs?|friend|links?|"
    r"yqlj|sidebar|aside|related|recommend|hot|rank|share|search|copyright|pager?|pagination)"
    r"(?:$|[\s_\d-]|bar|list|box)",
)


def strip_date(text: str) -> str:
    """A title without the date printed at its end or beginning."""
    return _HEAD.sub("", _TAIL.sub("", text)).strip()
