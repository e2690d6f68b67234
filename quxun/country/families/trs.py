"""TRS WCM: ``index_1.html`` is page 2, links are relative, the pager is script."""

from __future__ import annotations

import re

from quxun.country.dice import dice
from quxun.country.families.base import (
    Ask,
    Family,
    Page,
    View,
    listing,
    mark_pins,
    pages_of,
    slice_of,
    with_pins,
)
from quxun.country.model import Attachment, Column, Standing


class Trs(Family):
    """Directory lists, ``./202508/t20250813_12345.html`` articles."""

    name = "trs"
    body_class = ("TRS_Editor", "TRS_UEDITOR", "trs_editor_view TRS_UEDITOR", "trs_paper_default")

    def column_path(self, slug: str, number: int, generation: int) -> str:
        """``/zwgk/zcwj/``."""
        del number
        return f"/zwgk{generation or ''}/{slug}/"

    def article_path(self, column: Column, standing: Standing) -> str:
        """``…/202508/t20250813_12345.html``."""
        day = standing.posted_at
        return f"{column.path}{day:%Y%m}/t{day:%Y%m%d}_{standing.number}.html"

    def href(self, view: View, column: Column, path: str) -> str:
        """Relative to the list."""
        del view
        return "./" + path.removeprefix(column.path)

    def file_href(
        self, view: View, column: Column, standing: Standing, order: int, file: Attachment
    ) -> str:
        """Relative to the article."""
        del view
        return "./" + self.attachment_path(column, standing, order, file).rsplit("/", 1)[1]

    def answer(self, view: View, column: Column, ask: Ask) -> Page | None:
        """The directory, ``index.html``, ``index_N.html``."""
        found = re.fullmatch(re.escape(column.path) + r"(?:index(?:_(\d{1,5}))?\.html?)?", ask.path)
        if not found:
            return None
        standings = view.standings(column)
        total = pages_of(len(standings), column.per_page)
        current = int(found[1] or 0)
        if current >= total:
            return None
        on_page = slice_of(standings, current + 1, column.per_page)
        shown = with_pins(view, column, on_page, current + 1)
        rows = mark_pins(self.rows(view, column, shown), len(shown) - len(on_page))
        call = dice("pager", column.host).choice(
            (
                f'createPageHTML({total}, {current}, "index", "html");',
                f'createPageHTML("page_div", {total}, {current + 1}, "index", "html", {len(standings)});',
                f'createPage({total}, {current}, "index", "html");',
            )
        )
        pager = f'<div class="page" id="page_div"><script>{call}</script></div>'
        return listing(view, column, rows, pager)
