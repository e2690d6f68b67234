"""The desk that a mailer gets its mails from, without a store behind it."""

from __future__ import annotations

from datetime import UTC, datetime

from aggregator.model import Lane, Mail, MailId, OutboxMail

NOW = datetime(2026, 9, 13, 0, 30, tzinfo=UTC)
SENDER = "Quxun 区讯 <digest@quxun.example>"


def row(number=1, to="reader@inbox.example", text="正文\n.\n..点\n", **more):
    """A mail of the outbox."""
    mail = Mail(
        key=f"digest:{number}", lane=Lane.DIGEST, to=to, subject="江津区:3条新政策", text=text,
        html="<p>正文</p>", message_id=f"<{number}@quxun.example>", headers={"From": SENDER},
    )  # fmt: skip
    fields = {
        "id": MailId(number), "key": mail.key, "lane": mail.lane, "to": to,
        "domain": to.rpartition("@")[2], "message_id": mail.message_id, "generation": 3,
        "attempts": 1, "created_at": NOW, "mail": mail,
    }  # fmt: skip
    return OutboxMail(**{**fields, **more})


class Desk:
    """Gives mails out and keeps what it is told; ``answer`` is what handing over says."""

    def __init__(self, *mails, answer=True):
        self.waiting = list(mails)
        self.answer = answer
        self.handed = []
        self.told = {}
        self.complaints = []
        self.limits = {}
        self.steps = []

    def take(self, room, *, express=False):
        taken = self.waiting[:room]
        del self.waiting[:room]
        return taken

    def turn(self, deliveries, hand, complaints):
        for one in deliveries:
            assert one.mail_id not in self.told, "told of twice"
            self.told[one.mail_id] = one
        self.complaints.extend(complaints)
        if hand and isinstance(self.answer, Exception):
            raise self.answer
        self.handed.extend(one.id for one in hand if one.id not in self.handed)
        self.steps.append(("handed", [one.id for one in hand]))
        may = self.answer if callable(self.answer) else lambda _: self.answer
        return frozenset(one.id for one in hand if may(one))

    def renew(self):
        self.steps.append(("renewed", []))

    def connections(self):
        return self.limits

    def relay(self, problem):
        self.steps.append(("relay", problem))

    def over(self):
        return False

    def now(self):
        return NOW

    @property
    def states(self):
        """The state each mail ended in, by its number."""
        return {number: one.state.value for number, one in sorted(self.told.items())}
