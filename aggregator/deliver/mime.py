"""A mail as it goes over the wire: headers and both bodies as bytes.

Joined by hand, because ``EmailMessage`` costs fifty times as much and is the bottleneck of a
digest sender (PERFORMANCE.md §6); a test reads every mail back with the standard library.
Bodies are base64: Chinese text in quoted-printable is three times its size. An edition that many
readers share is printed once: only the lines that hold a mark are encoded for each reader.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from email.utils import format_datetime, getaddresses

from aggregator.errors import UsageError
from aggregator.model import Edition, Mail
from aggregator.notify.addresses import wire_form

#: RFC 2047 §2: an encoded word is at most 75 characters; 45 bytes make 60 in base64.
_WORD_BYTES = 45
#: RFC 2045 §6.8: a line of base64 is at most 76 characters, which are 57 bytes.
_LINE_BYTES = 57
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]+")
_SAFE_NAME = re.compile(r"[A-Za-z0-9 ]+")


class Printed:
    """An edition's bodies, encoded once; what differs from reader to reader is put in by ``fill``.

    Args:
        edition: words with marks.
        marks: the marks it may hold; each is replaced by a token of its own length.
    """

    def __init__(self, edition: Edition, marks: Sequence[str]) -> None:
        self.subject = edition.subject
        self.boundary = _boundary(edition.key)
        text = _part_head("text/plain", self.boundary)
        html = _part_head("text/html", self.boundary)
        self._pieces = [
            text, *_spliced(_wire_lines(edition.text), marks),
            html, *_spliced(_wire_lines(edition.html), marks),
            f"--{self.boundary}--\r\n".encode(),
        ]  # fmt: skip
        self.size = sum(len(one) for one in self._pieces if isinstance(one, bytes))
        #: The marks that stand in it.
        self.marks = frozenset(
            mark for one in self._pieces if isinstance(one, _Lines) for mark in one.marks
        )

    def fill(self, tokens: Mapping[str, bytes]) -> bytes:
        """Both bodies with a reader's tokens.

        Raises:
            KeyError: a mark of the edition has no token.
            ValueError: a token is not as long as its mark.
        """
        return b"".join(
            [one if isinstance(one, bytes) else one.fill(tokens) for one in self._pieces]
        )


class _Lines:
    """Whole lines of base64 that hold marks: what stands between the marks, and the marks."""

    def __init__(self, raw: bytes, marks: Sequence[str]) -> None:
        self._size = len(raw)
        pattern = re.compile(b"|".join(re.escape(mark.encode()) for mark in marks))
        self._between = pattern.split(raw)
        self.marks = [found.decode() for found in pattern.findall(raw)]

    def fill(self, tokens: Mapping[str, bytes]) -> bytes:
        filled = self._between[0]
        for mark, after in zip(self.marks, self._between[1:], strict=True):
            filled += tokens[mark] + after
        if len(filled) != self._size:
            raise ValueError("a token is not as long as its mark")
        return _base64_lines(filled)


def _spliced(raw: bytes, marks: Sequence[str]) -> Iterator[bytes | _Lines]:
    """A body as base64, cut at line ends: constant runs of lines, and lines that hold marks."""
    pattern = re.compile(b"|".join(re.escape(mark.encode()) for mark in marks))
    done = 0
    spans: list[list[int]] = []
    for found in pattern.finditer(raw):
        begin = found.start() // _LINE_BYTES * _LINE_BYTES
        end = min(-(-found.end() // _LINE_BYTES) * _LINE_BYTES, len(raw))
        if spans and begin <= spans[-1][1]:
            spans[-1][1] = max(end, spans[-1][1])
        else:
            spans.append([begin, end])
    for begin, end in spans:
        if begin > done:
            yield _base64_lines(raw[done:begin])
        yield _Lines(raw[begin:end], marks)
        done = end
    if done < len(raw):
        yield _base64_lines(raw[done:])


def as_bytes(mail: Mail, at: datetime) -> bytes:
    """The whole message with CRLF line ends, without dot-stuffing.

    The same mail and instant give the same bytes, so a second copy is told from a second mail.

    Args:
        mail: what is said, to whom; its headers name its sender.
        at: the instant for ``Date``.

    Raises:
        ValueError: when a header holds a line break, which would begin another header.
    """
    boundary = _boundary(mail.key)
    fields = {
        "From": address_field(mail.headers.get("From", "")),
        "To": address_field(mail.to),
        "Subject": subject_field(mail.subject),
        "Date": format_datetime(at),
        "Message-ID": mail.message_id,
        **{name: value for name, value in mail.headers.items() if name != "From"},
        **mime_fields(boundary),
    }
    return b"".join(
        (
            header_bytes(fields), b"\r\n",
            _part_head("text/plain", boundary), _base64_lines(_wire_lines(mail.text)),
            _part_head("text/html", boundary), _base64_lines(_wire_lines(mail.html)),
            f"--{boundary}--\r\n".encode(),
        )
    )  # fmt: skip


def header_bytes(fields: Mapping[str, str]) -> bytes:
    """Header fields as they go over the wire, each with its line end.

    Raises:
        ValueError: when a name or value would begin another header or is not encoded.
    """
    return "".join(_field(name, value) for name, value in fields.items()).encode("ascii")


def mime_fields(boundary: str) -> dict[str, str]:
    """The header fields of a mail with a text twin."""
    return {
        "MIME-Version": "1.0",
        "Content-Type": f'multipart/alternative;\r\n boundary="{boundary}"',
    }


def subject_field(subject: str) -> str:
    """A subject on the wire; what is no letter or sign becomes a blank."""
    return _words(
        "".join(sign if sign.isprintable() or sign == "\u3000" else " " for sign in subject),
        len("Subject: "),
    )


def wire_address(text: str) -> str:
    """The one address in the text as it goes into the envelope, its domain as ``xn--``.

    Raises:
        ValueError: when it is not exactly one address that any mail server takes.
    """
    try:
        return wire_form(text)
    except UsageError as error:
        raise ValueError(f"this is not one mail address that we can write to: {error}") from error


def address_field(text: str) -> str:
    """A ``Name <address>`` with its name in encoded words where it is not plain ASCII.

    Raises:
        ValueError: when it does not hold exactly one address.
    """
    found = getaddresses([text])
    if len(found) != 1 or not text.isprintable():
        raise ValueError("a header names no sender or recipient, or more than one mail address")
    name, address = found[0]
    wire = wire_address(address)
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


def _boundary(key: str) -> str:
    return "=_" + hashlib.blake2b(key.encode(), digest_size=18).hexdigest()


def _wire_lines(text: str) -> bytes:
    return text.replace("\r\n", "\n").replace("\n", "\r\n").encode("utf-8", "replace")


def _base64_lines(raw: bytes) -> bytes:
    lines = [
        binascii.b2a_base64(raw[at : at + _LINE_BYTES], newline=False)
        for at in range(0, len(raw), _LINE_BYTES)
    ]
    lines.append(b"")
    return b"\r\n".join(lines)


def _part_head(kind: str, boundary: str) -> bytes:
    return (
        f"--{boundary}\r\nContent-Type: {kind}; charset=utf-8\r\n"
        f"Content-Transfer-Encoding: base64\r\n\r\n"
    ).encode()
