"""Signed tickets in links: who may change their choices, and who may stop a mail.

A ticket is ``HMAC-SHA256(version, key id, purpose, subscriber, epoch, expiry, scope)`` over a
fixed layout, so it holds no address and cannot be stretched, cut or used for another purpose
(RELIABILITY.md, security model). Our own sixty lines instead of itsdangerous, because that has
no key id (to kill one key and keep the others), no purpose inside the signed bytes that the
reader must name, and JSON where a fixed layout has one spelling only.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from functools import lru_cache

from aggregator.errors import SettingsError
from aggregator.model import Frequency, RunId, SubscriberId, SubscriptionId

_VERSION = 1
#: version, key id, purpose, subscriber, epoch, expiry (0: never), frequency, subscription or run.
_LAYOUT = struct.Struct(">B4sBQIQBQ")
_MAC_BYTES = 32
#: All tokens are equally long: words of mails keep their length when links are put in.
TOKEN_LENGTH = -(-(_LAYOUT.size + _MAC_BYTES) * 8 // 6)
_LONGEST = 200
_FREQUENCIES = (None, Frequency.IMMEDIATE, Frequency.DAILY, Frequency.WEEKLY)
_SHORTEST_SECRET = 16


class Purpose(IntEnum):
    """What a ticket lets its bearer do; one never serves for the other."""

    MANAGE = 1
    STOP = 2
    REST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What a signed link says.

    ``expires_at`` is None for links that stop mail: they never expire. ``frequency`` or
    ``subscription_id`` say what is stopped; neither means all. ``run_id`` says which
    mail's items are shown; it stands in the place of the subscription.
    """

    purpose: Purpose
    subscriber_id: SubscriberId
    epoch: int = 0
    expires_at: datetime | None = None
    frequency: Frequency | None = None
    subscription_id: SubscriptionId | None = None
    run_id: RunId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """The keys that tickets are checked with, by their id; the first one signs."""

    signing: bytes
    known: dict[bytes, bytes]

    @classmethod
    def of(cls, secret: str) -> Keys:
        """Derive the keys from the setting.

        Args:
            secret: one secret, or several parted by blanks: the first signs, the others are
                old ones that still verify. Removing one kills every link it signed.

        Raises:
            SettingsError: when there is none, or one is too short to protect anything.
        """
        parts = secret.split()
        if not parts or min(map(len, parts)) < _SHORTEST_SECRET:
            raise SettingsError(
                f"QUXUN_SECRET_KEY must hold at least {_SHORTEST_SECRET} characters to sign links"
            )
        derived = [_derived(part) for part in parts]
        return cls(signing=derived[0], known={_key_id(key): key for key in reversed(derived)})


def key_ids(secret: str) -> list[str]:
    """The ids of the keys of a setting, as tokens name them; the first one's signs.

    Raises:
        SettingsError: as ``Keys.of``.
    """
    Keys.of(secret)
    return [_key_id(_derived(part)).hex() for part in secret.split()]


def sign(keys: Keys, ticket: Ticket) -> str:
    """The ticket as a word that is safe in an address."""
    payload = _LAYOUT.pack(
        _VERSION,
        _key_id(keys.signing),
        ticket.purpose,
        ticket.subscriber_id,
        ticket.epoch,
        int(ticket.expires_at.timestamp()) if ticket.expires_at else 0,
        _FREQUENCIES.index(ticket.frequency),
        ticket.run_id or ticket.subscription_id or 0,
    )
    mac = hmac.digest(keys.signing, payload, "sha256")
    return base64.urlsafe_b64encode(payload + mac).rstrip(b"=").decode()


def read(keys: Keys, token: str, *, purpose: Purpose, now: datetime) -> Ticket | None:
    """The ticket that a link carries, or None when it is not ours, not for this, or expired.

    The epoch is the caller's to compare: only the store knows the present one.
    """
    raw = _decode(token)
    if raw is None:
        return None
    payload, mac = raw[: _LAYOUT.size], raw[_LAYOUT.size :]
    version, key_id, meant, subscriber, epoch, expiry, frequency, scope = _LAYOUT.unpack(payload)
    key = keys.known.get(key_id, b"no such key")
    genuine = hmac.compare_digest(hmac.digest(key, payload, "sha256"), mac)
    if not genuine or key_id not in keys.known or version != _VERSION or meant != purpose:
        return None
    if expiry and now.timestamp() >= expiry:
        return None
    return Ticket(
        purpose=purpose,
        subscriber_id=SubscriberId(subscriber),
        epoch=epoch,
        expires_at=datetime.fromtimestamp(expiry, UTC) if expiry else None,
        frequency=_FREQUENCIES[frequency],
        subscription_id=SubscriptionId(scope) if scope and purpose is not Purpose.REST else None,
        run_id=RunId(scope) if scope and purpose is Purpose.REST else None,
    )


def confirmation_hash(token: str) -> bytes:
    """What the store keeps of a confirming link: its SHA-256 and nothing else."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def _derived(secret: str) -> bytes:
    return hmac.digest(secret.encode(), b"quxun: links in mails, version 1", "sha256")


@lru_cache(maxsize=64)
def _key_id(key: bytes) -> bytes:
    return hashlib.sha256(b"id of " + key).digest()[:4]


def _decode(token: str) -> bytes | None:
    if len(token) > _LONGEST:
        return None
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(raw) != _LAYOUT.size + _MAC_BYTES:
        return None
    spelled = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
    return raw if hmac.compare_digest(spelled.encode(), token.encode()) else None
