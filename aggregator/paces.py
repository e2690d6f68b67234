"""How fast a mail domain takes mails: learned from its refusals and its patience. Pure.

QQ and 163 count mails a minute and connections, tell nobody the numbers, and answer whoever
exceeds them with "later" in codes of their own (DOMAIN.md §15). So a domain has no pace until it
complains; then its pace is halved, and grows again by a twentieth a minute of good answers
(additive increase, multiplicative decrease, as TCP does).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

#: Refusals in this time after a halving are answers to what was sent before it.
SETTLING: Final = timedelta(seconds=30)
#: A pace is raised at most this often.
RAISED_EVERY: Final = timedelta(minutes=1)
#: No domain is asked less often than once a minute when its wait is over.
SLOWEST: Final = 1.0
#: What takes so many mails a minute, or so many at once, has no pace any more.
ENOUGH_A_MINUTE: Final = 6_000.0
ENOUGH_CONNECTIONS: Final = 16
_GROWTH: Final = 0.05
#: A claim may take what a domain takes in this time, so that claims are few.
_AHEAD: Final = timedelta(seconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What a mail domain takes.

    ``per_minute`` and ``connections`` (mails under way at once in one process) are None where
    it never complained; ``free_at`` is when the next mail is within the pace.
    """

    domain: str
    per_minute: float | None
    connections: int | None
    wait_until: datetime | None
    free_at: datetime
    slowed_at: datetime
    raised_at: datetime
    answer: str = ""

    def waits(self, now: datetime) -> bool:
        """Whether the domain wants nothing just now."""
        return self.wait_until is not None and self.wait_until > now


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """A domain's answer that we are too quick.

    ``wait`` is how long it wants to be left alone; ``tried`` how many mails a minute it was
    offered, ``under_way`` how many at once; ``connections``: it is these that it complains of.
    """

    domain: str
    wait: timedelta
    tried: float
    under_way: int
    connections: bool
    answer: str


def slowed(pace: Pace | None, complaint: Complaint, now: datetime) -> Pace:
    """The pace after a complaint: half of what it was, and a wait."""
    wait_until = now + complaint.wait
    if pace is not None and pace.wait_until is not None:
        wait_until = max(wait_until, pace.wait_until)
    if pace is not None and now - pace.slowed_at < SETTLING:
        return replace(pace, wait_until=wait_until, answer=complaint.answer)
    rate = complaint.tried if pace is None or pace.per_minute is None else pace.per_minute
    many = pace.connections if pace is not None else None
    if complaint.connections:
        many = max(1, (many or complaint.under_way) // 2)
    return Pace(
        domain=complaint.domain,
        per_minute=max(SLOWEST, rate / 2),
        connections=many,
        wait_until=wait_until,
        free_at=wait_until,
        slowed_at=now,
        raised_at=wait_until,
        answer=complaint.answer,
    )


def raised(pace: Pace, now: datetime) -> Pace | None:
    """The pace after a good minute: a twentieth more; None when it is none any more."""
    if pace.waits(now) or now - pace.raised_at < RAISED_EVERY:
        return pace
    rate, many = pace.per_minute, pace.connections
    if rate is not None:
        rate += max(1.0, rate * _GROWTH)
        rate = rate if rate < ENOUGH_A_MINUTE else None
    if many is not None:
        many = many + 1 if many + 1 < ENOUGH_CONNECTIONS else None
    if rate is None and many is None:
        return None
    return replace(pace, per_minute=rate, connections=many, raised_at=now, wait_until=None)


def room(pace: Pace, now: datetime) -> int | None:
    """How many mails a claim may take for the domain now; None for any number."""
    if pace.waits(now):
        return 0
    if pace.per_minute is None:
        return None
    if pace.free_at > now:
        ahead = now + _AHEAD - pace.free_at
        return max(0, int(ahead / timedelta(minutes=1) * pace.per_minute))
    return max(1, int(_AHEAD / timedelta(minutes=1) * pace.per_minute))


def spent(pace: Pace, mails: int, now: datetime) -> Pace:
    """The pace after so many mails were claimed."""
    if pace.per_minute is None or not mails:
        return pace
    return replace(
        pace, free_at=max(pace.free_at, now) + timedelta(minutes=mails / pace.per_minute)
    )
