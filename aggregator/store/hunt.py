"""The newest announcements that a filter matches, in a store of a million.

An index of words has no order, and an order has no words; each alone is slow at one end (a word
that stands in every text, two that never meet). So the order is cut into windows of time, small
ones first; within a window the index finds what may match; what is found is put in order and
looked at until there is enough. A window that holds too much is parted (ADR 0019).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from time import monotonic
from types import MappingProxyType
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, text

from aggregator.errors import UsageError
from aggregator.filters import SEARCH_VERSION
from aggregator.model import Filter
from aggregator.store import clues
from aggregator.store.where import where

SHANGHAI = ZoneInfo("Asia/Shanghai")
#: The windows end behind so many of the newest; the last one takes the rest.
RANKS = (500, 4_000, 32_000, 256_000)
#: A window in which the index finds more is parted.
CAP = 2_000
#: Into so many.
_PARTS = 8
#: So many texts are looked through for one search; the index leaves far fewer, unless a word is
#: nothing but a letter.
LOOKED_AT = 100_000
#: Where the windows end may have been looked up so many seconds ago: they need not be exact.
MARKS_SECONDS = 60.0
_COLUMN = {"posted": "sort_at", "changed": "change"}
#: The same, such that the planner does not take that index.
_UNINDEXED = {"posted": "a.sort_at + interval '0'", "changed": "a.change + 0"}
_ORDER = {"posted": "a.sort_at desc, a.id desc", "changed": "a.change desc"}
#: Before and after all days: what is stored beyond the first and the last belongs to these.
_EVER, _NEVER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
#: Windows in which words of one character are looked for in the texts themselves.
_PLAIN_WINDOWS = 1


@dataclass(frozen=True, slots=True)
class _Window:
    """From ``first`` to ``last``, both in it: days as ordinals, or blocks of changes.

    ``plain``: words of one character are looked for in the texts themselves. ``whole``: it holds
    nearly everything, and to name it in the query would only cost.
    """

    first: int
    last: int
    plain: bool = False
    whole: bool = False

    def parts(self) -> list[_Window]:
        """The window in smaller ones, from new to old."""
        size = max(1, -(-(self.last - self.first + 1) // _PARTS))
        return [
            _Window(max(self.first, last - size + 1), last, plain=self.plain)
            for last in range(self.last, self.first - 1, -size)
        ]


@dataclass(slots=True)
class Hunter:
    """Looks for announcements; remembers for a minute where the windows end."""

    ranks: Sequence[int] = RANKS
    cap: int = CAP
    _marks: dict[str, tuple[float, tuple[int, ...]]] = field(default_factory=dict)

    def newest(
        self,
        connection: Connection,
        filter_: Filter,
        *,
        order: str,
        limit: int,
        gone: bool,
        also: tuple[str, Mapping[str, object]] = ("true", MappingProxyType({})),
    ) -> list[int]:
        """Ids of the first ``limit`` matches, newest first; those withdrawn or merged as asked.

        ``connection`` reads one snapshot (repeatable read), else a row that moves meanwhile
        may be met twice or not at all. ``also`` is what must hold besides of the row ``a``, with
        its parameters; no index is asked about it.
        """
        one = _Hunt(connection, filter_, order, gone, self.cap, also)
        if _broad(filter_):
            return one.walk("true", {}, limit)
        windows = one.windows(self._cuts(connection, order))
        if windows is None:
            return one.walk("true", {}, limit)
        one.plan(ordered=False)
        found: list[int] = []
        while windows and len(found) < limit:
            window = windows.pop(0)
            ids = one.candidates(window)
            if len(ids) <= self.cap:
                found += one.verified(ids, limit - len(found))
            elif window.first < window.last:
                windows[:0] = window.parts()
            else:
                found += one.walk_window(window, limit - len(found))
        return found

    def _cuts(self, connection: Connection, order: str) -> tuple[int, ...]:
        at = monotonic()
        held = self._marks.get(order)
        if held and at - held[0] < MARKS_SECONDS:
            return held[1]
        column = _COLUMN[order]
        cuts = []
        for rank in self.ranks:
            key = connection.execute(
                text(
                    f"select {column} from announcements order by {column} desc offset :n limit 1"
                ),
                {"n": rank},
            ).scalar()
            if key is None:
                break
            cuts.append(_place(key))
        self._marks[order] = (at, tuple(cuts))
        return tuple(cuts)


@dataclass(slots=True)
class _Hunt:
    connection: Connection
    filter_: Filter
    order: str
    gone: bool
    cap: int
    also: tuple[str, Mapping[str, object]]
    looked_at: int = 0

    def windows(self, cuts: Sequence[int]) -> list[_Window] | None:
        """From new to old; what was written since the cuts were looked up is in the first.

        None while rows that an earlier version stored are not yet in the index.
        """
        column = _COLUMN[self.order]
        newest, oldest, version = self.connection.execute(
            text(
                f"select max({column}), min({column}), (select search_version from house)"
                " from announcements"
            )
        ).one()
        if version < SEARCH_VERSION:
            return None
        if newest is None:
            return []
        last, first = _place(newest), _place(oldest)
        if self.order == "posted":
            last = min(
                last, clues.clamped(self.filter_.posted_before or clues.LAST_DAY).toordinal()
            )
            first = max(first, clues.clamped(self.filter_.posted_after).toordinal())
        made = []
        for number, cut in enumerate((*cuts, first)):
            cut = max(cut, first)  # noqa: PLW2901  # a window ends where the filter does
            if cut <= last:
                plain = number < min(_PLAIN_WINDOWS, len(cuts))
                made.append(_Window(cut, last, plain=plain, whole=number == len(cuts)))
                last = cut - 1
        return made

    def plan(self, *, ordered: bool) -> None:
        """Say which way the planner shall go: along the order, or by the index of words."""
        along = "on" if ordered else "off"
        self.connection.execute(
            text(
                "select set_config('enable_seqscan', :along, true),"
                " set_config('enable_indexscan', :along, true),"
                " set_config('enable_indexonlyscan', :along, true),"
                " set_config('jit', 'off', true)"
            ),
            {"along": along},
        )

    def candidates(self, window: _Window) -> list[int]:
        """What may match in a window, newest first; one more than the cap when there is more."""
        column = _COLUMN[self.order]
        fields, values = self._condition(replace(self.filter_, q=(), exclude=(), industry=()))
        asked = {
            "facets": clues.facets(self.filter_),
            "grams": clues.grams(self.filter_, singles=not window.plain),
        }
        if not (window.whole and any(asked.values())):
            asked["facets"] = clues.both(self._clue(window), asked["facets"])
        conditions = [
            *(f"a.{name} @@ cast(:{name} as tsquery)" for name, query in asked.items() if query),
            fields,
        ]
        found = self.connection.execute(
            text(
                f"select array_agg(a.id order by {_ORDER[self.order]}) from (select a.id,"
                f" a.{column} from announcements a where {' and '.join(conditions)}"
                f" and {_UNINDEXED[self.order]} between :first and :last limit :cap) a"
            ),
            {**values, **asked, **self._ends(window), "cap": self.cap + 1},
        ).scalar()
        return list(found or ())

    def verified(self, ids: Sequence[int], limit: int) -> list[int]:
        """Those of the ids that match, until there are enough; in their order."""
        condition, values = self._condition(self.filter_)
        found: list[int] = []
        start, size = 0, limit + 8
        while start < len(ids) and len(found) < limit:
            part = ids[start : start + size]
            self.looked_at += len(part)
            if self.looked_at > LOOKED_AT:
                raise UsageError(
                    f"the filter is too wide: of {LOOKED_AT:,} texts that were looked through for"
                    " it too few match; add a longer word, a region or a span of days"
                )
            rows = self.connection.execute(
                text(f"select a.id from announcements a where a.id = any(:ids) and {condition}"),
                {**values, "ids": part},
            )
            matching = {row.id for row in rows}
            found += [one for one in part if one in matching]
            start, size = start + size, size * 4
        return found[:limit]

    def walk_window(self, window: _Window, limit: int) -> list[int]:
        """A window that cannot be parted and is full of what may match: along the order."""
        ends = self._ends(window)
        found = self.walk(f"a.{_COLUMN[self.order]} between :first and :last", ends, limit)
        self.plan(ordered=False)
        return found

    def walk(self, within: str, more: Mapping[str, object], limit: int) -> list[int]:
        """Along the order, looking at every row."""
        condition, values = self._condition(self.filter_)
        self.plan(ordered=True)
        found = self.connection.execute(
            text(
                f"select a.id from announcements a where {condition} and {within}"
                f" order by {_ORDER[self.order]} limit :limit"
            ),
            {**values, **more, "limit": limit},
        )
        return [row.id for row in found]

    def _condition(self, filter_: Filter) -> tuple[str, dict[str, object]]:
        condition, values = where(filter_, merged=self.gone)
        gone = "" if self.gone else " and a.withdrawn_at is null"
        return f"{condition}{gone} and {self.also[0]}", {**values, **self.also[1]}

    def _ends(self, window: _Window) -> dict[str, object]:
        """The first and the last value that a window holds."""
        if self.order == "changed":
            size = clues.CHANGES
            return {"first": window.first * size, "last": window.last * size + size - 1}
        first, last = date.fromordinal(window.first), date.fromordinal(window.last)
        return {
            "first": _EVER
            if first <= clues.FIRST_DAY
            else datetime.combine(first, time.min, SHANGHAI),
            "last": _NEVER
            if last >= clues.LAST_DAY
            else datetime.combine(last, time.max, SHANGHAI),
        }

    def _clue(self, window: _Window) -> str:
        if self.order == "changed":
            return clues.changes(window.first, window.last)
        first, last = (date.fromordinal(one) for one in (window.first, window.last))
        return clues.days("d", first, last)


def _broad(filter_: Filter) -> bool:
    """Whether a filter asks for (nearly) everything: the order alone is fast."""
    return filter_ == Filter()


def _place(key: datetime | int) -> int:
    """Where a row stands in its order, as windows count."""
    if isinstance(key, datetime):
        return clues.clamped(key.astimezone(SHANGHAI).date()).toordinal()
    return key // clues.CHANGES
