"""The seed page, read in place. What other third-party pages must reach: tests/bench."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from aggregator import normalise, parse
from aggregator.model import Draft

pytestmark = pytest.mark.real

NOW = datetime(2026, 11, 25, tzinfo=UTC)


def seed(real_data: Path, name: str) -> Draft:
    """The record of the seed page in one of its markups."""
    article = parse.read_article(
        (real_data / "seed" / name).read_bytes(),
        url="http://portal.example/x",
        content_type=None,
        now=NOW,
        selector=None,
        learned=None,
    )
    return normalise.draft_page(article, now=NOW)


@pytest.mark.parametrize("name", ["page.html", "page-one-container.html"])
def test_the_seed_page_gives_its_record(real_data: Path, name: str) -> None:
    """Title, day and district right, the doubled body once, no sidebar in it."""
    made = seed(real_data, name)

    assert "江津区" in made.title
    assert made.posted_at is not None
    assert made.posted_at.astimezone(normalise.SHANGHAI).date().isoformat() == "2025-08-13"
    assert [region.code for region in made.regions] == ["500116"]
    lines = [line for line in made.body_text.splitlines() if len(line) > 20]
    assert len(lines) == len(set(lines))
    assert made.body_text.count("政策背景") == 1
    assert "更多项目" not in made.body_text
    assert "企业入驻" not in made.body_text
