"""What came back of mails, and what follows for their addresses, in one transaction a batch.

A return names a mail by a token that we made, and touches that mail's own address and nothing
else. One row a mail and kind: replays change nothing, and forged messages leave a number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, Engine, RowMapping, text

from aggregator.addresses import email_key
from aggregator.model import (
    MailId,
    MailReturn,
    Return,
    ReturnEvent,
    ReturnKind,
    SuppressionKind,
)
from aggregator.store import subscriptions, suppressions
from aggregator.store.letterbox import of_reader

#: Soft bounces on so many days, within so long, and none delivered between: held back.
SOFT_DAYS: Final = 5
SOFT_WITHIN: Final = timedelta(days=30)
#: A mail that was sent so long ago and of which nothing came back has arrived: relays give up
#: after five days at the latest.
ARRIVED_AFTER: Final = timedelta(days=6)
KEEP: Final = timedelta(days=90)

#: These leave a row; the others only a number.
_KEPT = frozenset(
    {ReturnKind.HARD, ReturnKind.SOFT, ReturnKind.DELAYED, ReturnKind.COMPLAINT, ReturnKind.UNCLEAR}
)
#: What an outbox row says after ``sent``; a later one of higher rank replaces it.
_SHOWN = ("soft", "hard", "complaint")


class Returns:
    """Implements ``ports.ReturnStore``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def record(self, returns: Sequence[Return], *, via: str, now: datetime) -> Sequence[str]:
        """Write what came back and do what follows; what was done for each, in a few words.

        Args:
            returns: as understood; the same ones again change nothing.
            via: ``listener``, ``imap`` or ``endpoint``.
            now: UTC.
        """
        with self._engine.begin() as connection:
            # One batch after the other: two that touch the same addresses would wait for each other.
            connection.execute(
                text("select pg_advisory_xact_lock(hashtext(:key))"), {"key": "returns"}
            )
            effects = [_record(connection, one, via, now) for one in returns]
            counts = Counter(
                _counted(one.kind, effect) for one, effect in zip(returns, effects, strict=True)
            )
            count(connection, counts, now)
        return effects

    def count(self, counts: Mapping[str, int], now: datetime) -> None:
        """Add to the numbers of what came back and left no row."""
        with self._engine.begin() as connection:
            count(connection, counts, now)

    def counted(self) -> Mapping[str, int]:
        """How many of each kind came back since the first one; forged ones among ``foreign``."""
        with self._engine.connect() as connection:
            found = connection.execute(
                text("select kind, count from returns_counted order by kind")
            )
            return {row[0]: int(row[1]) for row in found}

    def of_mail(self, mail_id: MailId) -> Sequence[MailReturn]:
        """What came back of a mail, in the order in which it came."""
        with self._engine.connect() as connection:
            return of_mails(connection, [mail_id])

    def latest(self, limit: int = 50) -> Sequence[MailReturn]:
        """What came back last."""
        with self._engine.connect() as connection:
            found = connection.execute(
                text("select * from returns order by at desc, mail_id desc limit :limit"),
                {"limit": limit},
            ).mappings()
            return [_row(row) for row in found]

    def since(self, at: datetime) -> Mapping[str, int]:
        """How many mails left since then, and how many of each kind came back."""
        with self._engine.connect() as connection:
            found = connection.execute(
                text("select kind, count(*) from returns where at > :at group by kind"), {"at": at}
            )
            numbers = {row[0]: int(row[1]) for row in found}
            sent = connection.execute(
                text(
                    # As the index says it: what was sent of late has its address still.
                    "select count(*) from outbox where not waiting and recipient <> '' and"
                    " coalesce(sent_at, created_at) > :at and state = 'sent' and sent_at > :at"
                ),
                {"at": at},
            ).scalar_one()
        return {**numbers, "sent": int(sent)}

    def mails_of(self, events: Sequence[ReturnEvent]) -> Sequence[MailId | None]:
        """The mails that a provider's events are about; None for those that are none of ours."""
        with self._engine.connect() as connection:
            return [_mail_of(connection, one) for one in events]

    def prune(self, now: datetime) -> None:
        """Forget what came back long ago."""
        with self._engine.begin() as connection:
            connection.execute(text("delete from returns where at < :t"), {"t": now - KEEP})


def of_mails(connection: Connection, mail_ids: Iterable[int]) -> list[MailReturn]:
    """What came back of some mails, by mail and time: for a run's page and for ``quxun why``."""
    found = connection.execute(
        text(
            "select * from returns where mail_id = any(cast(:ids as bigint[]))"
            " order by mail_id, at, kind"
        ),
        {"ids": list(mail_ids)},
    ).mappings()
    return [_row(row) for row in found]


def count(connection: Connection, counts: Mapping[str, int], now: datetime) -> None:
    """Add to the numbers, in the caller's transaction."""
    for kind in sorted(counts):
        connection.execute(
            text(
                "insert into returns_counted as c (kind, count, last_at) values (:kind, :more,"
                " :now) on conflict (kind) do update set count = c.count + excluded.count,"
                " last_at = greatest(c.last_at, excluded.last_at)"
            ),
            {"kind": kind, "more": counts[kind], "now": now},
        )


def forget(connection: Connection, subscriber_id: int) -> None:
    """Keep no trace of a person's address beside what came back of their mails."""
    connection.execute(
        text(
            "update returns set address_hash = null, diagnostic = '' where mail_id in"
            f" (select id from outbox where {of_reader(':id')})"
        ),
        {"id": subscriber_id},
    )


def _counted(kind: ReturnKind, effect: str) -> str:
    return effect if effect in {"foreign", "again"} else kind.value


def _record(connection: Connection, one: Return, via: str, now: datetime) -> str:
    if one.mail_id is None or one.kind is ReturnKind.FOREIGN:
        return "foreign"
    if one.kind is ReturnKind.AUTO_REPLY:
        return "ignored"
    mail = connection.execute(
        text(
            "select o.id, o.created_at, o.subscriber_id, lower(o.recipient) as address,"
            " s.email_key from outbox o left join subscribers s on s.id = o.subscriber_id"
            " where o.id = :id for update of o"
        ),
        {"id": one.mail_id},
    ).mappings().first()  # fmt: skip
    if mail is None:
        return "foreign"
    if one.kind is ReturnKind.DELIVERED:
        return _clear(connection, mail, now)
    if not _insert(connection, one, mail, via, now):
        return "again"
    if one.kind.value in _SHOWN:
        _show(connection, one, now)
    effect = _follow(connection, one, mail, now)
    connection.execute(
        text("update returns set effect = :effect where mail_id = :id and kind = :kind"),
        {"effect": effect, "id": one.mail_id, "kind": one.kind},
    )
    return effect


def _insert(connection: Connection, one: Return, mail: RowMapping, via: str, now: datetime) -> bool:
    return bool(
        connection.execute(
            text(
                "insert into returns (mail_id, kind, status, diagnostic, evidence, via, effect,"
                " address_hash, at) values (:id, :kind, :status, :diagnostic, :evidence, :via, '',"
                " case when :address <> '' then sha256(convert_to(:address, 'UTF8')) end, :now)"
                " on conflict do nothing"
            ),
            {
                "id": one.mail_id, "kind": one.kind, "status": one.status,
                "diagnostic": one.diagnostic, "evidence": one.evidence, "via": via,
                "address": mail["address"], "now": now,
            },
        ).rowcount
    )  # fmt: skip


def _show(connection: Connection, one: Return, now: datetime) -> None:
    connection.execute(
        text(
            "update outbox set bounced = :kind, bounced_at = :now where id = :id and coalesce("
            "array_position(cast(:ranks as text[]), bounced), 0)"
            " < array_position(cast(:ranks as text[]), :kind)"
        ),
        {"kind": one.kind.value, "now": now, "id": one.mail_id, "ranks": list(_SHOWN)},
    )


def _follow(connection: Connection, one: Return, mail: RowMapping, now: datetime) -> str:
    """What a new return means for its mail's address."""
    if one.kind is ReturnKind.COMPLAINT:
        return _complained(connection, one, mail, now)
    if one.kind not in (ReturnKind.HARD, ReturnKind.SOFT):
        return "noted"
    address = mail["address"]
    if not address:
        return "its address was forgotten already"
    if _lifted_since(connection, address, mail["created_at"]):
        return "older than the lifting of its suppression"
    kind, reason = SuppressionKind.HARD, f"hard bounce {one.status or ''}".strip()
    if one.kind is ReturnKind.SOFT:
        days = _soft_days(connection, mail, now)
        if days < SOFT_DAYS:
            return f"counted: {days} of {SOFT_DAYS} days"
        kind = SuppressionKind.SOFT
        reason = f"soft bounces on {days} days within {SOFT_WITHIN.days}"
    done = suppressions.suppress(
        connection, address, kind, reason=reason, evidence=_evidence(one), at=now
    )
    return "suppressed" if done else "suppressed already"


def _complained(connection: Connection, one: Return, mail: RowMapping, now: datetime) -> str:
    """Its reader does not want it: nothing goes there any more, and what they wished for ends."""
    address, ended = mail["address"], 0
    # After a change of address the old one's holder has no say over the new one's subscriptions.
    if mail["subscriber_id"] and (not address or mail["email_key"] == address):
        ended = subscriptions.end(connection, mail["subscriber_id"], reason="complaint", now=now)
    if address:
        reason = "complaint: its reader calls our mail unwanted"
        suppressions.suppress(
            connection, address, SuppressionKind.COMPLAINT,
            reason=reason, evidence=_evidence(one), at=now,
        )  # fmt: skip
    return f"{'suppressed, ' if address else ''}{ended} subscriptions ended"


def _evidence(one: Return) -> str:
    words = " ".join(part for part in (one.status, one.diagnostic) if part)
    return (words or one.evidence)[:300]


def _soft_days(connection: Connection, mail: RowMapping, now: datetime) -> int:
    """On how many days mails to an address bounced softly since one last arrived there."""
    arrived = None
    if mail["subscriber_id"]:
        arrived = connection.execute(
            text(
                "select max(created_at) from outbox where subscriber_id = :id and sent_at is not null"
                " and bounced is null and sent_at < :before and created_at > :since"
            ),
            {
                "id": mail["subscriber_id"],
                "before": now - ARRIVED_AFTER,
                "since": now - SOFT_WITHIN,
            },
        ).scalar()
    return int(
        connection.execute(
            text(
                "select count(distinct (r.at at time zone 'Asia/Shanghai')::date) from returns r"
                " join outbox o on o.id = r.mail_id where r.kind = 'soft'"
                " and r.address_hash = sha256(convert_to(:address, 'UTF8')) and r.at > :since"
                " and r.cleared_at is null and (cast(:arrived as timestamptz) is null"
                " or o.created_at > :arrived)"
            ),
            {"address": mail["address"], "since": now - SOFT_WITHIN, "arrived": arrived},
        ).scalar_one()
    )


def _clear(connection: Connection, mail: RowMapping, now: datetime) -> str:
    """A mail that arrived ends the count of soft bounces before it."""
    connection.execute(
        text(
            "update returns set cleared_at = :now where kind = 'soft' and cleared_at is null"
            " and address_hash = sha256(convert_to(:address, 'UTF8'))"
        ),
        {"now": now, "address": mail["address"]},
    )
    return "cleared"


def _lifted_since(connection: Connection, address: str, at: datetime) -> bool:
    return bool(
        connection.execute(
            text(
                "select 1 from suppressions_lifted where email_key = :key and lifted_at > :at"
                " limit 1"
            ),
            {"key": address, "at": at},
        ).scalar()
    )


def _mail_of(connection: Connection, one: ReturnEvent) -> MailId | None:
    """By Message-ID; else the last one that was sent to the address."""
    if one.message_id:
        bare = one.message_id.strip().strip("<>")
        found = connection.execute(
            text(
                "select id from outbox where sent_at is not null and message_id in (:bare, :whole)"
                " limit 1"
            ),
            {"bare": bare, "whole": f"<{bare}>"},
        ).scalar()
        if found or not one.address:
            return MailId(found) if found else None
    found = connection.execute(
        text(
            "select o.id from outbox o join subscribers s on s.id = o.subscriber_id"
            " where s.email_key = :key and lower(o.recipient) = :key"
            " and o.sent_at is not null order by o.created_at desc, o.id desc limit 1"
        ),
        {"key": email_key(one.address or "")},
    ).scalar()
    return MailId(found) if found else None


def _row(row: RowMapping) -> MailReturn:
    return MailReturn(
        mail_id=MailId(row["mail_id"]),
        kind=ReturnKind(row["kind"]),
        status=row["status"],
        diagnostic=row["diagnostic"],
        evidence=row["evidence"],
        via=row["via"],
        at=row["at"],
        effect=row["effect"],
    )
