"""Who publishes what: stubs for the history of a country and for every new notice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

from quxun.country.dice import maybe, weighted
from quxun.country.model import (
    SHANGHAI,
    Authority,
    Column,
    Level,
    Nature,
    Size,
    Stub,
    Wrap,
)
from quxun.country.places import Atlas
from quxun.country.words import BUREAUS
from quxun.country.writing.offices import GOVERNMENT, OFFICE

_OURS = frozenset(Nature) - {
    Nature.TENDER, Nature.RECRUITMENT, Nature.PERSONNEL, Nature.PENALTY, Nature.BUDGET,
    Nature.ROUTINE,
}  # fmt: skip
_WRAPS: dict[Authority, tuple[tuple[Wrap, int], ...]] = {
    Authority.OFFICIAL: ((Wrap.PLAIN, 4), (Wrap.FORWARD, 3), (Wrap.ISSUE, 1), (Wrap.BARE, 2)),
    Authority.MEDIA: ((Wrap.PLAIN, 3), (Wrap.PRESS, 4), (Wrap.BARE, 1)),
    Authority.COMMERCIAL: ((Wrap.PRESS, 5), (Wrap.BARE, 2), (Wrap.PLAIN, 2)),
}


class Planner:
    """Counts what was planned, so that numbers rise and titles stay apart."""

    def __init__(self, atlas: Atlas, columns: Sequence[Column]) -> None:
        self._atlas = atlas
        self._next_id = 1
        self._ordinals: dict[Nature, int] = defaultdict(int)
        self._numbers: dict[tuple[str, int, int], int] = defaultdict(int)
        self._unread: dict[str, list[Stub]] = defaultdict(list)
        self._latest: dict[str, Stub] = {}
        homes = {c.region_code for c in columns if c.authority is Authority.OFFICIAL}
        self._counties = [d.code for d in atlas.counties if d.code in homes] or [
            d.code for d in atlas.counties[:8]
        ]

    def stub(
        self, column: Column, posted_at: datetime, rng: Random, *,
        nature: Nature | None = None, ours: bool = False,
    ) -> Stub:  # fmt: skip
        """A new notice first published in a column; ``ours`` prefers what readers want."""
        if nature is None:
            nature = weighted(rng, column.natures)
            if ours and nature not in _OURS and maybe(rng, 0.7):
                nature = weighted(rng, column.natures)
        region = self._region(column, rng)
        related = None
        if nature is Nature.INTERPRETATION and self._unread[region]:
            related = self._unread[region].pop(0)
        elif nature is Nature.APPLICATION and maybe(rng, 0.6):
            related = self._latest.get(region)
        bureau = self._bureau(nature, rng)
        lag = rng.choice((0, 0, 1, 1, 2, 3, 5, 8, 12))
        year = (posted_at - timedelta(days=lag)).year
        self._numbers[region, bureau, year] += 1
        stub = Stub(
            id=self._next_id,
            nature=nature,
            region_code=region,
            bureau=bureau,
            ordinal=self._ordinals[nature],
            doc_seq=self._numbers[region, bureau, year],
            posted_at=posted_at,
            lag_days=lag,
            related=related,
        )
        self._next_id += 1
        self._ordinals[nature] += 1
        if nature is Nature.POLICY:
            self._unread[region].append(stub)
            self._latest[region] = stub
        return stub

    def _region(self, column: Column, rng: Random) -> str:
        """Whom a notice of this column is about: its own division, or one below a press's."""
        if column.authority is Authority.OFFICIAL:
            return column.region_code
        city = self._atlas.city_of(column.region_code)
        near = [code for code in self._counties if self._atlas.by_code[code].parent == city.code]
        if column.authority is Authority.COMMERCIAL or not near:
            near = self._counties
        return rng.choice(near)

    def _bureau(self, nature: Nature, rng: Random) -> int:
        if nature in (Nature.POLICY, Nature.STATUS):
            roll = rng.randrange(10)
            if roll < 3:  # noqa: PLR2004
                return GOVERNMENT
            if roll < 6:  # noqa: PLR2004
                return OFFICE
        return 10 if nature is Nature.LAND else rng.randrange(len(BUREAUS) - 2)


def history_times(now: datetime, count: int, rng: Random) -> list[datetime]:
    """When a column published before ``now``: mostly 31 to 300 days ago, a few these days."""
    times = []
    for _ in range(count):
        roll = rng.random()
        if roll < 0.82:  # noqa: PLR2004
            days = rng.uniform(31, 300)
        elif roll < 0.95:  # noqa: PLR2004
            days = rng.uniform(4, 30)
        else:
            days = rng.uniform(0.2, 4)
        at = (now - timedelta(days=days)).astimezone(SHANGHAI)
        minute = rng.randrange(8 * 60 + 30, 18 * 60)
        at = at.replace(
            hour=minute // 60, minute=minute % 60, second=rng.randrange(60), microsecond=0
        )
        times.append(at if at < now else at - timedelta(days=1))
    return times


def reprint_wrap(nature: Nature, authority: Authority, rng: Random) -> Wrap:
    """How a reprint writes the title; only documents are forwarded or unwrapped."""
    wrap = weighted(rng, _WRAPS[authority])
    documents = (Nature.POLICY, Nature.APPLICATION, Nature.STATUS)
    if wrap is Wrap.FORWARD and nature not in documents:
        return Wrap.PLAIN
    if wrap in (Wrap.ISSUE, Wrap.BARE) and nature is not Nature.POLICY:
        return Wrap.PLAIN
    return wrap


def reprint_targets(
    origin: Column, stub: Stub, columns: Sequence[Column], atlas: Atlas
) -> list[Column]:
    """Columns above or beside that could carry a notice: its city, the press, the trade."""
    out = []
    city = atlas.city_of(stub.region_code).code
    for column in columns:
        if column.host == origin.host or stub.nature not in {n for n, _ in column.natures}:
            continue
        if column.authority is Authority.OFFICIAL:
            level = atlas.by_code[column.region_code].level
            if (level is Level.CITY and column.region_code == city) or (
                level is Level.PROVINCE and stub.nature is Nature.POLICY
            ):
                out.append(column)
        elif column.authority is Authority.MEDIA and column.region_code != city:
            continue
        else:
            out.append(column)
    return out


def draw_targets(targets: list[Column], rng: Random) -> list[Column]:
    """Up to three of those that could carry a notice, one of a host; shuffles ``targets``."""
    rng.shuffle(targets)
    one_a_host: dict[str, Column] = {}
    for target in targets:
        one_a_host.setdefault(target.host, target)
    return list(one_a_host.values())[: rng.choice((1, 1, 2, 3))]


def history_events(
    columns: Sequence[Column], size: Size, now: datetime, rng: Random
) -> list[tuple[datetime, int]]:
    """When something appeared before ``now``, and the key of the column it appeared in, in order."""
    events: list[tuple[datetime, int]] = []
    for column in columns:
        # The press and the trade live half on reprints.
        own = size.notices_per_column
        if column.authority is not Authority.OFFICIAL and size.reprint_share:
            own = own * 2 // 3
        events.extend((at, column.key) for at in history_times(now, own, rng))
    return sorted(events)


def is_hidden(stub: Stub, column: Column, rng: Random) -> bool:
    """Whether the text of a notice is in an attachment only."""
    return (
        stub.nature in (Nature.POLICY, Nature.NOTICE, Nature.LAND)
        and column.authority is Authority.OFFICIAL
        and maybe(rng, 0.06)
    )
