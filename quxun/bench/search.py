"""Searches of every sort in a store of a million announcements, timed; sizes, and a write's cost."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random
from time import perf_counter

import psycopg
from sqlalchemy import Engine, text

from aggregator import divisions, store
from aggregator.errors import UsageError
from aggregator.filters import parse_query
from aggregator.model import Filter
from quxun import embedded
from quxun.bench.floors import shortfalls
from quxun.bench.searchstore import EVERYWHERE, NOWHERE, RARE, Press, copy_rows, fill

#: Entries of a first page and of a feed.
FIRST = 50
_ROUNDS = 2
_WRITES = 200
_BUSY = ("项目", "企业", "申报", "公示", "建设", "资金", "人才", "储能")
_MEET = ("储能 补贴", "项目 申报", "企业 人才", "资金 公示", "建设 园区", "光伏 土地")
_NEVER_MEET = ("2022年计划 2026年计划", "2021年计划 2025年计划", "2023年计划 2024年计划")
_LATIN = ("mail", "qy144", "example", "AI", "5g", "2024", "12号")
_SIZES = range(2, 9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """Milliseconds of one sort of searches: first page, feed window, count up to 1,000."""

    name: str
    searches: int
    page_p50: float
    page_p95: float
    window_p50: float
    window_p95: float
    count_p95: float
    slowest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchTimes:
    """What was measured; ``below`` are the floors that are not reached."""

    announcements: int
    sorts: Sequence[Timed]
    page_p95: float
    window_p95: float
    count_p95: float
    megabytes: Mapping[str, float]
    write_ms: float
    write_without_ms: float
    below: Sequence[str]


def bench_search(
    *, announcements: int, home: Path | None, say: Callable[[str], None]
) -> SearchTimes:
    """Fill a store, unless ``home`` holds one from before, and time searches in it.

    Raises:
        UsageError: ``home`` holds another number of announcements.
    """
    with ExitStack() as stack:
        if home is None:
            made = stack.enter_context(tempfile.TemporaryDirectory(prefix="quxun-bench-"))
            home = Path(made)
            home.chmod(0o755)
        servers = stack.enter_context(embedded.servers(home))
        engine = store.connect(servers.database)
        stack.callback(engine.dispose)
        with engine.connect() as connection:
            held = connection.execute(text("select count(*) from announcements")).scalar_one()
        if not held:
            say(f"writing {announcements:,} announcements")
            fill(servers.database, announcements, say=say)
        elif held != announcements:
            raise UsageError(
                f"{home} holds {held:,} announcements; say --announcements {held} or another home"
            )
        return _measured(engine, servers.database, announcements, say)


def _measured(
    engine: Engine, url: str, announcements: int, say: Callable[[str], None]
) -> SearchTimes:
    found = store.Announcements(engine)
    pages: list[float] = []
    windows: list[float] = []
    counts: list[float] = []
    sorts = []
    for name, wishes in _searches(engine, announcements):
        one = _timed(found, name, wishes, (pages, windows, counts))
        say(f"{name}: page {one.page_p95:.0f} ms, window {one.window_p95:.0f} ms (p95)")
        sorts.append(one)
    with_, without = _write_cost(url, announcements)
    figures = {"search.page_p95_ms": _p95(pages), "search.window_p95_ms": _p95(windows)}
    return SearchTimes(
        announcements=announcements,
        sorts=sorts,
        page_p95=_p95(pages),
        window_p95=_p95(windows),
        count_p95=_p95(counts),
        megabytes=_sizes(engine),
        write_ms=with_,
        write_without_ms=without,
        below=shortfalls(figures),
    )


def _timed(
    found: store.Announcements,
    name: str,
    wishes: Sequence[Filter],
    all_: tuple[list[float], list[float], list[float]],
) -> Timed:
    """Times of some searches, the first of each (with cold caches) among them."""
    from aggregator.filters import canonical  # noqa: PLC0415

    times: tuple[list[float], list[float], list[float]] = ([], [], [])
    slowest = (0.0, "")
    for wish in wishes:
        for _ in range(_ROUNDS):
            for kept, look in zip(times, _looks(found, wish), strict=True):
                start = perf_counter()
                look()
                took = (perf_counter() - start) * 1000
                kept.append(took)
                slowest = max(slowest, (took, canonical(wish)))
    for whole, some in zip(all_, times, strict=True):
        whole.extend(some)
    return Timed(
        name=name,
        searches=len(wishes),
        page_p50=statistics.median(times[0]),
        page_p95=_p95(times[0]),
        window_p50=statistics.median(times[1]),
        window_p95=_p95(times[1]),
        count_p95=_p95(times[2]),
        slowest=f"{slowest[0]:.0f} ms: {slowest[1]}",
    )


def _looks(found: store.Announcements, wish: Filter) -> tuple[Callable[[], object], ...]:
    return (
        lambda: found.find(wish, limit=FIRST),
        lambda: found.feed_window(wish),
        lambda: found.count(wish),
    )


def _searches(engine: Engine, announcements: int) -> Iterator[tuple[str, list[Filter]]]:
    """Sorts of searches by name; some are made of what the store holds."""
    dice = Random(9)  # noqa: S311  # a seeded generator is what we want
    with engine.connect() as connection:
        rows = connection.execute(
            text(
                "select split_part(search, chr(31), 1), split_part(search, chr(30), 2),"
                " region_roll from announcements where id = any(:ids)"
            ),
            {"ids": [dice.randint(1, announcements) for _ in range(300)]},
        ).all()
    titles, bodies = [row[0] for row in rows], [row[1] for row in rows]
    counties = sorted({max(row[2]) for row in rows if row[2]})
    homes = dice.sample(counties, min(12, len(counties)))
    cities = sorted({code[:4] + "00" for code in homes if divisions.get(code[:4] + "00")})
    provinces = sorted({code[:2] + "0000" for code in homes})

    def pieces(texts: Sequence[str], size: int, count: int) -> list[str]:
        made = []
        for one in dice.sample(texts, count):
            at = dice.randint(0, max(0, len(one) - size))
            made.append('"' + one[at : at + size].replace('"', "") + '"')
        return made

    def each(queries: Sequence[str]) -> list[Filter]:
        return [wish for one in queries if (wish := parse_query(one)) != Filter()]

    yield "everything", [Filter()]
    yield "common word", each([f"q={word}" for word in _BUSY])
    yield "word in every text", each([f"q={EVERYWHERE}", "q=的", "q=人民政府"])
    yield (
        "rare word",
        each([f"q={RARE}", *(f"q={_firm(one)}" for one in bodies[:10] if _firm(one))]),
    )
    yield "absent word", each([f"q={NOWHERE}", "q=鿋", "q=龘靐", "q=xqzj", "q=不存在词"])
    yield "two words", each([f"q={one}" for one in _MEET])
    yield "two common words that never meet", each([f"q={one}" for one in _NEVER_MEET])
    yield "word of an old year", each([f"q={year}年计划" for year in range(2020, 2027)])
    yield "Latin words and numbers", each([f"q={one}" for one in _LATIN])
    yield "one character", each([f"q={one}" for one in "氢钛储镇甲a7"])
    yield "word and not", each(
        [f"q={EVERYWHERE}&not=公示", "q=项目&not=企业", f"q=企业&not={EVERYWHERE}", "not=通知", "q=储能&not=电池模组"]
    )  # fmt: skip
    for size in _SIZES:
        yield f"{size} characters of titles", each([f"q={one}" for one in pieces(titles, size, 8)])
    for size in (2, 4, 8):
        yield f"{size} characters of bodies", each([f"q={one}" for one in pieces(bodies, size, 8)])
    mixed = [a[: len(a) // 2] + b[len(b) // 2 :] for a, b in pairwise(titles)]
    yield "absent runs of common pairs", each([f'q="{_middle(one)}"' for one in mixed[:12]])
    yield "county", each([f"region={code}" for code in homes])
    yield "city", each([f"region={code}" for code in cities])
    yield "province", each([f"region={code}" for code in provinces])
    yield (
        "word and region",
        each([f"q={dice.choice(_BUSY)}&region={code}" for code in (*homes, *provinces)]),
    )
    yield "category and region", each(
        [f"category={dice.choice(('land', 'policy', 'talent', 'park'))}&region={code}" for code in (*homes, *cities, *provinces)]
    )  # fmt: skip
    yield "kinds and categories that never meet", each(
        ["kind=policy&category=land", "kind=project&category=policy", "kind=other&category=application&q=项目"]
    )  # fmt: skip
    yield "amounts", each(
        ["amount_min=500万", "amount_min=300亿", "amount_min=9000亿", "amount_min=100亿&q=储能", "amount_min=1&q=人才"]
    )  # fmt: skip
    yield "deadlines", each(
        ["deadline_after=2026-11-25", "deadline_before=2021-06-01", "deadline_after=2026-12-01&q=储能",
         "deadline_after=2023-03-01&deadline_before=2023-03-02", "deadline_before=1999-01-01", "deadline_after=2027-01-20&q=项目"]
    )  # fmt: skip
    yield "days of posting", each(
        ["posted_after=2026-11-20", "posted_before=2021-06-01&q=储能", "posted_after=2023-05-01&posted_before=2023-05-02",
         "posted_before=2022-01-01&category=land", "posted_after=2026-11-26"]
    )  # fmt: skip


def _firm(body: str) -> str:
    """The three characters that only one firm bears."""
    at = body.find("承担的项目列入")
    by = body.rfind("由", 0, at)
    return body[by + 1 : by + 4] if 0 <= by < at else ""


def _middle(one: str) -> str:
    return one[max(0, len(one) // 2 - 3) : len(one) // 2 + 3].replace('"', "")


def _sizes(engine: Engine) -> dict[str, float]:
    with engine.connect() as connection:
        row = connection.execute(
            text(
                "select pg_total_relation_size('announcements') as whole,"
                " pg_relation_size('announcements_search') as search_index,"
                " pg_indexes_size('announcements') as indexes,"
                " (select avg(pg_column_size(grams)) * max(id) from announcements where id % 499 = 0)"
                " as grams, (select avg(pg_column_size(facets)) * max(id) from announcements where"
                " id % 499 = 0) as facets, (select avg(pg_column_size(search)) * max(id) from"
                " announcements where id % 499 = 0) as texts"
            )
        ).mappings().one()  # fmt: skip
    return {name: round(float(size or 0) / 1e6, 1) for name, size in row.items()}


def _write_cost(url: str, announcements: int) -> tuple[float, float]:
    """Milliseconds an announcement costs to write and to publish, its share of the index's
    upkeep with it, and without the search index; nothing is kept.
    """
    press = Press()
    costs = []
    with psycopg.connect(url) as connection:
        for with_search in (True, False):
            if not with_search:
                connection.execute("alter table announcements disable trigger announcements_search")
            rows = list(press.rows(announcements, announcements + _WRITES, announcements * 2))
            start = perf_counter()
            copy_rows(connection, rows, published=False)
            connection.execute(
                "update announcements set change = nextval('change_number') where change = 0"
            )
            connection.execute("select gin_clean_pending_list('announcements_search')")
            costs.append((perf_counter() - start) * 1000 / _WRITES)
            connection.rollback()
    return costs[0], costs[1]


def _p95(times: Sequence[float]) -> float:
    return sorted(times)[max(0, -(-len(times) * 95 // 100) - 1)] if times else 0.0
