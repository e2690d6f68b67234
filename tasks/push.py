"""Push: asking callbacks to confirm, telling followers and webhooks, and writing to chats."""

from __future__ import annotations

import random

from aggregator.flow import channels, hub, webhooks
from tasks.app import app, parts


@app.task(name="push.verify")
def verify() -> None:
    """Ask the callbacks of all requests that wait; a doubled message asks nobody twice."""
    it = parts()
    it.run(hub.verify(store=it.hub, caller=it.courier, clock=it.now))
    hub.notice(
        store=it.hub, last=it.journal.last, changes=it.journal.since, version=it.feed_version
    )


@app.task(name="push.deliver")
def deliver() -> None:
    """Tell followers of feeds that changed, and webhooks of changes; who was told already is
    left alone.
    """
    it = parts()
    hub.notice(
        store=it.hub, last=it.journal.last, changes=it.journal.since, version=it.feed_version
    )
    it.run(
        hub.distribute(
            store=it.hub,
            caller=it.courier,
            press=it.press,
            hub_url=it.settings.hub_url,
            clock=it.now,
            jitter=random.random,
        )
    )
    it.run(
        webhooks.deliver(
            store=it.webhooks,
            caller=it.courier,
            last=it.journal.last,
            happenings=it.happenings,
            blank=it.blank_page,
            clock=it.now,
            jitter=random.random,
        )
    )


@app.task(name="push.channels")
def write_to_channels() -> None:
    """Send what is due to chats; a message that another worker leased is left alone."""
    it = parts()
    it.run(channels.deliver(post=it.post))
