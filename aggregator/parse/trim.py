"""What in a body, or around it, is not of the article: buttons, neighbours, a second copy."""

from __future__ import annotations

import re

from lxml import etree

from aggregator.parse.bars import is_bar, is_bare, is_header
from aggregator.parse.survey import Survey, hides, is_imprint
from aggregator.parse.tree import BLOCKS, Element, line_of, paragraphs
from aggregator.text import fold

_NOISE_NAMES = re.compile(
    r"(?:^|[\s_-])(?:share|bdshare|bdsharebuttonbox|print|tools?|toolbar|pre-?next|prev|related|"
    r"relate|qrcode|ewm|saoyisao|editor-?name|zrbj|page-?tools|copyright|fontsize|font-?size|comment)"
    r"(?:$|[\s_\d-])"
)
_NOISE = re.compile(
    r"^[\[【(（「|\s]*(?:扫一扫.*|上一[篇条].*|下一[篇条].*|上篇.*|下篇.*|责任编辑.*|"
    r"编辑[:：].{0,12}|责编.{0,14}|审核[:：].{0,12}|校对[:：].{0,12}|转载请注明.*|标签[:：].*|"
    r"信息来源[:：].{0,30}|视力保护色.*|(?:你|您)?(?:现在|当前)?的?(?:位置|所在位置)\s*[:：].*|\[\s*\]|[|｜\]】)）」\s]+|附件\s*[:：]\s*(?:没有|无|暂无)(?:附件)?|正文)"
    r"[\]】)）」|\s:：]*$"
)
#: Buttons and counters of a page; a line of nothing else is chrome.
_BUTTON = re.compile(
    r"(?:我要)?打印(?:本[页文]|文章|此[页文]|预览|页面)?|关闭(?:本页|窗口|此页|页面)?|(?:加入)?收藏(?:本[页文站])?|"
    r"分享(?:到|至)?[:：]?|(?:新浪|腾讯)?微博|微信(?:好友)?|朋友圈|QQ(?:空间|好友)?|人人网|复制链接|"
    r"【?字体(?:大小|显示)?】?|字号|(?<![\u4e00-\u9fff])(?:特?大|中|小|默认|超大)(?![\u4e00-\u9fff])|放大|缩小|A[-+]|"
    r"(?:(?:阅读|浏览|点击|访问|查看|关注)(?:次数|量|数|率|人数|人次|热度)?|人气|热度)\s*[:：]?\s*\d*\s*(?:次|人)?|"
    r"评论(?:数)?\s*[(（:：]?\s*\d*\s*[)）]?|核发[:：]?\s*\d*|举报|点赞|转发|语音(?:播报|阅读)|听新闻|"
    r"返回(?:顶部|列表|首页|上一页|上一级|上级|页面)?|正文|首页|上一[篇条]|下一[篇条]|TAG|标签|"
    r"(?:拟稿|审核|审批|签发|校对|[初复终一二三]审|责编|录入|监制|核发)(?:人)?\s*[:：]\s*(?:[\u4e00-\u9fff]{2,4}(?![\u4e00-\u9fff]))?|"
    r"相关(?:链接|阅读|文章|新闻|信息)|责任编辑[:：]?|编辑[:：]|来源[:：]|作者[:：]|扫一扫"
)
_PUNCT = re.compile(r"[\W_]+")
_END = re.compile(
    r"^\W*(?:(?:阅读)?[上下]一[篇条则页个]\W*(?!\d)|[上下前后]一?[篇条]\s*[:：]|相关(?:链接|阅读|文章|新闻|信息|资讯|内容|推荐|报道|稿件|解读|文件)\W*$|"
    r"延伸阅读|(?:推荐|关联|相关|热门)阅读\W*$|(?:热[门点]|精彩|编辑|本网|为[你您])推荐\W*$|热[门点](?:新闻|文章|排行|资讯)\W*$|猜你喜欢|"
    r"(?:网友|最新|热门|发表|我要|全部)(?:评论|跟帖|留言)|我来说两句|评\s*论\W*\d*\W*$|(?:免责|版权|特别|郑重)声明\W*$|(?:特别|免责|版权|郑重)声明[:：]|声明[:：].{0,8}(?:网|报|本|文)|关键词\s*>>|"
    r"返回(?:列表|顶部|首页|上一页)|友情链接|站点地图|网站地图)"
)
_ASIDE = re.compile(r"上一[篇条]|下一[篇条]|相关(?:链接|阅读|文章|新闻)")
_LONGEST_NOISE = 400
#: A label at the end with nothing behind it.
_LONE = re.compile(r"^(?:附件(?:下载|列表)?|相关(?:附件|链接|文件)|标签|关键[词字])\s*[:：]$")
_TWIN = 200
_MIN_TWIN = 80
_MOSTLY_LINKS = 0.7
_LIST = 4
_LONGEST_CHROME = 120
#: So far down may a bar stand inside a body's container; a title, so far.
_HEAD = 12
_TITLED = 6
_PROSE = 25
_ENOUGH = 60
#: A document's own head (文号) is kept.
_NUMBER = re.compile(r"[〔\[（(]\s*(?:19|20)\d\d\s*[〕\])）]\s*\d+\s*号")
FILE_LINK = re.compile(
    r"\.(?:docx?|xlsx?|pdf|wps|et|ofd|zip|rar|pptx?)\b|附件|下载|download", re.IGNORECASE
)


def ends_article(text: str) -> bool:
    """Whether a line heads what follows an article: its neighbours, comments, links."""
    return len(text) <= _LONGEST_CHROME and bool(_END.match(text))


def is_chrome(text: str) -> bool:
    """Whether a line is nothing but the page's buttons and counters."""
    if len(text) > _LONGEST_CHROME or (len(text) > _PROSE and ("。" in text or "，" in text)):
        return False
    if _NOISE.match(text):
        return True
    rest = _BUTTON.sub("", text)
    return rest != text and not _PUNCT.sub("", rest)


def cut_outside(seen: Survey, container: Element, first: int, last: int) -> None:
    """Remove, in place, the blocks of a container that hold none of its body's lines."""
    gone: list[Element] = []
    for node in container.iterdescendants():
        if node.tag not in BLOCKS and node.tag != "td":
            continue
        start, end = seen.spans.get(node, (0, 0))
        if end > start and (end <= first or start >= last):
            gone.append(node)
    for node in gone:
        if node.getparent() is not None:
            _remove(node)


def tidy_body(
    body: Element, seen: Survey, *, title: str, again: bool, first: int = 0, last: int | None = None
) -> list[str]:
    """Cut from a body, in place, what belongs to the page; its lines that stay.

    Args:
        body: the container.
        seen: the lines and names below it.
        title: the article's title, cut where it stands nowhere else.
        again: whether it does: the body's own copy is the document's and stays.
        first: the first of its lines.
        last: the line behind them.
    """
    known = "" if again else fold(title)
    gone = [
        *_drop_noise(body, seen, known),
        *_drop_link_lists(body, seen),
        *_drop_twins(body),
    ]
    whole_lines = all(node.tag in BLOCKS or not line_of(node) for node in gone)
    if body.tag in BLOCKS and whole_lines:
        # The head of what follows an article stays until it has told where that ends.
        cut = {
            index
            for node in gone
            if node.tag in BLOCKS
            for index in range(*seen.spans[node])
            if not ends_article(seen.lines[index].text)
        }
        whole = [
            line.text
            for index, line in enumerate(seen.lines[first:last], first)
            if not line.hidden and index not in cut
        ]
    else:
        whole = paragraphs(body)
    lines = _without_head(whole, known)
    headed = len(lines) < len(whole)
    while lines and (
        (known and fold(lines[0]) == known)
        or is_chrome(lines[0])
        or any(judge(lines[0]) for judge in (is_bar, is_bare, is_header))
    ):
        lines.pop(0)
    while len(lines) > 1 and (is_imprint(lines[-1]) or _LONE.match(lines[-1])):
        lines.pop()
    kept: list[str] = []
    said, rest = 0, sum(map(len, lines))
    for line in lines:
        rest -= len(line)
        if said and ends_article(line) and (headed or said > min(_ENOUGH, rest)):
            break
        if not is_chrome(line) and not is_bar(line):
            kept.append(line)
            said += len(line)
    return kept


def _without_head(lines: list[str], title: str) -> list[str]:
    """Lines behind a title and bar that stand inside the body's own container."""
    cut = 0
    for index, line in enumerate(lines[:_HEAD]):
        if is_bar(line) or is_bare(line) or (title and fold(line) == title and index < _TITLED):
            if not any(_NUMBER.search(before) for before in lines[cut:index]):
                cut = index + 1
        elif ends_article(line) or "。" in line or (len(line) > _PROSE and "，" in line):
            break
    return lines[cut:] if cut < len(lines) else lines


def _drop_noise(body: Element, seen: Survey, title: str) -> list[Element]:
    gone: list[Element] = []
    for node in list(body.iterdescendants()):
        if node.getparent() is None:
            continue
        style = node.get("style")
        named = node in seen.names and _NOISE_NAMES.search(seen.names[node])
        if (
            node.tag in {"input", "button"}
            or (node.tag == "h1" and title and fold(line_of(node)) == title)
            or (style and hides(node))
            or ((named or _is_list_aside(node, seen)) and seen.size(node)[0] < _LONGEST_NOISE)
        ):
            gone.append(node)
            _remove(node)
    return gone


def _drop_link_lists(body: Element, seen: Survey) -> list[Element]:
    """Cut blocks that are nothing but links to elsewhere, unless the body itself is that."""
    gone: list[Element] = []
    if _linked(body, seen) > _MOSTLY_LINKS / 2:
        return gone
    for node in list(body.iter("div", "ul", "dl", "ol", "aside", "section")):
        if node is body or node.getparent() is None or _linked(node, seen) <= _MOSTLY_LINKS:
            continue
        links = [a for a in node.iter("a") if line_of(a)]
        files = any(FILE_LINK.search(f"{a.get('href') or ''} {line_of(a)}") for a in links)
        if len(links) >= _LIST and not files:
            gone.append(node)
            _remove(node)
    return gone


def _linked(node: Element, seen: Survey) -> float:
    whole, linked = seen.size(node)
    return linked / whole if whole else 0.0


def _is_list_aside(node: Element, seen: Survey) -> bool:
    """Whether a block is nothing but links to other notices (上一篇, 相关链接)."""
    if node.tag not in {"div", "ul", "dl", "p"}:
        return False
    lines = seen.within(node)
    return bool(lines) and _ASIDE.match(lines[0].text) is not None and seen.size(node)[0] < _TWIN


def _remove(node: Element) -> None:
    """Take an element out and leave the text that follows it."""
    parent = node.getparent()
    if parent is None:
        return
    if node.tail:
        before = node.getprevious()
        if before is not None:
            before.tail = (before.tail or "") + node.tail
        else:
            parent.text = (parent.text or "") + node.tail
        node.tail = None
    parent.remove(node)


def _drop_twins(body: Element) -> set[Element]:
    """Of two containers that hold the same text (for print, for phones) keep the fuller."""
    blocks = [
        (child, {fold(line) for line in paragraphs(child)})
        for child in body
        if isinstance(child.tag, str) and child.tag in {"div", "section", "article", "td", "table"}
    ]
    blocks = [
        (child, lines)
        for child, lines in blocks
        if sum(map(len, lines)) >= _MIN_TWIN and len(lines) > 1
    ]
    gone: set[Element] = set()
    for child, lines in blocks:
        for other, more in blocks:
            if other is child or other in gone or child in gone or len(more) < len(lines):
                continue
            shared = sum(len(line) for line in lines & more)
            if shared >= 0.9 * sum(map(len, lines)):
                later = child if len(more) > len(lines) or _comes_after(child, other) else other
                gone.add(later)
    for child in gone:
        _remove(child)
    return gone


def _comes_after(one: Element, other: Element) -> bool:
    parent = one.getparent()
    return parent is not None and parent.index(one) > parent.index(other)


def html_of(body: Element) -> str:
    """The markup of a body, still to be sanitised."""
    return etree.tostring(body, encoding="unicode", method="html", with_tail=False)
