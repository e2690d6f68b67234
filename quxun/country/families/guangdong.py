"""The Guangdong family: ``/content/post_N.html``, ``index_2.html``, and its gkmlpt platform."""

from __future__ import annotations

import json
import re

from quxun.country.families.base import (
    Ask,
    Family,
    Page,
    View,
    list_page,
    listing,
    mark_pins,
    pages_of,
    slice_of,
    with_pins,
)
from quxun.country.model import Column, SourceKind, Standing


class Guangdong(Family):
    """Absolute links, a visible pager of links."""

    name = "guangdong"
    body_class = ("article-content", "zw", "view")

    def column_path(self, slug: str, number: int, generation: int) -> str:
        """``/zfxxgk/zcwj/index.html``."""
        del number
        return f"/zfxxgk{generation or ''}/{slug}/index.html"

    def article_path(self, column: Column, standing: Standing) -> str:
        """``…/content/post_1234567.html``."""
        return f"{column.path.rsplit('/', 1)[0]}/content/post_{standing.number}.html"

    def href(self, view: View, column: Column, path: str) -> str:
        """Absolute."""
        return view.origin(column.host) + path

    def answer(self, view: View, column: Column, ask: Ask) -> Page | None:
        """``index.html``, ``index_N.html``; the directory too."""
        base = column.path.rsplit("/", 1)[0]
        found = re.fullmatch(re.escape(base) + r"/(?:index(?:_(\d{1,5}))?\.html)?", ask.path)
        if not found:
            return None
        standings = view.standings(column)
        total = pages_of(len(standings), column.per_page)
        current = int(found[1] or 1)
        if not 1 <= current <= total or found[1] in ("0", "1"):
            return None
        on_page = slice_of(standings, current, column.per_page)
        shown = with_pins(view, column, on_page, current)
        rows = mark_pins(self.rows(view, column, shown), len(shown) - len(on_page))
        links = []
        root = view.origin(column.host) + base

        def link(page: int, text: str, css: str) -> str:
            name = "index.html" if page == 1 else f"index_{page}.html"
            return f'<a class="{css}" href="{root}/{name}">{text}</a>'

        if current > 1:
            links.append(link(current - 1, "上一页", "prev"))
        near = range(max(1, current - 3), min(total, current + 3) + 1)
        links += [
            f"<span class='current'>{n}</span>" if n == current else link(n, str(n), "num")
            for n in near
        ]
        if current < total:
            links.append(link(current + 1, "下一页", "next"))
            links.append(link(total, "尾页", "last"))
        return listing(view, column, rows, f'<div class="page">{"".join(links)}</div>')


class Gkmlpt(Family):
    """The disclosure platform: a page with ``_CONFIG``, and the list as JSON."""

    name = "gkmlpt"
    kind = SourceKind.JSON
    body_class = ("article-content",)

    def column_path(self, slug: str, number: int, generation: int) -> str:
        """The JSON of the column's first page."""
        del slug
        return f"/gkmlpt/api/all/{number}?page=1&sid={200 + generation}"

    def article_path(self, column: Column, standing: Standing) -> str:
        """``/gkmlpt/content/7/7123/post_7123456.html``."""
        del column
        number = str(standing.number)
        return f"/gkmlpt/content/{number[0]}/{number[:4]}/post_{number}.html"

    def answer(self, view: View, column: Column, ask: Ask) -> Page | None:
        """The platform's page, or the JSON of one column."""
        if ask.path in ("/gkmlpt/index", "/gkmlpt/"):
            return self._index(view, column)
        if ask.path != f"/gkmlpt/api/all/{column.number}":
            return None
        if ask.value("sid") != str(200 + column.generation):
            empty = {"classify": {}, "articles": [], "total": 0}
            return Page(text=json.dumps(empty), mime="application/json", plain_utf8=True)
        standings = view.standings(column)
        articles = []
        for standing in slice_of(standings, ask.number("page", 1), column.per_page):
            shown = view.shown(column, standing)
            seconds = int(standing.posted_at.timestamp())
            articles.append(
                {
                    "id": standing.number,
                    "title": shown.title,
                    "url": view.origin(column.host) + shown.path,
                    "publisher": shown.source,
                    "date": seconds,
                    "display_publish_time": seconds,
                    "created_at": f"{standing.posted_at:%Y-%m-%d %H:%M:%S}",
                    "is_expired": 0,
                }
            )
        answer = {
            "classify": {"id": column.number, "name": column.name, "type": 0},
            "articles": articles,
            "total": len(standings),
        }
        return Page(
            text=json.dumps(answer, ensure_ascii=column.number % 2 == 0),
            mime="application/json",
            plain_utf8=True,
        )

    def _index(self, view: View, column: Column) -> Page:
        portal = view.frame(column).portal
        tree = [
            {"id": other.number, "name": other.name, "children": []}
            for other in portal.columns
            if other.family == self.name
        ]
        config = json.dumps({"SITE_ID": 200 + column.generation, "TREE": tree}, ensure_ascii=False)
        inner = (
            f'<div id="app"></div><script>window._CONFIG = {config};</script>'
            '<script src="/gkmlpt/js/app.js"></script>'
        )
        return list_page(view, column, inner)
