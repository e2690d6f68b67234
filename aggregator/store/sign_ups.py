"""Mails that a stranger may have us write, counted in PostgreSQL, so that nobody floods a mailbox.

Three kinds are counted, each on its own for an address, all together for networks, mail domains
and the whole house (RELIABILITY.md §Security model).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from aggregator.addresses import email_key, folded
from aggregator.model import Asking, Verdict
from aggregator.store.alarms import clear_alarm, raise_alarm

#: The kind of the alarm.
ALARM = "sign-ups"
#: What a request may run into, in the order in which it is looked at.
LIMIT_NAMES = ("address", "network", "domain", "all")
#: Refusals are kept by the hour for so long, then as one sum.
KEEP_HOURS = timedelta(days=30)
#: The alarm ends when so much less than its limit was asked for within an hour.
_CALM = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUpLimits:
    """How many confirming mails may be asked for (RELIABILITY.md §Limits).

    Beyond ``domain_hour`` and ``all_hour`` a question is asked, and who answers it is counted up to
    ten times as many.
    """

    address_10_minutes: int = 1
    address_day: int = 3
    network_hour: int = 10
    domain_hour: int = 60
    all_hour: int = 300


#: The numbers of the house.
LIMITS = SignUpLimits()
#: Who answered a question is counted up to so many times a limit.
ANSWERED = 10


def judged(
    connection: Connection,
    email: str,
    network: str | None,
    now: datetime,
    limits: SignUpLimits,
    *,
    kind: Asking = Asking.SIGN_UP,
    answered: bool = False,
) -> Verdict:
    """Count a request if it is within the limits; requests wait for each other.

    The answer depends on what was asked for before, never on whether an address is known.
    """
    domain = email_key(email).rpartition("@")[2]
    connection.execute(text("select pg_advisory_xact_lock(hashtext(:key))"), {"key": "sign-up"})
    row = connection.execute(
        text(
            "select count(*) filter (where email_key = :folded and kind = :kind and at > :now -"
            " interval '10 minutes') as minutes,"
            " count(*) filter (where email_key = :folded and kind = :kind) as day,"
            " count(*) filter (where network = :network and at > :now - interval '1 hour')"
            " as network, count(*) filter (where mail_domain = :domain and at > :now -"
            " interval '1 hour') as domain, count(*) filter (where at > :now - interval"
            " '1 hour') as everyone from sign_ups where at > :now - interval '1 day'"
        ),
        {
            "folded": folded(email), "kind": kind, "network": network, "domain": domain, "now": now,
        },
    ).mappings().one()  # fmt: skip
    _tell(connection, row["everyone"], limits)
    times = ANSWERED if answered else 1
    reached = {
        "address": row["minutes"] >= limits.address_10_minutes or row["day"] >= limits.address_day,
        "network": row["network"] >= limits.network_hour,
        "domain": row["domain"] >= limits.domain_hour * times,
        "all": row["everyone"] >= limits.all_hour * times,
    }
    limit = next((name for name in LIMIT_NAMES if reached[name]), None)
    if limit is not None:
        askable = limit in ("domain", "all") and not answered
        _count(connection, limit, now, asked=askable)
        return Verdict.QUESTION if askable else Verdict.NO
    connection.execute(
        text(
            "insert into sign_ups (email_key, network, mail_domain, at, kind)"
            " values (:folded, :network, :domain, :now, :kind)"
        ),
        {
            "folded": folded(email), "network": network, "domain": domain, "now": now, "kind": kind,
        },
    )  # fmt: skip
    return Verdict.YES


def _count(connection: Connection, limit: str, now: datetime, *, asked: bool) -> None:
    """Count what a limit turned away: an operator must learn of it, for nobody else does."""
    connection.execute(
        text(
            "insert into sign_ups_refused as r (hour, by_limit, refused, asked) values"
            " (date_trunc('hour', cast(:now as timestamptz)), :limit, :refused, :asked)"
            " on conflict (hour, by_limit) do update set refused = r.refused + excluded.refused,"
            " asked = r.asked + excluded.asked"
        ),
        {"now": now, "limit": limit, "refused": int(not asked), "asked": int(asked)},
    )


def turned_away(connection: Connection, since: datetime) -> Mapping[str, tuple[int, int]]:
    """How many requests each limit refused, and how many it asked a question, since an hour."""
    found = connection.execute(
        text(
            "select by_limit, sum(refused), sum(asked) from sign_ups_refused"
            " where hour >= date_trunc('hour', cast(:since as timestamptz)) group by by_limit"
        ),
        {"since": since},
    )
    counted = {row[0]: (int(row[1]), int(row[2])) for row in found}
    return {name: counted.get(name, (0, 0)) for name in LIMIT_NAMES}


def fold(connection: Connection, now: datetime) -> None:
    """Add old hours up to one row for each limit, so that totals never fall."""
    connection.execute(
        text(
            "with old as (delete from sign_ups_refused where hour < :t and isfinite(hour)"
            " returning by_limit, refused, asked)"
            " insert into sign_ups_refused as r (hour, by_limit, refused, asked)"
            " select '-infinity', by_limit, sum(refused), sum(asked) from old group by by_limit"
            " on conflict (hour, by_limit) do update set refused = r.refused + excluded.refused,"
            " asked = r.asked + excluded.asked"
        ),
        {"t": now - KEEP_HOURS},
    )


def calm(connection: Connection, now: datetime, limits: SignUpLimits = LIMITS) -> None:
    """End the alarm when the flood is over, though nobody asks any more."""
    asked = connection.execute(
        text("select count(*) from sign_ups where at > :now - interval '1 hour'"), {"now": now}
    ).scalar_one()
    if asked < limits.all_hour * _CALM:
        clear_alarm(connection, ALARM)


def _tell(connection: Connection, asked: int, limits: SignUpLimits) -> None:
    if asked >= limits.all_hour:
        raise_alarm(
            connection,
            ALARM,
            f"{limits.all_hour} confirming mails were asked for within an hour; whoever asks now must"
            " answer a small question first; see whose network it is before mail providers mind",
        )
