"""One round of delivery: a clerk who speaks to the desk, and carriers who speak SMTP.

The order that makes "once" true (RELIABILITY.md, row 12): the store commits that a mail is handed
over, then its words and the final dot go out in one write. What fails before that commit can be
sent again without doubt; what fails after it is ambiguous. The commits are made for a small
window of mails at a time, ahead of the carriers, together with the answers that came meanwhile.
A mail that is in doubt already is committed alone, when nothing but its words is missing.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeVar

import structlog

from aggregator.deliver.answers import (
    Answer,
    complaint_of,
    delivery_of,
    left_behind,
    put_back,
    unwritable,
)
from aggregator.deliver.carrying import carry
from aggregator.deliver.composer import Letter, UnwritableError
from aggregator.deliver.journal import Step
from aggregator.deliver.window import MOST, Window
from aggregator.deliver.wires import Wires
from aggregator.errors import OutageError
from aggregator.model import Delivery, Lane, MailId, OutboxMail
from aggregator.paces import Complaint
from aggregator.ports import Desk

if TYPE_CHECKING:
    from aggregator.deliver.smtp import SmtpMailer

log = structlog.get_logger()
Result = TypeVar("Result")

#: While carriers have enough to go on with, the answers of half a window become one transaction,
#: or those of so long.
PATIENCE_SECONDS: Final = 0.02
#: Mails taken from the desk at a time: about a second's worth, within these.
LEAST_TAKEN, MOST_TAKEN = 32, 512
#: How often the desk is asked for what somebody waits for.
EXPRESS_SECONDS: Final = 1.0
#: How often leases are renewed, and how long after that a dot may still be sent: less than the
#: lease, so that a process that was frozen does not send beside its heir.
RENEW_SECONDS, HELD_SECONDS = 30.0, 75.0
#: How long answers are kept for a database that is away.
OUTAGE_SECONDS: Final = 60.0
#: One connection for so many mails that wait, up to the limit.
MAILS_A_CONNECTION: Final = 4
#: A mail whose connection ended before it was begun is tried so often before it is put off.
TRIES: Final = 2
#: A relay that is restarted is no alarm; one that is away for so many rounds is.
ROUNDS_TO_ALARM: Final = 3


class Round:
    """One call of ``deliver``."""

    def __init__(self, mailer: SmtpMailer, desk: Desk, thread: ThreadPoolExecutor) -> None:
        self.mailer = mailer
        self._journal = mailer.journal
        self._desk = desk
        self._thread = thread
        #: What waits for a carrier, lane by lane.
        self._lanes: dict[Lane, deque[OutboxMail]] = {lane: deque() for lane in Lane}
        #: Committed as handed over and not recorded.
        self._handed: set[MailId] = set()
        #: Carriers that wait for the commit of the mail they have in hand.
        self._asking: dict[MailId, tuple[OutboxMail, asyncio.Future[bool]]] = {}
        self._done: list[Delivery] = []
        self._complaints: list[Complaint] = []
        #: Mails under way by domain, and until when domains want nothing more.
        self._under_way: Counter[str] = Counter()
        self._sulking: dict[str, float] = {}
        self._tries: Counter[MailId] = Counter()
        self._limits: dict[str, int] = {}
        self._carriers: set[asyncio.Task[None]] = set()
        self._bell = asyncio.Event()
        self.wires = Wires(mailer, self._bell.set)
        self.ending = False
        self._dry = False
        self._room = LEAST_TAKEN
        self._window = Window()
        self._renewed = self._looked = self._taken_at = time.monotonic()

    # --- the clerk ---------------------------------------------------------------------------

    async def run(self) -> None:
        """Work until there is nothing more to do, and leave nothing untold."""
        try:
            await self._take_over()
            while True:
                await self._serve()
                if self._finished():
                    break
                await self._wait()
            await self._tell_of_relay()
        finally:
            await self._disband()

    async def _take_over(self) -> None:
        """Tell what senders of this machine that were killed had come to."""
        with self._journal.left_behind() as notes:
            if notes:
                now = self._desk.now()
                told = [
                    left_behind(note.mail_id, note.generation, note.step, now) for note in notes
                ]
                await self._patiently(lambda: self._desk.turn(told, [], []))

    async def _serve(self) -> None:
        """Speak to the desk once: tell what is done, ask for what may go, take what is new."""
        self.ending = self.ending or self.wires.unreachable is not None or self._desk.over()
        if self.ending:
            self._give_all_back()
        if time.monotonic() - self._renewed > RENEW_SECONDS:
            await self._patiently(self._desk.renew)
            self._renewed = time.monotonic()
        await self._turn()
        if not self.ending:
            await self._take()
        self._call_carriers()

    async def _take(self) -> None:
        """Take what is due when little is left in hand, and what somebody waits for at any time."""
        waiting, now = self._waiting(), time.monotonic()
        if not self._dry and waiting < self._room // 2:
            quick = now - self._taken_at < EXPRESS_SECONDS / 2
            room = self._room * 2 if quick else self._room // 2
            self._room = min(max(room, LEAST_TAKEN), MOST_TAKEN)
            mails = await self._patiently(lambda: self._desk.take(self._room - waiting))
            self._dry = not mails
            self._limits = dict(await self._patiently(self._desk.connections))
            self._taken_at = self._looked = time.monotonic()
        elif now - self._looked > EXPRESS_SECONDS:
            mails = await self._patiently(lambda: self._desk.take(LEAST_TAKEN, express=True))
            self._looked = time.monotonic()
        else:
            return
        for mail in mails:
            self._lanes[mail.lane].append(mail)

    async def _turn(self) -> None:
        """Record and commit in one transaction; again while the database is away."""
        done, self._done = self._done, []
        complaints, self._complaints = self._complaints, []
        asked = list(self._asking.values())
        self._window.count(len(done))
        hand = [mail for mail, _ in asked] + self._next_to_hand(self._window.size - len(asked))
        if not done and not complaints and not hand:
            return
        for mail in hand:
            self._journal.begin(mail)
        try:
            may = await self._patiently(lambda: self._desk.turn(done, hand, complaints))
        except BaseException:
            self._done = done + self._done
            raise
        for number in {one.mail_id for one in done} | ({mail.id for mail in hand} - may):
            self._journal.forget(number)
        self._handed -= {one.mail_id for one in done}
        self._handed |= may
        for mail, answer in asked:
            self._asking.pop(mail.id, None)
            if not answer.done():
                answer.set_result(mail.id in may)
        self._drop({mail.id for mail in hand} - may - {mail.id for mail, _ in asked})

    async def _patiently(self, work: Callable[[], Result]) -> Result:
        """Let the desk work, again while the database is away: answers that came are not lost."""
        until = time.monotonic() + OUTAGE_SECONDS
        while True:
            try:
                return await self._ask(work)
            except OutageError:
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(1)

    async def _ask(self, work: Callable[[], Result]) -> Result:
        """Let the desk work, in its thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _next_to_hand(self, room: int) -> list[OutboxMail]:
        """The mails that carriers will take next; none that is in doubt already."""
        chosen: list[OutboxMail] = []
        room -= len(self._handed)
        for mail in self._in_order():
            if len(chosen) >= room or self.ending:
                break
            if mail.id not in self._handed and not mail.in_doubt:
                chosen.append(mail)
        return chosen

    def _in_order(self) -> Iterable[OutboxMail]:
        for lane in self._lanes.values():
            yield from lane

    def _drop(self, stale: set[MailId]) -> None:
        """Let go of mails that must not leave just now, or that another worker has."""
        if not stale:
            return
        for lane in self._lanes.values():
            mails = list(lane)
            lane.clear()
            for mail in mails:
                if mail.id in stale:
                    self._tell(put_back(mail, "it must not leave just now", now=self._desk.now()))
                else:
                    lane.append(mail)

    def _finished(self) -> bool:
        busy = self._carriers or self._done or self._complaints or self._waiting()
        return not busy and (self.ending or self._dry)

    async def _wait(self) -> None:
        """Until a carrier has something to tell, or it is time to look again."""
        if not (self._done or self._asking or self._carriers_wanted()):
            with suppress(TimeoutError):
                async with asyncio.timeout(EXPRESS_SECONDS / 2):
                    await self._bell.wait()
        self._bell.clear()
        if (
            self._done
            and len(self._done) < self._window.size // 2
            and not self._asking
            and self._carriers
        ):
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await self._bell.wait()
        self._bell.clear()

    def _waiting(self) -> int:
        return sum(map(len, self._lanes.values()))

    def _carriers_wanted(self) -> int:
        """How many more carriers there is work for; one alone until it has a connection."""
        wanted = min(self.wires.most, -(-self._waiting() // MAILS_A_CONNECTION))
        return max(0, wanted - len(self._carriers))

    def _call_carriers(self) -> None:
        for _ in range(self._carriers_wanted()):
            task = asyncio.create_task(carry(self))
            self._carriers.add(task)
            task.add_done_callback(self._home)

    def _home(self, task: asyncio.Task[None]) -> None:
        self._carriers.discard(task)
        self._bell.set()
        if not task.cancelled() and task.exception() is not None:
            # A bug: its mail stays handed over or claimed, and its lease runs out.
            log.error("carrier failed", exc_info=task.exception())

    def _give_all_back(self) -> None:
        """Nothing more is begun: what waits is put back, or put off when nobody answers."""
        for lane in self._lanes.values():
            while lane:
                mail = lane.popleft()
                if self.wires.unreachable is not None:
                    self._tell(delivery_of(mail, self.wires.unreachable, now=self._desk.now()))
                else:
                    self._tell(put_back(mail, "not begun in time", now=self._desk.now()))

    async def _tell_of_relay(self) -> None:
        """Let an operator know of a relay that is not reached for longer, and when it is again."""
        mailer = self.mailer
        if self.wires.unreachable is not None:
            mailer.failures = (mailer.failures or 0) + 1
            if mailer.failures == ROUNDS_TO_ALARM:
                said = f"{self.wires.unreachable.code or ''} {self.wires.unreachable.text}".strip()
                words = f"the mail server is not reached: {said}; see quxun doctor, QUXUN_SMTP_URL"
                await self._ask(lambda: self._desk.relay(words))
        elif self.wires.reached and mailer.failures != 0:
            mailer.failures = 0
            await self._ask(lambda: self._desk.relay(None))

    async def _disband(self) -> None:
        """End what is under way, and tell the desk of it as far as it can be reached."""
        self.ending = True
        for task in list(self._carriers):
            task.cancel()
        if self._carriers:
            await asyncio.wait(self._carriers)
        self._give_all_back()
        if self._done:
            done, self._done = self._done, []
            with suppress(OutageError):
                await self._ask(lambda: self._desk.turn(done, [], self._complaints))
                for one in done:
                    self._journal.forget(one.mail_id)

    # --- for the carriers --------------------------------------------------------------------

    def next(self) -> Letter | None:
        """The next letter to carry, if there is one that may go now."""
        if self.ending:
            return None
        for lane in self._lanes.values():
            skipped: list[OutboxMail] = []
            chosen: Letter | None = None
            while lane and chosen is None and len(skipped) < MOST:
                mail = lane.popleft()
                limit = self._limits.get(mail.domain)
                if self._sulking.get(mail.domain, 0) > time.monotonic():
                    self._tell(put_back(mail, "its domain must wait", now=self._desk.now()))
                elif limit is not None and self._under_way[mail.domain] >= limit:
                    skipped.append(mail)
                else:
                    chosen = self._compose(mail)
            lane.extendleft(reversed(skipped))
            if chosen is not None:
                self._under_way[chosen.mail.domain] += 1
                return chosen
        return None

    def _compose(self, mail: OutboxMail) -> Letter | None:
        try:
            return self.mailer.composer.compose(mail)
        except UnwritableError as error:
            self._tell(unwritable(mail, str(error), now=self._desk.now()))
            return None

    async def may_go(self, mail: OutboxMail) -> bool:
        """Whether the mail's dot may be sent: it is committed, and our lease still holds."""
        if mail.id not in self._handed:
            answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
            self._asking[mail.id] = mail, answer
            self._bell.set()
            if not await answer:
                return False
        return time.monotonic() - self._renewed < HELD_SECONDS

    def dot_begins(self, mail: OutboxMail) -> None:
        """Note that from now on a copy may arrive."""
        self._journal.note(mail.id, Step.DOT_BEGUN)

    def dot_answered(self, mail: OutboxMail, *, taken: bool) -> None:
        """Note that nothing is in doubt any more."""
        self._journal.note(mail.id, Step.TAKEN if taken else Step.NOT_BEGUN)

    def finish(self, letter: Letter, answer: Answer) -> None:
        """Tell what came of a letter."""
        mail = letter.mail
        tried = self.mailer.tried(mail.domain)
        self._tell(delivery_of(mail, answer, now=self._desk.now()))
        complaint = complaint_of(mail, answer, tried=tried, under_way=self._under_way[mail.domain])
        if complaint is not None:
            self._complaints.append(complaint)
            wait = time.monotonic() + complaint.wait.total_seconds()
            self._sulking[mail.domain] = max(wait, self._sulking.get(mail.domain, 0))
        self._under_way[mail.domain] -= 1

    def leave(self, letter: Letter, why: str) -> None:
        """Put a letter back of which nothing has left."""
        self._under_way[letter.mail.domain] -= 1
        self._tell(put_back(letter.mail, why, now=self._desk.now()))

    def again(self, letter: Letter) -> bool:
        """Let another connection have the letter, unless that was tried often enough."""
        mail = letter.mail
        if self._tries[mail.id] >= TRIES:
            return False
        self._tries[mail.id] += 1
        self._under_way[mail.domain] -= 1
        self._lanes[mail.lane].appendleft(mail)
        self._bell.set()
        return True

    def strand(self, letter: Letter) -> None:
        """Take a letter back for which there is no connection."""
        if self.wires.unreachable is not None:
            self.finish(letter, self.wires.unreachable)
            return
        self._under_way[letter.mail.domain] -= 1
        self._lanes[letter.mail.lane].appendleft(letter.mail)

    def _tell(self, delivery: Delivery) -> None:
        self._done.append(delivery)
        if len(self._done) == 1 or len(self._done) >= self._window.size // 2:
            self._bell.set()
