"""Kind and categories of our own headlines, written after the patterns of DOMAIN.md §9 to §11."""

from __future__ import annotations

import csv
import re
import sys
from collections import Counter
from pathlib import Path

import pytest

from aggregator import normalise
from aggregator.model import Flag, Kind
from aggregator.normalise.kinds import read_subject
from aggregator.normalise.lexicon import lexicon
from aggregator.text import fold
from quxun.bench.floors import floor

TEXT = (Path(__file__).parent / "headlines.tsv").read_text(encoding="utf-8")
ROWS = list(csv.DictReader(TEXT.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE))
POLICY = {"policy", "application", "interpretation"}
PROJECT = {"project", "land", "park", "promo"}


def first(title: str, **more: str) -> str:
    """The category that a title gets first."""
    return read_subject(title, **more).categories[0].slug


def test_headlines_get_their_category() -> None:
    """A notice in the wrong column is a notice that its readers miss."""
    wrong = [
        f"{row['title']}: {first(row['title'])}, not {row['slug']}"
        for row in ROWS
        if first(row["title"]) not in {row["slug"], row["also"]}
    ]

    right = 1 - len(wrong) / len(ROWS)
    sys.stdout.write(f"subjects.own.lenient {right:.3f} of {len(ROWS)}\n")
    assert right >= floor("subjects.own.lenient"), "\n".join(wrong)


def test_every_category_is_found_and_believed() -> None:
    """A lexicon that calls everything a policy would be right half the time, and useless."""
    said = Counter(first(row["title"]) for row in ROWS)
    wanted = Counter(row["slug"] for row in ROWS)
    right = Counter(row["slug"] for row in ROWS if first(row["title"]) == row["slug"])

    scores = {slug: 2 * right[slug] / (wanted[slug] + said[slug]) for slug in wanted}
    macro = sum(scores.values()) / len(scores)
    sys.stdout.write(f"subjects.own.macro_f1 {macro:.3f}\n")
    assert macro >= floor("subjects.own.macro_f1"), scores


def test_news_of_the_office_is_neither_policy_nor_project() -> None:
    """Feeds of policies and projects are read for money; a leader's visit there is noise."""
    news = [row["title"] for row in ROWS if row["slug"] == "other" and not row["also"]]

    assert [t for t in news if read_subject(t).kind is not Kind.OTHER] == []


def test_reasons_name_words_that_stand_there() -> None:
    """``why`` can be checked by anyone who reads the title: the words, and where they stood."""
    for row in ROWS:
        heading = fold(row["title"])
        for one in normalise.classify_title(row["title"]).categories:
            assert one.why, row["title"]
            for place, word in re.findall(r"标题第(\d+)字“([^”]+)”", one.why):
                assert heading[int(place) - 1 :].startswith(word), one.why
            for word in re.findall(r"(?:标题末|标题首|所印发文件末)“([^”]+)”", one.why):
                assert word in heading, one.why


def test_the_kind_is_that_of_the_first_category() -> None:
    """The two top feeds are made of the columns below them."""
    for row in ROWS:
        got = read_subject(row["title"])
        slug = got.categories[0].slug
        wanted = Kind.POLICY if slug in POLICY else Kind.PROJECT if slug in PROJECT else Kind.OTHER
        assert got.kind is wanted or Flag.STATUS_CHANGE in got.flags, row["title"]


@pytest.mark.parametrize(
    ("title", "column", "slug"),
    [
        ("关于东原区设备更新的几点说明", "政策解读", "interpretation"),
        ("东原区设备更新二十问", "首页 > 政务公开 > 政策解读", "interpretation"),
        ("东原区关于设备更新", "政策文件", "policy"),
        ("东原区储能电站", "重点项目", "project"),
        ("东原区某学校课桌椅", "政府采购", "tender"),
        ("东原区教师名额", "招考录用", "talent"),
        ("东原区设备更新十条措施", "", "policy"),
        ("关于召开设备更新会议的情况", "工作动态", "other"),
    ],
)
def test_the_column_outweighs_weak_words_of_the_title(title: str, column: str, slug: str) -> None:
    """A portal knows what it files where: ColumnType is the best classifier there is."""
    assert first(title, column=column) == slug


def test_what_the_operator_set_outweighs_all() -> None:
    """An operator who says that a column is one of land sales has looked at it."""
    got = read_subject("政府采购招标公告", column="政府采购", given="land")

    assert got.categories[0].slug == "land"
    assert got.categories[0].why.startswith("来源栏目设置")
    assert got.kind is Kind.PROJECT


def test_the_body_decides_only_where_the_title_says_nothing() -> None:
    """Bodies hold every word there is."""
    body = "总投资十亿元的项目集中开工，项目签约落户。" * 3

    assert first("关于印发设备补助办法的通知", body=body) == "policy"


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("关于公布设备补助申报结果的公示", "notice"),
        ("户口落户须知", "guide"),
        ("区招商局召开全局会议", "other"),
        ("某产业园有限公司股权公开转让", "other"),
        ("推介会现场签约十个项目", "promo"),
        ("关于延期开标的通知", "tender"),
        ("关于规范招标投标活动的若干意见", "policy"),
        ("土地出让网上交易流程", "guide"),
    ],
)
def test_the_end_of_a_title_and_longer_phrases_win(title: str, slug: str) -> None:
    """What a document is outweighs what it is about, and 招商局 is no 招商."""
    assert first(title) == slug


def test_the_lexicon_says_only_what_we_know() -> None:
    """A slug mistyped in the data would be a category that no feed has."""
    known = lexicon()
    slugs = set(known.slugs)
    rules = [rule for rules in known.forms.values() for rule in rules]
    rules += [rule for _, rule in known.frames] + [rule for _, rule in known.columns]

    assert slugs == POLICY | PROJECT | {
        "guide", "innovation", "talent", "notice", "tender", "other",
    }  # fmt: skip
    assert all(set(rule.gives) <= slugs for rule in rules)
    assert set(known.kinds) <= slugs


def test_only_documents_are_repealed_or_prolonged() -> None:
    """A race that keeps a custom alive changes no policy."""
    assert read_subject("龙舟赛延续端午习俗").kind is Kind.OTHER
    assert Flag.STATUS_CHANGE in read_subject("关于延续执行留抵退税政策的公告").flags
