"""What is read right on pages with gold answers, beside what libraries read right on them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from aggregator import normalise, parse
from aggregator.errors import SourceError
from quxun.bench import floors
from quxun.bench.golds import GoldPage, headlines_of, pages_of, sets_of
from quxun.bench.peers import NOBODY, ReadArticle, ReadHeadlines, ReadList, peers
from quxun.bench.scores import (
    Headline,
    HeadlineGold,
    Reading,
    Row,
    Scores,
    mean,
    score_article,
    score_headlines,
    score_rows,
)
from quxun.cli.reading import day_or_minute

OURS = "quxun"
#: Which answer of a reader each figure of an article is scored by.
_TOLD_BY = {
    "title_exact": "title", "date": "date", "source": "source", "body_f1": "text",
    "region": "regions", "doc_number": "doc_number", "attachments_found": "attachments",
}  # fmt: skip
HALVES = ("all", "A", "B")
_T = TypeVar("_T")
#: Our categories (DOMAIN §9) in the words of the gold, where they differ.
_GOLD_WORD = {
    "application": "policy", "interpretation": "policy", "guide": "process",
    "innovation": "tech", "notice": "other",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One reader on one half of one set: the mean of each figure over the pages."""

    set: str
    who: str
    half: str
    pages: int
    figures: dict[str, float]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """A page on which we are not wholly right, and where."""

    set: str
    page: str
    figures: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """All scores of a run; ``below`` names what does not reach its floor."""

    scores: list[Score]
    wrong: list[Wrong]
    missing: list[str]
    below: list[str]


@dataclass(frozen=True, slots=True)
class _Answer:
    """What one reader made of one page."""

    page: GoldPage
    scores: Scores
    seconds: float


def bench_quality(
    data: Path,
    *,
    sets: Sequence[str],
    now: datetime,
    with_peers: bool = True,
    say: Callable[[str], None],
) -> Quality:
    """Score every set of a folder, ourselves first, then each library that is there.

    Args:
        data: holds ``pages``, ``gold`` and perhaps ``titles.tsv``.
        sets: names below ``gold``, or ``titles``; empty for all.
        now: what a page without a year is dated by.
        with_peers: whether libraries are measured too.
        say: told what goes on.

    Raises:
        QuxunError: a set is not there.
    """
    others = peers() if with_peers else NOBODY
    titled = headlines_of(data)
    wanted = list(sets) or [*sets_of(data), *(["titles"] if titled else [])]
    scores: list[Score] = []
    wrong: list[Wrong] = []
    for name in wanted:
        say(name)
        if name == "titles":
            scores.extend(_of_headlines(titled, {OURS: _our_headlines, **others.headlines}))
            continue
        pages = pages_of(data, name)
        if name.startswith("article"):
            answers = _of_articles(pages, {OURS: partial(_our_article, now), **others.articles})
        else:
            foreign = others.feeds if name.startswith("feed") else others.lists
            answers = _of_lists(pages, {OURS: partial(_our_rows, now), **foreign})
        scores.extend(one for who, made in answers.items() for one in _summed(name, who, made))
        wrong.extend(
            Wrong(set=name, page=answer.page.name, figures=off)
            for answer in answers[OURS]
            if (off := {k: round(v, 4) for k, v in answer.scores.items() if v < 1})
        )
    return Quality(
        scores=scores,
        wrong=wrong,
        missing=list(others.missing),
        below=floors.shortfalls(_pinned(scores), among=_expected(wanted)),
    )


def _our_article(now: datetime, raw: bytes, url: str) -> Reading:
    """Read an article as ``quxun extract`` does; what we refuse is read empty."""
    try:
        article = parse.read_article(
            raw, url=url, content_type=None, now=now, selector=None, learned=None
        )
    except SourceError:
        return Reading()
    draft = normalise.draft_page(article, now=now)
    return Reading(
        title=draft.title,
        date=day_or_minute(draft),
        source=draft.source_label,
        text=draft.body_text,
        regions=tuple("|".join(region.path) for region in draft.regions),
        doc_number=draft.doc_number,
        attachments=len(draft.attachments),
    )


def _our_rows(now: datetime, raw: bytes, url: str, hint: str) -> list[Row]:
    """Read a list or feed as ``quxun parse`` does, without any hint."""
    del hint
    try:
        _, found = parse.detect(raw, url=url, content_type=None, now=now)
    except SourceError:
        return []
    return [Row(title=e.title, url=e.url, date=e.date) for e in found.entries]


def _our_headlines(titles: Sequence[str]) -> list[Headline]:
    """Classify titles as ``quxun classify`` does, no site given."""
    answers = []
    for title in titles:
        got = normalise.classify_title(title)
        slug = got.categories[0].slug if got.categories else "other"
        answers.append(
            Headline(
                regions=tuple("|".join(region.path) for region in got.regions),
                category=_GOLD_WORD.get(slug, slug),
            )
        )
    return answers


def _of_articles(
    pages: Sequence[GoldPage], readers: Mapping[str, ReadArticle]
) -> dict[str, list[_Answer]]:
    made: dict[str, list[_Answer]] = {}
    for who, read in readers.items():
        readings = []
        for page in pages:
            started = time.perf_counter()
            got = _tried(who, partial(read, page.raw, page.gold["url"]), Reading())
            readings.append((page, got, time.perf_counter() - started))
        silent = {
            figure
            for figure, field in _TOLD_BY.items()
            if not any(getattr(got, field) for _, got, _ in readings)
        }
        made[who] = [
            _Answer(page, _without(silent, score_article(page.raw, page.gold, got)), seconds)
            for page, got, seconds in readings
        ]
    return made


def _without(silent: set[str], scores: Scores) -> Scores:
    """The scores less what a reader never tells: that is no failure of it."""
    return {name: value for name, value in scores.items() if name not in silent}


def _of_lists(
    pages: Sequence[GoldPage], readers: Mapping[str, ReadList]
) -> dict[str, list[_Answer]]:
    made: dict[str, list[_Answer]] = {}
    for who, read in readers.items():
        readings = []
        for page in pages:
            items = page.gold["items"]
            hint = (items[0].get("shown") or items[0]["title"]) if items else ""
            started = time.perf_counter()
            nothing: list[Row] = []
            got = _tried(who, partial(read, page.raw, page.gold["url"], hint), nothing)
            readings.append((page, got, time.perf_counter() - started))
        dated = any(row.date for _, rows, _ in readings for row in rows)
        silent = set() if dated else {"dates"}
        made[who] = [
            _Answer(page, _without(silent, score_rows(page.gold, rows)), seconds)
            for page, rows, seconds in readings
        ]
    return made


def _of_headlines(
    golds: Sequence[HeadlineGold], readers: Mapping[str, ReadHeadlines]
) -> Iterator[Score]:
    for who, read in readers.items():
        started = time.perf_counter()
        answers = read([gold.title for gold in golds])
        seconds = time.perf_counter() - started
        pairs = list(zip(golds, answers, strict=True))
        for half in HALVES:
            chosen = [pair for pair in pairs if half in {"all", pair[0].half}]
            if chosen:
                yield Score(
                    set="titles",
                    who=who,
                    half=half,
                    pages=len(chosen),
                    figures=_rounded(score_headlines(chosen)),
                    seconds=round(seconds * len(chosen) / len(pairs), 3),
                )


def _tried(who: str, read: Callable[[], _T], empty: _T) -> _T:
    """What a reader answers; a library that raises has read nothing, a bug of ours is ours."""
    if who == OURS:
        return read()
    try:
        return read()
    except Exception:  # noqa: BLE001  # libraries raise what they like
        return empty


def _summed(name: str, who: str, answers: Sequence[_Answer]) -> Iterator[Score]:
    for half in HALVES:
        chosen = [one for one in answers if half in {"all", one.page.half}]
        if not chosen or (half != "all" and len(chosen) == len(answers)):
            continue
        keys = dict.fromkeys(key for one in chosen for key in one.scores)
        means = {key: mean(one.scores.get(key) for one in chosen) for key in keys}
        yield Score(
            set=name,
            who=who,
            half=half,
            pages=len(chosen),
            figures=_rounded({key: value for key, value in means.items() if value is not None}),
            seconds=round(sum(one.seconds for one in chosen), 3),
        )


def _rounded(figures: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in figures.items()}


def _pinned(scores: Iterable[Score]) -> dict[str, float]:
    """Our figures on whole sets by the names under which they are pinned."""
    return {
        f"{one.set}.{name}": value
        for one in scores
        if one.who == OURS and one.half == "all"
        for name, value in one.figures.items()
        if f"{one.set}.{name}" in floors.figures()
    }


def _expected(sets: Sequence[str]) -> list[str]:
    """The pinned figures of the sets that were asked for."""
    return [
        name
        for name, figure in floors.figures().items()
        if figure.needs == "real" and name.rpartition(".")[0] in sets
    ]
