"""The story of an alarm: whoever sees why raises it, and the operator gets one mail."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from jinja2 import Environment

from aggregator.flow.subscribe import house_of
from aggregator.model import Frequency
from aggregator.notify.alarms import contact_address, render_alarm
from aggregator.ports import AlarmStore, DigestStore
from aggregator.settings import Settings

#: A run is planned within this time of falling due.
PLANNED_WITHIN: Final = timedelta(minutes=15)
SLOT_MINUTES: Final = 15


def tell_operator(*, store: AlarmStore, env: Environment, settings: Settings, now: datetime) -> int:
    """Queue one mail for each open alarm that was not told; how many.

    Safe to run twice: a mail's key is its alarm's.
    """
    untold = store.untold()
    if not untold:
        return 0
    to = contact_address(settings.contact, caught=_caught(settings))
    if to is None:
        return 0
    house = house_of(settings)
    for alarm in untold:
        store.tell(alarm, render_alarm(env, alarm, to=to, house=house), now)
    return len(untold)


def watch_planning(*, store: DigestStore, alarms: AlarmStore, now: datetime) -> None:
    """Raise the alarm while the slot that fell due 15 to 30 minutes ago is not planned."""
    since = store.first_run_at()
    slot = _slot_before(now - PLANNED_WITHIN)
    if since is None or slot < since:
        alarms.clear_alarm("planning")  # nobody is owed anything by it
    elif slot in store.planned_slots(Frequency.DAILY, slot, now):
        alarms.clear_alarm("planning")
    else:
        alarms.raise_alarm(
            "planning",
            f"the daily run of {slot:%Y-%m-%d %H:%M} UTC is not planned; see the worker's log",
        )


def time_of_runs(mine: datetime, theirs: datetime, *, alarms: AlarmStore) -> datetime:
    """When runs are planned for: by our clock, and never later than the database has it. A run
    that is planned before its time is taken from everybody who is in it.

    Being further ahead than a slot is an alarm; a time service ends it.
    """
    ahead = mine - theirs
    if ahead > PLANNED_WITHIN:
        alarms.raise_alarm(
            "clock",
            f"a worker's clock is {ahead // timedelta(minutes=1)} minutes ahead of the database's;"
            " runs are planned by the database's. Run a time service on both machines;"
            ' "quxun doctor" compares them.',
        )
    else:
        alarms.clear_alarm("clock")
    return min(mine, theirs)


def _slot_before(at: datetime) -> datetime:
    return at - timedelta(
        minutes=at.minute % SLOT_MINUTES, seconds=at.second, microseconds=at.microsecond
    )


def _caught(settings: Settings) -> bool:
    """Whether our own mailbox catches what leaves."""
    relay = urlsplit(settings.smtp_url.get_secret_value()).hostname
    return settings.embedded and relay in (None, "127.0.0.1", "::1", "localhost")
