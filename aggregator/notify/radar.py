"""The radar of weekly mails: what was begun where, beside the four weeks before.

Sums are of single projects only: what a text states for several together is shown apart, and
what was merely signed for is called a promise (DOMAIN.md §11).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from aggregator import divisions
from aggregator.filters import money
from aggregator.model import Filter, ProjectNews, Radar, RadarRow
from aggregator.notify.words import Words
from aggregator.text import shorten

#: Weeks that the mean is taken of.
WEEKS_BEFORE: Final = 4
MOST_ROWS: Final = 8
#: Bars are told in so many steps: cells of a table, no pictures.
STEPS: Final = 20
#: All of them; no wish names a place by it.
COUNTRY: Final = ""
_NAME_LENGTH = 14
#: A project that got no further than these is promised, not begun.
_PROMISES = frozenset({"谋划", "储备", "在谈", "意向", "签约", "落户"})
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class RadarLine:
    """A row of the radar as templates print it: bars, and what is left beside them, in steps."""

    name: str
    projects: str
    sums: str
    now: int
    now_rest: int
    mean: int
    mean_rest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The projects of a week counted by region, once for all readers of a run.

    ``busiest`` names, for every region, those right in it or below it where most was going on.
    """

    since: date
    until: date
    young: bool
    rows: Mapping[str, RadarRow]
    busiest: Mapping[str, tuple[str, ...]]


def tally_of(news: Iterable[ProjectNews], *, until: date, first: date | None) -> Tally:
    """Count projects by every region that holds them, and in all.

    Args:
        news: projects made public in the last five weeks.
        until: the day after the week, in Shanghai.
        first: the first day on which anything was watched.
    """
    since = until - _WEEK
    counted: dict[str, list[ProjectNews]] = defaultdict(list)
    active: dict[str, Counter[str]] = defaultdict(Counter)
    for one in news:
        for code in {COUNTRY, *one.region_roll}:
            counted[code].append(one)
        for code in one.regions if since <= one.posted_on < until else ():
            for above in {COUNTRY, *divisions.roll(code)} - {code}:
                active[above][code] += 1
    return Tally(
        since=since,
        until=until,
        young=first is None or first > since - WEEKS_BEFORE * _WEEK,
        rows={
            code: _row(code, some, since=since, until=until)
            for code, some in counted.items()
            if _name(code)
        },
        busiest={
            above: tuple(sorted(found, key=lambda code: (-found[code], code))[:MOST_ROWS])
            for above, found in active.items()
        },
    )


def radar_of(tally: Tally, wishes: Sequence[Filter]) -> Radar | None:
    """The radar of the regions that wishes name, or None when there is nothing to show.

    One region, or none, is followed by those below it where most was going on.
    """
    named = list(dict.fromkeys(code for wish in wishes for code in wish.region))
    if not named or any(not wish.region for wish in wishes):
        named.insert(0, COUNTRY)
    if len(named) == 1:
        below = tally.busiest.get(named[0], ())
        named += sorted(below, key=lambda code: -_shown(tally, code))
    nothing = [code for code in named if code not in tally.rows and _name(code)]
    quiet = {code: _row(code, (), since=tally.since, until=tally.until) for code in nothing}
    found = [tally.rows.get(code) or quiet.get(code) for code in named]
    shown = tuple(row for row in found if row is not None)[:MOST_ROWS]
    if not any(row.projects or row.mean_projects for row in shown):
        return None
    return Radar(
        since=tally.since, until=tally.until - timedelta(days=1), rows=shown, young=tally.young
    )


def _shown(tally: Tally, code: str) -> int:
    row = tally.rows.get(code)
    return row.projects if row else 0


def radar_lines(radar: Radar, words: Words) -> list[RadarLine]:
    """The rows in a reader's words, and how long their bars are."""
    longest = max(max(row.projects, row.mean_projects) for row in radar.rows)

    def steps(value: float) -> int:
        return max(1, round(value / longest * STEPS)) if value and longest else 0

    return [
        RadarLine(
            name=shorten(words.radar_country if row.code == COUNTRY else row.name, _NAME_LENGTH),
            projects=words.radar_projects.format(
                now=row.projects, mean=f"{row.mean_projects:.1f}".removesuffix(".0")
            ),
            sums=_sums(row, words),
            now=steps(row.projects),
            now_rest=STEPS - steps(row.projects),
            mean=steps(row.mean_projects),
            mean_rest=STEPS - steps(row.mean_projects),
        )
        for row in radar.rows
    ]


def week_said(radar: Radar, words: Words) -> str:
    """The days of the week that the radar looks at."""
    year = radar.until.year
    return words.span.format(
        since=words.say_day(radar.since, year=year), until=words.say_day(radar.until, year=year)
    )


def promised(stages: Iterable[str]) -> bool:
    """Whether a project is a promise yet: every stage that it reached is one of words."""
    reached = set(stages)
    return bool(reached) and reached <= _PROMISES


def _sums(row: RadarRow, words: Words) -> str:
    language = words.lang[:2]
    parts = []
    if row.yuan or row.mean_yuan:
        parts.append(
            words.radar_sum.format(
                now=money(row.yuan, language), mean=money(row.mean_yuan, language)
            )
        )
    if row.promised_yuan:
        parts.append(words.radar_promised.format(sum=money(row.promised_yuan, language)))
    if row.aggregate_yuan:
        parts.append(words.radar_apart.format(sum=money(row.aggregate_yuan, language)))
    return words.clause.join(parts)


def _row(code: str, news: Sequence[ProjectNews], *, since: date, until: date) -> RadarRow:
    week = [one for one in news if since <= one.posted_on < until]
    before = [one for one in news if since - WEEKS_BEFORE * _WEEK <= one.posted_on < since]
    return RadarRow(
        code=code,
        name=_name(code),
        projects=sum(1 for one in week if one.single),
        mean_projects=sum(1 for one in before if one.single) / WEEKS_BEFORE,
        yuan=_total(week),
        mean_yuan=_total(before) / WEEKS_BEFORE,
        promised_yuan=_total([one for one in week if one.promised]),
        aggregate_yuan=sum(one.aggregate_yuan for one in week),
    )


def _total(news: Iterable[ProjectNews]) -> float:
    return sum(one.yuan for one in news if one.single)


def _name(code: str) -> str:
    if code == COUNTRY:
        return "全国"
    one = divisions.get(code)
    return one.name if one else ""
