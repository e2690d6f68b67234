"""What stands around an article: title, date, source, the labelled header, the way to it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from aggregator.parse.tree import Document, Element, ancestors, line_of, names_of, paragraphs
from aggregator.parse.walk import FULL, date_in, is_hidden_zone
from aggregator.text import fold, one_line, squeeze

#: Labels of the header block as printed → as we name them (DOMAIN §10).
LABELS = {
    "索引号": "索引号", "信息索引号": "索引号", "索引编号": "索引号",
    "主题分类": "主题分类", "信息分类": "主题分类", "所属主题": "主题分类", "分类": "主题分类",
    "发文机关": "发文机关", "发布机构": "发文机关", "发文单位": "发文机关", "发布单位": "发文机关",
    "制发机关": "发文机关", "公开责任部门": "发文机关", "发文机构": "发文机关", "信息公开主体": "发文机关",
    "发布机关": "发文机关", "公开机构": "发文机关", "制定机关": "发文机关", "责任部门": "发文机关",
    "成文日期": "成文日期", "发文日期": "成文日期", "成文时间": "成文日期", "发文时间": "成文日期",
    "生成日期": "生成日期", "签发日期": "成文日期", "印发日期": "成文日期",
    "标题": "标题", "名称": "标题", "信息名称": "标题", "文件名称": "标题",
    "文号": "文号", "发文字号": "文号", "文件编号": "文号", "文件号": "文号", "发布文号": "文号",
    "发布日期": "发布日期", "发布时间": "发布日期", "上载日期": "发布日期", "公开日期": "发布日期",
    "公开时间": "发布日期", "上传日期": "发布日期", "信息发布时间": "发布日期", "发稿时间": "发布日期",
    "有效性": "有效性", "效力状态": "有效性", "是否有效": "有效性", "时效性": "有效性", "文件状态": "有效性",
    "主题词": "主题词", "关键词": "主题词", "体裁": "体裁", "体裁分类": "体裁", "公文种类": "体裁",
    "实施日期": "实施日期", "施行日期": "实施日期", "生效日期": "实施日期",
    "失效日期": "失效日期", "废止日期": "失效日期", "失效时间": "失效日期",
    "统一编号": "统一编号", "登记号": "统一编号", "规范性文件登记号": "统一编号", "统一登记号": "统一编号",
    "所属地区": "所属地区", "公开形式": "公开形式", "公开方式": "公开方式", "服务对象": "服务对象",
}  # fmt: skip
_PAIR = re.compile(
    r"^\s*[\[【(]?\s*([\u4e00-\u9fff][\u4e00-\u9fff\s\u3000]{1,14}?)\s*[\]】)]?\s*[:：]\s*(.*)$"
)
#: Labels within one line, padded or not; lines of a header that has no cells.
_IN_LINE = re.compile(
    r"(?:^|(?<=\s))("
    + "|".join(r"\s*".join(label) for label in sorted(LABELS, key=len, reverse=True))
    + r")\s*[:：]\s*"
)
_HEAD_LINES = 80
_BESIDE = 16
_PAIRED = ("li", "p", "span", "div", "td", "dd", "b", "strong", "em", "i", "label", "th")
_SOURCE = re.compile(
    r"(?:信息来源|文章来源|稿件来源|新闻来源|稿源|来\s*源|来源于)\s*[:：]\s*[【\[“]?\s*(.*)$"
)
_SOURCE_END = re.compile(
    r"\s*(?:[|｜【】\[\]]|(?:信息|文章|发布|发稿|发表|更新|编辑|录入|添加)?(?:时间|日期)\s*[:：]|作者|编辑|责任编辑|浏览|阅读|点击|访问|字号|字体|打印|分享|"
    r"日期|记者|审核|发布者|发布人|供稿|摄影|次数|发布(?:单位|机构)|(?:19|20)\d\d[-年/.])"
)
_POSTED = re.compile(
    rf"(?:发布|发稿|发表|公开|上载|上传|录入|添加|信息发布)\s*(?:时间|日期)\s*[:：]?\s*({FULL})"
)
_BUTTONS = re.compile(
    r"打印|关闭|分享到|字体|字号|收藏|浏览次数|阅读次数|点击率|点击量|保护视力|责任编辑"
    r"|(?:信息|文章|稿件)?(?:发布|发稿|发表|更新|公开)(?:时间|日期)|来\s*源\s*[:：]|来源于\s*[:：]|作者\s*[:：]"
    r"|索引号|所属地区|发布(?:者|人|机构|单位)\s*[:：]"
)
_BAR = re.compile(
    r"^[\[【(（\s]*(?:信息|文章|稿件|新闻)?(?:发布|发稿|发表|更新|上传|添加)?(?:时间|日期|来\s*源|作者|索引号)"
    r"\s*[:：]\s*(?:(?:19|20)\d\d|[\u4e00-\u9fff]{2,20}\s*$|$)|^[\[【(（\s]*(?:19|20)\d\d[-/.年]\d{1,2}[-/.月]\d{1,2}日?(?:\s+[\d:：]+)?[\]】)）\s]*$"
)
_LABELLED = re.compile(rf"(?:时\s*间|日\s*期|发布于|更新于)\s*[:：]?\s*({FULL})")
_TITLE_NAME = re.compile(
    r"(?:^|[\s_-])(?:[a-z]*title|[a-z]*tit|biaoti|bt|headline|newst|news_?bt|arti-?title|h1|subject)(?:$|[\s_\d-])"
)
_SUFFIX = re.compile(r"\s*(?:[_|｜»>]+|\s[-－—–]+\s?|[-－—–]{1,3}(?=[^-－—–]{2,30}$))\s*")
_CRUMB = re.compile(r"(?:当前|您的|现在|所在|你的)[^:：]{0,6}(?:位置|栏目)\s*[:：]?")
_TITLES = (
    "h1",
    "h2",
    "h3",
    "h4",
    "div",
    "p",
    "td",
    "span",
    "font",
    "strong",
    "b",
    "center",
    "ucaptitle",
)
_MAX = 200


def breadcrumbs_of(page: Document) -> tuple[str, ...]:
    """The way from the home page, as the page prints it."""
    for node in page.root.iter("div", "p", "span", "td", "ul", "nav", "ol", "li", "dl"):
        named = re.search(r"crumb|weizhi|position|dqwz|curr?ent-?pos", names_of(node))
        own = one_line((node.text or "") + " ".join(child.tail or "" for child in node))
        if not (named or _CRUMB.search(own)):
            continue
        holder = node if node.find(".//a") is not None else node.getparent()
        if holder is None or len(line_of(holder)) > 300:  # noqa: PLR2004
            continue
        links = tuple(line_of(a) for a in holder.iter("a") if line_of(a))
        if links:
            return links[:12]
    return ()


def fields_of(page: Document) -> dict[str, str]:
    """Labelled values of the header block, labels normalised (white space inside ignored).

    In cells, in an element each, or in lines; the first that says a label holds it.
    """
    found: dict[str, str] = {}
    for label, text in (*_in_cells(page), *_in_elements(page), *_in_lines(page)):
        name = LABELS[label]
        if name.endswith("日期") and not any(c.isdigit() or c in "〇○" for c in text):
            continue
        if text and len(text) <= _MAX and squeeze(text).rstrip(":：") not in LABELS:
            found.setdefault(name, text)
    return found


def _in_cells(page: Document) -> Iterator[tuple[str, str]]:
    for row in page.root.iter("tr", "dl"):
        cells = [cell for cell in row if isinstance(cell.tag, str)]
        for cell, beside in pairwise(cells):
            label = squeeze(line_of(cell)).strip("[]【】:：")
            if label in LABELS:
                yield label, line_of(beside)


def _in_elements(page: Document) -> Iterator[tuple[str, str]]:
    for node in page.root.iter(*_PAIRED):
        text = line_of(node)
        pair = _PAIR.match(text) if 3 < len(text) <= _MAX else None  # noqa: PLR2004
        label = squeeze(pair.group(1)) if pair else ""
        if not pair or label not in LABELS:
            continue
        value = pair.group(2).strip()
        after = node.getnext()
        if not value and after is not None and isinstance(after.tag, str):
            value = line_of(after)
        inner = re.search(r"\s+[\u4e00-\u9fff]{2,6}\s*[:：]", value)
        yield label, value[: inner.start()].strip() if inner else value


def _in_lines(page: Document) -> Iterator[tuple[str, str]]:
    for line in lines_of(page)[:_HEAD_LINES]:
        marks = list(_IN_LINE.finditer(line)) if len(line) <= 2 * _MAX else []
        for mark, after in zip(marks, [*marks[1:], None], strict=False):
            yield (
                squeeze(mark.group(1)),
                line[mark.end() : after.start() if after else None].strip(),
            )


def title_of(page: Document, *, crumbs: Sequence[str], fields: Mapping[str, str]) -> str:
    """The article's title: neither the site's nor the column's name."""
    site = {fold(page.meta.get(name, "")) for name in ("sitename", "columnname", "columntype")}
    site |= {fold(crumb) for crumb in crumbs}
    site.discard("")
    head = fold(page.title)
    told = fold(page.meta.get("articletitle", ""))
    shown = fold(page.meta.get("og:title", ""))
    best: tuple[float, str] = (0.5, "")
    for text in (page.meta.get("articletitle"), fields.get("标题")):
        if text and fold(text) not in site and len(text) >= 4:  # noqa: PLR2004
            best = max(best, (5.0, one_line(text)), key=lambda pair: pair[0])
    first = _from_head(page.title, site)
    if first:
        best = max(best, (2.5, first), key=lambda pair: pair[0])
    dated = _first_date(page)
    for order, node in enumerate(page.root.iter(*_TITLES)):
        text = line_of(node)
        if not 4 <= len(text) <= _MAX or _has_block(node):  # noqa: PLR2004
            continue
        known = fold(text)
        score = {"h1": 3.0, "h2": 2.0, "h3": 1.5, "ucaptitle": 4.0}.get(node.tag, 0.0)
        score += 2.0 if _TITLE_NAME.search(names_of(node)) else 0.0
        style = (node.get("style") or "").lower()
        score += 1.0 if "bold" in style or "font-size" in style else 0.0
        if len(known) >= 6 and head:  # noqa: PLR2004
            score += 4.0 if head.startswith(known) else 2.0 if known in head else 0.0
        score += 6.0 if told and known == told else 0.0
        score += 2.0 if shown and known == shown else 0.0
        if dated is not None and 0 < dated - order < 8:  # noqa: PLR2004
            score += 1.5
        score -= 3.0 if len(text) < 7 else 0.0  # noqa: PLR2004
        score -= 6.0 if known in site else 0.0
        score -= 5.0 if date_in(text, in_link=False) or _SOURCE.search(text) else 0.0
        score -= 2.0 if text.endswith(("。", "；", ";", "：", ":")) else 0.0
        up = (node, *ancestors(node))
        score -= 4.0 if any(x.tag == "a" or is_hidden_zone(x) for x in up) else 0.0
        if score > best[0]:
            best = (score, text)
    return best[1] or page.title


def _has_block(node: Element) -> bool:
    return any(
        child.tag in {"div", "p", "table", "ul", "h1", "h2", "h3", "tr", "td", "li", "section"}
        for child in node.iterdescendants()
        if isinstance(child.tag, str)
    )


def _first_date(page: Document) -> int | None:
    for order, node in enumerate(page.root.iter(*_TITLES)):
        text = line_of(node)
        if (
            len(text) <= _MAX
            and not _has_block(node)
            and (_POSTED.search(text) or _SOURCE.search(text))
        ):
            return order
    return None


def _from_head(title: str, site: set[str]) -> str | None:
    """The part of the title element that is not the site's name."""
    parts = [part.strip() for part in _SUFFIX.split(title) if part.strip()]
    parts = [part for part in parts if fold(part) not in site]
    if not parts:
        return None
    return parts[0] if len(parts[0]) >= 8 else max(parts, key=len)  # noqa: PLR2004


def bar_of(lines: Sequence[str], *, title: str, body: Sequence[str]) -> list[str]:
    """Lines around the body that may hold date and source: after the title, then the rest."""
    known = fold(title)
    inside = {fold(line) for line in body if not (is_bar(line) or _BAR.match(line))}
    outside = [
        line
        for line in lines
        if (fold(line) not in inside or fold(line) == known) and len(line) <= _MAX * 2
    ]
    start = next((i for i, line in enumerate(outside) if fold(line) == known), None)
    if start is None:
        start = next((i for i, line in enumerate(outside) if known and known in fold(line)), 0)
        return outside[start:] + outside[:start]
    return outside[start + 1 :] + outside[:start]


def is_bar(line: str) -> bool:
    """Whether a line is the bar of date, source and buttons around a body."""
    if len(line) > 160 or "。" in line:  # noqa: PLR2004
        return False
    return len(set(_BUTTONS.findall(line))) > 1 or bool(
        re.match(r"^[\[【(（\s]*(?:信息)?(?:发布|发稿|发表)(?:时间|日期)\s*[:：]", line)
    )


def is_header(line: str) -> bool:
    """Whether a line is a labelled pair of the header block."""
    pair = _PAIR.match(line)
    return pair is not None and len(line) <= _MAX and squeeze(pair.group(1)) in LABELS


def is_bare(line: str) -> bool:
    """Whether a line is nothing but a date or one labelled value of the bar."""
    return bool(_BAR.match(line))


def date_of(bar: Sequence[str], *, title: str, fields: Mapping[str, str]) -> str | None:
    """The date of posting as printed: a labelled one first, then one beside the title."""
    for line in bar:
        if found := _POSTED.search(line):
            return found.group(1)
    for line in bar[:12]:
        if found := _LABELLED.search(line):
            return found.group(1)
    for line in bar[:8]:
        stamp = date_in(line, in_link=False) if line != title else None
        bare = stamp and (len(line) - len(stamp) <= _BESIDE or _SOURCE.search(line) or is_bar(line))
        if stamp and bare and re.match(FULL, stamp):
            return stamp
    for line in bar:
        if found := _LABELLED.search(line):
            return found.group(1)
    return fields.get("发布日期") or fields.get("生成日期")


def source_of(bar: Sequence[str]) -> str | None:
    """Who the page says it has the text from (来源)."""
    for index, line in enumerate(bar):
        found = _SOURCE.search(line)
        if not found:
            continue
        value = _SOURCE_END.split(found.group(1))[0].strip(" \u3000:：-—|“”\"'[]【】")
        if not value and index + 1 < len(bar) and len(bar[index + 1]) <= 30:  # noqa: PLR2004
            value = bar[index + 1].strip()
            if date_in(value, in_link=False) or "：" in value or ":" in value:
                value = ""
        if value and len(value) <= 40:  # noqa: PLR2004
            return value
    return None


def lines_of(page: Document) -> list[str]:
    """All lines of the page's body."""
    return paragraphs(next(iter(page.root.iter("body")), page.root))
