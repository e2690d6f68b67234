"""What is wished for by how many, and which addresses get no mail: numbers, and parts of names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, text

from aggregator.addresses import email_key
from aggregator.model import Filter, SuppressionKind
from aggregator.store import audit, rows, sign_ups, suppressions
from aggregator.store.mails import masked


@dataclass(frozen=True, slots=True, kw_only=True)
class WishRow:
    """A wish and how many confirmed people have it."""

    filter: Filter
    subscribers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppressed:
    """An address that gets no mail, shown in part."""

    masked: str
    kind: str
    reason: str
    at: datetime


class People:
    """What operators may know of subscribers as a whole."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def wishes(self, *, start: int = 0, limit: int = 100) -> Sequence[WishRow]:
        """Wishes that somebody has, the most wanted first."""
        with self._engine.connect() as connection:
            found = connection.execute(
                text(
                    "select w.filter, c.n from (select wish_id, count(distinct subscriber_id) as n"
                    " from subscriptions where state in ('active', 'paused') group by wish_id) c"
                    " join wishes w on w.id = c.wish_id order by c.n desc, w.id"
                    " offset :start limit :limit"
                ),
                {"start": start, "limit": limit},
            ).mappings()
            return [
                WishRow(filter=rows.from_json(row["filter"], Filter), subscribers=row["n"])
                for row in found
            ]

    def counts(self) -> Mapping[str, int]:
        """Subscribers by state, and active subscriptions by frequency.

        A confirmed person whose subscriptions all ended counts as ended.
        """
        with self._engine.connect() as connection:
            found = connection.execute(
                text(
                    "select case when state = 'confirmed' and not exists (select 1 from"
                    " subscriptions x where x.subscriber_id = s.id and x.state <> 'ended')"
                    " then 'ended' else state end as now, count(*) from subscribers s"
                    " where owner_id is null group by now union all"
                    " select frequency, count(*) from subscriptions where state = 'active'"
                    " group by frequency"
                )
            )
            return {row[0]: row[1] for row in found}

    def turned_away(self, since: datetime) -> Mapping[str, tuple[int, int]]:
        """How many requests for mail each limit refused, and asked a question, since an hour."""
        with self._engine.connect() as connection:
            return sign_ups.turned_away(connection, since)

    def suppressions(self, *, limit: int = 100) -> Sequence[Suppressed]:
        """Addresses that get no mail, the newest first."""
        with self._engine.connect() as connection:
            found = connection.execute(
                text(
                    "select left(email_key, 1) as first, split_part(email_key, '@', 2) as domain,"
                    " kind, reason, at from suppressions order by at desc limit :limit"
                ),
                {"limit": limit},
            ).mappings()
            return [
                Suppressed(
                    masked=masked(row["first"], row["domain"]),
                    kind=row["kind"],
                    reason=row["reason"],
                    at=row["at"],
                )
                for row in found
            ]

    def suppressed_count(self) -> int:
        """How many addresses get no mail."""
        with self._engine.connect() as connection:
            return int(connection.execute(text("select count(*) from suppressions")).scalar_one())

    def suppress(self, email: str, *, who: str, now: datetime) -> None:
        """Send no mail to an address any more."""
        key = email_key(email)
        with self._engine.begin() as connection:
            suppressions.suppress(
                connection, key, SuppressionKind.OPERATOR, reason="operator", evidence="", at=now
            )
            audit.note(connection, who=who, what="suppress", about=_about(key), now=now)

    def lift(self, email: str, *, who: str, now: datetime) -> bool:
        """Let an address have mail again, whatever the reason; False when it was not on the list."""
        key = email_key(email)
        with self._engine.begin() as connection:
            kinds = tuple(SuppressionKind)
            if suppressions.lift(connection, key, now, by=who, kinds=kinds) is None:
                return False
            audit.note(connection, who=who, what="lift", about=_about(key), now=now)
        return True


def _about(key: str) -> str:
    return masked(key[:1], key.rpartition("@")[2])
