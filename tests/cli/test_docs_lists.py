"""What exists is found in docs/, and what docs/ name exists."""

from __future__ import annotations

import re
from pathlib import Path

from aggregator.filters import CATEGORIES
from aggregator.settings import Settings
from feeds.names import KIND_NAMES, filter_of

DOCS = Path(__file__).resolve().parents[2] / "docs"


def first_cells(page: str) -> list[list[str]]:
    """The words in code type of the first cell of every row of a page's tables."""
    lines = (DOCS / page).read_text(encoding="utf-8").splitlines()
    return [re.findall(r"`([^`]+)`", line.split("|")[1]) for line in lines if line.startswith("|")]


def test_every_setting_is_in_the_table_and_no_other():
    """A setting that nobody can find is not a setting."""
    named = [word for cell in first_cells("settings.md") for word in cell]

    assert named == [f"QUXUN_{field.upper()}" for field in Settings.model_fields]


def test_the_defaults_in_the_table_are_the_defaults():
    """A number in the docs that is wrong costs an operator an afternoon."""
    text = (DOCS / "settings.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `QUXUN_(\w+)` \| `([^`]*)` \|", text, re.MULTILINE))
    told = {name: value for name, value in rows.items() if name != "PUBLIC_URL"}

    for name, value in told.items():
        default = Settings.model_fields[name.lower()].get_default()
        said = {"true": True, "false": False}.get(value, value)
        assert type(default)(said) == default, name
    assert len(told) >= 13


def test_every_queue_and_task_is_in_the_celery_page():
    """An operator scales queues; one that is not listed starves."""
    from tasks.app import QUEUES, app

    app.loader.import_default_modules()
    text = (DOCS / "celery.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]*) \|", text, re.MULTILINE))
    tasks = {name for name in app.tasks if not name.startswith("celery.")}

    assert set(QUEUES) <= set(rows)
    told = {name for queue in QUEUES for name in re.findall(r"`([\w.]+)`", rows[queue])}
    assert told == tasks


def test_every_feed_is_in_the_feeds_page():
    """A consuming site reads one page and must find every name there."""
    text = (DOCS / "feeds.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([\w./-]+)`", text))

    assert {"all", *KIND_NAMES, *CATEGORIES} <= named
    rows = [word for cell in first_cells("feeds.md") for word in cell]
    unknown = [one for one in rows if "?" not in one and filter_of(one) is None]
    assert unknown == []
