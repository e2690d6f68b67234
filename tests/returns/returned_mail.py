"""A store with readers and mails that left, and the addresses where those mails come back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, text

from aggregator import store
from aggregator.model import (
    Filter,
    Frequency,
    Lane,
    Mail,
    MailId,
    Return,
    ReturnKind,
    Subscriber,
    SubscriptionState,
)
from aggregator.notify import Keys
from aggregator.notify.verp import return_path, returned_mail

NOW = datetime(2026, 11, 2, 0, 30, tzinfo=UTC)
DAY = timedelta(days=1)
SECRET = "a-secret-of-the-tests-long-enough"
KEYS = Keys.of(SECRET)
DOMAIN = "bounces.quxun.example"

REPORT = b"""From: MAILER-DAEMON@mx.example
To: %s
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

It failed.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; reader@inbox.example
Action: %s
Status: %s
Diagnostic-Code: smtp; 550 %s said mx.example
--b--
"""


def report(to: str, status: str = "5.1.1", action: str = "failed") -> bytes:
    return REPORT % (to.encode(), action.encode(), status.encode(), status.encode())


def complaint(to: str) -> bytes:
    return (
        b"From: fbl@mail.example\nTo: %s\nMIME-Version: 1.0\nContent-Type: multipart/report;"
        b" report-type=feedback-report; boundary=b\n\n--b\nContent-Type: message/feedback-report"
        b"\n\nFeedback-Type: abuse\nUser-Agent: Mail/1\nVersion: 1\n--b--\n" % to.encode()
    )


@dataclass
class Post:
    """The store, and what tests do with it."""

    engine: Engine
    returns: store.Returns
    suppressions: store.Suppressions
    people: store.Subscribers
    outbox: store.Outbox

    def reader(self, email: str = "reader@inbox.example") -> Subscriber:
        return self.people.sign_up(email, [Filter()], Frequency.DAILY, NOW, confirmed=True)

    def sent(self, who: Subscriber, at: datetime = NOW, key: str | None = None) -> MailId:
        """A mail that left."""
        name = key or f"{who.id}-{at.isoformat()}"
        mail = Mail(
            key=name, lane=Lane.DIGEST, to=who.email, subject="s", text="t", html="h",
            message_id=f"<{name}@quxun.example>", subscriber_id=who.id,
        )  # fmt: skip
        mail_id = self.outbox.enqueue_mail(mail, at)
        assert mail_id is not None
        with self.engine.begin() as connection:
            connection.execute(
                text(
                    "update outbox set state = 'sent', sent_at = :at, created_at = :at"
                    " where id = :id"
                ),
                {"at": at, "id": mail_id},
            )
        return mail_id

    def came(
        self, mail_id: MailId, kind: ReturnKind, at: datetime = NOW, status: str | None = None
    ) -> str:
        """Something came back; what was done."""
        one = Return(kind=kind, mail_id=mail_id, status=status, diagnostic="said", evidence="e")
        return self.returns.record([one], via="listener", now=at)[0]

    def held_back(self) -> dict[str, str]:
        return {one.email_key: one.kind.value for one in self.suppressions.list()}

    def states(self, email: str = "reader@inbox.example") -> list[tuple[str, str | None]]:
        who = self.people.get(email)
        return [(one.state.value, one.end_reason) for one in who.subscriptions]

    def active(self, email: str = "reader@inbox.example") -> bool:
        who = self.people.get(email)
        return all(one.state is SubscriptionState.ACTIVE for one in who.subscriptions)

    def bounced(self, mail_id: MailId) -> tuple[str, str | None]:
        with self.engine.connect() as connection:
            row = connection.execute(
                text("select state, bounced from outbox where id = :id"), {"id": mail_id}
            ).one()
        return row[0], row[1]

    def rows(self) -> int:
        with self.engine.connect() as connection:
            return connection.execute(text("select count(*) from returns")).scalar_one()


def address_of(mail_id: MailId) -> str:
    return return_path(KEYS, mail_id, domain=DOMAIN)


def mail_of(address: str) -> MailId | None:
    return returned_mail(KEYS, address, domain=DOMAIN)
