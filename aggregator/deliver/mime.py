"""A mail as it goes over the wire: headers and both bodies as bytes.

Joined by hand, because ``EmailMessage`` costs fifty times as much and is the bottleneck of a
digest sender (PERFORMANCE.md §6); a test reads every mail back with the standard library.
Bodies are base64: Chinese text in quoted-printable is three times its size.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from datetime import datetime
from email.utils import format_datetime, getaddresses

from aggregator.model import Mail

#: RFC 2047 §2: an encoded word is at most 75 characters; 45 bytes make 60 in base64.
_WORD_BYTES = 45
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]+")
_SAFE_NAME = re.compile(r"[A-Za-z0-9 ]+")


def as_bytes(mail: Mail, at: datetime) -> bytes:
    """The whole message with CRLF line ends, without dot-stuffing.

    The same mail and instant give the same bytes, so a second copy is told from a second mail.

    Args:
        mail: what is said, to whom; its headers name its sender.
        at: the instant for ``Date``.

    Raises:
        ValueError: when a header holds a line break, which would begin another header.
    """
    boundary = "=_" + hashlib.blake2b(mail.key.encode(), digest_size=18).hexdigest()
    fields = {
        "From": address_field(mail.headers.get("From", "")),
        "To": address_field(mail.to),
        "Subject": _words(mail.subject, len("Subject: ")),
        "Date": format_datetime(at),
        "Message-ID": mail.message_id,
        **{name: value for name, value in mail.headers.items() if name != "From"},
        "MIME-Version": "1.0",
        "Content-Type": f'multipart/alternative;\r\n boundary="{boundary}"',
    }
    head = "".join(_field(name, value) for name, value in fields.items())
    parts = (
        _part("text/plain", mail.text, boundary),
        _part("text/html", mail.html, boundary),
        f"--{boundary}--\r\n",
    )
    return "\r\n".join((head, "".join(parts))).encode("ascii")


def address_field(text: str) -> str:
    """A ``Name <address>`` with its name in encoded words where it is not plain ASCII.

    Raises:
        ValueError: when it does not hold exactly one address.
    """
    found = getaddresses([text])
    name, address = found[0] if found else ("", "")
    local, _, domain = address.rpartition("@")
    whole = text.isprintable() and len(found) == 1 and not set(address) & set(" ,;<>()")
    if not whole or not local or not domain:
        raise ValueError(f"{text!r} is not one mail address")
    wire = f"{local}@{domain.encode('idna').decode('ascii')}"
    if not name:
        return wire
    shown = name if _SAFE_NAME.fullmatch(name) else _words(name, len("From: "), always=True)
    return f"{shown} <{wire}>"


def _field(name: str, value: str) -> str:
    if not _HEADER_NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no header name")
    flat = value.replace("\r\n ", " ")
    if not flat.isascii() or not flat.isprintable():
        raise ValueError(f"the value of {name} holds a line break or is not encoded")
    return f"{name}: {value}\r\n"


def _words(text: str, indent: int, *, always: bool = False) -> str:
    """Text as RFC 2047 encoded words, folded; plain ASCII that fits a line stays as it is."""
    plain = text.isascii() and text.isprintable() and "=?" not in text
    if plain and not always and indent + len(text) <= 78:  # noqa: PLR2004  # RFC 5322 §2.1.1
        return text
    encoded = (base64.b64encode(piece).decode() for piece in _pieces(text))
    return "\r\n ".join(f"=?utf-8?B?{word}?=" for word in encoded)


def _pieces(text: str) -> Iterator[bytes]:
    """UTF-8 cut between characters (RFC 2047 §5): no word holds half of one."""
    piece = b""
    for sign in text:
        more = sign.encode()
        if len(piece) + len(more) > _WORD_BYTES:
            yield piece
            piece = b""
        piece += more
    if piece:
        yield piece


def _part(kind: str, text: str, boundary: str) -> str:
    lines = text.replace("\r\n", "\n").replace("\n", "\r\n").encode()
    body = base64.encodebytes(lines).decode().replace("\n", "\r\n")
    return (
        f"--{boundary}\r\nContent-Type: {kind}; charset=utf-8\r\n"
        f"Content-Transfer-Encoding: base64\r\n\r\n{body}"
    )
