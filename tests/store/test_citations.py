"""Numbers and 《titles》 lead to announcements in the store, whichever came first."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text
from store_drafts import HOUR, NOW, read, shown

from aggregator import normalise, store
from aggregator.model import Article, ArticleOutcome, ArticleReport, Filter

DAY = timedelta(days=1)
#: title, text, posted how many days before NOW
POLICY = (
    "江津区人民政府办公室关于印发江津区支持新型储能产业若干措施的通知",
    (
        "江津府办发〔2026〕8号\n各街道：现将若干措施印发给你们。一、对新建产线按设备投资额的10%给予补助，"
        "最高500万元。二、对研发投入给予补助，最高100万元。三、本措施自2026年3月1日起施行，有效期三年。"
    ),
    9,
)
CALL = (
    "关于组织申报2026年度储能产业补助的通知",
    (
        "根据《江津区支持新型储能产业若干措施》（江津府办发〔2026〕8号），现组织开展2026年度补助申报，"
        "请符合条件的企业于2026年4月30日前向区发展改革委提交申请表、发票和付款凭证，逾期不予受理。"
    ),
    3,
)
READING = (
    "《江津区支持新型储能产业若干措施》政策解读",
    (
        "为何出台？为抢抓新型储能发展机遇。补什么？对新建产线按设备投资额给予补助，对研发投入给予补助。"
        "怎么申请？由区发展改革委每年发布申报通知，企业按通知要求在线提交材料，经评审公示后拨付。"
    ),
    8,
)
PICTURE = ("一图读懂：江津区支持新型储能产业若干措施", "图", 7)
REPEAL = (
    "关于废止《江津区支持新型储能产业若干措施》的通知",
    (
        "各街道：经区政府同意，江津府办发〔2026〕8号文件自本通知印发之日起废止，"
        "已受理的申报事项按原规定办理完毕，请做好政策衔接和宣传解释工作，确保平稳过渡。"
    ),
    1,
)


def put(engine: Engine, name: str, page: tuple[str, str, int], region: str = "500116"):
    """Store a page that a portal of a region shows."""
    title, words, days = page
    [entry] = [one for one in shown(engine, title, name=name) if one.source.name == name]
    with engine.begin() as connection:
        connection.execute(
            text("update sources set region = :r where name = :n"), {"r": region, "n": name}
        )
    article = Article(
        url=f"http://{name}.example/{abs(hash(title))}.html", title=title, body_html=f"<p>{words}</p>",
        body_text=words, date_text=f"{NOW - days * DAY:%Y-%m-%d}",
    )  # fmt: skip
    draft = normalise.draft_page(article, now=NOW)
    store.Entries(engine).record_articles([read(entry, draft)], NOW)
    return entry, draft


def known(engine: Engine, title: str):
    """The announcement of a title, and its citations."""
    found = store.Announcements(engine)
    one = next(
        a for a in found.find(Filter(), limit=99, include_withdrawn=True) if a.draft.title == title
    )
    return found.citations(one.id)


def ends(some) -> set[tuple[str, str]]:
    return {(one.relation, one.title) for one in some}


@pytest.mark.parametrize("order", [*itertools.permutations(range(4))][::4])
def test_citations_are_found_in_both_directions_whoever_came_first(engine: Engine, order):
    """A reader of the call finds the policy, and of the policy its call and its explanations."""
    pages = (POLICY, CALL, READING, PICTURE)
    for number in order:
        put(engine, f"区{number}", pages[number])

    assert ends(known(engine, CALL[0]).cites) == {("cites", POLICY[0])}
    assert ends(known(engine, POLICY[0]).cited_by) == {
        ("cites", CALL[0]), ("explains", READING[0]), ("explains", PICTURE[0]),
    }  # fmt: skip
    assert ends(known(engine, READING[0]).cites) == {("explains", POLICY[0])}


def test_a_repeal_says_so_on_both_pages(engine: Engine):
    """Whoever reads the measures must see that they are gone."""
    put(engine, "甲", POLICY)
    put(engine, "甲", REPEAL)

    assert ("repeals", REPEAL[0]) in ends(known(engine, POLICY[0]).cited_by)
    assert ends(known(engine, REPEAL[0]).cites) == {("repeals", POLICY[0])}


def test_a_title_that_many_districts_use_means_that_of_ones_own(engine: Engine):
    """优化营商环境若干措施 exists three thousand times."""
    name = "优化营商环境若干措施"
    ours = (
        f"{name}",
        "一、压减办理时限。二、推行一件事一次办。三、规范涉企检查。四、降低用能成本。",
        20,
    )
    theirs = (f"{name}", "第一条 放宽市场准入。第二条 清理隐性门槛。第三条 兑现政府承诺。", 15)
    call = ("关于报送营商环境工作进展的通知", f"请按照《{name}》要求，于本月底前报送进展情况，包括指标完成情况和下一步打算，材料报区营商办。", 2)  # fmt: skip
    put(engine, "甲区", ours, region="500116")
    put(engine, "乙区", theirs, region="320106")
    put(engine, "丙局", call, region="500116")
    with engine.begin() as connection:  # the page itself names no region: the source's counts
        connection.execute(
            text(
                "update announcements a set regions = array[s.region],"
                " region_roll = array[s.region, left(s.region, 4) || '00', left(s.region, 2) || '0000']"
                " from sources s where s.id = a.source_id"
            )
        )
    with engine.connect() as connection:
        [wanted] = connection.execute(
            text("select uuid from announcements where source_name = '甲区'")
        ).scalars()

    assert [one.uuid for one in known(engine, call[0]).cites] == [wanted]


def test_citations_follow_new_readings_and_withdrawals(engine: Engine):
    """A corrected page no longer cites; what is withdrawn is said to be so."""
    put(engine, "甲", POLICY)
    entry, draft = put(engine, "乙", CALL)
    gone = ArticleReport(entry=entry, at=NOW, outcome=ArticleOutcome.WITHDRAWN, gone_since=NOW)
    entries = store.Entries(engine)
    later = NOW + 2 * HOUR
    due = entries.claim_entries(entries.due_entries(later, limit=9), later, lease=HOUR)
    again = next(one for one in due if one.id == entry.id)
    entries.record_articles([ArticleReport(**{**_fields(gone), "entry": again})], later)

    [citing] = known(engine, POLICY[0]).cited_by
    assert citing.withdrawn

    evening = NOW + 6 * HOUR
    with engine.begin() as connection:
        connection.execute(
            text("update entries set due_at = :t, lease_until = null"), {"t": evening}
        )
    due = entries.claim_entries(entries.due_entries(evening, limit=9), evening, lease=HOUR)
    again = next(one for one in due if one.id == entry.id)
    plain = normalise.draft_page(
        Article(
            url=draft.url, title=draft.title, body_html="<p>x</p>", body_text="申报工作另行通知。",
            date_text="2026-02-27",
        ),
        now=NOW,
    )  # fmt: skip
    entries.record_articles([read(again, plain, at=evening)], evening)

    assert known(engine, POLICY[0]).cited_by == ()


def _fields(report: ArticleReport) -> dict[str, object]:
    return {name: getattr(report, name) for name in report.__dataclass_fields__}
