"""A plain page around any article, and reading it."""

from datetime import UTC, datetime

from aggregator import parse
from tests.parse.articlepages import CRUMBS, FOOT, NAV, NOTICES, page

NOW = datetime(2026, 1, 10, 4, 0, tzinfo=UTC)
URL = "http://www.linxi.example/zwgk/tzgg/content_1.html"
NOTICE = NOTICES[0]
BAR = "<div class='xx'>发布时间：2025-08-13 09:37　来源：区经信局　【字体：大 中 小】　<a>打印</a></div>"


def read(html):
    return parse.read_article(
        html.encode(), url=URL, content_type=None, now=NOW, selector=None, learned=None
    )


def article(title, body, *, bar=BAR, head=None):
    """A page with one article, amid what pages are made of."""
    head = head or f"<title>{title}_临溪区人民政府</title>"
    return page(head, f"{NAV}{CRUMBS}<div class='art'><h1>{title}</h1>{bar}{body}</div>{FOOT}")
