"""The story of a delivery: claim, send, record, one mail at a time.

No transaction is open while the mail server is spoken to. What came of a mail is recorded
before the next one is sent, so that a crash leaves at most one in doubt.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog

from aggregator.model import Delivery, MailState
from aggregator.ports import Mailer, OutboxStore

log = structlog.get_logger()

#: No mail of a batch is begun later than this after the batch was claimed.
BEGIN_WITHIN: Final = timedelta(seconds=90)
#: The right to send lasts until the slowest attempt begun in time has ended: two connections
#: of four steps of 20 s, and 60 s for the answer to the dot. Whoever holds it is alone.
LEASE: Final = BEGIN_WITHIN + timedelta(seconds=240)
#: Mails claimed at a time: few enough to be begun in time.
BATCH: Final = 20
#: A call ends after this long and leaves the rest to the next hint.
LONGEST: Final = timedelta(seconds=200)


def deliver_due(
    *, store: OutboxStore, mailer: Mailer, clock: Callable[[], datetime]
) -> list[Delivery]:
    """Claim one batch of due mails, send them and record what came of each.

    A mail whose lease ran out before its turn is left to whoever claims it next.
    """
    claimed_at = clock()
    mails = store.claim_mails(claimed_at, limit=BATCH, lease=LEASE)
    deliveries: list[Delivery] = []
    for row in mails:
        now = clock()
        if now >= claimed_at + BEGIN_WITHIN:
            log.info("lease ran out", mails=len(mails) - len(deliveries))
            break
        done = mailer.deliver([row], store=store, now=now)
        store.record_deliveries(done)
        deliveries.extend(done)
        for one in done:
            log.info("delivered", mail=one.mail_id, state=one.state.value, code=one.answer[:3])
    return deliveries


def deliver_all(
    *, store: OutboxStore, mailer: Mailer, clock: Callable[[], datetime]
) -> list[Delivery]:
    """Deliver batch after batch until nothing is due, time is up or nobody answers."""
    until = clock() + LONGEST
    deliveries: list[Delivery] = []
    while clock() < until:
        batch = deliver_due(store=store, mailer=mailer, clock=clock)
        deliveries.extend(batch)
        if not batch or all(one.state is MailState.DEFERRED for one in batch):
            break
    return deliveries
