"""A message for a chat as it is claimed: its channel, and what it tells by the ledger."""

from __future__ import annotations

from sqlalchemy import Connection, text

from aggregator.channels import Channel, ChannelMessage, ChannelState, Robot, Service
from aggregator.model import Announcement, Frequency, MailId, RunId, SubscriberId
from aggregator.store import rows
from aggregator.store.announcements import with_sightings
from aggregator.store.further import revisions_of

_IMMEDIATE_LANE = 1


def message_of(connection: Connection, row: rows.Row) -> ChannelMessage:
    """A claimed row of the outbox with what it tells: what stands in the ledger beside it."""
    channel = connection.execute(
        text(
            "select c.*, s.language from channels c join subscribers s on s.id = c.subscriber_id"
            " where c.subscriber_id = :id"
        ),
        {"id": row["subscriber_id"]},
    ).mappings().one()  # fmt: skip
    why: dict[int, list[str]] = {}
    for one in connection.execute(
        text(
            "select announcement_id, reason from ledger where subscriber_id = :whose"
            " and mail_id = :id order by reason"
        ),
        {"id": row["id"], "whose": row["subscriber_id"]},
    ):
        why.setdefault(one.announcement_id, []).append(one.reason)
    found = connection.execute(
        text("select * from announcements where id = any(cast(:ids as bigint[]))"),
        {"ids": list(why)},
    ).mappings()
    told: list[tuple[Announcement, str]] = [
        (one, reason) for one in with_sightings(connection, list(found)) for reason in why[one.id]
    ]
    frequency = connection.execute(
        text("select frequency from runs where id = :id"),
        {"id": row["run_id"]},
    ).scalar()
    frequency = Frequency(frequency or _usual(row["lane"]))
    return ChannelMessage(
        mail_id=MailId(row["id"]),
        generation=row["generation"],
        attempts=row["attempts"],
        created_at=row["created_at"],
        was_ambiguous=row["was_ambiguous"],
        channel=channel_of(channel),
        language=channel["language"],
        frequency=frequency,
        run_id=None if row["run_id"] is None else RunId(row["run_id"]),
        told=tuple(told),
        revisions=revisions_of(connection, ((one.id, reason) for one, reason in told)),
    )


def _usual(lane: int) -> Frequency:
    return Frequency.IMMEDIATE if lane == _IMMEDIATE_LANE else Frequency.DAILY


def channel_of(row: rows.Row) -> Channel:
    """A row of ``channels``."""
    return Channel(
        id=SubscriberId(row["subscriber_id"]),
        owner_id=SubscriberId(row["owner_id"]),
        robot=Robot(
            service=Service(row["service"]),
            address=row["address"],
            shown=row["shown"],
            key=bytes(row["robot"]),
        ),
        state=ChannelState(row["state"]),
        problem=row["problem"],
        created_at=row["created_at"],
        failing_since=row["failing_since"],
        taken_at=row["taken_at"],
    )
