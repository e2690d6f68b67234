"""Floors on real pages, read in place beside the project; they are not part of it."""

import importlib.util
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aggregator import parse
from aggregator.model import Learned, Selectors, SourceKind

SHARED = Path(__file__).resolve().parents[3] / "shared"
NOW = datetime(2025, 11, 25, tzinfo=UTC)

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        not (SHARED / "data" / "gold").is_dir(),
        reason=f"NO REAL PAGES at {SHARED}: extraction is checked on goldens only",
    ),
]


@pytest.fixture(scope="module")
def judge():
    path = SHARED / "judges" / "quality.py"
    spec = importlib.util.spec_from_file_location("quality_judge", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def golds(name):
    for path in sorted((SHARED / "data" / "gold" / name).glob("*.json")):
        gold = json.loads(path.read_text(encoding="utf-8"))
        yield gold, next((SHARED / "data" / "pages" / name).glob(gold["id"] + ".*")).read_bytes()


def mean(values):
    values = [value for value in values if value is not None]
    return sum(values) / len(values)


@pytest.mark.parametrize(
    ("name", "floor"), [("list", 0.98), ("list-sampled", 0.98), ("feed", 0.99)]
)
def test_rows_of_real_lists_are_found(judge, name, floor):
    """Learned from structure alone; a fall here is a redesign of ours, not of theirs."""
    scores = []
    for gold, body in golds(name):
        if name == "feed":
            reading = parse.read_list(
                body, url=gold["url"], content_type=None, kind=SourceKind.FEED, now=NOW,
                selectors=Selectors(), learned=Learned(), json_paths={},
            )  # fmt: skip
        else:
            _, reading = parse.detect(body, url=gold["url"], content_type=None, now=NOW)
        items = [{"title": e.title, "url": e.url, "date": e.date} for e in reading.entries]
        scores.append(judge.score_items(gold, {"items": items}))

    assert mean(score["items_f1"] for score in scores) >= floor
    assert mean(score["dates"] for score in scores) >= 0.97


@pytest.mark.parametrize("name", ["article", "article-sampled"])
def test_real_articles_are_read(judge, name):
    """Title, source and body, without what stands around them."""
    scores = []
    for gold, body in golds(name):
        got = parse.read_article(
            body, url=gold["url"], content_type=None, now=NOW, selector=None, learned=None
        )
        told = {
            "title": got.title,
            "date": got.date_text,
            "source": got.source_text,
            "text": got.body_text,
        }
        scores.append(judge.score_article(body, gold, told))

    assert mean(score["title_exact"] for score in scores) >= 0.95
    assert mean(score["body_f1"] for score in scores) >= 0.97
    assert mean(score["date"] for score in scores) >= 0.9
