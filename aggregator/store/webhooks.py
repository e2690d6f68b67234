"""Webhooks: where each stands in the journal, whose turn it is, and what came of every call."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import IntegrityError

from aggregator.errors import ConflictError, NotFoundError
from aggregator.push import HookDelivery, HookState, Webhook, WebhookId
from aggregator.store import rows

#: The log of calls is kept this long.
KEEP_LOG = timedelta(days=30)


class Webhooks:
    """Implements ``ports.WebhookStore``, and what operators ask of it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # --- What operators do ---

    def add(self, url: str, query: str, secret: str, *, cursor: int, now: datetime) -> Webhook:
        """Add one that is told of what changes after ``cursor``.

        Raises:
            ConflictError: when there is one with that address already.
        """
        try:
            with self._engine.begin() as connection:
                row = connection.execute(
                    text(
                        "insert into webhooks (url, filter, secret, state, created_at, cursor,"
                        " due_at) values (:url, :query, :secret, 'active', :now, :cursor, :now)"
                        " returning *"
                    ),
                    {
                        "url": url, "query": query, "secret": secret, "now": now,
                        "cursor": cursor,
                    },
                ).mappings().one()  # fmt: skip
        except IntegrityError as error:
            raise ConflictError(
                f'there is a webhook to {url} already; "quxun webhooks remove" takes it away'
            ) from error
        return _webhook(row)

    def list(self) -> Sequence[Webhook]:
        """All of them."""
        with self._engine.connect() as connection:
            found = connection.execute(text("select * from webhooks order by id")).mappings()
            return [_webhook(row) for row in found]

    def get(self, ref: str) -> Webhook:
        """One by its id or address.

        Raises:
            NotFoundError: when there is none.
        """
        number = int(ref) if ref.isascii() and ref.isdigit() and len(ref) < 19 else None  # noqa: PLR2004  # a bigint
        with self._engine.connect() as connection:
            row = connection.execute(
                text("select * from webhooks where id = :id or url = :url"),
                {"id": number, "url": ref},
            ).mappings().first()  # fmt: skip
        if row is None:
            raise NotFoundError(f'no webhook {ref!r}; "quxun webhooks list" shows them')
        return _webhook(row)

    def set_state(self, hook: WebhookId, state: HookState, now: datetime) -> None:
        """Pause it, or call it again from where it stands; nothing is skipped."""
        with self._engine.begin() as connection:
            connection.execute(
                text(
                    "update webhooks set state = :state, due_at = :now, attempts = 0,"
                    " failing_since = null, problem = null where id = :id"
                ),
                {"state": state.value, "now": now, "id": hook},
            )

    def rewind(self, hook: WebhookId, cursor: int, now: datetime) -> None:
        """Have everything after a change sent again, from the next call on."""
        with self._engine.begin() as connection:
            connection.execute(
                text(
                    "update webhooks set cursor = :cursor, through = null, due_at = :now,"
                    " lease_until = null, generation = generation + 1 where id = :id"
                ),
                {"cursor": cursor, "now": now, "id": hook},
            )

    def remove(self, hook: WebhookId) -> None:
        """Forget it and its log."""
        with self._engine.begin() as connection:
            connection.execute(text("delete from webhooks where id = :id"), {"id": hook})

    def deliveries(self, hook: WebhookId, *, limit: int) -> Sequence[HookDelivery]:
        """Its last calls, newest first."""
        with self._engine.connect() as connection:
            found = connection.execute(
                text(
                    "select * from webhook_deliveries where webhook_id = :id"
                    " order by id desc limit :limit"
                ),
                {"id": hook, "limit": limit},
            ).mappings()
            return [
                HookDelivery(
                    message_id=row["message_id"], at=row["at"], attempt=row["attempt"],
                    events=row["events"], first=row["first_change"], last=row["last_change"],
                    status=row["status"], took_ms=row["took_ms"], answer=row["answer"],
                )
                for row in found
            ]  # fmt: skip

    # --- What the worker does ---

    def claim_webhooks(
        self, now: datetime, *, last: int, limit: int, lease: timedelta
    ) -> Sequence[Webhook]:
        """Lease those that stand before the last change and are due; each is in one worker's
        hands at a time, so its calls come in order.
        """
        with self._engine.begin() as connection:
            found = connection.execute(
                text(
                    "with free as (select id from webhooks where state = 'active'"
                    " and cursor < :last and due_at <= :now"
                    " and (lease_until is null or lease_until <= :now)"
                    " order by due_at, id limit :limit for update skip locked)"
                    " update webhooks w set lease_until = :until, generation = w.generation + 1"
                    " from free where w.id = free.id returning w.*"
                ),
                {"now": now, "last": last, "limit": limit, "until": now + lease},
            ).mappings()
            return [_webhook(row) for row in sorted(found, key=lambda row: row["due_at"])]

    def begin(self, hook: Webhook, through: int) -> bool:
        """Fix the batch before it is sent, so that it is the same at every try; counts the try.

        False when the lease was lost, or an operator paused or rewound it meanwhile.
        """
        with self._engine.begin() as connection:
            done = connection.execute(
                text(
                    "update webhooks set through = :through, attempts = attempts + 1"
                    " where id = :id and generation = :generation and state = 'active'"
                ),
                {"through": through, "id": hook.id, "generation": hook.generation},
            ).rowcount
        return bool(done)

    def record_call(
        self,
        hook: Webhook,
        *,
        cursor: int | None,
        due_at: datetime,
        delivery: HookDelivery | None,
        state: HookState = HookState.ACTIVE,
    ) -> None:
        """Write what came of a call, and let go of the lease.

        Args:
            hook: as claimed; when its lease was lost only the log is written.
            cursor: where it stands now; None when the call failed and it stays.
            due_at: when it may be called next.
            delivery: for the log; None when nothing concerned it and it was not called.
            state: ``GIVEN_UP`` when it failed for too long.
        """
        with self._engine.begin() as connection:
            if delivery:
                _log(connection, hook.id, delivery)
            connection.execute(
                text(
                    "update webhooks set lease_until = null, due_at = :due,"
                    " cursor = coalesce(cast(:cursor as bigint), cursor),"
                    " through = case when cast(:cursor as bigint) is null then through end,"
                    " attempts = case when cast(:cursor as bigint) is null then attempts"
                    " else 0 end,"
                    " failing_since = case when cast(:cursor as bigint) is null"
                    " then coalesce(failing_since, cast(:at as timestamptz)) end,"
                    " problem = case when cast(:cursor as bigint) is null"
                    " then cast(:problem as text) end,"
                    " state = case when state = 'active' then :state else state end"
                    " where id = :id and generation = :generation"
                ),
                {
                    "id": hook.id, "generation": hook.generation, "due": due_at,
                    "cursor": cursor, "state": state.value,
                    "at": delivery.at if delivery else due_at,
                    "problem": delivery.answer if delivery else None,
                },
            )  # fmt: skip

    def log(self, hook: WebhookId, delivery: HookDelivery) -> None:
        """Log a call that moves nothing: a test."""
        with self._engine.begin() as connection:
            _log(connection, hook, delivery)

    def prune(self, now: datetime) -> None:
        """Forget old calls."""
        with self._engine.begin() as connection:
            connection.execute(
                text("delete from webhook_deliveries where at < :before"),
                {"before": now - KEEP_LOG},
            )


def _log(connection: Connection, hook: WebhookId, one: HookDelivery) -> None:
    connection.execute(
        text(
            "insert into webhook_deliveries (webhook_id, message_id, at, attempt, events,"
            " first_change, last_change, status, took_ms, answer) select :hook, :message, :at,"
            " :attempt, :events, :first, :last, :status, :took, :answer"
            " where exists (select 1 from webhooks where id = :hook)"
        ),
        {
            "hook": hook, "message": one.message_id, "at": one.at, "attempt": one.attempt,
            "events": one.events, "first": one.first, "last": one.last, "status": one.status,
            "took": one.took_ms, "answer": one.answer[:500],
        },
    )  # fmt: skip


def _webhook(row: rows.Row) -> Webhook:
    return Webhook(
        id=WebhookId(row["id"]), url=row["url"], query=row["filter"], secret=row["secret"],
        state=HookState(row["state"]), created_at=row["created_at"], cursor=row["cursor"],
        through=row["through"], generation=row["generation"], attempts=row["attempts"],
        failing_since=row["failing_since"], due_at=row["due_at"], problem=row["problem"],
    )  # fmt: skip
