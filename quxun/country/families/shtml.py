"""The shtml families: ``list.shtml`` with ``column-index-2.shtml``, and their search as JSON."""

from __future__ import annotations

import json
import re

from quxun.country.dice import dice
from quxun.country.families.base import (
    Ask,
    Family,
    Page,
    View,
    first_sentence,
    listing,
    mark_pins,
    pages_of,
    slice_of,
    with_pins,
)
from quxun.country.model import Column, SourceKind, Standing


class Shtml(Family):
    """``/gk/c100721/list.shtml``, body in ``<ucapcontent>``, date in ``<publishtime>``."""

    name = "shtml"
    body_class = ("ucapcontent", "#UCAP-CONTENT")

    def column_path(self, slug: str, number: int, generation: int) -> str:
        """``/gk/c100721/zcwj.shtml``."""
        return f"/gk{generation or ''}/c{number}/{slug}.shtml"

    def article_path(self, column: Column, standing: Standing) -> str:
        """``/gk/c100721/2025-08/13/content_123.shtml``."""
        base = column.path.rsplit("/", 1)[0]
        return f"{base}/{standing.posted_at:%Y-%m/%d}/content_{standing.number}.shtml"

    def href(self, view: View, column: Column, path: str) -> str:
        """With the host and no scheme."""
        return view.origin(column.host).removeprefix("http:") + path

    def answer(self, view: View, column: Column, ask: Ask) -> Page | None:
        """``zcwj.shtml`` and ``column-index-N.shtml`` beside it."""
        base = re.escape(column.path.rsplit("/", 1)[0])
        found = re.fullmatch(base + r"/column-index-(\d{1,5})\.shtml", ask.path)
        if ask.path != column.path and not found:
            return None
        current = int(found[1]) if found else 1
        standings = view.standings(column)
        total = pages_of(len(standings), column.per_page)
        if not 1 <= current <= total:
            return None
        on_page = slice_of(standings, current, column.per_page)
        shown = with_pins(view, column, on_page, current)
        rows = mark_pins(self.rows(view, column, shown), len(shown) - len(on_page))
        links = "".join(
            f'<a href="{self._page_name(column, n)}"{" class=on" if n == current else ""}>{n}</a>'
            for n in range(1, total + 1)
        )
        after = ""
        if current < total:
            after = f'<a href="{self._page_name(column, current + 1)}">&gt;</a>'
        return listing(view, column, rows, f'<div class="pagination">{links}{after}</div>')

    def _page_name(self, column: Column, page_number: int) -> str:
        if page_number == 1:
            return column.path.rsplit("/", 1)[1]
        return f"column-index-{page_number}.shtml"

    def container(self, name: str, inner: str) -> str:
        """The family's own element around the text."""
        if name.startswith("#"):
            return f'<div id="{name[1:]}">{inner}</div>'
        return f"<ucapcontent>{inner}</ucapcontent>"

    def under_heading(self, standing: Standing) -> str:
        """The family's own date element."""
        return f"<publishtime>{standing.posted_at:%Y-%m-%d %H:%M}</publishtime>"


class Search(Shtml):
    """The family's list as JSON: ``/common/search/<hex>?_pageSize=20&_isJson=true``."""

    name = "search"
    kind = SourceKind.JSON

    def column_path(self, slug: str, number: int, generation: int) -> str:
        """The address the portal's own script asks."""
        channel = f"{dice('channel', slug, number, generation).getrandbits(128):032x}"
        return (
            f"/common/search/{channel}?_isAgg=true&_isJson=true&_pageSize=20&_template=index&page=1"
        )

    def article_path(self, column: Column, standing: Standing) -> str:
        """Beside the family's other articles."""
        base = f"/gk{column.generation or ''}/c{column.number}"
        return f"{base}/{standing.posted_at:%Y%m}/content_{standing.number}.shtml"

    def answer(self, view: View, column: Column, ask: Ask) -> Page | None:
        """``data.results`` with title, url and times."""
        if ask.path != column.path.split("?", 1)[0]:
            return None
        standings = view.standings(column)
        size = min(100, ask.number("_pageSize", 20) or 20)
        results = []
        for standing in slice_of(standings, ask.number("page", 1) or 1, size):
            shown = view.shown(column, standing)
            item: dict[str, object] = {
                "title": shown.title,
                "url": shown.path,
                "source": shown.source,
                "channelName": column.name,
                "publishedTimeStr": f"{standing.posted_at:%Y-%m-%d %H:%M:%S}",
                "subTitle": "",
                "content": first_sentence(view.notice(standing)),
            }
            if column.number % 2:
                del item["publishedTimeStr"]
                item["publishedTime"] = int(standing.posted_at.timestamp() * 1000)
            results.append(item)
        data = {
            "results": results,
            "total": len(standings),
            "page": ask.number("page", 1) or 1,
            "rows": size,
        }
        text = json.dumps({"data": data, "code": 200, "msg": "success"}, ensure_ascii=False)
        return Page(text=text, mime="application/json", plain_utf8=True)
