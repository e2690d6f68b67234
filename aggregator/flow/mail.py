"""The story of a delivery: claim, hand over, record, for many mails at a time.

No transaction is open while the mail server is spoken to. What is committed as handed over and
not yet recorded is a small window, so that a crash leaves at most that many in doubt; leases are
renewed while somebody works, so that two never send the same.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from aggregator.model import (
    Delivery,
    Edition,
    EditionId,
    Lane,
    MailId,
    MailState,
    OutboxMail,
)
from aggregator.paces import Complaint
from aggregator.ports import Mailer, OutboxStore, SentJournal

log = structlog.get_logger()

#: The right to send what was claimed; renewed every 30 s while somebody sends (deliver/round.py).
LEASE: Final = timedelta(seconds=90)
#: A call ends after this long and leaves the rest to the next.
LONGEST: Final = timedelta(seconds=200)
#: Paces are raised at most so often.
_PRAISED_EVERY: Final = timedelta(minutes=1)
#: Editions kept with the mails in hand.
_EDITIONS: Final = 1_536


@dataclass(slots=True)
class Tally:
    """What came of a call: mails by state, and the last answer that was no yes."""

    states: Counter[MailState] = field(default_factory=Counter)
    problem: str = ""

    @property
    def total(self) -> int:
        """How many attempts were made."""
        return self.states.total()


class OutboxDesk:
    """Implements ``ports.Desk`` over the outbox."""

    def __init__(
        self,
        store: OutboxStore,
        clock: Callable[[], datetime],
        *,
        until: datetime,
        stopping: Callable[[], bool],
        sent: SentJournal | None = None,
    ) -> None:
        self.tally = Tally()
        self._sent = sent
        self._store = store
        self._clock = clock
        self._until = until
        self._stopping = stopping
        self._in_hand: dict[MailId, OutboxMail] = {}
        self._editions: OrderedDict[EditionId, Edition] = OrderedDict()
        self._good: set[str] = set()
        self._looked = False
        self._praised_at = clock()

    def take(self, room: int, *, express: bool = False) -> Sequence[OutboxMail]:
        """Claim mails and lay their words beside them."""
        if not self._looked:
            # Not before the mailer has told what senders of this machine had come to.
            self._store.doubt_lost(self.now())
            self._looked = True
        lane = Lane.IMMEDIATE if express else Lane.DIGEST
        mails = self._store.claim_mails(self.now(), limit=room, lease=LEASE, lane=lane)
        missing = {m.edition_id for m in mails if m.edition_id} - self._editions.keys()
        self._editions.update(self._store.editions(missing))
        mails = [
            replace(one, edition=self._editions.get(one.edition_id)) if one.edition_id else one
            for one in mails
        ]
        while len(self._editions) > _EDITIONS:
            self._editions.popitem(last=False)
        self._in_hand.update((one.id, one) for one in mails)
        return mails

    def turn(
        self,
        deliveries: Sequence[Delivery],
        hand: Sequence[OutboxMail],
        complaints: Sequence[Complaint],
    ) -> AbstractSet[MailId]:
        """Record and hand over in one transaction, and keep the tally."""
        self._write_down(deliveries)
        handed = self._store.turn(deliveries, hand, complaints=complaints, now=self.now())
        for one in deliveries:
            self._in_hand.pop(one.mail_id, None)
            if one.state is MailState.QUEUED:
                continue
            self.tally.states[one.state] += 1
            if one.state is MailState.SENT:
                self._good.add(one.domain)
            else:
                self.tally.problem = one.answer
                log.info(
                    "not delivered", mail=one.mail_id, state=one.state.value, means=one.meaning,
                    domain=one.domain, code=one.answer[:3],
                )  # fmt: skip
        self._good -= {one.domain for one in complaints}
        if self._good and self.now() - self._praised_at >= _PRAISED_EVERY:
            good, self._good = self._good, set()
            self._praised_at = self.now()
            self._store.praise(good, self.now())
        return handed

    def _write_down(self, deliveries: Sequence[Delivery]) -> None:
        """Note what left outside of the database, before the database is told."""
        if self._sent is None:
            return
        mine: list[OutboxMail] = []
        others: list[MailId] = []
        for one in deliveries:
            mail = self._in_hand.get(one.mail_id)
            if one.state is MailState.SENT and mail is None:
                others.append(one.mail_id)  # a killed sender's
            elif mail is not None and (
                one.state is MailState.SENT
                # Nobody sends it a third time, so it counts as having arrived.
                or (one.state is MailState.AMBIGUOUS and mail.in_doubt)
            ):
                mine.append(mail)
        if mine or others:
            self._sent.note(mine, self.now(), others=others)

    def renew(self) -> None:
        """Hold the leases of all that is in hand."""
        self._store.renew_mails(list(self._in_hand.values()), self.now() + LEASE)

    def connections(self) -> Mapping[str, int]:
        """How many mails at once the domains take that complained of too many."""
        return {p.domain: p.connections for p in self._store.paces() if p.connections is not None}

    def relay(self, problem: str | None) -> None:
        """Raise the operator's alarm, or clear it."""
        self._store.tell_relay(problem)

    def over(self) -> bool:
        """Whether time is up or the worker is to stop."""
        return self._clock() >= self._until or self._stopping()

    def now(self) -> datetime:
        """The present time."""
        return self._clock()

    @property
    def ended_early(self) -> bool:
        """Whether there may be more to do."""
        return self._clock() >= self._until


def deliver_all(
    *,
    store: OutboxStore,
    mailer: Mailer,
    clock: Callable[[], datetime],
    longest: timedelta = LONGEST,
    stopping: Callable[[], bool] = lambda: False,
    sent: SentJournal | None = None,
) -> Tally:
    """Deliver until nothing is due, time is up or nobody answers; ``sent`` is told of what left."""
    until = clock() + longest
    tally = Tally()
    while clock() < until and not stopping():
        desk = OutboxDesk(store, clock, until=until, stopping=stopping, sent=sent)
        try:
            mailer.deliver(desk)
        finally:
            tally.states += desk.tally.states
            tally.problem = desk.tally.problem or tally.problem
            if sent is not None:
                sent.sync()
        if desk.tally.total == desk.tally.states[MailState.DEFERRED]:
            break
    if tally.total:
        log.info("delivered", **{state.value: count for state, count in tally.states.items()})
    return tally
