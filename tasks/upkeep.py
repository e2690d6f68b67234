"""Upkeep: the heartbeat, the sweeper, the pruning of what is old."""

from __future__ import annotations

from aggregator.flow import alarms, articles, canary, polls, returns
from tasks.app import app, parts


@app.task(name="upkeep.sweep")
def sweep() -> None:
    """Beat, and ring for work that no message points to any more (DESIGN.md, promise 4)."""
    it = parts()
    now = it.now()
    it.system.beat("worker", now)
    it.journal.catch_up(now)
    polls.ring_due(it.sources, it.bell, now)
    articles.ring_due(it.entries, it.bell, now)
    it.unsettled.watch(now)
    alarms.tell_operator(store=it.alarms, env=it.templates_or_fail(), settings=it.settings, now=now)
    it.bell.ring("mail.plan")
    it.bell.ring("mail.deliver")
    it.bell.ring("push.verify")
    it.bell.ring("push.deliver")
    it.bell.ring("push.channels")
    it.system.prune(now)
    it.persons.wake(now)
    it.persons.forget(now)
    it.hub.prune(now)
    it.webhooks.prune(now)
    it.channels.prune(now)
    it.returns.prune(now)
    it.suppressions.prune(now)


@app.task(name="upkeep.bounces")
def bounces() -> None:
    """Read the bounce mailbox where one is set, and look whether too much comes back; two at
    once count nothing twice.
    """
    it = parts()
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
    returns.watch(store=it.returns, alarms=it.alarms, now=it.now())


@app.task(name="upkeep.canary")
def follow() -> None:
    """Follow the canary's digests until they arrive; an alarm for one that does not."""
    it = parts()
    now = it.now()
    canary.look_into(it.caught, it.canary_arrived, store=it.canary, settings=it.settings, now=now)
    alarms.watch_planning(store=it.digests, alarms=it.alarms, now=now)
    canary.watch(
        store=it.canary,
        subscribers=it.subscribers,
        alarms=it.alarms,
        settings=it.settings,
        now=now,
    )
