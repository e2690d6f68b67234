"""Push: who is told of changes, how a telling is signed, and when it is tried again. Pure.

WebSub is the W3C Recommendation of 2018-01-23; webhooks are signed after Standard Webhooks
(standardwebhooks.com, ``v1``).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NewType
from urllib.parse import urlencode, urlsplit, urlunsplit

HubRequestId = NewType("HubRequestId", int)
FollowerId = NewType("FollowerId", int)
WebhookId = NewType("WebhookId", int)

#: Waits between two tries, and how long tries may fail before we give up.
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=6)
GIVEN_UP_AFTER = timedelta(hours=72)

#: Leases in seconds: what we give when nothing is asked, and the bounds of what may be asked.
USUAL_LEASE, SHORTEST_LEASE, LONGEST_LEASE = 10 * 86_400, 3_600, 30 * 86_400
#: A secret has fewer bytes than this (WebSub §5.1).
SECRET_BYTES = 200
#: So much of an answer stands in logs.
SAID_BYTES = 300
#: An address to call has at most this many characters.
LONGEST_CALLBACK = 1_000
LONGEST_TOPIC = 2_000


# --- What goes out and what comes back ---------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One request to somebody's callback: a GET, or a POST when it has a body."""

    url: str
    headers: Mapping[str, str]
    body: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came back; ``body`` holds its first bytes, ``cut`` says that there were more.

    A status that came counts even when the body behind it never ended. 0: none came; then
    ``reason`` is the class of the failure, and ``sent`` says whether the request had left.
    """

    status: int
    body: bytes = b""
    cut: bool = False
    words: str = ""
    took: timedelta = timedelta()
    retry_after: timedelta | None = None
    reason: str = ""
    sent: bool = False

    @property
    def well(self) -> bool:
        """Whether it was taken."""
        return 200 <= self.status < 300  # noqa: PLR2004  # RFC 9110 §15.3

    @property
    def gone(self) -> bool:
        """Whether there is nobody any more, and never will be."""
        return self.status == 410  # noqa: PLR2004  # RFC 9110 §15.5.11

    @property
    def said(self) -> str:
        """What happened, in words for a log."""
        if self.words:
            return self.words
        if 300 <= self.status < 400:  # noqa: PLR2004  # RFC 9110 §15.4
            return (
                f"{self.status}: it redirects, and we follow none; give the address where it ends"
            )
        text = " ".join(self.body[:SAID_BYTES].decode("utf-8", "replace").split())
        return f"{self.status} {text}".strip()


def next_wait(attempts: int, *, jitter: float, asked: timedelta | None = None) -> timedelta:
    """How long to wait after so many tries that failed in a row.

    Args:
        attempts: 1 after the first.
        jitter: between 0 and 1; spreads those that failed together.
        asked: what ``Retry-After`` said.
    """
    wait = FIRST_WAIT * float(1 << min(max(attempts, 1) - 1, 10)) * (0.75 + jitter / 2)
    return min(max(wait, asked or FIRST_WAIT, FIRST_WAIT), LONGEST_WAIT)


# --- WebSub ----------------------------------------------------------------------------


class Mode(StrEnum):
    """What is asked of the hub; ``denied`` is what it says itself."""

    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"
    DENIED = "denied"


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A feed document that can be followed.

    ``name`` is the feed's (``land/500116``, ``search?q=…``), ``address`` what follows
    ``/feeds/`` and ``url`` the whole canonical address, the document's ``self``.
    """

    url: str
    address: str
    name: str
    form: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HubRequest:
    """That somebody asks to follow a topic or to stop; nothing is believed before the callback
    confirmed it. ``change`` is the last change there was when it was asked.
    """

    mode: Mode
    topic: Topic
    callback: str
    host: str
    secret: str | None
    lease_seconds: int
    network: str
    change: int
    reason: str | None = None
    id: HubRequestId = HubRequestId(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Follower:
    """A callback that follows a topic, claimed because the topic has changed since it was told.

    ``version`` is the topic's last change as known, ``attempts`` counts this one.
    """

    id: FollowerId
    topic: Topic
    callback: str
    secret: str | None
    version: int
    generation: int
    attempts: int
    failing_since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """A topic's current document: its bytes, and the last change that is in it."""

    body: bytes
    media_type: str
    through: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What came of telling a follower: ``through`` when it took it, ``ended`` when it is no
    follower any more, else when to try again.
    """

    follower: Follower
    at: datetime
    reply: Reply
    through: int | None = None
    ended: str | None = None
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class HubLimits:
    """How much one party may ask of the hub, so that nobody hammers a third one through it.

    Every request costs its callback's host one GET; a host is known once a callback there
    confirmed. Searches are fewer than named feeds, since each must be looked at after a change.
    """

    unknown_host_hour: int = 20
    known_host_hour: int = 1_200
    network_hour: int = 1_200
    unknown_hour: int = 600
    all_hour: int = 6_000
    host: int = 5_000
    everyone: int = 50_000
    host_searches: int = 200
    searches: int = 2_000


def lease_of(asked: int | None) -> int:
    """The lease we give: what was asked, within our bounds."""
    return min(max(asked or USUAL_LEASE, SHORTEST_LEASE), LONGEST_LEASE)


def question(request: HubRequest, challenge: str) -> str:
    """The callback's address with what is to be confirmed, or what was denied (§5.2, §5.3)."""
    asked = {"hub.mode": request.mode.value, "hub.topic": request.topic.url}
    if request.mode is Mode.DENIED:
        asked["hub.reason"] = request.reason or ""
    else:
        asked["hub.challenge"] = challenge
    if request.mode is Mode.SUBSCRIBE:
        asked["hub.lease_seconds"] = str(request.lease_seconds)
    parts = urlsplit(request.callback)
    query = "&".join(part for part in (parts.query, urlencode(asked)) if part)
    return urlunsplit((parts.scheme, parts.netloc, parts.path, query, ""))


def fat_ping(follower: Follower, edition: Edition, *, hub_url: str) -> Parcel:
    """The whole document, as it is served, for one follower (§7)."""
    headers = {
        "Content-Type": edition.media_type,
        "Link": f'{link(hub_url)}; rel="hub", {link(follower.topic.url)}; rel="self"',
    }
    if follower.secret:
        digest = hmac.new(follower.secret.encode(), edition.body, hashlib.sha256)
        headers["X-Hub-Signature"] = f"sha256={digest.hexdigest()}"
    return Parcel(url=follower.callback, headers=headers, body=edition.body)


def link(url: str) -> str:
    """An address as it stands in a ``Link`` header (RFC 8288)."""
    return f"<{url.replace('>', '%3E')}>"


def follower_key(callback: str, topic: str) -> bytes:
    """What makes a follower one: the same callback and topic renew (§5.1)."""
    return hashlib.sha256(f"{callback}\0{topic}".encode()).digest()


# --- Webhooks --------------------------------------------------------------------------


class HookState(StrEnum):
    """Whether a webhook is called; one that was given up waits for an operator."""

    ACTIVE = "active"
    PAUSED = "paused"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """An address that is told of every change a filter matches, in order, at least once.

    ``cursor`` is the last change it took, or that did not concern it; ``through`` the last one
    of the batch on its way, which stays the same however often it is tried.
    """

    id: WebhookId
    url: str
    query: str
    secret: str
    state: HookState
    created_at: datetime
    cursor: int
    through: int | None = None
    generation: int = 0
    attempts: int = 0
    failing_since: datetime | None = None
    due_at: datetime | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HookDelivery:
    """One call of a webhook as logged; ``first``, ``last`` are changes, 0 for a test."""

    message_id: str
    at: datetime
    attempt: int
    events: int
    first: int
    last: int
    status: int
    took_ms: int
    answer: str


def webhook_headers(secret: str, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The three headers of Standard Webhooks: id, time and signature of exactly this body."""
    stamp = str(int(at.timestamp()))
    signed = b".".join((message_id.encode(), stamp.encode(), body))
    digest = hmac.new(secret_bytes(secret), signed, hashlib.sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def secret_bytes(secret: str) -> bytes:
    """The key of a secret: base64 behind ``whsec_``, else the text's own bytes."""
    if not secret.startswith("whsec_"):
        return secret.encode()
    return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
