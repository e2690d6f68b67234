"""The story of a mail that waits while what it tells of is withdrawn: it is printed anew."""

from __future__ import annotations

from datetime import datetime

import structlog
from jinja2 import Environment

from aggregator.errors import OutageError
from aggregator.flow.digests import Planner
from aggregator.flow.subscribe import house_of
from aggregator.ports import AlarmStore, DigestStore
from aggregator.settings import Settings

log = structlog.get_logger()

ALARM = "reprints"


def reprint(
    *, store: DigestStore, alarms: AlarmStore, env: Environment, settings: Settings, now: datetime
) -> int:
    """Print anew what waits and tells of something withdrawn since, before it is delivered.

    Safe to run twice and by two at once. A fault in it keeps no mail back: then it leaves with
    the words it has; the fault is in the log and an alarm, until the next time goes well.

    Returns:
        How many mails have other words now, or ended because nothing was left of them.
    """
    house, after, done, missed = house_of(settings), 0, 0, 0
    fault = ""
    try:
        while True:
            with store.waiting(now, after=after) as batch:
                if batch is None:
                    break
                planner = Planner(batch.run, store=store, env=env, house=house, now=now)
                done += batch.reprint(planner.printed(batch))
                after, missed = batch.last, missed + planner.missed
    except OutageError:
        raise  # everybody's
    except Exception as error:  # a bug with these must not keep everybody's mail back
        log.exception("mails that wait were not printed anew")
        fault = f"some mails ({type(error).__name__})"
    if missed or fault:
        alarms.raise_alarm(
            ALARM,
            f"{fault or f'{missed} mails'} that wait and tell of what was withdrawn since could not be"
            " printed anew: they leave with the words they have. The worker's log says why (digest not"
            " rendered, mails that wait were not printed anew); to keep them back meanwhile, hold"
            " their run.",
        )
    else:
        alarms.clear_alarm(ALARM)
    if done:
        log.info("printed anew", mails=done)
    return done
