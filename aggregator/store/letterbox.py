"""Where a mail is put in: into the outbox, once, in the transaction that decided on it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, text

from aggregator.model import Lane, Mail, MailId
from aggregator.store import rows

#: Confirmations before immediate mails before digests.
LANES = {Lane.CONFIRMATION: 0, Lane.IMMEDIATE: 1, Lane.DIGEST: 2}


def insert(connection: Connection, mail: Mail, due_at: datetime) -> MailId | None:
    """Queue a mail in the caller's transaction; None when its key is there already, or the
    address is suppressed (but for the one mail that may try it, store/suppressions.py).
    """
    found = connection.execute(
        text(
            "insert into outbox (key, lane, subscriber_id, recipient, domain, mail, message_id,"
            " created_at, due_at) select :key, :lane, :subscriber, :to, :domain,"
            " cast(:mail as jsonb), :message_id, now(), :due where not exists (select 1 from"
            " suppressions where email_key = lower(:to) and tried_key is distinct from :key) on conflict (key) do nothing returning id"
        ),
        {
            "key": mail.key,
            "lane": LANES[mail.lane],
            "subscriber": mail.subscriber_id,
            "to": mail.to,
            "domain": domain_of(mail.to) if "@" in mail.to else None,
            "mail": rows.to_json(mail),
            "message_id": mail.message_id,
            "due": due_at,
        },
    ).scalar()
    return MailId(found) if found else None


def domain_of(address: str) -> str:
    """The mail domain by which an address is paced."""
    return address.rpartition("@")[2].lower()
