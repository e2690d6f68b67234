"""Signs mails with DKIM (RFC 6376), so that receivers know that they come from our domain."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Final

import dkim
from dkim.crypto import UnparsableKeyError, parse_pem_private_key

from aggregator.errors import SettingsError

#: Both List-Unsubscribe headers among them: RFC 8058 §4 wants them signed. Headers that come
#: once are signed once more than they are there, so that none can be added (RFC 6376 §5.4.2).
SIGNED: Final = (
    b"from", b"to", b"subject", b"date", b"message-id", b"reply-to", b"list-id",
    b"list-unsubscribe", b"list-unsubscribe-post", b"auto-submitted", b"mime-version",
    b"content-type",
)  # fmt: skip
_OVERSIGNED: Final = (b"from", b"to", b"subject", b"date")
_LEAST_BITS: Final = 1024
_HEADER = re.compile(rb"^([A-Za-z0-9-]+):", re.MULTILINE)


class Signer:
    """Makes the DKIM-Signature of messages.

    Args:
        domain: whose signature it is (``d=``); receivers compare it with From's (DMARC).
        selector: name of the key below ``_domainkey`` of the domain.
        pem: the private RSA key.

    Raises:
        SettingsError: the key is none.
    """

    def __init__(self, domain: str, selector: str, pem: bytes) -> None:
        self._domain, self._selector, self._pem = domain, selector, pem
        try:
            key = parse_pem_private_key(pem)
            self._modulus, self._exponent = int(key["modulus"]), int(key["publicExponent"])
        except (UnparsableKeyError, ValueError, KeyError, TypeError, IndexError) as error:
            raise SettingsError(
                "QUXUN_DKIM_KEY_FILE holds no private RSA key; make one with"
                " openssl genrsa -out dkim.pem 2048"
            ) from error
        if self._modulus.bit_length() < _LEAST_BITS:
            raise SettingsError(
                f"QUXUN_DKIM_KEY_FILE: a key of {self._modulus.bit_length()} bits is too short"
                " (RFC 8301 wants 2048)"
            )

    @classmethod
    def of(cls, path: Path, *, domain: str, selector: str) -> Signer:
        """Read the key from its file.

        Raises:
            SettingsError: the file cannot be read, or holds no key.
        """
        try:
            pem = path.read_bytes()
        except OSError as error:
            raise SettingsError(
                f"QUXUN_DKIM_KEY_FILE: {path} cannot be read: {error.strerror}"
            ) from error
        return cls(domain, selector, pem.replace(b"\r\n", b"\n"))

    def signature(self, message: bytes) -> bytes:
        """The header field to put before a message."""
        end = message.index(b"\r\n\r\n")
        there = {name.lower() for name in _HEADER.findall(message[:end])}
        names = [name for name in SIGNED if name in there]
        signed: bytes = dkim.sign(
            message,
            self._selector.encode(),
            self._domain.encode(),
            self._pem,
            canonicalize=(b"relaxed", b"simple"),
            include_headers=[*names, *_OVERSIGNED],
        )
        return signed

    def record(self) -> tuple[str, str]:
        """The TXT record to publish: its name and its value."""
        der = _sequence(
            _sequence(bytes.fromhex("06092a864886f70d0101010500"))
            + _tagged(3, b"\0" + _sequence(_integer(self._modulus) + _integer(self._exponent)))
        )
        value = f"v=DKIM1; k=rsa; p={base64.b64encode(der).decode()}"
        return f"{self._selector}._domainkey.{self._domain}", value


def _tagged(tag: int, content: bytes) -> bytes:
    """DER (X.690 §8): tag, length, content."""
    size = len(content)
    if size < 128:  # noqa: PLR2004  # the short form of a length
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def _sequence(content: bytes) -> bytes:
    return _tagged(0x30, content)


def _integer(number: int) -> bytes:
    return _tagged(2, number.to_bytes(number.bit_length() // 8 + 1, "big"))
