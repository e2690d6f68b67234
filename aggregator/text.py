"""Cleaning text: what every room may rely on before it compares or prints a string."""

from __future__ import annotations

import re
import unicodedata

#: Characters that XML 1.0 forbids (§2.2 Char), lone surrogates and non-characters among them.
_XML_INVALID = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
    "|[\U0001fffe\U0001ffff\U0002fffe\U0002ffff\U0003fffe\U0003ffff\U0010fffe\U0010ffff]"
)
#: Zero-width characters and bidirectional overrides: invisible, and used to deceive.
_INVISIBLE = re.compile(
    "[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb]"
)
_MARKS = re.compile(
    "([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{2})"
    "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+"
)
#: What no clean text holds, and single marks, in one class of characters: most texts are clean,
#: and one quick look tells.
_SUSPECT = re.compile(
    "[\r"
    + "".join(part[1:-1] for part in _XML_INVALID.pattern.split("|"))
    + _INVISIBLE.pattern[1:-1]
    + _MARKS.pattern[2 : _MARKS.pattern.index("]")]
    + "]"
)
_FOLD = str.maketrans(
    {
        "—": "-", "–": "-", "‐": "-", "‑": "-", "−": "-", "－": "-", "∶": ":", "：": ":",
        "〔": "[", "〕": "]", "【": "[", "】": "]", "﹝": "[", "﹞": "]", "［": "[", "］": "]",
        "（": "(", "）": ")", "“": '"', "”": '"', "「": '"', "」": '"', "『": '"', "』": '"',
        "‘": "'", "’": "'", "，": ",", "。": ".", "；": ";", "、": ",", "·": ".", "•": ".",
        "！": "!", "？": "?", "％": "%", "／": "/", "．": ".", "＋": "+", "～": "~", "＂": '"',
    }
    | {chr(0xFEE0 + ord(c)): c.lower() for c in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"}
)  # fmt: skip

_ASCII_WORD = frozenset("0123456789abcdefghijklmnopqrstuvwxyz")


def clean(text: str) -> str:
    """Drop what XML forbids, what is invisible, and stacked marks; keep line breaks.

    At most two combining marks stay on a base character. Cleaning twice changes nothing.
    """
    if (text.isprintable() and not _MARKS.search(text)) or not _SUSPECT.search(text):
        return text
    text = _XML_INVALID.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return _MARKS.sub(r"\1", _INVISIBLE.sub("", text))


def clean_xml(text: str) -> str:
    """Text without the characters that XML 1.0 forbids (§2.2); all else stays as it is."""
    return _XML_INVALID.sub("", text)


def one_line(text: str) -> str:
    """Clean text with every run of white space (ideographic ones too) made one blank."""
    return " ".join(clean(text).split())


def squeeze(text: str) -> str:
    """Clean text without any white space: how padded labels (``索　引　号``) are compared."""
    return clean("".join(text.split()))


def fold(text: str) -> str:
    """Text as compared, never as shown: NFKC, one kind of quotes, dashes and brackets,
    lower case, no white space (DOMAIN.md §6).
    """
    folded = squeeze(clean(text).lower().translate(_FOLD))
    if unicodedata.is_normalized("NFKC", folded):
        return folded
    return fold(unicodedata.normalize("NFKC", folded))


def fold_words(text: str) -> str:
    """Folded text that keeps one blank between two letters or digits of ASCII: ``open ai``.

    Elsewhere white space tells nothing: Chinese is printed with and without it.
    """
    folded = ""
    for part in map(fold, clean(text).split()):
        if part:
            parted = folded[-1:] in _ASCII_WORD and part[0] in _ASCII_WORD and folded
            folded += f" {part}" if parted else part
    return folded


def shorten(text: str, limit: int) -> str:
    """At most ``limit`` characters, the last of them ``…`` when something was cut."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
