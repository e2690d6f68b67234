"""The story of an alarm: whoever sees why raises it, and the operator gets one mail."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit

from jinja2 import Environment

from aggregator.flow.subscribe import house_of
from aggregator.notify.alarms import contact_address, render_alarm
from aggregator.ports import AlarmStore
from aggregator.settings import Settings


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


def _caught(settings: Settings) -> bool:
    """Whether our own mailbox catches what leaves."""
    relay = urlsplit(settings.smtp_url.get_secret_value()).hostname
    return settings.embedded and relay in (None, "127.0.0.1", "::1", "localhost")
