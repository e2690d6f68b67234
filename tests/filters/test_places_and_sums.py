"""Places and sums as people write them: understood, or refused with what would do, never guessed."""

import pytest

from aggregator import divisions
from aggregator.errors import UsageError
from aggregator.filters import canonical, money, parse_filter, parse_query


def region(typed: str) -> tuple[str, ...]:
    return parse_filter([("region", typed)]).region


@pytest.mark.parametrize("between", ["", " ", "-", " - ", " > ", "＞", "·", " / ", "/", "—", " → "])
def test_every_place_is_found_by_its_whole_path(between):
    """A reader who writes all names from the province down must never be told that there is no such
    place, nor get another.
    """
    wrong = []
    for one in divisions.all_current():
        names = dict.fromkeys((*divisions.path(one.code), one.name))
        typed = between.join(names)
        try:
            found = region(typed)
        except UsageError as error:
            found = (str(error),)
        if found != region(one.code):
            wrong.append((typed, found))

    assert wrong == []


def test_a_province_and_a_name_that_several_of_its_places_bear_is_no_province():
    """Who wants one 鼓楼区 must not get all of the province, and nobody tells them why."""
    by_name: dict[tuple[str, str], set[str]] = {}
    for one in divisions.all_current():
        if path := divisions.path(one.code):
            by_name.setdefault((path[0], one.name), set()).add(one.code)
    shared = {
        names: codes for names, codes in by_name.items() if len(codes) > 1 and names[0] != names[1]
    }
    assert len(shared) > 5

    for (province, name), codes in shared.items():
        if len({region(code) for code in codes}) == 1:
            continue
        with pytest.raises(UsageError) as caught:
            region(province + name)
        assert all(code in str(caught.value) for code in list(codes)[:2])


@pytest.mark.parametrize(
    ("typed", "codes"),
    [
        ("500000 500116", ("500000", "500116")),
        ("江津区 重庆市", ("500000", "500116")),
        ("重庆市 江津区 合川区", ("500116", "500117")),
        ("河北省 保定市 容城县", ("130629",)),
        ("湖南省 湖北省 长沙市", ("420000", "430000", "430100")),
        ("江津区；合川区", ("500116", "500117")),
        ("重庆市 > 江津区, 北京市 > 朝阳区", ("110105", "500116")),
        ("天津滨海新区", ("120116",)),
        ("Z12011601", ("120116",)),
        ("河北雄安", ("Z13060001",)),
        ("鄂温克旗", ("150724",)),
        ("临夏东乡县", ("622926",)),
    ],
)
def test_what_is_written_is_what_is_wished_for(typed, codes):
    assert region(typed) == codes


@pytest.mark.parametrize(
    "typed", ["-江津区", "重庆市 -江津区", "－江津区", "北京市 -朝阳区", "!江津区"]
)
def test_a_sign_before_a_region_leaves_nothing_out(typed):
    """In other search boxes it leaves a place out; taken for that very place it is the opposite."""
    with pytest.raises(UsageError):
        region(typed)


@pytest.mark.parametrize("typed", ["Hong Kong", "inner mongolia", "Xi An"])
def test_an_english_name_of_two_words_is_answered_with_its_code(typed):
    with pytest.raises(UsageError, match=r"\d{6}"):
        region(typed)


SAME = {
    "1000000000": (
        "10亿", "≥10亿元", "≧10亿", "10亿元起", "10亿+", "人民币10亿元", "¥10亿", "￥ 10 亿", "RMB 10亿", "CNY1,000,000,000",
        "≥10亿元人民币", "10亿元（含）以上", "10亿元（含10亿元）以上", "10億", "十亿元", "不低于十亿", "最低10亿", "10 个亿",
    ),
    "150000000": ("1.5亿", "1亿5000万", "1亿5千万元", "一亿五千万", "15000万", "1.5億元以上"),
    "5000000": ("500万", "500w", "500W", "500萬", "五百万", "5百万元", "五百万元以上"),
    "50000000": (".5亿", "0.5亿", "五千万", "5000万元"),
    "12500": ("1.25万", "一万二千五百", "1万2千500", "12,500元"),
}  # fmt: skip


@pytest.mark.parametrize(("yuan", "typed"), [(y, t) for y, all_ in SAME.items() for t in all_])
def test_a_sum_is_the_same_however_it_is_written(yuan, typed):
    """One wish, stored once, whatever keyboard and habit it was typed with."""
    assert canonical(parse_filter([("amount_min", typed)])) == f"amount_min={yuan}"


@pytest.mark.parametrize(
    "typed",
    [
        "1.5亿–20亿", "1亿至2亿", "1亿以下", "≤1亿", "不超过1亿", "10亿美元", "100万欧元", "$10m", "约10亿", "10亿左右", "半亿",
        "1,5亿", "1万1亿", "5千3万万", "10亩", "亿", "万", "零", "一五千", "1亿 2亿", "10亿，5亿", "5,000,00", "万亿万",
    ],
)  # fmt: skip
def test_what_is_no_one_lower_bound_in_yuan_is_refused(typed):
    """A wish read wrongly brings too much or nothing, and its reader never learns why."""
    with pytest.raises(UsageError, match="amount_min"):
        parse_filter([("amount_min", typed)])


def test_one_sum_written_twice_is_one_sum():
    assert parse_query("amount_min=1亿&amount_min=100000000").amount_min == 1e8
    with pytest.raises(UsageError):
        parse_query("amount_min=1亿&amount_min=2亿")


@pytest.mark.parametrize(
    ("yuan", "said"),
    [
        (99_999_999, "1亿元"),
        (99_995_000, "9999.5万元"),
        (9_999.999, "1万元"),
        (9_999.5, "9999.5元"),
        (1.5e12, "1.5万亿元"),
        (999_999_999_999, "1万亿元"),
        (1e11, "1000亿元"),
        (0, "0元"),
    ],
)
def test_a_sum_is_said_in_the_unit_that_people_use_for_it(yuan, said):
    """10000万元 is 1亿元, and nobody says 10000亿元."""
    assert money(yuan) == said


@pytest.mark.parametrize(
    ("yuan", "said"),
    [
        (0, "CNY 0"),
        (999_999.4, "CNY 999,999"),
        (999_999.6, "CNY 1 million"),
        (5_000_000, "CNY 5 million"),
        (999_999_999, "CNY 1 billion"),
        (5.2e9, "CNY 5.2 billion"),
        (1.31e13, "CNY 13.1 trillion"),
    ],
)
def test_english_sums_are_in_words_that_nobody_has_to_count(yuan, said):
    """Nine zeros on a phone are read as eight."""
    assert money(yuan, "en") == said
