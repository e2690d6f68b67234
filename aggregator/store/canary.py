"""The canary's mails: when each is wanted, whether it arrived, and whether it was the right one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Engine, text

from aggregator.canaries import ExpectedMail, LastCheck, LateMail
from aggregator.model import MailId, RunId, SubscriberId
from aggregator.store.letterbox import of_reader
from aggregator.store.patience import lock_person
from aggregator.store.waiting import NOTHING_LEFT

#: Mails of the last days are looked at; older ones say nothing of this morning.
LOOK_BACK = timedelta(days=2)
KEPT = timedelta(days=30)


class Canary:
    """Implements ``ports.CanaryStore``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def is_set(self, subscriber_id: SubscriberId | None) -> bool:
        """Make a subscriber the canary, and no other; False when another one, or none, was.

        Whoever was it before gets no more mail.
        """
        with self._engine.begin() as connection:
            known = connection.execute(text("select canary_id from house for update")).scalar()
            if known == subscriber_id:
                return True
            connection.execute(text("update house set canary_id = :id"), {"id": subscriber_id})
            if known is not None:
                lock_person(connection, known)
            connection.execute(
                text(
                    "update subscriptions set state = 'ended', ended_at = now(),"
                    " end_reason = 'canary' where subscriber_id = :id and state <> 'ended'"
                ),
                {"id": known},
            )
            connection.execute(
                text(
                    "update canary_checks set problem = 'the canary was changed'"
                    " where arrived_at is null and problem is null"
                )
            )
        return False

    def expect(self, subscriber_id: SubscriberId, wait: timedelta, now: datetime) -> None:
        """Want every mail of a run to the canary within ``wait``; while mail is held, later."""
        with self._engine.begin() as connection:
            connection.execute(
                text(
                    "insert into canary_checks (mail_id, run_id, message_id, wanted_by)"
                    " select o.id, o.run_id, o.message_id, o.created_at + :wait from outbox o"
                    f" where {of_reader(':id', 'o')} and o.lane > 0 and o.created_at > :since"
                    " on conflict do nothing"
                ),
                {"id": subscriber_id, "wait": wait, "since": now - LOOK_BACK},
            )
            connection.execute(
                text(
                    "update canary_checks c set wanted_by = :later where c.arrived_at is null"
                    " and c.problem is null and c.wanted_by < :later and (exists (select 1 from"
                    " house where mail_held_at is not null) or exists (select 1 from runs r"
                    " where r.id = c.run_id and r.held is not null))"
                ),
                {"later": now + wait},
            )
            # What went into a later mail is wanted with that one; what was withdrawn, not at all.
            connection.execute(
                text(
                    "delete from canary_checks c using outbox o where o.id = c.mail_id"
                    " and (o.state = 'merged' or o.answer = :withdrawn) and c.arrived_at is null"
                ),
                {"withdrawn": NOTHING_LEFT},
            )
            connection.execute(
                text("delete from canary_checks where wanted_by < :old"), {"old": now - KEPT}
            )

    def late(self, now: datetime) -> Sequence[LateMail]:
        """Mails that should have arrived by now and were not told of yet."""
        with self._engine.connect() as connection:
            found = connection.execute(
                text(
                    "select c.mail_id, c.run_id, c.wanted_by, o.state, o.answer"
                    " from canary_checks c join outbox o on o.id = c.mail_id"
                    " where c.arrived_at is null and c.problem is null and c.wanted_by < :now"
                    " order by c.wanted_by"
                ),
                {"now": now},
            ).mappings()
            return [
                LateMail(
                    mail_id=MailId(row["mail_id"]),
                    run_id=RunId(row["run_id"]) if row["run_id"] else None,
                    state=row["state"],
                    answer=row["answer"],
                    wanted_by=row["wanted_by"],
                )
                for row in found
            ]

    def awaited_since(self, now: datetime) -> datetime | None:
        """When the oldest mail of the last days that left and has not arrived was queued; None
        when none is awaited.
        """
        with self._engine.connect() as connection:
            return connection.execute(
                text(
                    "select min(o.created_at) from canary_checks c join outbox o"
                    " on o.id = c.mail_id where c.arrived_at is null and c.wanted_by > :since"
                    " and o.state in ('handed', 'sent', 'ambiguous')"
                ),
                {"since": now - LOOK_BACK},
            ).scalar()

    def expected(self, message_id: str) -> tuple[MailId, ExpectedMail] | None:
        """What a mail of the canary's should be, by its Message-ID."""
        with self._engine.connect() as connection:
            row = connection.execute(
                text(
                    "select c.mail_id, o.subscriber_id, c.message_id,"
                    " coalesce(e.subject, o.mail->>'subject', '') as subject,"
                    " coalesce(e.text, o.mail->>'text', '') as text,"
                    " coalesce(e.html, o.mail->>'html', '') as html,"
                    " array(select a.uuid::text from ledger l join announcements a"
                    " on a.id = l.announcement_id where l.mail_id = o.id"
                    " and l.subscriber_id = o.subscriber_id) as items"
                    " from canary_checks c join outbox o on o.id = c.mail_id"
                    " left join editions e on e.id = o.edition_id where c.message_id = :id"
                ),
                {"id": message_id},
            ).mappings().one_or_none()  # fmt: skip
        if row is None:
            return None
        return MailId(row["mail_id"]), ExpectedMail(
            message_id=row["message_id"],
            subscriber_id=SubscriberId(row["subscriber_id"]),
            subject=row["subject"],
            text=row["text"],
            html=row["html"],
            items=frozenset(row["items"]),
        )

    def settle(
        self, mail_id: MailId, *, problem: str | None, arrived_at: datetime | None = None
    ) -> None:
        """Write that a mail arrived, or what is wrong with it."""
        with self._engine.begin() as connection:
            connection.execute(
                text(
                    "update canary_checks set arrived_at = coalesce(arrived_at, :at),"
                    " problem = :problem where mail_id = :id"
                ),
                {"id": mail_id, "at": arrived_at, "problem": problem},
            )

    def last(self) -> LastCheck | None:
        """The newest check."""
        with self._engine.connect() as connection:
            row = connection.execute(
                text("select * from canary_checks order by mail_id desc limit 1")
            ).mappings().one_or_none()  # fmt: skip
        if row is None:
            return None
        return LastCheck(
            mail_id=MailId(row["mail_id"]),
            wanted_by=row["wanted_by"],
            arrived_at=row["arrived_at"],
            problem=row["problem"],
        )
