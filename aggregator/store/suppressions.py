"""Addresses that get no mail, and why: set by returns and operators, lifted by who confirms again.

A row in ``suppressions`` holds mail back; what is lifted moves to ``suppressions_lifted`` and is
kept as history. The functions work in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, Engine, RowMapping, text

from aggregator.addresses import email_key
from aggregator.errors import NotFoundError
from aggregator.model import Suppression, SuppressionKind

#: A bounced address is tried again at a person's wish: one mail in so long, and so many an hour
#: in all and to one mail domain.
TRY_EVERY: Final = timedelta(days=7)
TRIES_AN_HOUR: Final = 60
TRIES_AN_HOUR_OF_DOMAIN: Final = 20
#: Lifted ones are kept as long as the journal of deliveries (RELIABILITY.md, personal data).
KEEP_LIFTED: Final = timedelta(days=400)

#: Who asks again may lift these: a mailbox that was gone or full may be there now. A complaint
#: was a person's own word, and an operator's is the operator's to take back.
LIFTED_BY_CONFIRMING: Final = (SuppressionKind.SOFT, SuppressionKind.HARD)
_RANKS = "array['soft', 'hard', 'operator', 'complaint']"


class Suppressions:
    """The list, as operators see and change it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def list(self, *, lifted: bool = False) -> Sequence[Suppression]:
        """All that hold mail back, newest first; or those that do no more."""
        table = "suppressions_lifted" if lifted else "suppressions"
        with self._engine.connect() as connection:
            found = connection.execute(
                text(f"select * from {table} order by at desc, email_key")
            ).mappings()
            return [_suppression(row) for row in found]

    def add(
        self,
        email: str,
        reason: str,
        now: datetime,
        kind: SuppressionKind = SuppressionKind.OPERATOR,
    ) -> bool:
        """Send no mail there any more; False when a stronger reason holds it back already."""
        key = email_key(email)
        with self._engine.begin() as connection:
            done = suppress(connection, key, kind, reason=reason, evidence="", at=now)
            if not done:
                connection.rollback()
            return done

    def remove(self, email: str, now: datetime, *, by: str) -> Suppression:
        """Let mail go there again, whatever the reason was; the history keeps the row.

        Raises:
            NotFoundError: when nothing holds it back.
        """
        with self._engine.begin() as connection:
            done = lift(connection, email_key(email), now, by=by, kinds=tuple(SuppressionKind))
            if done is None:
                raise NotFoundError(
                    "no mail to that address is held back; "
                    '"quxun suppressions list" shows which are'
                )
            return done

    def may_try(self, email: str, mail_key: str, now: datetime) -> bool:
        """Let one mail, named by its key, go to an address that bounced, at a person's wish.

        Counted here: once in ``TRY_EVERY`` for an address, and within the limits of an hour.
        False for an address that is not held back, or held back by a complaint or an operator.
        """
        key = email_key(email)
        with self._engine.begin() as connection:
            connection.execute(
                text("select pg_advisory_xact_lock(hashtext(:key))"), {"key": "suppression-try"}
            )
            tries = connection.execute(
                text(
                    "select count(*) as everyone, count(*) filter (where split_part(email_key,"
                    " '@', 2) = :domain) as domain from suppressions where tried_at > :since"
                ),
                {"domain": key.rpartition("@")[2], "since": now - timedelta(hours=1)},
            ).one()
            if tries.everyone >= TRIES_AN_HOUR or tries.domain >= TRIES_AN_HOUR_OF_DOMAIN:
                return False
            done = connection.execute(
                text(
                    "update suppressions set tried_at = :now, tried_key = :mail"
                    " where email_key = :key and kind = any(:kinds)"
                    " and (tried_at is null or tried_at <= :since)"
                ),
                {
                    "now": now,
                    "mail": mail_key,
                    "key": key,
                    "kinds": list(LIFTED_BY_CONFIRMING),
                    "since": now - TRY_EVERY,
                },
            ).rowcount
        return bool(done)

    def prune(self, now: datetime) -> None:
        """Forget what was lifted long ago."""
        with self._engine.begin() as connection:
            connection.execute(
                text("delete from suppressions_lifted where lifted_at < :t"),
                {"t": now - KEEP_LIFTED},
            )


def suppress(
    connection: Connection,
    key: str,
    kind: SuppressionKind,
    *,
    reason: str,
    evidence: str,
    at: datetime,
) -> bool:
    """Hold back mail to an address; a weaker reason never replaces a stronger one."""
    return bool(
        connection.execute(
            text(
                "insert into suppressions as x (email_key, kind, reason, evidence, at)"
                " values (:key, :kind, :reason, :evidence, :at)"
                " on conflict (email_key) do update set kind = excluded.kind,"
                " reason = excluded.reason, evidence = excluded.evidence, at = excluded.at"
                f" where array_position({_RANKS}, excluded.kind)"
                f" >= array_position({_RANKS}, x.kind)"
            ),
            {"key": key, "kind": kind, "reason": reason, "evidence": evidence, "at": at},
        ).rowcount
    )


def lift(
    connection: Connection,
    key: str,
    now: datetime,
    *,
    by: str,
    kinds: Sequence[SuppressionKind] = LIFTED_BY_CONFIRMING,
) -> Suppression | None:
    """Let mail go to an address again when it is held back for one of these reasons, and keep
    the history; None when it was not.
    """
    row = connection.execute(
        text(
            "with gone as (delete from suppressions where email_key = :key"
            " and kind = any(:kinds) returning *) insert into suppressions_lifted (email_key,"
            " kind, reason, evidence, at, lifted_at, lifted_by) select email_key, kind, reason,"
            " evidence, at, :now, :by from gone returning *"
        ),
        {"key": key, "kinds": list(kinds), "now": now, "by": by},
    ).mappings().first()  # fmt: skip
    return _suppression(row) if row else None


def lift_of(connection: Connection, subscriber_id: int, now: datetime, *, by: str) -> None:
    """Lift what bounces set on a person's present address: mail reached it, for they answered."""
    key = _key_of(connection, subscriber_id)
    if key:
        lift(connection, key, now, by=by)


def forget_of(connection: Connection, subscriber_id: int) -> None:
    """Forget the history of a person's address; what holds mail back stays, so that none goes."""
    key = _key_of(connection, subscriber_id)
    connection.execute(text("delete from suppressions_lifted where email_key = :key"), {"key": key})


def _key_of(connection: Connection, subscriber_id: int) -> str | None:
    found = connection.execute(
        text("select email_key from subscribers where id = :id"), {"id": subscriber_id}
    ).scalar()
    return str(found) if found else None


def _suppression(row: RowMapping) -> Suppression:
    return Suppression(
        email_key=row["email_key"],
        kind=SuppressionKind(row["kind"]),
        reason=row["reason"],
        evidence=row["evidence"],
        at=row["at"],
        tried_at=row.get("tried_at"),
        lifted_at=row.get("lifted_at"),
        lifted_by=row.get("lifted_by"),
    )
