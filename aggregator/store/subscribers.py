"""Subscribers, what they wish for, and whether they confirmed it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, text

from aggregator.errors import NotFoundError
from aggregator.filters import canonical
from aggregator.model import (
    Filter,
    Frequency,
    Subscriber,
    SubscriberId,
    SubscriberState,
    Subscription,
    SubscriptionId,
    SubscriptionState,
    Wish,
    WishId,
)
from aggregator.store import rows

#: A confirming link lives this long (RELIABILITY.md §Security model).
CONFIRM_FOR = timedelta(hours=48)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignUpLimits:
    """How many confirming mails may be asked for (RELIABILITY.md §Limits)."""

    address_10_minutes: int = 1
    address_day: int = 3
    network_hour: int = 10
    domain_hour: int = 60
    all_hour: int = 300


_LIMITS = SignUpLimits()


class Subscribers:
    """Everything about subscribers but what was sent to them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def may_ask(
        self,
        email: str,
        network: str | None,
        now: datetime,
        limits: SignUpLimits = _LIMITS,
    ) -> bool:
        """Count a sign-up, and say whether it is within the limits."""
        key = email_key(email)
        domain = key.rpartition("@")[2]
        with self._engine.begin() as connection:
            connection.execute(
                text("select pg_advisory_xact_lock(hashtext(:key))"), {"key": "sign-up"}
            )
            row = connection.execute(
                text(
                    "select count(*) filter (where email_key = :folded and at > :now - interval"
                    " '10 minutes') as minutes, count(*) filter (where email_key = :folded) as day,"
                    " count(*) filter (where network = :network and at > :now - interval '1 hour')"
                    " as network, count(*) filter (where mail_domain = :domain and at > :now -"
                    " interval '1 hour') as domain, count(*) filter (where at > :now - interval"
                    " '1 hour') as everyone from sign_ups where at > :now - interval '1 day'"
                ),
                {"folded": folded(email), "network": network, "domain": domain, "now": now},
            ).mappings().one()  # fmt: skip
            connection.execute(
                text(
                    "insert into sign_ups (email_key, network, mail_domain, at)"
                    " values (:folded, :network, :domain, :now)"
                ),
                {"folded": folded(email), "network": network, "domain": domain, "now": now},
            )
        return all(
            (
                row["minutes"] < limits.address_10_minutes,
                row["day"] < limits.address_day,
                row["network"] < limits.network_hour,
                row["domain"] < limits.domain_hour,
                row["everyone"] < limits.all_hour,
            )
        )

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
        with self._engine.begin() as connection:
            subscriber_id = connection.execute(
                text(
                    "insert into subscribers (email, email_key, state, created_at)"
                    " values (:email, :key, 'pending', :now) on conflict (email_key)"
                    " do update set email = subscribers.email returning id"
                ),
                {"email": email, "key": email_key(email), "now": now},
            ).scalar_one()
            for one in filters:
                connection.execute(
                    text(
                        "insert into subscriptions (subscriber_id, wish_id, frequency, state,"
                        " active_from) values (:subscriber, :wish, :frequency, 'pending', :now)"
                        " on conflict (subscriber_id, wish_id, frequency) do update set"
                        " state = 'pending', active_from = excluded.active_from, ended_at = null,"
                        " end_reason = null where subscriptions.state = 'ended'"
                    ),
                    {
                        "subscriber": subscriber_id,
                        "wish": _wish(connection, one),
                        "frequency": frequency,
                        "now": now,
                    },
                )
            if confirmed:
                _confirm(connection, subscriber_id, now, ip)
            elif token_hash:
                connection.execute(
                    text(
                        "insert into confirmations (token_hash, subscriber_id, created_at,"
                        " expires_at) values (:hash, :subscriber, :now, :until)"
                    ),
                    {
                        "hash": token_hash,
                        "subscriber": subscriber_id,
                        "now": now,
                        "until": now + CONFIRM_FOR,
                    },
                )
            return _load(connection, "s.id = :value", subscriber_id)[0]

    def pending_confirmation(self, token_hash: bytes, now: datetime) -> Subscriber | None:
        """Whose confirming link this is, while it lives; changes nothing."""
        with self._engine.connect() as connection:
            found = connection.execute(
                text(
                    "select subscriber_id from confirmations where token_hash = :hash"
                    " and expires_at > :now"
                ),
                {"hash": token_hash, "now": now},
            ).scalar()
            return _load(connection, "s.id = :value", found)[0] if found else None

    def confirm(
        self, token_hash: bytes, now: datetime, *, ip: str | None = None
    ) -> Subscriber | None:
        """Confirm once; a used or old token gives None."""
        with self._engine.begin() as connection:
            subscriber_id = connection.execute(
                text(
                    "update confirmations set used_at = :now where token_hash = :hash"
                    " and used_at is null and expires_at > :now returning subscriber_id"
                ),
                {"hash": token_hash, "now": now},
            ).scalar()
            if subscriber_id is None:
                return None
            _confirm(connection, subscriber_id, now, ip)
            return _load(connection, "s.id = :value", subscriber_id)[0]

    def get(self, ref: str | int) -> Subscriber:
        """A subscriber by address or id.

        Raises:
            NotFoundError: when there is none.
        """
        column = "s.id = :value" if isinstance(ref, int) else "s.email_key = :value"
        value = ref if isinstance(ref, int) else email_key(ref)
        with self._engine.connect() as connection:
            found = _load(connection, column, value)
        if not found:
            raise NotFoundError("no subscriber with that address")
        return found[0]

    def list(self) -> Sequence[Subscriber]:
        """All subscribers, by address."""
        with self._engine.connect() as connection:
            return _load(connection, "true", None)

    def set_preferences(
        self,
        subscriber_id: SubscriberId,
        *,
        hour: int | None = None,
        minute: int | None = None,
        weekday: int | None = None,
        timezone: str | None = None,
        language: str | None = None,
    ) -> None:
        """Change when and how a subscriber is written to; None leaves a thing as it is."""
        with self._engine.begin() as connection:
            connection.execute(
                text(
                    "update subscribers set hour = coalesce(:hour, hour),"
                    " minute = coalesce(:minute, minute), weekday = coalesce(:weekday, weekday),"
                    " timezone = coalesce(:timezone, timezone),"
                    " language = coalesce(:language, language) where id = :id"
                ),
                {
                    "id": subscriber_id, "hour": hour, "minute": minute, "weekday": weekday,
                    "timezone": timezone, "language": language,
                },
            )  # fmt: skip

    def set_frequency(self, subscription_id: SubscriptionId, frequency: Frequency) -> None:
        """Change how often a subscription is answered; what was sent stays in the ledger, so
        nothing is reset (promise 8).
        """
        with self._engine.begin() as connection:
            connection.execute(
                text(
                    "update subscriptions s set frequency = :frequency where id = :id and not"
                    " exists (select 1 from subscriptions o where o.subscriber_id ="
                    " s.subscriber_id and o.wish_id = s.wish_id and o.frequency = :frequency)"
                ),
                {"id": subscription_id, "frequency": frequency},
            )

    def set_wish(self, subscription_id: SubscriptionId, filter_: Filter, now: datetime) -> None:
        """Change what is wished for; not retroactive."""
        with self._engine.begin() as connection:
            wish = _wish(connection, filter_)
            connection.execute(
                text(
                    "update subscriptions s set wish_id = :wish, active_from = case when"
                    " s.wish_id = :wish then s.active_from else :now end where id = :id and not"
                    " exists (select 1 from subscriptions o where o.subscriber_id ="
                    " s.subscriber_id and o.wish_id = :wish and o.frequency = s.frequency"
                    " and o.id <> s.id)"
                ),
                {"id": subscription_id, "wish": wish, "now": now},
            )

    def pause(self, subscription_id: SubscriptionId) -> None:
        """Send nothing of it until it is resumed."""
        self._set_state(subscription_id, "paused", "active")

    def resume(self, subscription_id: SubscriptionId, now: datetime) -> None:
        """Send what is announced from now on."""
        with self._engine.begin() as connection:
            connection.execute(
                text(
                    "update subscriptions set state = 'active', active_from = :now"
                    " where id = :id and state = 'paused'"
                ),
                {"id": subscription_id, "now": now},
            )

    def end(
        self,
        subscriber_id: SubscriberId,
        *,
        reason: str,
        now: datetime,
        frequency: Frequency | None = None,
        subscription_id: SubscriptionId | None = None,
    ) -> int:
        """End all subscriptions, those of a frequency, or one; how many ended now."""
        with self._engine.begin() as connection:
            return connection.execute(
                text(
                    "update subscriptions set state = 'ended', ended_at = :now,"
                    " end_reason = :reason where subscriber_id = :subscriber and state <> 'ended'"
                    " and (cast(:frequency as text) is null or frequency = :frequency)"
                    " and (cast(:one as bigint) is null or id = :one)"
                ),
                {
                    "subscriber": subscriber_id, "reason": reason, "now": now,
                    "frequency": frequency, "one": subscription_id,
                },
            ).rowcount  # fmt: skip

    def suppress(self, email: str, reason: str, now: datetime) -> None:
        """Send no mail there any more."""
        with self._engine.begin() as connection:
            connection.execute(
                text(
                    "insert into suppressions (email_key, reason, at) values (:key, :reason, :now)"
                    " on conflict (email_key) do update set reason = excluded.reason,"
                    " at = excluded.at"
                ),
                {"key": email_key(email), "reason": reason, "now": now},
            )

    def erase(self, subscriber_id: SubscriberId) -> None:
        """Delete a person, their subscriptions and their ledger; their mails keep no address."""
        with self._engine.begin() as connection:
            connection.execute(
                text(
                    "update outbox set recipient = '', mail = '{}', state = case when state in"
                    " ('queued', 'claimed', 'deferred') then 'failed' else state end"
                    " where subscriber_id = :id"
                ),
                {"id": subscriber_id},
            )
            connection.execute(
                text("delete from subscribers where id = :id"), {"id": subscriber_id}
            )

    def count(self) -> int:
        """How many confirmed subscribers there are."""
        with self._engine.connect() as connection:
            found = connection.execute(
                text("select count(*) from subscribers where state = 'confirmed'")
            )
            return int(found.scalar_one())

    def _set_state(self, subscription_id: SubscriptionId, to: str, before: str) -> None:
        with self._engine.begin() as connection:
            connection.execute(
                text("update subscriptions set state = :to where id = :id and state = :before"),
                {"id": subscription_id, "to": to, "before": before},
            )


def email_key(email: str) -> str:
    """An address as compared: lower case."""
    return email.strip().lower()


def folded(email: str) -> str:
    """An address as counted against floods: without plus tags and dots in its local part."""
    local, _, domain = email_key(email).rpartition("@")
    return f"{local.partition('+')[0].replace('.', '')}@{domain}"


def _wish(connection: Connection, filter_: Filter) -> int:
    return int(
        connection.execute(
            text(
                "insert into wishes (canonical, filter) values (:canonical, cast(:filter as"
                " jsonb)) on conflict (canonical) do update set canonical = excluded.canonical"
                " returning id"
            ),
            {"canonical": canonical(filter_), "filter": rows.to_json(filter_)},
        ).scalar_one()
    )


def _confirm(connection: Connection, subscriber_id: int, now: datetime, ip: str | None) -> None:
    values = {"id": subscriber_id, "now": now, "ip": ip}
    connection.execute(
        text(
            "update subscribers set state = 'confirmed',"
            " confirmed_at = coalesce(confirmed_at, :now),"
            " confirmed_from = coalesce(confirmed_from, :ip) where id = :id"
        ),
        values,
    )
    connection.execute(
        text(
            "update subscriptions set state = 'active', active_from = :now"
            " where subscriber_id = :id and state = 'pending'"
        ),
        values,
    )


def _load(connection: Connection, condition: str, value: object) -> Sequence[Subscriber]:
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
            confirmed_at=row["confirmed_at"],
            created_at=row["created_at"],
            epoch=row["epoch"],
            suppressed=row["suppressed"],
            subscriptions=tuple(mine.get(row["id"], ())),
        )
        for row in people
    ]
