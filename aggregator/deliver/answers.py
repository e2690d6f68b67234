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
from aggregator.model import Delivery, MailId, MailState, OutboxMail, ReturnKind
from aggregator.paces import Complaint
from aggregator.returns import codes
from aggregator.returns.read import masked

#: Waits grow from one minute, doubled for every attempt, to six hours.
FIRST_WAIT: Final = timedelta(minutes=1)
LAST_WAIT: Final = timedelta(hours=6)
#: A relay that does not answer is asked again this soon: it is ours, and nobody's patience.
LAST_WAIT_FOR_RELAY: Final = timedelta(minutes=5)
#: A mail that was not taken for so long is given up.
GIVE_UP: Final = timedelta(hours=72)

_OK, _LATER, _NEVER = 2, 4, 5
_ANSWER_LENGTH = 300
#: 163 says it with 451 for a while, and with 554 of the words themselves.
_SPAM_FOR_NOW = re.compile(r"\bDT:SPM\b")
#: Said with a code that means "never": the code is wrong, or the words are, and waiting does no harm.
_COME_AGAIN = re.compile(
    r"gr[ae]y-?list|try (?:it )?again|come back|temporar|please (?:wait|retry)|稍后|稍候|暂时|重试",
    re.IGNORECASE,
)
_GREYLISTED = re.compile(r"gr[ae]y-?list", re.IGNORECASE)
#: A domain that is not there may be ours, as long as no word is of the recipient.
_A_DOMAIN = re.compile(r"\b(?:domain|host|mx|dns|record)\b|域名|主机", re.IGNORECASE)
_THE_RECIPIENT = re.compile(
    r"recipient|rcpt|user|mailbox|account|addressee|收件|用户|邮箱|[账帐][号户]", re.IGNORECASE
)
_CONNECTIONS = re.compile(
    r"HL:ICC|too many (?:concurrent )?(?:smtp )?connections|connection freq|"
    r"连接数",
    re.IGNORECASE,
)
_WAITS = (
    (re.compile(r"DT:SPM"), timedelta(minutes=2)),
    (re.compile(r"MI:SFQ"), timedelta(minutes=15)),
    (
        re.compile(r"HL:|frequency limit|or access denied|频率|频繁", re.IGNORECASE),
        timedelta(minutes=10),
    ),
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
    if kind not in (_LATER, _NEVER):
        means = Meaning.LOST
    elif codes.RATE.search(text) or (kind == _LATER and _SPAM_FOR_NOW.search(text)):
        means = Meaning.RATE
    elif kind == _LATER or (codes.FULL.search(text) and not _nobody_there(text)):
        means = Meaning.LATER
    elif answer.stage in (Stage.CONNECT, Stage.SENDER):
        means = Meaning.OURS
    elif _nobody_there(text):
        # One recipient a mail: whenever it is said, it is said of that one.
        means = Meaning.ADDRESS
    elif _asks_to_come_again(text):
        means = Meaning.LATER
    else:
        means = Meaning.CONTENT if codes.CONTENT.search(text) else Meaning.REFUSED
    return means


def _asks_to_come_again(text: str) -> bool:
    """Whether a refusal for good is none by its words, or by its own second code (RFC 3463)."""
    if _GREYLISTED.search(text):
        return True
    later = _COME_AGAIN.search(text) or (codes.status_in(text) or "").startswith("4")
    return bool(later) and not codes.CONTENT.search(codes.ENHANCED.sub("", text))


def _nobody_there(text: str) -> bool:
    """Whether a refusal for good is said of the address, and of nothing else."""
    if codes.SENDER.search(text):
        return False
    status = codes.status_in(text)
    named = status is not None and status.startswith(("5.1.", "5.2."))
    if not named and _A_DOMAIN.search(text) and not _THE_RECIPIENT.search(text):
        return False
    return bool(named or codes.UNKNOWN.search(text)) and (
        codes.kind_of_failure(None, text, by_report=False) is ReturnKind.HARD
    )


def _kept(words: str) -> str:
    """An answer as it is kept, for a year and on the operator's pages: without addresses."""
    return masked(words)[:_ANSWER_LENGTH]


def delivery_of(row: OutboxMail, answer: Answer, *, now: datetime) -> Delivery:
    """What came of an attempt: sent, to be tried again, given up, or in doubt."""
    means = meaning(answer)
    said = _kept(f"{answer.code or '---'} {answer.text}")
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
        answer=_kept(why),
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
        answer=_kept(f"{answer.code} {answer.text}"),
    )


def _least_wait(text: str) -> timedelta:
    return next((much for what, much in _WAITS if what.search(text)), FIRST_WAIT)


def wait(row: OutboxMail, answer: Answer) -> timedelta:
    """How long to wait before the next attempt, with a jitter that the mail's key decides."""
    doubled = FIRST_WAIT * (1 << min(max(row.attempts - 1, 0), 10))
    most = LAST_WAIT_FOR_RELAY if answer.stage is Stage.CONNECT else LAST_WAIT
    spread = zlib.crc32(f"{row.key}:{row.attempts}".encode()) % 1_000 / 1_000
    return min(max(doubled, _least_wait(answer.text)), most) * (0.9 + 0.2 * spread)
