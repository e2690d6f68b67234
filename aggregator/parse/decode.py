"""Bytes to text: the one place where a charset is decided (DOMAIN §6)."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from aggregator.errors import ParseError

#: Only these are decoded; utf-7 and Python's own inventions are attacks, not charsets.
_KNOWN = re.compile(
    r"utf-?8|utf-?16(le|be)?|utf-?32(le|be)?|gb.*|x-gbk|big-?5.*|cp9(36|50)|euc-.*|shift.*|"
    r"iso-?8859-?\d+|latin-?\d|windows-\d+|cp125\d|koi8-.|(us-)?ascii|hz(-gb-2312)?",
    re.IGNORECASE,
)
_DECLARED = re.compile(
    rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})"""
    rb"""|<meta[^>]{0,400}?charset\s*=\s*["']?\s*([A-Za-z0-9._:-]{1,40})""",
    re.IGNORECASE,
)
_HEADER = re.compile(r"""charset\s*=\s*["']?\s*([A-Za-z0-9._:-]{1,40})""", re.IGNORECASE)
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WIDE = re.compile(rb"\A(?:(<\x00[!?a-zA-Z]\x00)|(\x00<\x00[!?a-zA-Z]))")
_HEAD = 8192
#: Above this share of U+FFFD the other charset is tried.
_TOLERATED = 0.005
#: That many multi-byte characters that are valid UTF-8 are no accident.
_NO_ACCIDENT = 3
#: And that many of them beside each lost one.
_FEW = 20
#: Han and the punctuation that goes with it: three bytes in UTF-8.
_THREE_BYTES = re.compile("[\u3000-\u303f\u3400-\u9fff\uff00-\uffef]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """Text, the charset that gave it, and why that one was taken."""

    text: str
    charset: str
    why: str


def decode(body: bytes, *, content_type: str | None) -> Decoded:
    """Decode a page or feed, whatever it claims about itself.

    A byte order mark decides; text that is valid UTF-8 is UTF-8; then the declaration in
    the text, the HTTP header (ISO-8859-1 there is a placeholder), UTF-8, GB18030. Where
    more than 0.5 % of the characters cannot be read, the one that reads most wins. A few
    damaged bytes in UTF-8 leave it UTF-8, whatever is declared.

    Raises:
        ParseError: a charset is declared that may not be decoded (UTF-7).
    """
    for bom, name in _BOMS:
        if body.startswith(bom):
            return _made(body[len(bom) :], name, "byte order mark")
    if wide := _WIDE.match(body):
        return _made(body, "utf-16-le" if wide[1] else "utf-16-be", "every second byte is zero")
    declared, where = _declaration(body, content_type)
    strict = _strict_utf8(body)
    if strict is not None:
        sure = not declared or _is_utf8(declared) or _multibyte(body) >= _NO_ACCIDENT
        if sure or body.isascii():
            why = f"{where} says so" if declared and _is_utf8(declared) else "valid UTF-8"
            if declared and not _is_utf8(declared) and not body.isascii():
                why = f"valid UTF-8, though {where} says {declared}"
            return Decoded(text=_tidy(strict), charset="utf-8", why=why)
    return _by_label(body, declared, where)


def _by_label(body: bytes, declared: str | None, where: str) -> Decoded:
    """What is no UTF-8 throughout: as it says, unless that reads badly."""
    if _nearly_utf8(body):
        return _made(body, "utf-8", "nearly all of it is valid UTF-8")
    if declared and not _is_utf8(declared):
        first = _made(body, _mapped(declared), f"{where} says {declared}")
        if _lost(first.text) <= _TOLERATED:
            return first
        return _fewest(body, _mapped(declared), f"{where} says {declared}")
    return _fewest(body, "utf-8", f"{where} says {declared}" if declared else "nothing declared")


def _declaration(body: bytes, content_type: str | None) -> tuple[str | None, str]:
    found = _DECLARED.search(body[:_HEAD])
    if found:
        name = (found.group(1) or found.group(2)).decode("ascii").lower()
        if name.replace("-", "").replace("_", "") in {"utf7", "unicode11utf7"}:
            raise ParseError("the page declares UTF-7, which is not read", reason="parse")
        if _KNOWN.fullmatch(name) and _lookup(name):
            return name, "the text"
    header = _HEADER.search(content_type or "")
    if header:
        name = header.group(1).lower()
        if name not in {"iso-8859-1", "latin1", "latin-1", "us-ascii", "ascii"} and (
            _KNOWN.fullmatch(name) and _lookup(name)
        ):
            return name, "the header"
    return None, "nothing"


def _fewest(body: bytes, first: str, why: str) -> Decoded:
    """The reading with the fewest lost characters; ``first`` wins when it is good enough."""
    best = _made(body, first, why)
    if _lost(best.text) <= _TOLERATED and first != "utf-8":
        return best
    for other in ("utf-8", "gb18030"):
        if other != first:
            made = _made(body, other, f"{why}, but that reads worse")
            if _lost(made.text) < _lost(best.text):
                best = made
    return best


def _strict_utf8(body: bytes) -> str | None:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _nearly_utf8(body: bytes) -> bool:
    """Whether a few damaged bytes stand in what is else Chinese in UTF-8.

    Chinese in another charset makes hardly any three-byte sequences of UTF-8, and loses nearly
    all of its characters when read as that.
    """
    text = body.decode("utf-8", "replace")
    lost = text.count("\ufffd")
    return len(_THREE_BYTES.findall(text)) >= max(_NO_ACCIDENT, lost * _FEW)


def _multibyte(body: bytes) -> int:
    """How many multi-byte characters begin in the body, counted no further than needed."""
    return sum(1 for _, _ in zip(re.finditer(rb"[\xc2-\xf4]", body), range(_NO_ACCIDENT)))  # noqa: B905


def _lookup(name: str) -> bool:
    try:
        codecs.lookup(_mapped(name))
    except LookupError:
        return False
    return True


def _is_utf8(name: str) -> bool:
    return name.replace("_", "-") in {"utf-8", "utf8"}


def _mapped(name: str) -> str:
    plain = name.lower().replace("_", "-")
    if plain.startswith(("gb", "x-gb", "euc-cn", "cp936")):
        return "gb18030"
    if plain in {"big5", "big-5", "big5-hkscs", "cp950"}:
        return "big5hkscs"
    return "cp1252" if plain in {"iso-8859-1", "latin1", "latin-1"} else plain


def _made(body: bytes, charset: str, why: str) -> Decoded:
    text = body.decode(charset, "replace")
    if charset == "big5hkscs" and "\ufffd" in text:
        other = body.decode("cp950", "replace")
        text = other if other.count("\ufffd") < text.count("\ufffd") else text
    return Decoded(text=_tidy(text), charset=charset, why=why)


def _lost(text: str) -> float:
    return text.count("\ufffd") / max(1, len(text))


def _tidy(text: str) -> str:
    return text.lstrip("\ufeff").replace("\x00", "")
