"""Hanweb jpaas: an empty page whose script asks a service for HTML inside JSON."""

from __future__ import annotations

import json
from html import escape

from quxun.country.dice import dice
from quxun.country.families.base import Ask, Family, Page, View, list_page, pages_of, slice_of
from quxun.country.look import draw_rows
from quxun.country.model import Column, SourceKind, Standing

_UNIT = "/api-gateway/jpaas-publish-server/front/page/build/unit"


class Jpaas(Family):
    """``parseType="bulidstatic"`` as the vendor writes it (both spellings occur)."""

    name = "jpaas"
    kind = SourceKind.JPAAS
    body_class = ("#zoom", "article-content", "#ivs_content")

    def column_path(self, slug: str, number: int, generation: int) -> str:
        """``/col/colN/index.html`` as with its older sister."""
        del slug
        return f"/col/col{number + generation * 100_000}/index.html"

    def article_path(self, column: Column, standing: Standing) -> str:
        """``/art/2025/8/13/art_<hex>.html``."""
        day = standing.posted_at
        digest = f"{dice('jpaas', column.host, standing.number).getrandbits(64):016x}"
        return f"/art/{day.year}/{day.month}/{day.day}/art_{digest}_{standing.number}.html"

    def answer(self, view: View, column: Column, ask: Ask) -> Page | None:
        """The empty page, or the service's answer for this column's unit."""
        if ask.path == column.path:
            return self._list(view, column)
        if ask.path == _UNIT and ask.value("pageId") == self._page_id(column):
            return self._unit(view, column, ask)
        return None

    def _page_id(self, column: Column) -> str:
        return f"{dice('page', column.host, column.slug, column.generation).getrandbits(64):016x}"

    def _set_id(self, column: Column) -> str:
        return f"{dice('set', column.host, column.generation).getrandbits(64):016x}"

    def _list(self, view: View, column: Column) -> Page:
        spelling = "bulidstatic" if column.number % 2 else "buildstatic"
        query = {
            "parseType": spelling,
            "webId": f"{dice('web', column.host).getrandbits(32):08x}",
            "tplSetId": self._set_id(column),
            "pageType": "column",
            "tagId": "信息列表",
            "editType": "null",
            "pageId": self._page_id(column),
        }
        quoted = "{" + ",".join(f"'{k}':'{v}'" for k, v in query.items()) + "}"
        inner = (
            f'<div class="list-unit" id="unit_{column.number}">'
            f'<script parseType="{spelling}" url="{_UNIT}" querydata="{escape(quoted, quote=False)}">'
            "</script></div>"
        )
        return list_page(view, column, inner)

    def _unit(self, view: View, column: Column, ask: Ask) -> Page:
        page_number, per_page = ask.number("pageNo", 1), column.per_page
        try:
            params = json.loads(ask.value("paramJson") or "{}")
        except ValueError:
            params = {}
        if isinstance(params, dict):
            page_number = int(params.get("pageNo", page_number))
        known = ask.value("tplSetId") == self._set_id(column)
        standings = view.standings(column) if known else ()
        look = view.frame(column).look
        rows = self.rows(view, column, slice_of(standings, page_number, per_page))
        drawn = draw_rows(rows, look, shape=column.setting("row"), pattern=column.setting("date"))
        total = pages_of(len(standings), per_page)
        html = (
            f'<div class="page-content">{drawn}</div><div class="pages" id="page_{column.number}" '
            f'count="{total}" current="{page_number}" rows="{len(standings)}" '
            f'pagesize="{per_page}"></div>'
        )
        answer = {"success": True, "code": "200", "message": "", "data": {"html": html}}
        return Page(
            text=json.dumps(answer, ensure_ascii=False), mime="application/json", plain_utf8=True
        )
