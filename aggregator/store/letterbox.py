"""Where a mail is put in: into the outbox, once, in the transaction that decided on it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, text

from aggregator.model import Lane, Mail, MailId
from aggregator.store import rows

#: Confirmations before immediate mails before digests.
LANES = {Lane.CONFIRMATION: 0, Lane.IMMEDIATE: 1, Lane.DIGEST: 2}
#: What became of a mail whose reader stopped it; ``quxun why`` knows it by its first word.
STOPPED: Final = "stopped by its reader before it left"

#: Of a mail with a link that opens or confirms something, nothing but its subject is kept once it
#: is over: of tokens the database knows hashes (RELIABILITY.md §Security model).
SPENT: Final = (
    "case when o.lane = 0 and o.subscriber_id is not null and o.mail ? 'text'"
    " then jsonb_build_object('subject', o.mail->'subject') else o.mail end"
)


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


def follow(connection: Connection, which: str, ids: Collection[int]) -> None:
    """Let mails that wait go where their readers moved to, in the caller's transaction.

    Only what may be under way just now is let be: its answer decides. Links in the others' words
    are made when they are sent, so none that opens what is held now reaches the old mailbox.

    Args:
        connection: the caller's transaction.
        which: a condition on the mail ``o`` or its reader ``s``, with ``:ids``.
        ids: what it asks for.
    """
    connection.execute(
        text(
            "update outbox o set recipient = s.email, domain = split_part(lower(s.email), '@', 2),"
            " mail = case when mail ? 'to' then jsonb_set(mail, '{to}', to_jsonb(s.email))"
            " else mail end, generation = generation + (o.state = 'claimed')::integer,"
            " attempts = attempts - (o.state = 'claimed')::integer, lease_until = null,"
            " state = case when o.state = 'claimed' then 'queued' else o.state end"
            " from subscribers s where s.id = o.subscriber_id and o.lane > 0 and o.waiting"
            " and o.state <> 'handed' and lower(o.recipient) <> lower(s.email)"
            f" and ({which})"
        ),
        {"ids": list(ids)},
    )


def stopped(mail: str, frequency: str) -> str:
    """Whether its reader stopped what a mail answers, as a condition in SQL: then it must not
    leave any more, though it waits.

    One subscription of that frequency that goes on, or is paused, is enough to be written to; one
    that waits for a new confirmation, whoever asked for it, has ended as well. Where there is none
    of that frequency, those that were switched from it decide, and without any at all nothing
    leaves. What had ended before the mail was planned (by clocks that may differ) is not in it.

    Args:
        mail: the name of the outbox's row.
        frequency: that of its run; before there were runs its lane said it.
    """
    all_theirs = f"select 1 from subscriptions n where n.subscriber_id = {mail}.subscriber_id"
    theirs = (
        f"{all_theirs} and coalesce(n.frequency = {frequency},"
        f" (n.frequency = 'immediate') = ({mail}.lane = 1))"
    )
    switched = (
        f"{all_theirs} and exists (select 1 from frequency_switches x where"
        f" x.subscription_id = n.id and x.frequency = {frequency})"
    )
    runs = "n.state in ('active', 'paused')"
    ended = "(n.state = 'ended' or (n.state = 'pending' and n.ended_at is not null))"
    since = f"{ended} and n.ended_at > {mail}.created_at - interval '1 minute'"
    return (
        f"({mail}.lane > 0 and not exists ({theirs} and {runs}) and"
        f" (exists ({theirs} and {since})"
        f" or (exists ({switched} and {since}) and not exists ({switched} and {runs}))"
        f" or (exists ({all_theirs} and {ended}) and not exists ({all_theirs} and {runs}))))"
    )


def end_stopped(connection: Connection, which: str, ids: Collection[int]) -> None:
    """End what waits and was stopped by its reader, in the transaction that stopped it: who
    confirms anew later must not be sent what an operator held, or a server did not take, till then.

    What may be under way just now is let be, as ``follow`` does, and asked about again when its
    answer says that it waits; so is what is in doubt for the
    second time, which leaves only by an operator.

    Args:
        connection: the caller's transaction.
        which: a condition on the mail ``o``, with ``:ids``.
        ids: what it asks for.
    """
    connection.execute(
        text(
            "update outbox o set state = 'failed', lease_until = null, answer = :stopped,"
            " generation = generation + 1 where o.waiting"
            " and o.state <> 'handed'"
            " and (o.state <> 'ambiguous' or o.due_at < timestamptz '9000-01-01 00:00+00')"
            f" and ({which})"
            f" and {stopped('o', '(select r.frequency from runs r where r.id = o.run_id)')}"
        ),
        {"ids": list(ids), "stopped": STOPPED},
    )


def domain_of(address: str) -> str:
    """The mail domain by which an address is paced."""
    return address.rpartition("@")[2].lower()


def of_reader(whose: str, mails: str = "outbox") -> str:
    """A condition: all mails of a reader. Each of its three parts has an index of its own, so that
    a mail on its way out changes none; together they are every mail.
    """
    return (
        f"(({mails}.waiting and {mails}.subscriber_id = {whose})"
        f" or ({mails}.sent_at is not null and {mails}.subscriber_id = {whose})"
        f" or (not {mails}.waiting and {mails}.sent_at is null"
        f" and {mails}.subscriber_id = {whose}))"
    )
