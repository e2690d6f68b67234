"""RSS 2.0 and Atom as portals write them, dates in all their shapes."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape

from quxun.country.families.base import Ask, Family, Page, View, first_sentence, slice_of
from quxun.country.model import SHANGHAI, Column, SourceKind, Standing

_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def _xml(text: str) -> str:
    return escape(_CONTROLS.sub("", text), quote=False)


class Rss(Family):
    """``/rss/zcwj.xml``; setting ``date`` picks the shape of ``pubDate``."""

    name = "rss"
    kind = SourceKind.FEED
    body_class = ("article-content", "zoom", "view")

    def column_path(self, slug: str, number: int, generation: int) -> str:
        """One file a column."""
        return f"/rss{generation or ''}/{slug}_{number}.xml"

    def article_path(self, column: Column, standing: Standing) -> str:
        """``/public/1041/123456.html``."""
        return f"/public{column.generation or ''}/{column.number}/{standing.number}.html"

    def answer(self, view: View, column: Column, ask: Ask) -> Page | None:
        """The newest entries, ``per_page`` of them."""
        if ask.path != column.path:
            return None
        origin, name = view.origin(column.host), view.frame(column).portal.name
        shape = column.setting("feed", "rfc822")
        items = "".join(
            self._item(view, column, standing, origin, shape)
            for standing in slice_of(view.standings(column), 1, column.per_page)
        )
        label = view.frame(column).portal.habits.label or "utf-8"
        text = (
            f'<?xml version="1.0" encoding="{label}"?>\n<rss version="2.0"><channel>'
            f"<title>{_xml(name)}-{column.name}</title><link>{origin}/</link>"
            f"<description>{_xml(name)}{column.name}</description><language>zh-cn</language>\n"
            f"{items}</channel></rss>\n"
        )
        return Page(text=text, mime=column.setting("mime", "application/rss+xml"))

    def _item(self, view: View, column: Column, standing: Standing, origin: str, shape: str) -> str:
        shown = view.shown(column, standing)
        title, link = _xml(shown.title), origin + shown.path
        summary = _xml(self.summary(view, column, standing))
        if shape == "cdata":
            title = f"<![CDATA[ {_CONTROLS.sub('', shown.title)} ]]>"
            link = f"<![CDATA[ {link} ]]>"
        guid = f'<guid isPermaLink="false">{column.number}-{standing.number}</guid>'
        return (
            f"<item><title>{title}</title><link>{link}</link>{guid if shape != 'cdata' else ''}"
            f"<pubDate>{rss_date(standing.posted_at, shape)}</pubDate>"
            f"<author>{shown.source}</author><description>{summary}</description></item>\n"
        )

    def summary(self, view: View, column: Column, standing: Standing) -> str:
        """What an entry says of its article; nothing where the column is lean."""
        if column.setting("lean"):
            return ""
        return first_sentence(view.notice(standing))[:120]


class Atom(Rss):
    """``/atom/zcwj.xml`` with ids, updated and HTML content."""

    name = "atom"

    def column_path(self, slug: str, number: int, generation: int) -> str:
        """One file a column."""
        return f"/atom{generation or ''}/{slug}_{number}.xml"

    def answer(self, view: View, column: Column, ask: Ask) -> Page | None:
        """The newest entries."""
        if ask.path != column.path:
            return None
        origin, name = view.origin(column.host), view.frame(column).portal.name
        standings = slice_of(view.standings(column), 1, column.per_page)
        newest = max((s.changed_at for s in standings), default=datetime(2026, 1, 1, tzinfo=UTC))
        entries = "".join(self._entry(view, column, s, origin) for s in standings)
        label = view.frame(column).portal.habits.label or "utf-8"
        text = (
            f'<?xml version="1.0" encoding="{label}"?>\n'
            f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="zh-CN"><title>{_xml(name)}'
            f"-{column.name}</title><id>{origin}{column.path}</id>"
            f'<link href="{origin}{column.path}" rel="self"/>'
            f"<updated>{newest.astimezone(SHANGHAI).isoformat('T', 'seconds')}</updated>\n{entries}</feed>\n"
        )
        return Page(text=text, mime=column.setting("mime", "application/atom+xml"))

    def _entry(self, view: View, column: Column, standing: Standing, origin: str) -> str:
        shown = view.shown(column, standing)
        link = origin + shown.path
        posted = standing.posted_at.isoformat("T", "seconds")
        changed = standing.changed_at.astimezone(SHANGHAI).isoformat("T", "seconds")
        summary = self.summary(view, column, standing)
        content = f'<content type="html">{_xml(f"<p>{summary}</p>")}</content>' if summary else ""
        return (
            f'<entry><title>{_xml(shown.title)}</title><id>{link}</id><link href="{link}"/>'
            f"<published>{posted}</published><updated>{changed}</updated>"
            f"<author><name>{shown.source}</name></author>{content}</entry>\n"
        )


def rss_date(when: datetime, shape: str) -> str:
    """``pubDate`` in one of the shapes that occur."""
    local = when.astimezone(SHANGHAI)
    if shape == "cdata":
        return f"{local:%Y-%m-%d %H:%M:%S}.0"
    if shape == "plain":
        return f"{local:%Y-%m-%d %H:%M:%S}"
    if shape == "gmt":
        return format_datetime(when.astimezone(UTC), usegmt=True)
    if shape == "slashes":
        return f"{local:%Y/%m/%d}"
    return format_datetime(local)
