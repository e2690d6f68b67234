"""Facts of texts of any make: none that is not in the text, and no text that is too much."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aggregator.normalise import read_facts

POSTED = date(2025, 8, 13)


PIECES = st.sampled_from(
    [
        "最高给予500万元", "100万元、30万元、20万元", "申报截止时间为2025年9月30日", "。", "；", "\n", "，",
        "占地300亩", "东府发〔2024〕12号", "《扶持办法》", "总投资52亿元", "开工", "有效期5年", "自2025年9月1日起施行",
        "咨询电话：023-47521234", "对新建项目", "平" * 200, " ", "　", "编号DYGS-2022-7号", "请于9月30日前报送",
        "2024年12月31日前注册的企业", "20—300万元", "每家20万元", "自公告之日起三十日内提出异议", "地址：东原区中心路3号楼",
        "叁佰万元整（￥3000000元）", "面积（亩） 起始价（万元）\n32.5 800\n", "执行期限为2025年1月1日至2027年12月31日",
    ]
)  # fmt: skip


@given(st.lists(PIECES, max_size=40).map("，".join))
@example("。，开工")
def test_every_value_stands_in_its_sentence_and_the_sentence_in_the_text(text: str) -> None:
    """Evidence is literal or it is none; and it is short enough to be shown."""
    facts = read_facts(text, posted=POSTED)
    every = (
        *facts.doc_numbers, *facts.registry_numbers, *facts.amounts, *facts.deadlines,
        *facts.areas, *facts.stages, *facts.validity, *facts.cited, *facts.contacts,
    )  # fmt: skip

    assert all(fact.sentence in text for fact in every)
    assert all(0 < len(fact.sentence) <= 300 for fact in every)
    assert all(
        f.value in f.sentence for f in (*facts.cited, *facts.contacts, *facts.registry_numbers)
    )
    assert all(f"{a.value:g}" in a.sentence or a.value == 300 for a in facts.amounts)  # 叁佰
    assert all(
        f"{d.value.month}月{d.value.day}日" in d.sentence or "之日起" in d.sentence
        for d in facts.deadlines
    )


#: The signs that rules look at, so that chance texts come near to what they read.
SIGNS = "，。；：、（）()〔〕[]《》\n\t 　0123456789０１年月日号元亿万千百十一二三至到-—～%/．.开工签约备案前截止报名公示每最高给予有效期自起施行印发之日电话地址@¥亩㎡面积余多A\x00\x0b"


@given(st.one_of(st.text(max_size=200), st.text(SIGNS, max_size=400)))
def test_no_text_makes_the_reader_fall(text: str) -> None:
    """Strangers write these texts."""
    for posted in (None, POSTED):
        facts = read_facts(text, posted=posted)

        assert all(one.sentence in text for one in (*facts.amounts, *facts.deadlines))
        assert all(one.value in one.sentence for one in (*facts.areas, *facts.contacts))


@pytest.mark.parametrize(
    "text",
    [
        "1" * 100_000,
        " " * 100_000,
        "1元" * 50_000,
        "给予最高100万元、" * 9_000,
        "1月1日至" * 20_000,
    ],
)
def test_a_text_without_a_full_stop_is_read_to_its_end(text: str) -> None:
    """Tables and minified pages have none; a reader that looks back over all of it never ends."""
    facts = read_facts(text, posted=POSTED)

    assert all(len(one.sentence) <= 300 for one in (*facts.amounts, *facts.deadlines))


@pytest.mark.parametrize(
    "text",
    [
        "自本公告发布之日起90个工作日内提交申报材料。",
        "本办法自公布之日起30日后施行，有效期5年。",
        "请于明年1月5日前报送，年底前办结。",
        "自九九九九年十二月三十一日起施行，请于次月底前报送。",
        "现予以公示，公示期为10个工作日，如有异议请反映。",
    ],
)
@pytest.mark.parametrize("posted", [date.max, date.min])
def test_a_day_at_the_end_of_time_gives_no_day_and_no_trace(text: str, posted: date) -> None:
    """What a stranger's clock says may not end the reading of a batch."""
    facts = read_facts(text, posted=posted)

    assert all(date.min <= one.value <= date.max for one in facts.deadlines)


def test_no_document_holds_for_a_lifetime() -> None:
    """有效期九十九年 is a lease or a jest; fifty years may be meant."""
    text = "本办法自2025年9月1日起施行，有效期{}年。"

    assert [f.role for f in read_facts(text.format("九十九")).validity] == ["from"]
    until = [f.value for f in read_facts(text.format("五十")).validity if f.role == "until"]
    assert until == ["2075-08-31"]


def test_a_text_without_end_is_read_as_far_as_a_reader_would() -> None:
    """What stands behind a hundred pages of print is an annex; what stands before is found."""
    text = "请于2025年9月1日前报送。" + "长" * 120_000 + "。请于2025年10月1日前报送。"

    assert [d.value for d in read_facts(text, posted=POSTED).deadlines] == [date(2025, 9, 1)]
