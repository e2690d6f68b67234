"""Confirming links: what each one confirms, once and for two days, in the caller's transaction.

Of a token only its SHA-256 is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from aggregator.model import SubscriptionId

#: A confirming link lives this long (RELIABILITY.md §Security model).
CONFIRM_FOR = timedelta(hours=48)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Whose link it is, and which subscriptions were asked for with it."""

    subscriber_id: int
    ids: Sequence[SubscriptionId]


def keep(connection: Connection, asked: Asked, token_hash: bytes, now: datetime) -> None:
    """Let a link confirm what was asked for."""
    connection.execute(
        text(
            "insert into confirmations (token_hash, subscriber_id, subscription_ids,"
            " created_at, expires_at) values (:hash, :subscriber, :ids, :now, :until)"
        ),
        {
            "hash": token_hash, "subscriber": asked.subscriber_id, "ids": list(asked.ids),
            "now": now, "until": now + CONFIRM_FOR,
        },
    )  # fmt: skip


def alive(connection: Connection, token_hash: bytes, now: datetime) -> Asked | None:
    """What a link is about, while it lives."""
    found = connection.execute(
        text(
            "select subscriber_id, subscription_ids from confirmations where token_hash = :hash"
            " and expires_at > :now"
        ),
        {"hash": token_hash, "now": now},
    ).first()
    return _asked(found.subscriber_id, found.subscription_ids) if found else None


def take(connection: Connection, token_hash: bytes, now: datetime) -> Asked | None:
    """Use a link, once; None for a used or old one, and where all of it was stopped meanwhile."""
    found = connection.execute(
        text(
            "update confirmations c set used_at = :now where token_hash = :hash"
            " and used_at is null and expires_at > :now and exists (select 1 from subscriptions n"
            " where n.id = any(c.subscription_ids) and n.state <> 'ended')"
            " returning subscriber_id, subscription_ids"
        ),
        {"hash": token_hash, "now": now},
    ).first()
    return _asked(found.subscriber_id, found.subscription_ids) if found else None


def was_used(connection: Connection, token_hash: bytes, now: datetime) -> bool:
    """Whether a link was used, as long as it would live."""
    return bool(
        connection.execute(
            text(
                "select 1 from confirmations where token_hash = :hash"
                " and used_at is not null and expires_at > :now"
            ),
            {"hash": token_hash, "now": now},
        ).scalar()
    )


def _asked(subscriber_id: int, ids: Sequence[int]) -> Asked:
    return Asked(subscriber_id=subscriber_id, ids=[SubscriptionId(one) for one in ids])
