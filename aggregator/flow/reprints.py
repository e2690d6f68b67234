"""The story of a mail that waits while what it tells of is withdrawn: it is printed anew."""

from __future__ import annotations

from datetime import datetime

import structlog
from jinja2 import Environment

from aggregator.errors import OutageError
from aggregator.flow.digests import Planner
from aggregator.flow.subscribe import house_of
from aggregator.ports import DigestStore
from aggregator.settings import Settings

log = structlog.get_logger()


def reprint(*, store: DigestStore, env: Environment, settings: Settings, now: datetime) -> int:
    """Print anew what waits and tells of something withdrawn since, before it is delivered.

    Safe to run twice and by two at once. A fault in it keeps no mail back: then it leaves with
    the words it has, and the fault is in the log.

    Returns:
        How many mails have other words now, or ended because nothing was left of them.
    """
    house, after, done = house_of(settings), 0, 0
    try:
        while True:
            with store.waiting(now, after=after) as batch:
                if batch is None:
                    break
                planner = Planner(batch.run, store=store, env=env, house=house, now=now)
                done += batch.reprint(planner.printed(batch))
                after = batch.last
    except OutageError:
        raise  # everybody's
    except Exception:  # a bug with these must not keep everybody's mail back
        log.exception("mails that wait were not printed anew")
    if done:
        log.info("printed anew", mails=done)
    return done
