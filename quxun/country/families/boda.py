"""Boda VSB: pages count down, rows are ``li#line_u8_0``, attachments have no ending."""

from __future__ import annotations

import re

from quxun.country.dice import dice
from quxun.country.families.base import (
    Ask,
    Family,
    Page,
    View,
    list_page,
    pages_of,
    slice_of,
    with_pins,
)
from quxun.country.look import draw_row
from quxun.country.model import Attachment, Column, Standing


class Boda(Family):
    """``/zwgk/zcwj.htm``, then ``/zwgk/zcwj/64.htm`` for page 2 of 65."""

    name = "boda"
    body_class = ("#vsb_content", "#vsb_content_2")

    def column_path(self, slug: str, number: int, generation: int) -> str:
        """``/zwgk/zcwj.htm``."""
        del number
        return f"/zwgk{generation or ''}/{slug}.htm"

    def article_path(self, column: Column, standing: Standing) -> str:
        """``/info/1001/1234.htm``."""
        tree = 1000 + column.number % 1000 + column.generation * 1000
        return f"/info/{tree}/{standing.number}.htm"

    def attachment_path(
        self, column: Column, standing: Standing, order: int, file: Attachment
    ) -> str:
        """A script with ids: no name, no ending."""
        del file, column
        return (
            "/system/_content/download.jsp?urltype=news.DownloadAttachUrl"
            f"&owner=1{standing.number}&wbfileid={standing.number}{order}"
        )

    def answer(self, view: View, column: Column, ask: Ask) -> Page | None:
        """The first page by name, the others by their number from the end."""
        stem = column.path.removesuffix(".htm")
        standings = view.standings(column)
        total = pages_of(len(standings), column.per_page)
        if ask.path == column.path:
            current = 1
        else:
            found = re.fullmatch(re.escape(stem) + r"/(\d{1,5})\.htm", ask.path)
            if not found or not 1 <= int(found[1]) < total:
                return None
            current = total - int(found[1]) + 1
        # Links climb from where the page stands: one step from the first, two from the others.
        up = "../" if current == 1 else "../../"
        on_page = slice_of(standings, current, column.per_page)
        shown = with_pins(view, column, on_page, current)
        frame = view.frame(column)
        line = f"line_u{dice('u', column.host).randrange(5, 14)}"
        drawn = []
        for order, row in enumerate(self.rows(view, column, shown)):
            html = draw_row(
                row, frame.look, shape=column.setting("row", "li"), pattern=column.setting("date")
            )
            html = html.replace('href="/info', f'href="{up}info', 1)
            drawn.append(re.sub(r"^<(li|tr|dl|div)", rf'<\1 id="{line}_{order}"', html))
        name = column.path.rsplit("/", 1)[1].removesuffix(".htm")

        def link(page: int, text: str) -> str:
            if page == 1:
                target = name + ".htm" if current == 1 else f"../{name}.htm"
            else:
                number = total - page + 1
                target = f"{name}/{number}.htm" if current == 1 else f"{number}.htm"
            return f'<a href="{target}" class="Next">{text}</a>'

        pager = [f"共{len(standings)}条 {current}/{total}"]
        if current > 1:
            pager += [link(1, "首页"), link(current - 1, "上页")]
        if current < total:
            pager += [link(current + 1, "下页"), link(total, "尾页")]
        tag = "table" if drawn and drawn[0].startswith("<tr") else "ul"
        rows = "\n".join(drawn)
        inner = f'<{tag} class="winstyle">{rows}</{tag}><div class="pb_sys">{"&nbsp;".join(pager)}</div>'
        return list_page(view, column, inner)

    def container(self, name: str, inner: str) -> str:
        """``<div id="vsb_content"><div class="v_news_content">``."""
        return (
            '<form name="_newscontent_fromname"><div>'
            f'<div id="{name[1:]}"><div class="v_news_content">{inner}</div></div></div></form>'
        )
