"""Figures of a text (DOMAIN.md §10, §11): what they are, and what only looks like them.

Every passage is written for this table.
"""

from __future__ import annotations

from datetime import date

import pytest

from aggregator.normalise import read_facts

POSTED = date(2025, 8, 13)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("对新建项目最高给予500万元支持。", [(5e6, "cap")]),
        ("对首次上云的企业给予一次性奖励50万元。", [(5e5, "fixed")]),
        ("按设备投资额的20%给予最高1500万元补助。", [(1.5e7, "cap")]),
        ("分别给予100万元、30万元、20万元奖励。", [(1e6, "fixed"), (3e5, "fixed"), (2e5, "fixed")]),
        ("对三档企业分别奖励100、30、20万元。", [(1e6, "fixed"), (3e5, "fixed"), (2e5, "fixed")]),
        ("每家企业补助20万元。", [(2e5, "unit")]),
        ("租金按50元/平方米补贴。", [(50, "unit")]),
        ("按每亩5万元给予奖励。", [(5e4, "unit")]),
        ("每年补助不超过30万元。", [(3e5, "cap")]),
        ("年度累计不超过1,200万元。", [(1.2e7, "cap")]),
        ("年度累计不超过１２００万元。", [(1.2e7, "cap")]),
        ("固定资产投资不低于2亿元的项目。", [(2e8, "floor")]),
        ("对投资5000万元以上的项目优先供地。", [(5e7, "floor")]),
        ("对投资5000万元（含）以上的项目优先供地。", [(5e7, "floor")]),
        ("该项目总投资52亿元。", [(5.2e9, "investment")]),
        ("投资3.6亿元的年产一千套飞轮项目落地。", [(3.6e8, "investment")]),
        ("108个重点项目加速建设，总投资1310亿元。", [(1.31e11, "aggregate")]),
        ("累计签约34个项目，协议引资184亿元。", [(1.84e10, "aggregate")]),
        ("28个项目集中签约，合计266亿元。", [(2.66e10, "aggregate")]),
        ("竞买保证金800万元。", [(8e6, "other")]),
        ("对创新团队给予100万元至500万元启动资金。", [(1e6, "floor"), (5e6, "cap")]),
        ("年收入首次突破10亿元、50亿元的企业。", [(1e9, "floor"), (5e9, "floor")]),
        ("建成后年产值可实现8亿元以上。", [(8e8, "other")]),
        ("设立产业专项资金，首期规模3亿元。", [(3e8, "aggregate")]),
        ("起始价每平方米900元。", [(900, "unit")]),
        ("全年产值达1.2万亿元。", [(1.2e12, None)]),
        ("总投资约五亿元。", [(5e8, "investment")]),
        ("一次性奖励1 000万元。", [(1e7, "fixed")]),
        ("给予12 500万元支持。", [(1.25e8, "fixed")]),
        ("1 300万元", [(3e6, "other")]),  # a table's row number and its amount
        ("按50至100万元给予补助。", [(5e5, "floor"), (1e6, "cap")]),
        ("给予2～3亿元支持。", [(2e8, "floor"), (3e8, "cap")]),
        ("给予80万至1.2亿元支持。", [(8e5, "floor"), (1.2e8, "cap")]),
        ("每亩补助5-8万元。", [(5e4, "unit"), (8e4, "unit")]),
        ("编号2025-100万元。", [(1e6, "other")]),
    ],
)
def test_money_is_read_with_what_it_is(text: str, wanted: list[tuple[float, str | None]]) -> None:
    """A cap that reads as a grant, or a sum that reads as one project, misleads."""
    got = [(amount.yuan, amount.basis) for amount in read_facts(text, posted=POSTED).amounts]

    assert [yuan for yuan, _ in got] == pytest.approx([yuan for yuan, _ in wanted])
    for (_, basis), (_, expected) in zip(got, wanted, strict=True):
        assert expected is None or basis == expected


@pytest.mark.parametrize(
    "text",
    [
        "年产原煤2亿吨。",
        "多元化发展三年行动。",
        "完成投资3.5%以上的增长。",
        "外资到账3000万美元。",
        "园区引入8个单元模块。",
        "2.0版政策即将发布。",
        "咨询电话023-47521234。",
        "服务企业1200家。",
    ],
)
def test_what_is_no_money_in_yuan_is_not(text: str) -> None:
    """Tons, shares, counts and telephones are no amounts."""
    assert read_facts(text, posted=POSTED).amounts == ()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("申报时间：2025年8月13日至9月30日。", ["2025-09-30"]),
        ("申报时间为2025年8月13日—2025年9月30日。", ["2025-09-30"]),
        ("申报时间:8月13日至30日。", ["2025-08-30"]),
        ("截止时间为2025年9月30日17:00。", ["2025-09-30"]),
        ("申报截止日期：2025年9月30日。", ["2025-09-30"]),
        ("申报截止时间：2025-09-30。", ["2025-09-30"]),
        ("请于9月30日前将材料报送至区投资局。", ["2025-09-30"]),
        ("请于2025年9月30日17:00前提交申请。", ["2025-09-30"]),
        ("请于9月30日（星期二）前报送。", ["2025-09-30"]),
        ("即日起至10月15日受理报名。", ["2025-10-15"]),
        ("自本通知发布之日起10个工作日内提交申请。", ["2025-08-27"]),
        ("自公告发布之日起7日内提出意见，逾期不予受理。", ["2025-08-20"]),
        ("逾期不予受理，截止2025年10月8日。", ["2025-10-08"]),
        ("公示期为2025年8月13日至8月19日，如有异议请来函。", ["2025-08-19"]),
        ("可在2025年9月3日前，通过信函等方式提出意见。", ["2025-09-03"]),
        ("系统2025年8月20日起开放，2025年9月20日关闭。", ["2025-09-20"]),
        ("网上申报截至9月20日，纸质材料于9月25日前送达。", ["2025-09-20", "2025-09-25"]),
        ("请于1月10日前报送上年度材料。", ["2026-01-10"]),
        ("报名时间：2025年12月20日至1月10日。", ["2026-01-10"]),
    ],
)
def test_deadlines_are_the_last_day(text: str, wanted: list[str]) -> None:
    """A reader who comes a day late has lost the money."""
    got = [deadline.value.isoformat() for deadline in read_facts(text, posted=POSTED).deadlines]

    assert got == wanted


def test_a_deadline_before_new_year_is_in_the_next() -> None:
    """于9月30日前 posted in December means the September to come."""
    got = read_facts("请于9月30日前报送材料。", posted=date(2025, 12, 20)).deadlines

    assert [one.value for one in got] == [date(2026, 9, 30)]


def test_working_days_skip_the_national_holiday() -> None:
    """Ten working days from 26 September 2025 end after the long holiday."""
    got = read_facts("自发布之日起5个工作日内提交申请。", posted=date(2025, 9, 29)).deadlines

    assert [one.value for one in got] == [date(2025, 10, 13)]


@pytest.mark.parametrize(
    "text",
    [
        "截至6月30日，全区新签项目34个。",
        "截至2025年6月底，规上工业增长8%。",
        "每年3月31日前公布上年度名单。",
        "会议于8月20日召开。",
        "现予公示。公示期为2025年8月13日至8月19日。",
        "推介会定于9月9日举行。",
        "常年受理，不限批次。",
        "项目将于2025年12月31日前建成投产。",
        "本办法自2025年9月1日起施行。",
        "8月13日，区长走访企业。",
    ],
)
def test_other_days_are_no_deadlines(text: str) -> None:
    """Statistics, meetings and plans hold days on which nothing has to be handed in."""
    assert read_facts(text, posted=POSTED).deadlines == ()


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("本办法自2025年9月1日起施行，有效期5年。", "2025-09-01", "2030-08-31"),
        ("本办法自2025年9月1日起施行，有效期三年。", "2025-09-01", "2028-08-31"),
        ("本措施自印发之日起施行，有效期至2027年12月31日。", "2025-08-13", "2027-12-31"),
        ("自公布之日起实施，有效期2年。", "2025-08-13", "2027-08-12"),
        ("本办法自2025年9月1日起施行，试行2年。", "2025-09-01", "2027-08-31"),
        ("自发布之日起施行，执行期限至2029年12月31日。", "2025-08-13", "2029-12-31"),
        ("自印发之日起施行，有效期2年。\n2025年8月1日", "2025-08-01", "2027-07-31"),
        ("自公布之日起30日后施行。", "2025-09-12", None),
        ("《扶持规定》（东府发〔2023〕25号）有效期延续至2028年12月31日。", None, None),
        ("有效期自2025年9月1日至2026年8月31日。", None, "2026-08-31"),
        ("自2025年10月1日起执行。", "2025-10-01", None),
        ("自2025年9月1日起试行，试行期2年。", "2025-09-01", "2027-08-31"),
        ("本办法自印发之日起试行，有效期1年。", "2025-08-13", "2026-08-12"),
        ("食品保质期五年，请于三日内领取。", None, None),
        ("身份证有效期满前办理换领。", None, None),
    ],
)
def test_validity_is_what_the_text_says(text: str, start: str | None, end: str | None) -> None:
    """Nothing stated is unknown, not for ever."""
    validity = {fact.role: fact.value for fact in read_facts(text, posted=POSTED).validity}

    assert validity.get("until") == end
    if start:
        assert validity.get("from") == start


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("东府发〔2024〕12号", ["东府发〔2024〕12号"]),
        ("东府发[2024]12号", ["东府发〔2024〕12号"]),
        ("东府发（2024）012号", ["东府发〔2024〕12号"]),
        ("东府发【2024】第12号", ["东府发〔2024〕12号"]),
        ("东府发﹝2024﹞ 12 号", ["东府发〔2024〕12号"]),
        ("北区政办发202456号", ["北区政办发〔2024〕56号"]),
        ("根据《扶持办法》（东府规〔2023〕3号）执行", ["东府规〔2023〕3号"]),
        ("作出的工商处〔2004〕60号行政处罚", ["工商处〔2004〕60号"]),
        ("按照东府办发〔2022〕8号文件要求", ["东府办发〔2022〕8号"]),
        (
            "现将北委发〔2021〕1号和东府发〔2022〕2号废止",
            ["北委发〔2021〕1号", "东府发〔2022〕2号"],
        ),
    ],
)
def test_document_numbers_have_one_form(text: str, wanted: list[str]) -> None:
    """One document is told by one number however its brackets are printed."""
    assert [fact.value for fact in read_facts(text, posted=POSTED).doc_numbers] == wanted


@pytest.mark.parametrize(
    "text",
    [
        "（2024）东0116民初1234号",
        "执行GB/T 9704-2012标准",
        "东ICP备12345678号",
        "2024年第12期简报",
        "2024年12月1日发布",
        "招标编号DY2024-018",
    ],
)
def test_other_numbers_are_no_document_numbers(text: str) -> None:
    """Cases, standards, issues and records are numbered too."""
    assert read_facts(text, posted=POSTED).doc_numbers == ()


@pytest.mark.parametrize(
    ("head", "role"),
    [
        ("东原区人民政府关于印发投资办法的通知\n东府发〔2024〕12号\n各街道：", "own"),
        ("关于印发投资办法的通知\n（东府发〔2024〕12号）\n各街道：", "own"),
        ("按照市政府通知东府发〔2024〕12号，现安排如下。", "cited"),
        ("现对《投资办法》（东府发〔2024〕12号）作如下解读。", "cited"),
    ],
)
def test_a_number_on_a_line_of_its_own_is_not_cited_by_the_title(head: str, role: str) -> None:
    """Two portals' copies meet by it; a title above says 通知 without citing."""
    assert [f.role for f in read_facts(head, posted=POSTED).doc_numbers] == [role]


def test_the_first_number_at_the_head_is_the_documents_own() -> None:
    """Later ones are citations."""
    text = "东府发〔2024〕12号\n各街道办事处：\n根据东府规〔2023〕3号的规定，现通知如下。"

    assert [(f.value, f.role) for f in read_facts(text, posted=POSTED).doc_numbers] == [
        ("东府发〔2024〕12号", "own"),
        ("东府规〔2023〕3号", "cited"),
    ]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("登记号：DYGS-2022-7", ["DYGS-2022-7"]),
        ("统一编号：东管规〔2012〕001", ["东管规〔2012〕001"]),
        ("执行GB/T 9704-2012标准", []),
    ],
)
def test_registry_numbers_are_kept_apart(text: str, wanted: list[str]) -> None:
    """A normative document has two numbers; either identifies it."""
    assert [fact.value for fact in read_facts(text, posted=POSTED).registry_numbers] == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("占地1016亩。", [1016 * 10000 / 15]),
        ("建筑面积12.5万平方米。", [125000]),
        ("规划面积3平方公里。", [3e6]),
        ("厂房800㎡出租。", [800]),
        ("流转土地2公顷。", [2e4]),
    ],
)
def test_areas_are_in_square_metres(text: str, wanted: list[float]) -> None:
    """Site selectors compare areas; 1亩 is 666.7 m²."""
    assert [f.number for f in read_facts(text, posted=POSTED).areas] == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("飞轮储能项目正式签约。", ["签约"]),
        ("该项目昨日开工，明年投产。", ["开工"]),
        ("一期已投产，二期正在建设。", ["在建", "投产"]),
        ("项目用地已成功摘牌。", ["拿地"]),
        ("项目已完成备案。", ["备案"]),
        ("年产千套项目落户北岭工业园。", ["落户"]),
        ("项目达产达效。", ["达产"]),
        ("项目进入试生产阶段。", ["试生产"]),
        ("主体工程竣工。", ["竣工"]),
        ("该项目终止建设，项目终止公告。", ["终止"]),
    ],
)
def test_stages_reached_are_named(text: str, wanted: list[str]) -> None:
    """An investor asks how far a project is."""
    got = {fact.value for fact in read_facts(text, posted=POSTED).stages}

    assert got == set(wanted)


@pytest.mark.parametrize(
    "text",
    [
        "做好政府信息公开工作。",
        "俱乐部签约三名球员。",
        "家庭医生签约服务。",
        "人才落户政策优化。",
        "积分落户人员名单。",
        "竣工验收管理办法。",
        "项目达产后年产值10亿元。",
        "预计明年投产。",
        "推行拿地即开工服务。",
        "（三）项目已完成备案并实际开工建设；",
        "项目落地投产三年行动方案。",
        "力争年内开工。",
        "网站ICP备案信息。",
        "以下为相关情况，供有意落户的企业参考。",
        "有意签约的企业请联系招商局。",
    ],
)
def test_what_is_no_stage_is_not(text: str) -> None:
    """Plans, athletes and households reach no stage."""
    assert read_facts(text, posted=POSTED).stages == ()


def test_mobile_numbers_are_not_harvested() -> None:
    """Official telephones may be shown; persons' may not (DOMAIN.md §16)."""
    contacts = read_facts(
        "联系人：王某，联系电话：13912345678；咨询电话：023-47521234。", posted=POSTED
    ).contacts

    assert [fact.value for fact in contacts] == ["023-47521234"]
