"""Upkeep: the heartbeat, the sweeper, the pruning of what is old."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial

from aggregator.flow import alarms, articles, canary, polls, returns
from aggregator.flow.upkeep import do_each
from aggregator.wiring import Parts
from tasks.app import app, parts

_RUNG = ("mail.plan", "mail.deliver", "push.verify", "push.deliver", "push.channels")


@app.task(name="upkeep.sweep")
def sweep() -> None:
    """Beat, and ring for work that no message points to any more (DESIGN.md, promise 4)."""
    it = parts()
    do_each(sweeping(it, it.now()), alarms=it.alarms)


def sweeping(it: Parts, now: datetime) -> Mapping[str, Callable[[], object]]:
    """The steps of a sweep: what mail waits for stands before what only makes room."""
    return {
        "beat": lambda: it.system.beat("worker", now),
        "changes": lambda: it.journal.catch_up(now),
        "polls": lambda: polls.ring_due(it.sources, it.bell, now),
        "articles": lambda: articles.ring_due(it.entries, it.bell, now),
        "wake": lambda: it.persons.wake(now),
        "unsettled": lambda: it.unsettled.watch(now),
        "tell": lambda: alarms.tell_operator(
            store=it.alarms, env=it.templates_or_fail(), settings=it.settings, now=now
        ),
        **{task: partial(it.bell.ring, task) for task in _RUNG},
        "prune": lambda: it.system.prune(now),
        "forget": lambda: it.persons.forget(now),
        "hub": lambda: it.hub.prune(now),
        "webhooks": lambda: it.webhooks.prune(now),
        "channels": lambda: it.channels.prune(now),
        "returns": lambda: it.returns.prune(now),
        "suppressions": lambda: it.suppressions.prune(now),
    }


@app.task(name="upkeep.bounces")
def bounces() -> None:
    """Read the bounce mailbox where one is set, and look whether too much comes back; two at
    once count nothing twice.
    """
    it = parts()
    steps = {
        "bounces": lambda: _read_bounces(it),
        "risen": lambda: returns.watch(store=it.returns, alarms=it.alarms, now=it.now()),
    }
    do_each(steps, alarms=it.alarms)


def _read_bounces(it: Parts) -> None:
    if it.bounce_mailbox is None:
        it.alarms.clear_alarm(returns.ALARM)
    else:
        returns.read_mailbox(
            mailbox=it.bounce_mailbox,
            store=it.returns,
            alarms=it.alarms,
            mail_of=it.mail_of,
            clock=it.now,
            is_canary=it.canary_arrived,
        )


@app.task(name="upkeep.canary")
def follow() -> None:
    """Follow the canary's digests until they arrive; an alarm for one that does not."""
    it = parts()
    now = it.now()
    steps = {
        "canary": lambda: canary.look_into(
            it.caught, it.canary_arrived, store=it.canary, settings=it.settings, now=now
        ),
        "planning": lambda: alarms.watch_planning(
            store=it.digests, alarms=it.alarms, now=it.time_of_runs()
        ),
        "late": lambda: canary.watch(
            store=it.canary,
            subscribers=it.subscribers,
            alarms=it.alarms,
            settings=it.settings,
            now=now,
        ),
    }
    do_each(steps, alarms=it.alarms)
