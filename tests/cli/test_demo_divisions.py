"""Commands beside a demonstration know its invented divisions, as its pages do."""

from __future__ import annotations

import json

import pytest

from aggregator.settings import load_settings
from quxun.embedded import Urls, settings_of

DIVISIONS = [
    ("990000", "兰屿省", None),
    ("990100", "兰屿市", "990000"),
    ("990104", "竹屿区", "990100"),
]


@pytest.fixture
def demo(offline):
    """The command on a home that held a demonstration, with nothing running."""
    home = offline.folder / "home"
    home.mkdir()
    (home / "demo-divisions.json").write_text(json.dumps(DIVISIONS), encoding="utf-8")
    offline.folder.chmod(0o755)
    return offline


def test_filters_name_the_demonstrations_regions_by_name_and_code(demo):
    """What the pages of the demonstration offer can be typed, too."""
    hook = "https://portal.example/hook"
    added = demo.run("webhooks", "add", hook, "--filter", "region=竹屿区", "--json").json
    reader = demo.run(
        "subscribers", "add", "x@y.example", "--filter", "region=990104", "--confirmed", "--json"
    ).json
    found = demo.run("search", "公告", "--filter", "region=竹屿区", "--json").json

    assert added["filter"] == "region=990104"
    assert [one["filter"] for one in reader["subscriptions"]] == ["region=990104"]
    assert found["total"] == 0


def test_a_real_service_never_knows_an_invented_region(demo):
    """A home that is left over invents nothing for a database of its own."""
    done = demo.run(
        "search", "公告", "--filter", "region=990104", code=2,
        database_url="postgresql://nobody@127.0.0.1:1/none",
    )  # fmt: skip

    assert "990104" in done.complaint


def test_the_divisions_stay_known_when_the_service_runs_without_its_demonstration(tmp_path):
    """Its notices are in the store still."""
    (tmp_path / "demo-divisions.json").write_text(json.dumps(DIVISIONS), encoding="utf-8")
    urls = Urls(database="postgresql://db", broker="unix:///b", demo=False)

    assert load_settings(**settings_of(load_settings(home=tmp_path), urls)).demo
