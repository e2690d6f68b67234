"""A message taken apart within bounds: its headers and its parts, never more than was asked for.

Our own hundred lines instead of the standard library's parser, because what comes back is
written by anybody: that one recurses into nested parts, takes seconds for megabytes of headers
and reads fifty megabytes to their end (RELIABILITY.md, hostile inputs 110 and 111). Here nothing
recurses, and every loop is bounded by these numbers.
"""

from __future__ import annotations

import base64
import codecs
import quopri
import re
from collections.abc import Sequence
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header
from html import unescape
from urllib.parse import unquote

#: So much of a message is looked at; a report of one of our mails has a fifth of it.
MOST_BYTES = 512 * 1024
#: So much of a head, in bytes and in fields.
HEAD_BYTES = 64 * 1024
MOST_FIELDS = 500
#: Parts, and multiparts within multiparts.
MOST_PARTS = 40
MOST_DEPTH = 6
#: So many bytes of a part's body are decoded.
BODY_BYTES = 128 * 1024
#: So many characters of HTML are made text.
HTML_LENGTH = 30_000
#: So many characters of a header's value are taken apart.
VALUE_LENGTH = 2_000

_HEAD_END = re.compile(rb"\A\r?\n|\n\r?\n")
_FIELD = re.compile(r"([!-9;-~]{1,100})[ \t]{0,10}:(.*)", re.DOTALL)
_PARAMETER = re.compile(
    r';\s{0,20}([A-Za-z-]{1,40})(\*?)\s{0,5}=\s{0,5}(?:"([^"]{0,300})"|([^\s;"]{1,300}))'
)
#: Names of encodings of text. Python's codecs know others, too, which unpack or read no bytes:
#: what they are given is written by anybody.
_TEXT_ENCODING = re.compile(
    r"(?:utf|iso|cp|windows|gb|big5|euc|shift|s_?jis|ms_?kanji|koi8|ks|ks_c|hz|johab|us[-_]?ascii|ascii|ibm|uhc|ujis|ms9|"
    r"latin|mac|tis|ptcp|kz|hkscs)[a-z0-9_:.-]{0,30}"
)
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")
_HIDDEN = re.compile(r"<(style|script|head)\b.{0,20000}?</\1\s*>", re.IGNORECASE | re.DOTALL)
_BREAK = re.compile(r"<(?:br|/p|/div|/tr|/li|/h\d)\b[^>]{0,200}>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]{0,2000}>")

Fields = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a message: its fields (names in lower case, in their order) and raw body."""

    fields: Fields
    media_type: str
    parameters: dict[str, str]
    body: bytes

    def value(self, name: str) -> str:
        """The first value of a field, its encoded words decoded; empty when there is none."""
        return next((decoded_words(value) for key, value in self.fields if key == name), "")

    def text(self) -> str:
        """The body as text; of HTML, what a reader sees of it."""
        words = characters(self.raw(), self.parameters.get("charset", ""))
        return visible(words[:HTML_LENGTH]) if self.media_type == "text/html" else words

    def raw(self) -> bytes:
        """The body without its transfer encoding."""
        body = self.body[:BODY_BYTES]
        match self.value("content-transfer-encoding").strip().lower():
            case "base64":
                digits = _NOT_BASE64.sub(b"", body)
                whole = digits[:-1] if len(digits) % 4 == 1 else digits
                return base64.b64decode(whole + b"=" * (-len(whole) % 4))
            case "quoted-printable":
                return quopri.decodestring(body)
            case _:
                return body


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message: itself as a part, and the parts that hold no further ones, in their order."""

    top: Part
    leaves: tuple[Part, ...]

    def leaf(self, *media_types: str) -> Part | None:
        """The first part of one of these types."""
        return next((one for one in self.leaves if one.media_type in media_types), None)


def take_apart(message: bytes) -> Message:
    """The parts of a message, or of as much of it as we look at; any bytes will do."""
    raw = message[:MOST_BYTES]
    if raw.startswith((b"From ", b">From ")):  # a line of mbox
        raw = raw.partition(b"\n")[2]
    top = _part(raw)
    leaves: list[Part] = []
    waiting = [(top, 0)]
    seen = 0
    while waiting and seen < MOST_PARTS:
        part, depth = waiting.pop()
        seen += 1
        boundary = part.parameters.get("boundary", "")
        if part.media_type.startswith("multipart/") and boundary and depth < MOST_DEPTH:
            inside = [_part(piece) for piece in _pieces(part.body, boundary)]
            waiting.extend((one, depth + 1) for one in reversed(inside))
        else:
            leaves.append(part)
    return Message(top=top, leaves=tuple(leaves))


def read_fields(raw: bytes) -> Fields:
    """The fields of a head, unfolded; lines that are none are passed over."""
    fields: list[tuple[str, str]] = []
    lines = characters(raw[:HEAD_BYTES], "").replace("\r\n", "\n").split("\n")
    unfolded: list[list[str]] = []
    for line in lines:
        if line[:1] in (" ", "\t") and unfolded:
            unfolded[-1].append(line.strip())
        else:
            unfolded.append([line])
    for pieces in unfolded[:MOST_FIELDS]:
        found = _FIELD.fullmatch(" ".join(pieces)[: VALUE_LENGTH + 100])
        if found:
            fields.append((found[1].lower(), found[2].strip()[:VALUE_LENGTH]))
    return fields


def decoded_words(value: str) -> str:
    """A header's value with its encoded words (RFC 2047) decoded as far as they can be."""
    if "=?" not in value:
        return value
    try:
        pieces = decode_header(value)
    except (HeaderParseError, ValueError):
        return value
    return "".join(
        piece if isinstance(piece, str) else characters(piece, charset or "")
        for piece, charset in pieces
    )


def characters(raw: bytes, charset: str) -> str:
    """Bytes as text: UTF-8 where they are that, else as labelled, else as GB 18030.

    Labels of ours and theirs are wrong more often than valid UTF-8 is something else.
    """
    label = charset.strip().lower()
    if label in {"gb2312", "gbk", "x-gbk", "cp936"}:
        label = "gb18030"
    known = (label,) if _TEXT_ENCODING.fullmatch(label) else ()
    for name in ("utf-8", *known, "gb18030"):
        try:
            # Not final: where we cut, a character may be cut too.
            text: str = codecs.getincrementaldecoder(name)().decode(raw)
        except (LookupError, UnicodeError, ValueError):
            continue
        return text
    return raw.decode("utf-8", "replace")


def visible(html: str) -> str:
    """What a reader sees of a little HTML."""
    return unescape(_TAG.sub(" ", _BREAK.sub("\n", _HIDDEN.sub(" ", html))))


def _part(raw: bytes) -> Part:
    end = _HEAD_END.search(raw)
    head, body = (raw[: end.start()], raw[end.end() :]) if end else (raw, b"")
    fields = read_fields(head)
    kind = next((value for name, value in fields if name == "content-type"), "")
    media_type = kind.partition(";")[0].strip().lower() or "text/plain"
    parameters: dict[str, str] = {}
    for found in _PARAMETER.finditer(kind):
        value = found[3] if found[3] is not None else found[4]
        if found[2]:  # charset'language'value (RFC 2231 §4)
            value = unquote(value.rpartition("'")[2])
        parameters.setdefault(found[1].lower(), value)
    return Part(fields=fields, media_type=media_type, parameters=parameters, body=body)


def _pieces(body: bytes, boundary: str) -> list[bytes]:
    """What stands between the delimiter lines of a multipart (RFC 2046 §5.1.1).

    The last piece may lack its end: a report that was cut says all the same what it says.
    """
    mark = b"\n--" + boundary.encode("utf-8", "surrogateescape")
    text = b"\n" + body
    pieces: list[bytes] = []
    at = text.find(mark)
    while at >= 0 and len(pieces) < MOST_PARTS:
        after = at + len(mark)
        if text.startswith(b"--", after):
            break
        start = text.find(b"\n", after)
        if start < 0 or text[after:start].strip(b" \t\r"):
            # The mark of another, longer boundary.
            at = text.find(mark, after)
            continue
        following = text.find(mark, start)
        while following >= 0 and not _ends_line(text, following + len(mark)):
            following = text.find(mark, following + len(mark))
        pieces.append(text[start + 1 : following if following >= 0 else None])
        at = following
    return pieces


def _ends_line(text: bytes, at: int) -> bool:
    rest = text[at : at + 80].partition(b"\n")[0].strip(b" \t\r")
    return rest in (b"", b"--")
