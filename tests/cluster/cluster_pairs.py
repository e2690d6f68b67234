"""The project's own pairs: notices with their reprints, and with what only looks like them."""

from __future__ import annotations

import tomllib
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from aggregator import normalise
from aggregator.model import Article, Draft

NOW = datetime(2026, 11, 25, 2, 30, tzinfo=UTC)
FILE = Path(__file__).with_name("notices.toml")
HALVES = ("tuned", "other")


@dataclass(frozen=True)
class Pair:
    """Two drafts, whether they are one announcement, and what the second is to the first."""

    a: Draft
    b: Draft
    same: bool
    shape: str
    half: str


@dataclass(frozen=True)
class Family:
    """A notice, its reprints, and its lookalikes (each an announcement of its own)."""

    id: str
    half: str
    reprints: tuple[Draft, ...]
    lookalikes: tuple[Draft, ...]
    pairs: tuple[Pair, ...]


def made(title: str, text: str, day: str, url: str = "") -> Draft:
    """A draft as a page would give it."""
    lines = "".join(f"<p>{line}</p>" for line in text.splitlines())
    article = Article(url=url, title=title, body_html=lines, body_text=text, date_text=day)
    return normalise.draft_page(article, now=NOW)


def families() -> list[Family]:
    """Every notice of the file. Its half is drawn from its id: families do not straddle."""
    return [_family(one) for one in tomllib.loads(FILE.read_text(encoding="utf-8"))["notice"]]


def _family(notice: dict) -> Family:
    half = HALVES[zlib.crc32(notice["id"].encode()) // 7 % 2]
    base = made(notice["title"], notice["text"], notice["posted"])
    found = {True: [], False: []}
    pairs = []
    for same, word in ((True, "same"), (False, "apart")):
        for variant in notice.get(word, ()):
            other = made(
                variant["title"], _text(notice, variant), variant.get("posted", notice["posted"])
            )
            found[same].append(other)
            shape = f"{notice['id']}: {variant['shape']}"
            pairs.append(Pair(base, other, same, shape, half))
    return Family(notice["id"], half, (base, *found[True]), tuple(found[False]), tuple(pairs))


def _text(notice: dict, variant: dict) -> str:
    text = variant.get("text", notice["text"])
    for before, after in variant.get("edits", ()):
        assert before in text, f"{notice['id']}: {before} is not in the text"
        text = text.replace(before, after)
    parts = (variant.get("head", ""), text, variant.get("tail", ""))
    return "\n".join(part for part in parts if part)


@dataclass(frozen=True)
class Figures:
    """Precision and recall of what was called the same, and the pairs that went wrong."""

    true: int
    false: int
    lumped: tuple[str, ...]
    missed: tuple[str, ...]

    @property
    def precision(self) -> float:
        found = self.true - len(self.missed)
        return found / max(found + len(self.lumped), 1)

    @property
    def recall(self) -> float:
        return 1 - len(self.missed) / max(self.true, 1)

    def __str__(self) -> str:
        return (
            f"{self.true} true and {self.false} false pairs: precision {self.precision:.3f},"
            f" recall {self.recall:.3f}; lumped {self.lumped}; missed {self.missed}"
        )


def judged(pairs: list[Pair], same) -> Figures:
    """How a rule does on pairs."""
    said = [(pair, same(pair.a, pair.b)) for pair in pairs]
    return Figures(
        true=sum(pair.same for pair in pairs),
        false=sum(not pair.same for pair in pairs),
        lumped=tuple(pair.shape for pair, one in said if one and not pair.same),
        missed=tuple(pair.shape for pair, one in said if pair.same and not one),
    )
