"""The story of a channel: added, tested, written to once a run, and put to rest when it is dead.

Its messages are rows of the outbox. A message is written when it is sent, from what the ledger
says it tells: claim, write, commit that it is handed over, call, read the answer, record. A chat
keeps no Message-ID, so what may have arrived is sent once more and never again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from jinja2 import Environment

from aggregator import push
from aggregator.channels import (
    GIVEN_UP_AFTER,
    Channel,
    ChannelMessage,
    ChannelState,
    ChatVerdict,
    Outcome,
    place_name,
    room_of,
    verdict_of,
)
from aggregator.errors import BusyError, ConflictError, NotFoundError, UsageError
from aggregator.flow.pumping import LEASE, pump
from aggregator.flow.subscribe import house_of
from aggregator.model import (
    Coverage,
    Digest,
    Filter,
    Frequency,
    Selection,
    Subscriber,
    SubscriberId,
    SubscriberState,
    SubscriptionState,
)
from aggregator.notify import chat, items_of, plan_digest
from aggregator.notify.render import render_channel_ended
from aggregator.ports import (
    AlarmStore,
    Caller,
    ChannelStore,
    OutboxStore,
    RobotReader,
    SentJournal,
    SubscriberStore,
)
from aggregator.settings import Settings

log = structlog.get_logger()

#: After an answer that never came, one more try.
_ONCE_MORE = timedelta(minutes=1)
_ALARM = "channels"


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """What sending to channels needs."""

    store: ChannelStore
    subscribers: SubscriberStore
    outbox: OutboxStore
    alarms: AlarmStore
    robots: RobotReader
    caller: Caller
    env: Environment
    settings: Settings
    clock: Callable[[], datetime]
    jitter: Callable[[], float]
    sent: SentJournal | None = None


def add(
    owner: Subscriber, address: str, filters: Sequence[Filter], frequency: Frequency, *, post: Post
) -> Channel:
    """Let digests go to a chat, too; nothing is sent yet.

    A chat that the owner added before gets these wishes beside those it has.

    Raises:
        UsageError: the owner did not confirm, or the address is none that we write to.
        ConflictError: the owner has too many channels, or this one is paused.
    """
    if owner.state is not SubscriberState.CONFIRMED or owner.suppressed:
        raise UsageError("only who confirmed by mail, and can be reached by it, adds a channel")
    now = post.clock()
    robot = post.robots.read(address)
    post.caller.check(post.robots.parcel(robot, head="", text="", now=now).url)
    channel = post.store.add(owner.id, robot, now)
    if channel.state is not ChannelState.ACTIVE:
        raise ConflictError(f"{robot.shown} is there already and paused; let it go on first")
    name = place_name(channel.id)
    post.subscribers.sign_up(name, list(filters) or [Filter()], frequency, now, confirmed=True)
    log.info("channel added", channel=channel.id, service=robot.service.value)
    return channel


def own(owner: SubscriberId, ref: str, *, post: Post) -> Channel:
    """One of an owner's channels.

    Raises:
        NotFoundError: when it is not theirs, or not there.
    """
    channel = post.store.get(ref)
    if channel.owner_id != owner:
        raise NotFoundError(f"no channel {ref!r} of yours")
    return channel


def place_of(channel: Channel, *, post: Post) -> Subscriber:
    """A channel as a subscriber: its subscriptions, and when it is written to."""
    return post.subscribers.get(place_name(channel.id))


def wishes_of(channel: Channel, *, post: Post) -> list[tuple[Frequency, Filter]]:
    """What goes to a channel, and how often."""
    return [
        (one.frequency, one.wish.filter)
        for one in place_of(channel, post=post).subscriptions
        if one.state is not SubscriptionState.ENDED
    ]


async def test(channel: Channel, *, post: Post) -> ChatVerdict:
    """Send a message that says that messages come here; a channel that takes it is alive again.

    Raises:
        BusyError: when the robot's turn has not come; a service would shut it up.
    """
    if not post.store.take_turn(channel.robot, post.clock()):
        raise BusyError(f"{channel.robot.shown} was written to just now; try again in a moment")
    hello = chat.hello(place_of(channel, post=post).language)
    verdict = await _call(channel, hello, post=post)
    if verdict.outcome is Outcome.TAKEN and channel.state is ChannelState.DEAD:
        post.store.set_state(channel.id, ChannelState.ACTIVE, post.clock())
    return verdict


async def deliver(*, post: Post) -> int:
    """Send what is due to channels whose robots have a turn; how many messages were looked at."""

    async def one(message: ChannelMessage) -> tuple[ChannelMessage, ChatVerdict]:
        return message, await _send(message, post=post)

    def record(done: Sequence[tuple[ChannelMessage, ChatVerdict]]) -> None:
        for message, verdict in done:
            _record(message, verdict, post=post)

    return await pump(
        lambda free: post.store.claim_messages(post.clock(), limit=free, lease=LEASE),
        one, record, clock=post.clock,
        instead=lambda message, words: (message, ChatVerdict(outcome=Outcome.UNCLEAR, words=words)),
    )  # fmt: skip


async def _send(message: ChannelMessage, *, post: Post) -> ChatVerdict:
    now, house = post.clock(), house_of(post.settings)
    digest = _digest(message, now)
    if digest is None:
        return ChatVerdict(outcome=Outcome.EMPTY, words=_NOTHING_LEFT)
    text = chat.write_chat(
        digest,
        room=room_of(message.channel.robot.service),
        rest=house.rest_page(house.rest_token(message.channel.id, message.run_id)),
        public_url=post.settings.public_url,
        now=now,
    )
    return await _call(message.channel, text, post=post, message=message)


def _digest(message: ChannelMessage, now: datetime) -> Digest | None:
    """What a message tells, as a mail would: of what was withdrawn, only that it was."""
    told = [
        (one, reason)
        for one, reason in message.told
        if not one.removed_at
        and not one.merged_into
        and (not one.withdrawn_at or reason.startswith("change:"))
    ]
    selection = Selection(
        language=message.language, wishes=(), items=tuple((one.id, reason) for one, reason in told)
    )
    items = items_of(selection, {one.id: one for one, _ in told}, message.revisions)
    return plan_digest(
        selection, message.frequency, items, due_at=now, now=now,
        coverage=Coverage(watched=0, well=0), most=chat.MOST_TOLD,
    )  # fmt: skip


_NOTHING_LEFT = "nothing of what it told stood any more when it was to leave"
_LOST = ChatVerdict(outcome=Outcome.WAIT, words="another worker has it, or it is held")


async def _call(
    channel: Channel, text: chat.ChatText, *, post: Post, message: ChannelMessage | None = None
) -> ChatVerdict:
    parcel = post.robots.parcel(channel.robot, head=text.head, text=text.text, now=post.clock())
    if message is not None and not post.store.mark_message_handed(message):
        return _LOST
    reply = await post.caller.call(parcel)
    return verdict_of(channel.robot.service, reply)


def _record(message: ChannelMessage, verdict: ChatVerdict, *, post: Post) -> None:
    if verdict is _LOST:
        return
    now, channel = post.clock(), message.channel
    failing = now - (channel.failing_since or now)
    if verdict.outcome is Outcome.WAIT and failing >= GIVEN_UP_AFTER:
        verdict = ChatVerdict(outcome=Outcome.DEAD, words=f"for three days: {verdict.words}")
    wait = push.next_wait(message.attempts, jitter=post.jitter(), asked=verdict.wait)
    if verdict.outcome is Outcome.UNCLEAR:
        wait = _ONCE_MORE
    if verdict.outcome is Outcome.TAKEN and post.sent is not None:
        post.sent.note([], now, others=[message.mail_id])
    died = post.store.record_verdict(message, verdict, now=now, due_at=now + wait)
    if verdict.outcome is Outcome.UNCLEAR and failing >= GIVEN_UP_AFTER:
        died = post.store.set_state(channel.id, ChannelState.DEAD, now, problem=verdict.words)
    tell = log.info if verdict.outcome is Outcome.TAKEN else log.warning
    tell(
        "channel written to", channel=channel.id, service=channel.robot.service.value,
        outcome=verdict.outcome.value, answer=verdict.words, attempt=message.attempts,
    )  # fmt: skip
    if died:
        _tell_owner(channel, verdict, post=post, now=now)
    if verdict.outcome is Outcome.OURS:
        post.alarms.raise_alarm(
            _ALARM,
            f"{channel.robot.service}: {verdict.words} (message {message.mail_id}); it is not"
            " tried again",
        )


def _tell_owner(channel: Channel, verdict: ChatVerdict, *, post: Post, now: datetime) -> None:
    """Tell by mail that a channel is dead, and why: the chat cannot."""
    owner = post.subscribers.get(channel.owner_id)
    mail = render_channel_ended(
        post.env,
        owner,
        shown=channel.robot.shown,
        problem=verdict.words,
        house=house_of(post.settings),
        now=now,
        key=f"channel:{channel.id}:{now:%Y%m%dT%H%M%S%f}",
    )
    post.outbox.enqueue_mail(mail, now)
