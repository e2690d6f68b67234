"""Pages of a wanted size, made of the simulated country's own: lists and articles.

A list has one row for every three KB (20 rows on 60 KB, as columns have), an article's body is
half of its page. The rest is what stands around that on real portals: menus of short links,
inline scripts and style rules, to about the 12 tags a KB that real pages have.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from html import escape

from aggregator.normalise import SHANGHAI
from quxun.country import Column, Country, Notice, Size, Standing
from quxun.country.families import FAMILIES
from quxun.country.families.base import Ask, Page
from quxun.country.site import Site

#: Families whose lists are pages and whose rows stand in the page itself.
LISTS = ("trs", "guangdong", "boda", "shtml", "phpcms", "commercial")
#: Families whose articles are measured; their bodies are marked up in different ways.
ARTICLES = ("trs", "guangdong", "jcms", "boda", "shtml", "phpcms")
_NOW = datetime(2026, 11, 25, 10, 30, tzinfo=SHANGHAI)
_KB = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Sized:
    """A page of about ``kb`` KB; ``twin`` is another page of the same shape to learn from."""

    family: str
    kb: int
    url: str
    raw: bytes
    twin: bytes


class Press:
    """Prints pages of any size; makes its country once."""

    def __init__(self) -> None:
        country = Country(seed=7, size=Size(portals=12, notices_per_column=120), now=_NOW)
        self._site = Site(country, 80)
        self._columns: dict[str, Column] = {}
        for column in country.columns:
            self._columns.setdefault(column.family, column)

    def list_page(self, family: str, kb: int) -> Sized:
        """A list page of ``kb // 3`` rows."""
        column = self._columns[family]
        rows = kb // 3
        return Sized(
            family=family,
            kb=kb,
            url=self._site.origin(column.host) + column.path,
            raw=self._filled(self._list(column, rows), kb, "a"),
            twin=self._filled(self._list(column, rows - 1), kb, "b"),
        )

    def article_page(self, family: str, kb: int) -> Sized:
        """An article whose body fills half of ``kb`` KB."""
        column = self._columns[family]
        standings = [s for s in self._site.standings(column) if not s.attachment_only][:40]
        first, second = (
            self._filled(self._article(column, standings[at:], kb), kb, f"{at}") for at in (0, 1)
        )
        return Sized(
            family=family,
            kb=kb,
            url=self._site.origin(column.host) + self._site.shown(column, standings[0]).path,
            raw=first,
            twin=second,
        )

    def _list(self, column: Column, rows: int) -> str:
        ask = Ask(method="GET", path=column.path.partition("?")[0], query=_query(column), form={})
        page = FAMILIES[column.family].answer(self._site, replace(column, per_page=rows), ask)
        assert page is not None
        return page.text

    def _article(self, column: Column, standings: list[Standing], kb: int) -> str:
        page: Page = FAMILIES[column.family].article(
            _Long(self._site, standings, kb * _KB // 2), column, standings[0]
        )
        return page.text

    def _filled(self, page: str, kb: int, salt: str) -> bytes:
        """The page with menus, scripts and style until it has its size; as UTF-8."""
        page = page.replace("charset=gb2312", "charset=utf-8").replace(
            "charset=gbk", "charset=utf-8"
        )
        missing = kb * _KB - len(page.encode())
        style: list[str] = []
        script: list[str] = []
        menus: list[str] = []
        for number, share in _chunks(missing):
            piece = (
                f".m{number}{salt} .n{number}{{margin:{number % 7}px;color:#{number % 900 + 100}}}\n"
                if share == 0
                else f"var k{number}{salt}={{id:{number},url:'/g/{number}.js',show:function(a){{return a<{number};}}}};\n"
                if share == 1
                else f'<li class="m{number}"><a href="/g/{salt}{number}/">办事{number}</a></li>'
            )  # fmt: skip
            (style, script, menus)[share].append(piece)
        head = f"<style>{''.join(style)}</style><script>{''.join(script)}</script></head>"
        lists = "".join(
            f'<div class="wzdt{at}"><h4>网站导航</h4><ul>{"".join(menus[at : at + 12])}</ul></div>'
            for at in range(0, len(menus), 12)
        )
        return page.replace("</head>", head, 1).replace("</body>", f"{lists}</body>", 1).encode()


def _chunks(missing: int) -> Iterator[tuple[int, int]]:
    """Numbers of pieces to fill so many bytes, each with what it is (0 style, 1 script, 2 menu)."""
    sizes = (44, 62, 62)
    number = 0
    while missing > 0:
        share = number % 3
        missing -= sizes[share]
        yield number, share
        number += 1


def _query(column: Column) -> dict[str, str]:
    query = column.path.partition("?")[2]
    return dict(pair.split("=", 1) for pair in query.split("&") if "=" in pair)


class _Long:
    """The country's site, with notices made long by the paragraphs of those that follow."""

    def __init__(self, site: Site, standings: list[Standing], size: int) -> None:
        self._site = site
        self._standings = standings
        self._size = size
        self.standings = site.standings
        self.shown = site.shown
        self.neighbours = site.neighbours
        self.frame = site.frame
        self.origin = site.origin

    def notice(self, standing: Standing) -> Notice:
        """The notice with as many paragraphs of others as fill the size."""
        notice = self._site.notice(standing)
        body, size = list(notice.body), 0
        for turn in range(1, 1000):
            if size >= self._size:
                break
            other = self._site.notice(self._standings[turn % len(self._standings)])
            blocks = [
                replace(b, text=f"{b.text}（之{turn}）") for b in other.body if b.style == "p"
            ]
            size += sum(len(escape(block.text).encode()) + 20 for block in blocks)
            body[-2:-2] = blocks
        return replace(notice, body=tuple(body))
