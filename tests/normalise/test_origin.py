"""Where a notice is from and when: each answer with its evidence, and no lie believed."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from aggregator import dates, normalise
from aggregator.model import Article, Draft, Flag

NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
TEXT = "为支持企业更新设备，现就有关事项通知如下，请各有关单位认真组织实施。\n临溪镇人民政府"


def drafted(text: str = TEXT, **more: object) -> Draft:
    made = Article(
        url="https://www.portal.example.gov.cn/zwgk/tzgg/content_1.html",
        title="关于组织申报设备补助资金的通知",
        body_html="".join(f"<p>{line}</p>" for line in text.splitlines()),
        body_text=text,
    )
    return normalise.draft_page(replace(made, **more), now=NOW)


def posted(made: Draft) -> tuple[str | None, str]:
    day = made.posted_at and made.posted_at.astimezone(dates.SHANGHAI).date().isoformat()
    return day, made.date_evidence


@pytest.mark.parametrize(
    ("more", "day", "evidence"),
    [
        ({"date_text": "2025-08-13", "meta": {"pubdate": "2019-01-01 00:00"}}, "2025-08-13", "页面日期"),
        ({"fields": {"发布日期": "2025年8月5日", "成文日期": "2025年8月1日"}}, "2025-08-05", "发布日期栏"),
        ({"meta": {"pubdate": "2025—08—13 09∶37"}}, "2025-08-13", "meta pubdate"),
        ({"date_text": "2099-01-01", "meta": {"pubdate": "2025-08-13"}}, "2025-08-13", "meta pubdate"),
        ({"fields": {"成文日期": "2025年8月1日"}}, "2025-08-01", "成文日期"),
        ({"text": TEXT + "\n2025年8月2日"}, "2025-08-02", "落款日期"),
        ({"text": "（2007年6月29日临溪区人民代表大会常务委员会第二次会议通过）\n" + TEXT}, "2007-06-29", "落款日期"),
        ({}, None, ""),
    ],
)  # fmt: skip
def test_the_day_of_posting_says_where_it_was_read(
    more: dict[str, object], day: str | None, evidence: str
) -> None:
    """A printed day before a tag, a tag before the document's own day, which is a guess."""
    made = drafted(**more)

    assert posted(made) == (day, evidence)
    assert (Flag.DATE_GUESSED in made.flags) == (evidence in {"成文日期", "落款日期"})


def test_a_document_signed_long_before_it_was_posted_has_both_days() -> None:
    """A file of 2023 posted in 2025 is shown with both."""
    made = drafted(TEXT + "\n二〇二三年五月六日", date_text="2025-08-13")

    assert made.signed_on == date(2023, 5, 6)
    assert posted(made) == ("2025-08-13", "页面日期")


@pytest.mark.parametrize(
    ("more", "code", "why"),
    [
        ({"title": "江津区举行项目集中开工仪式", "site": "重庆市人民政府"}, "500116", "标题"),
        ({"title": "全区项目集中开工", "site": "江津区人民政府"}, "500116", "来源"),
        ({"title": "全县项目集中开工", "meta": {"siteidcode": "3609220011"}}, "360922", "来源"),
        ({"title": "全市项目开工", "meta": {"siteidcode": "bm17000009"}}, None, ""),
        ({"title": "顺德区招商考察团到高新技术园考察", "site": "中山网"}, "442000", "来源"),
        ({"title": "顺德区代表团一行赴江津区考察", "site": "重庆市人民政府"}, "500116", "标题"),
        ({"title": "设备补助办法", "fields": {"文号": "江津府发〔2025〕12号"}}, "500116", "文号"),
        ({"title": "设备补助办法", "fields": {"发文机关": "江津区人民政府"}}, "500116", "发文机关"),
    ],
)  # fmt: skip
def test_a_notice_is_placed_by_title_office_site_or_number(
    more: dict[str, object], code: str | None, why: str
) -> None:
    """Visitors are named, too, but a notice is about the place that they visit."""
    made = drafted("本通知自印发之日起施行，请认真组织实施，确保各项工作落到实处。", **more)

    assert (made.regions[0].code if made.regions else None, made.region_why) == (code, why)


@pytest.mark.parametrize(
    ("printed", "tag", "wanted"),
    [
        ("本网", None, "本网"),
        ("临溪日报", "区政府办", "临溪日报"),
        (None, "临溪区人民政府", "临溪区人民政府"),
        ("未知", "临溪区人民政府", "临溪区人民政府"),
        (None, "网站名称", None),
    ],
)
def test_the_source_is_what_is_printed(
    printed: str | None, tag: str | None, wanted: str | None
) -> None:
    """来源 as printed; a template's placeholder is nobody."""
    made = drafted(source_text=printed, meta={"contentsource": tag} if tag else {})

    assert made.source_label == wanted


@pytest.mark.parametrize(
    ("printed", "kept"),
    [
        ("临溪区文旅局（原文广新局）", "临溪区文旅局（原文广新局）"),
        ("（临溪日报）", "临溪日报"),
        ("临溪日报）", "临溪日报"),
    ],
)
def test_brackets_in_a_source_are_its_own_and_those_around_it_are_not(
    printed: str, kept: str
) -> None:
    """A name may end with the one it had before."""
    assert drafted(source_text=printed).source_label == kept


def test_a_signature_of_nothing_but_figures_is_looked_at_once() -> None:
    """What is put at the end of a text must not hold its reader for minutes."""
    started = time.process_time()
    made = drafted(f"{TEXT}\n{'1' * 100_000}x")

    assert made.issuer == "临溪镇人民政府"
    assert time.process_time() - started < 20
