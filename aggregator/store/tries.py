"""A wish tried before anybody subscribes: what it would have brought, by the rules of mail.

What was late, there at the first poll, held, withdrawn or merged is not counted, as it is not
mailed (DESIGN.md, promises 8 and 11). The search is that of pages (ADR 0019), so its cost is bounded
in a store of a million, and counting stops where nobody would subscribe any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from psycopg.errors import QueryCanceled
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError

from aggregator.errors import UsageError
from aggregator.model import Announcement, Filter, Novelty, Trial
from aggregator.store.announcements import with_sightings
from aggregator.store.hunt import Hunter

#: A wish is tried on so many days.
DAYS = timedelta(days=30)
#: Counting stops here.
COUNTED = 1_000
#: So many are shown.
SHOWN = 20
#: A page waits for each of the few statements of a try so long.
PATIENCE = timedelta(seconds=4)
#: What is mailed was posted at most 30 days before it was first seen; the rest is room.
_POSTED = timedelta(days=90)
_MAILED = (
    "a.announced_at > :try_since and a.announced_at <= :try_now"
    " and a.novelty = any(cast(:try_mailed as text[]))"
)
_THERE = "a.novelty = :try_first"
_SHANGHAI = ZoneInfo("Asia/Shanghai")
#: The hour at which digests go unless their reader says otherwise (DOMAIN.md §14).
_USUAL = timedelta(hours=8, minutes=30)


class Tries:
    """Tries wishes."""

    def __init__(
        self, engine: Engine, *, hunter: Hunter | None = None, patience: timedelta = PATIENCE
    ) -> None:
        self._engine = engine
        self._hunter = hunter or Hunter()
        self._patience = patience

    def would_have(
        self, wish: Filter, now: datetime, *, days: timedelta = DAYS, shown: int = SHOWN
    ) -> Trial:
        """What a wish would have brought in the last days, had it been active.

        Raises:
            UsageError: when too many texts would have to be looked through, or it takes too long.
        """
        try:
            return self._try(wish, now, days=days, shown=shown)
        except OperationalError as error:
            if not isinstance(error.orig, QueryCanceled):
                raise
            raise UsageError(
                "the filter cannot be tried just now: it takes too long; add a region, a category or"
                " a longer word"
            ) from error

    def _try(self, wish: Filter, now: datetime, *, days: timedelta, shown: int) -> Trial:
        since = now - days
        first = (since - _POSTED).astimezone(_SHANGHAI).date()
        near = replace(wish, posted_after=max(first, wish.posted_after or first))
        values = {
            "try_since": since,
            "try_now": now,
            "try_mailed": [Novelty.NEWS.value, Novelty.LATE_NEWS.value],
        }
        with self._engine.connect() as made:
            connection = made.execution_options(isolation_level="REPEATABLE READ")
            connection.execute(
                text("select set_config('statement_timeout', :ms, true)"),
                {"ms": f"{self._patience / timedelta(milliseconds=1):.0f}ms"},
            )
            ids = self._hunter.newest(
                connection,
                near,
                order="posted",
                limit=COUNTED + 1,
                gone=False,
                also=(_MAILED, values),
            )
            told_at = connection.execute(
                text("select announced_at from announcements where id = any(:ids)"),
                {"ids": ids[:COUNTED]},
            ).scalars()
            runs = [(at.astimezone(_SHANGHAI) - _USUAL).date() for at in told_at]
            found = _whole(connection, ids[:shown])
            there = self._there_before(connection, wish, since) if len(ids) < SHOWN else []
            earlier = _whole(connection, there[:shown])
        return Trial(
            since=since,
            total=min(len(ids), COUNTED),
            counted=len(ids) <= COUNTED,
            daily=len(set(runs)),
            weekly=len({(day - timedelta(days=day.weekday())) for day in runs}),
            found=tuple(found),
            earlier=tuple(earlier),
            earlier_total=len(there),
        )

    def _there_before(self, connection: Connection, wish: Filter, since: datetime) -> list[int]:
        """What stood at its source when that was first looked at: shown where little was news, for
        a wish that finds nothing on the first day is not too narrow.
        """
        day = since.astimezone(_SHANGHAI).date()
        return self._hunter.newest(
            connection,
            replace(wish, posted_after=max(day, wish.posted_after or day)),
            order="posted",
            limit=COUNTED,
            gone=False,
            also=(_THERE, {"try_first": Novelty.FIRST_POLL.value}),
        )


def _whole(connection: Connection, ids: Sequence[int]) -> Sequence[Announcement]:
    rows = connection.execute(
        text("select * from announcements where id = any(:ids)"), {"ids": list(ids)}
    ).mappings()
    by_id = {row["id"]: row for row in rows}
    return with_sightings(connection, [by_id[one] for one in ids])
