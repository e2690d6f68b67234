"""Paces of mail domains, shared by all workers; no row is written for a single mail."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection, Engine, RowMapping, text

from aggregator.paces import Complaint, Pace, raised, slowed

_KEEP = text(
    "insert into paces (domain, per_minute, connections, wait_until, free_at, slowed_at,"
    " raised_at, answer) values (:domain, :per_minute, :connections, :wait_until, :free_at,"
    " :slowed_at, :raised_at, :answer) on conflict (domain) do update set"
    " per_minute = excluded.per_minute, connections = excluded.connections,"
    " wait_until = excluded.wait_until, free_at = excluded.free_at,"
    " slowed_at = excluded.slowed_at, raised_at = excluded.raised_at, answer = excluded.answer"
)


class Paces:
    """How fast mail domains take mails."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def all(self) -> Sequence[Pace]:
        """Every domain that ever complained and has not been forgiven, by name."""
        with self._engine.connect() as connection:
            found = connection.execute(text("select * from paces order by domain")).mappings()
            return [_pace(row) for row in found]

    def complain(self, complaints: Collection[Complaint], now: datetime) -> None:
        """Slow domains down."""
        with self._engine.begin() as connection:
            complain(connection, complaints, now)

    def praise(self, domains: Collection[str], now: datetime) -> None:
        """Raise the paces of domains that took what they were sent in the last minute."""
        with self._engine.begin() as connection:
            for pace in locked(connection, domains):
                better = raised(pace, now)
                if better is None:
                    connection.execute(
                        text("delete from paces where domain = :domain"), {"domain": pace.domain}
                    )
                elif better is not pace:
                    keep(connection, better)


def complain(connection: Connection, complaints: Collection[Complaint], now: datetime) -> None:
    """Slow domains down in the caller's transaction; in order of name, so that two do not lock
    each other out.
    """
    worst = {one.domain: one for one in sorted(complaints, key=lambda one: one.wait)}
    for domain in sorted(worst):
        before = connection.execute(
            text("select * from paces where domain = :domain for update"), {"domain": domain}
        ).mappings()
        known = [_pace(row) for row in before]
        keep(connection, slowed(known[0] if known else None, worst[domain], now))


def locked(connection: Connection, domains: Collection[str] | None = None) -> list[Pace]:
    """Paces, all or of some domains, that nobody else changes until the transaction ends; those
    that somebody else is changing are left out.
    """
    found = connection.execute(
        text(
            "select * from paces where cast(:domains as text[]) is null or domain = any(:domains)"
            " order by domain for update skip locked"
        ),
        {"domains": list(domains) if domains is not None else None},
    ).mappings()
    return [_pace(row) for row in found]


def known(connection: Connection) -> list[Pace]:
    """All paces as they are, changed by others or not."""
    return [_pace(row) for row in connection.execute(text("select * from paces")).mappings()]


def keep(connection: Connection, pace: Pace) -> None:
    """Write a pace."""
    connection.execute(
        _KEEP,
        {
            "domain": pace.domain,
            "per_minute": pace.per_minute,
            "connections": pace.connections,
            "wait_until": pace.wait_until,
            "free_at": pace.free_at,
            "slowed_at": pace.slowed_at,
            "raised_at": pace.raised_at,
            "answer": pace.answer[:500],
        },
    )


def _pace(row: RowMapping) -> Pace:
    return Pace(
        domain=row["domain"],
        per_minute=row["per_minute"],
        connections=row["connections"],
        wait_until=row["wait_until"],
        free_at=row["free_at"],
        slowed_at=row["slowed_at"],
        raised_at=row["raised_at"],
        answer=row["answer"],
    )
