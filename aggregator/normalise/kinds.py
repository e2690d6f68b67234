"""Kind and categories, with the words that decided and where they stood (DOMAIN.md §9)."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from aggregator.model import Category, Flag, Kind
from aggregator.text import fold, shorten

_BODY_SHARE = 0.2
_BODY_MOST = 3
_BODY_CHARS = 600
_COLUMN_SHARE = 0.6
_COLUMN_TYPES = {"政策文件": "policy", "政策解读": "interpretation", "政策法规": "policy", "规范性文件": "policy"}  # fmt: skip
_STATUS = ("废止", "失效", "修改", "延续", "延长", "宣布失效")
#: A draft that is asked about; 关于征求《…实施意见》意见 holds the word twice.
_DRAFTS = re.compile(
    r"意见稿|公开征求|意见征[集求]|征(?:求|集)[^。]{0,80}?(?<!实施)(?<!指导)(?<!若干)(?<!管理)意见"
)
_AT_LEAST = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a notice is about, and why we think so."""

    kind: Kind
    kind_why: str
    categories: tuple[Category, ...]
    flags: tuple[Flag, ...]


@dataclass(frozen=True, slots=True)
class _Lexicon:
    also: float
    exclude: dict[str, tuple[str, ...]]
    kinds: dict[str, Kind]
    words: dict[str, dict[str, float]]
    patterns: dict[str, tuple[tuple[re.Pattern[str], float], ...]]


def read_subject(
    title: str,
    *,
    body: str = "",
    column: str = "",
    given: str | None = None,
    doc_number: str | None = None,
    authority_policy: bool = False,
) -> Subject:
    """Judge a notice.

    Args:
        title: as tidied.
        body: its text, of which the beginning counts.
        column: the column's name or ColumnType meta tag.
        given: the category that the operator set for the source; it wins.
        doc_number: a document number of its own speaks for a policy.
        authority_policy: the column is one of policy documents.
    """
    lexicon = _lexicon()
    scores, reasons = _score(title, body, column, lexicon)
    if doc_number:
        _add(scores, reasons, "policy", 1.5, f"文号 {doc_number}")
    for word, slug in _COLUMN_TYPES.items():
        if word in column or authority_policy:
            _add(scores, reasons, slug, 1.0, f"栏目“{column or word}”")
            break
    flags = _flags(title, scores, reasons, lexicon)
    ranked = sorted(
        ((score, slug) for slug, score in scores.items() if score >= _AT_LEAST),
        key=lambda one: (-one[0], list(lexicon.words).index(one[1])),
    )
    best = ranked[0][0] if ranked else 0.0
    slugs = [slug for score, slug in ranked if score >= best * lexicon.also][:4]
    if given:
        slugs = [given, *(slug for slug in slugs if slug != given)]
        reasons.setdefault(given, []).insert(0, "来源栏目设置")
    if not slugs:
        slugs, reasons["other"] = ["other"], ["无类别词"]
    kind = lexicon.kinds.get(slugs[0], Kind.OTHER)
    if (
        Flag.STATUS_CHANGE in flags
        and Flag.DRAFT not in flags
        and slugs[0] in {"policy", "notice", "other"}
    ):
        kind = Kind.POLICY
    return Subject(
        kind=kind,
        kind_why="；".join(reasons.get(slugs[0], ())),
        categories=tuple(
            Category(slug=slug, why="；".join(reasons.get(slug, ("",)))) for slug in slugs
        ),
        flags=flags,
    )


def _score(
    title: str, body: str, column: str, lexicon: _Lexicon
) -> tuple[dict[str, float], dict[str, list[str]]]:
    scores: dict[str, float] = {}
    reasons: dict[str, list[str]] = {}
    heading, start, place = fold(title), fold(body[:_BODY_CHARS]), fold(column)
    for slug, words in lexicon.words.items():
        taken: list[str] = []
        for word, weight in sorted(words.items(), key=lambda one: -len(one[0])):
            if word in heading and not any(word in longer for longer in taken):
                taken.append(word)
                _add(scores, reasons, slug, weight, f"标题“{word}”")
            elif place and word in place:
                _add(scores, reasons, slug, weight * _COLUMN_SHARE, f"栏目“{word}”")
            elif start and word in start and len(word) >= _BODY_MOST - 1:
                _add(scores, reasons, slug, weight * _BODY_SHARE, f"正文“{word}”")
    for slug, patterns in lexicon.patterns.items():
        for pattern, weight in patterns:
            found = pattern.search(heading)
            if found:
                _add(scores, reasons, slug, weight, f"标题“{shorten(found.group(), 20)}”")
    return scores, reasons


def _flags(
    title: str, scores: dict[str, float], reasons: dict[str, list[str]], lexicon: _Lexicon
) -> tuple[Flag, ...]:
    flags: list[Flag] = []
    if any(word in title.replace("修改意见", "") for word in _STATUS):
        flags.append(Flag.STATUS_CHANGE)
    if asked := _DRAFTS.search(title):
        flags.append(Flag.DRAFT)
        # What is only asked about is no policy in force.
        most = max(scores.get("notice", 0.0), scores.get("policy", 0.0) + 1.0)
        _add(scores, reasons, "notice", most - scores.get("notice", 0.0), f"标题“{asked.group()}”")
    ours = max((scores.get(s, 0.0) for s in ("project", "land", "park", "application")), default=0)
    not_ours = any(word in title for words in lexicon.exclude.values() for word in words)
    strong = 3.0
    tender = scores.get("tender", 0.0) > max(ours, scores.get("policy", 0.0), strong - 1)
    if (not_ours and ours < strong) or tender:
        flags.append(Flag.EXCLUDED)
    return tuple(flags)


def _add(
    scores: dict[str, float], reasons: dict[str, list[str]], slug: str, weight: float, why: str
) -> None:
    scores[slug] = scores.get(slug, 0.0) + weight
    said = reasons.setdefault(slug, [])
    if len(said) < _BODY_MOST + 1:
        said.append(why)


@cache
def _lexicon() -> _Lexicon:
    text = (files("aggregator.normalise") / "lexicon.toml").read_text(encoding="utf-8")
    read = tomllib.loads(text)
    return _Lexicon(
        also=float(read["also"]),
        exclude={name: tuple(words) for name, words in read["exclude"].items()},
        kinds={slug: Kind(kind) for kind, slugs in read["kinds"].items() for slug in slugs},
        words={
            slug: {fold(word): float(weight) for word, weight in words.items()}
            for slug, words in read["category"].items()
        },
        patterns={
            slug: tuple((re.compile(shape), float(weight)) for shape, weight in shapes.items())
            for slug, shapes in read["pattern"].items()
        },
    )
