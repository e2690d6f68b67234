"""Bytes to text, case by case (DOMAIN.md §6): pages written by us, each beside what it says.

A folder of ``tests/golden/encodings`` is a case: ``page.html`` as bytes and ``expected.json``
with the header that came with it, the charset that reads it, and the titles a person sees.
"""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aggregator import parse
from aggregator.model import Learned, Selectors, SourceKind
from aggregator.parse.article import read_article

PAGES = Path(__file__).parent.parent / "golden" / "encodings"
NOW = datetime(2026, 11, 27, tzinfo=UTC)


@pytest.mark.parametrize("name", sorted(path.parent.name for path in PAGES.glob("*/expected.json")))
def test_a_page_is_readable_whatever_it_says_of_itself(name: str):
    """Not a character of a title may be lost to a wrong label."""
    gold = json.loads((PAGES / name / "expected.json").read_text(encoding="utf-8"))
    body = (PAGES / name / "page.html").read_bytes()

    reading = parse.read_list(
        body, url="http://www.yunling.example/tzgg/", content_type=gold["content_type"],
        kind=SourceKind.COLUMN, now=NOW, selectors=Selectors(), learned=Learned(), json_paths={},
    )  # fmt: skip

    assert reading.charset == gold["charset"]
    assert [entry.title for entry in reading.entries] == gold["titles"]
    assert reading.title == gold["title"]
    assert all(entry.date for entry in reading.entries)


@pytest.mark.parametrize(
    "charset", ["gb2312", "GB2312", "gbk", "x-gbk", "gb18030", "GB_2312-80", "cp936", "'gb2312'"]
)
def test_every_name_of_the_chinese_charsets_is_the_widest_one(charset: str):
    """A page that says gb2312 uses whatever its editor could type."""
    text = "任命朱镕、陶喆、王堃为云岭区投资促进局副局长，任期自今日起。"
    page = f"<html><head><meta charset={charset}></head><body><h1>云岭区任免通知</h1><div>{text * 4}</div></body></html>"

    article = read_article(
        page.encode("gb18030"), url="http://www.yunling.example/1.html", content_type=None,
        now=NOW, selector=None, learned=None,
    )  # fmt: skip

    assert article.charset == "gb18030"
    assert text in article.body_text
