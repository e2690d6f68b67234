"""Articles written after the patterns of DOMAIN.md, beside what a person reads in them."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aggregator import parse
from aggregator.errors import ParseError
from aggregator.model import ArticleShape

GOLDEN = Path(__file__).parent.parent / "golden"
NAMES = sorted(path.parent.name for path in GOLDEN.glob("*/article.json"))
NOW = datetime(2025, 8, 20, 4, 0, tzinfo=UTC)


def read(body: bytes, url: str, *, selector=None, learned=None):
    return parse.read_article(
        body, url=url, content_type=None, now=NOW, selector=selector, learned=learned
    )


@pytest.mark.parametrize("name", NAMES)
def test_an_article_says_what_a_person_reads(name):
    """Its own title, date, source, header, body and files; nothing of the page around it."""
    gold = json.loads((GOLDEN / name / "article.json").read_text(encoding="utf-8"))

    got = read((GOLDEN / name / "page.html").read_bytes(), gold["url"])

    assert got.title == gold["title"]
    assert got.body_text.split("\n") == gold["lines"]
    assert (got.date_text, got.source_text) == (gold["date_text"], gold["source"])
    assert got.fields == gold["fields"]
    assert got.meta == gold["meta"]
    assert list(got.breadcrumbs) == gold["breadcrumbs"]
    assert [[a.name, a.url, a.media_type] for a in got.attachments] == gold["attachments"]
    assert "<script" not in got.body_html


@pytest.mark.parametrize("name", NAMES)
def test_what_was_learned_of_one_article_finds_the_next(name):
    """The learned shape is tried first, and a shape that finds nothing is dropped."""
    gold = json.loads((GOLDEN / name / "article.json").read_text(encoding="utf-8"))
    body = (GOLDEN / name / "page.html").read_bytes()
    first = read(body, gold["url"])

    again = read(body, gold["url"], learned=first.shape)
    moved = read(body, gold["url"], learned=ArticleShape(body="div.gone>div.away"))

    assert again.body_text == moved.body_text == first.body_text
    assert again.shape_kept == (first.shape is not None)
    assert not moved.shape_kept
    assert moved.shape == first.shape


def test_an_operator_can_say_where_the_body_is():
    """A given selector wins over all guessing; a wrong one is told and not obeyed."""
    page = (
        "<body><h1>关于停水的通知公告</h1><div class=a>甲</div><div class=b>乙乙乙</div>".encode()
    )

    told = read(page, "http://q.example/1.html", selector="div.a")
    wrong = read(page, "http://q.example/1.html", selector="div.nowhere")

    assert told.body_text == "甲"
    assert "div.nowhere" in wrong.notes[0]
    with pytest.raises(ParseError, match="no CSS"):
        read(page, "http://q.example/1.html", selector="div[[")
