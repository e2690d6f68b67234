"""What is held of a person, table by table, to be given to them."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, text

from aggregator.addresses import email_key, folded
from aggregator.filters import parse_query, spelled
from aggregator.model import Subscriber
from aggregator.store import rows
from aggregator.store.letterbox import of_reader


def held_of(connection: Connection, who: Subscriber) -> Mapping[str, object]:
    """All that is held of a person, in words of JSON; the caller reads one snapshot."""
    values = {"id": who.id, "folded": folded(who.email), "key": email_key(who.email)}
    held = {
        name: [dict(row) for row in connection.execute(text(sql), values).mappings()]
        for name, sql in _HELD.items()
    }
    [person] = held.pop("person")
    wishes = {one.id: spelled(one.wish.filter) or "everything" for one in who.subscriptions}
    for row in held["subscriptions"]:
        row["wish"] = wishes.get(row["id"])
    for row in held["channel_subscriptions"]:
        row["wish"] = spelled(parse_query(row["wish"])) or "everything"
    document: dict[str, object] = {"subscriber": person, **held}
    return rows.plain(document)


#: Hashes of links are no data about anybody.
_HELD: Mapping[str, str] = {
    "person": "select email, state, language, timezone, hour, minute, weekday, reminders, created_at,"
    " confirmed_at, confirmed_from, consent from subscribers where id = :id",
    "subscriptions": "select id, frequency, state, active_from, paused_until, ended_at, end_reason"
    " from subscriptions where subscriber_id = :id order by id",
    "pauses": "select subscription_id, from_at, until_at from pauses where subscription_id in"
    " (select id from subscriptions where subscriber_id = :id) order by from_at",
    "switches": "select subscription_id, frequency as switched_from, at from frequency_switches"
    " where subscription_id in (select id from subscriptions where subscriber_id = :id) order by at",
    "endings": "select at, reason, why, frequency, subscription_id from endings"
    " where subscriber_id = :id order by at, id",
    "ledger": "select a.uuid as announcement, a.title, a.url, l.reason, l.at, l.mail_id from"
    " ledger l left join announcements a on a.id = l.announcement_id"
    " where l.subscriber_id = :id order by l.at, l.announcement_id",
    "mails": "select id, key, lane, state, recipient, message_id, created_at, sent_at, attempts,"
    f" answer from outbox where {of_reader(':id')} order by id",
    "returns": "select r.mail_id, r.kind, r.status, r.diagnostic, r.effect, r.at from returns r"
    f" join outbox o on o.id = r.mail_id where {of_reader(':id', 'o')} order by r.at",
    "channels": "select service, shown, state, problem, created_at from channels"
    " where owner_id = :id order by created_at",
    "channel_subscriptions": "select c.service, c.shown, n.frequency, n.state, n.active_from,"
    " n.paused_until, n.ended_at, w.canonical as wish from channels c join subscriptions n on"
    " n.subscriber_id = c.subscriber_id join wishes w on w.id = n.wish_id where c.owner_id = :id"
    " order by n.id",
    "channel_ledger": "select c.service, c.shown, a.uuid as announcement, a.title, a.url, l.reason,"
    " l.at, l.mail_id from channels c join ledger l on l.subscriber_id = c.subscriber_id left join"
    " announcements a on a.id = l.announcement_id where c.owner_id = :id"
    " order by l.at, l.announcement_id",
    "sent_before_a_restore": "select message_id, at from recalled_mails where subscriber_id = :id"
    " order by at",
    "confirmations": "select created_at, expires_at, used_at from confirmations"
    " where subscriber_id = :id order by created_at",
    "moves": "select email, created_at, expires_at, used_at from moves where subscriber_id = :id"
    " order by created_at",
    "requests": "select kind, network, at from sign_ups where email_key = :folded order by at",
    "suppressions": "select kind, reason, at, null as lifted_at from suppressions where"
    " email_key = :key union all select kind, reason, at, lifted_at from suppressions_lifted"
    " where email_key = :key order by at",
}
