"""Webhooks: every change that a filter matches, in order, at least once, signed.

A batch is fixed before it is first sent and stays the same however often it is tried, so its id
names it. A webhook that is given up keeps its place and goes on from there when an operator
says so.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import structlog

import feeds
from aggregator import filters, push
from aggregator.errors import UsageError
from aggregator.flow.pumping import LEASE, pump
from aggregator.model import Announcement, FeedPage, Filter
from aggregator.ports import Caller, WebhookStore
from aggregator.push import HookDelivery, HookState, Parcel, Reply, Webhook

log = structlog.get_logger()

#: Events of one call, and changes looked at to find them.
EVENTS: Final = 50
LOOKED_AT: Final = 200
#: Bytes of the events of one call; a batch ends before it is bigger, but never empty.
BATCH_BYTES: Final = 1_000_000
_SECRET_BYTES = range(24, 65)


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One change of what is published: the record as it is since then, and as it was before.

    ``words`` is the whole text as it is now, which filters look into and records do not hold.
    """

    change: int
    at: datetime
    after: Announcement
    before: Announcement | None
    words: str


#: The changes after one, up to another when it is given, at most so many, in order.
Happenings = Callable[[int, int | None, int], Sequence[Happening]]
#: An empty page of our JSON Feed, for what its items say of us.
BlankPage = Callable[[], FeedPage]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one call tells: the changes ``first`` to ``last``, and the events among them."""

    message_id: str
    first: int
    last: int
    events: int
    body: bytes


#: A webhook, what it was to be told, and its reply; None when it was not called.
_Called = tuple[Webhook, Batch, Reply | None]


async def deliver(
    *,
    store: WebhookStore,
    caller: Caller,
    last: Callable[[], int],
    happenings: Happenings,
    blank: BlankPage,
    clock: Callable[[], datetime],
    jitter: Callable[[], float],
) -> int:
    """Call every webhook that stands before the last change; how many calls were made."""

    async def one(hook: Webhook) -> _Called:
        newest = await asyncio.to_thread(last)  # first: what comes meanwhile comes next
        batch = await asyncio.to_thread(
            batch_of, hook, happenings=happenings, blank=blank, newest=newest
        )
        if not (batch.events and await asyncio.to_thread(store.begin, hook, batch.last)):
            return hook, batch, None
        return hook, batch, await _call(hook, batch, caller=caller, now=clock())

    calls = 0

    def record(called: Sequence[_Called]) -> None:
        nonlocal calls
        for hook, batch, reply in called:
            calls += reply is not None
            _record(hook, batch, reply, store=store, now=clock(), jitter=jitter())

    await pump(
        lambda free: store.claim_webhooks(clock(), last=last(), limit=free, lease=LEASE),
        one, record, clock=clock,
        instead=lambda hook, words: (hook, _no_batch(hook), Reply(status=0, words=words)),
    )  # fmt: skip
    return calls


def batch_of(hook: Webhook, *, happenings: Happenings, blank: BlankPage, newest: int) -> Batch:
    """The next changes for a webhook; the same ones as before when it was tried before.

    ``newest`` is the last number given out before the changes are read; not every number is a
    change, so a webhook that has seen all changes stands there.
    """
    wish = filters.parse_query(hook.query)
    page = blank()
    found = happenings(hook.cursor, hook.through, LOOKED_AT)
    events: list[str] = []
    size, last = 0, hook.cursor
    for one in found:
        event = event_of(wish, one, page)
        if event is not None:
            text = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
            full = len(events) >= EVENTS or (events and size + len(text) > BATCH_BYTES)
            if full and hook.through is None:
                newest = last
                break
            events.append(text)
            size += len(text)
        last = one.change
    if len(found) < LOOKED_AT:
        last = max(last, newest)
    last = hook.through or last
    first = hook.cursor + 1
    message_id = f"msg_{hook.id}_{first}_{last}"
    head = json.dumps(
        {
            "type": "announcements", "id": message_id, "webhook": hook.id, "filter": hook.query,
            "through": last,
        },
        ensure_ascii=False, separators=(",", ":"),
    )  # fmt: skip
    body = f'{head[:-1]},"events":[{",".join(events)}]}}'.encode()
    return Batch(message_id=message_id, first=first, last=last, events=len(events), body=body)


def event_of(wish: Filter, one: Happening, page: FeedPage) -> dict[str, object] | None:
    """What a change is to somebody with a filter; None when it does not concern them."""
    is_in, was_in = _shown(wish, one.after, one.words), _shown(wish, one.before, one.words)
    removed = one.after.removed_at is not None
    if removed:  # its words are gone from here, and must go wherever they may have been sent
        was_in = filters.matches(_subjects(wish), one.after)
    if not (is_in or was_in):
        return None
    event: dict[str, object] = {
        "id": f"{one.after.uuid}:{one.change}",
        "change": one.change,
        "at": one.at.isoformat(),
    }
    if is_in:
        event["type"] = "announcement.changed" if was_in else "announcement.published"
        event["item"] = _item(page, one.after)
        return event
    event["type"] = "announcement.withdrawn"
    event["item"] = {"id": _tag(page, one.after.uuid)}
    heir = one.after.merged_into
    gone = "removed" if removed else "withdrawn" if one.after.withdrawn_at else "left"
    event["why"] = "merged" if heir else gone
    event["merged_into"] = _tag(page, heir) if heir else None
    return event


async def test(
    hook: Webhook, *, store: WebhookStore, caller: Caller, clock: Callable[[], datetime]
) -> HookDelivery:
    """Call a webhook now with an event that says nothing; what came of it is logged."""
    message_id = f"msg_{hook.id}_test_{secrets.token_hex(8)}"
    body = json.dumps({"type": "test", "id": message_id, "webhook": hook.id, "events": []})
    batch = Batch(message_id=message_id, first=0, last=0, events=0, body=body.encode())
    reply = await _call(hook, batch, caller=caller, now=clock())
    delivery = _delivery(batch, reply, clock(), attempt=1)
    store.log(hook.id, delivery)
    return delivery


def new_secret() -> str:
    """A secret as Standard Webhooks writes them."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"


def check_secret(secret: str) -> str:
    """A secret that an operator gave.

    Raises:
        UsageError: when a library of Standard Webhooks would not take it.
    """
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith("whsec_") or len(key) not in _SECRET_BYTES:
        raise UsageError("--secret must be whsec_ and base64 of 24 to 64 bytes, or left out")
    return secret


# --- Within ----------------------------------------------------------------------------


def _no_batch(hook: Webhook) -> Batch:
    first = hook.cursor + 1
    return Batch(message_id=f"msg_{hook.id}_{first}", first=first, last=first, events=0, body=b"")


async def _call(hook: Webhook, batch: Batch, *, caller: Caller, now: datetime) -> Reply:
    signed = push.webhook_headers(hook.secret, batch.message_id, now, batch.body)
    headers = {"Content-Type": "application/json; charset=utf-8", **signed}
    return await caller.call(Parcel(url=hook.url, headers=headers, body=batch.body))


def _record(
    hook: Webhook,
    batch: Batch,
    reply: Reply | None,
    *,
    store: WebhookStore,
    now: datetime,
    jitter: float,
) -> None:
    if reply is None:
        if not batch.events:
            store.record_call(hook, cursor=batch.last, due_at=now, delivery=None)
        return  # else an operator stopped it, or another worker has it
    attempt = hook.attempts + 1
    delivery = _delivery(batch, reply, now, attempt=attempt)
    if reply.well:
        store.record_call(hook, cursor=batch.last, due_at=now, delivery=delivery)
        log.info("webhook called", webhook=hook.id, events=batch.events, through=batch.last)
        return
    failing = now - (hook.failing_since or now)
    given_up = reply.gone or failing >= push.GIVEN_UP_AFTER
    wait = push.next_wait(attempt, jitter=jitter, asked=reply.retry_after)
    store.record_call(
        hook,
        cursor=None,
        due_at=now + wait,
        delivery=delivery,
        state=HookState.GIVEN_UP if given_up else HookState.ACTIVE,
    )
    tell = log.warning if given_up else log.info
    tell(
        "webhook given up" if given_up else "webhook failed", webhook=hook.id, attempt=attempt,
        status=reply.status, failing_hours=round(failing / timedelta(hours=1), 1),
    )  # fmt: skip


def _delivery(batch: Batch, reply: Reply, now: datetime, *, attempt: int) -> HookDelivery:
    return HookDelivery(
        message_id=batch.message_id,
        at=now,
        attempt=attempt,
        events=batch.events,
        first=batch.first,
        last=batch.last,
        status=reply.status,
        took_ms=round(reply.took / timedelta(milliseconds=1)),
        answer=reply.said[:500],
    )


def _shown(wish: Filter, one: Announcement | None, words: str) -> bool:
    if one is None or one.withdrawn_at is not None or one.merged_into is not None:
        return False
    return filters.matches(wish, replace(one, draft=replace(one.draft, body_text=words)))


def _subjects(wish: Filter) -> Filter:
    """As much of a filter as can be asked of what was blanked."""
    return Filter(
        region=wish.region, kind=wish.kind, category=wish.category, authority=wish.authority
    )


def _item(page: FeedPage, one: Announcement) -> object:
    """An announcement exactly as it stands in our JSON Feed.

    One that cannot be rendered is told by its id alone, and holds up none behind it.
    """
    try:
        alone = replace(page, announcements=(one,), updated_at=one.changed_at)
        for item in json.loads(feeds.render(alone, "json"))["items"]:
            return item
    except Exception:  # the catch-all for bugs: one bad item of many (RELIABILITY row 18)
        log.exception("item not rendered for webhooks", announcement=one.id)
    return {"id": _tag(page, one.uuid), "url": f"{page.public_url}/a/{one.uuid}"}


def _tag(page: FeedPage, uuid: object) -> str:
    return f"tag:{page.tag_authority},{page.tag_date}:{uuid}"
