"""The scorer: what counts as right, and that it agrees with the one we are judged by."""

import importlib.util
from dataclasses import asdict
from pathlib import Path

import pytest

from quxun.bench import scores
from quxun.bench.golds import half_of, headlines_of, pages_of
from quxun.bench.scores import Headline, HeadlineGold, Reading, Row

GOLD = {
    "items": [
        {"title": "关于组织申报技术改造项目的通知", "url": "http://q.example/1.html", "date": "2026-03-02"},
        {"title": "云岭区重点项目集中开工", "url": None, "date": "2026-03-01"},
    ]
}  # fmt: skip


def test_a_cut_title_and_a_fragment_are_no_mistakes():
    """What every list page does to titles must not be held against a reader."""
    got = scores.score_rows(
        GOLD,
        [
            Row(title="关于组织申报技术改造…", url="http://q.example/1.html#top", date="2026/3/2"),
            Row(title="云岭区 重点项目集中开工…", date="2026-02-01"),
        ],
    )

    assert got == {
        "items_p": 1.0, "items_r": 1.0, "items_f1": 1.0, "titles": 0.5, "urls": 1.0, "dates": 0.5,
    }  # fmt: skip


def test_a_menu_read_as_rows_costs_precision():
    """Ten links of a menu beside two rows are a bad answer."""
    menu = [Row(title=f"栏目{n}", url=f"http://q.example/nav{n}/") for n in range(10)]
    rows = [Row(title=item["title"], url=item["url"]) for item in GOLD["items"]]

    got = scores.score_rows(GOLD, [*menu, *rows])

    assert (got["items_p"], got["items_r"], got["dates"]) == (2 / 12, 1.0, 0.0)
    assert scores.score_rows({"items": []}, menu) == {"empty_kept": 0.0}


def test_headlines_count_towards_what_they_name():
    """A title without a region is right only when none is invented."""
    here = "重庆市|重庆市|江津区"
    golds = [
        HeadlineGold(title="甲", regions=(here,), category="policy", also=None),
        HeadlineGold(title="乙", regions=(), category="project", also="park"),
        HeadlineGold(title="丙", regions=("浙江省",), category="policy", also=None),
    ]
    told = [
        Headline(regions=(here, "浙江省"), category="policy"),
        Headline(regions=("浙江省",), category="park"),
        Headline(regions=("浙江省||",), category="project"),
    ]

    got = scores.score_headlines(list(zip(golds, told, strict=True)))

    assert got["region_exact"] == 0.5
    assert (got["county"], got["none_invented"]) == (1.0, 0.0)
    assert got["category_lenient"] == pytest.approx(2 / 3)
    assert got["category_macro_f1"] == pytest.approx((2 / 3 + 0) / 2)


def test_all_pages_of_a_site_are_in_one_half():
    """Else a rule tuned on one page of a site would be tried on its sister page."""
    assert {half_of(name) for name in ("gz_tzgg_01", "s_gz_djxx", "cap_dfdt", "r_cap")} == {"A"}
    assert {half_of(name) for name in ("zj_dt", "s_zj_cs32007", "lg_1751", "r_hc")} == {"B"}


@pytest.mark.real
def test_our_scorer_agrees_with_the_judge(real_data: Path):
    """Figures that only our own scorer prints would prove nothing."""
    path = real_data.parent / "judges" / "quality.py"
    if not path.is_file():
        pytest.skip(f"NO JUDGE: {path} is missing")
    spec = importlib.util.spec_from_file_location("quality_judge", path)
    judge = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(judge)

    for page in pages_of(real_data, "list"):
        rows = [
            Row(title=item["title"][: 4 + n % 30], url=item["url"] if n % 3 else None, date=item["date"])
            for n, item in enumerate(page.gold["items"])
        ]  # fmt: skip
        theirs = judge.score_items(page.gold, {"items": [asdict(row) for row in rows]})
        ours = scores.score_rows(page.gold, rows)
        assert ours == pytest.approx({k: v for k, v in theirs.items() if v is not None})
    for page in pages_of(real_data, "article"):
        text = scores.plain_decode(page.raw)
        reading = Reading(title=page.gold["title"], date="2020-1-2", source="某某", text=text)
        theirs = judge.score_article(page.raw, page.gold, asdict(reading))
        ours = scores.score_article(page.raw, page.gold, reading)
        assert ours == pytest.approx({k: theirs[k] for k in ours})
        assert set(ours) >= {"title_exact", "date", "body_f1"}
    assert len({one.half for one in headlines_of(real_data)}) == 2
