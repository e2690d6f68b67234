"""The hub's rows as its nouns."""

from __future__ import annotations

from aggregator.push import (
    Follower,
    FollowerId,
    HubRequest,
    HubRequestId,
    Mode,
    Topic,
    follower_key,
)
from aggregator.store import rows

#: The columns of a topic in a query that calls it ``t``.
OF_TOPIC = "t.address, t.name, t.form, t.url"


def key(request: HubRequest) -> bytes:
    """The key of who follows: a callback and a topic are one follower."""
    return follower_key(request.callback, request.topic.address)


def topic(row: rows.Row) -> Topic:
    """A topic, of ``OF_TOPIC``."""
    return Topic(url=row["url"], address=row["address"], name=row["name"], form=row["form"])


def request(row: rows.Row) -> HubRequest:
    """A request as it was asked."""
    return HubRequest(
        id=HubRequestId(row["id"]), mode=Mode(row["mode"]), topic=topic(row),
        callback=row["callback"], host=row["callback_host"], secret=row["secret"],
        lease_seconds=row["lease_seconds"], network=row["network"], change=row["change"],
        reason=row["reason"],
    )  # fmt: skip


def follower(row: rows.Row) -> Follower:
    """A follower with what its topic has reached."""
    return Follower(
        id=FollowerId(row["id"]), topic=topic(row), callback=row["callback"],
        secret=row["secret"], version=row["version"], generation=row["generation"],
        attempts=row["attempts"], failing_since=row["failing_since"],
    )  # fmt: skip
