"""Hanweb JCMS: rows in an XML island, the rest from ``dataproxy.jsp``."""

from __future__ import annotations

import json
import re
from html import escape

from quxun.country.dice import dice
from quxun.country.families.base import Ask, Family, Page, View, list_page
from quxun.country.look import draw_row
from quxun.country.model import Column, SourceKind, Standing


class Jcms(Family):
    """``/col/colN/index.html`` and ``/art/Y/M/D/art_<col>_<id>.html``."""

    name = "jcms"
    kind = SourceKind.JPAGE
    body_class = ("#zoom", "#ivs_content", "#Content")

    def column_path(self, slug: str, number: int, generation: int) -> str:
        """``/col/col1229191867/index.html``."""
        del slug
        return f"/col/col{number + generation * 100_000}/index.html"

    def article_path(self, column: Column, standing: Standing) -> str:
        """The date without leading zeros."""
        day = standing.posted_at
        number = self._number(column)
        return f"/art/{day.year}/{day.month}/{day.day}/art_{number}_{standing.number}.html"

    def answer(self, view: View, column: Column, ask: Ask) -> Page | None:
        """The list page with its first three pages, or the proxy's answer."""
        if ask.path in (column.path, column.path.removesuffix("index.html")):
            return self._list(view, column)
        proxies = ("/module/web/jpage/dataproxy.jsp", "/module/jpage/dataproxy.jsp")
        if ask.path in proxies and ask.value("columnid") == str(self._number(column)):
            return self._proxy(view, column, ask)
        return None

    def unit(self, column: Column) -> str:
        """The unit id, new with every redesign."""
        return str(5_000_000 + dice("unit", column.host, column.generation).randrange(900_000))

    def _number(self, column: Column) -> int:
        return column.number + column.generation * 100_000

    def _records(self, view: View, column: Column, start: int, end: int) -> list[str]:
        """Records from start to end, counted from 1, both included."""
        standings = view.standings(column)[max(0, start - 1) : max(0, end)]
        frame = view.frame(column)
        shape = column.setting("row") or frame.look.row
        return [
            draw_row(row, frame.look, shape=shape, pattern=column.setting("date"))
            for row in self.rows(view, column, standings)
        ]

    def _record(self, column: Column, record: str) -> str:
        if column.setting("record") == "escaped":
            return f"<record>{escape(record)}</record>"
        return f"<record><![CDATA[{record}]]></record>"

    def _list(self, view: View, column: Column) -> Page:
        frame = view.frame(column)
        total = len(view.standings(column))
        unit, number = self.unit(column), self._number(column)
        proxy = "/module/web/jpage/dataproxy.jsp"
        if column.setting("record") == "array":
            proxy = "/module/jpage/dataproxy.jsp"
        params = (
            f"col=1&appid=1&webid={frame.portal.index + 3}&path=%2F&columnid={number}"
            f"&sourceContentType=1&unitid={unit}&webname={frame.portal.name}&permissiontype=0"
        )
        # The page holds three pages' worth of rows, as the product's default is.
        records = "".join(
            self._record(column, record)
            for record in self._records(view, column, 1, 3 * column.per_page)
        )
        island = (
            f'<script type="text/xml"><datastore>\n<nextgroup><![CDATA[<a href="{proxy}?page=1&'
            f'{params}"></a>]]></nextgroup>\n<recordset>{records}</recordset></datastore></script>'
        )
        table = (column.setting("row") or frame.look.row) == "tr"
        holder = "table" if table else "div"
        script = (
            f"<script>var param_{unit} = {{col:1,webid:{frame.portal.index + 3},path:'/',"
            f"columnid:{number},sourceContentType:1,unitid:'{unit}',webname:'{frame.portal.name}',"
            f"permissiontype:0}};jQuery('#{unit}').jpage({{dataStore:null,proxyUrl:'{proxy}',"
            f"proxyParam:param_{unit},perPage:{column.per_page},totalRecord:{total},"
            "pageStyle:'page',dataBefore:'<ul>',dataAfter:'</ul>'});</script>"
        )
        inner = f'<{holder} id="{unit}" class="default_pgContainer">{island}</{holder}>{script}'
        return list_page(view, column, inner)

    def _proxy(self, view: View, column: Column, ask: Ask) -> Page:
        known = ask.value("unitid") == self.unit(column)
        total = len(view.standings(column)) if known else 0
        group = 3 * (ask.number("perpage", column.per_page) or column.per_page)
        start = ask.number("startrecord", (ask.number("page", 1) - 1) * group + 1)
        end = min(ask.number("endrecord", start + group - 1), start + group - 1)
        records = self._records(view, column, start, end) if known else []
        if column.setting("record") == "array":
            rows = ",".join(json.dumps(record, ensure_ascii=False) for record in records)
            text = f"var totalRecord={total};\nvar dataStore=[{rows}];\n"
            return Page(text=text, mime="text/javascript")
        inner = "".join(self._record(column, record) for record in records)
        pages = -(-total // column.per_page)
        text = (
            f"<?xml version='1.0' encoding='UTF-8'?><datastore><totalrecord>{total}</totalrecord>"
            f"<totalpage>{pages}</totalpage><recordset>{inner}</recordset></datastore>"
        )
        return Page(text=text, mime="text/xml", plain_utf8=True)


def unit_in(html: str) -> str:
    """The unit id a page names; for tests and tools that page by hand."""
    found = re.search(r"unitid[=:]'?(\d+)", html)
    return found[1] if found else ""
