"""Words fit to be printed in a feed: one clean line, no markup, nobody's numbers; web addresses."""

from __future__ import annotations

import re
import unicodedata
from html.entities import name2codepoint
from urllib.parse import quote, urlsplit

from aggregator.text import clean, one_line, shorten

#: Longer addresses are nobody's; browsers and caches cut them.
URL_CHARACTERS = 2000
TITLE_CHARACTERS = 500

#: What nearly every line is made of, so that one quick look tells: nothing below is in it.
_USUAL = re.compile(
    "[ -~\u00b7\u00d7\u2010-\u2027\u2030-\u205e\u2100-\u218b\u2190-\u23ff\u2460-\u25ff\u3001-\u3029"
    "\u3030-\u303f\u3220-\u33ff\u4e00-\u9fff\uff01-\uff5e\uffe0-\uffe6]*+"
)
#: Marks of a broken decoding, and bidirectional and tag characters that ``clean`` lets through.
_BROKEN = re.compile("[\u0080-\u009f\ufffd]|锟斤拷|烫烫烫")
_HIDDEN = re.compile("[\u061c\u180e\u2800\u3164\uffa0\U000e0000-\U000e0fff]")
#: A character of U+0080–U+00FF that was encoded as UTF-8 twice.
_TWICE = re.compile("[\u00c2\u00c3][\u0080-\u00bf]")
#: Where combining marks live, three in a row: only then is every character looked at.
_MARKED = re.compile(
    "[\u0300-\u1cff\u1dc0-\u1dff\u20d0-\u20ff\u2cef-\u2cf1\u2d7f\u2de0-\u2dff\u302a-\u302f\u3099\u309a"
    "\ua66f-\uabff\ufb1e\ufe00-\ufe2f\U00010000-\U0001ffff\U000e0100-\U000e01ef]{3}"
)
_MARKS_KEPT = 2
#: What a parser, or a reader that unescapes once too often, takes for a tag or a reference.
_MARKUP = re.compile(r"<(?=[A-Za-z/!?])|&(?=#)|&(?=(\w+))")
#: Eleven digits are the shortest number of a person.
_LONG_NUMBER = re.compile(r"[0-9０-９][0-9０-９ -]{10}")
_MOBILE = r"(?:[+＋]?86[ -]?)?[1１][3-9３-９]\d[ -]?\d{4}[ -]?\d{4}(?!\s*(?:[元万亿]|平方|人民币))"
_BIRTH = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
#: Mobile and identity numbers never leave in what we say ourselves (DOMAIN.md §16) …
_PERSONAL = re.compile(rf"(?<!\d)(?:{_MOBILE}|\d{{17}}[\dXxＸ]|\d{{15}})(?!\d)")
#: … and in a document's own text not those that can be nothing else; index numbers stay.
_PERSONAL_IN_TEXT = re.compile(
    rf"(?<!\d)(?:{_MOBILE}|\d{{6}}(?:19|20)\d\d{_BIRTH}\d{{3}}[\dXxＸ]|\d{{8}}{_BIRTH}\d{{3}})(?!\d)"
)
_OUTSIDE_TAGS = re.compile(r"(?:^|>)[^<]+")

#: A second look at what normalise sanitised (``aggregator/normalise/body.py``): a body of anything
#: but these tags and attributes, or badly nested, is left out, not repaired.
_TAG = (
    "(?:a|b|blockquote|br|caption|dd|div|dl|dt|em|h[1-6]|hr|i|li|ol|p|pre|span|strong|sub|sup|table"
    "|tbody|td|tfoot|th|thead|tr|u|ul)"
)
_ATTRIBUTE = (
    r' (?:href="https?://[^"<>]++"|(?:title|rel|lang)="[^"<>]*+"|(?:colspan|rowspan)="[^"<>]*+")'
)
_TEXT = "[^<>&]++|&(?:amp|lt|gt|quot|nbsp);"
_FIT = re.compile(rf"(?:{_TEXT}|<{_TAG}(?:{_ATTRIBUTE})*+>|</{_TAG}>)*+")
_TAGS = re.compile("<(/?)([a-z1-6]+)")
_VOID = frozenset({"br", "hr"})

_URL_TAIL = r"(?:[A-Za-z0-9._~:/?#@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*+"
_PORT = r"(?:\d{1,4}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5])"
_WEB_URL = re.compile(
    rf"(https?://[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?(?::{_PORT})?)(?:[/?#]{_URL_TAIL})?"
)
_NO_ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})")


def tidy(text: str) -> str:
    """One line of clean text without the marks of a broken decoding."""
    if _USUAL.fullmatch(text) and "锟斤拷" not in text and "烫烫烫" not in text:
        return " ".join(text.split()) if "  " in text else text.strip(" ")
    line = one_line(text)
    while _TWICE.search(line):
        line = _TWICE.sub(_decoded, line)
    line = _HIDDEN.sub("", _BROKEN.sub(" ", line))
    return one_line(_unstacked(line) if _MARKED.search(line) else line)


def plain(text: str) -> str:
    """A tidy line that nobody takes for markup, and that holds nobody's numbers."""
    line = tidy(text)
    if "<" in line or "&" in line:
        line = _MARKUP.sub(_wide, line)
    return impersonal(line)


def impersonal(text: str) -> str:
    """Text without mobile and identity numbers."""
    return _PERSONAL.sub("…", text) if _LONG_NUMBER.search(text) else text


def tidy_title(text: str) -> str:
    """A title: plain, never empty, never a page long."""
    return shorten(plain(text), TITLE_CHARACTERS) or "(无标题)"


def web_url(url: str | None) -> str | None:
    """An http(s) address with nothing but ASCII in it, or None when it is no such thing."""
    if not url or len(url) > URL_CHARACTERS:
        return None
    if _WEB_URL.fullmatch(url):
        return url
    try:
        parts = urlsplit(one_line(url))
        host, port = parts.hostname or "", parts.port
        if "@" in parts.netloc:
            return None
        if not host.isascii():
            host = host.encode("idna").decode("ascii")
    except ValueError:  # an impossible host or port
        return None
    rest = parts._replace(scheme="", netloc="").geturl()
    made = f"{parts.scheme.lower()}://{host}{f':{port}' if port is not None else ''}"
    made += quote(_NO_ESCAPE.sub("%25", rest), safe="%/:=&?~#+!$,;'@()*")
    return made if _WEB_URL.fullmatch(made) and len(made) <= URL_CHARACTERS else None


def origin(url: str) -> str:
    """The scheme and host of an address that ``web_url`` gave."""
    found = _WEB_URL.match(url)
    assert found is not None
    return found[1]


def fit_markup(markup: str) -> str | None:
    """A sanitised body as it may leave, or None when it is not fit to."""
    html = markup.strip()
    if not _USUAL.fullmatch(html.replace("\n", " ")):
        html = _BROKEN.sub(" ", clean(html)).strip()
        while _TWICE.search(html):
            html = _TWICE.sub(_decoded, html)
    if not html or not _FIT.fullmatch(html) or not _nested(html):
        return None
    if _LONG_NUMBER.search(html):
        html = _OUTSIDE_TAGS.sub(lambda text: _PERSONAL_IN_TEXT.sub("…", text[0]), html)
    return html


def _nested(html: str) -> bool:
    """Whether every tag is closed where it was opened."""
    open_tags: list[str] = []
    for closing, name in _TAGS.findall(html):
        if not closing:
            if name not in _VOID:
                open_tags.append(name)
        elif not open_tags or open_tags.pop() != name:
            return False
    return not open_tags


def _decoded(found: re.Match[str]) -> str:
    return found[0].encode("latin-1").decode("utf-8")


def _wide(found: re.Match[str]) -> str:
    """A tag's or a reference's first character as the wide one; ``R&D`` is neither."""
    if found[0] == "<":
        return "＜"
    name = found[1]
    if name and name.isalpha() and name != "apos" and name not in name2codepoint:
        return "&"
    return "＆"


def _unstacked(line: str) -> str:
    """Every base character with two combining marks at most."""
    kept: list[str] = []
    marks = 0
    for character in line:
        marks = marks + 1 if unicodedata.category(character) in {"Mn", "Me"} else 0
        if marks <= _MARKS_KEPT:
            kept.append(character)
    return "".join(kept)
