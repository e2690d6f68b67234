"""The hub's rows: what is asked of it, who follows which topic, and who must be told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, text

from aggregator.push import (
    Follower,
    HubLimits,
    HubRequest,
    Mode,
    Told,
    Topic,
)
from aggregator.store import hub_room, hub_rows, rows

#: Requests are kept for counting and for operators, ended followers for the reason why.
KEEP_REQUESTS = timedelta(days=7)
KEEP_ENDED = timedelta(days=30)
#: A request whose worker vanished is taken up again so many times in all.
TRIES = 3
#: Calls of one host at once, over all workers.
PER_HOST = 4
#: Search topics measured in one call.
MEASURED = 200


class Hub:
    """Implements ``ports.HubStore``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # --- What is asked ---

    def accept(self, request: HubRequest, now: datetime, *, limits: HubLimits) -> str | None:
        """Count and keep a request; the reason why not, in words, when a limit is reached.

        Requests wait for each other, so that counting and keeping are one step.
        """
        with self._engine.begin() as connection:
            connection.execute(text("select pg_advisory_xact_lock(hashtext('websub'))"))
            refused = hub_room.too_often(connection, request, now, limits)
            if refused is None and request.mode is Mode.SUBSCRIBE:
                refused = hub_room.no_room(connection, request, now, limits)
            if refused is None:
                _keep(connection, request, now)
            return refused

    def claim_requests(
        self, now: datetime, *, limit: int, lease: timedelta
    ) -> Sequence[HubRequest]:
        """Lease the oldest requests that wait for their callback's word."""
        with self._engine.begin() as connection:
            connection.execute(
                text(
                    "update websub_requests set outcome = 'set aside: its worker vanished'"
                    " where outcome is null and attempts >= :tries and lease_until <= :now"
                ),
                {"now": now, "tries": TRIES},
            )
            found = connection.execute(
                text(
                    "with busy as (select callback_host, count(*) as calls from websub_requests"
                    " where outcome is null and lease_until > :now group by callback_host),"
                    " waiting as (select r.id, coalesce(b.calls, 0) + row_number() over"
                    " (partition by r.callback_host order by r.id) as place"
                    " from websub_requests r left join busy b using (callback_host)"
                    " where r.outcome is null and (r.lease_until is null or r.lease_until <= :now)),"
                    " picked as (select r.id from websub_requests r join waiting w using (id)"
                    " where w.place <= :per_host and r.outcome is null"
                    " and (r.lease_until is null or r.lease_until <= :now)"
                    " order by r.id limit :limit for update of r skip locked)"
                    " update websub_requests r set lease_until = :until, attempts = r.attempts + 1"
                    " from picked where r.id = picked.id returning r.*"
                ),
                {"now": now, "until": now + lease, "limit": limit, "per_host": PER_HOST},
            ).mappings()
            return [hub_rows.request(row) for row in sorted(found, key=lambda row: row["id"])]

    def has_room(self, request: HubRequest, now: datetime, *, limits: HubLimits) -> str | None:
        """Why there is no room for one more follower; None when there is, or it is one already."""
        with self._engine.connect() as connection:
            return hub_room.no_room(connection, request, now, limits)

    def settle(self, request: HubRequest, outcome: str, now: datetime, *, confirmed: bool) -> None:
        """Write what the callback said, and do as it was asked when it confirmed.

        Of two requests about one follower the one asked later holds, in whatever order their
        answers come; settling twice changes nothing more.
        """
        with self._engine.begin() as connection:
            done = connection.execute(
                text(
                    "update websub_requests set outcome = :outcome, lease_until = null"
                    " where id = :id and outcome is null"
                ),
                {"id": request.id, "outcome": outcome[:300]},
            ).rowcount
            if not (done and confirmed):
                return
            if request.mode is Mode.SUBSCRIBE:
                _follow(connection, request, now)
            elif request.mode is Mode.UNSUBSCRIBE:
                connection.execute(
                    text(
                        "update websub_subscriptions set ended_at = :now, why = 'unsubscribed',"
                        " lease_until = null, request_id = :id"
                        " where key = :key and request_id < :id and ended_at is null"
                    ),
                    {"now": now, "id": request.id, "key": hub_rows.key(request)},
                )

    # --- What has changed ---

    def cursor(self) -> int:
        """The last change whose topics were marked."""
        with self._engine.connect() as connection:
            found = connection.execute(
                text("select change from push_cursors where name = 'websub'")
            ).scalar()
            return int(found or 0)

    def mark(self, names: Sequence[tuple[str, int]], *, through: int) -> None:
        """Note the last change of named feeds; searches are to be looked at up to it.

        Marking twice changes nothing more, so the cursor may be set by two workers at once.
        """
        with self._engine.begin() as connection:
            connection.execute(
                text(
                    "update websub_topics t set version = greatest(t.version, n.change)"
                    " from unnest(cast(:names as text[]), cast(:changes as bigint[]))"
                    " as n (name, change) where t.name = n.name and not t.search"
                ),
                {"names": [one[0] for one in names], "changes": [one[1] for one in names]},
            )
            connection.execute(
                text(
                    "update websub_topics set suspect = :through where search"
                    " and suspect < :through"
                ),
                {"through": through},
            )
            connection.execute(
                text(
                    "insert into push_cursors (name, change) values ('websub', :through)"
                    " on conflict (name) do update"
                    " set change = greatest(push_cursors.change, excluded.change)"
                ),
                {"through": through},
            )

    def unmeasured(self) -> Sequence[tuple[Topic, int]]:
        """Topics whose last change must be looked up, and up to which change."""
        with self._engine.connect() as connection:
            found = connection.execute(
                text(
                    f"select {hub_rows.OF_TOPIC}, t.suspect from websub_topics t"
                    " where t.measured < t.suspect order by t.address limit :limit"
                ),
                {"limit": MEASURED},
            ).mappings()
            return [(hub_rows.topic(row), row["suspect"]) for row in found]

    def measured(self, topic: Topic, version: int, suspect: int) -> None:
        """Write a topic's last change, as looked up after ``suspect`` was read."""
        with self._engine.begin() as connection:
            connection.execute(
                text(
                    "update websub_topics set version = greatest(version, :version),"
                    " measured = greatest(measured, :suspect) where address = :address"
                ),
                {"version": version, "suspect": suspect, "address": topic.address},
            )

    # --- Who must be told ---

    def claim_followers(self, now: datetime, *, limit: int, lease: timedelta) -> Sequence[Follower]:
        """Lease followers whose topic has changed since they were told, the longest due first.

        One that is behind by many changes is claimed once: it gets the newest document.
        """
        with self._engine.begin() as connection:
            found = connection.execute(
                text(
                    "with busy as (select callback_host, count(*) as calls"
                    " from websub_subscriptions where lease_until > :now group by callback_host),"
                    " waiting as (select s.id, s.due_at, coalesce(b.calls, 0) + row_number() over"
                    " (partition by s.callback_host order by s.due_at, s.id) as place"
                    " from websub_subscriptions s join websub_topics t using (address)"
                    " left join busy b using (callback_host)"
                    " where s.ended_at is null and s.expires_at > :now and s.due_at <= :now"
                    " and t.version > s.sent_version"
                    " and (s.lease_until is null or s.lease_until <= :now)),"
                    " picked as (select s.id from websub_subscriptions s join waiting w using (id)"
                    " where w.place <= :per_host and s.ended_at is null and s.due_at <= :now"
                    " and (s.lease_until is null or s.lease_until <= :now)"
                    " order by w.due_at, s.id limit :limit for update of s skip locked)"
                    " update websub_subscriptions s set lease_until = :until,"
                    " generation = s.generation + 1, attempts = s.attempts + 1"
                    " from picked, websub_topics t where s.id = picked.id and t.address = s.address"
                    f" returning s.*, {hub_rows.OF_TOPIC}, t.version"
                ),
                {"now": now, "until": now + lease, "limit": limit, "per_host": PER_HOST},
            ).mappings()
            return [hub_rows.follower(row) for row in sorted(found, key=lambda row: row["due_at"])]

    def record_told(self, told: Sequence[Told]) -> None:
        """Write what came of it; whoever lost the lease changes nothing."""
        with self._engine.begin() as connection:
            for one in told:
                connection.execute(
                    text(
                        "update websub_subscriptions set lease_until = null, due_at = :due,"
                        " last_status = :status, last_answer = :answer,"
                        " attempts = case when :taken then 0 else attempts end,"
                        " failing_since = case when :taken then null"
                        " else coalesce(failing_since, :at) end,"
                        " sent_version = greatest(sent_version, coalesce(cast(:through as bigint), 0)),"
                        " sent_at = case when :taken then cast(:at as timestamptz)"
                        " else sent_at end,"
                        " ended_at = case when cast(:ended as text) is not null"
                        " then cast(:at as timestamptz) else ended_at end,"
                        " why = coalesce(cast(:ended as text), why)"
                        " where id = :id and generation = :generation and ended_at is null"
                    ),
                    {
                        "id": one.follower.id,
                        "generation": one.follower.generation,
                        "at": one.at,
                        "due": one.due_at,
                        "status": one.reply.status,
                        "answer": one.reply.said[:500],
                        "taken": one.through is not None,
                        "through": one.through,
                        "ended": one.ended[:300] if one.ended else None,
                    },
                )

    # --- What operators ask, and what time does ---

    def followers(self) -> Sequence[rows.Row]:
        """All followers and those that ended lately, as an operator sees them."""
        with self._engine.connect() as connection:
            return list(
                connection.execute(
                    text(
                        "select s.id, t.url as topic, s.callback, s.secret is not null as signed,"
                        " s.created_at, s.renewed_at, s.expires_at, s.sent_at, s.failing_since,"
                        " s.due_at, s.last_status, s.last_answer, s.ended_at, s.why"
                        " from websub_subscriptions s join websub_topics t using (address)"
                        " order by s.ended_at is not null, s.id"
                    )
                ).mappings()
            )

    def drop(self, follower: int, reason: str, now: datetime) -> bool:
        """End a follower, and have its callback told so (§5.2); False when there is none."""
        with self._engine.begin() as connection:
            row = connection.execute(
                text(
                    "update websub_subscriptions s set ended_at = :now, why = :reason,"
                    " lease_until = null from websub_topics t where s.id = :id"
                    " and s.ended_at is null and t.address = s.address"
                    f" returning s.callback, s.callback_host, s.lease_seconds, {hub_rows.OF_TOPIC}"
                ),
                {"id": follower, "reason": reason, "now": now},
            ).mappings().first()  # fmt: skip
            if row is None:
                return False
            denied = HubRequest(
                mode=Mode.DENIED, topic=hub_rows.topic(row), callback=row["callback"],
                host=row["callback_host"], secret=None, lease_seconds=row["lease_seconds"],
                network="", change=0, reason=reason,
            )  # fmt: skip
            _keep(connection, denied, now)
            return True

    def prune(self, now: datetime) -> None:
        """End what ran out and forget what need not be kept."""
        with self._engine.begin() as connection:
            connection.execute(
                text(
                    "update websub_subscriptions set ended_at = :now, why = 'its lease ran out'"
                    " where ended_at is null and expires_at <= :now"
                ),
                {"now": now},
            )
            connection.execute(
                text("delete from websub_subscriptions where ended_at < :before"),
                {"before": now - KEEP_ENDED},
            )
            connection.execute(
                text("delete from websub_requests where asked_at < :before"),
                {"before": now - KEEP_REQUESTS},
            )
            # Nobody may begin to follow a topic while it is found to have no followers.
            connection.execute(text("select pg_advisory_xact_lock(hashtext('websub topics'))"))
            connection.execute(
                text(
                    "delete from websub_topics t where not exists"
                    " (select 1 from websub_subscriptions s where s.address = t.address)"
                )
            )


def _keep(connection: Connection, request: HubRequest, now: datetime) -> None:
    connection.execute(
        text(
            "insert into websub_requests (mode, address, name, form, url, callback, callback_host,"
            " secret, lease_seconds, network, change, reason, asked_at) values (:mode, :address,"
            " :name, :form, :url, :callback, :host, :secret, :lease, :network, :change, :reason,"
            " :now)"
        ),
        {
            "mode": request.mode.value, "address": request.topic.address,
            "name": request.topic.name, "form": request.topic.form, "url": request.topic.url,
            "callback": request.callback, "host": request.host, "secret": request.secret,
            "lease": request.lease_seconds, "network": request.network,
            "change": request.change, "reason": request.reason, "now": now,
        },
    )  # fmt: skip


def _follow(connection: Connection, request: HubRequest, now: datetime) -> None:
    """Begin or renew; one that renews keeps its place, and is told at once what it missed."""
    topic = request.topic
    connection.execute(text("select pg_advisory_xact_lock_shared(hashtext('websub topics'))"))
    connection.execute(
        text(
            "insert into websub_topics (address, name, form, url, search) values"
            " (:address, :name, :form, :url, :search)"
            " on conflict (address) do update set url = excluded.url"
        ),
        {
            "address": topic.address, "name": topic.name, "form": topic.form, "url": topic.url,
            "search": topic.name.startswith("search?"),
        },
    )  # fmt: skip
    connection.execute(
        text(
            "insert into websub_subscriptions as s (key, address, callback, callback_host, secret,"
            " lease_seconds, request_id, created_at, renewed_at, expires_at, sent_version, due_at)"
            " values (:key, :address, :callback, :host, :secret, :lease, :id, :now, :now,"
            " :expires, :change, :now)"
            " on conflict (key) do update set secret = excluded.secret,"
            " lease_seconds = excluded.lease_seconds, request_id = excluded.request_id,"
            " renewed_at = excluded.renewed_at, expires_at = excluded.expires_at,"
            " created_at = case when s.ended_at is null then s.created_at"
            " else excluded.created_at end,"
            " sent_version = case when s.ended_at is null then s.sent_version"
            " else excluded.sent_version end,"
            " ended_at = null, why = null, due_at = excluded.due_at, attempts = 0,"
            " failing_since = null where s.request_id < excluded.request_id"
        ),
        {
            "key": hub_rows.key(request), "address": topic.address, "callback": request.callback,
            "host": request.host, "secret": request.secret, "lease": request.lease_seconds,
            "id": request.id, "now": now, "change": request.change,
            "expires": now + timedelta(seconds=request.lease_seconds),
        },
    )  # fmt: skip
