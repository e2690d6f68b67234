"""Mails as an operator looks at them, a page at a time, and sending one again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, RowMapping, text

from aggregator.errors import ConflictError, NotFoundError
from aggregator.model import MailId, RunId
from aggregator.store import audit
from aggregator.store.letterbox import stopped
from aggregator.store.waiting import NOTHING_LEFT

PAGE = 50
_ITEMS = 300

#: Conditions that the outbox's partial indexes know (they do not name ``state``, so that a mail
#: on its way out changes no index).
_OF_STATE = {
    "failed": "o.state = :state and o.troubled",
    "ambiguous": "o.state = :state and o.troubled",
    "sent": "o.state = :state and o.sent_at is not null",
    **dict.fromkeys(("queued", "claimed", "handed", "deferred"), "o.state = :state and o.waiting"),
}

#: Nothing of a list is read that holds words or whole addresses.
_ROW = (
    "o.id, o.run_id, o.lane, left(o.recipient, 1) as first, o.recipient <> '' as kept, o.domain,"
    # A chat, by its number: no address of anybody.
    " case when o.recipient not like '%@%' then o.recipient end as place,"
    " o.state, o.attempts, o.resends, o.was_ambiguous, o.created_at,"
    " case when isfinite(o.due_at) then o.due_at end as due_at, o.sent_at, o.answer,"
    " o.bounced, o.message_id"
)

#: Whether what a mail answers was stopped, or is paused.
_NOT_ASKED_FOR = (
    f"({stopped('o', '(select r.frequency from runs r where r.id = o.run_id)')}"
    " or coalesce((select not bool_or(n.state = 'active') from subscriptions n join runs r"
    " on r.frequency = n.frequency where r.id = o.run_id and n.subscriber_id = o.subscriber_id),"
    " false))"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailRow:
    """A mail in a list; ``to`` shows the domain and one letter, of a chat its number. ``resends``
    counts how often it was sent again when a copy may have left, or was refused.
    """

    id: MailId
    run_id: RunId | None
    lane: int
    to: str
    state: str
    attempts: int
    resends: int
    was_ambiguous: bool
    created_at: datetime
    due_at: datetime | None
    sent_at: datetime | None
    answer: str | None
    bounced: str | None
    message_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What a mail says; empty when that was deleted in time. An edition holds marks where its
    readers' own links stand.
    """

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRow:
    """One announcement of a mail, and why it is in there."""

    uuid: str
    title: str
    reason: str


class Mails:
    """What operators ask of mails."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def mails(
        self,
        *,
        run_id: RunId | None = None,
        state: str | None = None,
        domain: str | None = None,
        before: MailId | None = None,
        limit: int = PAGE,
    ) -> Sequence[MailRow]:
        """Mails by number, the newest first: of a run, in a state, to a domain."""
        asked = [
            ("o.run_id = :run", run_id),
            (_OF_STATE.get(state or "", "o.state = :state"), state),
            ("o.domain = :domain", domain),
            ("o.id < :before", before),
        ]
        where = " and ".join(condition for condition, value in asked if value is not None)
        # Those that wait for a domain, and all others to it, have an index each.
        parts = ("true",) if domain is None else ("o.waiting", "not o.waiting")
        with self._engine.connect() as connection:
            found = connection.execute(
                text(
                    "select * from ("
                    + " union all ".join(
                        f"(select {_ROW} from outbox o where {where or 'true'} and {part}"
                        " order by o.id desc limit :limit)"
                        for part in parts
                    )
                    + ") o order by id desc limit :limit"
                ),
                {
                    "run": run_id, "state": state, "domain": domain, "before": before,
                    "limit": limit,
                },
            ).mappings()  # fmt: skip
            return [_mail(row) for row in found]

    def mail(self, mail_id: MailId) -> MailRow:
        """One mail.

        Raises:
            NotFoundError: there is none of that number.
        """
        with self._engine.connect() as connection:
            row = connection.execute(
                text(f"select {_ROW} from outbox o where o.id = :id"), {"id": mail_id}
            ).mappings().one_or_none()  # fmt: skip
        if row is None:
            raise no_mail(mail_id)
        return _mail(row)

    def words(self, mail_id: MailId) -> Words:
        """What one mail says.

        Raises:
            NotFoundError: there is none of that number.
        """
        with self._engine.connect() as connection:
            row = connection.execute(
                text(
                    "select coalesce(e.subject, o.mail->>'subject', '') as subject,"
                    " coalesce(e.text, o.mail->>'text', '') as text,"
                    " coalesce(e.html, o.mail->>'html', '') as html"
                    " from outbox o left join editions e on e.id = o.edition_id where o.id = :id"
                ),
                {"id": mail_id},
            ).mappings().one_or_none()  # fmt: skip
        if row is None:
            raise no_mail(mail_id)
        return Words(subject=row["subject"], text=row["text"], html=row["html"])

    def items(self, mail_id: MailId) -> Sequence[ItemRow]:
        """What a mail told of, by the ledger."""
        with self._engine.connect() as connection:
            found = connection.execute(
                text(
                    "select a.uuid, a.title, l.reason from outbox o join ledger l"
                    " on l.subscriber_id = o.subscriber_id and l.mail_id = o.id"
                    " join announcements a on a.id = l.announcement_id"
                    " where o.id = :id order by a.sort_at desc, a.id desc limit :limit"
                ),
                {"id": mail_id, "limit": _ITEMS},
            ).mappings()
            return [
                ItemRow(uuid=str(row["uuid"]), title=row["title"], reason=row["reason"])
                for row in found
            ]

    def resend(self, mail_id: MailId, *, again: bool, who: str, now: datetime) -> MailRow:
        """Queue a mail once more under its own key and Message-ID, and mark it.

        One that waits is tried now, and counts as sent again only where a copy may be out. One
        that was sent goes a second time only when that was asked for (``again``); one whose reader
        must not be written to goes never.

        Raises:
            NotFoundError: there is none of that number.
            ConflictError: it may not go again, and why.
        """
        with self._engine.begin() as connection:
            row = connection.execute(
                text(
                    f"select {_ROW}, o.lease_until, (select x.reason from suppressions x"
                    " where x.email_key = lower(coalesce(s.email, o.recipient))) as suppressed,"
                    f" {_NOT_ASKED_FOR} as unasked, o.edition_id is null or exists (select 1"
                    " from editions e where e.id = o.edition_id and e.text <> '' and e.html <> '')"
                    " as worded, o.lane = 0 and o.mail ? 'subject' and not o.mail ? 'text' as spent"
                    " from outbox o left join subscribers s on s.id = o.subscriber_id"
                    " where o.id = :id for update of o"
                ),
                {"id": mail_id},
            ).mappings().one_or_none()  # fmt: skip
            if row is None:
                raise no_mail(mail_id)
            _check_resend(row, again=again)
            connection.execute(
                text(
                    "update outbox set state = 'queued', due_at = :now, lease_until = null,"
                    " resends = resends + (state not in ('queued', 'deferred')"
                    " or (was_ambiguous and resends = 0))::integer,"
                    " sent_at = null, attempts = 0, meaning = null,"
                    " waiting_since = :now, dismissed_at = null where id = :id"
                ),
                {"id": mail_id, "now": now},
            )
            audit.note(
                connection, who=who, what="resend", about=f"mail {mail_id}, was {row['state']}",
                now=now,
            )  # fmt: skip
        return self.mail(mail_id)


def no_mail(mail_id: MailId) -> NotFoundError:
    """That there is no mail of a number, as an operator is told."""
    return NotFoundError(f"没有邮件 {mail_id} · there is no mail {mail_id}")


def masked(first: str, domain: str) -> str:
    """An address as operators see it: ``l…@example.org``."""
    return f"{first}…@{domain}" if first else f"…@{domain}"


def _mail(row: RowMapping) -> MailRow:
    return MailRow(
        id=MailId(row["id"]),
        run_id=RunId(row["run_id"]) if row["run_id"] else None,
        lane=row["lane"],
        to=(row["place"] or masked(row["first"], row["domain"] or "")) if row["kept"] else "—",
        state=row["state"],
        attempts=row["attempts"],
        resends=row["resends"],
        was_ambiguous=row["was_ambiguous"],
        created_at=row["created_at"],
        due_at=row["due_at"],
        sent_at=row["sent_at"],
        answer=row["answer"],
        bounced=row["bounced"],
        message_id=row["message_id"],
    )


def _check_resend(row: RowMapping, *, again: bool) -> None:
    """Refuse what must not go again, in words for the operator.

    Raises:
        ConflictError: why.
    """
    number = row["id"]
    if row["state"] == "merged":
        raise ConflictError(
            f"邮件 {number} 的内容已并入后一封({row['answer']})"
            f" · what mail {number} told {row['answer']}: send that one again"
        )
    if row["answer"] == NOTHING_LEFT:
        raise ConflictError(
            f"邮件 {number} 所含公告均已撤下 · all that mail {number} told of was withdrawn"
        )
    if not row["kept"] or not row["worded"]:
        raise ConflictError(
            f"邮件 {number} 的内容已按期删除 · the words of mail {number} were deleted in time"
        )
    if row["spent"]:
        raise ConflictError(
            f"邮件 {number} 含有一次性链接，发出后不再保留，请收件人重新申请 · mail {number} held a link,"
            " whose words are not kept once it is over: let its reader ask for a new one"
        )
    if row["suppressed"]:
        raise ConflictError(
            f"该地址在禁发名单上({row['suppressed']})"
            f" · its address is suppressed ({row['suppressed']}); lift that first"
        )
    if row["unasked"]:
        raise ConflictError(
            f"收件人已停止或暂停这类邮件 · the reader of mail {number} stopped or paused such mails"
        )
    if row["state"] in ("claimed", "handed"):
        raise ConflictError(f"邮件 {number} 正在发送 · mail {number} is being sent just now")
    if row["state"] == "sent" and not again:
        raise ConflictError(
            f"邮件 {number} 已发出，重发会收到第二封 · mail {number} was sent; say it again to send"
            " a second copy with the same Message-ID"
        )
