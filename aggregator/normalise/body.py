"""The body: sanitised markup and plain paragraphs, each said once."""

from __future__ import annotations

import html as entities
import re
from bisect import bisect_left
from urllib.parse import urlsplit

import nh3

from aggregator.text import clean, fold, one_line, shorten
from aggregator.urls import joined

#: No svg, math, img, style, form, class or id: those were the holes (RELIABILITY.md §Settings).
_TAGS = {
    "p", "br", "div", "span", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "dl", "dt", "dd",
    "table", "caption", "thead", "tbody", "tfoot", "tr", "td", "th", "a", "strong", "b", "em", "i",
    "u", "sub", "sup", "blockquote", "pre", "hr",
}  # fmt: skip
_ATTRIBUTES = {"a": {"href", "title"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}}
_CLEAN_CONTENT = {"script", "style", "iframe", "object", "embed", "noscript", "template", "title"}
_REFERENCES = 500
_TEXT = re.compile(r"(?:^|>)[^<]*+")
_MANY_REFERENCES = re.compile(rf"(?:[^&]*+&){{{_REFERENCES}}}[^&]*+(?=&)")
#: A run of so many paragraphs and characters that stands again right after itself is a copy.
_RUN_PARAGRAPHS = 3
_RUN_CHARS = 200
#: A line that stands a thousand times (a table's dash) is tried as a copy's head so often.
_TRIES = 20
_SUMMARY = 180
_HEAD_LINES = 40
_MOBILE = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")
_ID_NUMBER = re.compile(
    r"(?<!\d)\d{6}(?:19|20)\d{2}[\dXx*]{8}(?!\d)|(?<!\d)\d{3,6}\*{4,}\d{2,4}[Xx\d]?"
)
_PREAMBLE = re.compile(
    r"^为(?:深入|全面|进一步|认真|切实)?(?:贯彻|落实|学习)|^根据|^按照|^各[镇街乡县区市]|^(?:区|县|市)政府各部门"
)


def sanitise(markup: str, base_url: str) -> str:
    """Markup that can do nothing but be read; links made absolute, only http and https."""

    def attribute(tag: str, name: str, value: str) -> str | None:
        if tag == "a" and name == "href":
            full = joined(base_url, value.strip())
            return full if full and urlsplit(full).scheme in {"http", "https"} else None
        return value

    return nh3.clean(
        parted(clean(markup)),
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        clean_content_tags=_CLEAN_CONTENT,
        url_schemes={"http", "https"},
        link_rel="noopener noreferrer nofollow",
        attribute_filter=attribute,
        strip_comments=True,
    ).strip()


def parted(markup: str) -> str:
    """Markup whose texts with very many references are parted by comments, which no reader sees.

    The sanitiser copies a text anew for every reference in it: a megabyte of ``&`` took a minute.
    """
    if markup.count("&") <= _REFERENCES:
        return markup
    return _TEXT.sub(lambda text: _MANY_REFERENCES.sub(r"\g<0><!---->", text.group()), markup)


def paragraphs(text: str) -> list[str]:
    """The lines of a text that say something, each cleaned."""
    return [line for raw in text.splitlines() if (line := one_line(raw))]


def drop_doubled(lines: list[str]) -> tuple[list[str], bool]:
    """Drop a run of paragraphs that stands again directly after itself, or nearly so.

    At least three paragraphs and 200 characters; single repeated lines stay, they are
    often meant (DOMAIN.md §4).
    """
    doubled = False
    while len(once := _once(lines)) < len(lines):
        lines, doubled = once, True
    return lines, doubled


def _once(lines: list[str]) -> list[str]:
    """The lines without the copies that follow their originals, from the first line to the last."""
    keys = [line.replace(" ", "") for line in lines]
    if len(lines) - len(set(keys)) < _RUN_PARAGRAPHS:
        return lines
    places: dict[str, list[int]] = {}
    for place, key in enumerate(keys):
        places.setdefault(key, []).append(place)
    kept: list[str] = []
    start = 0
    while start < len(keys):
        end = beyond = start + 1
        again_at = places[keys[start]]
        nearest = bisect_left(again_at, start + _RUN_PARAGRAPHS)
        for again in again_at[nearest : nearest + _TRIES]:
            first = keys[start:again]
            if first == keys[again : again + len(first)] and sum(map(len, first)) >= _RUN_CHARS:
                end = beyond = again
                while keys[beyond : beyond + len(first)] == first:
                    beyond += len(first)
                break
        kept += lines[start:end]
        start = beyond
    return kept


def drop_doubled_markup(markup: str, kept: list[str]) -> str:
    """The markup with each paragraph at most as often as it was kept in the text."""
    allowed: dict[str, int] = {}
    for line in kept:
        allowed[fold(line)] = allowed.get(fold(line), 0) + 1

    def once(match: re.Match[str]) -> str:
        inner = match.group()
        if re.search(r"(?i)<(?:p|div|li|tr|td|h[1-6])\b", inner[4:]):
            return inner
        key = fold(plain(inner))
        if not key or key not in allowed:
            return inner
        allowed[key] -= 1
        return inner if allowed[key] >= 0 else ""

    return re.sub(r"(?is)<(p|li|h[1-6])\b[^>]*>.*?</\1\s*>", once, markup)


def plain(markup: str) -> str:
    """Markup as text, for comparing."""
    return entities.unescape(re.sub(r"(?s)<[^>]*>", "", markup))


def text_as_markup(lines: list[str]) -> str:
    """Paragraphs of plain text as markup."""
    return "".join(f"<p>{entities.escape(line, quote=False)}</p>" for line in lines)


def summarise(lines: list[str], title: str) -> str:
    """The first facts of a text: not its preamble, and no private numbers."""
    heading = fold(title)
    said = [line for line in lines[:_HEAD_LINES] if fold(line) != heading]
    telling = [line for line in said if len(line) > 15 and not _PREAMBLE.match(line)]  # noqa: PLR2004
    chosen = "".join((telling or said)[:4])
    return shorten(without_private(chosen), _SUMMARY)


def without_private(text: str) -> str:
    """Without mobile numbers and what looks like an identity number (DOMAIN.md §16)."""
    return _ID_NUMBER.sub("***", _MOBILE.sub("***", text))
