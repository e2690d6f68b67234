"""A small question for people, when more sign-ups come than people make.

Without third parties and without a script: one easy sum in words. The ticket beside it is an HMAC over
the numbers, the time and the address as counted, so nothing is stored, and an answer serves its address
alone, for which at most one mail in ten minutes is written anyway.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from aggregator.notify.tokens import Keys

#: A form may lie open so long.
LIVES = timedelta(minutes=30)
_HAN = "零一二三四五六七八九"
_TICKET = re.compile(r"(\d{1,12})\.(\d)\.(\d)\.([0-9a-f]{32})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked, and the ticket that comes back with the answer."""

    text: str
    ticket: str


def ask(keys: Keys, first: int, second: int, *, about: str, now: datetime) -> Question:
    """A sum of two digits, for the address ``about`` (folded as it is counted)."""
    until = int((now + LIVES).timestamp())
    text = f"{_HAN[first]}加{_HAN[second]}等于几？(写数字) · {first} + {second} = ?"
    mac = _mac(keys.signing, until, first, second, about)
    return Question(text=text, ticket=f"{until}.{first}.{second}.{mac}")


def answered(keys: Keys, ticket: str, answer: str, *, about: str, now: datetime) -> bool:
    """Whether the answer is right, to a question of ours about this address that is still open."""
    read = _TICKET.fullmatch(ticket)
    if read is None:
        return False
    until, first, second = int(read[1]), int(read[2]), int(read[3])
    genuine = any(
        hmac.compare_digest(_mac(key, until, first, second, about), read[4])
        for key in keys.known.values()
    )
    right = answer.strip() == str(first + second)
    return genuine and right and now.timestamp() < until


def _mac(key: bytes, until: int, first: int, second: int, about: str) -> str:
    said = f"question {until} {first} {second} {about}".encode("utf-8", "replace")
    return hmac.digest(key, said, "sha256").hex()[:32]
