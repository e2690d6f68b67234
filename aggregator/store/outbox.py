"""The outbox: mails that must leave, each once, and what came of every attempt."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, text

from aggregator.model import Delivery, Lane, Mail, MailId, MailState, OutboxMail
from aggregator.store import rows

#: Confirmations before immediate mails before digests.
_LANES = {Lane.CONFIRMATION: 0, Lane.IMMEDIATE: 1, Lane.DIGEST: 2}

#: A mail that waits while its reader stops what it answers must not leave any more.
_STOPPED = (
    "update outbox o set state = 'failed', lease_until = null,"
    " answer = 'stopped by its reader before it left'"
    " where o.lane > 0 and o.due_at <= :now and o.state in ('queued', 'deferred', 'ambiguous')"
    " and exists (select 1 from subscriptions n where n.subscriber_id = o.subscriber_id"
    " and n.state = 'ended' and (n.frequency = 'immediate') = (o.lane = 1))"
    " and not exists (select 1 from subscriptions n where n.subscriber_id = o.subscriber_id"
    " and n.state in ('active', 'paused') and (n.frequency = 'immediate') = (o.lane = 1))"
)


class Outbox:
    """Implements ``ports.OutboxStore``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def enqueue_mail(self, mail: Mail, now: datetime) -> MailId | None:
        """Queue a mail unless its key is there already."""
        with self._engine.begin() as connection:
            return insert(connection, mail, now)

    def claim_mails(
        self, now: datetime, *, limit: int, lease: timedelta, lane: Lane | None = None
    ) -> Sequence[OutboxMail]:
        """Lease the mails that are due, lane by lane, oldest first.

        One whose sender vanished after it was handed over may have arrived: it is marked
        ambiguous and goes out once more, with the same Message-ID; a second time it is left
        alone, so that there are never more than two copies.
        """
        with self._engine.begin() as connection:
            connection.execute(
                text(
                    "update outbox set state = 'ambiguous', was_ambiguous = true,"
                    " lease_until = null, due_at = case when was_ambiguous then 'infinity'"
                    " else :now end,"
                    " answer = 'the sender vanished between the final dot and the answer'"
                    " where state = 'handed' and lease_until < :now"
                ),
                {"now": now},
            )
            connection.execute(
                text(
                    "update outbox o set state = 'failed', lease_until = null,"
                    " answer = 'suppressed: ' || x.reason from suppressions x"
                    " where x.email_key = lower(o.recipient) and o.due_at <= :now"
                    " and (o.state in ('queued', 'deferred', 'ambiguous')"
                    " or (o.state = 'claimed' and o.lease_until < :now))"
                ),
                {"now": now},
            )
            connection.execute(text(_STOPPED), {"now": now})
            found = connection.execute(
                text(
                    "with free as (select id from outbox where due_at <= :now"
                    " and (state in ('queued', 'deferred', 'ambiguous')"
                    " or (state = 'claimed' and lease_until < :now))"
                    " and (cast(:lane as integer) is null or lane = :lane)"
                    " and recipient like '%@%'"  # what goes to chats is claimed in channels.py
                    # Held by an operator: confirmations only (store/holds.py).
                    " and (lane = 0 or not exists"
                    " (select 1 from house where mail_held_at is not null))"
                    " order by lane, due_at, id limit :limit for update skip locked)"
                    " update outbox o set state = 'claimed', lease_until = :until,"
                    " generation = o.generation + 1, attempts = o.attempts + 1"
                    " from free where o.id = free.id returning o.*"
                ),
                {
                    "now": now,
                    "until": now + lease,
                    "limit": limit,
                    "lane": _LANES[lane] if lane else None,
                },
            ).mappings()
            claimed = sorted(found, key=lambda row: (row["lane"], row["due_at"], row["id"]))
        return [
            OutboxMail(
                id=MailId(row["id"]),
                mail=rows.from_json(row["mail"], Mail),
                state=MailState.CLAIMED,
                generation=row["generation"],
                attempts=row["attempts"],
                created_at=row["created_at"],
            )
            for row in claimed
        ]

    def mark_handed(self, mail_id: MailId, generation: int) -> bool:
        """Commit that the next byte may be the final dot; False when the lease was lost or the
        mail must not go any more (its reader was erased or suppressed).
        """
        with self._engine.begin() as connection:
            done = connection.execute(
                text(
                    "update outbox o set state = 'handed' where id = :id and state = 'claimed'"
                    " and generation = :generation and not exists (select 1 from suppressions x"
                    " where x.email_key = lower(o.recipient))"
                ),
                {"id": mail_id, "generation": generation},
            ).rowcount
        return bool(done)

    def record_deliveries(self, deliveries: Sequence[Delivery]) -> None:
        """Write what came of the attempts; an attempt whose lease was lost changes nothing."""
        if not deliveries:
            return
        with self._engine.begin() as connection:
            connection.execute(
                text(
                    "update outbox o set state = r.state, answer = r.answer, lease_until = null,"
                    " due_at = coalesce(r.retry, case when r.state = 'ambiguous' and"
                    " not o.was_ambiguous then r.at when r.state = 'ambiguous' then 'infinity'"
                    " else o.due_at end),"
                    " was_ambiguous = o.was_ambiguous or r.state = 'ambiguous',"
                    " sent_at = case when r.state = 'sent' then r.at end"
                    " from unnest(cast(:ids as bigint[]), cast(:generations as integer[]),"
                    " cast(:states as text[]), cast(:answers as text[]),"
                    " cast(:ats as timestamptz[]), cast(:retries as timestamptz[]))"
                    " as r (id, generation, state, answer, at, retry)"
                    " where o.id = r.id and o.generation = r.generation"
                    " and o.state in ('claimed', 'handed')"
                ),
                {
                    "ids": [d.mail_id for d in deliveries],
                    "generations": [d.generation for d in deliveries],
                    "states": [d.state.value for d in deliveries],
                    "answers": [d.answer[:500] for d in deliveries],
                    "ats": [d.at for d in deliveries],
                    "retries": [d.retry_at for d in deliveries],
                },
            )
            for one in deliveries:
                if one.suppress:
                    connection.execute(
                        text(
                            "insert into suppressions (email_key, reason, at) select"
                            " lower(recipient), :reason, :at from outbox where id = :id"
                            " on conflict do nothing"
                        ),
                        {"reason": one.suppress, "at": one.at, "id": one.mail_id},
                    )

    def states(self) -> dict[str, int]:
        """How many mails stand in which state."""
        with self._engine.connect() as connection:
            found = connection.execute(text("select state, count(*) from outbox group by state"))
            return {row[0]: row[1] for row in found}


def insert(connection: Connection, mail: Mail, due_at: datetime) -> MailId | None:
    """Queue a mail in the caller's transaction; None when its key is there already, or the
    address is suppressed.
    """
    found = connection.execute(
        text(
            "insert into outbox (key, lane, subscriber_id, recipient, mail, message_id, created_at,"
            " due_at) select :key, :lane, :subscriber, :to, cast(:mail as jsonb), :message_id,"
            " now(), :due where not exists (select 1 from suppressions where"
            " email_key = lower(:to)) on conflict (key) do nothing returning id"
        ),
        {
            "key": mail.key,
            "lane": _LANES[mail.lane],
            "subscriber": mail.subscriber_id,
            "to": mail.to,
            "mail": rows.to_json(mail),
            "message_id": mail.message_id,
            "due": due_at,
        },
    ).scalar()
    return MailId(found) if found else None
