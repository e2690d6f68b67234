"""How a carrier brings letters to the relay, one after the other over one connection."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from aggregator.deliver.answers import Answer, Stage
from aggregator.deliver.composer import Letter
from aggregator.deliver.wire import Reply, SilentError, Wire, WireError

if TYPE_CHECKING:
    from aggregator.deliver.round import Round

_GO_ON, _CLOSING = 354, 421
_STAGES: Final = (Stage.SENDER, Stage.RECIPIENT, Stage.DATA)


async def carry(work: Round) -> None:
    """Bring letters to the relay until there is none to be begun."""
    wire: Wire | None = None
    begun: Letter | None = None
    try:
        while (letter := begun or work.next()) is not None:
            if begun is None:
                wire = await _good(wire, letter, work)
            if wire is None:
                return
            begun = await _Errand(work, wire, letter).run(begun=begun is letter)
    finally:
        if wire is not None:
            work.wires.release(wire)


async def _good(wire: Wire | None, letter: Letter, work: Round) -> Wire | None:
    """The same connection while it is good for one more mail, or another; None when there is
    none to be had, and the letter went back.
    """
    try:
        await work.mailer.turn()
        if wire is not None and wire.usable and wire.sent < work.mailer.per_connection:
            return wire
        if wire is not None:
            work.wires.release(wire, worn=True)
        wire = await work.wires.take()
    except asyncio.CancelledError:
        work.leave(letter, "we were stopped before it was begun")
        raise
    if wire is None:
        work.strand(letter)
    return wire


class _Errand:
    """One letter over one connection, and perhaps the next one's envelope behind it."""

    def __init__(self, work: Round, wire: Wire, letter: Letter) -> None:
        self._work = work
        self._wire = wire
        self._letter = letter
        self._stage = Stage.SENDER
        self._follow: Letter | None = None
        #: Relays hang up on quiet clients, so the first refusal may be meant for the one before.
        self._old = wire.used
        self._silent = False
        wire.used = True

    async def run(self, *, begun: bool) -> Letter | None:
        """Bring it; the letter whose envelope is on its way already, if there is one."""
        try:
            answer = await self._bring(begun=begun)
        except SilentError as error:
            self._silent = True
            answer = Answer(self._stage, 0, str(error))
        except WireError as error:
            answer = Answer(self._stage, 0, str(error))
        except asyncio.CancelledError:
            self._wire.drop()
            self._end(Answer(self._stage, 0, "we were stopped before the answer came"))
            self._take_back_follow()
            raise
        if answer.code in (0, _CLOSING):
            self._wire.drop()
            self._take_back_follow()
        self._end(answer)
        return self._follow

    async def _bring(self, *, begun: bool) -> Answer:
        refusal = await self._envelope(begun=begun)
        if refusal is not None:
            return refusal
        work, wire = self._work, self._wire
        if not await work.may_go(self._letter.mail):
            # Without its dot the server throws it away (RFC 5321 §4.1.1.4).
            return Answer(Stage.DATA, 0, _MUST_NOT)
        payload = self._letter.payload
        if wire.pipelining and wire.sent + 1 < work.mailer.per_connection and work.mailer.free():
            self._follow = work.next()
        if self._follow is not None:
            payload += b"".join(self._follow.envelope)
        wire.check()
        work.dot_begins(self._letter.mail)
        self._stage = Stage.DOT
        wire.write(payload)
        reply = await wire.reply(work.mailer.dot_timeout)
        if reply.code // 100 in (2, 4, 5):
            work.dot_answered(self._letter.mail, taken=reply.good)
        wire.sent += 1
        if reply.code // 100 not in (2, 4, 5):
            wire.drop()  # it answers something else: nothing it says later is believed
            self._take_back_follow()
        return Answer(Stage.DOT, reply.code, reply.text)

    async def _envelope(self, *, begun: bool) -> Answer | None:
        """Say from whom and to whom; None when the server wants the words."""
        wire, lines = self._wire, self._letter.envelope
        if wire.unclean and not begun:
            if not (await wire.ask("RSET")).good:
                raise WireError("the server does not forget a mail that it refused")
            wire.unclean = False
        if not wire.pipelining:
            return await self._step_by_step(lines)
        if not begun:
            wire.write(b"".join(lines))
        replies: list[Reply] = []
        for stage in _STAGES:
            self._stage = stage
            try:
                replies.append(await wire.reply())
            except WireError:
                refusal = _refusal(replies)
                if refusal is None:
                    raise
                return refusal
        refusal = _refusal(replies)
        wants = replies[-1].code == _GO_ON
        if refusal is not None:
            wire.unclean = True
            if wants:
                # It waits for words that nobody is to get (RFC 2920 §3.1).
                await self._say_nothing(refusal)
            return refusal
        return None if wants else self._not_wanted(replies[-1])

    async def _step_by_step(self, lines: tuple[bytes, bytes, bytes]) -> Answer | None:
        for stage, line in zip(_STAGES, lines, strict=True):
            self._stage = stage
            self._wire.write(line)
            reply = await self._wire.reply()
            if stage is Stage.DATA and reply.code == _GO_ON:
                return None
            if stage is Stage.DATA or not reply.good:
                self._wire.unclean = True
                return Answer(stage, reply.code, reply.text)
        return None

    def _not_wanted(self, reply: Reply) -> Answer:
        self._wire.unclean = True
        return Answer(Stage.DATA, reply.code, reply.text)

    async def _say_nothing(self, refusal: Answer) -> None:
        if refusal.stage is Stage.SENDER:
            self._wire.drop()
            return
        try:
            self._wire.write(b".\r\n")
            await self._wire.reply()
            self._wire.unclean = False
        except WireError:
            self._wire.drop()

    def _take_back_follow(self) -> None:
        """The next letter was not begun: its envelope went down with the connection."""
        follow, self._follow = self._follow, None
        if follow is not None and not self._work.again(follow):
            self._work.finish(follow, Answer(Stage.SENDER, 0, "the connection ended before it"))

    def _end(self, answer: Answer) -> None:
        """Tell of the letter, or let another connection try."""
        lost = answer.code in (0, _CLOSING)
        if answer.text == _MUST_NOT:
            self._work.leave(self._letter, answer.text)
        elif lost and answer.stage is not Stage.DOT and self._may_try_again(answer):
            return
        else:
            self._work.finish(self._letter, answer)

    def _may_try_again(self, answer: Answer) -> bool:
        """Whether the connection alone may be to blame; if so, the letter has gone back."""
        if self._wire.pipelining and self._silent:
            # Perhaps it offers what it cannot do: from now on one command at a time.
            self._work.mailer.pipelines = False
        elif not (self._old and answer.stage is Stage.SENDER):
            return False
        return self._work.again(self._letter)


_MUST_NOT: Final = "it must not leave just now, or another worker has it"


def _refusal(replies: list[Reply]) -> Answer | None:
    """The first of the answers to sender and recipient that is no yes."""
    for stage, reply in zip(_STAGES[:2], replies, strict=False):
        if not reply.good:
            return Answer(stage, reply.code, reply.text)
    return None
