"""Mails in words, and what became of sending them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from aggregator.model.ids import EditionId, MailId, RunId, SubscriberId
from aggregator.model.subscriber import Frequency


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """The words of a selection, the same for all its readers.

    ``text`` and ``html`` hold marks where a reader's own links stand (``notify.marks``).
    ``key`` is made of the words and of the run, so that equal editions are stored once.
    ``items`` names what it tells of, as ``store.recall`` knows it again after a restore.
    """

    key: str
    subject: str
    text: str
    html: str
    items: str = ""


class Lane(StrEnum):
    """Which mail goes first."""

    CONFIRMATION = "confirmation"
    IMMEDIATE = "immediate"
    DIGEST = "digest"


class MailState(StrEnum):
    """Where a mail of the outbox stands; ``handed`` is committed before the final dot."""

    QUEUED = "queued"
    CLAIMED = "claimed"
    HANDED = "handed"
    SENT = "sent"
    DEFERRED = "deferred"
    FAILED = "failed"
    AMBIGUOUS = "ambiguous"
    #: Its items went into a later mail before it left.
    MERGED = "merged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A finished mail: words and headers, still without transport.

    ``key`` is unique in the outbox, so planning twice queues nothing twice.
    """

    key: str
    lane: Lane
    to: str
    subject: str
    text: str
    html: str
    message_id: str
    headers: dict[str, str] = field(default_factory=dict)
    subscriber_id: SubscriberId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxMail:
    """A row of the outbox as its sender claims it.

    What it says is a whole ``mail``, or an ``edition`` that many readers share, in which
    ``epoch`` and ``frequency`` make the reader's own links. ``waiting_since``: since when it is
    tried, where that is not since it was made (resent, or merged with one before). ``in_doubt``: a copy of it may have
    arrived, so that this is the last attempt that may reach a final dot.
    """

    id: MailId
    key: str
    lane: Lane
    to: str
    domain: str
    message_id: str
    generation: int
    attempts: int
    created_at: datetime
    waiting_since: datetime | None = None
    in_doubt: bool = False
    mail: Mail | None = None
    edition_id: EditionId | None = None
    edition: Edition | None = None
    subscriber_id: SubscriberId | None = None
    epoch: int = 0
    frequency: Frequency | None = None
    run_id: RunId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What one SMTP attempt came to.

    ``state`` is sent, deferred, failed or ambiguous, or queued for a mail that was put back
    untried; ``answer`` is the server's own line, ``meaning`` by whose problem it is.
    """

    mail_id: MailId
    generation: int
    state: MailState
    answer: str
    at: datetime
    meaning: str = ""
    retry_at: datetime | None = None
    suppress: str | None = None
    domain: str = ""
    run_id: RunId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SentMail:
    """A mail that was taken, as the journal of sent mails is told of it."""

    key: str
    message_id: str
    to: str
    edition: Edition | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SentNote:
    """A line of that journal: no address, but what tells one reader of this database from others.

    ``key`` and ``edition`` are empty for mails that belong to no run.
    """

    at: datetime
    message_id: str
    key: str
    person: str
    edition: str
