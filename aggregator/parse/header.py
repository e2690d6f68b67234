"""What stands around an article: title, date, source, the labelled header, the way to it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from aggregator.parse.bars import LABELS, LONGEST, PAIR, is_bar
from aggregator.parse.survey import Line, Survey
from aggregator.parse.tree import Document, Element, line_of, names_of
from aggregator.parse.walk import FULL, date_in
from aggregator.text import one_line, squeeze

#: Labels within one line, padded or not; lines of a header that has no cells.
_IN_LINE = re.compile(
    r"(?:^|(?<=\s))("
    + "|".join(r"\s*".join(label) for label in sorted(LABELS, key=len, reverse=True))
    + r")\s*[:：]\s*"
)
_ANY_LABEL = re.compile(
    "|".join(r"[\s\u3000]*".join(label) for label in sorted(LABELS, key=len, reverse=True))
)
_HEAD_LINES = 80
#: A header may stand so many lines inside the container of the text.
_INSIDE = 12
_BESIDE = 16
_PAIRED = ("li", "p", "span", "div", "td", "dd", "b", "strong", "em", "i", "label", "th")
SOURCE = re.compile(
    r"(?:信息来源|文章来源|稿件来源|新闻来源|稿源|(?<![料片据频金入济水能图])来\s*源|来源于|\b[Ss]ource)\s*[:：]\s*[【\[“]?\s*(.*)$"
)
_SOURCE_END = re.compile(
    r"(?:[|｜【】\[\]]|(?:信息|文章|发布|发稿|发表|更新|编辑|录入|添加)?(?:时间|日期)\s*[:：]|作者|编辑|责任编辑|浏览|阅读|点击|访问|字号|字体|打印|分享|"
    r"\s(?:评论|下载|收藏|关闭|保存|纠错|听全文|点赞|举报|转发|责编|录入|栏目|分类|类别|标签)|出处|人气|热度|字数|稿源|核发"
    r"|(?:评论|下载|收藏|点赞|举报|转发|责编|录入|栏目|分类|类别|标签|点击)\s*[:：(（\d]|大\s*中\s*小|\s[\u4e00-\u9fff]{2,6}\s*[:：]|"
    r"日期|记者|审核|发布者|发布人|供稿|摄影|次数|发布(?:单位|机构)|(?:19|20)\d\d[-年/.])"
)
_POSTED = re.compile(
    rf"(?:发布|发稿|发表|公开|上载|上传|录入|添加|信息发布)\s*(?:时间|日期)\s*[:：]?\s*({FULL})"
)
_SCRIPTED = re.compile(
    r"(?:pub(?:lish)?_?(?:dat[ea]|time)|doc_?(?:rel|pub)_?time|release_?(?:date|time)|fbsj|fbrq|post_?(?:date|time)|info_?(?:date|time)|art(?:icle)?_?(?:date|time))"
    rf"\W{{1,6}}({FULL})",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[\"']((?:19|20)\d\d[-年/.]\d{1,2}[-月/.]\d{1,2})日?(?:\s+[\d:]{4,8})?[\"']")
#: What offices and media are called, where no label says that a name is one.
_NAME = re.compile(
    r"[\u4e00-\u9fffA-Za-z0-9·-]{1,20}(?:局|委|办|办公室|府|网|报|报社|台|厅|院|会|处|中心|部|社|公司|站|队|支队|频道|客户端|发布|科|街道|镇|乡|区|县)"
)
_DOES = re.compile(
    r"召开|举[行办]|开展|关于|[我本][校院局区县市]|参加|赴|调研|印发|公布|通[知报告]"
)
_BY = re.compile(
    rf"^[\[【(（\s]*{FULL}[\]】)）\s|]*({_NAME.pattern})(?=[\s|]|$|阅读|浏览|点击|评论|分享|字号)"
    rf"|^({_NAME.pattern})\s+{FULL}$"
)
#: Days of an event, a term or the document itself are not those of posting.
_NOT_POSTED = r"(?<![始束止动议会名标办效行展报训审课考文发施签])"
_OTHER_DAY = re.compile(
    r"[始束止动议会名标办效行展报训审课考施签]\s*(?:时\s*间|日\s*期)\s*[:：]?\s*$"
)
_LABELLED = re.compile(
    rf"(?:{_NOT_POSTED}时\s*间|{_NOT_POSTED}日\s*期|发布于|更新于|(?i:updated?|published|posted|date|time))\s*[:：]?\s*({FULL})"
)
_CRUMBS = re.compile(r"crumb|weizhi|position|dqwz|curr?ent-?pos")
_CRUMB = re.compile(r"(?:当前|您的|现在|所在|你的)[^:：]{0,6}(?:位置|栏目)\s*[:：]?")


@dataclass(frozen=True, slots=True)
class Said:
    """What a page prints of itself, and the line that says it."""

    text: str | None
    line: Line | None = None


def breadcrumbs_of(page: Document, seen: Survey) -> tuple[str, ...]:
    """The way from the home page, as the page prints it."""
    for node in page.root.iter("div", "p", "span", "td", "ul", "nav", "ol", "li", "dl"):
        names = seen.names.get(node, "") if node in seen.spans else names_of(node)
        if not (_CRUMBS.search(names) or _CRUMB.search(_own_text(node))):
            continue
        holder = node if node.find(".//a") is not None else node.getparent()
        if holder is None or len(line_of(holder)) > 300:  # noqa: PLR2004
            continue
        links = tuple(line_of(a) for a in holder.iter("a") if line_of(a))
        if links:
            return links[:12]
    return ()


def _own_text(node: Element) -> str:
    parts = [node.text or "", *(child.tail or "" for child in node)]
    return (
        one_line(" ".join(parts)) if any("位置" in part or "栏目" in part for part in parts) else ""
    )


def fields_of(page: Document, seen: Survey, start: int) -> dict[str, str]:
    """Labelled values of the header block, labels normalised (white space inside ignored).

    In cells, in an element each, or in lines; the first that says a label holds it. The text
    begins at line ``start``: pairs in it are its own.
    """
    labelled = {
        index
        for index, line in enumerate(seen.lines)
        if (index < start + _INSIDE or line.bar)
        and len(line.text) <= LONGEST
        and _ANY_LABEL.search(line.text)
    }
    if not labelled:
        return {}
    found: dict[str, str] = {}
    for label, text in (
        *_in_cells(page, seen, labelled),
        *_in_elements(page, seen, labelled),
        *_in_lines(seen, labelled),
    ):
        name = LABELS[label]
        if name.endswith("日期"):
            if not any(c.isdigit() or c in "〇○" for c in text):
                continue
            day = re.match(FULL, text)
            text = day.group().strip() if day else text  # noqa: PLW2901  # without what follows
        if text and len(text) <= LONGEST and squeeze(text).rstrip(":：") not in LABELS:
            found.setdefault(name, text)
    return found


def _in_cells(page: Document, seen: Survey, labelled: set[int]) -> Iterator[tuple[str, str]]:
    for row in page.root.iter("tr", "dl"):
        first, last = seen.spans.get(row, (0, 0))
        if labelled.isdisjoint(range(first, min(last, first + 4))):
            continue
        cells = [cell for cell in row if isinstance(cell.tag, str)]
        for cell, beside in pairwise(cells):
            label = squeeze(line_of(cell)).strip("[]【】:：")
            if label in LABELS:
                yield label, line_of(beside)


def _in_elements(page: Document, seen: Survey, labelled: set[int]) -> Iterator[tuple[str, str]]:
    for node in page.root.iter(*_PAIRED):
        first, last = seen.spans.get(node, (-1, 0))
        if first not in labelled or last - first > 2:  # noqa: PLR2004  # its value on the next
            continue
        text = line_of(node)
        pair = PAIR.match(text) if 3 < len(text) <= LONGEST else None  # noqa: PLR2004
        label = squeeze(pair.group(1)) if pair else ""
        if not pair or label not in LABELS:
            continue
        value = pair.group(2).strip()
        after = node.getnext()
        if not value and after is not None and isinstance(after.tag, str):
            value = line_of(after)
        inner = re.search(r"\s+[\u4e00-\u9fff]{2,6}\s*[:：]", value)
        yield label, value[: inner.start()].strip() if inner else value


def _in_lines(seen: Survey, labelled: set[int]) -> Iterator[tuple[str, str]]:
    for line in (seen.lines[index].text for index in sorted(labelled) if index < _HEAD_LINES):
        marks = list(_IN_LINE.finditer(line))
        for mark, after in zip(marks, [*marks[1:], None], strict=False):
            yield (
                squeeze(mark.group(1)),
                line[mark.end() : after.start() if after else None].strip(),
            )


def is_posted(line: Line) -> bool:
    """Whether a line says when or from whom a notice was posted."""
    text = line.text
    return line.bar or (len(text) <= LONGEST and bool(_POSTED.search(text) or SOURCE.search(text)))


def bar_of(seen: Survey, *, titles: Sequence[int], first: int, last: int) -> list[Line]:
    """Lines that may hold date and source: after the title, then those before it.

    Args:
        seen: the page.
        titles: the lines that are the article's title.
        first: where its body begins, in lines.
        last: where it ends.
    """
    lines = seen.lines
    inside = {line.text for line in lines[first:last]}
    prose = next((i for i in range(first, last) if lines[i].weight), last)
    shown = {index for index in titles if not lines[index].is_links}
    title = max((index for index in shown if index <= first), default=min(shown, default=-1))
    before: list[Line] = []
    after: list[Line] = []
    for index, line in enumerate(lines):
        if index in shown:
            continue
        if first <= index < last:
            # A bare day behind the text is its signature.
            wanted = line.bar and (index < prose or is_bar(line.text))
        else:
            wanted = line.bar or (len(line.text) <= 2 * LONGEST and line.text not in inside)
        if wanted:
            (after if index > title else before).append(line)
    return after + before


def date_of(
    bar: Sequence[Line], *, within: Sequence[Line], fields: Mapping[str, str], sure: bool
) -> Said:
    """The date of posting as printed: a labelled one first, then one beside the title.

    Args:
        bar: what stands around the text.
        within: the lines of the text's own container: a bare day at its head may be the
            document's own.
        fields: the header block.
        sure: whether the page tells its date elsewhere (a meta tag, a header).
    """
    for line in bar:
        if found := _POSTED.search(line.text):
            return Said(found.group(1), line)
    for line in bar[:12]:
        if found := _LABELLED.search(line.text):
            return Said(found.group(1), line)
    own = set(map(id, within)) if sure else set()
    for before, line in zip((None, *bar), bar[:8], strict=False):
        text = line.text
        if before is not None and _OTHER_DAY.search(before.text):
            continue
        stamp = date_in(text, in_link=False)
        bare = stamp and (len(text) - len(stamp) <= _BESIDE or SOURCE.search(text) or line.bar)
        if stamp and bare and re.match(FULL, stamp) and id(line) not in own:
            whole = re.search(FULL, text)
            clocked = whole is not None and whole.group().startswith(stamp)
            return Said(whole.group() if whole and clocked else stamp, line)
    for line in bar:
        if found := _LABELLED.search(line.text):
            return Said(found.group(1), line)
    return Said(fields.get("发布日期") or fields.get("生成日期"))


def date_in_scripts(scripts: str) -> str | None:
    """The date of posting that a page only keeps in a variable for its scripts."""
    found = _SCRIPTED.search(scripts)
    if found:
        return found.group(1)
    quoted = {re.sub(r"\D+", "-", day): day for day in _QUOTED.findall(scripts)}
    return next(iter(quoted.values())) if len(quoted) == 1 else None


def source_of(bar: Sequence[Line]) -> Said:
    """Who the page says it has the text from (来源)."""
    for index, line in enumerate(bar):
        found = SOURCE.search(line.text)
        if not found:
            continue
        value = _SOURCE_END.split(found.group(1))[0].strip(" \u3000:：-—|“”\"'[]【】")
        if not value and not found.group(1) and index + 1 < len(bar):
            after = bar[index + 1].text.strip()
            value = after if _NAME.fullmatch(after) and not _DOES.search(after) else ""
        if value and len(value) <= 40:  # noqa: PLR2004
            return Said(value, line)
    for line in bar[:8]:
        found = _BY.match(line.text)
        name = found and (found.group(1) or found.group(2))
        if name and not _DOES.search(name):
            return Said(name, line)
    # The account of a notice that was copied from WeChat.
    for line in bar:
        account = line.node.find(".//*[@id='js_name']")
        if account is not None:
            return Said(line_of(account), line)
    return Said(None)
