"""What is held of a person as a whole: moving it, giving it away, and forgetting it in time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, text

from aggregator.addresses import email_key
from aggregator.errors import UsageError
from aggregator.model import (
    Addition,
    Filter,
    Frequency,
    Mail,
    Subscriber,
    SubscriberId,
    SubscriptionState,
)
from aggregator.store import letterbox, sign_ups, subscriptions, suppressions
from aggregator.store.erasing import remove
from aggregator.store.held import held_of
from aggregator.store.patience import lock_person, patiently
from aggregator.store.sign_ups import SignUpLimits
from aggregator.store.subscribers import load
from aggregator.text import one_line, shorten

#: Evidence of a consent is one line.
CONSENT = 500
#: A link to move lives as long as one to confirm.
MOVE_FOR = timedelta(hours=48)
#: What nobody confirmed is forgotten after this time.
UNCONFIRMED = timedelta(hours=48)
#: A person whose last subscription ended is forgotten after this time.
ENDED = timedelta(days=28)
#: Of the address that a consent came from only its network is kept after this time.
NETWORK = timedelta(days=90)
#: What mails said is kept so long.
BODIES = timedelta(days=7)
#: What is dead is looked for so often, and so many persons are forgotten at once.
FORGET_EVERY = timedelta(minutes=10)
FORGET_AT_ONCE = 500
#: Why people say that they stopped, as the page offers it.
WHYS = ("too-many", "not-relevant", "no-need", "not-asked", "other")
#: An ending is explained within this time.
_EXPLAIN_FOR = timedelta(days=1)

#: Nobody confirmed it, and no link that is out can.
_UNASKED = (
    "n.state = 'pending' and n.active_from < :unconfirmed and not exists (select 1 from"
    " confirmations c where c.subscriber_id = n.subscriber_id and n.id = any(c.subscription_ids)"
    " and c.used_at is null and c.expires_at > :now)"
)
#: Nothing is left that could bring a mail, nor a message to a chat of theirs.
_DONE = (
    "s.owner_id is null and not exists (select 1 from subscribers c where c.owner_id = s.id) and"
    " ((s.state = 'pending' and s.created_at < :unconfirmed and not exists (select 1 from"
    " subscriptions n where n.subscriber_id = s.id and n.state <> 'ended') and not exists (select 1 from confirmations c"
    " where c.subscriber_id = s.id and c.used_at is null and c.expires_at > :now))"
    " or (s.state <> 'pending' and s.confirmed_at < :ended and not exists (select 1 from"
    " subscriptions n where n.subscriber_id = s.id and (n.state <> 'ended'"
    " or coalesce(n.ended_at, n.active_from) >= :ended))))"
)


class Persons:
    """Implements ``ports.PersonStore``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._forgot_at: datetime | None = None

    def add_wish(
        self, subscriber_id: SubscriberId, wish: Filter, frequency: Frequency, now: datetime
    ) -> Addition:
        """Have an active subscription, for who proved already that the mailbox is theirs: who asks
        for one that is paused wants it to go on.
        """
        with patiently(self._engine) as connection:
            lock_person(connection, subscriber_id)
            wanted = subscriptions.pending(connection, subscriber_id, wish, frequency, now)
            state = subscriptions.state_of(connection, wanted)
            subscriptions.confirm(connection, subscriber_id, [wanted], now, None)
            if state is SubscriptionState.PAUSED:
                subscriptions.resume(connection, wanted, now)
                return Addition.RESUMED
            return Addition.THERE if state is SubscriptionState.ACTIVE else Addition.NEW

    def note_consent(self, subscriber_id: SubscriberId, evidence: str) -> None:
        """Keep what an operator says about how and when a person agreed."""
        with patiently(self._engine) as connection:
            connection.execute(
                text("update subscribers set consent = :evidence where id = :id"),
                {"evidence": shorten(one_line(evidence), CONSENT), "id": subscriber_id},
            )

    def raise_epoch(self, subscriber_id: SubscriberId) -> None:
        """Let every link to a person's choices that is out be void; links to stop go on."""
        with patiently(self._engine) as connection:
            connection.execute(
                text("update subscribers set epoch = epoch + 1 where id = :id"),
                {"id": subscriber_id},
            )

    # --- Another address -------------------------------------------------------------------

    def ask_move(
        self, subscriber_id: SubscriberId, email: str, token_hash: bytes, now: datetime
    ) -> None:
        """Keep that a person wants their mail elsewhere; the link in the mail there decides."""
        with self._engine.begin() as connection:
            connection.execute(
                text(
                    "insert into moves (token_hash, subscriber_id, email, created_at, expires_at)"
                    " values (:hash, :id, :email, :now, :until)"
                ),
                {
                    "hash": token_hash, "id": subscriber_id, "email": email, "now": now,
                    "until": now + MOVE_FOR,
                },
            )  # fmt: skip

    def pending_move(self, token_hash: bytes, now: datetime) -> tuple[Subscriber, str] | None:
        """Who moves where by a link, while it lives; changes nothing."""
        with self._engine.connect() as connection:
            found = connection.execute(
                text(
                    "select subscriber_id, email from moves where token_hash = :hash"
                    " and used_at is null and expires_at > :now"
                ),
                {"hash": token_hash, "now": now},
            ).first()
            if found is None:
                return None
            return load(connection, "s.id = :value", found.subscriber_id)[0], found.email

    def refuse_move(self, token_hash: bytes, reason: str, now: datetime) -> None:
        """End what was asked of a new address: it can be confirmed no more, and if it was and mail
        goes there still, all of it ends. Doing it again changes nothing.
        """
        with patiently(self._engine) as connection:
            connection.execute(
                text(
                    "update moves set expires_at = least(expires_at, cast(:now as timestamptz))"
                    " where token_hash = :hash and used_at is null"
                ),
                {"hash": token_hash, "now": now},
            )
            one = connection.execute(
                text(
                    "select s.id from moves m join subscribers s on s.id = m.subscriber_id"
                    " and lower(s.email) = lower(m.email) where m.token_hash = :hash"
                    " and m.used_at is not null for update of s"
                ),
                {"hash": token_hash},
            ).scalar()
            if one is not None:
                subscriptions.end(connection, SubscriberId(one), reason=reason, now=now)

    def was_moved(self, token_hash: bytes, now: datetime) -> bool:
        """Whether that link was used, as long as it would live."""
        with self._engine.connect() as connection:
            return bool(
                connection.execute(
                    text(
                        "select 1 from moves where token_hash = :hash"
                        " and used_at is not null and expires_at > :now"
                    ),
                    {"hash": token_hash, "now": now},
                ).scalar()
            )

    def move(self, token_hash: bytes, told: Mail, now: datetime) -> Subscriber | None:
        """Move a person once, and tell the old address in the same transaction.

        Everything stays theirs under the same id, so links to stop in old mails go on; links to
        the choices, to confirm and to move that went out before are void. Mails that wait go to
        the new address; that mail came back from there before is over.

        Raises:
            UsageError: when the new address has subscriptions of its own.
        """
        with patiently(self._engine) as connection:
            found = connection.execute(
                text(
                    "update moves set used_at = :now where token_hash = :hash and used_at is null"
                    " and expires_at > :now returning subscriber_id, email"
                ),
                {"hash": token_hash, "now": now},
            ).first()
            if found is None:
                return None
            one, email = found.subscriber_id, found.email
            connection.execute(
                text(
                    "select 1 from subscribers where id = :id or email_key = :key"
                    " order by id for update"
                ),
                {"id": one, "key": email_key(email)},
            )
            _make_way(connection, one, email)
            for statement in (
                (
                    "update subscribers set email = :email, email_key = :key, epoch = epoch + 1"
                    " where id = :id"
                ),
                "delete from confirmations where subscriber_id = :id and used_at is null",
                "delete from moves where subscriber_id = :id and used_at is null",
            ):
                connection.execute(
                    text(statement), {"id": one, "email": email, "key": email_key(email)}
                )
            suppressions.lift_of(connection, SubscriberId(one), now, by="confirmed anew")
            letterbox.follow(connection, "s.id = any(:ids)", [one])
            letterbox.insert(connection, told, now)
            return load(connection, "s.id = :value", one)[0]

    # --- Giving away -----------------------------------------------------------------------

    def export(self, subscriber_id: SubscriberId) -> Mapping[str, object]:
        """All that is held of a person, in words of JSON."""
        with self._engine.connect() as made:
            connection = made.execution_options(isolation_level="REPEATABLE READ")
            return held_of(connection, load(connection, "s.id = :value", subscriber_id)[0])

    # --- Endings ---------------------------------------------------------------------------

    def explain(self, subscriber_id: SubscriberId, why: str, now: datetime) -> bool:
        """Note why a person says that they stopped just now; True when something was."""
        with self._engine.begin() as connection:
            return bool(
                connection.execute(
                    text(
                        "update endings set why = :why where subscriber_id = :id"
                        " and at > cast(:since as timestamptz)"
                    ),
                    {"why": why, "id": subscriber_id, "since": now - _EXPLAIN_FOR},
                ).rowcount
            )

    def endings(self, since: datetime) -> list[tuple[str, str | None, int]]:
        """How many subscriptions ended since then, by reason and by what people said."""
        with self._engine.connect() as connection:
            found = connection.execute(
                text(
                    "select reason, why, count(*) from endings where at >= :since"
                    " group by reason, why order by count(*) desc, reason, why"
                ),
                {"since": since},
            )
            return [(row[0], row[1], row[2]) for row in found]

    # --- Forgetting ------------------------------------------------------------------------

    def wake(self, now: datetime) -> int:
        """Resume what was paused until now; how many."""
        with self._engine.begin() as connection:
            woken = connection.execute(
                text(
                    # In the order of planners, who wait for nobody that waits for them.
                    "with due as (select id from subscriptions where state = 'paused'"
                    " and paused_until <= :now order by subscriber_id, id for no key update),"
                    " on_again as (update subscriptions n set state = 'active',"
                    " paused_until = null from due where n.id = due.id"
                    " returning n.id), ended as (update pauses p set until_at = :now from on_again"
                    " where p.subscription_id = on_again.id and p.until_at is null)"
                    " select count(*) from on_again"
                ),
                {"now": now},
            ).scalar_one()
            return int(woken)

    def forget(self, now: datetime, limits: SignUpLimits = sign_ups.LIMITS) -> int:
        """Forget who did not confirm for two days, and whose last subscription ended 28 days ago;
        cut networks of consents after 90 days (RELIABILITY.md §Security model, personal data).

        Looks every ten minutes; may be asked more often. How many persons were forgotten.
        """
        if self._forgot_at is not None and abs(now - self._forgot_at) < FORGET_EVERY:
            return 0
        times = {
            "now": now,
            "unconfirmed": now - UNCONFIRMED,
            "ended": now - ENDED,
            "bodies": now - BODIES,
        }
        with self._engine.begin() as connection:
            sign_ups.calm(connection, now, limits)
            for statement in (
                # One that ran before goes back to have ended, with its reason.
                (
                    f"update subscriptions n set state = 'ended' where {_UNASKED}"
                    " and n.ended_at is not null"
                ),
                f"delete from subscriptions n where {_UNASKED} and n.ended_at is null",
                # The new address may refuse for as long as mail goes there by that link.
                (
                    "delete from moves m where expires_at < :unconfirmed and (used_at is null or"
                    " not exists (select 1 from subscribers s where s.id = m.subscriber_id"
                    " and lower(s.email) = lower(m.email)))"
                ),
                # What mails said goes like the mails themselves, once none of them waits.
                (
                    "update editions e set text = '', html = '' where created_at < :bodies"
                    " and text <> '' and not exists (select 1 from outbox o where o.edition_id ="
                    " e.id and o.waiting and (o.state <> 'ambiguous' or isfinite(o.due_at)))"
                ),
            ):
                connection.execute(text(statement), times)
            connection.execute(
                text(
                    "update subscribers set confirmed_from = cast(network(set_masklen("
                    "cast(confirmed_from as inet), case when confirmed_from like '%:%' then 56"
                    " else 24 end)) as text) where confirmed_at < :t"
                    " and confirmed_from ~ '^[0-9a-fA-F:.]+$'"
                ),
                {"t": now - NETWORK},
            )
            dead = connection.execute(
                text(f"select s.id from subscribers s where {_DONE} order by s.id limit :most"),
                {**times, "most": FORGET_AT_ONCE},
            ).scalars()
            ids = list(dead)
        forgotten = sum(self._forget_one(SubscriberId(one), times) for one in ids)
        self._forgot_at = now  # what failed is tried again at once, and is seen to fail
        return forgotten

    def _forget_one(self, one: SubscriberId, times: Mapping[str, object]) -> bool:
        """Forget a person who is still as they were found."""
        with self._engine.begin() as connection:
            found = connection.execute(
                text(f"select 1 from subscribers s where s.id = :id and ({_DONE}) for update"),
                {**times, "id": one},
            ).first()
            if found is None:
                return False
            remove(connection, one, reason=None)
            return True


def _make_way(connection: Connection, one: int, email: str) -> None:
    """Remove another person without subscriptions from an address, or refuse.

    Raises:
        UsageError: when that person gets mail there, or has chats that digests go to.
    """
    other = connection.execute(
        text("select id from subscribers where email_key = :key and id <> :id for update"),
        {"key": email_key(email), "id": one},
    ).scalar()
    if other is None:
        return
    live = connection.execute(
        text(
            "select 1 from subscriptions where state in ('active', 'paused') and subscriber_id in"
            " (select id from subscribers where :id in (id, owner_id))"
        ),
        {"id": other},
    ).first()
    if live:
        raise UsageError(
            "这个地址已有自己的订阅或群聊；请先在那里停止或删除，再来更换"
            " · this address has subscriptions or chats of its own: stop or remove them first"
        )
    remove(connection, SubscriberId(other), reason="address changed")
