"""Mail: planning runs and delivering the outbox."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from aggregator.flow import digests, mail, reprints
from aggregator.wiring import Parts
from tasks.app import app, parts, stopping

#: Delivery works in turns of this length, so that planning and a stop need not wait for long.
_A_TURN: Final = timedelta(seconds=10)


@app.task(name="mail.plan")
def plan() -> None:
    """Plan every run that is due; planning twice plans nothing more."""
    it = parts()
    _reprint(it)  # first, or what waits goes into later mails as something that was told
    planned = digests.plan_due(
        store=it.digests, env=it.templates_or_fail(), settings=it.settings, now=it.time_of_runs()
    )
    if planned:
        it.bell.ring("mail.deliver")
        it.bell.ring("push.channels")


@app.task(name="mail.deliver")
def deliver() -> None:
    """Deliver what is due in the outbox; a mail that another worker leased is left alone."""
    it = parts()
    began = it.now()
    _reprint(it)
    mail.deliver_all(
        store=it.outbox,
        mailer=it.mailer,
        clock=it.now,
        longest=_A_TURN,
        stopping=stopping,
        sent=it.sent,
    )
    if it.now() - began >= _A_TURN and not stopping():
        it.bell.ring("mail.deliver")


def _reprint(it: Parts) -> None:
    reprints.reprint(
        store=it.digests,
        alarms=it.alarms,
        env=it.templates_or_fail(),
        settings=it.settings,
        now=it.now(),
    )
