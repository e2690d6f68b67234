"""Mails that nobody but an operator can settle: in doubt twice, given up, or refused by a chat
service. Each is open until it is sent again, dismissed, or a week old, and while one is, its
alarm is.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, Engine, text

from aggregator import stops
from aggregator.errors import ConflictError
from aggregator.model import MailId
from aggregator.store import audit
from aggregator.store.alarms import clear_alarm, raise_alarm
from aggregator.store.mails import no_mail

#: Words of mails are kept this long: afterwards none of them can go again.
OPEN_FOR: Final = timedelta(days=7)
#: What ``outbox.meaning`` says of a message that a chat service refuses, whoever it is for.
REFUSED_BY_CHAT: Final = "message"
_NAMED = 8

_FRESH = "greatest(created_at, waiting_since, answered_at) >= :since and dismissed_at is null"
#: In doubt for the second time: no time is set for it any more.
_IN_DOUBT = f"was_ambiguous and state = 'ambiguous' and due_at >= '9999-01-01' and {_FRESH}"
_GIVEN_UP = f"troubled and state = 'failed' and starts_with(answer, 'given up') and {_FRESH}"
_BY_CHAT = f"troubled and state = 'failed' and meaning = '{REFUSED_BY_CHAT}' and {_FRESH}"
_OF: Final = {"in-doubt": _IN_DOUBT, "mail-given-up": _GIVEN_UP, "channels": _BY_CHAT}

#: Domains whose alarm is open and that refused nothing of late (store/stops.py).
_REFUSE_NO_MORE = text(
    "select split_part(a.kind, ':', 2) from alarms a where a.cleared_at is null and starts_with(a.kind, 'refusing:')"
    " and not exists (select 1 from outbox o where o.troubled and o.state = 'failed'"
    " and o.meaning in ('content', 'refused') and o.answered_at > :since"
    " and coalesce(o.domain, lower(split_part(o.recipient, '@', 2))) = split_part(a.kind, ':', 2))"
)


class Unsettled:
    """Watches over them, and takes an operator's word."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def watch(self, now: datetime) -> None:
        """Raise the alarm of mails in doubt while one is open, and clear those whose mails are all
        settled. Safe to run twice, and by two at once.
        """
        with self._engine.begin() as connection:
            _watch(connection, now)

    def dismiss(self, mail_id: MailId, *, who: str, now: datetime) -> None:
        """Settle one mail as it is: it stays in its state, and no alarm is about it.

        Raises:
            NotFoundError: there is none of that number.
            ConflictError: it does not wait for an operator.
        """
        with self._engine.begin() as connection:
            done = connection.execute(
                text(
                    "update outbox set dismissed_at = :now where id = :id and"
                    f" ({' or '.join(f'({one})' for one in _OF.values())})"
                ),
                {"id": mail_id, "now": now, "since": now - OPEN_FOR},
            ).rowcount
            if not done:
                state = connection.execute(
                    text("select state from outbox where id = :id"), {"id": mail_id}
                ).scalar()
                if state is None:
                    raise no_mail(mail_id)
                raise ConflictError(
                    f"邮件 {mail_id} 不在等待处理 · mail {mail_id} ({state}) does not wait for you"
                )
            audit.note(connection, who=who, what="dismiss", about=f"mail {mail_id}", now=now)
            _watch(connection, now)

    def dismiss_all(self, kind: str, *, who: str, now: datetime) -> int:
        """Settle every mail that an alarm is about; how many. Of other kinds none is."""
        if kind not in _OF:
            return 0
        with self._engine.begin() as connection:
            done = connection.execute(
                text(f"update outbox set dismissed_at = :now where {_OF[kind]}"),
                {"now": now, "since": now - OPEN_FOR},
            ).rowcount
            if done:
                audit.note(
                    connection, who=who, what="dismiss", about=f"{done} mails, {kind}", now=now
                )
            _watch(connection, now)
        return done

    def waits(self, mail_id: MailId, now: datetime) -> bool:
        """Whether a mail waits for an operator."""
        with self._engine.connect() as connection:
            return bool(
                connection.execute(
                    text(
                        "select 1 from outbox where id = :id and"
                        f" ({' or '.join(f'({one})' for one in _OF.values())})"
                    ),
                    {"id": mail_id, "since": now - OPEN_FOR},
                ).scalar()
            )


def _watch(connection: Connection, now: datetime) -> None:
    values = {"since": now - OPEN_FOR}
    found = connection.execute(
        text(f"select id from outbox where {_IN_DOUBT} order by id desc"), values
    ).scalars()
    doubts = list(found)
    if doubts:
        named = ", ".join(map(str, doubts[:_NAMED])) + (" …" if len(doubts) > _NAMED else "")
        raise_alarm(
            connection,
            "in-doubt",
            f"mails of the last 7 days of which nobody knows whether they arrived: {len(doubts)}."
            f" Twice the answer to them was lost; resend each, or dismiss it: {named}",
        )
    else:
        clear_alarm(connection, "in-doubt")
    if _settled(connection, "mail-given-up", values):
        clear_alarm(connection, "mail-given-up")
    if _settled(connection, "channels", values):
        clear_alarm(connection, "channels")
    quiet = connection.execute(_REFUSE_NO_MORE, {"since": now - stops.WITHIN}).scalars().all()
    for domain in quiet:
        clear_alarm(connection, f"refusing:{domain}")


def _settled(connection: Connection, kind: str, values: dict[str, datetime]) -> bool:
    """Whether the open alarm of a kind has no mail left. Whoever raises it anew waits for us.

    The newest is looked for first, because those that failed for other reasons are many.
    """
    there = connection.execute(
        text("select 1 from alarms where kind = :kind and cleared_at is null for update"),
        {"kind": kind},
    ).first()
    return (
        there is not None
        and connection.execute(
            text(f"select 1 from outbox where {_OF[kind]} order by id desc limit 1"), values
        ).first()
        is None
    )
