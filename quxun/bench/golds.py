"""Pages with gold answers, read where they lie, and the halves that they are split into."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aggregator.errors import QuxunError
from aggregator.settings import real_data_folder
from quxun.bench.scores import HeadlineGold

#: Sites by the first word of a page's name, less a leading ``r_`` or ``s_`` (drawn at random).
#: Rules may be tuned on pages of half A; half B only shows how they generalise.
HALF_A = frozenset({"cap", "dfa66", "eid", "gne", "gz"})
_HALVES = ("list", "article")


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldPage:
    """A page as fetched, and what is right about it; ``half`` is empty where there is none."""

    name: str
    half: str
    raw: bytes
    gold: dict[str, Any]


def data_folder(given: Path | None) -> Path | None:
    """The folder that was named, that of QUXUN_REAL_DATA, or ``../shared/data``; None if missing.

    Raises:
        QuxunError: a folder was named and is not there.
    """
    told = given or real_data_folder()
    folder = told or Path(__file__).resolve().parents[3] / "shared" / "data"
    if (folder / "gold").is_dir():
        return folder
    if told:
        raise QuxunError(f"{folder} holds no gold answers; say where they lie (QUXUN_REAL_DATA)")
    return None


def sets_of(folder: Path) -> list[str]:
    """The sets of a folder that this bench can score, by the beginning of their names."""
    names = sorted(path.name for path in (folder / "gold").iterdir() if path.is_dir())
    return [name for name in names if name.startswith(("list", "article", "feed"))]


def pages_of(folder: Path, name: str) -> list[GoldPage]:
    """The pages of one set that are there, by name.

    Raises:
        QuxunError: the set is unknown, or none of its pages is there.
    """
    found = list(_pages(folder, name))
    if not found:
        raise QuxunError(f'{folder} has no pages of a set "{name}"; it has {sets_of(folder)}')
    return found


def _pages(folder: Path, name: str) -> Iterator[GoldPage]:
    for path in sorted((folder / "gold" / name).glob("*.json")):
        gold = json.loads(path.read_text(encoding="utf-8"))
        page = folder / "pages" / str(gold.get("file") or f"{name}/{gold['id']}.html")
        if page.is_file():
            half = half_of(gold["id"]) if name.startswith(_HALVES) else ""
            yield GoldPage(name=gold["id"], half=half, raw=page.read_bytes(), gold=gold)


def half_of(name: str) -> str:
    """The half of a page, by its name: all pages of a site are in the same."""
    return "A" if name.removeprefix("r_").removeprefix("s_").split("_")[0] in HALF_A else "B"


def headlines_of(folder: Path) -> list[HeadlineGold]:
    """The labelled headlines, split by where they were found (``titles.tsv``).

    A source is in half A when the SHA-256 of its name begins with an even byte.
    """
    path = folder / "titles.tsv"
    if not path.is_file():
        return []
    with path.open(encoding="utf-8") as file:
        rows = csv.DictReader(
            (line for line in file if not line.startswith("#")),
            delimiter="\t",
            quoting=csv.QUOTE_NONE,
        )
        return [
            HeadlineGold(
                title=row["title"],
                regions=tuple(row["region"].split(";")) if row["region"] else (),
                category=row["category"],
                also=row["also"] or None,
                half="B" if hashlib.sha256(_site(row["origin"])).digest()[0] % 2 else "A",
            )
            for row in rows
        ]


def _site(origin: str) -> bytes:
    return origin.partition(":")[0].partition(" (")[0].partition("/000")[0].encode()
