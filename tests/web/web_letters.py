"""A reader's way through the mails: what the tests of letters and choices share."""

from __future__ import annotations

import re
from datetime import timedelta

from aggregator.model import SubscriptionState
from aggregator.notify import tokens

LEASE = timedelta(seconds=90)
ADDRESS = "reader@example.org"


def links(web, kind: str) -> list[str]:
    """The paths of links of a kind in the mails that wait, as a reader would follow them."""
    mails = web.parts.outbox.claim_mails(web.time[0], limit=99, lease=LEASE)
    found = [re.search(rf"http://quxun\.example(/{kind}/\S+)", one.mail.text) for one in mails]
    return [hit[1] for hit in found if hit]


def confirmed(web, **form: str):
    """A subscriber who went the whole way."""
    web.post("/subscribe", {"email": ADDRESS, **form})
    [path] = links(web, "confirm")
    assert web.post(path, {"confirm": "yes"}).status == 200
    return web.parts.subscribers.get(ADDRESS)


def manage_path(web, who, purpose=tokens.Purpose.MANAGE, **scope: object) -> str:
    keys = tokens.Keys.of(web.parts.settings.secret_key.get_secret_value())
    expires = None if purpose is tokens.Purpose.STOP else web.time[0] + timedelta(days=7)
    ticket = tokens.Ticket(
        purpose=purpose, subscriber_id=who.id, epoch=who.epoch, expires_at=expires, **scope
    )
    door = "unsubscribe" if purpose is tokens.Purpose.STOP else "preferences"
    return f"/{door}/{tokens.sign(keys, ticket)}"


def states(web) -> list[SubscriptionState]:
    return [one.state for one in web.parts.subscribers.get(ADDRESS).subscriptions]
