"""Commercial portals: ``list_12_2.html``, doubled bodies, sidebars full of dated links."""

from __future__ import annotations

import re
from html import escape

from quxun.country import body
from quxun.country.chrome import page, side_box
from quxun.country.dice import dice
from quxun.country.families.base import Ask, Family, Page, View, listing, pages_of, slice_of
from quxun.country.model import Block, Column, Notice, Standing
from quxun.country.places import PARKS

_LINKS = (
    "招商政策", "投资流程", "土地招拍挂", "厂房价格", "注册公司", "优惠政策", "外商投资", "买地自建",
    "厂房租赁", "写字楼租赁", "公司注册", "- 联系我们", "- 企业入驻", "立即获取",
)  # fmt: skip


class Phpcms(Family):
    """The family of many small sites; official zones use it too."""

    name = "phpcms"
    body_class = ("content", "article_content", "newscontnet", "wzcon")

    def column_path(self, slug: str, number: int, generation: int) -> str:
        """``/zhaoshang/list_12_1.html``."""
        return f"/{slug}{generation or ''}/list_{number % 100}_1.html"

    def article_path(self, column: Column, standing: Standing) -> str:
        """``/zhaoshang/12345.html``."""
        return f"{column.path.rsplit('/', 1)[0]}/{standing.number}.html"

    def answer(self, view: View, column: Column, ask: Ask) -> Page | None:
        """``list_12_N.html``; the directory shows page 1."""
        base, name = column.path.rsplit("/", 1)
        stem = name.removesuffix("1.html")
        found = re.fullmatch(
            re.escape(base) + "/(?:" + re.escape(stem) + r"(\d{1,5})\.html)?", ask.path
        )
        if not found:
            return None
        standings = view.standings(column)
        total = pages_of(len(standings), column.per_page)
        current = int(found[1] or 1)
        if not 1 <= current <= total:
            return None
        rows = self.rows(view, column, slice_of(standings, current, column.per_page))
        links = [
            f'<li class="thisclass">{n}</li>' if n == current
            else f'<li><a href="{stem}{n}.html">{n}</a></li>'
            for n in range(1, total + 1)
        ]  # fmt: skip
        if current < total:
            links.append(f'<li><a href="{stem}{current + 1}.html">下一页</a></li>')
            links.append(f'<li><a href="{stem}{total}.html">末页</a></li>')
        pager = f'<div class="dede_pages"><ul class="pagelist">{"".join(links)}</ul></div>'
        return listing(view, column, rows, pager)


class Commercial(Phpcms):
    """Rewritten news with a category word, a region line, and its body printed twice."""

    name = "commercial"

    def article(self, view: View, column: Column, standing: Standing) -> Page:
        """No 文号, no issuer, no link to an original."""
        frame = view.frame(column)
        shown = view.shown(column, standing)
        notice = view.notice(standing)
        path = frame.atlas.path(notice.region_code)
        place = "-".join(dict.fromkeys((path[0], *path[-1:])))
        word = {"policy": "优惠政策", "application": "招商政策", "project": "招商项目"}.get(
            notice.categories[0], "招商信息"
        )
        intro, rest = self._retold(notice, path)
        look = frame.look
        drawn = body.paragraphs(rest, look)
        copy = f'<div class="content content-m">{drawn}</div>' if len(rest) > 2 else ""  # noqa: PLR2004
        if copy and look.xhtml:
            # Some templates print both copies into one container.
            main_body = f'<div class="content">{body.paragraphs(intro, look)}{drawn}{drawn}</div>'
        else:
            main_body = f'<div class="content">{body.paragraphs(intro, look)}{drawn}</div>{copy}'
        main = (
            f'<div class="left"><div class="detail"><h1>{escape(shown.title, quote=False)}</h1>'
            f'<div class="info"><a href="{column.path}">{word}</a><span>所属地区:{place}</span>'
            f"<span>发布日期:{standing.posted_at:%Y年%m月%d日}</span></div>{main_body}</div></div>"
        )
        return Page(
            text=page(frame, title=shown.title, main=main, side=self._sides(view, column, path[-1]))
        )

    def _retold(self, notice: Notice, path: tuple[str, ...]) -> tuple[list[Block], list[Block]]:
        """An introduction of its own, and the notice without header, address and signature."""
        intro = Block(
            style="p",
            text=f"本站招商顾问整理：{path[-1]}近期在产业服务和项目引进方面持续发力，"
            "以下为相关情况，供有意落户的企业参考。",
        )
        rest = [block for block in notice.body if block.style in ("p", "h", "table")]
        return [intro], rest

    def _sides(self, view: View, column: Column, region: str) -> str:
        frame = view.frame(column)
        near = [
            (other.title, other.path, f"{other.standing.posted_at:%Y-%m-%d}")
            for other in view.neighbours(column)
        ]
        rng = dice("parks", column.host, region)
        parks = "".join(
            f'<li>-<a href="/yuanqu/{500 + n}.html">{name}</a><i>{region}</i></li>'
            for n, name in enumerate(rng.sample(PARKS, 6))
        )
        links = "".join(f'<a href="#">{text}</a>\n' for text in _LINKS)
        return (
            '<div class="right">'
            + side_box(frame, near, f"{region}招商项目")
            + f'<div class="box"><h4>{region}产业园区</h4><ul class="parks">{parks}</ul></div>'
            + f'<div class="box nav">{links}</div></div>'
        )
