"""Where a mail comes back to when it cannot be delivered: an address of its own for each (VERP).

``bounces+<number of the mail>-<keyed hash>@<domain>``: the envelope's sender names the mail, so
whoever forwards, cuts or rewrites the message, its bounce still says which mail it was; and as
the hash takes our key, no stranger can make a bounce up (RELIABILITY.md, hostile inputs 110 and
112). Letters are read without their case, because old servers change it.
"""

from __future__ import annotations

import base64
import hmac
import re
from typing import Final

from aggregator.model import MailId
from aggregator.notify.tokens import Keys

#: 80 bits: nobody guesses one in the life of a mail, and the local part stays below 40 octets.
_HASH_BYTES: Final = 10
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
#: Numbers of mails are positive and fit into a bigint; 13 digits of base 36 hold all of them.
_LOCAL: Final = re.compile(r"bounces\+([0-9a-z]{1,13})-([a-z2-7]{16})")
_LARGEST: Final = (1 << 63) - 1


def return_path(keys: Keys, mail_id: MailId, *, domain: str) -> str:
    """The envelope's sender for a mail.

    Args:
        keys: as links are signed with; the signing one is used.
        mail_id: the row of the outbox.
        domain: where bounces are taken, as on the wire (``xn--`` where needed).
    """
    return f"bounces+{_base36(mail_id)}-{_hash(keys.signing, mail_id)}@{domain}"


def returned_mail(keys: Keys, address: str, *, domain: str) -> MailId | None:
    """Which mail an address names that something came back to; None when it is none of ours.

    Args:
        keys: a mail signed with an old key that is still known is found, too.
        address: the recipient of a bounce, without angle brackets.
        domain: where bounces are taken.
    """
    local, _, host = address.lower().rpartition("@")
    found = _LOCAL.fullmatch(local)
    if found is None or host != domain.lower():
        return None
    mail_id = MailId(int(found[1], 36))
    if not 0 < mail_id <= _LARGEST or found[1] != _base36(mail_id):
        return None
    genuine = [hmac.compare_digest(_hash(key, mail_id), found[2]) for key in keys.known.values()]
    return mail_id if any(genuine) else None


def _hash(key: bytes, mail_id: MailId) -> str:
    mac = hmac.digest(key, b"quxun: where a mail comes back to, version 1: %d" % mail_id, "sha256")
    return base64.b32encode(mac[:_HASH_BYTES]).decode().lower()


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, rest = divmod(number, 36)
        digits = _DIGITS[rest] + digits
    return digits or "0"
