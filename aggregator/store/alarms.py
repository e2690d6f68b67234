"""Alarms: raised and cleared inside the transaction that saw why, one open at a time per kind."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import structlog
from sqlalchemy import Connection, Engine, RowMapping, text

from aggregator.alarms import TOLD_EVERY, Alarm
from aggregator.model import Mail
from aggregator.store import letterbox

log = structlog.get_logger()

#: An alarm's words are one line on a phone, not a report.
LONGEST = 500


class Alarms:
    """Implements ``ports.AlarmStore``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def raise_alarm(self, kind: str, words: str) -> bool:
        """Raise it in a transaction of its own; True when it was not open."""
        with self._engine.begin() as connection:
            return raise_alarm(connection, kind, words)

    def clear_alarm(self, kind: str) -> bool:
        """Clear it in a transaction of its own; True when it was open."""
        with self._engine.begin() as connection:
            return clear_alarm(connection, kind)

    def open_alarms(self) -> Sequence[Alarm]:
        """Those that are not cleared, the newest first."""
        with self._engine.connect() as connection:
            found = connection.execute(
                text("select * from alarms where cleared_at is null order by at desc, id desc")
            ).mappings()
            return [_alarm(row) for row in found]

    def last_alarms(self, limit: int = 20) -> Sequence[Alarm]:
        """Those that were cleared, the newest first."""
        with self._engine.connect() as connection:
            found = connection.execute(
                text(
                    "select * from alarms where cleared_at is not null"
                    " order by at desc, id desc limit :limit"
                ),
                {"limit": limit},
            ).mappings()
            return [_alarm(row) for row in found]

    def untold(self) -> Sequence[Alarm]:
        """Open alarms that nobody was mailed about, but for kinds that were told an hour ago."""
        with self._engine.connect() as connection:
            found = connection.execute(
                text(
                    "select a.* from alarms a where a.cleared_at is null and a.told_at is null"
                    " and not exists (select 1 from alarms b where b.kind = a.kind"
                    " and b.told_at > a.at - :every) order by a.id"
                ),
                {"every": TOLD_EVERY},
            ).mappings()
            return [alarm for alarm in map(_alarm, found) if alarm.mailed]

    def tell(self, alarm: Alarm, mail: Mail, now: datetime) -> None:
        """Queue the mail about an alarm and note it, in one transaction; again, nothing more."""
        with self._engine.begin() as connection:
            letterbox.insert(connection, mail, now)
            connection.execute(
                text("update alarms set told_at = coalesce(told_at, :now) where id = :id"),
                {"now": now, "id": alarm.id},
            )


def raise_alarm(connection: Connection, kind: str, words: str) -> bool:
    """Open an alarm in the caller's transaction, or renew the words of the open one.

    Args:
        connection: the caller's; the alarm stands or falls with its transaction.
        kind: one of ``alarms.KINDS``, perhaps with what it is about behind a colon.
        words: what was seen and what to do, with numbers; no address and no token.

    Returns:
        True when it was not open before.
    """
    said = words[:LONGEST]
    fresh = connection.execute(
        text(
            "insert into alarms (kind, text, at) values (:kind, :text, now())"
            " on conflict (kind) where cleared_at is null do update set text = excluded.text"
            " where alarms.text <> excluded.text returning (xmax = 0)"
        ),
        {"kind": kind, "text": said},
    ).scalar()
    if fresh:
        log.warning("alarm raised", kind=kind, words=said)
    return bool(fresh)


def clear_alarm(connection: Connection, kind: str) -> bool:
    """Clear the open alarm of a kind in the caller's transaction; True when there was one."""
    cleared = connection.execute(
        text("update alarms set cleared_at = now() where kind = :kind and cleared_at is null"),
        {"kind": kind},
    ).rowcount
    if cleared:
        log.info("alarm cleared", kind=kind)
    return bool(cleared)


def _alarm(row: RowMapping) -> Alarm:
    return Alarm(
        id=row["id"],
        kind=row["kind"],
        text=row["text"],
        at=row["at"],
        cleared_at=row["cleared_at"],
    )
