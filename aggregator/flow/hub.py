"""The hub: who may follow what, is asked back, and is told of every change (WebSub).

A request is only kept; the callback itself must confirm it. Of a changed topic one document is
made, however many follow it; whoever is behind gets the newest one, and never a queue of old.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import structlog

from aggregator import push
from aggregator.errors import NotFoundError, UsageError
from aggregator.flow.pumping import LEASE, pump
from aggregator.ports import Caller, HubStore
from aggregator.push import Edition, Follower, HubLimits, HubRequest, Mode, Reply, Told, Topic

log = structlog.get_logger()

#: A follower is told at most this often, so that one poll's notices come together.
REST: Final = timedelta(seconds=5)
#: Changes read at a time.
CHANGES: Final = 1_000
#: Rendered documents kept while followers are told, and their bytes.
_EDITIONS, _EDITION_BYTES = 64, 32_000_000

#: The change number and the named feeds that it concerns, in order.
Changes = Callable[[int, int], Sequence[tuple[int, Collection[str]]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class HubAnswer:
    """What a request to the hub is answered: a status and one line."""

    status: int
    line: str


def ask(
    form: Sequence[tuple[str, str]],
    *,
    store: HubStore,
    caller: Caller,
    read_topic: Callable[[str], Topic],
    network: str,
    last_change: Callable[[], int],
    now: datetime,
    limits: HubLimits | None = None,
) -> HubAnswer:
    """Take a request: 202 when it is kept, else why not; the callback is asked later.

    ``read_topic`` says which feed document an address names, or raises why it is none.
    """
    try:
        request = _read(_fields(form), caller=caller, read_topic=read_topic, network=network)
    except UsageError as error:
        return HubAnswer(status=400, line=str(error))
    request = replace(request, change=last_change())
    refused = store.accept(request, now, limits=limits or HubLimits())
    if refused:
        return HubAnswer(status=429, line=f"{refused}; ask again in an hour")
    return HubAnswer(status=202, line=f"accepted; {request.host} will be asked to confirm it")


async def verify(
    *,
    store: HubStore,
    caller: Caller,
    clock: Callable[[], datetime],
    limits: HubLimits | None = None,
    challenge: Callable[[], str] = lambda: secrets.token_urlsafe(24),
) -> int:
    """Ask the callbacks of all waiting requests, each once; how many were asked."""

    async def one(request: HubRequest) -> tuple[HubRequest, str, bool]:
        if request.mode is Mode.SUBSCRIBE:
            full = await asyncio.to_thread(
                store.has_room, request, clock(), limits=limits or HubLimits()
            )
            if full:
                await _deny(request, full, caller)
                return request, f"denied: {full}", False
        if request.mode is Mode.DENIED:
            reply = await _deny(request, request.reason or "", caller)
            return request, f"told of it: {reply.said}", False
        word = challenge()
        reply = await caller.call(
            push.Parcel(url=push.question(request, word), headers={"Accept": "*/*"})
        )
        confirmed = reply.well and not reply.cut and reply.body == word.encode()
        return request, _verdict(reply, confirmed=confirmed), confirmed

    def record(outcomes: Sequence[tuple[HubRequest, str, bool]]) -> None:
        for request, outcome, confirmed in outcomes:
            store.settle(request, outcome, clock(), confirmed=confirmed)
            log.info("hub asked", mode=request.mode.value, host=request.host, outcome=outcome[:80])

    return await pump(
        lambda free: store.claim_requests(clock(), limit=free, lease=LEASE),
        one, record, instead=lambda request, words: (request, words, False), clock=clock,
    )  # fmt: skip


def notice(
    *,
    store: HubStore,
    last: Callable[[], int],
    changes: Changes,
    version: Callable[[str], int],
) -> None:
    """Find out which topics have changed; costs what changed, and a look a followed search.

    Args:
        store: the hub's rows.
        last: the last change there is.
        changes: the changes after one, at most so many, with the named feeds they concern.
        version: the last change of a feed, by its name.
    """
    while (at := store.cursor()) < last():
        found = changes(at, CHANGES)
        if not found:
            break
        newest: dict[str, int] = {}
        for change, names in found:
            for name in names:
                newest[name] = max(change, newest.get(name, 0))
        store.mark(sorted(newest.items()), through=found[-1][0])
    known: dict[str, int] = {}
    while topics := store.unmeasured():
        for topic, suspect in topics:
            if topic.name not in known:
                known[topic.name] = _version(version, topic.name)
            store.measured(topic, known[topic.name], suspect)


async def distribute(
    *,
    store: HubStore,
    caller: Caller,
    press: Press,
    hub_url: str,
    clock: Callable[[], datetime],
    jitter: Callable[[], float],
) -> list[Told]:
    """Tell every follower whose topic has changed; safe to run twice and by many at once."""

    def failed(follower: Follower, words: str) -> Told:
        return _told(follower, Reply(status=0, words=words), None, clock(), jitter())

    async def one(follower: Follower) -> Told:
        try:
            edition = await press.edition(follower.topic, follower.version)
        except NotFoundError as error:
            await asyncio.to_thread(store.drop, follower.id, str(error), clock())
            return failed(follower, str(error))
        reply = await caller.call(push.fat_ping(follower, edition, hub_url=hub_url))
        return _told(follower, reply, edition, clock(), jitter())

    ended: list[Told] = []

    def record(told: Sequence[Told]) -> None:
        store.record_told(told)
        ended.extend(told)
        for one in told:
            if one.through is None:
                log.info(
                    "follower not told", follower=one.follower.id, status=one.reply.status,
                    attempt=one.follower.attempts, ended=one.ended,
                )  # fmt: skip

    await pump(
        lambda free: store.claim_followers(clock(), limit=free, lease=LEASE),
        one, record, instead=failed, clock=clock,
    )  # fmt: skip
    if ended:
        taken = sum(one.through is not None for one in ended)
        log.info("followers told", told=taken, of=len(ended))
    return ended


class Press:
    """Renders a topic's document once for all its followers, and keeps the last few."""

    def __init__(self, render: Callable[[Topic], Edition]) -> None:
        self._render = render
        self._kept: OrderedDict[str, Edition] = OrderedDict()
        self._bytes = 0
        self._making: dict[str, tuple[int, asyncio.Task[Edition]]] = {}

    async def edition(self, topic: Topic, version: int) -> Edition:
        """A document that holds all changes up to ``version``."""
        kept = self._kept.get(topic.address)
        if kept and kept.through >= version:
            self._kept.move_to_end(topic.address)
            return kept
        loop = asyncio.get_running_loop()
        since, making = self._making.get(topic.address, (-1, None))
        if making is None or since < version or making.done() or making.get_loop() is not loop:
            since, making = version, asyncio.ensure_future(asyncio.to_thread(self._render, topic))
            self._making[topic.address] = since, making
        try:
            made = await making
        finally:
            if self._making.get(topic.address, (0, None))[1] is making:
                del self._making[topic.address]
        # It was begun after that change was seen, so it holds it, whatever its own number is.
        made = replace(made, through=max(made.through, since))
        self._keep(topic.address, made)
        return made

    def _keep(self, address: str, edition: Edition) -> None:
        old = self._kept.pop(address, None)
        self._kept[address] = edition
        self._bytes += len(edition.body) - (len(old.body) if old else 0)
        while len(self._kept) > 1 and (len(self._kept) > _EDITIONS or self._bytes > _EDITION_BYTES):
            _, dropped = self._kept.popitem(last=False)
            self._bytes -= len(dropped.body)


# --- Within ----------------------------------------------------------------------------


def _fields(form: Sequence[tuple[str, str]]) -> Mapping[str, str]:
    """The hub's own fields, each once; what else is sent is not ours to read (§5.1)."""
    given: dict[str, str] = {}
    for name, value in form:
        if name.startswith("hub.") and given.setdefault(name, value) != value:
            raise UsageError(f"{name[:40]} is given twice")
    return given


def _read(
    given: Mapping[str, str], *, caller: Caller, read_topic: Callable[[str], Topic], network: str
) -> HubRequest:
    try:
        mode = Mode(given.get("hub.mode", ""))
    except ValueError:
        mode = Mode.DENIED
    if mode is Mode.DENIED:
        raise UsageError(
            "hub.mode must be subscribe or unsubscribe; this hub publishes its own feeds only"
        )
    for name in ("hub.callback", "hub.topic"):
        if not given.get(name):
            raise UsageError(f"{name} is missing")
    secret = given.get("hub.secret") or None
    if secret and len(secret.encode()) >= push.SECRET_BYTES:
        raise UsageError(f"hub.secret must have fewer than {push.SECRET_BYTES} bytes")
    try:
        callback, host = caller.check(given["hub.callback"])
    except UsageError as error:
        raise UsageError(f"hub.callback: {error}") from error
    try:
        topic = read_topic(given["hub.topic"])
    except (UsageError, NotFoundError) as error:
        raise UsageError(f"hub.topic: {error}") from error
    return HubRequest(
        mode=mode,
        topic=topic,
        callback=callback,
        host=host,
        secret=secret,
        lease_seconds=push.lease_of(_seconds(given.get("hub.lease_seconds", ""))),
        network=network,
        change=0,
    )


def _seconds(word: str) -> int | None:
    if not word:
        return None
    if not (word.isascii() and word.isdigit()):
        raise UsageError(f"hub.lease_seconds: {word[:20]!r} is no number of seconds")
    return int(word[:12]) or None


async def _deny(request: HubRequest, reason: str, caller: Caller) -> Reply:
    denied = replace(request, mode=Mode.DENIED, reason=reason)
    return await caller.call(push.Parcel(url=push.question(denied, ""), headers={}))


def _verdict(reply: Reply, *, confirmed: bool) -> str:
    if confirmed:
        return "confirmed"
    if reply.well:
        return f"not confirmed: {reply.status}, but the body is not the challenge"
    return f"not confirmed: {reply.said}"


def _version(version: Callable[[str], int], name: str) -> int:
    """A feed's last change; 0 for one that is no more, whose followers end with their lease."""
    try:
        return version(name)
    except (NotFoundError, UsageError):
        return 0


def _told(
    follower: Follower, reply: Reply, edition: Edition | None, now: datetime, jitter: float
) -> Told:
    reply = replace(reply, body=reply.body[: push.SAID_BYTES])  # of many, only this is kept
    if edition and reply.well:
        return Told(
            follower=follower, at=now, reply=reply, through=edition.through, due_at=now + REST
        )
    ended = None
    failing = now - (follower.failing_since or now)
    if reply.gone:
        ended = f"its callback is gone: {reply.said}"
    elif failing >= push.GIVEN_UP_AFTER:
        ended = f"not reached for {failing / timedelta(hours=1):.0f} h: {reply.said}"
    wait = push.next_wait(follower.attempts, jitter=jitter, asked=reply.retry_after)
    return Told(follower=follower, at=now, reply=reply, ended=ended, due_at=now + wait)
