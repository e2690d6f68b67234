"""What one article teaches about the next must never hide its text."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from flow_world import START

from aggregator.parse import read_article
from quxun.country import Country, Size
from quxun.country.site import Site


def test_no_article_teaches_to_read_another_wrongly():
    """A notice of one line once taught the shape of the sidebar: every later notice of that
    column had the sidebar for its body. Whatever a column's articles teach, all of them read
    as they do unaided, but for a line at the edge.
    """
    country = Country(size=Size(notices_per_column=8), now=START)
    site = Site(country, 80)
    wrong = []
    for column in country.columns:
        pages = [country.shown(column, one).path for one in country.standings(column)]
        alone = {path: read(site, column, path) for path in pages}
        for learned in {one.shape for one in alone.values() if one.shape}:
            wrong += [
                (column.family, path, learned)
                for path, one in alone.items()
                if unlike(read(site, column, path, learned).body_text, one.body_text)
            ]
    assert not wrong


def unlike(one: str, other: str) -> bool:
    return one != other and SequenceMatcher(None, one, other, autojunk=False).ratio() < 0.8


def read(site, column, path, learned=None):
    answer = site.answer(column.host, "GET", path, b"")
    kind = re.search(r"Content-Type: (.*)\r\n", answer.head.decode())
    return read_article(
        answer.body, url=f"http://{column.host}{path}", content_type=kind and kind[1], now=START,
        selector=None, learned=learned,
    )  # fmt: skip
