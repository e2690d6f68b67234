"""What comes back of mails, and the addresses that get none for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from aggregator.model.ids import MailId


class ReturnKind(StrEnum):
    """What a message that came back says of a mail of ours.

    ``hard``: there is no such mailbox; ``soft``: not now, or not this; ``delayed``: still tried;
    ``complaint``: its reader calls it unwanted; ``delivered``: it is there; ``auto-reply`` and
    ``unclear`` change nothing; ``foreign`` names no mail that we can believe.
    """

    HARD = "hard"
    SOFT = "soft"
    DELAYED = "delayed"
    COMPLAINT = "complaint"
    DELIVERED = "delivered"
    AUTO_REPLY = "auto-reply"
    UNCLEAR = "unclear"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """One message that came back, as understood.

    ``status`` is a code of RFC 3463 (``5.1.1``), ``diagnostic`` one line without addresses,
    ``evidence`` what in the message decided.
    """

    kind: ReturnKind
    mail_id: MailId | None = None
    status: str | None = None
    diagnostic: str = ""
    evidence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnEvent:
    """One thing that a mail provider says of one mail, named by its Message-ID or its address."""

    kind: ReturnKind
    message_id: str | None
    address: str | None
    status: str | None
    diagnostic: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MailReturn:
    """A return as stored beside its mail, for those who look a mail up."""

    mail_id: MailId
    kind: ReturnKind
    status: str | None
    diagnostic: str
    evidence: str
    via: str
    at: datetime
    effect: str


class SuppressionKind(StrEnum):
    """Why an address gets no mail; a later one replaces an earlier one, never the reverse."""

    SOFT = "soft"
    HARD = "hard"
    OPERATOR = "operator"
    COMPLAINT = "complaint"


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """An address that gets no mail, or (with ``lifted_at``) got none for a while."""

    email_key: str
    kind: SuppressionKind
    reason: str
    evidence: str = ""
    at: datetime
    tried_at: datetime | None = None
    lifted_at: datetime | None = None
    lifted_by: str | None = None
