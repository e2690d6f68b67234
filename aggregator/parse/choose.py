"""Which of a page's lists is the one it was made for, and whether it was made for a list at all."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from aggregator.parse import addresses
from aggregator.parse.groups import Group
from aggregator.parse.rows import Row
from aggregator.parse.stamps import only_date
from aggregator.parse.tree import Document, Element, ancestors, line_of, names_of
from aggregator.parse.walk import CRUMBS, Walk, is_hidden_zone
from aggregator.text import fold, one_line
from aggregator.urls import absolute

_LONG_TITLE = 40
_LONGEST_ENTRY = 11
_MIN_UNDATED = 3
_UNDATED_TITLE = 9
_LONG_FOREIGN = 14
_SHORT_UNDATED = 5
_MOST = 0.7
_ASIDE = re.compile(
    r"相关|推荐|热点|热门|热文|热榜|排行|点击|猜你|最新(?!动态|公告|通知|政策|文件|公示|要闻|发布)|最近更新|更多项目|友情|链接|常见问题|专题"
)
#: Blocks of a home page without dates that are no announcements.
_NO_NEWS = re.compile(r"视频|影像")
_SERVICES = re.compile(r"办事|服务|入口|导航|下载")
_NEWS = re.compile(r"新闻|要闻|动态|公告|公示|通知|政策|资讯")
_PAGER = re.compile(
    r"createPage\w*\s*\(|下一页|下\s*页|尾\s*页|末\s*页|共\s*\d+\s*页|jpage|pageCount|totalPage",
    re.IGNORECASE,
)
_MENU = re.compile(r"nav|menu")
_NAME_END = re.compile(r"[-_—|–>·]|\s")
#: A list of this weight is no reason to leave out a smaller one.
_MUCH = 150
_HEADING = 12
_NEAR_LINKS = 2
_SAMPLE = 30


@dataclass(slots=True)
class Around:
    """What a page says of itself, by which its lists are judged."""

    page: Document
    walk: Walk
    base: str
    text: str
    name: str = ""
    column: bool = False
    patterns: set[str] = field(default_factory=set)

    def learn_addresses(self, groups: Sequence[Group]) -> None:
        """Remember how the addresses of lists are made."""
        self.patterns |= {
            addresses.pattern(row.link.href)
            for group in groups
            for row in group.rows[:_SAMPLE]
            if row.link.href and addresses.likeness(row.link.href) >= addresses.NUMBERED
        }

    def leads_to_article(self, url: str) -> bool:
        """Whether an address has a day in it, or is made like those of other rows of the page."""
        return addresses.likeness(url) == addresses.DATED or addresses.pattern(url) in self.patterns


def look_around(page: Document, walk: Walk, *, base: str) -> Around:
    """Read what tells a column from a home page: tags, the way to it, a pager, its name."""
    body = next(iter(page.root.iter("body")), page.root)
    around = Around(page=page, walk=walk, base=base, text=line_of(body))
    told = page.meta.get("columnname", "")
    around.name = fold(told or _NAME_END.split(page.title.strip(), maxsplit=1)[0])
    around.column = _is_column(around, body)
    return around


def _is_column(around: Around, body: Element) -> bool:
    page = around.page
    if page.meta.get("columnname") and page.meta.get("columntype") != "首页":
        return True
    return (
        pages_on(page)
        or len(around.walk.pagers) > 1
        or bool(CRUMBS.search(around.text) or _PAGER.search(around.text))
        or any("crumb" in names_of(node) for node in body.iter("div", "p", "ul", "nav", "ol"))
    )


def pages_on(page: Document) -> bool:
    """Whether a script of the page is a pager."""
    return bool(_PAGER.search(page.scripts))


def weigh(group: Group, around: Around) -> float:
    """How much a list looks like the one its page was made for."""
    rows = group.rows
    weight = float(sum(min(len(row.link.words), _LONG_TITLE) for row in rows))
    if not group.dated:
        weight *= _by_address(rows, around)
    if _in_zone(group, around.walk):
        weight *= 0.25
    headings, block = _block_of(group, around)
    if around.name and around.name in headings:
        weight *= 2
    elif any(_ASIDE.search(heading) for heading in headings):
        group.aside = True
        weight *= 0.05 if around.column else 0.4
    if around.column:
        weight *= _by_place(block, around)
    return weight


def _by_address(rows: Sequence[Row], around: Around) -> float:
    """What the addresses of rows without dates are worth."""
    urls = _some_urls(rows)
    here = addresses.host(around.base)
    if _share(urls, lambda url: addresses.is_foreign(url, here)) > 0.5:  # noqa: PLR2004
        return 0.05
    likes = [addresses.likeness(url) for url in urls]
    for least, worth in ((addresses.DATED, 0.8), (addresses.NUMBERED, 0.5)):
        if sum(1 for like in likes if like >= least) > len(likes) * _MOST:
            return worth
    return 0.15


def _by_place(block: tuple[int, int], around: Around) -> float:
    """What it is worth that a pager follows a list, or that the way to the page does."""
    walk = around.walk
    worth = 1.0
    if _any_in(walk.pagers, *block):
        worth *= 2
    if _any_in(walk.mores, *block):
        worth *= 0.5
    if walk.crumbs and block[1] < walk.crumbs[0]:
        worth *= 0.3
    return worth


def _any_in(places: Sequence[int], start: int, end: int) -> bool:
    return bisect_left(places, start) < bisect_right(places, end)


def _block_of(group: Group, around: Around) -> tuple[set[str], tuple[int, int]]:
    """The headings right before a list, folded, and the span of the block that it fills."""
    walk = around.walk
    holder = group.holder
    if holder is None:
        return set(), (0, 0)
    start, end = walk.spans[holder]
    own = len(walk.links_in(holder))
    for node in ancestors(holder):
        if node.tag in {"body", "html"} or node not in walk.spans:
            break
        if len(walk.links_in(node)) > own + _NEAR_LINKS:
            break
        start, end = walk.spans[node]
    first = min(walk.spans[row.root][0] if not row.shared else row.link.at for row in group.rows)
    headings: list[str] = []
    at = bisect_left(walk.texts, (first, ""))
    while at and len(headings) < 4 and walk.texts[at - 1][0] > start:  # noqa: PLR2004
        at -= 1
        text = one_line(walk.texts[at][1])
        if not only_date(text):
            headings.append(fold(text))
    return {text for text in headings if len(text) <= _HEADING}, (start, end)


def plausible(group: Group, around: Around) -> bool:
    """Whether rows with dates are a list: one alone must be made as rows are."""
    rows = [row for row in group.rows if row.stamp]
    if len(rows) != 1:
        return bool(rows)
    row = rows[0]
    words = len(row.link.words)
    room = 300 if around.column else 40
    return (
        (around.column or row.root.tag in {"li", "tr", "dl", "a"})
        and len(row.links) <= 2  # noqa: PLR2004
        and words >= 8  # noqa: PLR2004
        and len(line_of(row.root)) < words * 2 + room
    )


def plausible_undated(group: Group, around: Around) -> bool:
    """Whether rows without dates are a list: several, long enough, leading to articles."""
    rows = group.rows
    if len(rows) < (_MIN_UNDATED if around.column else 1):
        return False
    middle = _middle(rows)
    urls = _some_urls(rows)
    paged = _any_in(around.walk.pagers, *_block_of(group, around)[1])
    apart = {row.link.href or row.link.words for row in rows}
    if len(apart) < len(rows) / 2:
        return False
    here = addresses.host(around.base)
    if middle < _LONG_FOREIGN and _share(urls, lambda url: addresses.is_foreign(url, here)) > 0.5:  # noqa: PLR2004
        return False
    if middle >= _UNDATED_TITLE and len(rows) >= _MIN_UNDATED:
        return True
    return middle >= _least_title(rows, urls, around, paged=paged)


def _least_title(rows: Sequence[Row], urls: Sequence[str], around: Around, *, paged: bool) -> int:
    """How long titles must be at least where addresses say that they lead to articles.

    Two characters are enough with a day in the address; five where other rows of the page have
    such addresses; four under pictures, or in the folder of the page itself.
    """
    if _share(urls, lambda url: addresses.likeness(url) == addresses.DATED) > _MOST:
        return 2
    if _share(urls, lambda url: addresses.likeness(url) >= addresses.NUMBERED) > _MOST:
        if paged:
            return 4
        own = addresses.folder(around.base)
        if (
            own.count("/") > 1
            and _share(urls, lambda u: addresses.folder(u).startswith(own)) > _MOST
        ):
            return 4
        if (
            sum(1 for row in rows if next(row.root.iter("img"), None) is not None)
            > len(rows) * _MOST
        ):
            return 4
    known = _share(urls, lambda url: addresses.pattern(url) in around.patterns)
    return _SHORT_UNDATED if known > _MOST else 1000


def _share(urls: Sequence[str], holds: Callable[[str], bool]) -> float:
    """The share of addresses of which something holds."""
    return sum(1 for url in urls if holds(url)) / len(urls) if urls else 0.0


def _some_urls(rows: Sequence[Row]) -> list[str]:
    """Addresses of rows; of some rows spread over all where there are many."""
    step = max(1, len(rows) // _SAMPLE)
    return [row.link.href for row in rows[::step] if row.link.href]


def may_stand_alone(group: Group, around: Around) -> bool:
    """Whether a list can be the one of its page: a few links without dates are not."""
    return group.dated or (len(group.rows) >= _MIN_UNDATED and not _in_zone(group, around.walk))


def is_portal(best: Group, around: Around) -> bool:
    """Whether a page shows blocks of several columns, and not one list.

    A home page does, and so does a column of columns: there a link to more stands by each.
    """
    walk = around.walk
    if not around.column or (addresses.is_root(around.base) and not walk.crumbs):
        return True
    if walk.pagers or pages_on(around.page):
        return False
    return _any_in(walk.mores, *_block_of(best, around)[1])


def blocks(groups: Sequence[Group], best: Group, around: Around) -> list[Group]:
    """The blocks of a home page: every list that is not much smaller than the largest.

    Lists without dates are blocks of it when they lead to articles of the same site.
    """
    return [group for group in groups if group is best or _is_block(group, best, around)]


def _is_block(group: Group, best: Group, around: Around) -> bool:
    least = min(best.weight, _MUCH) * (0.02 if group.rows[1:] else 0.005)
    if group.weight < least or (_in_zone(group, around.walk) and not _heads_column(group, around)):
        return False
    if group.dated and len(group.rows) > 1:
        return True
    headings, block = _block_of(group, around)
    if group.aside or _is_service(group, headings, block, around):
        return False
    urls = _some_urls(group.rows)
    if len(group.rows) == 1 and not group.dated and not _any_in(around.walk.mores, *block):
        return False
    if not urls:
        return len(group.rows) >= _MIN_UNDATED
    return _share(urls, around.leads_to_article) > _MOST or _runs_on(group.rows, urls)


def _is_service(group: Group, headings: set[str], block: tuple[int, int], around: Around) -> bool:
    """Whether the headings above a list say that it is of films or services, and no news.

    Forms that are articles, with a link to more of them, are a column like others.
    """
    if any(_NEWS.search(heading) for heading in headings):
        return False
    if any(_NO_NEWS.search(heading) for heading in headings):
        return True
    known = _share(_some_urls(group.rows), lambda url: addresses.pattern(url) in around.patterns)
    more = _any_in(around.walk.mores, *block) or any("更多" in heading for heading in headings)
    return any(_SERVICES.search(heading) for heading in headings) and not (known > _MOST and more)


def _heads_column(group: Group, around: Around) -> bool:
    """Whether a link at a block leads to the directory in which most of its rows stand."""
    urls = _some_urls(group.rows)
    if group.holder is None or len(urls) < _MIN_UNDATED:
        return False
    folder = addresses.folder(urls[0])
    box = group.holder.getparent()
    if box is None or _share(urls, lambda url: addresses.folder(url) == folder) <= _MOST:
        return False
    heads = (absolute(link.get("href"), around.base) for link in box.iter("a"))
    return any(
        url
        and addresses.folder(url) == folder
        and not addresses.is_root(url)
        and addresses.likeness(url) == addresses.NONE
        for url in heads
    )


def _runs_on(rows: Sequence[Row], urls: Sequence[str]) -> bool:
    """Whether rows have long titles and addresses that differ in nothing but a number."""
    return (
        len(rows) >= _MIN_UNDATED
        and _middle(rows) >= _UNDATED_TITLE
        and len({addresses.pattern(url) for url in urls}) == 1
        and all("#" in addresses.pattern(url).rpartition("/")[2] for url in urls)
        and len(set(urls)) >= len(urls) / 2
        and all(addresses.likeness(url) >= addresses.NAMED for url in urls)
    )


def _in_zone(group: Group, walk: Walk) -> bool:
    """Whether a list stands in a menu, a footer or the like, by the name of a container.

    A container of most of the page's links is not what its name says, and no menu has long
    entries.
    """
    long = _middle(group.rows) > _LONGEST_ENTRY
    element = group.rows[0].root
    for node in (element, *ancestors(element)):
        if node.tag == "body" or node not in walk.spans:
            break
        if is_hidden_zone(node):
            if long and _MENU.search(names_of(node)):
                continue
            few = len(walk.links_in(node)) <= len(walk.links) / 2
            return few or "foot" in names_of(node)
    return False


def _middle(rows: Sequence[Row]) -> int:
    """The length of the middle title of rows, in characters."""
    return sorted(len(row.link.text or row.link.hint) for row in rows)[len(rows) // 2]
