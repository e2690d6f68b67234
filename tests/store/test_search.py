"""A search in the store says what the filter says, and misses nothing, however it is cut."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from aggregator import divisions, filters, store
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
    Precision,
)
from aggregator.store import rows
from aggregator.store.hunt import Hunter

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
#: Small windows and a small cap: every way through the hunt is taken with a hundred rows.
SMALL = Hunter(ranks=(5, 20, 60), cap=7)
PIECES = (
    "储能", "新型", "能源", "专精特新", "算力中心", "通知", "申报", "人", "才", "关于印发", "号", "年",
    "AI", "ai", "mail", "5G", "ＡＩ", "Open AI", "new energy", "12", "112", "2026", "２０２６", "a", "1",
    " ", "\n", "　", "。", "，", "“", "”", '"', "'", "\\", "%", "_", "〔", "〕", "【", "】", "-", "—",
    "·", "😀", "👩‍🔬", "é", "e\u0301", "Ⅷ", "㎡", "ﬁ", "ß", "İ", "Σ", "&", "|", "!", ":*", "(", ")", "[", "^", "$", ".", "*", "+", "?", "{",
)  # fmt: skip


def made(dice: Random, number: int) -> Announcement:
    """An announcement of a few pieces, with fields of every sort."""

    def words(most: int) -> str:
        return "".join(dice.choices(PIECES, k=dice.randint(1, most)))

    posted_at = NOW - timedelta(days=dice.choice((0, 0, 1, 2, 40, 400, 20_000)), minutes=number)
    home = dice.choice(("500116", "500112", "110101"))
    draft = Draft(
        title=words(6) + "题",
        url=f"http://a.example/{number}",
        posted_at=posted_at,
        date_precision=Precision.MINUTE,
        issuer=dice.choice((None, words(2))),
        doc_number=dice.choice((None, f"渝府发〔2026〕{number}号")),
        kind=dice.choice(list(Kind)),
        categories=(Category(slug=dice.choice(("land", "policy", "tender")), why=""),),
        authority=dice.choice(list(Authority)),
        body_text=words(14),
        flags=dice.choice(((), (), (Flag.EXCLUDED,))),
        facts=Facts(
            amounts=tuple(
                Amount(value=1, yuan=yuan, basis=basis, unit="元", sentence="")
                for basis in (dice.choice(("cap", "other")),)
                for yuan in dice.choice(((), (1e6,), (999_999.99,), (5e8,), (0.5,)))
            ),
            deadlines=tuple(
                Deadline(value=day, sentence="")
                for day in dice.choice(((), (date(2026, 4, 1),), (date(1980, 1, 1),)))
            ),
        ),
    )
    return Announcement(
        id=AnnouncementId(number),
        uuid=uuid4(),
        draft=draft,
        region_roll=tuple(sorted(divisions.roll(home))),
        first_seen_at=posted_at,
        announced_at=posted_at,
        changed_at=posted_at,
        change=dice.randint(0, 4) * 100_000 + number,
        withdrawn_at=NOW if dice.random() < 0.1 else None,
        merged_into=UUID(int=1) if dice.random() < 0.1 else None,
    )


def put(engine: Engine, announcements: Sequence[Announcement]) -> dict[UUID, Announcement]:
    """Write announcements as any version of ours does: the columns of the first schema."""
    with engine.begin() as connection:
        connection.execute(
            text(
                "insert into announcements (uuid, source_name, title, title_key, url, posted_at,"
                " sort_at, deadline_on, amount_yuan, kind, categories, regions, region_roll,"
                " authority, doc_number, excluded, novelty, substance_hash, draft, search, change,"
                " first_seen_at, announced_at, changed_at, withdrawn_at, merged_into) values (:uuid,"
                " '', :title, '', '', :at, :at, :deadline, :amount, :kind, :categories, '{}', :roll,"
                " :authority, '', :excluded, 'news', '', cast(:draft as jsonb), :search, :change,"
                " :at, :at, :at, :withdrawn, :merged)"
            ),
            [
                {
                    "uuid": one.uuid,
                    "title": one.draft.title,
                    "at": one.draft.posted_at,
                    "deadline": filters.deadline_of(one.draft),
                    "amount": filters.amount_of(one.draft),
                    "kind": one.draft.kind,
                    "categories": [c.slug for c in one.draft.categories],
                    "roll": list(one.region_roll),
                    "authority": one.draft.authority,
                    "excluded": Flag.EXCLUDED in one.draft.flags,
                    "draft": rows.to_json(one.draft),
                    "search": filters.search_text(one.draft),
                    "change": one.change,
                    "withdrawn": one.withdrawn_at,
                    "merged": one.merged_into,
                }
                for one in announcements
            ],
        )
    return {one.uuid: one for one in announcements}


@pytest.fixture
def corpus(engine: Engine) -> dict[UUID, Announcement]:
    dice = Random(11)
    return put(engine, [made(dice, number) for number in range(1, 121)])


typed = st.lists(st.sampled_from(PIECES), min_size=1, max_size=4).map("".join) | st.text(
    min_size=1, max_size=4
)
words = st.lists(typed | typed.map(lambda one: f'"{one}"'), max_size=2).map(tuple)
days = st.none() | st.sampled_from(
    (date(1975, 5, 5), date(2025, 1, 1), date(2026, 2, 28), date(2026, 3, 2), date(2026, 4, 1))
)
wishes = st.builds(
    Filter,
    region=st.sampled_from(((), (), ("500000",), ("500116",), ("110101", "500112"))),
    kind=st.sampled_from(((), (), (Kind.POLICY,), (Kind.OTHER, Kind.PROJECT))),
    category=st.sampled_from(((), (), ("land",), ("tender", "policy"))),
    industry=st.sampled_from(((), (), ("ai",), ("new-energy", "ic"))),
    authority=st.sampled_from(((), (), (Authority.MEDIA,))),
    q=words,
    exclude=words,
    amount_min=st.sampled_from((None, None, 0.0, 0.3, 999_999.99, 1e6, 1_000_000.01, 1e15)),
    posted_after=days,
    posted_before=days,
    deadline_after=days,
    deadline_before=days,
)


def test_the_store_and_the_filter_agree_on_any_words(engine: Engine, corpus):
    """A page, a feed and a mail for one wish must not disagree, whatever the texts hold."""
    announcements = store.Announcements(engine, hunter=SMALL)

    @settings(
        max_examples=250, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    @given(wish=wishes, gone=st.booleans(), order=st.sampled_from(("posted", "changed")))
    def agree(*, wish: Filter, gone: bool, order: str) -> None:
        found = announcements.find(wish, limit=500, order=order, include_withdrawn=gone)
        wanted = [
            one
            for one in corpus.values()
            if filters.matches(wish, one) and (gone or not (one.withdrawn_at or one.merged_into))
        ]
        key = (
            (lambda a: a.change) if order == "changed" else lambda a: (a.draft.posted_at, a.change)
        )
        assert {a.uuid for a in found} == {a.uuid for a in wanted}
        keys = [key(corpus[a.uuid]) for a in found]
        assert [k[0] if order == "posted" else k for k in keys] == sorted(
            (k[0] if order == "posted" else k for k in keys), reverse=True
        )

    agree()


def test_every_piece_of_a_head_finds_its_announcement(engine: Engine, corpus):
    """Two to eight characters of a title, an issuer or a number are enough, wherever they stand."""
    announcements = store.Announcements(engine, hunter=SMALL)
    dice = Random(5)
    missed = []
    for one in dice.sample(sorted(corpus.values(), key=lambda a: a.id), 60):
        head = dice.choice(
            [part for part in (one.draft.title, one.draft.issuer, one.draft.doc_number) if part]
        )
        size = min(dice.randint(2, 8), len(head))
        at = dice.randint(0, len(head) - size)
        piece = head[at : at + size]
        if not set(piece) - set(' \n\u3000“”"'):
            continue  # blanks and quotes alone are refused: they would wish for everything
        for typed_so in (piece, f'"{piece}"') if '"' not in piece else (piece,):
            wish = filters.parse_filter(
                [("q", typed_so), ("category", ",".join(filters.CATEGORIES))]
            )
            found = announcements.find(wish, limit=500, include_withdrawn=True)
            if one.uuid not in {a.uuid for a in found}:
                missed.append((head, typed_so))

    assert missed == []


def test_pages_are_cut_from_one_list(engine: Engine, corpus):
    """Turning pages of a search shows each notice once, and counting says how many there are."""
    announcements = store.Announcements(engine, hunter=SMALL)
    wish = Filter(q=("题",))
    whole = [a.uuid for a in announcements.find(wish, limit=500)]
    pages = [announcements.find(wish, limit=7, offset=at) for at in range(0, len(whole) + 7, 7)]

    assert [a.uuid for page in pages for a in page] == whole
    assert announcements.count(wish) == len(whole) > 50
    assert announcements.count(wish, at_most=10) == 10


def test_a_text_of_a_thousand_pages_is_found_too(engine: Engine):
    """What is too long for the index is looked through."""
    dice = Random(3)
    long = "".join(chr(dice.randrange(0x4E00, 0x9FA5)) for _ in range(70_000)) + "甲乙丙丁"
    one = made(dice, 1)
    draft = Draft(title="长文", url="http://a.example/", posted_at=NOW, body_text=long)
    put(engine, [store_with(one, draft)])
    announcements = store.Announcements(engine)

    assert announcements.count(Filter(q=("乙丙",))) == 1
    assert announcements.count(Filter(q=("甲乙丙丁",), exclude=("长文",))) == 0
    assert announcements.count(Filter(q=("丁甲",))) == 0


def test_a_short_latin_word_leaves_out_no_longer_one(engine: Engine):
    """Whoever wants nothing of AI still gets what came by mail."""
    dice = Random(5)
    mail = Draft(title="通知", url="http://a.example/", posted_at=NOW, body_text="请发 mail 报名")
    ai = Draft(title="通知", url="http://b.example/", posted_at=NOW, body_text="用 ai 报名")
    put(engine, [store_with(made(dice, n), one) for n, one in enumerate((mail, ai), 1)])
    announcements = store.Announcements(engine)

    found = announcements.find(Filter(q=("报名",), exclude=("ai",)), limit=9)
    assert [one.draft.url for one in found] == [mail.url]


def store_with(one: Announcement, draft: Draft) -> Announcement:
    return Announcement(
        id=one.id, uuid=one.uuid, draft=draft, region_roll=(), first_seen_at=NOW,
        announced_at=NOW, changed_at=NOW, change=1,
    )  # fmt: skip


def test_whoever_writes_a_row_it_is_found_by_what_it_says_now(engine: Engine, corpus):
    """A worker of the version before knows nothing of the index, and must not make it lie."""
    announcements = store.Announcements(engine)
    with engine.begin() as connection:
        connection.execute(
            text(
                "update announcements set search = '光伏扶贫', region_roll = '{650000}',"
                " withdrawn_at = null, merged_into = null, excluded = false"
                " where id = (select min(id) from announcements)"
            )
        )

    assert announcements.count(Filter(q=("伏扶",), region=("650000",))) == 1
    with engine.begin() as connection:
        connection.execute(
            text("update announcements set withdrawn_at = now() where search = '光伏扶贫'")
        )
    assert announcements.count(Filter(q=("伏扶",))) == 0
    assert len(announcements.find(Filter(q=("伏扶",)), limit=9, include_withdrawn=True)) == 1


def test_rows_of_an_earlier_version_are_found_while_they_are_filled_in_and_after(engine, corpus):
    """An upgrade of a large store takes a while; nobody's search may come back empty meanwhile."""
    wish = Filter(q=("储能",))
    wanted = {a.uuid for a in store.Announcements(engine).find(wish, limit=500)}
    costly = Filter(amount_min=1e6)
    large = {a.uuid for a in store.Announcements(engine).find(costly, limit=500)}
    assert wanted
    assert any(corpus[a].draft.facts.amounts[0].basis == "other" for a in large)
    with engine.begin() as connection:
        connection.execute(text("alter table announcements disable trigger announcements_search"))
        connection.execute(
            text(
                "update announcements set grams = default, facets = default,"
                " search = '', amount_yuan = null"
            )
        )
        connection.execute(text("alter table announcements enable trigger announcements_search"))
        connection.execute(
            text("update announcements set search = replace(lower(draft->>'title') ||"
                 " (draft->>'body_text'), chr(10), '') where id % 2 = 0")
        )  # fmt: skip
        connection.execute(text("update house set search_version = 0"))
    meanwhile = {a.uuid for a in store.Announcements(engine).find(wish, limit=500)}
    assert {a for a in wanted if corpus[a].id % 2 == 0} <= meanwhile

    store.migrate(engine)

    assert {a.uuid for a in store.Announcements(engine).find(wish, limit=500)} == wanted
    assert {a.uuid for a in store.Announcements(engine).find(costly, limit=500)} == large
    with engine.connect() as connection:
        [left] = connection.execute(
            text(
                "select count(*) from announcements where facets @@ 'any' or grams @@ 'any' and change > 0"
            )
        ).one()
    assert left == 0
