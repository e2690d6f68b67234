"""A store of many announcements for ``quxun bench search``: our own words, written by COPY.

Titles and paragraphs are those of the simulated country, with the names of real divisions in
place of the invented ones; regions, days, sums and deadlines are spread as on real portals.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta
from itertools import accumulate
from random import Random
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from aggregator import divisions
from aggregator.filters import search_text
from aggregator.model import (
    Amount,
    Authority,
    Category,
    Deadline,
    Draft,
    Facts,
    Flag,
    Kind,
    Precision,
)
from aggregator.normalise import SHANGHAI
from aggregator.store import rows
from quxun.country import Country, Size
from quxun.country.words import FIRM_ENDS, FIRM_TAILS

#: The last day of the store; it holds six years.
NOW = datetime(2026, 11, 25, 10, 30, tzinfo=SHANGHAI)
_YEARS = 6
#: Shares of all announcements.
_CHANGED, _LATE, _WITH_AMOUNT, _DUE, _NUMBERED, _RARE = 0.08, 0.04, 0.35, 0.3, 0.2, 0.00002
#: Stands in every text; in one of about fifty thousand; in none.
EVERYWHERE, RARE, NOWHERE = "来源", "钛白", "鿋鿌"
_COLUMNS = (
    "uuid", "source_name", "title", "title_key", "url", "posted_at", "sort_at", "deadline_on",
    "amount_yuan", "kind", "categories", "regions", "region_roll", "authority", "doc_number",
    "excluded", "novelty", "substance_hash", "draft", "search", "change", "first_seen_at",
    "announced_at", "changed_at",
)  # fmt: skip
_TYPES = (
    "uuid", "text", "text", "text", "text", "timestamptz", "timestamptz", "date",
    "float8", "text", "text[]", "text[]", "text[]", "text", "text",
    "bool", "text", "text", "jsonb", "text", "int8", "timestamptz",
    "timestamptz", "timestamptz",
)  # fmt: skip


def fill(url: str, count: int, *, say: Callable[[str], None], processes: int = 2) -> None:
    """Write ``count`` announcements into an empty store, and its indexes anew afterwards."""
    with psycopg.connect(url, autocommit=True) as connection:
        indexes = connection.execute(
            "select indexname, indexdef from pg_indexes where tablename = 'announcements'"
            " and indexdef like '%using gin%' or tablename = 'announcements' and indexdef like"
            " '%USING gin%'"
        ).fetchall()
        for name, _ in indexes:
            connection.execute(f'drop index "{name}"')
        parts = [
            (url, start, min(count, start + 20_000), count) for start in range(0, count, 20_000)
        ]
        with ProcessPoolExecutor(processes) as pool:
            for done, _ in enumerate(pool.map(_copy, parts), start=1):
                if done % 5 == 0:
                    say(f"{min(count, done * 20_000):,} announcements written")
        connection.execute("set maintenance_work_mem = '512MB'")
        for name, definition in indexes:
            connection.execute(definition)
            say(f"index {name} made")
        connection.execute("select setval('change_number', %s)", (2 * count,))
        # As if published, in no feed: the next start has nothing to catch up with.
        connection.execute(
            "insert into changes (change, at, announcement_id, uuid, news, terms, eras, record)"
            " select change, changed_at, id, uuid, true, '{}', '{}', '{}' from announcements"
            " on conflict do nothing"
        )
        connection.execute("vacuum analyze announcements")


def _copy(part: tuple[str, int, int, int]) -> None:
    url, start, stop, count = part
    press = _press()
    with psycopg.connect(url) as connection:
        connection.execute("set synchronous_commit = off")
        copy_rows(connection, press.rows(start, stop, count))


def copy_rows(
    connection: psycopg.Connection, made: Iterable[tuple[object, ...]], *, published: bool = True
) -> None:
    """Write rows as ``Press.rows`` makes them, in the caller's transaction."""
    change = _COLUMNS.index("change")
    columns = ", ".join(_COLUMNS)
    with (
        connection.cursor() as cursor,
        cursor.copy(f"copy announcements ({columns}) from stdin (format binary)") as copy,
    ):
        copy.set_types(_TYPES)
        for row in made:
            copy.write_row(row if published else (*row[:change], 0, *row[change + 1 :]))


_PRESS: list[Press] = []


def _press() -> Press:
    if not _PRESS:
        _PRESS.append(Press())
    return _PRESS[0]


class Press:
    """Writes announcements; one of a number is always the same."""

    def __init__(self) -> None:
        country = Country(
            seed=7, size=Size(portals=40, notices_per_column=60), now=NOW, base="127.0.98."
        )
        self._places = sorted(
            {name for _, name, _, _ in country.divisions()}, key=len, reverse=True
        )
        notices = list(country.notices())
        self._heads = [
            (self._parted(n.title), n.issuer, Kind(n.kind.value), n.categories, n.ours)
            for n in notices
        ]
        self._paragraphs = [
            self._parted(one) for one in dict.fromkeys(p for n in notices for p in n.paragraphs)
        ]
        self._homes = [one for one in divisions.all_current() if one.code[4:6] != "00"]
        weights = [1 / (10 + rank) for rank in range(len(self._homes))]
        Random(3).shuffle(self._homes)  # noqa: S311  # a seeded generator is what we want
        self._weights = list(accumulate(weights))
        self._characters = [
            bytes([high, low]).decode("gb2312", "ignore")
            for high in range(0xB0, 0xF7) for low in range(0xA1, 0xFF)
        ]  # fmt: skip

    def rows(self, start: int, stop: int, count: int) -> Iterator[tuple[object, ...]]:
        """Rows of the announcements from ``start`` to ``stop``, oldest first."""
        for number in range(start, stop):
            yield self._row(number, count)

    def _row(self, number: int, count: int) -> tuple[object, ...]:
        dice = Random(number)  # noqa: S311  # a seeded generator is what we want
        age = _YEARS * 365.25 * (1 - math.sqrt((number + 1) / count))
        posted_at = NOW - timedelta(days=age)
        seen_at = posted_at + timedelta(minutes=dice.randint(5, 600))
        if dice.random() < _LATE:  # a source that was added late
            posted_at -= timedelta(days=dice.randint(30, 2000))
        home = dice.choices(self._homes, cum_weights=self._weights)[0]
        draft = self._draft(dice, home, posted_at)
        roll = sorted({*divisions.roll(home.code), home.code})
        change = 2 * number + 1
        if dice.random() < _CHANGED:  # its number lies among later ones
            change += dice.randint(1, count - number) * 2 + 1
        return (
            UUID(int=dice.getrandbits(128)), f"{home.name}人民政府", draft.title, draft.title,
            draft.url, posted_at, posted_at,
            min((d.value for d in draft.facts.deadlines), default=None),
            max((a.yuan for a in draft.facts.amounts if a.yuan), default=None),
            draft.kind.value, [c.slug for c in draft.categories], [home.code], roll,
            draft.authority.value, draft.doc_number, Flag.EXCLUDED in draft.flags, "news", "",
            Jsonb(rows.to_json(draft), dumps=str), search_text(draft), change, seen_at, seen_at, seen_at,
        )  # fmt: skip

    def _draft(self, dice: Random, home: divisions.Division, posted_at: datetime) -> Draft:
        title, issuer, kind, categories, ours = dice.choice(self._heads)
        names = [home.name, dice.choice(self._homes).name]
        firm = "".join(dice.choices(self._characters, k=3))
        firm += dice.choice(FIRM_TAILS) + dice.choice(FIRM_ENDS)
        year = posted_at.year
        size = min(12_000, dice.lognormvariate(6.3, 0.7))
        paragraphs: list[str] = []
        while size > 0:
            paragraphs.append(_joined(dice.choice(self._paragraphs), names, year))
            size -= len(paragraphs[-1])
        paragraphs.insert(
            dice.randint(0, len(paragraphs)),
            f"由{firm}承担的项目列入{year}年计划，联系邮箱{dice.randint(100, 999)}@mail.example。",
        )
        if dice.random() < _RARE:
            paragraphs.append(f"年产{RARE}粉十万吨。")
        paragraphs.append(f"{EVERYWHERE}：{home.name}人民政府")
        facts = Facts(
            amounts=(
                (Amount(value=1, yuan=round(10 ** dice.uniform(5, 10.5), 2), basis="cap", unit="元", sentence=""),)
                if dice.random() < _WITH_AMOUNT else ()
            ),
            deadlines=(
                (Deadline(value=posted_at.date() + timedelta(days=dice.randint(7, 70)), sentence=""),)
                if dice.random() < _DUE else ()
            ),
        )  # fmt: skip
        number = f"{home.name[:2]}府发〔{year}〕{dice.randint(1, 200)}号"
        return Draft(
            title=_joined(title, names, year),
            url=f"http://www.{home.code}.example/{dice.getrandbits(40):x}.html",
            posted_at=posted_at,
            date_precision=Precision.MINUTE,
            issuer=home.name + issuer[-4:],
            doc_number=number if dice.random() < _NUMBERED else None,
            kind=kind,
            categories=tuple(Category(slug=slug, why="") for slug in categories),
            authority=dice.choices(list(Authority), (8, 1, 1))[0],
            regions=(divisions.region(home.code),),
            body_text="\n".join(paragraphs),
            facts=facts,
            flags=() if ours else (Flag.EXCLUDED,),
        )

    def _parted(self, words: str) -> tuple[str, ...]:
        """The text between the places that it names."""
        for name in self._places:
            words = words.replace(name, "\0")
        return tuple(words.replace("2026", "\1").split("\0"))


def _joined(parts: Sequence[str], names: Sequence[str], year: int) -> str:
    """The text with names of places in the gaps."""
    said = parts[0]
    for number, part in enumerate(parts[1:]):
        said += names[number % len(names)] + part
    return said.replace("\1", str(year))
