"""The filter language: one canonical form, and what it matches."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator import divisions
from aggregator.errors import UsageError
from aggregator.filters import (
    CATEGORIES,
    FIELDS,
    amount_of,
    canonical,
    describe,
    matches,
    parse_query,
)
from aggregator.industries import INDUSTRIES
from aggregator.model import (
    Amount,
    Announcement,
    AnnouncementId,
    Authority,
    Category,
    Deadline,
    Draft,
    Facts,
    Filter,
    Flag,
    Kind,
)

AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
DRAFT = Draft(
    title="关于组织申报2026年氢能示范项目的通知",
    url="https://www.jiangjin.example/n/1.html",
    posted_at=datetime(2026, 11, 19, 16, 30, tzinfo=UTC),  # the 20th in Shanghai
    issuer="江津区经济和信息化委员会",
    doc_number="江津经信发〔2026〕12号",
    kind=Kind.POLICY,
    categories=(Category(slug="application", why="申报"),),
    body_text="支持储能与氢能企业。见第18号、aigc@mail.example，New\nEnergy 新",
    facts=Facts(
        amounts=(
            Amount(value=500, yuan=5e6, basis="cap", unit="万元", sentence="最高500万元"),
            Amount(value=9, yuan=9e9, basis="aggregate", unit="亿元", sentence="总投资90亿元"),
        ),
        deadlines=(Deadline(value=date(2026, 12, 1), sentence="12月1日前"),),
    ),
)
ANNOUNCEMENT = Announcement(
    id=AnnouncementId(1),
    uuid=UUID(int=1),
    draft=DRAFT,
    region_roll=("500000", "500116"),
    first_seen_at=AT,
    announced_at=AT,
    changed_at=AT,
    change=1,
)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", True),
        ("kind=policy", True),
        ("kind=政策,project", True),
        ("kind=project", False),
        ("category=application&category=land", True),
        ("category=land", False),
        ("authority=official", True),
        ("authority=media", False),
        ("q=氢能", True),
        ("q=氢能 储能", True),
        ("q=氢能 光伏", False),
        ("q=江津经信发[2026]12号", True),
        ("q=氢能&not=储能", False),
        ("not=招聘", True),
        ("industry=new-energy", True),
        ("industry=ic", False),
        ("industry=ic,new-energy", True),
        ("industry=robotics", False),
        ("industry=new-energy&not=氢能", False),
        ("amount_min=500万", True),
        ("amount_min=5000001", False),
        ("q=展示", False),
        ("q=示范项", True),
        ("q=示 范", True),
        ("q=AI", False),
        ("q=ＡＩＧＣ", True),
        ('q="AI"', True),
        ("q=“ai”", True),
        ("q=new energy", True),
        ('q="new energy"', True),
        ('q="energy new"', False),
        ('q="ENERGY  新"', True),
        ("q=ew", False),
        ("q=new", True),
        ("q=2号", True),
        ("q=8号", False),
        ('q="8号"', True),
        ("q=18号", True),
        ("q=026年", True),
        ('q="储能与', True),
        ("q=储能&not=AI", True),
        ('q=储能&not="AI"', False),
        ("q=储能&not=氢能 光伏", False),
        ("posted_before=2026-11-20", True),
        ("posted_before=2026-11-19", False),
        ("posted_after=2026-11-20&posted_before=2026-11-20", True),
        ("deadline_after=2026-12-01", True),
        ("deadline_after=2026-12-02", False),
        ("deadline_after=2026-12-01&deadline_before=2026-12-01", True),
        ("posted_after=2026-11-20", True),
        ("posted_after=2026-11-21", False),
        ("deadline_before=2026-12-01", True),
        ("deadline_before=2026-11-30", False),
    ],
)
def test_a_filter_matches_what_it_says(query, expected):
    """What a reader asked for is what reaches them, whichever field they used."""
    assert matches(parse_query(query), ANNOUNCEMENT) is expected


def test_a_region_holds_all_that_lies_in_it():
    """Who asks for a province gets its districts; who asks for a district gets no other."""
    assert matches(Filter(region=("500000",)), ANNOUNCEMENT)
    assert matches(Filter(region=("110000", "500116")), ANNOUNCEMENT)
    assert not matches(Filter(region=("500112",)), ANNOUNCEMENT)


def test_what_is_not_ours_shows_only_when_asked_for():
    """Tenders and recruitment never stand in a mail that nobody wanted them in."""
    draft = replace(
        DRAFT, flags=(Flag.EXCLUDED,), categories=(Category(slug="tender", why="采购"),)
    )
    tender = replace(ANNOUNCEMENT, draft=draft)

    assert not matches(Filter(), tender)
    assert matches(Filter(category=("tender",)), tender)


def yuan(sum_: float, basis: str) -> Amount:
    return Amount(value=sum_, yuan=sum_, basis=basis, unit="元", sentence="…")


@pytest.mark.parametrize(
    ("slugs", "amounts", "chief"),
    [
        (("land", "park"), (yuan(2e6, "other"), yuan(9e6, "other"), yuan(4500, "unit")), 9e6),
        (("land",), (yuan(3e6, "investment"), yuan(9e6, "other")), 3e6),
        (("land",), (yuan(9e9, "aggregate"), yuan(9e7, "floor"), yuan(4500, "unit")), None),
        (("park", "land"), (yuan(9e6, "other"),), None),
        (("application",), (yuan(9e6, "other"),), None),
        ((), (yuan(9e6, "other"),), None),
    ],
)
def test_the_amount_of_land_is_its_start_price(slugs, amounts, chief):
    """Who looks for parcels from ten million on must not find none."""
    draft = replace(
        DRAFT,
        categories=tuple(Category(slug=slug, why="…") for slug in slugs),
        facts=Facts(amounts=amounts),
    )

    assert amount_of(draft) == chief
    found = matches(parse_query("amount_min=1"), replace(ANNOUNCEMENT, draft=draft))
    assert found is (chief is not None)


def test_blank_fields_are_as_if_left_out():
    """A form sends all of its fields; the empty ones wish for nothing."""
    assert parse_query("?q=&kind=&region=&amount_min=%20") == Filter()
    assert canonical(Filter()) == ""


@pytest.mark.parametrize(
    "query",
    [
        "kind=news",
        "category=gold",
        "industry=gold",
        "amount_min=10亿20",
        "authority=me",
        "amount_min=much",
        "amount_min=-5",
        "amount_min=1,2",
        "amount_min=1 2",
        "amount_min=1,0000",
        "amount_min=0,500",
        "amount_min=1,000 000",
        "amount_min=%00",
        "region=,",
        "q=%00",
        "q=%20",
        'q="',
        "not=%E3%80%80",
        "amount_min=" + "9" * 30,
        "amount_min=1&amount_min=2",
        "posted_after=yesterday",
        "deadline_before=2026-13-01",
        "region=999999",
        "page=2",
        "q=" + "长" * 101,
        "&".join(f"q=w{n}" for n in range(60)),
        "&".join(f"category={n}" for n in range(10_000)),
    ],
)
def test_a_field_that_cannot_be_used_is_named(query):
    """A mistake costs the reader one line that says where it is."""
    field = query.split("=")[0]

    with pytest.raises(UsageError) as caught:
        parse_query(query)

    zh, dot, en = str(caught.value).partition(" · ")
    assert dot
    assert any("\u4e00" <= sign <= "\u9fff" for sign in zh)
    assert field in en or "more fields" in en
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("朝阳区", ["110105 北京市朝阳区", "220104 吉林省长春市朝阳区"]),
        ("chaoyang", ["110105 北京市朝阳区", "220104 吉林省长春市朝阳区"]),
        ("jiangjin", ["500116 重庆市江津区"]),
        ("什么区", []),
    ],
)
def test_a_name_that_several_places_bear_is_answered_with_their_codes(name, told):
    """The reader copies the right code instead of looking for it elsewhere."""
    with pytest.raises(UsageError) as caught:
        parse_query(f"region={name}")

    line = str(caught.value)
    assert name in line
    assert all(one in line for one in told)
    assert len(re.findall(r"\b\d{6}\b", line)) <= 5


words = st.text(min_size=1, max_size=8) | st.text('"“”「」『』＂ aＡ储１\u3000', max_size=12)
filters = st.builds(
    Filter,
    kind=st.lists(st.sampled_from(Kind), max_size=3).map(tuple),
    category=st.lists(st.sampled_from(sorted(CATEGORIES)), max_size=4).map(tuple),
    industry=st.lists(st.sampled_from(sorted(INDUSTRIES)), max_size=4).map(tuple),
    authority=st.lists(st.sampled_from(Authority), max_size=2).map(tuple),
    q=st.lists(words, max_size=3).map(tuple),
    exclude=st.lists(words, max_size=3).map(tuple),
    amount_min=st.none() | st.integers(0, 10**14).map(lambda fen: fen / 100),
    posted_after=st.none() | st.dates(),
    posted_before=st.none() | st.dates(),
    deadline_after=st.none() | st.dates(),
    deadline_before=st.none() | st.dates(),
)


@given(filters)
def test_the_canonical_form_is_a_wishs_identity(wish):
    """Equal wishes are stored once, so the form must survive being read and written again."""
    once = canonical(wish)

    assert canonical(parse_query(once)) == once


@given(filters, st.randoms())
def test_order_and_repetition_do_not_matter(wish, random):
    """Two people who ticked the same boxes in another order share one wish."""
    again = {
        name: tuple(random.sample(values, len(values)) + values[:1])
        for name in ("kind", "category", "industry", "authority", "q", "exclude")
        if (values := list(getattr(wish, name)))
    }

    assert canonical(replace(wish, **again)) == canonical(wish)


@pytest.mark.parametrize(
    ("typed", "canonical_form"),
    [
        ("q=储能 补贴", ["储能", "补贴"]),
        ("q=补贴&q=储能", ["储能", "补贴"]),
        ("q=“新型　储能”补贴", ['"新型 储能"', "补贴"]),
        ("q=「ＡＩ」", ['"ai"']),
        ("q=关于“十四五”规划", ["关于“十四五”规划"]),
        ('q=储能 "', ["储能"]),
        ('q="" 储能', ["储能"]),
        ('q="储能', ["储能"]),
        ("q=\u200b\x00储能\ud800", ["储能"]),
    ],
)
def test_words_and_phrases_have_one_form(typed, canonical_form):
    """Whatever keyboard it was typed on, the same wish is the same wish."""
    wish = parse_query(typed)

    assert list(wish.q) == sorted(canonical_form)
    assert parse_query(canonical(wish)) == wish


@pytest.mark.parametrize(
    ("typed", "same"),
    [
        ("amount_min=10亿", "amount_min=1000000000"),
        ("amount_min=≥ 10亿元", "amount_min=1000000000"),
        ("amount_min=1e9", "amount_min=1000000000"),
        ("amount_min=１０亿", "amount_min=1000000000"),
        ("amount_min=>=1,000,000,000 元", "amount_min=1000000000"),
        ("amount_min=12,000.50", "amount_min=12000.5"),
        ("amount_min=5 000 万元", "amount_min=50000000"),
        ("q= &q=储能", "q=储能"),
        ("amount_min=5000万元以上", "amount_min=50000000"),
        ("amount_min=3千万", "amount_min=30000000"),
        ("amount_min=1.5万亿", "amount_min=1500000000000"),
        ("region=江津区", "region=500116"),
        ("region=５００１１６", "region=500116"),
        ("region=重庆-江津区、500116", "region=500116"),
        ("region=光谷", "region=Z42010001"),
        ("region=z42010001", "region=Z42010001"),
        ("region=两江新区", "region=500157"),
        ("region=Z50011201", "region=500157"),
        ("industry=集成电路，ic", "industry=ic"),
        ("industry=Integrated Circuits", "industry=ic"),
        ("category=土地招拍挂&kind=项目", "kind=project&category=land"),
    ],
)
def test_however_a_value_is_written_the_wish_is_the_same(typed, same):
    """Spelling costs nobody a second copy of a wish, nor a mail."""
    assert canonical(parse_query(typed)) == canonical(parse_query(same))


def test_a_zone_that_became_a_district_keeps_its_readers():
    """两江新区 was a zone until 2025-11-06: who asks for it gets what came before and since."""
    before = replace(ANNOUNCEMENT, region_roll=divisions.roll("Z50011201"))
    since = replace(ANNOUNCEMENT, region_roll=divisions.roll("500157"))

    for typed in ("region=两江新区", "region=Z50011201", "region=500112", "region=500000"):
        assert matches(parse_query(typed), before)
        assert matches(parse_query(typed), since)


def test_every_industry_is_in_the_page_on_filters_with_its_words():
    """What a reader may choose, and by which words it is found, is no secret."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "filters.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\S+) ([a-z -]+) \| `([a-z-]+)` \| (.+) \|$", page, re.MULTILINE)

    told = {slug: (zh, en, tuple(said.split())) for zh, en, slug, said in rows}
    assert told == {slug: (one.zh, one.en, one.words) for slug, one in INDUSTRIES.items()}


def test_every_field_is_in_the_page_on_filters():
    """The language is documented once; a field that is not there does not exist for readers."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "filters.md").read_text(encoding="utf-8")
    cells = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]

    assert sorted(word for cell in cells for word in re.findall("`([^`]+)`", cell)) == sorted(
        FIELDS
    )


def test_a_wish_is_told_in_words():
    """The footer says why a mail came, in the reader's language."""
    wish = parse_query(
        "kind=policy&industry=ic&q=氢能&not=招聘&amount_min=10亿&posted_after=2026-01-02"
    )

    assert (
        describe(wish)
        == "政策 · 集成电路 · 含“氢能” · 不含“招聘” · 不低于10亿元 · 2026-01-02 起发布"
    )
    assert describe(wish, "en").startswith("policy · integrated circuits · with “氢能”")
    assert describe(Filter()) == "全部公告"


@pytest.mark.parametrize("slip", ["江津去", "浦东去新", "江津区政府"])
def test_a_slip_in_a_regions_name_is_not_guessed_at(slip):
    """Whoever meant another place would never know why nothing comes."""
    with pytest.raises(UsageError, match=slip):
        parse_query(f"region={slip}")


@pytest.mark.parametrize("name", ["平安", "重庆-江津区", "成都高新区", "上海浦东", "大足县"])
def test_names_that_nothing_is_added_to_are_known(name):
    assert parse_query(f"region={name}").region
