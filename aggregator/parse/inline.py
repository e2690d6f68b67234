"""Lists that stand in an inline script: arrays side by side, calls row by row, objects, markup."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec

from aggregator.errors import ParseError
from aggregator.model import Entry
from aggregator.parse.api import entries_in
from aggregator.parse.rows import make_entry, tidy_title
from aggregator.parse.tree import unescape
from aggregator.text import one_line
from aggregator.urls import absolute

_STRING = r"""(?:'(?:[^'\\\n]|\\.)*+'|"(?:[^"\\\n]|\\.)*+")"""
_ITEM = re.compile(rf"([A-Za-z_$][\w$]{{0,40}})\s*\[\s*+[\w$+]{{0,10}}\s*+\]\s*=\s*({_STRING})")
_STRINGS = re.compile(
    rf"([A-Za-z_$][\w$]{{0,40}})\s*[=:]\s*(?:\[|new\s+Array\s*\()\s*({_STRING}(?:\s*,\s*{_STRING})+)"
)
_CALL = re.compile(
    rf"\b([A-Za-z_$][\w$.]{{0,40}})\s*\(\s*((?:[\w.-]{{1,30}}\s*,\s*)?{_STRING}(?:\s*,\s*(?:{_STRING}|[\w.-]+))+)\s*\)"
)
_ARGUMENT = re.compile(rf"{_STRING}|[\w.-]+")
_ONE_STRING = re.compile(_STRING)
_OPENS = re.compile(r"(?:[=:(,]\s*|^[ \t]*)(\[\s*\{|\{\s*[\"'\w])", re.MULTILINE)
_PIECE = re.compile(rf"{_STRING}|[\[\]{{}}]")
_TOKEN = re.compile(
    rf"{_STRING}|![01]\b|[A-Za-z_$][\w$]*+(?=\s*(:?))|,(?=\s*[\]}}])|//[^\n]*+|/\*.*?(?:\*/|\Z)",
    re.DOTALL,
)
_TITLED = re.compile(r"""(?:title|headline|name|subject|bt)["']?\s*:""", re.IGNORECASE)
_WRITE = re.compile(rf"document\.write(?:ln)?\s*\(\s*({_STRING}(?:\s*\+\s*(?:{_STRING}|[\w.$]+))*)")
_HAN = re.compile(r"[\u4e00-\u9fff]")
_DATE = re.compile(r"(?:19|20)\d\d\D{1,3}\d{1,2}\D{1,3}\d{1,2}")
_LINK = re.compile(r"^(?:https?:)?/|^\.{1,2}/|\.(?:s?html?|jsp|aspx?|php|pdf)(?:$|\?)|^\?\w+=")
_TAG = re.compile(r"<[^<>]{0,200}>")
_MIN = 2
_MAX_SCRIPT = 2_000_000
_MAX_TREES = 20


def inline_entries(scripts: str, *, base: str, now: datetime) -> tuple[Entry, ...]:
    """Entries of a list that a script holds, or nothing.

    Args:
        scripts: the texts of the page's scripts; the first two million characters are read.
        base: what links are relative to.
        now: for dates without a year.
    """
    scripts = scripts[:_MAX_SCRIPT]
    return _parallel(scripts, base, now) or _objects(scripts, base, now)


def written_markup(scripts: str) -> str:
    """The markup that scripts write into the page, what they put in by variables left out."""
    if "document.write" not in scripts:
        return ""
    written = [
        "".join(_unquoted(piece) for piece in _ONE_STRING.findall(call))
        for call in _WRITE.findall(scripts[:_MAX_SCRIPT])
    ]
    markup = "\n".join(written)
    return markup if "<a" in markup else ""


def _unquoted(literal: str) -> str:
    return re.sub(r"\\(.)", r"\1", literal[1:-1])


def _parallel(scripts: str, base: str, now: datetime) -> tuple[Entry, ...]:
    """``urls[i]='…';headers[i]='…'``, ``var urls=['…','…']``, or ``row('…','…','…')`` again and again."""
    for lists in (_assigned(scripts), *_called(scripts)):
        entries = _of_columns(lists, base, now)
        if entries:
            return entries
    return ()


def _assigned(scripts: str) -> dict[str, list[str]]:
    arrays: dict[str, list[str]] = defaultdict(list)
    for name, literal in _ITEM.findall(scripts):
        arrays[name].append(unescape(_unquoted(literal)))
    for name, literals in _STRINGS.findall(scripts):
        if name not in arrays:
            arrays[name] = [unescape(_unquoted(x)) for x in _ONE_STRING.findall(literals)]
    return arrays


def _called(scripts: str) -> Iterator[dict[str, list[str]]]:
    calls: dict[tuple[str, int], list[list[str]]] = defaultdict(list)
    for name, arguments in _CALL.findall(scripts):
        values = [
            unescape(_unquoted(x)) if x[0] in "'\"" else x for x in _ARGUMENT.findall(arguments)
        ]
        calls[name, len(values)].append(values)
    for rows in sorted(calls.values(), key=len, reverse=True):
        if len(rows) >= _MIN:
            yield {str(at): list(column) for at, column in enumerate(zip(*rows, strict=True))}


def _of_columns(arrays: dict[str, list[str]], base: str, now: datetime) -> tuple[Entry, ...]:
    """Entries of values side by side: one column is links, one is Chinese, one may be dates."""
    lists = {name: values for name, values in arrays.items() if len(values) >= _MIN}
    links = next((n for n, v in lists.items() if all(_is_link(x, base) for x in v)), None)
    if links is None:
        return ()
    size = len(lists[links])
    same = {name: v for name, v in lists.items() if len(v) == size and name != links}
    titles = max(
        (name for name, v in same.items() if sum(bool(_HAN.search(x)) for x in v) > size / 2),
        key=lambda name: sum(len(x) for x in same[name]),
        default=None,
    )
    if titles is None:
        return ()
    whole = next(
        (n for n, v in same.items() if n != titles and all(_DATE.search(x) for x in v)), None
    )
    parts = [
        next((n for n in same if word in n.lower() and n not in {titles, links}), None)
        for word in ("year", "mon", "day")
    ]
    entries = []
    for i in range(size):
        printed = same[whole][i] if whole else None
        if not printed and all(parts):
            printed = "-".join(re.sub(r"\D", "", same[str(name)][i]) for name in parts)
        title = tidy_title(_TAG.sub("", same[titles][i]))
        if title:
            url = absolute(lists[links][i], base)
            entries.append(make_entry(title=one_line(title), url=url, date_text=printed, now=now))
    return tuple(entries)


def _is_link(text: str, base: str) -> bool:
    return bool(_LINK.search(text) and absolute(text, base))


def _objects(scripts: str, base: str, now: datetime) -> tuple[Entry, ...]:
    """``var list=[{…}]``, ``window.__INITIAL_STATE__={…}``, or a script that is JSON altogether."""
    if not _TITLED.search(scripts):
        return ()
    best: tuple[Entry, ...] = ()
    at = tried = 0
    while tried < _MAX_TREES and (found := _OPENS.search(scripts, at)):
        text = _balanced(scripts, found.start(1))
        if text and not _TITLED.search(text):
            at = found.start(1) + len(text)
            continue
        tried += 1
        tree = _tree_of(text) if text else None
        if text is None or tree is None:  # something in it may be a list all the same
            at = found.end()
            continue
        at = found.start(1) + len(text)
        try:
            entries = entries_in(tree, paths={}, base=base, now=now)
        except ParseError:
            continue
        if _dated(entries) >= _MIN and len(entries) > len(best):
            best = entries
    return best


def _dated(entries: Sequence[Entry]) -> int:
    return sum(1 for entry in entries if entry.date)


def _tree_of(text: str) -> object | None:
    """A value written as JSON, or as scripts write it: keys bare, quotes single, commas left over."""
    for form in (text, None):
        try:
            return msgspec.json.decode((form or _TOKEN.sub(_as_json, text)).encode(), type=object)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            continue
    return None


def _as_json(token: re.Match[str]) -> str:
    text = token.group()
    if text[0] in "'\"":
        return msgspec.json.encode(_unslashed(text[1:-1])).decode()
    if text[0] in ",/":
        return ""
    if text[0] == "!":
        return "true" if text[1] == "0" else "false"
    if token.group(1):
        return f'"{text}"'
    return text if text in {"true", "false", "null"} else "null"


def _unslashed(text: str) -> str:
    """A script's string without its escapes."""
    return re.sub(r"\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)", _unslash, text)


def _unslash(found: re.Match[str]) -> str:
    code = found.group(1)
    if len(code) > 1:
        return chr(int(code[1:], 16))
    return {"n": "\n", "t": "\t", "r": "\r"}.get(code, code)


def _balanced(text: str, start: int) -> str | None:
    """The bracketed text that begins at ``start``, strings heeded."""
    depth = 0
    for piece in _PIECE.finditer(text, start):
        mark = piece.group()
        if mark in "[{":
            depth += 1
        elif mark in "]}":
            depth -= 1
            if not depth:
                return text[start : piece.end()]
    return None
