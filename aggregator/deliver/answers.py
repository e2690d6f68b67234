"""What an SMTP server's answer means for a mail and for its address. Pure.

Codes alone do not tell: QQ refuses for its rate with 550, 163 asks to wait with 421, 450 and
451 (DOMAIN.md §15). Content is judged apart from addresses, so that one bad digest suspends
nobody (RELIABILITY.md, row 15).
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from aggregator.model import Delivery, MailState, OutboxMail
from aggregator.text import one_line, shorten

#: Waits grow from one minute, doubled for every attempt, to six hours.
FIRST_WAIT: Final = timedelta(minutes=1)
LAST_WAIT: Final = timedelta(hours=6)
#: A mail that was not taken for so long is given up.
GIVE_UP: Final = timedelta(hours=72)

_OK, _LATER, _NEVER = 2, 4, 5
_ANSWER_LENGTH = 300
_RATE = re.compile(
    r"frequency limited|too many|rate.?limit|rate exceeded|throttl|\bHL:|\bMI:|\bRP:|\bDT:SPM",
    re.IGNORECASE,
)
_UNKNOWN = re.compile(
    r"\b5\.1\.[1-36]\b|user (?:unknown|not found|doesn'?t exist)|unknown user|no such (?:user|"
    r"mailbox|recipient)|does not exist|mailbox not found|invalid (?:recipient|mailbox)|"
    r"address rejected|recipient not found",
    re.IGNORECASE,
)
_CONTENT = re.compile(r"\b5\.7\.\d|spam|content|blocked|policy|virus|blacklist", re.IGNORECASE)
_WAITS = (
    (re.compile(r"DT:SPM"), timedelta(minutes=2)),
    (re.compile(r"MI:SFQ"), timedelta(minutes=15)),
    (re.compile(r"HL:|frequency limited", re.IGNORECASE), timedelta(minutes=10)),
)


class Stage(StrEnum):
    """How far the conversation had come."""

    CONNECT = "connect"
    SENDER = "sender"
    RECIPIENT = "recipient"
    DATA = "data"
    DOT = "dot"


class Meaning(StrEnum):
    """By whose problem an answer is."""

    TAKEN = "taken"
    LATER = "later"
    RATE = "rate"
    ADDRESS = "address"
    CONTENT = "content"
    OURS = "ours"
    REFUSED = "refused"
    LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A server's own line at a stage; code 0 when the connection was lost instead."""

    stage: Stage
    code: int
    text: str


def meaning(answer: Answer) -> Meaning:
    """What the answer says, from its code, its words and the stage it came at."""
    kind, text = answer.code // 100, answer.text
    unknown = bool(_UNKNOWN.search(text))
    if kind == _OK and answer.stage is Stage.DOT:
        means = Meaning.TAKEN
    elif kind not in (_LATER, _NEVER):
        means = Meaning.LOST
    elif _RATE.search(text) and not unknown:
        means = Meaning.RATE
    elif kind == _LATER:
        means = Meaning.LATER
    elif answer.stage in (Stage.CONNECT, Stage.SENDER):
        means = Meaning.OURS
    elif answer.stage is Stage.RECIPIENT and unknown:
        means = Meaning.ADDRESS
    else:
        means = Meaning.CONTENT if _CONTENT.search(text) else Meaning.REFUSED
    return means


def delivery_of(row: OutboxMail, answer: Answer, *, now: datetime) -> Delivery:
    """What came of an attempt: sent, to be tried again, given up, or in doubt."""
    means = meaning(answer)
    said = shorten(one_line(f"{answer.code or '---'} {answer.text}"), _ANSWER_LENGTH)
    state, suppress = MailState.DEFERRED, None
    retry_at: datetime | None = now + wait(row, answer)
    if means is Meaning.TAKEN:
        state, retry_at = MailState.SENT, None
    elif means is Meaning.LOST and answer.stage is Stage.DOT:
        # It may have arrived: the store lets it go once more, with the same Message-ID.
        state, retry_at = MailState.AMBIGUOUS, None
    elif means in (Meaning.ADDRESS, Meaning.CONTENT, Meaning.REFUSED):
        state, retry_at = MailState.FAILED, None
        suppress = "hard bounce: unknown user" if means is Meaning.ADDRESS else None
    elif now - row.created_at >= GIVE_UP:
        hours = int(GIVE_UP.total_seconds() // 3600)
        state, retry_at, said = MailState.FAILED, None, f"given up after {hours} h: {said}"
    return Delivery(
        mail_id=row.id,
        generation=row.generation,
        state=state,
        answer=said,
        at=now,
        retry_at=retry_at,
        suppress=suppress,
    )


def wait(row: OutboxMail, answer: Answer) -> timedelta:
    """How long to wait before the next attempt, with a jitter that the mail's key decides."""
    doubled = FIRST_WAIT * (1 << min(max(row.attempts - 1, 0), 10))
    least = next((much for what, much in _WAITS if what.search(answer.text)), FIRST_WAIT)
    spread = zlib.crc32(f"{row.mail.key}:{row.attempts}".encode()) % 1_000 / 1_000
    return min(max(doubled, least), LAST_WAIT) * (0.9 + 0.2 * spread)
