"""One event, one announcement (DOMAIN.md §13): a country's reprints, and cases by hand."""

from __future__ import annotations

import itertools
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator import cluster, normalise, parse
from aggregator.model import Draft
from quxun.bench.floors import floor
from quxun.country import Country, Size
from quxun.country.site import Site

sys.path.insert(0, str(Path(__file__).parent))

from cluster_pairs import NOW, made

BODY = (
    "为支持企业扩大有效投资，经区政府同意，现就有关事项通知如下。\n"
    "一、对新建厂房的企业按设备投资额的10%给予补助，最高不超过{cap}万元。\n"
    "二、申报企业应当在本区登记，具有独立法人资格，无失信记录，财务制度健全。\n"
    "三、请于{day}前将申请表、营业执照和设备发票送区投资促进局企业服务科。\n"
    "四、区投资促进局会同区财政局组织评审，结果在区政府网站公示五个工作日。\n"
)


@dataclass(frozen=True)
class Pairs:
    """Pairs of pages of one notice, and pairs of different notices that look alike."""

    reprints: tuple[tuple[Draft, Draft], ...]
    lookalikes: tuple[tuple[Draft, Draft], ...]


def body(cap: int = 500, day: str = "9月30日") -> str:
    return BODY.format(cap=cap, day=day)


@pytest.fixture(scope="module")
def pairs() -> Pairs:
    """Every page of a small country read as a portal's page, and paired by the truth."""
    country = Country(
        seed=7, size=Size(portals=12, notices_per_column=9, reprint_share=0.6), now=NOW
    )
    site = Site(country, 80)
    pages: dict[str, tuple[int, Draft]] = {}
    for known in country.truth().notices:
        for place in known.places:
            if place.withdrawn or place.article_url in pages:
                continue
            host, _, path = place.article_url.removeprefix("http://").partition("/")
            answer = site.answer(host, "GET", f"/{path}", b"")
            article = parse.read_article(
                answer.body,
                url=place.article_url,
                content_type=None,
                now=NOW,
                selector=None,
                learned=None,
            )
            draft = normalise.draft_page(article, now=NOW)
            pages[place.article_url] = (known.notice.id, draft)
    return _paired(list(pages.values()))


def _paired(pages: list[tuple[int, Draft]]) -> Pairs:
    together: dict[object, list[tuple[int, Draft]]] = defaultdict(list)
    for number, draft in pages:
        keys: list[object] = [("notice", number), draft.title_key[:10], draft.title_key[-10:]]
        keys += [draft.issuer, draft.doc_number, *cluster.keys(draft)]
        for key in filter(None, keys):
            together[key].append((number, draft))
    reprints: dict[frozenset[str], tuple[Draft, Draft]] = {}
    lookalikes: dict[frozenset[str], tuple[Draft, Draft]] = {}
    for group in together.values():
        for (one, a), (two, b) in itertools.combinations(group, 2):
            (reprints if one == two else lookalikes)[frozenset((a.url, b.url))] = (a, b)
    return Pairs(reprints=tuple(reprints.values()), lookalikes=tuple(lookalikes.values()))


def test_reprints_of_a_country_are_found_and_lookalikes_stay_apart(pairs: Pairs) -> None:
    """A notice lost in another's cluster is never mailed; that weighs more than one mailed twice."""
    found = sum(cluster.same(a, b)[0] for a, b in pairs.reprints)
    lumped = [(a.title, b.title) for a, b in pairs.lookalikes if cluster.same(a, b)[0]]

    sys.stdout.write(
        f"\ncountry: precision {found / (found + len(lumped)):.3f}, recall"
        f" {found / len(pairs.reprints):.3f} of {len(pairs.reprints)} pairs\n"
    )
    assert len(pairs.reprints) > 100
    assert len(pairs.lookalikes) > 500
    assert found / (found + len(lumped)) >= floor("clusters.country.precision"), lumped[:5]
    assert found / len(pairs.reprints) >= floor("clusters.country.recall")


def test_sameness_is_mutual(pairs: Pairs) -> None:
    """Which of two portals was read first decides nothing."""
    for a, b in (*pairs.reprints, *pairs.lookalikes):
        assert cluster.same(a, b) == cluster.same(b, a)


def test_what_is_the_same_shares_a_key(pairs: Pairs) -> None:
    """The store finds candidates by keys: what the rule would join must be among them."""
    for a, b in pairs.reprints:
        if cluster.same(a, b)[0]:
            assert cluster.keys(a) & cluster.keys(b), (a.title, b.title)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (
            made("东原区扩大有效投资若干措施", body(), "2025-08-13"),
            made("关于印发《东原区扩大有效投资若干措施》的通知", body(), "2025-08-15"),
        ),
        (
            made("东原区投资促进局关于申报设备补助的通知", body(), "2025-08-13"),
            made("东原发布｜关于申报设备补助的通知", "编者按：以下为全文。\n" + body(), "2025-08-14"),
        ),
        (
            made("关于组织申报东原区设备补助资金的通知", body(), "2025-08-13"),
            made("关于组织申报东原区设备补助资…", body(), "2025-08-13"),
        ),
        (
            made("东府发〔2025〕9号", "东府发〔2025〕9号\n" + body(), "2025-08-13"),
            made("设备补助措施出台", "东府发[2025]9号\n摘要见下。", "2025-11-13"),
        ),
        (
            made("东原区举办推介会", "9月18日，东原区在邻市举办招商推介会，86家企业参加。", "2025-09-19"),
            made("东原区赴邻市推介", "9月18日，东原区在邻市举办招商推介会，86家企业参加。", "2025-09-19"),
        ),
        (
            made("企业扩产有新补助", body(), "2025-08-13"),
            made("关于组织申报东原区设备补助资金的通知", body(), "2025-08-16"),
        ),
    ],
)  # fmt: skip
def test_one_notice_told_twice_is_one(a: Draft, b: Draft) -> None:
    """Wrapped, cut, renamed by a press portal, or known by its number only."""
    assert cluster.same(a, b)[0]


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (
            made("关于公布第一批重点企业名单的通知", body(), "2025-08-13"),
            made("关于公布第二批重点企业名单的通知", body(), "2025-08-15"),
        ),
        (
            made("东原区7月招商动态", body(500), "2025-08-01"),
            made("东原区8月招商动态", body(600), "2025-09-01"),
        ),
        (
            made("关于申报设备补助的通知", body(500, "9月30日"), "2025-08-13"),
            made("关于申报设备补助的通知", body(800, "12月31日"), "2025-11-13"),
        ),
        (
            made("设备补助通知", "东府发〔2025〕9号\n" + body(), "2025-08-13"),
            made("设备补助通知", "东府发〔2025〕10号\n" + body(), "2025-08-14"),
        ),
        (
            made("东原区设备补助办法", body(), "2025-08-13"),
            made("一图读懂东原区设备补助办法", "谁能申报：本区企业。补多少：一成。\n" * 6, "2025-08-14"),
        ),
        (
            made("关于设备补助拟支持企业的公示", "拟支持甲川机械公司，补助50万元，公示期五天。", "2025-08-13"),
            made("关于设备补助拟支持企业的公示", "拟支持乙海模具公司，补助30万元，公示期五天。", "2025-08-15"),
        ),
        (
            made("企业名单", "全文请在页面下方的附件中下载查看。", "2025-08-13", "http://a.example/list"),
            made("值班安排", "全文请在页面下方的附件中下载查看。", "2025-08-13", "http://a.example/list"),
        ),
        (
            made("公示", "拟支持甲公司。", "2025-08-13"),
            made("公示", "拟支持乙公司。", "2025-08-14"),
        ),
    ],
)  # fmt: skip
def test_different_notices_stay_apart(a: Draft, b: Draft) -> None:
    """The same office, the same template, another batch, month, number or kind of text."""
    assert not cluster.same(a, b)[0]


@pytest.mark.parametrize(
    ("title", "key"),
    [
        ("关于印发《东原区设备补助实施办法》的通知", "东原区设备补助实施办法"),
        ("东原区人民政府办公室关于印发东原区设备补助实施办法的通知", "东原区设备补助实施办法"),
        ("东原发布｜东原区设备补助实施办法", "东原区设备补助实施办法"),
        ("东原区设备补助实施办法", "东原区设备补助实施办法"),
        ("关于废止《东原区设备补助实施办法》的通知", "关于废止东原区设备补助实施办法的通知"),
        ("《东原区设备补助实施办法》政策解读", "东原区设备补助实施办法政策解读"),
    ],
)
def test_titles_are_unwrapped_to_what_is_said(title: str, key: str) -> None:
    """What repeals or explains a document is not the document."""
    assert cluster.title_key(title) == key


@given(st.text(st.sampled_from("东原区关于印发《》的通知第一批｜12月"), max_size=40))
def test_a_title_key_is_never_longer_than_its_title(title: str) -> None:
    """Unwrapping only takes away."""
    assert len(cluster.title_key(title)) <= len(title)


@given(st.text(st.sampled_from("东原区补助企业申报通知一二三四五"), min_size=81, max_size=300))
def test_keys_are_signed_64_bit_numbers_that_white_space_does_not_move(text: str) -> None:
    """They live in a bigint column, and portals indent as they like."""
    one = made("通知", text, "2025-08-13")
    other = made("通知", "　　".join((text[:40], text[40:])), "2025-08-13")

    assert all(-(1 << 63) <= key < 1 << 63 for key in cluster.keys(one))
    assert cluster.keys(one) == cluster.keys(other)
    assert cluster.surest(one) <= cluster.keys(one)


def test_short_texts_bring_no_keys_of_their_own() -> None:
    """Two hints at an attachment are not one notice."""
    hints = [
        made(title, "详见附件。", "2025-08-13")
        for title in ("设备补助申报表格", "人才公寓入住须知")
    ]

    assert not cluster.keys(hints[0]) & cluster.keys(hints[1])


@pytest.mark.parametrize("unit", ["1", "甲", "甲乙丙"])
def test_titles_and_texts_without_pauses_are_compared_in_time(unit: str) -> None:
    """They are compared while a transaction is open: no page may hold it."""
    shared = "".join(f"这是两页都有的第{n}段话语，一字不差。" for n in range(500))
    long = unit * (9000 // len(unit))
    changed = f"{long[:4400]}丁{long[4401:]}"
    one = made(long, f"{shared}{long}", "2025-08-13")
    other = made(changed, f"{shared}{changed}", "2025-08-13")
    started = time.process_time()

    assert cluster.same(one, other) == cluster.same(other, one)
    assert time.process_time() - started < 20
