"""What stands around a page's subject: head, menu, breadcrumb, sidebar, footer, meta tags."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from quxun.country.dice import dice
from quxun.country.look import Look
from quxun.country.model import Authority, Column, Nature, Portal
from quxun.country.places import Atlas
from quxun.country.words import FRIENDS, MENU

_COLUMN_TYPES = {
    Nature.POLICY: "政策文件",
    Nature.APPLICATION: "通知公告",
    Nature.INTERPRETATION: "政策解读",
    Nature.PROJECT: "工作动态",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What a page needs to know to be drawn: where it is and how it looks."""

    portal: Portal
    look: Look
    atlas: Atlas
    column: Column | None = None


def meta_tags(frame: Frame, *, title: str = "", posted_at: datetime | None = None,
              source: str = "") -> str:  # fmt: skip
    """The tags of 国办发〔2017〕47号, written as well or as badly as this portal does."""
    look, portal, column = frame.look, frame.portal, frame.column
    if look.meta == "none":
        return ""
    site = {"placeholder": "网站名称"}.get(look.meta, portal.name)
    pairs = [
        ("SiteName", site),
        ("SiteDomain", portal.domain),
        ("SiteIDCode", portal.site_code),
    ]
    if column is not None:
        kind = _COLUMN_TYPES.get(column.natures[0][0], "通知公告")
        pairs += [
            ("ColumnName", column.name),
            ("ColumnDescription", f"{portal.name}{column.name}栏目"),
            ("ColumnKeywords", column.name),
            ("ColumnType", kind),
        ]
    if title and posted_at is not None and look.meta != "half":
        pattern = "%Y—%m—%d %H∶%M" if look.meta == "dashes" else "%Y-%m-%d %H:%M"
        if look.meta == "placeholder":
            pattern = "%Y-%m-%d %I:%M"
        pairs += [
            ("ArticleTitle", title),
            ("PubDate", posted_at.strftime(pattern)),
            ("ContentSource", source),
            ("Keywords", ""),
        ]
    if look.meta == "twice":
        pairs = [pair for pair in pairs for _ in range(2)]
    end = " />" if look.xhtml else ">"
    lines = []
    for name, content in pairs:
        written = name.upper() if look.meta == "upper" else name
        lines.append(f'<meta name="{written}" content="{escape(content)}"{end}')
    return "\n".join(lines)


def _menu(frame: Frame) -> str:
    look, portal = frame.look, frame.portal
    stem = frame.atlas.by_code[portal.region_code].stem
    items = []
    for number, text in enumerate(MENU[: look.menu]):
        href = "/" if number == 0 else f"/{look.prefix}/nav{number}/"
        items.append(f'<li><a href="{href}">{text.format(stem=stem)}</a></li>')
    items += [
        f'<li><a href="{escape(column.path)}">{column.name}</a></li>' for column in portal.columns
    ]
    joined = "".join(items)
    match look.skeleton:
        case "tables":
            cells = joined.replace("<li>", "<td>").replace("</li>", "</td>")
            return f'<table id="menu" width="100%" cellspacing="0"><tr>{cells}</tr></table>'
        case "ids":
            links = joined.replace("<li>", "").replace("</li>", " | ")
            return f'<div id="nav" class="w1200">{links}</div>'
        case "semantic":
            return f'<nav class="nav-bar"><ul class="clearfix">{joined}</ul></nav>'
    return f'<ul class="{look.prefix}-nav">{joined}</ul>'


def _footer(frame: Frame) -> str:
    look, portal = frame.look, frame.portal
    rng = dice("footer", portal.look_seed)
    friends = rng.sample(FRIENDS, look.friends)
    links = "".join(
        f'<a href="http://link{number}.example.invalid/" target="_blank">{name}</a>&nbsp;'
        for number, name in enumerate(friends)
    )
    region = frame.atlas.by_code[portal.region_code]
    if portal.authority is Authority.OFFICIAL:
        owner = f"主办：{region.government}办公室　网站标识码：{portal.site_code}"
    else:
        owner = f"版权所有：{portal.name}　演ICP备{rng.randrange(10**7, 10**8)}号"
    return (
        f'<div class="{look.prefix}-footer"><div class="yqlj"><span>友情链接：</span>{links}</div>'
        f"<p>{owner}</p><p>本站为演示站点，内容纯属虚构，请勿引用。</p>"
        f'<p><a href="/about/wzdt.html">网站地图</a> | <a href="/about/lxwm.html">联系我们</a></p></div>'
    )


def crumbs(frame: Frame, last: str = "") -> str:
    """您现在的位置：首页 > column > last."""
    joint = frame.look.crumb
    parts = ['<a href="/">首页</a>']
    if frame.column is not None:
        parts.append(f'<a href="{escape(frame.column.path)}">{frame.column.name}</a>')
    if last:
        parts.append(last)
    return f'<div class="{frame.look.prefix}-pos">您现在的位置：{joint.join(parts)}</div>'


def side_box(frame: Frame, links: Sequence[tuple[str, str, str]], name: str) -> str:
    """A sidebar of (title, href, date) links; an empty date is left out."""
    items = "".join(
        f'<li><a href="{escape(href)}">{escape(title, quote=False)}</a>'
        + (f"<span>{day}</span>" if day else "")
        + "</li>"
        for title, href, day in links
    )
    return f'<div class="{frame.look.prefix}-side box"><h4>{name}</h4><ul>{items}</ul></div>'


def page(frame: Frame, *, title: str, main: str, head: str = "", side: str = "") -> str:
    """A whole HTML document."""
    look, portal = frame.look, frame.portal
    label = portal.habits.label
    if look.xhtml:
        opening = (
            '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" '
            '"http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">\n'
            '<html xmlns="http://www.w3.org/1999/xhtml">'
        )
        charset = (
            f'<meta http-equiv="Content-Type" content="text/html; charset={label}" />'
            if label
            else ""
        )
    else:
        opening = '<!DOCTYPE html>\n<html lang="zh-CN">'
        charset = f'<meta charset="{label}">' if label else ""
    rng = dice("chrome", portal.look_seed, portal.generation)
    css = "".join(
        f".{look.prefix}{n}{{margin:{n % 7}px;color:#3{n % 10}5;line-height:1.{n % 9}}}"
        for n in range(rng.randrange(8, 40))
    )
    quick = "".join(
        f'<a class="q{n}" href="/zwfw/{n}.html">{text}</a>'
        for n, text in enumerate(("个人办事", "法人办事", "无障碍浏览", "繁體", "登录", "注册"))
    )
    top = (
        f'<div class="logo"><a href="/">{portal.name}</a></div><div class="quick">{quick}</div>'
        '<form action="/search"><input name="q" value="请输入关键字"></form>'
    )
    return (
        f"{opening}\n<head>\n{charset}\n<title>{escape(title, quote=False)}</title>\n{head}\n"
        f'<link rel="stylesheet" href="/{look.prefix}/style.css">\n<style>{css}</style>\n'
        f'<script src="/{look.prefix}/jquery.min.js"></script>\n</head>\n<body>\n'
        f"{_skeleton(frame, top, main, side)}\n</body>\n</html>\n"
    )


def _skeleton(frame: Frame, top: str, main: str, side: str) -> str:
    """The parts of a page in this portal's order and elements."""
    look, menu, footer = frame.look, _menu(frame), _footer(frame)
    match look.skeleton:
        case "semantic":
            aside = f"<aside>{side}</aside>" if side else ""
            return (
                f"<header>{top}{menu}</header>\n<main class='container'>\n<section>{main}</section>\n"
                f"{aside}</main>\n<footer>{footer}</footer>"
            )
        case "tables":
            left = f'<td width="240" valign="top">{side}</td>' if side else ""
            return (
                f'<table width="1002" align="center"><tr><td>{top}</td></tr><tr><td>{menu}</td></tr>'
                f'</table>\n<table width="1002" align="center"><tr>{left}<td valign="top">\n{main}\n'
                f'</td></tr></table>\n<table width="1002" align="center"><tr><td>{footer}</td></tr></table>'
            )
        case "ids":
            right = f'<div class="fr w300">{side}</div>' if side else ""
            return (
                f'<div id="wrapper"><div id="hd">{top}</div>\n{menu}\n<div id="bd" class="clearfix">'
                f'<div class="fl w880">{main}</div>\n{right}</div>\n<div id="ft">{footer}</div></div>'
            )
    first, last = (side, "") if look.xhtml else ("", side)
    return (
        f'<div class="{look.prefix}-top">{top}</div>\n{menu}\n<div class="{look.prefix}-wrap">\n'
        f'{first}\n<div class="{look.prefix}-main">{main}</div>\n{last}</div>\n{footer}'
    )
