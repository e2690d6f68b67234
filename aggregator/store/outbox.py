"""The outbox: mails that must leave, each once, and what came of every attempt.

Claims, marks and answers are written for many mails at a time, in transactions during which
nobody speaks to a mail server.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, RowMapping, text

from aggregator import paces as pace_rules
from aggregator.addresses import email_key
from aggregator.model import (
    Delivery,
    Edition,
    EditionId,
    Frequency,
    Lane,
    Mail,
    MailId,
    MailState,
    OutboxMail,
    RunId,
    SubscriberId,
    SuppressionKind,
)
from aggregator.paces import Complaint, Pace
from aggregator.store import alarms, paces, rows, stops, suppressions
from aggregator.store.letterbox import (
    LANES,
    SPENT,
    STOPPED,
    domain_of,
    end_stopped,
    follow,
    insert,
    stopped,
)

_LANE_OF = {number: lane for lane, number in LANES.items()}

_FREE = (
    "select id from outbox where waiting and due_at <= :now and lane <= :lane"
    " and recipient like '%@%'"  # what goes to chats is claimed in channels.py
    " and (state in ('queued', 'deferred', 'ambiguous')"
    " or (state = 'claimed' and lease_until < :now))"
    # Held by an operator, or for its content (store/holds.py); confirmations have no run.
    " and (run_id is null or run_id <> all(cast(:held as bigint[])))"
)
_ORDER = " order by lane, due_at, id limit :limit for update skip locked"
_TAKE = (
    ", taken as (update outbox o set state = 'claimed', lease_until = :until,"
    " generation = o.generation + 1, attempts = o.attempts + 1"
    " from free where o.id = free.id returning o.*)"
    " select t.*, r.frequency as frequency, s.epoch as epoch, x.reason as suppressed,"
    f" {stopped('t', 'r.frequency')} as stopped,"
    " t.lane > 0 and lower(t.recipient) <> lower(s.email) as moved"
    " from taken t left join runs r on r.id = t.run_id"
    " left join subscribers s on s.id = t.subscriber_id"
    " left join suppressions x on x.email_key = lower(t.recipient)"
    " and x.tried_key is distinct from t.key"
)
#: However many wait, the first are read from the index that has them in order. Left to itself the
#: planner sorts them all for every claim: it knows a day without mails, or of a million long gone.
_IN_ORDER = text("set local enable_sort = off")
_CLAIM = text(
    f"with free as ({_FREE} and (domain is null or domain <> all(cast(:closed as text[])))"
    f"{_ORDER}){_TAKE}"
)
_CLAIM_OF = text(f"with free as ({_FREE} and domain = :domain{_ORDER}){_TAKE}")
_DOUBT = text(
    "update outbox set state = 'ambiguous', was_ambiguous = true, lease_until = null,"
    " due_at = case when was_ambiguous then 'infinity' else :now end,"
    " answer = 'the sender vanished between the final dot and the answer'"
    " where id in (select id from outbox where waiting and state = 'handed'"
    " and lease_until < :now and recipient like '%@%' for update skip locked)"
)
_HAND = text(
    "update outbox o set state = 'handed'"
    " from unnest(cast(:ids as bigint[]), cast(:generations as integer[])) as h (id, generation)"
    " where o.id = h.id and o.generation = h.generation and o.state in ('claimed', 'handed')"
    " and not exists (select 1 from suppressions x where x.email_key = lower(o.recipient)"
    " and x.tried_key is distinct from o.key)"
    " and not exists (select 1 from runs r where r.id = o.run_id and r.held is not null)"
    " and (o.lane = 0 or not exists (select 1 from subscribers s where s.id = o.subscriber_id"
    " and lower(s.email) <> lower(o.recipient)))"
    " and (o.lane = 0 or not exists (select 1 from house where mail_held_at is not null))"
    " returning o.id"
)
_RECORD = text(
    "update outbox o set state = r.state, answer = r.answer, lease_until = null,"
    " meaning = r.meaning, answered_at = r.at,"
    " attempts = o.attempts - (r.state = 'queued')::integer,"
    " due_at = coalesce(r.retry, case when r.state = 'ambiguous' and"
    " not o.was_ambiguous then r.at when r.state = 'ambiguous' then 'infinity'"
    " else o.due_at end),"
    " was_ambiguous = o.was_ambiguous or r.state = 'ambiguous',"
    " sent_at = case when r.state = 'sent' then r.at end,"
    f" mail = case when r.state in ('sent', 'failed') then {SPENT} else o.mail end"
    " from unnest(cast(:ids as bigint[]), cast(:generations as integer[]),"
    " cast(:states as text[]), cast(:answers as text[]), cast(:meanings as text[]),"
    " cast(:ats as timestamptz[]), cast(:retries as timestamptz[]))"
    " as r (id, generation, state, answer, meaning, at, retry)"
    " where o.id = r.id and o.generation = r.generation and o.state in ('claimed', 'handed')"
)
_RENEW = text(
    "update outbox o set lease_until = :until"
    " from unnest(cast(:ids as bigint[]), cast(:generations as integer[])) as h (id, generation)"
    " where o.id = h.id and o.generation = h.generation and o.state in ('claimed', 'handed')"
)
#: What an answer may leave a mail in that goes once more.
_WAITS = frozenset({MailState.QUEUED, MailState.DEFERRED, MailState.AMBIGUOUS})

__all__ = ["Outbox", "insert"]


class Outbox:
    """Implements ``ports.OutboxStore``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def enqueue_mail(self, mail: Mail, now: datetime) -> MailId | None:
        """Queue a mail unless its key is there already."""
        with self._engine.begin() as connection:
            return insert(connection, mail, now)

    def claim_mails(
        self, now: datetime, *, limit: int, lease: timedelta, lane: Lane = Lane.DIGEST
    ) -> Sequence[OutboxMail]:
        """Lease the mails that are due, lane by lane up to that lane, oldest first.

        Left out are domains that must wait, and what is beyond a domain's pace. A mail that its
        reader stopped, or whose address is suppressed, ends here; one whose reader moved waits
        again, for their new address. One whose sender vanished after
        it was handed over may have arrived: when nothing else fills the claim it goes once more.
        """
        with self._engine.begin() as connection:
            claimed = _claim(connection, now, limit=limit, until=now + lease, lane=lane)
            if len(claimed) < limit and connection.execute(_DOUBT, {"now": now}).rowcount:
                more = limit - len(claimed)
                claimed += _claim(connection, now, limit=more, until=now + lease, lane=lane)
            claimed.sort(key=lambda row: (row["lane"], row["due_at"], row["id"]))
            return _let_go(connection, claimed)

    def doubt_lost(self, now: datetime) -> int:
        """Mark what was handed over by a sender that vanished: it may have arrived, goes out
        once more with the same Message-ID, and a second time it is left alone, so that there are
        never more than two copies.
        """
        with self._engine.begin() as connection:
            return connection.execute(_DOUBT, {"now": now}).rowcount

    def editions(self, ids: Collection[EditionId]) -> dict[EditionId, Edition]:
        """The words of editions."""
        if not ids:
            return {}
        with self._engine.connect() as connection:
            found = connection.execute(
                text("select * from editions where id = any(:ids)"), {"ids": list(ids)}
            ).mappings()
            return {
                EditionId(row["id"]): Edition(
                    key=row["key"],
                    subject=row["subject"],
                    text=row["text"],
                    html=row["html"],
                    items=row["items"],
                )
                for row in found
            }

    def paces(self) -> Sequence[Pace]:
        """What domains that complained take."""
        with self._engine.connect() as connection:
            return paces.known(connection)

    def praise(self, domains: Collection[str], now: datetime) -> None:
        """Raise the paces of domains that took what they were sent."""
        paces.Paces(self._engine).praise(domains, now)

    def turn(
        self,
        deliveries: Sequence[Delivery],
        hand: Sequence[OutboxMail] = (),
        *,
        complaints: Sequence[Complaint] = (),
        now: datetime,
    ) -> AbstractSet[MailId]:
        """Write what came of attempts, and commit that other mails may get their final dot.

        Returns:
            Those of ``hand`` whose dot may be sent: the others' lease was lost, or they must not
            go any more (suppressed, erased, held). The same call again answers the same.
        """
        handed: AbstractSet[MailId] = frozenset()
        with self._engine.begin() as connection:
            if deliveries:
                _record(connection, deliveries)
            if complaints:
                paces.complain(connection, complaints, now)
            if hand:
                found = connection.execute(
                    _HAND,
                    {
                        "ids": [one.id for one in hand],
                        "generations": [one.generation for one in hand],
                    },
                )
                handed = frozenset(MailId(one) for one in found.scalars())
        return handed

    def mark_handed(self, mail_id: MailId, generation: int) -> bool:
        """Commit for one mail that the next byte may be its final dot."""
        with self._engine.begin() as connection:
            found = connection.execute(_HAND, {"ids": [mail_id], "generations": [generation]})
            return found.first() is not None

    def record_deliveries(self, deliveries: Sequence[Delivery]) -> None:
        """Write what came of the attempts; an attempt whose lease was lost changes nothing."""
        if deliveries:
            with self._engine.begin() as connection:
                _record(connection, deliveries)

    def renew_mails(self, mails: Sequence[OutboxMail], until: datetime) -> None:
        """Hold the leases that are still ours until then."""
        if mails:
            with self._engine.begin() as connection:
                connection.execute(
                    _RENEW,
                    {
                        "until": until,
                        "ids": [one.id for one in mails],
                        "generations": [one.generation for one in mails],
                    },
                )

    def tell_relay(self, problem: str | None) -> None:
        """Raise the alarm that the relay is not reached, or clear it."""
        with self._engine.begin() as connection:
            if problem is None:
                alarms.clear_alarm(connection, "mail-relay")
            else:
                alarms.raise_alarm(connection, "mail-relay", problem)

    def states(self) -> dict[str, int]:
        """How many mails stand in which state."""
        with self._engine.connect() as connection:
            found = connection.execute(text("select state, count(*) from outbox group by state"))
            return {row[0]: row[1] for row in found}


def _claim(
    connection: Connection, now: datetime, *, limit: int, until: datetime, lane: Lane
) -> list[RowMapping]:
    """Claimed rows: what paced domains take now, then those of domains without a pace."""
    last = LANES[lane]
    connection.execute(_IN_ORDER)
    if (
        last
        and connection.execute(text("select 1 from house where mail_held_at is not null")).first()
    ):
        last = 0
    held = list(
        connection.execute(text("select id from runs where held is not null")).scalars()
        if last
        else ()
    )
    known = paces.known(connection)
    rooms = {pace.domain: pace_rules.room(pace, now) for pace in known}
    given = {"now": now, "until": until, "lane": last, "held": held}
    found: list[RowMapping] = []
    # First what is paced, or it would wait until all others are served.
    for pace in paces.locked(connection, [domain for domain, room in rooms.items() if room]):
        many = min(pace_rules.room(pace, now) or 0, limit - limit // 2 - len(found))
        if many <= 0:
            continue
        ours = connection.execute(_CLAIM_OF, {**given, "domain": pace.domain, "limit": many})
        claimed = list(ours.mappings())
        paces.keep(connection, pace_rules.spent(pace, len(claimed), now))
        found += claimed
    closed = [domain for domain, room in rooms.items() if room is not None]
    rest = {**given, "closed": closed, "limit": limit - len(found)}
    return found + list(connection.execute(_CLAIM, rest).mappings())


def _let_go(connection: Connection, claimed: Sequence[RowMapping]) -> list[OutboxMail]:
    """The mails that may still leave; the others end in the caller's transaction."""
    mails: list[OutboxMail] = []
    ended: dict[int, str] = {}
    moved: list[int] = []
    for row in claimed:
        if row["moved"]:
            moved.append(row["id"])
        elif row["suppressed"] is not None:
            ended[row["id"]] = f"suppressed: {row['suppressed']}"
        elif row["stopped"]:
            ended[row["id"]] = STOPPED
        elif not row["recipient"] or (row["edition_id"] is not None and row["epoch"] is None):
            ended[row["id"]] = "its reader was erased before it left"
        else:
            mails.append(_mail(row))
    if moved:
        follow(connection, "o.id = any(:ids)", moved)
    if ended:
        connection.execute(
            text(
                "update outbox o set state = 'failed', lease_until = null, answer = e.answer,"
                f" mail = {SPENT}"
                " from unnest(cast(:ids as bigint[]), cast(:answers as text[])) as e (id, answer)"
                " where o.id = e.id"
            ),
            {"ids": list(ended), "answers": list(ended.values())},
        )
    return mails


def _mail(row: RowMapping) -> OutboxMail:
    return OutboxMail(
        id=MailId(row["id"]),
        key=row["key"],
        lane=_LANE_OF[row["lane"]],
        to=row["recipient"],
        domain=row["domain"] or domain_of(row["recipient"]),
        message_id=row["message_id"],
        generation=row["generation"],
        attempts=row["attempts"],
        created_at=row["created_at"],
        waiting_since=row["waiting_since"],
        in_doubt=row["was_ambiguous"],
        mail=rows.from_json(row["mail"], Mail) if row["mail"] is not None else None,
        edition_id=None if row["edition_id"] is None else EditionId(row["edition_id"]),
        subscriber_id=None if row["subscriber_id"] is None else SubscriberId(row["subscriber_id"]),
        epoch=row["epoch"] or 0,
        frequency=Frequency(row["frequency"]) if row["frequency"] else None,
        run_id=None if row["run_id"] is None else RunId(row["run_id"]),
    )


def _record(connection: Connection, deliveries: Sequence[Delivery]) -> None:
    connection.execute(
        _RECORD,
        {
            "ids": [d.mail_id for d in deliveries],
            "generations": [d.generation for d in deliveries],
            "states": [d.state.value for d in deliveries],
            "answers": [d.answer[:500] for d in deliveries],
            "meanings": [d.meaning for d in deliveries],
            "ats": [d.at for d in deliveries],
            "retries": [d.retry_at for d in deliveries],
        },
    )
    for one in deliveries:
        if one.suppress:
            _suppress(connection, one)
    # What was under way when its reader stopped it waits no more, whatever they confirm later.
    waiting = [d.mail_id for d in deliveries if d.state in _WAITS]
    if waiting:
        end_stopped(connection, "o.id = any(:ids)", waiting)
    stops.judge(connection, deliveries)
    given_up = Counter(d.domain for d in deliveries if d.answer.startswith("given up"))
    if given_up:
        said = ", ".join(f"{count} to {domain}" for domain, count in given_up.most_common(5))
        alarms.raise_alarm(
            connection,
            "mail-given-up",
            f"{given_up.total()} mails were not taken for 72 hours and are given up: {said}",
        )


def _suppress(connection: Connection, one: Delivery) -> None:
    """Nobody is there: no mail goes to that address any more, and the evidence is kept."""
    address = connection.execute(
        text("select recipient from outbox where id = :id and generation = :generation"),
        {"id": one.mail_id, "generation": one.generation},
    ).scalar()
    if address and one.suppress:
        suppressions.suppress(
            connection, email_key(address), SuppressionKind.HARD,
            reason=one.suppress, evidence=one.answer[:300], at=one.at,
        )  # fmt: skip
