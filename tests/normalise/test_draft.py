"""From article to record: one page, one record, and only substance makes a change."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator import divisions, normalise
from aggregator.model import (
    Article,
    Attachment,
    Draft,
    Entry,
    Flag,
    Kind,
    Source,
    SourceId,
    SourceKind,
)
from aggregator.normalise.body import drop_doubled, parted, sanitise

NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
TEXT = (
    "江津区投资促进局关于组织申报设备补助资金的通知\n"
    "各有关企业：\n"
    "一、对新建项目按设备投资额的10%给予最高500万元补助。\n"
    "二、申报时间：2025年8月13日至9月30日，逾期不予受理。\n"
    "三、本通知自印发之日起施行，有效期2年。\n"
    "重庆市江津区投资促进局\n"
    "2025年8月12日\n"
)


def article(text: str = TEXT, **more: object) -> Article:
    """A page of our own as the reader hands it over."""
    lines = "".join(f"<p>{line}</p>" for line in text.splitlines())
    made = Article(
        url="https://www.portal.example.gov.cn/zwgk/202508/t20250813_1.html",
        title="关于组织申报设备补助资金的通知",
        body_html=lines,
        body_text=text,
        date_text="2025-08-13 09:30",
        source_text="江津区投资促进局",
    )
    return replace(made, **more)


def drafted(text: str = TEXT, **more: object) -> Draft:
    return normalise.draft_page(article(text, **more), now=NOW)


def test_a_notice_becomes_one_clean_record() -> None:
    """What readers sort, filter and apply by."""
    made = drafted()

    assert made.posted_at == datetime(2025, 8, 13, 1, 30, tzinfo=UTC)
    assert made.date_precision == "minute"
    assert made.signed_on == date(2025, 8, 12)
    assert made.issuer == "重庆市江津区投资促进局"
    assert [region.code for region in made.regions] == ["500116"]
    assert made.kind is Kind.POLICY
    assert made.categories[0].slug == "application"
    assert "申报" in made.categories[0].why
    assert [one.value for one in made.facts.deadlines] == [date(2025, 9, 30)]
    assert [(one.yuan, one.basis) for one in made.facts.amounts] == [(5e6, "cap")]
    assert made.valid_from == date(2025, 8, 12)
    assert made.valid_until == date(2027, 8, 11)


def test_the_same_page_gives_the_same_record() -> None:
    """A record that changes by itself would be announced again and again."""
    assert drafted() == drafted()


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace("。", "。 "),
        TEXT.replace("\n", "\n\n　　"),
        TEXT.replace("各有关企业", "各 有 关 企 业"),
        TEXT + "浏览次数：128\n",
        TEXT.replace("\n", "\n浏览次数：77次\n", 1),
    ],
)
def test_white_space_and_counters_are_no_change(text: str) -> None:
    """Readers are told of changes, not of visitors."""
    assert drafted(text).substance_hash == drafted().substance_hash


@pytest.mark.parametrize(
    "changed",
    [
        drafted(TEXT.replace("9月30日", "10月31日")),
        drafted(TEXT.replace("500万元", "800万元")),
        drafted(TEXT.replace("有效期2年", "有效期3年")),
        drafted(title="关于延期申报设备补助资金的通知"),
        drafted(attachments=(Attachment(name="申请表", url="https://a.example/1.doc", media_type=""),)),
    ],
)  # fmt: skip
def test_what_a_reader_acts_on_is_a_change(changed: Draft) -> None:
    """A moved deadline must reach those who were told the old one."""
    assert changed.substance_hash != drafted().substance_hash


def test_a_doubled_body_is_kept_once() -> None:
    """Portals print the mobile and the desktop block of one text (DOMAIN.md §4)."""
    block = "".join(
        f"第{n}条　园区对第{n}类企业按年度考核结果给予相应支持并每年公布考核办法。\n"
        for n in range(1, 9)
    )
    made = drafted("导语一段，只有一次。\n" + block + block)

    assert Flag.BODY_DOUBLED in made.flags
    assert made.body_text.count("第3类企业") == 1
    assert made.body_html.count("第3类企业") == 1


def test_repeated_lines_that_are_meant_stay() -> None:
    """责任单位 stands after every clause."""
    text = "".join(f"{n}.第{n}项任务的内容各不相同。\n责任单位：区经信局\n" for n in range(9))

    assert drafted(text).body_text.count("责任单位") == 9


@given(st.lists(st.sampled_from(["甲", "乙", "丙" * 90, "丁" * 120, "-", "戊"]), max_size=24))
def test_dropping_doubles_twice_changes_nothing(lines: list[str]) -> None:
    """What was mended once is not mended further."""
    once, _ = drop_doubled(lines)

    assert drop_doubled(once)[0] == once


def test_a_list_of_equal_rows_is_dropped_in_one_go() -> None:
    """A page of thousands of equal rows is read like any other, however often it says it."""
    kept, doubled = drop_doubled(["关于某某事项的通知 2025-08-13"] * 20_000)

    assert doubled
    assert 0 < len(kept) < 40


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ("· 关于申报的通知", "关于申报的通知"),
        ("[置顶] 关于申报的通知 2025-08-13", "关于申报的通知"),
        ("【置顶】关于申报的通知（2025-08-13）", "关于申报的通知"),
        ("> 关于\x0b申报的通知 NEW", "关于申报的通知"),
        ("关于　申报的通知", "关于 申报的通知"),
        ("2025年度计划", "2025年度计划"),
        ("关于2025年8月份申报的通知", "关于2025年8月份申报的通知"),
    ],
)
def test_titles_lose_what_lists_hang_on_them(raw: str, wanted: str) -> None:
    """Bullets, pins and dates are the list's, not the notice's."""
    assert normalise.tidy_title(raw) == wanted


@given(
    st.text(
        st.one_of(st.characters(), st.sampled_from("·>[置顶]【】 NEW2025-08-13（）")), max_size=60
    )
)
def test_tidying_twice_changes_nothing(raw: str) -> None:
    """A title is tidied where it is listed and where it is read."""
    once = normalise.tidy_title(raw)

    assert normalise.tidy_title(once) == once


@given(st.text(max_size=300), st.text(max_size=40))
def test_no_page_makes_the_record_fall_and_each_is_made_once(text: str, title: str) -> None:
    """Whatever strangers write, the record is made, and made the same again."""
    first, again = (drafted(text, title=title) for _ in range(2))

    assert first == again
    assert "<script" not in first.body_html


@pytest.mark.parametrize(
    ("title", "site", "wanted"),
    [
        ("江北区发布设备补助办法", "重庆市", {"500105"}),
        ("江北区发布设备补助办法", "宁波市", {"330205"}),
        ("鼓楼区发布设备补助办法", "徐州市", {"320302"}),
        ("我区组织申报设备补助", "江津区", {"500116"}),
        ("我县组织申报设备补助", "道真县", {"520325"}),
        ("组织申报设备补助", "江津区", {"500116"}),
        ("组织申报设备补助", None, set()),
        ("赴苏州市考察设备补助", "江津区", {"320500"}),
        ("重庆江津区出台措施", None, {"500116"}),
    ],
)
def test_a_title_is_placed_with_its_sites_help(
    title: str, site: str | None, wanted: set[str]
) -> None:
    """``quxun classify`` with a site resolves 我区 and namesakes; alone it invents nothing."""
    assert {one.code for one in normalise.classify_title(title, site=site).regions} == wanted


@pytest.mark.parametrize(
    ("title", "slug", "kind"),
    [
        ("关于印发东原区扩大有效投资若干措施的通知", "policy", Kind.POLICY),
        ("东原区招商引资奖励办法（试行）", "policy", Kind.POLICY),
        ("关于废止部分规范性文件的决定", "policy", Kind.POLICY),
        ("关于组织开展2025年设备补助申报工作的通知", "application", Kind.POLICY),
        ("惠企资金免申即享兑现公告", "application", Kind.POLICY),
        ("一图读懂设备补助办法", "interpretation", Kind.POLICY),
        ("《设备补助办法》政策解读", "interpretation", Kind.POLICY),
        ("总投资52亿元飞轮储能项目签约落户北岭", "project", Kind.PROJECT),
        ("28个重点项目集中开工", "project", Kind.PROJECT),
        ("某新材料项目环境影响评价公示", "project", Kind.PROJECT),
        ("国有建设用地使用权挂牌出让公告", "land", Kind.PROJECT),
        ("北岭标准厂房出租", "park", Kind.PROJECT),
        ("企业开办办事指南", "guide", Kind.OTHER),
        ("失业补助申领一次性告知书", "guide", Kind.OTHER),
        ("高层次人才引才奖励名额公布", "talent", Kind.OTHER),
        ("事业单位公开招聘工作人员公告", "talent", Kind.OTHER),
        ("专精特新企业科技创新成效显现", "innovation", Kind.OTHER),
        ("东原区投资推介会在深圳举行", "promo", Kind.PROJECT),
        ("设备补助办法（征求意见稿）公开征求意见", "notice", Kind.OTHER),
        ("关于征求《设备补助办法》意见的公告", "notice", Kind.OTHER),
        ("关于征求《设备补助办法（草案）》修改意见的函", "notice", Kind.OTHER),
        ("关于征求废止《设备补助办法》意见的公告", "notice", Kind.OTHER),
        ("关于加快设备更新的实施意见", "policy", Kind.POLICY),
        ("实训楼改造工程施工招标公告", "tender", Kind.OTHER),
        ("政府采购项目中标结果公告", "tender", Kind.OTHER),
        ("区政府召开全体会议", "other", Kind.OTHER),
    ],
)
def test_a_title_tells_its_subject(title: str, slug: str, kind: Kind) -> None:
    """The slugs of DOMAIN.md §9, each with the words that decided."""
    got = normalise.classify_title(title)

    assert got.categories[0].slug == slug
    assert got.kind is kind
    assert got.categories[0].why


@pytest.mark.parametrize(
    ("title", "flag"),
    [
        ("设备补助办法（征求意见稿）", Flag.DRAFT),
        ("关于征求《设备补助办法》意见的公告", Flag.DRAFT),
        ("关于废止设备补助办法的通知", Flag.STATUS_CHANGE),
        ("关于延长设备补助办法有效期的通知", Flag.STATUS_CHANGE),
        ("事业单位公开招聘公告", Flag.EXCLUDED),
        ("行政处罚决定公示", Flag.EXCLUDED),
        ("2024年度部门决算公开", Flag.EXCLUDED),
        ("108个项目总投资1310亿元集中开工", Flag.AGGREGATE),
    ],
)
def test_what_readers_should_know_first_is_flagged(title: str, flag: Flag) -> None:
    """A draft is no policy in force, and a sum is no project."""
    assert flag in drafted(title=title).flags


def test_every_region_of_a_record_is_in_the_table() -> None:
    """Feeds are asked for by code."""
    assert all(divisions.get(one.code) for one in drafted().regions)


@pytest.mark.parametrize(
    ("read", "row", "kept"),
    [
        ("江津区人民政府", "江津区人民政府关于印发储能扶持办法的通知", "row"),
        ("江津区人民政府关于印发储能…", "江津区人民政府关于印发储能扶持办法的通知", "row"),
        ("江津区人民政府", "储能扶持办法印发", "page"),
        ("关于组织申报补助资金的通知", "关于组织申报补助资金的通知及说明", "page"),
    ],
)
def test_a_title_that_is_only_who_speaks_gives_way_to_the_row(read, row, kept) -> None:
    """Where a template is new, a signature may stand where titles do; the list knows better."""
    source = Source(id=SourceId(1), slug="s", name="n", kind=SourceKind.COLUMN, url="http://a.b/")
    entry = Entry(key="k", url="http://a.b/1", title=row)
    made = normalise.draft(article(title=read), entry=entry, source=source, now=NOW)

    assert made.title == (row if kept == "row" else read)


@pytest.mark.parametrize("said", ["甲&amp;", "&nbsp;&#20061;", "&lt;b&gt;"])
def test_a_text_of_references_is_shown_as_it_is(said: str) -> None:
    """Texts are parted before they are sanitised, so that each piece costs little; nobody sees it."""
    whole = f'<p id="{"&amp;" * 900}">{said * 3000}<br/>{said * 700}</p>'

    pieces = re.split("<[^>]*>", parted(whole))

    assert max(piece.count("&") for piece in pieces) <= 600
    alone = sanitise(f"<p>{said}</p>", "https://a.example/").removeprefix("<p>")[: -len("</p>")]
    assert sanitise(whole, "https://a.example/") == f"<p>{alone * 3000}<br>{alone * 700}</p>"
