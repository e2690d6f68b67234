"""What is known of a mail that is followed until it arrives."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aggregator.model import MailId, RunId, SubscriberId


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedMail:
    """What a mail to the canary should be; ``items`` are the ledger's, by their uuid."""

    message_id: str
    subscriber_id: SubscriberId
    subject: str
    text: str
    html: str
    items: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class LateMail:
    """A mail to the canary that should have arrived."""

    mail_id: MailId
    run_id: RunId | None
    state: str
    answer: str | None
    wanted_by: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LastCheck:
    """How the last check went; ``arrived_at`` is None while the mail is awaited."""

    mail_id: MailId
    wanted_by: datetime
    arrived_at: datetime | None
    problem: str | None
