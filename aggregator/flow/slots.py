"""When runs fall due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from aggregator.model import Frequency

#: Runs missed this long ago are still planned.
LOOK_BACK: Final = timedelta(days=7)
#: Daily and weekly runs fall due in slots of this length.
SLOT: Final = timedelta(minutes=15)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def due_slots(
    frequency: Frequency, now: datetime, *, since: datetime, immediate: timedelta
) -> list[datetime]:
    """The due times up to now that may not be planned yet, the oldest first.

    Every subscriber of immediate mails is in every slot, and the ledger knows what is owed, so
    the last slot makes up for all before it. Daily and weekly slots hold different people.

    Args:
        frequency: the runs'.
        now: UTC; a slot that begins now is due.
        since: nobody had confirmed before that.
        immediate: how long immediate mails are grouped.
    """
    if frequency is Frequency.IMMEDIATE:
        last = _floor(now, immediate)
        return [last] if last >= since else []
    slot = _floor(max(now - LOOK_BACK, since), SLOT)
    slots: list[datetime] = []
    while slot <= now:
        slots.append(slot)
        slot += SLOT
    return slots


def _floor(at: datetime, step: timedelta) -> datetime:
    """The begin of the slot an instant lies in, counted from 1970 in UTC."""
    return at - (at - _EPOCH) % step
