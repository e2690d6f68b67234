"""One walk over an article page: its lines, what of them is links or chrome, and their weight."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import accumulate

from lxml import etree

from aggregator.parse.bars import LONGEST, is_bar, is_bare, is_header
from aggregator.parse.tree import BLOCKS, Element, ancestors, names_of, text_of
from aggregator.parse.walk import is_hidden_zone
from aggregator.text import clean, fold, one_line

_PUNCTUATION = re.compile(r"[，。；：、！？,;]")
_IMPRINT = re.compile(
    r"版权所有|ICP备|icp备|公网安备|[Cc]opyright|COPYRIGHT|网站标识码|备案序号|备案号|违法和不良信息"
    r"|[Aa]ll [Rr]ights [Rr]eserved"
)
#: Words of a footer that a notice may say, too: two of them make a footer.
_IMPRINT_TOO = re.compile(
    r"主办(?:单位)?[:：]|承办(?:单位)?[:：]|技术支持|维护单位|建议使用|网站地图|法律顾问|联系我们"
)
#: One of these stands in every such word: most lines have none.
_FOOTED = (
    "备",
    "版权",
    "opyright",
    "OPYRIGHT",
    "ights",
    "标识码",
    "违法",
    "办",
    "技术",
    "维护",
    "建议",
    "地图",
    "顾问",
    "联系我",
)
_LONGEST_IMPRINT = 300
#: Names of what stands around a text and holds sentences of its own.
_ASIDE = re.compile(
    r"(?:^|[\s_-])(?:comments?|pinglun|reply|replies|disclaimer|login|popup|dialog|modal|"
    r"side|sider|sidebar|right-?bar|toolbar|footer|header|topbar|app-?download)(?:$|[\s_\d-]|bar|box|list)"
)
#: What editors call the text itself: whatever holds it is no chrome, be it called bottom.
_EDITED = re.compile(
    r"(?:^|\s)(?:trs_u?editor|trs_editor_view|trs_paper_default|ucap-?content|v_news_content|"
    r"wp_articlecontent|js_content|rich_media_content|vsb_content(?:_\d)?|ivs_content)(?:$|\s)"
)
#: Short lines behind a text that name its editor or its neighbours.
_BEHIND = re.compile(r"^\W*(?:责任编辑|责编|编辑\s*[:：]|[上下]一?[篇条]\s*[:：])(?!.*。)")
_DIGITS = re.compile(r"\d+")
#: How much a line of running text weighs for its own block, for that block's parent, and so on up.
_OWN = 0.6
_DECAY = (1.0, 0.7, 0.4, 0.2, 0.1)
_SHORT, _LONG = 8, 15
_CELLS = frozenset({"td", "th"})
_SILENT = frozenset({"head", "title", "option", "button"})
_ZONES = frozenset({"nav", "footer", "aside"})
#: A text that is one block, its paragraphs set apart by nothing or by breaks.
_HEAVY = 150
_MARKED = 200
#: A longer line with a full stop is a sentence and no bar.
_SENTENCE = 40
#: A footer that is longer has no full stop.
_PLAIN = 60
_HEADINGS = frozenset({"h1", "h2", "h3"})


#: White space that a title's line may have more than the title; marks that may begin it.
_PADDED = 12
_OPENING = frozenset("“”\"'‘「『【[［〔《<（( ")


@dataclass(slots=True, eq=False)
class Line:
    """A line as a browser breaks it, the block that holds it, and how much of it is links.

    ``bar`` says that it is of the labels and buttons around a text and no text.
    """

    text: str
    node: Element
    linked: int
    zones: tuple[Element, ...]
    hidden: bool
    bar: bool = False
    weight: int = 0

    @property
    def is_links(self) -> bool:
        """Whether it is more link than text."""
        return 2 * self.linked > len(self.text)


@dataclass(slots=True)
class Survey:
    """The lines of a page in order; ``spans`` are the lines below each element,
    ``names`` what the named ones are called (class and id, lower case).
    """

    lines: list[Line] = field(default_factory=list)
    spans: dict[Element, tuple[int, int]] = field(default_factory=dict)
    names: dict[Element, str] = field(default_factory=dict)
    ucaps: list[Element] = field(default_factory=list)
    opened: set[Element] = field(default_factory=set)
    totals: list[int] = field(default_factory=list)
    scores: dict[Element, float] = field(default_factory=dict)

    def called(self, title: str) -> list[int]:
        """The lines that are a title, white space and kinds of quotes aside."""
        known, first = fold(title), title[:1]
        longest = len(title) + _PADDED
        return (
            [
                index
                for index, line in enumerate(self.lines)
                if len(line.text) <= longest
                and (line.text == title or (line.text[:1] in _OPENING or line.text[:1] == first))
                and fold(line.text) == known
            ]
            if known
            else []
        )

    def weight(self, node: Element) -> int:
        """How much running text stands below an element."""
        first, last = self.spans.get(node, (0, 0))
        return self.totals[min(last, len(self.lines))] - self.totals[first]

    def size(self, node: Element) -> tuple[int, int]:
        """How many characters stand below an element, and how many of them in links."""
        lines = self.within(node)
        return sum(len(line.text) for line in lines), sum(line.linked for line in lines)

    def within(self, node: Element) -> list[Line]:
        """The lines below an element."""
        first, last = self.spans.get(node, (0, 0))
        return self.lines[first:last]


def survey(root: Element, aside: Collection[Element] = ()) -> Survey:
    """Walk over a page, or a part of one, once; not into the elements that stand aside."""
    found = Survey()
    _walk(root, found, aside)
    _weigh(found)
    return found


def _walk(root: Element, found: Survey, aside: Collection[Element]) -> None:  # noqa: C901, PLR0912, PLR0915  # one pass is what it is for
    lines, spans, all_names = found.lines, found.spans, found.names
    parts: list[str] = []
    blocks: list[Element] = [root]
    zones: list[Element] = []
    veils: list[Element] = []
    known: dict[str, bool] = {}
    starts: list[int] = []
    links = linked = 0
    whole = text_of(root)
    tidy = _joined if clean(whole) is whole else one_line

    def close() -> None:
        nonlocal linked
        text = tidy("".join(parts))
        if text:
            lines.append(Line(text, blocks[-1], min(linked, len(text)), tuple(zones), bool(veils)))
        parts.clear()
        linked = 0

    walk = etree.iterwalk(root, events=("start", "end"))
    for event, node in walk:
        tag = node.tag
        if event == "start":
            block = tag in BLOCKS
            if block:
                if parts:
                    close()
                blocks.append(node)
            elif tag == "a":
                links += 1
            elif tag in _CELLS:
                parts.append("\t")
            zone = tag in _ZONES
            cls, own = node.get("class"), node.get("id")
            if cls or own:
                names = all_names[node] = f"{cls or ''} {own or ''}".lower()
                if names not in known:
                    known[names] = is_hidden_zone(node) or bool(_ASIDE.search(names))
                zone = zone or known[names]
                if zones and _EDITED.search(names):
                    found.opened.update(zones)
            if zone:
                if parts:
                    close()
                zones.append(node)
            style = node.get("style")
            if style and "none" in style and hides(node):
                veils.append(node)
            starts.append(len(lines))
            if node in aside:
                walk.skip_subtree()
                continue
            text = node.text
            if text and tag not in _SILENT:
                parts.append(text)
                if links:
                    linked += len(text.strip())
            continue
        if parts and (
            tag in BLOCKS or (zones and zones[-1] is node) or (veils and veils[-1] is node)
        ):
            close()
        if blocks[-1] is node and node is not root:
            blocks.pop()
        if zones and zones[-1] is node:
            zones.pop()
        if veils and veils[-1] is node:
            veils.pop()
        if tag == "a":
            links -= 1
        elif tag == "ucapcontent":
            found.ucaps.append(node)
        spans[node] = (starts.pop(), len(lines) + (1 if parts and parts[-1].strip() else 0))
        text = node.tail
        if text and node is not root:
            parts.append(text)
            if links:
                linked += len(text.strip())
    if parts:
        close()


def way_of(node: Element) -> str:
    """The way from the body down to an element, by tags and classes; numbers left out."""
    line = (node, *ancestors(node))
    return ">".join(step_of(one) for one in reversed(line) if one.tag not in {"html", "body"})


def step_of(node: Element) -> str:
    """An element's tag and classes, numbers left out."""
    names = ".".join(_DIGITS.sub("", (node.get("class") or "").lower()).split())
    return f"{node.tag}.{names}" if names else str(node.tag)


def is_edited(node: Element) -> bool:
    """Whether an element is an editor's own container by its name."""
    return node.tag == "ucapcontent" or _EDITED.search(names_of(node)) is not None


def hides(node: Element) -> bool:
    """Whether an element's own style hides it."""
    style = node.get("style")
    return style is not None and "display:none" in style.replace(" ", "").lower()


def is_imprint(text: str) -> bool:
    """Whether a line is of a site's footer."""
    if len(text) > _LONGEST_IMPRINT or not any(map(text.__contains__, _FOOTED)):
        return False
    return bool(_IMPRINT.search(text)) or len(_IMPRINT_TOO.findall(text)) > 1


def _weigh(found: Survey) -> None:
    """Give each line of running text its weight, and add it up over what holds it.

    A container that is called navigation and holds half of the page's text is none.
    """
    total = 0
    below: dict[Element, int] = {}
    for line in found.lines:
        text = line.text
        if len(text) <= LONGEST and not (len(text) > _SENTENCE and "。" in text):
            line.bar = is_bar(text) or is_bare(text) or is_header(text)
        if line.bar:
            # What is called header and holds the bar is the article's own.
            if line.zones:
                heads = (zone for zone in line.zones if "head" in found.names.get(zone, ""))
                found.opened.update(heads)
            continue
        weight = line.weight = _weight(line)
        total += weight
        for zone in line.zones:
            below[zone] = below.get(zone, 0) + weight
    real = {zone for zone, weight in below.items() if weight < total / 2 or not weight}
    for line in found.lines:
        if line.zones:
            line.zones = tuple(
                zone
                for zone in line.zones
                if zone not in found.opened and (zone in real or zone not in below)
            )
            if line.zones:
                line.weight = 0
    _score(found)
    found.totals = list(accumulate((line.weight for line in found.lines), initial=0))


def _score(found: Survey) -> None:
    """What each element near a line of running text has of it."""
    scores = found.scores
    parents: dict[Element, int] = {}
    for line in found.lines:
        weight = line.weight
        if weight:
            node = line.node
            scores[node] = scores.get(node, 0.0) + weight * (1.0 if weight >= _HEAVY else _OWN)
            parent = node.getparent()
            if parent is not None:
                parents[parent] = parents.get(parent, 0) + weight
    for node, weight in parents.items():
        for share, above in zip(_DECAY, (node, *ancestors(node)), strict=False):
            scores[above] = scores.get(above, 0.0) + weight * share


def _joined(text: str) -> str:
    return " ".join(text.split())


def _weight(line: Line) -> int:
    text = line.text
    length = len(text) - line.linked
    if (
        line.hidden
        or length < _SHORT
        or line.is_links
        or line.node.tag in _HEADINGS
        or _BEHIND.match(text)
        or ((len(text) <= _PLAIN or "。" not in text) and is_imprint(text))
    ):
        return 0
    marks = len(_PUNCTUATION.findall(text, 0, _MARKED))
    if not marks and length < _LONG:
        return 0
    return length + 10 * min(marks, 10)
