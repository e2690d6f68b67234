"""How long one page takes: read unaided, read by what was learned, beside libraries.

Milliseconds are CPU time of this process, the best of many runs: nothing here waits, and other
work on the machine is left out of it. The pages are the simulated country's and, where they
are there, third-party ones; libraries get the same bytes in the same run.
"""

from __future__ import annotations

import contextlib
import io
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from aggregator import normalise, parse
from aggregator.errors import SourceError
from aggregator.model import Article, Selectors
from quxun.bench import floors
from quxun.bench.golds import pages_of, sets_of
from quxun.bench.pages import ARTICLES, LISTS, Press, Sized
from quxun.bench.peers import NOBODY, Peers, peers

KB = 60
#: A usual article: the median of the real articles that the rules are tried on.
USUAL_KB = 27
GROWTH = (30, 60, 120, 240)
LEARNED, KNOWN, WHOLE = "quxun, unaided", "quxun, shape known", "quxun, with its facts"
_ENOUGH_SECONDS = 0.15
_AT_LEAST, _AT_MOST = 5, 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """One reader on some pages.

    ``ms`` is the mean over the pages of each page's best run, ``slowest_ms`` that of the page
    that takes longest. ``spread`` is the median run over the best (1.1: it took 10 % longer).
    ``of_ours`` is ``ms`` over that of our unaided reading of the same pages.
    """

    pages: str
    who: str
    count: int
    kb: float
    ms: float
    slowest_ms: float
    spread: float
    of_ours: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """How reading a kind of page grows: ms by KB, and ms a KB of the largest over the smallest."""

    pages: str
    ms: dict[int, float]
    ratio: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadTimes:
    """All times of a run; ``below`` names those that are too long."""

    timings: list[Timing]
    growth: list[Growth]
    missing: list[str]
    below: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """A page to read; its shape is learned from ``twin``, another page of the source."""

    raw: bytes
    twin: bytes
    url: str
    hint: str = ""


#: Makes ready what is not timed, and hands over what is.
_Reader = Callable[[_Page], Callable[[], object]]


def bench_read(
    data: Path | None, *, now: datetime, with_peers: bool = True, say: Callable[[str], None]
) -> ReadTimes:
    """Time lists and articles.

    Args:
        data: third-party pages with gold answers; None to measure our own alone.
        now: what a page without a year is dated by.
        with_peers: whether libraries are timed too.
        say: told what goes on.
    """
    others = peers() if with_peers else NOBODY
    press = Press()
    readers: dict[str, dict[str, _Reader]] = {
        "list": {LEARNED: partial(_list_learned, now), KNOWN: partial(_list_known, now)},
        "article": {
            LEARNED: partial(_article_learned, now),
            KNOWN: partial(_article_known, now),
            WHOLE: partial(_article_whole, now),
        },
    }
    made: dict[str, Callable[[int], list[_Page]]] = {
        "list": lambda kb: [_printed(press.list_page(family, kb), now) for family in LISTS],
        "article": lambda kb: [_printed(press.article_page(family, kb)) for family in ARTICLES],
    }
    foreign = {"list": _list_peers(others), "article": _article_peers(others)}
    timings: list[Timing] = []
    growth: list[Growth] = []
    measured: dict[str, float] = {}
    for kind, ours in readers.items():
        say(f"{kind}s of {KB} KB")
        one = _timed(f"{kind}s of {KB} KB", made[kind](KB), {**ours, **foreign[kind]})
        timings.extend(one)
        measured[f"read.{kind}.learned_ms"] = one[0].ms
        known = one[1]
        if kind == "article":
            # The ceiling of a known article is that of a usual one; the large one stands beside it.
            say(f"{kind}s of {USUAL_KB} KB")
            usual = _timed(
                f"{kind}s of {USUAL_KB} KB", made[kind](USUAL_KB), {**ours, **foreign[kind]}
            )
            timings.extend(usual)
            known = usual[1]
        measured[f"read.{kind}.known_ms"] = known.ms
        say(f"{kind}s of {', '.join(map(str, GROWTH))} KB")
        growth.append(_grown(f"{kind}s", {kb: made[kind](kb) for kb in GROWTH}, ours[LEARNED]))
        measured[f"read.{kind}.growth"] = growth[-1].ratio
    for name in sets_of(data) if data else ():
        kind = name.partition("-")[0]
        if data and kind in readers:
            say(f"third-party pages: {name}")
            timings.extend(
                _timed(f"third-party {name}", _real(data, name), {**readers[kind], **foreign[kind]})
            )
    pinned = [name for name in floors.figures() if name.startswith("read.")]
    return ReadTimes(
        timings=timings,
        growth=growth,
        missing=list(others.missing),
        below=floors.shortfalls(measured, among=pinned),
    )


def _printed(page: Sized, now: datetime | None = None) -> _Page:
    """A page of ours; with ``now`` it is a list, and its first title is the hint for gne."""
    hint = ""
    if now:
        _, reading = parse.detect(page.raw, url=page.url, content_type=None, now=now)
        hint = reading.entries[0].title
    return _Page(raw=page.raw, twin=page.twin, url=page.url, hint=hint)


def _real(data: Path, name: str) -> list[_Page]:
    """Third-party pages; each is its own twin, because its source is one page."""
    pages = []
    for page in pages_of(data, name):
        items = page.gold.get("items") or [{"title": ""}]
        hint = items[0].get("shown") or items[0]["title"]
        pages.append(_Page(raw=page.raw, twin=page.raw, url=page.gold["url"], hint=hint))
    return pages


def _list_learned(now: datetime, page: _Page) -> Callable[[], object]:
    return partial(parse.detect, page.raw, url=page.url, content_type=None, now=now)


def _list_known(now: datetime, page: _Page) -> Callable[[], object]:
    kind, first = parse.detect(page.twin, url=page.url, content_type=None, now=now)
    return partial(
        parse.read_list, page.raw, url=page.url, content_type=None, kind=kind, now=now,
        selectors=Selectors(), learned=first.learned, json_paths={},
    )  # fmt: skip


def _article_learned(now: datetime, page: _Page) -> Callable[[], Article]:
    return partial(
        parse.read_article, page.raw, url=page.url, content_type=None, now=now, selector=None,
        learned=None,
    )  # fmt: skip


def _article_known(now: datetime, page: _Page) -> Callable[[], object]:
    first = parse.read_article(
        page.twin, url=page.url, content_type=None, now=now, selector=None, learned=None
    )
    return partial(
        parse.read_article, page.raw, url=page.url, content_type=None, now=now, selector=None,
        learned=first.shape,
    )  # fmt: skip


def _article_whole(now: datetime, page: _Page) -> Callable[[], object]:
    read = _article_learned(now, page)
    return lambda: normalise.draft_page(read(), now=now)


def _article_peers(others: Peers) -> dict[str, _Reader]:
    return {
        name: lambda page, read=read: partial(read, page.raw, page.url)  # type: ignore[misc]
        for name, read in others.articles.items()
    }


def _list_peers(others: Peers) -> dict[str, _Reader]:
    return {
        name: lambda page, read=read: partial(read, page.raw, page.url, page.hint)  # type: ignore[misc]
        for name, read in others.lists.items()
    }


def _timed(name: str, pages: Sequence[_Page], readers: Mapping[str, _Reader]) -> list[Timing]:
    """Time each reader on each page; one that fails on a page is not timed on it."""
    timings: list[Timing] = []
    for who, reader in readers.items():
        runs = [(page, got) for page in pages if (got := _runs(reader, page))]
        if not runs:
            continue
        bests = [min(got) * 1000 for _, got in runs]
        ms = statistics.fmean(bests)
        timings.append(
            Timing(
                pages=name,
                who=who,
                count=len(runs),
                kb=round(statistics.fmean(len(page.raw) / 1024 for page, _ in runs), 1),
                ms=round(ms, 3),
                slowest_ms=round(max(bests), 3),
                spread=round(statistics.fmean(statistics.median(g) / min(g) for _, g in runs), 2),
                of_ours=round(ms / (timings[0].ms if timings else ms), 2),
            )
        )
    return timings


def _grown(name: str, pages: Mapping[int, Sequence[_Page]], reader: _Reader) -> Growth:
    ms = {
        kb: statistics.fmean(min(_runs(reader, page)) * 1000 for page in some)
        for kb, some in pages.items()
    }
    small, large = min(ms), max(ms)
    return Growth(
        pages=name,
        ms={kb: round(value, 3) for kb, value in ms.items()},
        ratio=round(ms[large] / large / (ms[small] / small), 3),
    )


def _runs(reader: _Reader, page: _Page) -> list[float]:
    """CPU seconds of each run; none where the reader cannot read the page."""
    seconds: list[float] = []
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            run = reader(page)
            run()
        except SourceError:
            raise
        except Exception:  # noqa: BLE001  # libraries raise what they like
            return seconds
        while len(seconds) < _AT_LEAST or (
            sum(seconds) < _ENOUGH_SECONDS and len(seconds) < _AT_MOST
        ):
            started = time.process_time()
            run()
            seconds.append(time.process_time() - started)
    return seconds


def rows_of(times: ReadTimes) -> Iterator[tuple[str, list[tuple[object, ...]]]]:
    """The timings as tables: a title and rows for each kind of pages."""
    for name in dict.fromkeys(one.pages for one in times.timings):
        yield (
            name,
            [
                (t.who, t.count, t.kb, t.ms, t.slowest_ms, t.spread, t.of_ours)
                for t in times.timings
                if t.pages == name
            ],
        )
