"""Channels: chats as places for digests, the messages that wait for them, and turns at robots.

A channel's place is a row among subscribers whose ``owner_id`` is set: planning, ledger and
reasons work for it as for a mailbox, and its messages are rows of the outbox. They are claimed
here and never by the senders of mail, for nothing in ``recipient`` is an address.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, text

from aggregator.channels import (
    MOST_OF_ONE,
    Channel,
    ChannelMessage,
    ChannelState,
    ChatVerdict,
    Outcome,
    Robot,
    Service,
    gap_of,
    place_name,
)
from aggregator.errors import ConflictError, NotFoundError
from aggregator.model import (
    SubscriberId,
)
from aggregator.store.letterbox import STOPPED, end_stopped, of_reader, stopped
from aggregator.store.messages import channel_of, message_of
from aggregator.store.patience import patiently
from aggregator.store.unsettled import REFUSED_BY_CHAT

#: A message that waits for a dead channel is kept this long, as far as planning looks back.
KEEP_WAITING = timedelta(days=35)
_FREE = (
    "o.waiting and (o.state in ('queued', 'deferred', 'ambiguous')"
    " or (o.state = 'claimed' and o.lease_until < :now)) and o.due_at <= :now"
)


#: Nothing of a run leaves that is held, nor anything while all is.
_HELD = (
    "(exists (select 1 from house where mail_held_at is not null)"
    " or exists (select 1 from runs r where r.id = o.run_id and r.held is not null))"
)
_FREQUENCY = "(select r.frequency from runs r where r.id = o.run_id)"


class Channels:
    """Implements ``ports.ChannelStore``, and what owners and operators ask of it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # --- What owners do ---

    def add(self, owner: SubscriberId, robot: Robot, now: datetime) -> Channel:
        """A new place for digests; the one that is there when the owner has this robot already.

        It writes as its owner is written to: hour, weekday, time zone and language.

        Raises:
            ConflictError: when the owner has too many.
        """
        with patiently(self._engine) as connection:
            connection.execute(
                text("select 1 from subscribers where id = :id for update"), {"id": owner}
            )
            mine = self._where(connection, "c.owner_id = :value", owner)
            for one in mine:
                if one.robot.key == robot.key and one.robot.address == robot.address:
                    return one
            if len(mine) >= MOST_OF_ONE:
                raise ConflictError(f"there are {MOST_OF_ONE} channels already; remove one first")
            place = connection.execute(
                text("select nextval(pg_get_serial_sequence('subscribers', 'id'))")
            ).scalar_one()
            connection.execute(
                text(
                    "insert into subscribers (id, owner_id, email, email_key, state, language,"
                    " timezone, hour, minute, weekday, confirmed_at, created_at)"
                    " overriding system value select :id, id, :name, :name, 'confirmed', language,"
                    " timezone, hour, minute, weekday, :now, :now from subscribers"
                    " where id = :owner"
                ),
                {"id": place, "owner": owner, "name": place_name(SubscriberId(place)), "now": now},
            )
            connection.execute(
                text(
                    "insert into channels (subscriber_id, owner_id, service, address, shown, robot,"
                    " created_at) values (:id, :owner, :service, :address, :shown, :robot, :now)"
                ),
                {
                    "id": place, "owner": owner, "service": robot.service, "now": now,
                    "address": robot.address, "shown": robot.shown, "robot": robot.key,
                },
            )  # fmt: skip
            return self._where(connection, "c.subscriber_id = :value", place)[0]

    def list(self, owner: SubscriberId | None = None) -> Sequence[Channel]:
        """All of them, or an owner's, by id."""
        with self._engine.connect() as connection:
            return self._where(connection, ":value is null or c.owner_id = :value", owner)

    def get(self, ref: str | int) -> Channel:
        """One by its id.

        Raises:
            NotFoundError: when there is none.
        """
        word = str(ref)
        number = int(word) if word.isascii() and word.isdigit() and len(word) < 19 else -1  # noqa: PLR2004  # a bigint
        with self._engine.connect() as connection:
            found = self._where(connection, "c.subscriber_id = :value", number)
        if not found:
            raise NotFoundError(f'no channel {word!r}; "quxun channels list" shows them')
        return found[0]

    def set_state(
        self, channel: SubscriberId, state: ChannelState, now: datetime, *, problem: str = ""
    ) -> bool:
        """Pause a channel, call it dead, or go on; False when it stands so already.

        While it is not active nothing is planned for it: what is announced meanwhile is owed
        when it goes on, up to 35 days back. Messages that wait are kept for that day.
        """
        with patiently(self._engine) as connection:
            done = _set_state(connection, channel, state, now, problem=problem)
            if not done:
                connection.rollback()
            return done

    def remove(self, channel: SubscriberId) -> None:
        """Forget a channel, its address, subscriptions and ledger; what waits for it fails."""
        with patiently(self._engine) as connection:
            forget(connection, "id = :id and owner_id is not null", channel)

    # --- What senders do ---

    def claim_messages(
        self, now: datetime, *, limit: int, lease: timedelta
    ) -> Sequence[ChannelMessage]:
        """Lease messages that are due, one of each robot whose turn it is; it has none again
        until its gap is over, whichever worker asks.
        """
        with self._engine.begin() as connection:
            _sweep(connection, now)
            found = connection.execute(
                text(
                    "select distinct on (c.robot) o.id, c.robot, c.service from outbox o"
                    " join channels c on c.subscriber_id = o.subscriber_id"
                    " left join robots r on r.key = c.robot"
                    f" where c.state = 'active' and {_FREE} and coalesce(r.free_at, :now) <= :now"
                    f" and not {_HELD}"
                    " order by c.robot, o.lane, o.due_at, o.id limit :limit"
                ),
                {"now": now, "limit": limit},
            ).all()
            mine = [row.id for row in found if self._turn(connection, row.robot, row.service, now)]
            taken = connection.execute(
                text(
                    "update outbox o set state = 'claimed', lease_until = :until,"
                    " generation = o.generation + 1, attempts = o.attempts + 1"
                    f" where o.id = any(cast(:ids as bigint[])) and {_FREE} returning o.*"
                ),
                {"now": now, "until": now + lease, "ids": mine},
            ).mappings()
            return [message_of(connection, row) for row in sorted(taken, key=lambda row: row["id"])]

    def take_turn(self, robot: Robot, now: datetime) -> bool:
        """Take a robot's turn for a message outside of every run; False when it is not free."""
        with self._engine.begin() as connection:
            return self._turn(connection, robot.key, robot.service, now)

    def mark_message_handed(self, message: ChannelMessage) -> bool:
        """Commit that the next byte may be the message; False when the lease was lost, or it must
        not leave just now: its run or all is held, or its channel rests. Then it waits as before.
        """
        mine = {"id": message.mail_id, "generation": message.generation}
        with self._engine.begin() as connection:
            done = connection.execute(
                text(
                    "update outbox o set state = 'handed' from channels c where o.id = :id"
                    " and o.state = 'claimed' and o.generation = :generation"
                    " and c.subscriber_id = o.subscriber_id and c.state = 'active'"
                    f" and not {_HELD}"
                ),
                mine,
            ).rowcount
            if not done:
                connection.execute(
                    text(
                        "update outbox set state = 'queued', lease_until = null,"
                        " attempts = attempts - 1 where id = :id and generation = :generation"
                        " and state = 'claimed'"
                    ),
                    mine,
                )
        return bool(done)

    def record_verdict(
        self, message: ChannelMessage, verdict: ChatVerdict, *, now: datetime, due_at: datetime
    ) -> bool:
        """Write what came of a message, in the outbox and on its channel.

        Args:
            message: as claimed; when its lease was lost only the channel is written.
            verdict: what the answer means.
            now: UTC.
            due_at: when it may be tried again; what was unclear twice is left alone.

        Returns:
            True when the channel died of it.
        """
        state = {
            Outcome.TAKEN: "sent",
            Outcome.WAIT: "deferred",
            Outcome.DEAD: "deferred",
            Outcome.OURS: "failed",
            Outcome.EMPTY: "failed",
            Outcome.UNCLEAR: "ambiguous",
        }[verdict.outcome]
        with self._engine.begin() as connection:
            connection.execute(
                text(
                    "update outbox set state = :state, answer = :answer, lease_until = null,"
                    " meaning = :meaning,"
                    " due_at = case when :state = 'ambiguous' and was_ambiguous then '9999-01-01 00:00+00'"
                    " when :state = 'sent' then due_at else cast(:due as timestamptz) end,"
                    " was_ambiguous = was_ambiguous or :state = 'ambiguous',"
                    " sent_at = case when :state = 'sent' then cast(:now as timestamptz) end"
                    " where id = :id and generation = :generation and state in"
                    " ('claimed', 'handed')"
                ),
                {
                    "id": message.mail_id, "generation": message.generation, "state": state,
                    "answer": verdict.words[:500], "due": due_at, "now": now,
                    "meaning": REFUSED_BY_CHAT if verdict.outcome is Outcome.OURS else None,
                },
            )  # fmt: skip
            end_stopped(connection, "o.id = any(:ids)", [message.mail_id])
            if verdict.whole_robot and verdict.wait:
                connection.execute(
                    text("update robots set free_at = greatest(free_at, :until) where key = :key"),
                    {"until": now + verdict.wait, "key": message.channel.robot.key},
                )
            return _note(connection, message.channel, verdict, now)

    def prune(self, now: datetime) -> None:
        """Forget robots that had no turn for a day, and end what waited in vain for a channel that
        was neither mended nor resumed.
        """
        with self._engine.begin() as connection:
            connection.execute(
                text("delete from robots where free_at < :before"),
                {"before": now - timedelta(days=1)},
            )
            connection.execute(
                text(
                    "update outbox o set state = 'failed', lease_until = null, answer = case"
                    " when c.state = 'paused' then 'the channel stayed paused'"
                    " else 'nobody mended the channel' end"
                    " from channels c where c.subscriber_id = o.subscriber_id and o.waiting"
                    " and (o.state = 'deferred' or (o.state = 'queued' and c.state <> 'active'))"
                    " and o.created_at < :before"
                ),
                {"before": now - KEEP_WAITING},
            )

    # --- Within ---

    def _turn(self, connection: Connection, key: bytes, service: str, now: datetime) -> bool:
        """Take a robot's turn; the row of the robot makes workers wait for each other."""
        return bool(
            connection.execute(
                text(
                    "insert into robots as r (key, free_at) values (:key, :until) on conflict (key)"
                    " do update set free_at = excluded.free_at where r.free_at <= :now"
                ),
                {"key": key, "until": now + gap_of(Service(service)), "now": now},
            ).rowcount
        )

    def _where(
        self, connection: Connection, condition: str, value: int | None
    ) -> Sequence[Channel]:
        condition = condition.replace(":value", "cast(:value as bigint)")
        found = connection.execute(
            text(f"select c.* from channels c where {condition} order by c.subscriber_id"),
            {"value": value},
        ).mappings()
        return [channel_of(row) for row in found]


def forget(connection: Connection, condition: str, value: int) -> None:
    """Delete places of digests with all that is theirs, in the caller's transaction.

    Args:
        connection: the caller's.
        condition: which subscribers, by ``:id``.
        value: that id.
    """
    places = f"any(array(select id from subscribers where {condition}))"
    for statement in (
        f"select 1 from subscribers where {condition} order by id for update",
        (
            "update outbox set lease_until = null, state = case when state = 'sent' then state"
            " else 'failed' end, answer = 'the channel was removed',"
            f" subscriber_id = null where {of_reader(places)}"
        ),
        f"delete from ledger where subscriber_id = {places}",
        f"delete from subscribers where {condition}",
    ):
        connection.execute(text(statement), {"id": value})


def _set_state(
    connection: Connection, place: int, state: ChannelState, now: datetime, *, problem: str
) -> bool:
    active = state is ChannelState.ACTIVE
    changed = connection.execute(
        text(
            "update channels set state = :state, failing_since = null,"
            " problem = case when :state = 'active' then null else coalesce(:problem, problem) end"
            " where subscriber_id = :id and state <> :state"
        ),
        {"id": place, "state": state, "problem": problem or None},
    ).rowcount
    if not changed:
        return False
    connection.execute(
        text("update subscribers set state = :state where id = :id and owner_id is not null"),
        {"id": place, "state": "confirmed" if active else "paused"},
    )
    connection.execute(
        text(
            "update outbox set due_at = case when :active then cast(:now as timestamptz)"
            " else '9999-01-01 00:00+00' end where subscriber_id = :id and waiting"
            " and (state in ('queued', 'deferred') or (state = 'ambiguous' and not was_ambiguous))"
        ),
        {"id": place, "active": active, "now": now},
    )
    return True


def _note(connection: Connection, channel: Channel, verdict: ChatVerdict, now: datetime) -> bool:
    """What a verdict says of its channel; True when the channel died of it."""
    match verdict.outcome:
        case Outcome.TAKEN:
            said = "taken_at = :now, failing_since = null, problem = null"
        case Outcome.WAIT | Outcome.UNCLEAR:
            said = "failing_since = coalesce(failing_since, :now), problem = :words"
        case Outcome.DEAD:
            return _set_state(connection, channel.id, ChannelState.DEAD, now, problem=verdict.words)
        case Outcome.OURS:
            said = "problem = :words"
        case Outcome.EMPTY:
            return False
    connection.execute(
        text(f"update channels set {said} where subscriber_id = :id and state = 'active'"),
        {"id": channel.id, "now": now, "words": verdict.words[:500]},
    )
    return False


def _sweep(connection: Connection, now: datetime) -> None:
    """What a sender that vanished left behind, and what nobody wishes for any more."""
    connection.execute(
        text(
            "update outbox o set state = 'ambiguous', lease_until = null,"
            " due_at = case when o.was_ambiguous then '9999-01-01 00:00+00' else :now end,"
            " was_ambiguous = true,"
            " answer = 'the sender vanished between the message and its answer'"
            " from channels c where c.subscriber_id = o.subscriber_id"
            " and o.waiting and o.state = 'handed' and o.lease_until < :now"
        ),
        {"now": now},
    )
    connection.execute(
        text(
            "update outbox o set state = 'failed', lease_until = null,"
            " answer = :stopped"
            f" from channels c where c.subscriber_id = o.subscriber_id and {_FREE}"
            f" and {stopped('o', _FREQUENCY)}"
        ),
        {"now": now, "stopped": STOPPED},
    )
