"""Libraries that read pages too, measured on the same pages in the same run.

They are no dependencies of the service: the extra ``bench`` installs them, one that is missing
is named with the way to get it. They get what their manuals ask for and no help beyond that.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from quxun.bench.scores import Headline, Reading, Row, day_of, plain_decode, squeeze

#: How the libraries are installed.
INSTALL = "make .venv/bench.stamp (or pip install 'quxun[bench]')"
_SHORT_LINK = 6
_LONG_ROW = 300

ReadArticle = Callable[[bytes, str], Reading]
ReadList = Callable[[bytes, str, str], list[Row]]
ReadHeadlines = Callable[[Sequence[str]], list[Headline]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Peers:
    """The libraries that are there, by name, and those that are not."""

    articles: dict[str, ReadArticle]
    lists: dict[str, ReadList]
    feeds: dict[str, ReadList]
    headlines: dict[str, ReadHeadlines]
    missing: tuple[str, ...]


#: For a run that measures nobody but us.
NOBODY = Peers(articles={}, lists={}, feeds={}, headlines={}, missing=())


def peers() -> Peers:
    """Find the libraries; a page that one of them fails on counts as read empty."""
    there, missing = {"dated links"}, []
    for module, package in _MODULES.items():
        try:
            with warnings.catch_warnings(action="ignore"):
                importlib.import_module(module)
            there.add(package)
        except ImportError as error:
            missing.append(f"{package} is not measured ({error}); get it with: {INSTALL}")
    return Peers(
        articles={name: read for name, read in _ARTICLES.items() if name in there},
        lists={name: read for name, read in _LISTS.items() if name in there},
        feeds={"feedparser": _feedparser},
        headlines={"cpca": _cpca} if "cpca" in there else {},
        missing=tuple(missing),
    )  # fmt: skip


def _module(name: str) -> Any:
    return importlib.import_module(name)


def _trafilatura(raw: bytes, url: str) -> Reading:
    got = _module("trafilatura").bare_extraction(
        raw, url=url, with_metadata=True, include_comments=False
    )
    if got is None:
        return Reading()
    found = got if isinstance(got, dict) else got.as_dict()
    return Reading(
        title=found.get("title"),
        date=found.get("date"),
        source=found.get("author"),
        text=found.get("text"),
    )


def _gne(raw: bytes, url: str) -> Reading:
    del url
    found = _module("gne").GeneralNewsExtractor().extract(plain_decode(raw), host="")
    return Reading(
        title=found.get("title"),
        date=found.get("publish_time"),
        source=found.get("author"),
        text=found.get("content"),
    )


def _readability(raw: bytes, url: str) -> Reading:
    del url
    document = _module("readability").Document(plain_decode(raw))
    text = str(_module("lxml.html").fromstring(document.summary()).text_content())
    return Reading(title=document.short_title(), text=text)


def _resiliparse(raw: bytes, url: str) -> Reading:
    del url
    tree = _module("resiliparse.parse.html").HTMLTree.parse(plain_decode(raw))
    text = _module("resiliparse.extract.html2text").extract_plain_text(tree, main_content=True)
    return Reading(title=tree.title, text=text)


def _htmldate(raw: bytes, url: str) -> Reading:
    del url
    return Reading(date=_module("htmldate").find_date(plain_decode(raw), original_date=True))


def _gne_list(raw: bytes, url: str, hint: str) -> list[Row]:
    """It needs the text of one row: it is given the first one of the gold."""
    with contextlib.redirect_stdout(io.StringIO()):
        found = _module("gne").ListPageExtractor().extract(plain_decode(raw), feature=hint)
    return [Row(title=x.get("title"), url=urljoin(url, x.get("url") or "")) for x in found]


def _dated_links(raw: bytes, url: str, hint: str) -> list[Row]:
    """No library but a rule: the first link of every row that holds a date."""
    del hint
    rows = []
    for row in (
        _module("lxml.html")
        .document_fromstring(plain_decode(raw))
        .xpath("//li[not(.//li)]|//tr[not(.//tr)]|//dd")
    ):
        text = " ".join(row.text_content().split())
        day = day_of(text)
        links = [
            a for a in row.xpath(".//a[@href]") if len(squeeze(a.text_content())) > _SHORT_LINK
        ]
        if day and links and len(text) < _LONG_ROW:
            link = links[0]
            title = link.get("title") or " ".join(link.text_content().split())
            rows.append(Row(title=title, url=urljoin(url, link.get("href")), date=day))
    return rows


def _feedparser(raw: bytes, url: str, hint: str) -> list[Row]:
    """As it is used everywhere: dates as it understands them."""
    del url, hint
    rows = []
    for entry in _module("feedparser").parse(raw).entries:
        when = entry.get("published_parsed") or entry.get("updated_parsed")
        day = time.strftime("%Y-%m-%d", when) if when else None
        rows.append(Row(title=entry.get("title"), url=entry.get("link"), date=day))
    return rows


def _cpca(titles: Sequence[str]) -> list[Headline]:
    frame = _module("cpca").transform(list(titles))
    answers = []
    for _, row in frame.iterrows():
        names = [x if isinstance(x, str) else "" for x in (row["省"], row["市"], row["区"])]
        answers.append(Headline(regions=("|".join(names),) if any(names) else ()))
    return answers


#: Module to import → package that brings it.
_MODULES = {
    "trafilatura": "trafilatura",
    "gne": "gne",
    "readability": "readability-lxml",
    "resiliparse.extract.html2text": "resiliparse",
    "htmldate": "htmldate",
    "cpca": "cpca",
}
_ARTICLES: dict[str, ReadArticle] = {
    "trafilatura": _trafilatura,
    "gne": _gne,
    "readability-lxml": _readability,
    "resiliparse": _resiliparse,
    "htmldate": _htmldate,
}
_LISTS: dict[str, ReadList] = {"gne": _gne_list, "dated links": _dated_links}
