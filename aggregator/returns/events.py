"""What a mail provider tells by HTTP: signed JSON → events (docs/bounces.md).

Signed as our own webhooks are, after Standard Webhooks, so that libraries in every language do
it; the time is part of what is signed, and an old one is not taken.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from aggregator.errors import UsageError
from aggregator.model import ReturnEvent, ReturnKind
from aggregator.push import webhook_headers
from aggregator.returns.codes import kind_of_failure, status_in
from aggregator.returns.read import masked

#: What was signed longer ago, or is signed ahead of our clock, is not taken.
TOLERANCE: Final = timedelta(minutes=5)
MOST_EVENTS: Final = 1_000
_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """The three headers of a signed request."""

    id: str
    timestamp: str
    signature: str

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Signed:
        """From a request's headers, names in lower case."""
        identity, stamp, signature = (headers.get(name, "") for name in _HEADERS)
        return cls(id=identity[:200], timestamp=stamp[:20], signature=signature[:2_000])


class _Said(msgspec.Struct, forbid_unknown_fields=True):
    kind: Literal["bounce", "complaint", "delivered"]
    address: str | None = None
    message_id: str | None = None
    code: str | int = ""
    text: str = ""


_DECODER = msgspec.json.Decoder(list[_Said])


def sign_events(secret: str, body: bytes, *, identity: str, at: datetime) -> dict[str, str]:
    """The headers that make a body ours to believe."""
    return webhook_headers(secret, identity, at, body)


def signature_fault(secret: str, signed: Signed, body: bytes, *, now: datetime) -> str | None:
    """What is wrong with a request's signature, in words for who wrote it; None when nothing."""
    if not (signed.id and signed.timestamp and signed.signature):
        return f"the headers {', '.join(_HEADERS)} are needed"
    if not (signed.timestamp.isascii() and signed.timestamp.isdigit()):
        return "webhook-timestamp must be seconds since 1970"
    stamp = int(signed.timestamp)
    if abs(now.timestamp() - stamp) > TOLERANCE.total_seconds():
        minutes = int(TOLERANCE.total_seconds() // 60)
        return f"webhook-timestamp is more than {minutes} minutes from our clock"
    if str(stamp) != signed.timestamp:
        return "webhook-timestamp must be seconds since 1970"
    at = datetime.fromtimestamp(stamp, now.tzinfo)
    wanted = webhook_headers(secret, signed.id, at, body)["webhook-signature"]
    for one in signed.signature.split()[:10]:
        if hmac.compare_digest(one.encode("utf-8", "replace"), wanted.encode()):
            return None
    return "webhook-signature does not fit: v1, and HMAC-SHA256 of id.timestamp.body in base64"


def read_events(body: bytes) -> list[ReturnEvent]:
    """The events of a request.

    Raises:
        UsageError: names what cannot be read.
    """
    try:
        said = _DECODER.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise UsageError(
            f'a JSON list of events is wanted, such as [{{"kind": "bounce", "address": '
            f'"a@b.example", "code": "5.1.1"}}]: {str(error)[:200]}'
        ) from error
    if len(said) > MOST_EVENTS:
        raise UsageError(f"at most {MOST_EVENTS:,} events are taken at once; send the rest after")
    events = []
    for number, one in enumerate(said):
        if not one.address and not one.message_id:
            raise UsageError(f"event {number} names neither an address nor a message_id")
        if not all(word.isprintable() for word in (one.address or "", one.message_id or "")):
            raise UsageError(f"event {number} holds a control character in what it names")
        events.append(_event(one))
    return events


def _event(one: _Said) -> ReturnEvent:
    words = " ".join(str(part) for part in (one.code, one.text) if part != "")[:2_000]
    status = status_in(str(one.code)[:200]) or status_in(words)
    match one.kind:
        case "complaint":
            kind = ReturnKind.COMPLAINT
        case "delivered":
            kind = ReturnKind.DELIVERED
        case _:
            kind = kind_of_failure(status, words, by_report=bool(status))
    return ReturnEvent(
        kind=kind,
        message_id=one.message_id,
        address=one.address,
        status=status,
        diagnostic=masked(words),
    )
