"""Removing a person and all that names them; what no law wants gone stays without a name."""

from __future__ import annotations

from sqlalchemy import Connection, text

from aggregator.addresses import folded
from aggregator.model import SubscriberId
from aggregator.store import channels, returns, suppressions
from aggregator.store.letterbox import of_reader
from aggregator.store.patience import lock_with_chats

#: Where a person is, and was, reached. What they only asked to move to is somebody else's mailbox, as
#: far as we know: its limit goes on, or erasing would be a way to flood it.
_ADDRESSES = (
    "select email from subscribers where id = :id"
    " union select email from moves where subscriber_id = :id and used_at is not null"
    f" union select recipient from outbox where {of_reader(':id')} and key not like 'move:%'"
)


def remove(connection: Connection, subscriber_id: SubscriberId, *, reason: str | None) -> None:
    """Remove a person and all that names them, in the caller's transaction.

    Of their subscriptions only the endings stay, without a name; those that ran end for
    ``reason``. Mails that wait are not sent. What says that no mail may go there stays.
    """
    # Whoever plans for this person is done, or finds nobody any more.
    lock_with_chats(connection, subscriber_id)
    addresses = connection.execute(text(_ADDRESSES), {"id": subscriber_id}).scalars().all()
    channels.forget(connection, "owner_id = :id", subscriber_id)
    returns.forget(connection, subscriber_id)
    suppressions.forget_of(connection, subscriber_id)
    for statement in (
        (
            "insert into endings (at, reason, frequency) select now(), :reason, frequency from"
            " subscriptions where subscriber_id = :id and state in ('active', 'paused')"
            " and cast(:reason as text) is not null"
        ),
        "update endings set subscriber_id = null, subscription_id = null where subscriber_id = :id",
        (
            "update outbox set recipient = '', domain = null, mail = '{}', answer = null,"
            " key = case when key like 'link:%' then 'link:' || id else key end, lease_until = null,"
            " state = case when state in ('sent', 'merged') then state else 'failed' end,"
            " subscriber_id = null"
            f" where {of_reader(':id')}"
        ),
        "delete from ledger where subscriber_id = :id",
        "delete from recalled_mails where subscriber_id = :id",
        "delete from subscribers where id = :id",
    ):
        connection.execute(text(statement), {"id": subscriber_id, "reason": reason})
    connection.execute(
        text("update sign_ups set email_key = '', mail_domain = '' where email_key = any(:all)"),
        {"all": [folded(one) for one in addresses]},
    )
