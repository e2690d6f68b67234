"""Rows of a list page: a title, its link and its date, wherever the page puts them."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime
from html import unescape

from aggregator.dates import date_from_url, read_date
from aggregator.model import Entry
from aggregator.parse.shapes import shape
from aggregator.parse.stamps import full_date_in, labelled_date, only_date, strip_date
from aggregator.parse.tree import Element, ancestors, line_of, names_of, text_of
from aggregator.parse.walk import Link, Stamp
from aggregator.text import clean, fold, one_line, shorten
from aggregator.urls import entry_key, text_key

__all__ = [
    "Row",
    "begins",
    "entry_of",
    "is_cut",
    "make_entry",
    "shape",
    "tidy_title",
    "title_of",
]

MAX_TITLE = 500
MAX_SUMMARY = 300
_MIN_SUMMARY = 15
_PINNED = re.compile(r"置\s*顶|\[\s*顶\s*\]|【\s*顶\s*】")
_PIN_MARK = re.compile(
    r"^\s*(?:[\[【(（]\s*(?:置\s*顶|顶|new|hot|荐|热)\s*[\]】)）]\s*[:：]?|置\s*顶\s*[:：]?"
    r"|(?:顶|荐|热|new|hot)(?:\s*[:：]|\s+(?=[\u4e00-\u9fff《【])))\s*",
    re.IGNORECASE,
)
_BULLET = re.compile(r"^[\s·•●○◆◇■□▪▫►▶▸>»›★☆※\-－—*|丨.。、]+(?=\S)")
_NUMBER = re.compile(r"^\d{1,3}\s*[.、．]\s*(?=\D)")
_NEW = re.compile(r"(?:\s+|(?<=\W))(?:new|hot)!*\s*$", re.IGNORECASE)
#: An entity that was written out: its CMS escaped it twice.
_ENTITY = re.compile(r"&(?:nbsp|amp|quot|[lr][sd]quo|hellip|mdash|middot|lt|gt|#\d{2,5});")
_CUT_ENDS = ("…", "..", "。。")
_CUT = re.compile(r"\s*(?:…+|\.{2,}|。。+)\s*$")
_HINT = re.compile(
    r"标\s*题\s*[:：]\s*(.+?)(?:\s*(?:发布|更新|点击|时间|日期|作者|来源)\S*\s*[:：].*)?$"
)
#: A printed date with a year of its own, or one that needs none.
_YEAR = re.compile(r"(?:19|20)\d\d|\d{2}[-/.]\d{1,2}[-/.]\d|[天前刚]")
_FOLDER_MONTH = re.compile(r"/((?:19|20)\d\d)[-/]?(0[1-9]|1[0-2])/")
#: Begins with a word and ends with one: there is nothing to take off.
_TIDY = re.compile(r"(?![置顶荐热])[\u4e00-\u9fff《].*[\u4e00-\u9fff》]\Z")
_HAN_HEAD = re.compile(r"[\u4e00-\u9fff]{2}")
_ISO = re.compile(r"(?:19[5-9]|20\d)\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])")
_PROSE = re.compile(r"[。；]|，.{10,}，")
_NAMED_TITLE = re.compile(r"(?:^|[\s_-])(?:title|tit|biaoti|bt|headline|name)(?:$|[\s_\d-])")
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6", "strong", "b", "dt")
_BLOCKS = ("p", "div", "span", "dt", "dd", "em", "li")


@dataclass(slots=True, eq=False)
class Row:
    """One row as found: the links it might be known by, and its date as printed."""

    root: Element
    links: list[Link]
    stamp: Stamp | None
    shared: bool = False
    _link: Link | None = None

    @property
    def link(self) -> Link:
        """The link that is the title: the one with the most words, not a `[column]`.

        Where a summary is a link too, to the same article, it is the one in a heading, or the
        first.
        """
        if self._link is None:
            self._link = self._title_link()
        return self._link

    def _title_link(self) -> Link:
        if len(self.links) == 1:
            return self.links[0]
        whole = [link for link in self.links if not _is_column(link.text)] or self.links
        best = max(whole, key=lambda link: (len(link.words), link.href is not None, -link.at))
        same = [link for link in whole if link.href == best.href] if best.href else [best]
        if len(same) > 1:
            headed = [link for link in same if _is_headed(link, self.root)]
            first = (headed or same)[0]
            # The first is a cut twin of the longer, or a longer one is a summary.
            summary = _PROSE.search(best.words)
            if summary or not (is_cut(first.words) and begins(best.words, first.words)):
                return first
        return best


def _is_column(text: str) -> bool:
    return bool(re.fullmatch(r"[\[【(（].{1,12}[\]】)）]\s*[:：]?", text))


def is_cut(title: str) -> bool:
    """Whether a title ends with the sign that it was cut."""
    return title.rstrip().endswith(_CUT_ENDS)


def begins(whole: str, cut: str) -> bool:
    """Whether a title is the whole of a cut one."""
    return fold(whole).startswith(fold(_CUT.sub("", cut)))


def _is_headed(link: Link, root: Element) -> bool:
    """Whether a link is, holds or stands in a heading of its row."""
    for node in (link.element, *ancestors(link.element)):
        if node.tag in _HEADINGS or _NAMED_TITLE.search(names_of(node)):
            return True
        if node is root:
            break
    return next(link.element.iter(*_HEADINGS), None) is not None


def title_of(row: Row, *, hints: bool) -> str:
    """The title of a row: the title attribute before a cut text (DOMAIN §3)."""
    link = row.link
    printed = row.stamp.text if row.stamp else None
    shown = _shown(link.element) if len(link.element) else link.text
    hint = link.hint if hints else ""
    if "标" in hint and (said := _HINT.search(hint)):
        hint = said.group(1)
    if hint and (
        (len(hint) > len(shown) and is_cut(shown))
        or (
            shown.endswith(hint)
            and (len(hint) > len(shown) / 2 or only_date(shown.removesuffix(hint)))
        )
    ):
        return tidy_title(hint, printed)
    text = tidy_title(shown, printed)
    if not hint or hint == text:
        return text
    hint = tidy_title(hint, printed)
    cut = is_cut(text)
    short = _CUT.sub("", text) if cut else text
    if cut or hint.startswith(short) or fold(hint).startswith(fold(short)):
        return hint if len(hint) >= len(short) else text
    return text if len(hint) < len(short) // 2 else hint


def _shown(link: Element) -> str:
    """What a link shows as its title: a heading in it, else its first piece that is no date."""
    for node in link.iter(*_HEADINGS):
        text = line_of(node)
        if len(text) >= 4 and not only_date(text):  # noqa: PLR2004
            return text
    named = next(
        (n for n in link.iterdescendants() if _NAMED_TITLE.search(names_of(n)) and line_of(n)), None
    )
    if named is not None and not only_date(line_of(named)):
        return line_of(named)
    pieces = [
        (node, line_of(node))
        for node in link.iterchildren(*_BLOCKS)
        if line_of(node) and not only_date(line_of(node))
    ]
    own = one_line((link.text or "") + " ".join(child.tail or "" for child in link))
    if len(own) >= 4 and not only_date(own):  # noqa: PLR2004
        return line_of(link) if not pieces else own if len(own) > 8 else line_of(link)  # noqa: PLR2004
    long = [text for _, text in pieces if len(text) >= 4]  # noqa: PLR2004
    if not long:
        return line_of(link)
    first = long[0]
    deeper = [node for node, text in pieces if text == first]
    return _shown(deeper[0]) if deeper and len(deeper[0]) and deeper[0].tag == "div" else first


def tidy_title(text: str, printed: str | None = None) -> str:
    """A title without bullets, pins, NEW marks and the date printed with it.

    Args:
        text: as shown.
        printed: the date of its row, where the row has one: another day in the title stays.
    """
    text = one_line(unescape(text) if "&" in text and _ENTITY.search(text) else text)
    if _TIDY.match(text) and text[-1] != "日":
        return shorten(text, MAX_TITLE)
    for _ in range(2):
        text = _PIN_MARK.sub("", _BULLET.sub("", text))
    text = _NEW.sub("", _without_date(text, printed))
    return shorten(text.strip(), MAX_TITLE)


def _without_date(text: str, printed: str | None) -> str:
    """A title without the date at its edge, unless the row prints another beside it."""
    bare = strip_date(text)
    if printed is None or bare == text:
        return bare
    edge = full_date_in(text.replace(bare, " ", 1))
    return text if edge and not _same_day(edge, printed) else bare


def _same_day(edge: str, printed: str) -> bool:
    """Whether two printed dates say the same day in the same way."""
    if "年" in edge and "年" not in printed:
        return False
    one, other = ([int(number) for number in re.findall(r"\d+", text)] for text in (edge, printed))
    return one[1:3] == (other[1:3] if len(other) > 2 else other)  # noqa: PLR2004


def entry_of(row: Row, *, hints: bool, now: datetime) -> Entry | None:
    """The entry that a row is, or None when it has no title."""
    title = title_of(row, hints=hints)
    if not title:
        return None
    printed = row.stamp.text if row.stamp else None
    if "：" in row.link.hint and not (printed and full_date_in(printed)):
        printed = labelled_date(row.link.hint) or printed
    whole = "" if row.shared else line_of(row.root)
    mark = " ".join(img.get("alt") or img.get("title") or "" for img in row.root.iter("img"))
    room = len(whole) - len(title) - len(printed or "")
    return make_entry(
        title=title,
        url=row.link.href,
        date_text=printed,
        summary=_summary(row, title) if room >= _MIN_SUMMARY else None,
        pinned=("顶" in whole[:20] or "顶" in mark)
        and bool(_PINNED.search(whole[:20]) or _PINNED.search(mark)),
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
    value = date_text
    if date_text and not _ISO.fullmatch(date_text):
        read = read_date(date_text, now=now)
        value = read.iso() if read else None
    if url and (value is None or not _YEAR.search(date_text or "")):
        day = date_from_url(url)
        if value is None:
            value = day.isoformat() if day and day <= now.date() else None
        else:
            value = _year_of(url, value, day) + value[4:]
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


def _year_of(url: str, value: str, day: date | None) -> str:
    """The year of a date printed without one: that nearest to the day or month of the address."""
    if day is None:
        told = _FOLDER_MONTH.search(url)
        day = date(int(told.group(1)), int(told.group(2)), 15) if told else None
    if day is None:
        return value[:4]
    month, number = int(value[5:7]), int(value[8:10])
    years = [y for y in (day.year - 1, day.year, day.year + 1) if number <= _days_in(y, month)]
    return str(min(years, key=lambda y: abs(date(y, month, number) - day), default=value[:4]))


def _days_in(year: int, month: int) -> int:
    return monthrange(year, month)[1]


def _summary(row: Row, title: str) -> str | None:
    """The longest piece of a row's text that is neither its title nor its date."""
    known = fold(title[:20])
    best = ""
    for node in row.root.iter(*_BLOCKS):
        if node is row.root:
            continue
        # Most blocks hold a date or a mark: their length tells before anything is tidied.
        text = text_of(node)
        if len(text) < _MIN_SUMMARY or title[:20] in text:
            continue
        text = one_line(text)
        if len(text) <= len(best) or title[:20] in text or only_date(text):
            continue
        # Folding changes no Han: where the first two are missing, all are.
        if (_HAN_HEAD.match(title) and title[:2] not in text) or known not in fold(text):
            best = text
    return shorten(best, MAX_SUMMARY) if len(best) >= _MIN_SUMMARY else None
