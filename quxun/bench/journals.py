"""A journal of invented notices, written straight into its table: as many as one likes, soon.

Notices go round all categories and all districts, so that every feed of a district and a
category exists; three in ten change once later. Bodies are as long as real ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from random import Random
from uuid import UUID

from sqlalchemy import Engine

from aggregator import divisions
from aggregator.model import (
    Announcement,
    AnnouncementId,
    Category,
    Deadline,
    Draft,
    Facts,
    Kind,
    Region,
    Sighting,
    SourceId,
)
from aggregator.publication import era_keys, feeds_of, record_of
from aggregator.store.publish import NEWS
from aggregator.store.rows import to_json

BORN = datetime(2025, 1, 6, 9, tzinfo=timezone(timedelta(hours=8)))
#: What a notice is mostly about, with its kind.
SUBJECTS = (
    ("policy", Kind.POLICY), ("land", Kind.PROJECT), ("application", Kind.POLICY),
    ("project", Kind.PROJECT), ("notice", Kind.OTHER), ("promo", Kind.PROJECT),
    ("interpretation", Kind.POLICY), ("park", Kind.PROJECT), ("innovation", Kind.POLICY),
    ("talent", Kind.OTHER),
)  # fmt: skip
#: Characters of markup of real policy documents (bench/feeds.py).
_BODIES = (1048, 304, 8059, 569, 2132, 453, 917, 6981, 356, 2304, 1613, 481, 1172, 2238, 758)
_CHANGED = 0.3
_WITHDRAWN = 0.05
_LATER = 2000
_INNOVATIVE = 0.3


def districts(count: int) -> list[str]:
    """Codes of so many districts, counties and county-level cities, from all over the country."""
    codes = [
        one.code for one in divisions.all_current() if one.code[:1] != "Z" and one.code[4:] != "00"
    ]
    step = max(len(codes) // count, 1)
    chosen = codes[::step][:count]
    return [*chosen, *(code for code in codes if code not in set(chosen))][:count]


def write_journal(
    engine: Engine, *, announcements: int, places: Sequence[str], seed: int = 1
) -> int:
    """Write the changes of so many announcements; the number of the last one."""
    raw = engine.raw_connection()
    last = 0
    try:
        cursor = raw.cursor()
        cursor.execute("set local statement_timeout = 0")  # as long as it takes
        with cursor.copy(
            "copy changes (change, at, announcement_id, uuid, news, terms, eras, record) from stdin"
        ) as rows:
            for last, (one, before) in enumerate(_history(announcements, places, Random(seed)), 1):  # noqa: S311  # repeatable
                rows.write_row(_row(last, one, before))
        cursor.execute("select setval('change_number', %s)", (max(last, 1),))
        cursor.execute("analyze changes")
        raw.commit()
    finally:
        raw.close()
    return last


def write_change(engine: Engine, number: int, place: str) -> list[str]:
    """Write one more change, a new notice of a district; the names of the feeds it concerns."""
    raw = engine.raw_connection()
    try:
        one = _announcement(10_000_000 + number, place, number, Random(number))  # noqa: S311  # as above
        row = _row(number, one, None)
        cursor = raw.cursor()
        cursor.execute(
            "insert into changes (change, at, announcement_id, uuid, news, terms, eras, record)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s)",
            row,
        )
        raw.commit()
    finally:
        raw.close()
    return sorted(feeds_of(one))


def _row(number: int, one: Announcement, before: Announcement | None) -> tuple[object, ...]:
    names = feeds_of(one) | (feeds_of(before) if before else frozenset())
    news = before is None or one.changed_at != before.changed_at
    return (
        number, BORN + timedelta(minutes=number), one.id, one.uuid, news, sorted(names),
        era_keys([*names, *(NEWS + name for name in names if news)], number),
        to_json(record_of(one)),
    )  # fmt: skip


def _history(
    count: int, places: Sequence[str], random: Random
) -> Iterator[tuple[Announcement, Announcement | None]]:
    """Announcements as they change, each with what it was before."""
    later: dict[int, list[Announcement]] = {}
    step = 0
    for number in range(count):
        step += 1
        one = _announcement(number, places[number % len(places)], step, random)
        yield one, None
        if random.random() < _CHANGED:
            later.setdefault(number + random.randrange(1, _LATER), []).append(one)
        for before in later.pop(number, ()):
            step += 1
            yield _changed(before, step, random), before
    for before in (one for _, some in sorted(later.items()) for one in some):
        step += 1
        yield _changed(before, step, random), before


def _announcement(number: int, place: str, step: int, random: Random) -> Announcement:
    at = BORN + timedelta(minutes=step)
    slug, kind = SUBJECTS[(number // 7 + number) % len(SUBJECTS)]
    name, path, roll = _place(place)
    more = (
        [Category(slug="innovation", why="科技")]
        if random.random() < _INNOVATIVE and slug != "innovation"
        else []
    )
    clause = f"第{number % 97}条 对新落户{name}的企业给予支持，标准为每户最高{number % 50 + 1}00万元，由区财政统筹安排。"
    body = f"<p>{clause}</p>" * (_BODIES[number % len(_BODIES)] // (len(clause) + 7) + 1)
    url = f"https://www.d{place}.example/zwgk/zfxxgk/{number // 1000}/t2026_{number:08d}.html"
    draft = Draft(
        title=f"{name}关于做好第{number}批产业项目申报、用地与扶持工作的通知",
        url=url,
        posted_at=at.replace(hour=0, minute=0),
        issuer=f"{name}人民政府办公室",
        doc_number=f"府办发〔2026〕{number}号" if kind is Kind.POLICY else None,
        regions=(Region(code=place, name=name, path=path),),
        kind=kind,
        categories=(Category(slug=slug, why="标题"), *more),
        summary=(clause * 5)[:170],
        body_html=body if slug in {"policy", "application"} else "",
        facts=Facts(deadlines=(Deadline(value=date(2026, 11, 30), sentence="11月30日前。"),)),
    )
    seen = Sighting(
        source_id=SourceId(number % 900 + 1), source_name=f"{name}人民政府网", title=draft.title,
        url=url, authority=draft.authority, seen_at=at,
    )  # fmt: skip
    return Announcement(
        id=AnnouncementId(number + 1),
        uuid=UUID(int=random.getrandbits(128), version=4),
        draft=draft,
        region_roll=roll,
        first_seen_at=at,
        announced_at=at,
        changed_at=at,
        change=0,
        source_id=SourceId(number % 900 + 1),
        source_name=f"{name}人民政府网",
        sightings=(seen,),
    )


def _changed(before: Announcement, step: int, random: Random) -> Announcement:
    """Edited, better read, moved to another subject, taken down."""
    at = BORN + timedelta(minutes=step)
    draft, lot = before.draft, random.random()
    if lot < _WITHDRAWN:
        return replace(before, withdrawn_at=at)
    if lot < 2 * _WITHDRAWN:
        slug, kind = random.choice(SUBJECTS)
        draft = replace(draft, kind=kind, categories=(Category(slug=slug, why=""),))
        return replace(before, draft=draft)
    if lot < 0.5:  # noqa: PLR2004  # as many edits as better readings
        return replace(before, draft=replace(draft, issuer=f"{draft.issuer}（代拟）"))
    edited = replace(draft, title=f"{draft.title}（修订）")
    return replace(before, draft=edited, changed_at=at, revision=before.revision + 1)


@lru_cache(maxsize=4096)
def _place(code: str) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    found = divisions.get(code)
    return (found.name if found else code), tuple(divisions.path(code)), divisions.roll(code)
