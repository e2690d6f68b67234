"""The hub's limits: how often it may be asked, and how many may follow."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, text

from aggregator.push import HubLimits, HubRequest
from aggregator.store import hub_rows


def too_often(
    connection: Connection, request: HubRequest, now: datetime, limits: HubLimits
) -> str | None:
    """Why a request is one too many within the hour; None when it is not."""
    row = connection.execute(
        text(
            "with known as (select exists (select 1 from websub_subscriptions"
            " where callback_host = :host) as host)"
            " select known.host as known,"
            " count(*) filter (where r.callback_host = :host) as host,"
            " count(*) filter (where r.network = :network) as network,"
            " count(*) filter (where not exists (select 1 from websub_subscriptions s"
            " where s.callback_host = r.callback_host)) as strangers, count(r.id) as everyone"
            " from known left join websub_requests r on r.asked_at > :now - interval '1 hour'"
            " group by known.host"
        ),
        {"host": request.host, "network": request.network, "now": now},
    ).mappings().one()  # fmt: skip
    per_host = limits.known_host_hour if row["known"] else limits.unknown_host_hour
    if row["host"] >= per_host:
        return f"{request.host} was asked about {per_host} times in the last hour"
    if row["network"] >= limits.network_hour:
        return f"your network asked {limits.network_hour} times in the last hour"
    if row["everyone"] >= limits.all_hour or (
        not row["known"] and row["strangers"] >= limits.unknown_hour
    ):
        return "the hub was asked too often in the last hour"
    return None


def no_room(
    connection: Connection, request: HubRequest, now: datetime, limits: HubLimits
) -> str | None:
    """Why there is no room for one more follower; None when there is, or it is one already."""
    search = request.topic.name.startswith("search?")
    row = connection.execute(
        text(
            "select count(*) as everyone, count(*) filter (where s.callback_host = :host) as host,"
            " count(*) filter (where t.search) as searches,"
            " count(*) filter (where t.search and s.callback_host = :host) as host_searches,"
            " coalesce(bool_or(s.key = :key), false) as there"
            " from websub_subscriptions s join websub_topics t using (address)"
            " where s.ended_at is null and s.expires_at > :now"
        ),
        {"host": request.host, "key": hub_rows.key(request), "now": now},
    ).mappings().one()  # fmt: skip
    if row["there"]:
        return None
    if row["host"] >= limits.host:
        return f"{request.host} has {limits.host} subscriptions, the most there may be"
    if row["everyone"] >= limits.everyone:
        return f"the hub has {limits.everyone} subscriptions, the most there may be"
    if search and row["host_searches"] >= limits.host_searches:
        return (
            f"{request.host} has {limits.host_searches} subscriptions to searches, the most there"
            " may be; take feeds with a name"
        )
    if search and row["searches"] >= limits.searches:
        return (
            f"the hub has {limits.searches} subscriptions to searches, the most there may be;"
            " take feeds with a name"
        )
    return None
