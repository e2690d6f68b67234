"""List pages of many makes, written after DOMAIN §3, §5 and §17: rows × what stands around.

Every page comes with what a person sees on it. ``week`` moves a page on: newer rows have come
on top, older ones have left at the end, as at the next poll.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from html import escape

SITE = "http://www.linxi.example"
NEWEST = date(2025, 11, 20)

TITLES = (
    "关于支持制造业企业扩大生产的若干措施",
    "临溪区科技创新券兑付工作开始受理申请",
    "关于组织申报2025年技术改造项目的通知",
    "重点项目集中开工现场推进会召开",
    "关于调整标准厂房租金标准的公告（第3号）",
    "企业用工服务专项行动方案解读",
    "2024年度部门决算公开",
    "【图解】一张图看懂惠企政策兑现流程",
    "临溪经济开发区管理委员会关于公布2025年度第二批绿色工厂、绿色供应链管理企业名单以及复核结果的通知",
    "区长带队赴外地开展招商考察",
    "关于2025年9月30日前完成年报填报的提醒",
    "关于印发《临溪区促进生物医药产业高质量发展扶持办法》的通知",
    "临府办发〔2025〕12号 关于做好防汛工作的通知",
    "项目核准公示",
    "专精特新“小巨人”企业复核结果公示（2022—2025年）",
    "1—10月规模以上工业运行情况",
    "国有建设用地使用权挂牌出让公告 LX2025-018",
    "关于征求《营商环境条例（草案）》意见的公告",
    "智能装备产业园二期工程竣工投产",
    "“免申即享”政策清单（第4批）",
    "人才公寓配租结果名单",
    "关于暂停办理不动产登记业务的通告",
    "外商投资企业设立登记办事指南",
    "区委常委会会议传达学习全会精神",
    "科技型中小企业入库名单（2025年第6批）",
    "关于开展安全生产大检查的通知",
)


@dataclass(frozen=True, slots=True)
class Row:
    """One notice as a person sees it."""

    title: str
    path: str
    day: date

    @property
    def iso(self) -> str:
        return self.day.isoformat()

    @property
    def cut(self) -> str:
        return self.title if len(self.title) <= 16 else self.title[:15] + "…"


@dataclass(frozen=True, slots=True)
class Made:
    """A page, its address, and what it shows: (title, address, day or None) of each row."""

    name: str
    url: str
    html: str
    rows: tuple[tuple[str, str, str | None], ...]


def notices(count: int = 15, *, week: int = 0, path: str = "/art/{n}.html") -> list[Row]:
    """The newest notices first; each ``week`` two new ones have come."""
    made = []
    for at in range(count):
        number = 1000 + 2 * week - at
        title = TITLES[number % len(TITLES)]
        if count > len(TITLES):
            title = f"{title}（{number}）"
        made.append(Row(title, path.format(n=number), NEWEST + timedelta(days=7 * week - 3 * at)))
    return made


# --- Makes of lists ------------------------------------------------------------------
# What comes before the rows, one row, what comes after; in a row {p} is the address, {t} the
# title, {cut} the title cut, {q} the title as an attribute, {d} the day, {n} the row's number.

SUM = "记者从有关部门获悉，这项工作将在全区推开，请各有关单位按要求做好准备。"

MAKES: dict[str, tuple[str, str, str]] = {
    "plain": ("<ul class='list'>", '<li><a href="{p}">{t}</a><span>{d}</span></li>', "</ul>"),
    "date_first": ("<ul class='list'>", '<li><span>[{d}]</span><a href="{p}" title="{q}" target="_blank">·{cut}</a></li>', "</ul>"),
    "in_brackets": ("<ul>", '<li>· <a href="{p}">{t}</a> ({d})</li>', "</ul>"),
    "in_the_link": ("<div class='rows'>", '<a class="row" href="{p}">{t} [{d}]</a>', "</div>"),
    "whole_row": ("<ul>", '<li><a href="{p}"><h3>{t}</h3><p class="time">{d}</p><p class="sum">' + SUM + "</p></a></li>", "</ul>"),
    "cards": ("", '<div class="card item{n}"><a class="pic" href="{p}"><img src="/i/{n}.jpg"></a><div class="txt"><h4><a href="{p}">{t}</a></h4><p>摘要：' + SUM + '<a href="{p}">[详细]</a></p><i class="date">发布时间：{d} 09:30</i></div></div>', ""),
    "table": ("<table class='gk'><tr><th>序号</th><th>标题</th><th>文号</th><th>发布日期</th></tr>", '<tr><td>{n}</td><td><a href="{p}">{t}</a></td><td>临府发〔2025〕{n}号</td><td>{d}</td></tr>', "</table>"),
    # About 2005: every row a table of its own.
    "table_a_row": ("<table width='760'><tr><td>", '<table width="98%" border="0"><tr><td width="12"><img src="/dot.gif"></td><td><a href="{p}" class="c">{t}</a></td><td width="80" align="right"><font color="#999999">{d}</font></td></tr></table>', "</td></tr></table>"),
    # A dotted line, itself a row of the table, between two rows.
    "table_with_lines": ("<table>", '<tr><td height="24">·<a href="{p}">{t}</a></td><td>({day:%m-%d})</td></tr><tr><td colspan="2" height="1" background="/line.gif"></td></tr>', "</table>"),
    "breaks": ("<table><tr><td class='lm'>", '·<a href="{p}" target="_blank">{t}</a>&nbsp;<font color=gray>({day.year}-{day.month}-{day.day})</font><br>', "</td></tr></table>"),
    "breaks_date_first": ("<div class='lm'>", '[{day:%Y.%m.%d}] <a href="{p}">{t}</a><br/>', "</div>"),
    "definitions": ("", '<dl><dt><a href="{p}">{t}</a></dt><dd>{day.year}年{day.month}月{day.day}日</dd></dl>', ""),
    "one_definition_list": ("<dl class='news'>", '<dt>{day:%Y/%m/%d}</dt><dd><a href="{p}">{t}</a></dd>', "</dl>"),
    "title_then_definition": ("<dl>", '<dt><a href="{p}">{t}</a></dt><dd>' + SUM + "</dd><dd>时间：{d}</dd>", "</dl>"),
    "day_block": ("", '<div class="n-item"><div class="date"><b>{day:%d}</b><span>{day:%Y-%m}</span></div><div class="info"><a href="{p}">{t}</a><p>' + SUM + "</p></div></div>", ""),
    "month_above_day": ("<ul>", '<li><div class="rq"><p>{day:%Y.%m}</p><h2>{day:%d}</h2></div><a href="{p}"><h5>{t}</h5></a></li>', "</ul>"),
    "day_slash_month": ("<ul>", '<li><div class="rq"><span>{day:%d}</span>/<i>{day.month}月</i></div><a href="{p}">{t}</a></li>', "</ul>"),
    "year_above_day": ("<ul>", '<li><div class="rq"><strong>{day:%m-%d}</strong><span>{day.year}</span></div><div><a href="{p}">{t}</a></div></li>', "</ul>"),
    "year_below_in_the_link": ("<ul>", '<li><a href="{p}" title="{q}"><div class="rq"><p>{day:%m/%d}</p><span>{day.year}</span></div><div><h3>{t}</h3><p></p></div></a></li>', "</ul>"),
    "summary_below": ("<ul>", '<li class="n{n}"><div class="con"><p class="bt"><a href="{p}" title="{q}">{t}</a><span>{d}</span></p><div class="zy">' + SUM * 4 + "</div></div></li>", "</ul>"),
    "title_said_by_the_picture": ("<ul>", '<li><a href="{p}" title="{q}"><img src="/p/{n}.jpg" alt=""></a><p><a href="" target="_blank">{cut}</a></p><i>{d}</i></li>', "</ul>"),
    "month_day": ("<ul>", '<li><em>{day:%m-%d}</em><a href="{p}" title="{q}">{cut}</a></li>', "</ul>"),
    "chinese_month": ("<ul>", '<li><a href="{p}">{t}</a><span class="d">{day.month}月{day.day}日</span></li>', "</ul>"),
    "english": ("<ul>", '<li><a href="{p}">{t}</a><span class="d">{day:%b %d, %Y}</span></li>', "</ul>"),
    "english_day_first": ("<ul>", '<li><a href="{p}">{t}</a><span class="d">{day:%d %B %Y}</span></li>', "</ul>"),
    "short_year": ("<ul>", '<li><a href="{p}">{t}</a><span class="d">{day:%y-%m-%d}</span></li>', "</ul>"),
    "year_last": ("<ul>", '<li><a href="{p}">{t}</a><span class="d">{day:%m/%d/%Y}</span></li>', "</ul>"),
    "slashes_and_clock": ("<ul>", '<li><a href="{p}">{t}</a><span class="d">{day.year}/{day.month}/{day.day} 9:05:00</span></li>', "</ul>"),
    "dashes_of_word": ("<ul>", '<li><a href="{p}">{t}</a><span class="d">{day:%Y—%m—%d}</span></li>', "</ul>"),
    "with_column": ("<ul>", '<li><a href="/zc/">[惠企政策]</a> <a href="{p}">{t}</a><img src="/new.gif" alt="new"> <span>{d}</span></li>', "</ul>"),
    "column_without_brackets": ("<ul>", '<li><a class="lm" href="/zc/">惠企政策</a> | <a href="{p}">{t}</a><span>{d}</span></li>', "</ul>"),
    "twin_links": ("<ul>", '<li><a href="{p}"></a><a href="{p}">{t}</a><a href="{p}" class="more">查看更多</a><span>{d}</span></li>', "</ul>"),
    "summary_is_a_link": ("<ul>", '<li><h3><a href="{p}">{t}</a></h3><p><a href="{p}">' + SUM + "</a></p><span>{d}</span></li>", "</ul>"),
    "two_files": ("<ul>", '<li><a href="{p}">{t}</a><a href="{p}.pdf">PDF版下载</a><span>{d}</span></li>', "</ul>"),
    "with_source": ("", '<div class="article-li"><p class="tt"><a href="{p}" target="_blank">{t}</a></p><p class="from"><span>来源：区经济信息委</span><span>{d}</span><span>浏览：{n}次</span></p></div>', ""),
    "numbered": ("<ol>", '<li><i>{n}</i><a href="{p}">{t}</a><small>{d} 16:05:00</small></li>', "</ol>"),
    "bare_divs": ("<div>", '<div><div><a href="{p}">{t}</a></div><div>{d}</div></div>', "</div>"),
    "paragraphs": ("<div>", '<p><a href="{p}">{t}</a> <span>{d}</span></p>', "</div>"),
    "date_in_a_sibling": ("<div>", '<h4><a href="{p}">{t}</a></h4><p>' + SUM + "</p><p>{d}</p>", "</div>"),
    "clicked": ("<ul>", "<li onclick=\"window.open('{p}')\"><p>{t}</p><span>{d}</span></li>", "</ul>"),
    "unclosed": ("<ul>", '<li><a href="{p}">{t}</a> {d}', "</ul>"),
    "labelled": ("<table>", '<tr><td><b>标题：</b><a href="{p}">{t}</a></td></tr><tr><td>发布时间：{d}　点击数：{n}</td></tr>', "</table>"),
}  # fmt: skip
#: Lists that print no dates.
UNDATED: dict[str, tuple[str, str, str]] = {
    "undated": ("<ul class='list'>", '<li><a href="{p}">{t}</a></li>', "</ul>"),
    "undated_breaks": ("<div class='main'>", '· <a href="{p}">{t}</a><br>', "</div>"),
    "undated_table": ("<table>", '<tr><td>{n}</td><td><a href="{p}">{t}</a></td></tr>', "</table>"),
    "undated_pictures": ("<ul class='pics'>", '<li><a href="{p}"><img src="/p/{n}.jpg" alt="{q}"></a><p><a href="{p}">{t}</a></p></li>', "</ul>"),
    "undated_summaries": ("", '<div class="it"><a href="{p}"><h3>{t}</h3><p>' + SUM + "</p></a></div>", ""),
}  # fmt: skip


def listed(make: str, rows: list[Row]) -> str:
    """The rows in one of the makes."""
    before, one, after = (MAKES | UNDATED)[make]
    return before + "\n".join(
        one.format(p=r.path, t=r.title, cut=r.cut, q=escape(r.title), d=r.iso, day=r.day, n=n)
        for n, r in enumerate(rows, 1)
    ) + after  # fmt: skip


# --- What stands around --------------------------------------------------------------

MENU = "".join(
    f'<li><a href="/{path}/">{name}</a></li>'
    for path, name in (
        ("", "网站首页"), ("zwgk", "政务公开"), ("xwzx", "新闻中心"), ("bsfw", "办事服务"),
        ("hdjl", "互动交流"), ("zjlx", "走进临溪"), ("zcjd", "政策文件及解读"), ("sjkf", "数据开放平台"),
    )
)  # fmt: skip
CRUMBS = '<div class="weizhi">当前位置：<a href="/">首页</a> &gt; <a href="/zwgk/">政务公开</a> &gt; <a href="/zwgk/tz/">通知公告</a></div>'
FRIENDS = '<div class="yqlj"><h4>友情链接</h4>' + "".join(
    f'<a href="http://{n}.example/" target="_blank">{name}</a>'
    for n, name in enumerate(
        ("市人民政府门户网站", "市发展和改革委员会", "市经济和信息化委员会", "市公共资源交易中心", "国家企业信用信息公示系统")
    )
)  # fmt: skip
FOOTER = (
    FRIENDS
    + '</div><div class="footer"><p>主办：临溪区人民政府办公室　备案号：临ICP备05000000号　网站标识码：5001990001</p><p>更新时间：2025-11-20　联系电话：023-00000000</p></div>'
)
PAGER = '<div class="pages"><a href="index.html">首页</a><span class="cur">1</span><a href="index_1.html">2</a><a href="index_2.html">3</a><a href="index_1.html">下一页</a><a href="index_9.html">尾页</a></div>'


def _aside(title: str, count: int = 8) -> str:
    rows = "".join(
        f'<li><a href="/hot/{n}.html" title="{title}第{n}条，文字较长，与主要栏目无关">{title}第{n}条，文字较长，与主要栏目无关</a><span>2025-10-{n + 10}</span></li>'
        for n in range(count)
    )
    return f'<div class="side"><h3>{title}</h3><ul class="sidelist">{rows}</ul></div>'


def bare(content: str) -> str:
    return f"<html><head><title>通知公告_临溪区人民政府</title></head><body>{content}</body></html>"


def portal(content: str) -> str:
    return (
        f'<html><head><title>通知公告-临溪区人民政府</title></head><body><div class="top"><span>今天是2025年11月20日 星期四</span></div><div class="nav"><ul>{MENU}</ul></div>'
        f'{CRUMBS}<div class="wrap"><div class="left"><h2>政务公开</h2><ul><li><a href="/zwgk/zn/">政府信息公开指南</a></li><li><a href="/zwgk/nb/">政府信息公开年报</a></li><li><a href="/zwgk/sq/">依申请公开说明</a></li></ul></div>'
        f'<div class="right">{content}{PAGER}</div></div>{FOOTER}</body></html>'
    )


def with_asides(content: str) -> str:
    return portal(content).replace(
        '<div class="left">',
        f'<div class="left">{_aside("热点资讯")}{_aside("阅读排行", 10)}{_aside("最新更新", 6)}',
    )


def nested(content: str) -> str:
    """Layout by tables in tables, menus as cells, no class anywhere."""
    menu = "".join(
        f'<td align="center"><a href="/m{n}.asp">{name}</a></td>'
        for n, name in enumerate(
            ("首 页", "机构设置情况", "政策法规", "办事指南", "下载中心", "在线留言")
        )
    )
    return (
        f'<html><head><title>临溪区招商局</title></head><body><table width="778" align="center"><tr><td><table><tr>{menu}</tr></table></td></tr><tr><td>您的位置：首页 >> 通知公告</td></tr>'
        f'<tr><td><table><tr><td width="180"><table><tr><td><a href="/a.asp?id=1">投资环境综合介绍</a></td></tr><tr><td><a href="/a.asp?id=2">产业发展总体规划</a></td></tr><tr><td><a href="/a.asp?id=3">投资办事程序指南</a></td></tr></table></td><td>{content}</td></tr></table></td></tr>'
        f'<tr><td><hr>版权所有 临溪区招商局 技术支持：信息中心 2025-11-20<br>共 120 条 <a href="list.asp?page=2">下一页</a> <a href="list.asp?page=8">尾页</a></td></tr></table></body></html>'
    )


AROUND: dict[str, Callable[[str], str]] = {
    around.__name__: around for around in (bare, portal, with_asides, nested)
}


def page(
    make: str, around: str, *, count: int = 15, week: int = 0, path: str = "/art/{n}.html"
) -> Made:
    """One page of the product of makes and surroundings."""
    rows = notices(count, week=week, path=path)
    dated = make in MAKES
    html = AROUND[around](listed(make, rows))
    shown = tuple((row.title, SITE + row.path, row.iso if dated else None) for row in rows)
    return Made(f"{make}-{around}-{count}-{week}", f"{SITE}/zwgk/tz/", html, shown)


# --- Pages of several lists ----------------------------------------------------------

BOXES = (("boxa", "通知公告"), ("left-one", "工作动态"), ("zcfg", "政策法规"), ("gk", "项目建设"))


def many(make: str, *, crumbs: bool, path: str) -> Made:
    """A home page, or a column of columns (``crumbs``): blocks of six rows, each with its 更多."""
    content, shown = "", []
    for at, (name, heading) in enumerate(BOXES):
        rows = [
            Row(f"{TITLES[10 * at % 25 + n % 2]}之{at * 6 + n}", path.format(n=5000 + 10 * at + n), NEWEST - timedelta(days=n))
            for n in range(6)
        ]  # fmt: skip
        content += (
            f'<div class="{name}"><div class="hd"><h3>{heading}</h3><a href="/{name}/" class="more">更多&gt;&gt;</a></div>'
            f"{listed(make, rows)}</div>"
        )
        shown += [(r.title, SITE + r.path, r.iso if make in MAKES else None) for r in rows]
    html = portal(content).replace(PAGER, "")
    if not crumbs:
        html = html.replace(CRUMBS, "").replace("通知公告-", "")
    return Made(f"many-{make}", SITE + ("/zwgk/" if crumbs else "/"), html, tuple(shown))


SHORT = (
    "临溪湖日出",
    "古城墙遗址",
    "云顶茶园",
    "石桥夜色",
    "龙舟竞渡",
    "百里花廊",
    "稻浪千重",
    "新城一角",
)


def gallery(around: str, *, path: str) -> Made:
    """Pictures with names of four or five characters under them, and no dates."""
    rows = [Row(title, path.format(n=7000 + n), NEWEST) for n, title in enumerate(SHORT)]
    shown = tuple((row.title, SITE + row.path, None) for row in rows)
    return Made(
        f"gallery-{around}", f"{SITE}/tp/", AROUND[around](listed("undated_pictures", rows)), shown
    )
