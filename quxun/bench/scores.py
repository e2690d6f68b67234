"""How an answer compares with its gold: rows, articles, headlines. Pure.

The definitions are those by which extraction of this kind is judged elsewhere too: white space
never counts, a title cut with ``…`` equals its beginning, bodies are compared as bags of
characters and words, rows are matched one to one by address, else by title.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urldefrag

from lxml import html

_SPACE = re.compile(r"[\s\u3000\xa0\u200b\u200c\u200d\ufeff\u2002\u2003]+")
_TOKEN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]|[A-Za-z0-9]+")
_DAY = re.compile(r"((?:19|20)\d\d)\D{1,2}(\d{1,2})\D{1,2}(\d{1,2})")
_DECLARED = re.compile(rb"(?:charset|encoding)=[\"']?\s*([\w-]+)")
_UNSEEN = frozenset({"script", "style", "noscript", "head", "select", "textarea"})

Scores = dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of a list as somebody found it."""

    title: str | None
    url: str | None = None
    date: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One article as somebody read it; what was not found is None."""

    title: str | None = None
    date: str | None = None
    source: str | None = None
    text: str | None = None
    regions: tuple[str, ...] = ()
    doc_number: str | None = None
    attachments: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """What a title alone was taken for; regions are ``省|市|区县``."""

    regions: tuple[str, ...] = ()
    category: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadlineGold:
    """What a title really says; ``also`` is a second category that is right too."""

    title: str
    regions: tuple[str, ...]
    category: str
    also: str | None
    half: str = field(default="")


def squeeze(text: str | None) -> str:
    """Text without any white space."""
    return _SPACE.sub("", text or "")


def day_of(text: str | None) -> str | None:
    """The first day in a text as ``YYYY-MM-DD``."""
    found = _DAY.search(text or "")
    return f"{found[1]}-{int(found[2]):02d}-{int(found[3]):02d}" if found else None


def f1(gold: Counter[str], got: Counter[str]) -> float:
    """Harmonic mean of precision and recall of one bag of words beside another."""
    same = sum((gold & got).values())
    return 2 * same / (sum(gold.values()) + sum(got.values())) if same else 0.0


def tokens(text: str | None) -> Counter[str]:
    """Chinese characters one by one, other words whole."""
    return Counter(_TOKEN.findall(text or ""))


def mean(values: Iterable[float | None]) -> float | None:
    """The mean of what could be scored; None where nothing could."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def plain_decode(raw: bytes) -> str:
    """How a page is decoded for scoring and for libraries that want text: as it says, else tried."""
    found = _DECLARED.search(raw[:4000])
    said = found[1].decode("ascii").lower() if found else "utf-8"
    for name in ("gb18030" if said in {"gb2312", "gbk"} else said, "utf-8", "gb18030"):
        try:
            return raw.decode(name)
        except (LookupError, UnicodeDecodeError):
            continue
    return raw.decode("gb18030", "replace")


def score_rows(gold: Mapping[str, Any], rows: Sequence[Row]) -> Scores:
    """Rows found of a page's gold.

    Returns:
        ``items_p``, ``items_r``, ``items_f1``; the share of the gold's ``titles``, ``urls`` and
        ``dates`` that were right; for a page without rows ``empty_kept`` alone.
    """
    wanted: list[Mapping[str, Any]] = gold["items"]
    if not wanted:
        return {"empty_kept": float(not rows)}
    pairs = _matched(wanted, rows)
    scores = {
        "items_p": len(pairs) / len(rows) if rows else 0.0,
        "items_r": len(pairs) / len(wanted),
        "items_f1": 2 * len(pairs) / (len(rows) + len(wanted)),
        "titles": sum(_title(g["title"]) == _title(r.title) for g, r in pairs) / len(wanted),
    }
    if linked := sum(1 for g in wanted if g.get("url")):
        right = sum(bool(g.get("url")) and _address(r.url) == _address(g["url"]) for g, r in pairs)
        scores["urls"] = right / linked
    if dated := sum(1 for g in wanted if g.get("date")):
        right = sum(bool(g.get("date")) and day_of(r.date) in _days(g) for g, r in pairs)
        scores["dates"] = right / dated
    return scores


def score_article(raw: bytes, gold: Mapping[str, Any], got: Reading) -> Scores:
    """Title, date, source, body and what else an article's gold holds.

    Returns:
        ``title_exact``, ``date``, and where the gold tells ``source``, ``body_f1``, ``region``,
        ``doc_number``, ``attachments_found``.
    """
    scores = {
        "title_exact": float(squeeze(got.title) == squeeze(gold["title"])),
        "date": float(day_of(got.date) in _days(gold)),
    }
    if gold.get("source"):
        scores["source"] = float(squeeze(got.source) == squeeze(gold["source"]))
    if body := _gold_body(raw, gold):
        scores["body_f1"] = f1(tokens(body), tokens(got.text))
    if gold.get("regions") is not None:
        scores["region"] = float(bool(_regions(gold["regions"]) & _regions(got.regions)))
    if gold.get("doc_number"):
        scores["doc_number"] = float(_number(got.doc_number) == _number(gold["doc_number"]))
    if gold.get("attachments_only"):
        scores["attachments_found"] = float(got.attachments > 0)
    return scores


def score_headlines(pairs: Sequence[tuple[HeadlineGold, Headline]]) -> Scores:
    """Regions and first categories of headlines, over all of them.

    ``county`` counts titles that name a county-level region, ``none_invented`` those that name
    none; ``category_macro_f1`` is the mean over the categories of the gold.
    """
    seen: dict[str, list[float]] = defaultdict(list)
    tally: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for gold, got in pairs:
        want, have = _regions(gold.regions), _regions(got.regions)
        if want:
            seen["region_exact"].append(want == have)
            if counties := {one for one in want if not one.endswith("|")}:
                seen["county"].append(bool(counties & have))
        else:
            seen["none_invented"].append(not have)
        if got.category is not None:
            seen["category_lenient"].append(got.category in {gold.category, gold.also})
            tally[gold.category][0] += 1
            tally[gold.category][1] += got.category == gold.category
            tally[got.category][2] += 1
    scores = {name: sum(values) / len(values) for name, values in seen.items()}
    each = [2 * right / (real + said) for real, right, said in tally.values() if real]
    if each:
        scores["category_macro_f1"] = sum(each) / len(each)
    return scores


def _matched(
    wanted: Sequence[Mapping[str, Any]], rows: Sequence[Row]
) -> list[tuple[Mapping[str, Any], Row]]:
    """Gold and found rows that belong together, each used once: by address, else by title."""
    by_address: dict[str, int] = {}
    by_title: dict[str, list[int]] = defaultdict(list)
    for number, row in enumerate(rows):
        if address := _address(row.url):
            by_address.setdefault(address, number)
        by_title[_title(row.title)].append(number)
    used: set[int] = set()
    pairs = []
    for gold in wanted:
        places = [by_address.get(_address(gold.get("url")), -1)]
        for title in (gold["title"], gold.get("shown") or gold["title"]):
            places.extend(by_title.get(_title(title), ()))
        for place in places:
            if place >= 0 and place not in used:
                used.add(place)
                pairs.append((gold, rows[place]))
                break
    return pairs


def _title(text: str | None) -> str:
    return re.sub(r"[.…\s]+$", "", squeeze(text)).replace("…", "")


def _address(url: str | None) -> str:
    return urldefrag(url or "")[0]


def _days(gold: Mapping[str, Any]) -> list[str]:
    return [gold["date"], *gold.get("date_alt", [])]


def _regions(names: Iterable[str]) -> set[str]:
    padded = {"|".join(part.strip() for part in (*n.split("|"), "", "")[:3]) for n in names}
    return padded - {"||"}


def _number(text: str | None) -> str:
    return re.sub(r"[\[\]()（）【】﹝﹞〔〕]", "|", squeeze(text))


def _gold_body(raw: bytes, gold: Mapping[str, Any]) -> str | None:
    """The body cut out of the page: the gold holds its beginning, length and digest."""
    text = _visible(plain_decode(raw))
    at = text.find(gold["body_start"])
    while at >= 0:
        body = text[at : at + gold["body_chars"]]
        if hashlib.sha1(body.encode(), usedforsecurity=False).hexdigest() == gold["body_sha1"]:
            return body
        at = text.find(gold["body_start"], at + 1)
    return None


def _visible(markup: str) -> str:
    pieces: list[str] = []

    def walk(element: html.HtmlElement) -> None:
        if isinstance(element.tag, str) and element.tag not in _UNSEEN:
            pieces.append(element.text or "")
            for child in element:
                walk(child)
                pieces.append(child.tail or "")

    walk(html.document_fromstring(markup))
    return squeeze("".join(pieces))
