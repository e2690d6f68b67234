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

from aggregator.deliver.journal import Step
from aggregator.model import Delivery, MailId, MailState, OutboxMail
from aggregator.paces import Complaint
from aggregator.text import one_line, shorten

#: Waits grow from one minute, doubled for every attempt, to six hours.
FIRST_WAIT: Final = timedelta(minutes=1)
LAST_WAIT: Final = timedelta(hours=6)
#: A relay that does not answer is asked again this soon: it is ours, and nobody's patience.
LAST_WAIT_FOR_RELAY: Final = timedelta(minutes=5)
#: A mail that was not taken for so long is given up.
GIVE_UP: Final = timedelta(hours=72)

_OK, _LATER, _NEVER = 2, 4, 5
_ANSWER_LENGTH = 300
_RATE = re.compile(
    r"frequency limit|too (?:many|fast|much)|rate.?limit|(?:rate|quota of messages) exceeded|"
    r"throttl|slow down|\bHL:|\bMI:(?:DMC|SFQ)|\bRP:|\bDT:SPM|\b4\.7\.28\b|频率|过于频繁|"
    r"发信限制|连接数",
    re.IGNORECASE,
)
_CONNECTIONS = re.compile(
    r"HL:ICC|too many (?:concurrent )?(?:smtp )?connections|connection freq|"
    r"连接数",
    re.IGNORECASE,
)
_UNKNOWN = re.compile(
    r"\b5\.1\.(?:[1-36]|10)\b|user (?:is )?(?:unknown|not found|doesn'?t exist)|unknown user|"
    r"no such (?:user|mailbox|recipient)|does not exist|mailbox not found|"
    r"invalid (?:recipient|mailbox)|recipient (?:address )?(?:rejected: user|not found)|"
    r"user unknown|(?:用户|收件人|邮箱)不存在",
    re.IGNORECASE,
)
#: What is said of the sender is not said of the address.
_SENDER = re.compile(r"\b[45]\.1\.[78]\b|\bsender\b|return.?path|发件人", re.IGNORECASE)
#: A full mailbox is emptied some day, whatever class of code its server answers with.
_FULL = re.compile(
    r"\b[45]\.2\.2\b|over ?quota|quota exceeded|mailbox (?:is )?full|insufficient (?:disk|storage)"
    r"|空间不足|邮箱已满",
    re.IGNORECASE,
)
_CONTENT = re.compile(
    r"\b5\.7\.\d|spam|content|blocked|policy|virus|blacklist|\bDT:|垃圾邮件|内容", re.IGNORECASE
)
_WAITS = (
    (re.compile(r"DT:SPM"), timedelta(minutes=2)),
    (re.compile(r"MI:SFQ"), timedelta(minutes=15)),
    (re.compile(r"HL:|frequency limit|频率|频繁", re.IGNORECASE), timedelta(minutes=10)),
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
    UNWRITABLE = "unwritable"


@dataclass(frozen=True, slots=True)
class Answer:
    """A server's own line at a stage; code 0 when the connection was lost instead."""

    stage: Stage
    code: int
    text: str


def meaning(answer: Answer) -> Meaning:
    """What the answer says, from its code, its words and the stage it came at."""
    kind, text = answer.code // 100, answer.text
    if kind == _OK and answer.stage is Stage.DOT:
        return Meaning.TAKEN
    unknown = bool(_UNKNOWN.search(text)) and not _SENDER.search(text)
    if kind not in (_LATER, _NEVER):
        means = Meaning.LOST
    elif _RATE.search(text) and not unknown:
        means = Meaning.RATE
    elif kind == _LATER or _FULL.search(text):
        means = Meaning.LATER
    elif answer.stage in (Stage.CONNECT, Stage.SENDER):
        means = Meaning.OURS
    elif unknown:
        # One recipient a mail: whenever it is said, it is said of that one.
        means = Meaning.ADDRESS
    else:
        means = Meaning.CONTENT if _CONTENT.search(text) else Meaning.REFUSED
    return means


def delivery_of(row: OutboxMail, answer: Answer, *, now: datetime) -> Delivery:
    """What came of an attempt: sent, to be tried again, given up, or in doubt."""
    means = meaning(answer)
    said = shorten(one_line(f"{answer.code or '---'} {answer.text}"), _ANSWER_LENGTH)
    retry_at: datetime | None = None
    suppress: str | None = None
    if means is Meaning.TAKEN:
        state = MailState.SENT
    elif means is Meaning.LOST and answer.stage is Stage.DOT:
        # It may have arrived: the store lets it go once more, with the same Message-ID.
        state = MailState.AMBIGUOUS
    elif means in (Meaning.ADDRESS, Meaning.CONTENT, Meaning.REFUSED):
        state = MailState.FAILED
        suppress = "hard bounce: unknown user" if means is Meaning.ADDRESS else None
    elif now - (row.waiting_since or row.created_at) >= GIVE_UP:
        hours = int(GIVE_UP.total_seconds() // 3600)
        state, said = MailState.FAILED, f"given up after {hours} h: {said}"
    else:
        state, retry_at = MailState.DEFERRED, now + wait(row, answer)
    return Delivery(
        mail_id=row.id,
        generation=row.generation,
        state=state,
        answer=said,
        at=now,
        meaning=means.value,
        retry_at=retry_at,
        suppress=suppress,
        domain=row.domain,
        run_id=row.run_id,
    )


def unwritable(row: OutboxMail, why: str, *, now: datetime) -> Delivery:
    """A mail that no server was shown, because its words or its address cannot be sent."""
    return Delivery(
        mail_id=row.id,
        generation=row.generation,
        state=MailState.FAILED,
        answer=shorten(one_line(why), _ANSWER_LENGTH),
        at=now,
        meaning=Meaning.UNWRITABLE.value,
        domain=row.domain,
        run_id=row.run_id,
    )


def left_behind(mail_id: MailId, generation: int, step: Step, now: datetime) -> Delivery:
    """What became of a mail whose sender was killed at a step."""
    state, answer, means = {
        Step.NOT_BEGUN: (MailState.QUEUED, "its sender was killed before its dot", ""),
        Step.DOT_BEGUN: (MailState.AMBIGUOUS, "its sender was killed behind its dot", "lost"),
        Step.TAKEN: (MailState.SENT, "250 as its sender heard before it was killed", "taken"),
    }[step]
    return Delivery(
        mail_id=mail_id, generation=generation, state=state, answer=answer, at=now, meaning=means
    )


def put_back(row: OutboxMail, why: str, *, now: datetime) -> Delivery:
    """A mail that was claimed and of which nothing has left: as if it had not been claimed."""
    return Delivery(
        mail_id=row.id,
        generation=row.generation,
        state=MailState.QUEUED,
        answer=why,
        at=now,
        domain=row.domain,
        run_id=row.run_id,
    )


def complaint_of(
    row: OutboxMail, answer: Answer, *, tried: float, under_way: int
) -> Complaint | None:
    """What the answer says of our speed towards the mail's domain; None when it says nothing.

    Before the envelope it speaks of us and the relay, not of any domain.
    """
    if answer.stage is Stage.CONNECT or meaning(answer) is not Meaning.RATE:
        return None
    return Complaint(
        domain=row.domain,
        wait=_least_wait(answer.text),
        tried=tried,
        under_way=under_way,
        connections=bool(_CONNECTIONS.search(answer.text)),
        answer=shorten(one_line(f"{answer.code} {answer.text}"), _ANSWER_LENGTH),
    )


def _least_wait(text: str) -> timedelta:
    return next((much for what, much in _WAITS if what.search(text)), FIRST_WAIT)


def wait(row: OutboxMail, answer: Answer) -> timedelta:
    """How long to wait before the next attempt, with a jitter that the mail's key decides."""
    doubled = FIRST_WAIT * (1 << min(max(row.attempts - 1, 0), 10))
    most = LAST_WAIT_FOR_RELAY if answer.stage is Stage.CONNECT else LAST_WAIT
    spread = zlib.crc32(f"{row.key}:{row.attempts}".encode()) % 1_000 / 1_000
    return min(max(doubled, _least_wait(answer.text)), most) * (0.9 + 0.2 * spread)
