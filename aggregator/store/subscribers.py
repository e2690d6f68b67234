"""Subscribers, what they wish for, and whether they confirmed it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, Engine, text

from aggregator.addresses import email_key
from aggregator.errors import NotFoundError, UsageError
from aggregator.model import (
    Asking,
    Filter,
    Frequency,
    Mail,
    Subscriber,
    SubscriberId,
    SubscriberState,
    Subscription,
    SubscriptionId,
    SubscriptionState,
    SuppressionKind,
    Verdict,
    Wish,
    WishId,
)
from aggregator.store import confirmations, outbox, rows, sign_ups, subscriptions, suppressions
from aggregator.store.confirmations import Asked
from aggregator.store.erasing import remove
from aggregator.store.patience import lock_with_chats, patiently
from aggregator.store.sign_ups import SignUpLimits


class Subscribers:
    """Everything about subscribers but what was sent to them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def may_ask(
        self,
        email: str,
        network: str | None,
        now: datetime,
        limits: SignUpLimits = sign_ups.LIMITS,
        *,
        kind: Asking = Asking.SIGN_UP,
        answered: bool = False,
    ) -> Verdict:
        """Whether another mail of that kind may be asked for; counted only when it may, so that
        nobody is locked out by asking again. ``answered``: a question was, and rightly.
        """
        with self._engine.begin() as connection:
            return sign_ups.judged(
                connection, email, network, now, limits, kind=kind, answered=answered
            )

    def rehearse(self, mail: Mail, now: datetime) -> None:
        """The work of queueing a mail, and then none queued: whoever holds a watch learns nothing
        of whether an address is known.
        """
        with self._engine.connect() as connection:
            outbox.insert(connection, mail, now)
            connection.rollback()

    def sign_up(
        self,
        email: str,
        filters: Sequence[Filter],
        frequency: Frequency,
        now: datetime,
        *,
        confirmed: bool = False,
        token_hash: bytes | None = None,
        ip: str | None = None,
    ) -> Subscriber:
        """Store a subscriber and their wishes, pending until confirmed.

        Subscriptions that are active already stay as they are. ``token_hash`` is the SHA-256
        of the token in the confirming mail; the token itself is never stored.
        """
        with patiently(self._engine) as connection:
            subscriber_id = connection.execute(
                text(
                    "insert into subscribers (email, email_key, state, created_at)"
                    " values (:email, :key, 'pending', :now) on conflict (email_key)"
                    " do update set email = subscribers.email returning id"
                ),
                {"email": email, "key": email_key(email), "now": now},
            ).scalar_one()
            wanted = [
                subscriptions.pending(connection, subscriber_id, one, frequency, now)
                for one in filters
            ]
            if confirmed:
                subscriptions.confirm(connection, subscriber_id, wanted, now, ip)
            elif token_hash:
                asked = Asked(
                    subscriber_id=subscriber_id, ids=[SubscriptionId(one) for one in wanted]
                )
                confirmations.keep(connection, asked, token_hash, now)
            return load(connection, "s.id = :value", subscriber_id)[0]

    def pending_confirmation(self, token_hash: bytes, now: datetime) -> Subscriber | None:
        """Whose confirming link this is, while it lives, with what it confirms and nothing else;
        changes nothing. None where all of that was stopped.
        """
        with self._engine.connect() as connection:
            asked = confirmations.alive(connection, token_hash, now)
            if asked is None:
                return None
            who = load(connection, "s.id = :value", asked.subscriber_id)[0]
        wanted = tuple(
            one
            for one in who.subscriptions
            if one.id in asked.ids and one.state is not SubscriptionState.ENDED
        )
        return replace(who, subscriptions=wanted) if wanted else None

    def confirm(
        self, token_hash: bytes, now: datetime, *, ip: str | None = None
    ) -> Subscriber | None:
        """Confirm once, and only what was asked for with this token: wishes that a stranger
        signed this address up for stay pending, what is paused goes on. A used or old token, and
        one of which all was stopped, gives None.
        """
        with patiently(self._engine) as connection:
            asked = confirmations.take(connection, token_hash, now)
            if asked is None:
                return None
            subscriptions.confirm(connection, asked.subscriber_id, asked.ids, now, ip)
            for one in asked.ids:
                subscriptions.resume(connection, one, now)
            suppressions.lift_of(connection, asked.subscriber_id, now, by="confirmed anew")
            return load(connection, "s.id = :value", asked.subscriber_id)[0]

    def was_confirmed(self, token_hash: bytes, now: datetime) -> bool:
        """Whether that confirming link was used, as long as it would live."""
        with self._engine.connect() as connection:
            return confirmations.was_used(connection, token_hash, now)

    def get(self, ref: str | int) -> Subscriber:
        """A subscriber by address or id.

        Raises:
            NotFoundError: when there is none.
        """
        column = "s.id = :value" if isinstance(ref, int) else "s.email_key = :value"
        value = ref if isinstance(ref, int) else email_key(ref)
        with self._engine.connect() as connection:
            found = load(connection, column, value)
        if not found:
            raise NotFoundError("no subscriber with that address")
        return found[0]

    def list(self) -> Sequence[Subscriber]:
        """All subscribers, by address; not the chats that some have."""
        with self._engine.connect() as connection:
            return load(connection, "s.owner_id is null", None)

    def set_preferences(
        self,
        subscriber_id: SubscriberId,
        *,
        hour: int | None = None,
        minute: int | None = None,
        weekday: int | None = None,
        timezone: str | None = None,
        language: str | None = None,
        reminders: bool | None = None,
    ) -> None:
        """Change when and how a subscriber is written to; None leaves a thing as it is.

        Raises:
            UsageError: when the database does not know the time zone.
        """
        if timezone is not None:
            self._check_zone(timezone)
        with patiently(self._engine) as connection:
            lock_with_chats(connection, subscriber_id)
            if timezone is not None:
                subscriptions.keep_days(connection, subscriber_id, timezone)
            connection.execute(
                text(
                    "update subscribers set hour = coalesce(:hour, hour),"
                    " minute = coalesce(:minute, minute), weekday = coalesce(:weekday, weekday),"
                    " timezone = coalesce(:timezone, timezone),"
                    " language = coalesce(:language, language),"
                    " reminders = coalesce(cast(:reminders as boolean), reminders) where :id in (id, owner_id)"
                ),
                {
                    "id": subscriber_id, "hour": hour, "minute": minute, "weekday": weekday,
                    "timezone": timezone, "language": language, "reminders": reminders,
                },
            )  # fmt: skip

    def _check_zone(self, name: str) -> None:
        """One unknown zone would stop the planning of everybody's runs."""
        with self._engine.connect() as connection:
            known = connection.execute(
                text("select 1 from pg_timezone_names where name = :name"), {"name": name}
            ).scalar()
        if not known:
            raise UsageError(
                f"时区：没有 {name[:40]!r}，例如 Asia/Shanghai"
                f" · timezone: {name[:40]!r} is none we know, such as Asia/Shanghai"
            )

    def set_frequency(
        self, subscription_id: SubscriptionId, frequency: Frequency, now: datetime | None = None
    ) -> None:
        """Change how often a subscription is answered; what was sent stays in the ledger, so
        nothing is reset (promise 8). One that is there already with that frequency stands
        for both.
        """
        with patiently(self._engine) as connection:
            if subscriptions.make_room(connection, subscription_id, frequency=frequency):
                subscriptions.switch(connection, subscription_id, frequency, now)

    def switched_from(
        self, subscriber_id: SubscriberId, frequency: Frequency
    ) -> frozenset[SubscriptionId]:
        """Which subscriptions run that left a frequency of which none runs any more."""
        with self._engine.connect() as connection:
            return frozenset(subscriptions.switched_from(connection, subscriber_id, frequency))

    def set_wish(self, subscription_id: SubscriptionId, filter_: Filter, now: datetime) -> None:
        """Change what is wished for; not retroactive."""
        with patiently(self._engine) as connection:
            wish = subscriptions.wish(connection, filter_)
            if subscriptions.make_room(connection, subscription_id, wish_id=wish):
                connection.execute(
                    text(
                        "update subscriptions set wish_id = :wish, active_from = :now"
                        " where id = :id and wish_id <> :wish"
                    ),
                    {"id": subscription_id, "wish": wish, "now": now},
                )

    def pause(
        self,
        subscription_id: SubscriptionId,
        now: datetime | None = None,
        *,
        until: datetime | None = None,
    ) -> None:
        """Plan nothing of it until it is resumed, or until then; what is announced meanwhile is
        left out. A mail that waits already still leaves. One that is paused already is paused
        until then.

        ``now`` is the database's when it is not given.
        """
        with patiently(self._engine) as connection:
            connection.execute(
                text(
                    "with stopped as (update subscriptions set state = 'paused' where id = :id"
                    " and state = 'active' returning id) insert into pauses (subscription_id,"
                    " from_at) select id, coalesce(:now, now()) from stopped"
                ),
                {"id": subscription_id, "now": now},
            )
            connection.execute(
                text(
                    "update subscriptions set paused_until = :until where id = :id"
                    " and state = 'paused'"
                ),
                {"id": subscription_id, "until": until},
            )

    def resume(self, subscription_id: SubscriptionId, now: datetime) -> None:
        """Send what is announced from now on, and what was owed when the pause began."""
        with patiently(self._engine) as connection:
            subscriptions.resume(connection, subscription_id, now)

    def end(
        self,
        subscriber_id: SubscriberId,
        *,
        reason: str,
        now: datetime,
        frequency: Frequency | None = None,
        subscription_id: SubscriptionId | None = None,
        switched: bool = False,
    ) -> int:
        """End all subscriptions, those of a frequency, or one; how many ended now.

        ``switched``: where none of that frequency runs, those that left it count to it.
        """
        with patiently(self._engine) as connection:
            return subscriptions.end(
                connection,
                subscriber_id,
                reason=reason,
                now=now,
                frequency=frequency,
                subscription_id=subscription_id,
                switched=switched,
            )

    def suppress(self, email: str, reason: str, now: datetime) -> None:
        """Send no mail there any more."""
        with self._engine.begin() as connection:
            suppressions.suppress(
                connection, email_key(email), SuppressionKind.OPERATOR,
                reason=reason, evidence="", at=now,
            )  # fmt: skip

    def erase(self, subscriber_id: SubscriberId) -> None:
        """Delete a person, their subscriptions and their ledger; their mails keep no address."""
        with patiently(self._engine) as connection:
            remove(connection, subscriber_id, reason="erased")

    def count(self) -> int:
        """How many confirmed subscribers there are."""
        with self._engine.connect() as connection:
            found = connection.execute(
                text(
                    "select count(*) from subscribers where state = 'confirmed' and owner_id is null"
                )
            )
            return int(found.scalar_one())


def load(connection: Connection, condition: str, value: object) -> Sequence[Subscriber]:
    """The subscribers ``s`` that a condition holds for, by address."""
    people = (
        connection.execute(
            text(
                "select s.*, x.reason as suppressed from subscribers s left join suppressions x"
                f" on x.email_key = s.email_key where {condition} order by s.email_key"
            ),
            {"value": value} if value is not None else {},
        )
        .mappings()
        .all()
    )
    return with_subscriptions(connection, people)


def with_subscriptions(connection: Connection, people: Sequence[rows.Row]) -> Sequence[Subscriber]:
    """Subscribers with their subscriptions, read in one query."""
    mine: dict[int, list[Subscription]] = {}
    for row in connection.execute(
        text(
            "select n.*, w.filter from subscriptions n join wishes w on w.id = n.wish_id"
            " where n.subscriber_id = any(cast(:ids as bigint[])) order by n.id"
        ),
        {"ids": [row["id"] for row in people]},
    ).mappings():
        mine.setdefault(row["subscriber_id"], []).append(
            Subscription(
                id=SubscriptionId(row["id"]),
                wish=Wish(id=WishId(row["wish_id"]), filter=rows.from_json(row["filter"], Filter)),
                frequency=Frequency(row["frequency"]),
                state=SubscriptionState(row["state"]),
                active_from=row["active_from"],
                paused_until=row["paused_until"],
                ended_at=row["ended_at"],
                end_reason=row["end_reason"],
            )
        )
    return [
        Subscriber(
            id=SubscriberId(row["id"]),
            email=row["email"],
            state=SubscriberState(row["state"]),
            language=row["language"],
            timezone=row["timezone"],
            hour=row["hour"],
            minute=row["minute"],
            weekday=row["weekday"],
            reminders=row["reminders"],
            confirmed_at=row["confirmed_at"],
            created_at=row["created_at"],
            epoch=row["epoch"],
            suppressed=row["suppressed"],
            subscriptions=tuple(mine.get(row["id"], ())),
        )
        for row in people
    ]
