"""A journal of any length, and how much of it one document costs.

Real changes are published by a short history; the rest are copies of these under new numbers and
ids, written as rows: what is measured is reading.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any
from uuid import UUID

import psycopg
from archive_history import History
from sqlalchemy import Engine, event

from aggregator import divisions
from aggregator.publication import ERA_BITS, era_keys
from aggregator.store.publish import NEWS

#: Shows nothing but the first real changes; its last entry grows old.
OLD = "370202"
#: One change in so many is of the rare feed.
RARE_EVERY = 400
RARE = "Z50011601"
COMMON = "all"


def begin(history: History) -> None:
    """Real changes: a few of what grows old, and lists of all sorts."""
    history.flood(5)
    for place, code in enumerate((OLD, RARE)):
        some = history.notices[70 * place : 70 * place + 70]
        away = (divisions.region(code),)
        history._read([(one, history.moved(one.draft, away)) for one in some])


def grow(engine: Engine, to: int) -> None:
    """Copy changes until the journal holds so many."""
    url = engine.url.render_as_string(hide_password=False).replace("+psycopg", "")
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "select at, uuid, news, terms, record from changes where not %s = any(terms)"
            " order by change limit 2000",
            [OLD],
        ).fetchall()
        plain = [row for row in rows if RARE not in row[3]]
        rare = [row for row in rows if RARE in row[3]]
        have, top, at, last = connection.execute(
            "select count(*), max(change), max(at), max(announcement_id) from changes"
        ).fetchone() or (0, 0, None, 0)
        with connection.cursor().copy(
            "copy changes (change, at, announcement_id, uuid, news, terms, eras, record) from stdin"
        ) as copy:
            for step in range(1, to - have + 1):
                kind = rare if step % RARE_EVERY == 0 else plain
                _at, before, news, terms, record = kind[step % len(kind)]
                uuid = UUID(int=last + step)
                copy.write_row(
                    (top + step, at, last + step, uuid, news, terms,
                     _eras(tuple(terms), top + step >> ERA_BITS, news=news),
                     record.replace(str(before), str(uuid)))
                )  # fmt: skip
        connection.execute("select setval('change_number', %s)", [top + to - have])
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("vacuum analyze changes")


@lru_cache(maxsize=100_000)
def _eras(names: tuple[str, ...], era: int, *, news: bool) -> list[int]:
    told = [*names, *(NEWS + name for name in names if news)]
    return era_keys(told, era << ERA_BITS)


@contextmanager
def counted(engine: Engine) -> Iterator[list[int]]:
    """Blocks that each statement touches, as ``explain (analyze, buffers)`` counts them."""
    blocks: list[int] = []

    def count(_c: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if not statement.lstrip().lower().startswith(("select", "with")):
            return
        beside = cursor.connection.cursor()
        beside.execute(f"explain (analyze, buffers, format json) {statement}", parameters)
        plan = beside.fetchone()[0][0]["Plan"]
        blocks.append(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])

    event.listen(engine, "before_cursor_execute", count)
    try:
        yield blocks
    finally:
        event.remove(engine, "before_cursor_execute", count)
