"""Places in running text (DOMAIN.md §12): names that are clear, shared, old, or no places at all."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator import divisions

BEFORE, AFTER = date(2025, 3, 1), date(2026, 3, 1)
PRESENT = sorted(one.code for one in divisions.shipped().values() if one.valid_to is None)


def codes(text: str, site: str | None = None, on: date | None = None) -> set[str]:
    """The codes that a text is about, on a portal of ``site``."""
    prior = divisions.resolve(site) if site else None
    return set(divisions.regions_in(text, prior=prior.code if prior else None, on=on))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("重庆江津区出台十条措施", {"500116"}),
        ("江津新签八个项目", {"500116"}),
        ("重庆-江津区", {"500116"}),
        ("重庆市>江津区", {"500116"}),
        ("江津涪陵两地工业投资增长", {"500116", "500102"}),
        ("道真发布惠企清单", {"520325"}),
        ("道真自治县召开推进会", {"520325"}),
        ("南京建邺区人才新政", {"320105"}),
        ("建邺发布人才新政", {"320105"}),
        ("南京鼓楼区楼宇招商", {"320106"}),
        ("福州市鼓楼区楼宇招商", {"350102"}),
        ("开封鼓楼区夜市招商", {"410204"}),
        ("广州白云新增一家工厂", {"440111"}),
        ("重庆江北区扶持办法", {"500105"}),
        ("宁波市江北区扶持办法", {"330205"}),
        ("高唐县纺织园签约", {"371526"}),
        ("唐县纺织园签约", {"130627"}),
        ("当雄县牧业项目", {"540122"}),
        ("北京东城区老旧厂房改造", {"110101"}),
        ("江西渝水区铜材项目", {"360502"}),
        ("通州湾示范区绿色化工项目", {"Z32060003"}),
        ("南通通州区家纺项目", {"320612"}),
        ("北京通州区总部项目", {"110112"}),
        ("光谷新增三家总部", {"Z42010001"}),
        ("亦庄新增三家总部", {"Z11011501"}),
        ("苏州工业园区纳米项目投产", {"Z32050001"}),
        ("滨海新区出台港口政策", {"120116"}),
        ("海南州共和县光伏项目", {"632521"}),
        ("海南出台自贸港条例", {"460000"}),
        ("省考察组援赣支农", {"360000"}),
        ("招商局企业家代表团来渝考察", {"500000"}),
        ("余政储出〔2024〕8号地块挂牌", {"330110"}),
        ("台湾一企业投资昆山", {"320583"}),
        ("太仓港区新建泊位", {"320585"}),
        ("贵安新区算力园招商", {"Z52000001"}),
        ("雄安新区启动区项目开工", {"Z13060001"}),
    ],
)
def test_a_name_means_the_place_that_readers_would_say(text: str, wanted: set[str]) -> None:
    """A notice in the wrong district's feed is a wrong notice."""
    assert codes(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "中华人民共和国招标投标法",
        "关于公布示范县名单的通知",
        "关于规范县域招商的意见",
        "推动县域振兴县级财源建设",
        "行政和事业单位资产出租公告",
        "创新和产业融合行动方案",
        "关于巩固安全生产成果的通知",
        "认定结果公示",
        "指定日期前报送材料",
        "平安建设与和平友好文明活动",
        "利益最大化与重大关键技术攻关",
        "电子商城入驻须知",
        "高密度算力园招商",
        "我与南京银行共建园区贷",
        "西湖龙井茶叶质量标准",
        "东方红拖拉机展销",
        "成渝地区双城经济圈合作",
        "长三角一体化示范区论坛",
        "大沙河生态治理",
        "江津路改造",
        "一带一路投资论坛",
        "主城区城区郊区公交线路调整",
    ],
)
def test_no_place_is_invented(text: str) -> None:
    """Words that only hold a place's name name no place."""
    assert codes(text) == set()


@pytest.mark.parametrize(
    ("text", "site", "wanted"),
    [
        ("江北区发布新政", "重庆市", {"500105"}),
        ("江北区发布新政", "宁波市", {"330205"}),
        ("鼓楼区发布新政", "福州市", {"350102"}),
        ("鼓楼区发布新政", "徐州市", {"320302"}),
        ("鼓楼区发布新政", "江苏省徐州市鼓楼区", {"320302"}),
        ("朝阳区发布新政", "北京市", {"110105"}),
        ("朝阳区发布新政", "长春市", {"220104"}),
        ("朝阳发布新政", "长春市", {"220104"}),
        ("通州区发布新政", "南通市", {"320612"}),
        ("西湖区发布新政", "南昌市", {"360103"}),
        ("西湖区发布新政", "杭州市", {"330106"}),
        ("南山区发布新政", "深圳市", {"440305"}),
        ("白云区发布新政", "贵阳市", {"520113"}),
        ("龙华区发布新政", "海口市", {"460106"}),
        ("永定区发布新政", "龙岩市", {"350803"}),
        ("市中区发布新政", "济南市", {"370103"}),
        ("新华区发布新政", "石家庄市", {"130105"}),
        ("铁西区发布新政", "沈阳市", {"210106"}),
        ("城区发布新政", "晋城市城区", {"140502"}),
    ],
)
def test_the_source_decides_between_namesakes(text: str, site: str, wanted: set[str]) -> None:
    """28 names are borne by several counties; the portal's own region tells which."""
    assert codes(text, site) == wanted


@pytest.mark.parametrize(
    ("text", "candidates"),
    [
        ("鼓楼区发布新政", {"320106", "320302", "350102", "410204"}),
        ("朝阳区发布新政", {"110105", "220104"}),
        ("江北区发布新政", {"330205", "500105"}),
    ],
)
def test_what_is_not_clear_is_left_open_with_its_candidates(
    text: str, candidates: set[str]
) -> None:
    """A guess would be right half the time and look right always."""
    assert codes(text) == set()
    assert [set(m.codes) for m in divisions.find(text)] == [candidates]


def test_names_are_those_of_the_day() -> None:
    """On 2025-11-06 江北区 and 渝北区 of 重庆 ended, and 两江新区 became a district."""
    assert codes("两江新区招商", on=BEFORE) == {"Z50011201"}
    assert codes("两江新区招商", on=AFTER) == {"500157"}
    assert codes("两江新区招商") == {"500157"}
    assert codes("江北区发布新政", on=BEFORE) == set()
    assert codes("江北区发布新政", on=AFTER) == {"330205"}
    assert codes("江北区发布新政", "重庆市", AFTER) == {"500105"}
    assert "500157" in divisions.roll("500105")
    assert "500157" in divisions.roll("Z50011201")


@pytest.mark.parametrize(
    ("number", "wanted"),
    [
        ("渝府发〔2024〕12号", "500000"),
        ("江津府发〔2024〕3号", "500116"),
        ("津政发〔2020〕1号", "120000"),
        ("沪府规〔2019〕27号", "310000"),
        ("国办发〔2017〕47号", None),
        ("惠府〔2022〕32号", None),
    ],
)
def test_a_document_number_names_its_issuer(number: str, wanted: str | None) -> None:
    """津 alone is 天津, though 江津府发 is not."""
    assert divisions.issuing(number) == wanted


@pytest.mark.parametrize("code", ["500116", "520325", "Z52000001", "441900", "710000"])
def test_roll_begins_with_the_code_and_ends_with_the_province(code: str) -> None:
    """Feeds of the province and the city hold what the district published."""
    rolled = divisions.roll(code)

    assert rolled[0] == code
    assert rolled[-1] == code.lstrip("Z")[:2] + "0000"


@given(st.sampled_from(sorted(divisions.shipped())))
def test_every_roll_contains_its_code_and_ends(code: str) -> None:
    """No cycle, no unknown parent, no unknown heir, anywhere in the tables."""
    rolled = divisions.roll(code)

    assert code in rolled
    assert len(rolled) == len(set(rolled))
    assert all(divisions.get(one) for one in rolled)


@given(st.sampled_from(PRESENT))
def test_a_whole_path_resolves_to_its_division(code: str) -> None:
    """What we print we can read: the path and the name lead back to the code."""
    region = divisions.region(code)
    one = divisions.resolve("".join(dict.fromkeys((*region.path, region.name))))

    assert one is not None
    # 滨海新区 is the zone and the district that it became: the district is meant.
    assert one.code == code or (code == "Z12011601" and one.code == "120116")


def test_every_division_is_found_on_its_own_portal() -> None:
    """An operator names a source by its district, and its titles do too."""
    lost = [
        code
        for code in PRESENT
        if not code.startswith("Z")
        and divisions.regions_in(divisions.region(code).name, prior=code) != (code,)
    ]

    assert lost == []


@given(st.text(st.sampled_from("江津区县市重庆鼓楼朝阳北京新大路台湾，"), max_size=14))
def test_mentions_stand_where_they_say(text: str) -> None:
    """Evidence that points elsewhere is no evidence."""
    mentions = divisions.find(text)

    assert all(text[m.start : m.end] == m.name for m in mentions)
    assert all(a.end <= b.start for a, b in pairwise(mentions))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("济南市中区楼宇招商", {"370103"}),
        ("青岛市南区总部经济", {"370202"}),
        ("召开江津区项目推进会", {"500116"}),
        ("位于都江堰市的产业园", {"510181"}),
        ("全市西南片区供水", set()),
    ],
)
def test_names_are_cut_where_words_are(text: str, wanted: set[str]) -> None:
    """济南市中区 is 市中区 of 济南, and 召开江津区 holds no 开江."""
    assert codes(text) == wanted
