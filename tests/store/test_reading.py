"""What pages and feeds read: the SQL of a filter says what the pure one says."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from itertools import count

import pytest
from sqlalchemy import Engine, text

from aggregator import filters, store
from aggregator.errors import NotFoundError
from aggregator.model import (
    Amount,
    ArticleOutcome,
    ArticleReport,
    Authority,
    Category,
    Deadline,
    Draft,
    Entry,
    Facts,
    Filter,
    Flag,
    Frequency,
    Kind,
    NewSource,
    PollReport,
    Region,
    SourceKind,
)

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
_NUMBERS = count()


def fill(engine: Engine, *drafts: Draft) -> None:
    """Store drafts as one source's later poll brings them."""
    sources, entries = store.Sources(engine), store.Entries(engine)
    url = f"http://p{next(_NUMBERS)}.example/"
    one = sources.add(NewSource(name="甲", kind=SourceKind.FEED, url=url, region="500116"), NOW)
    with engine.begin() as connection:
        connection.execute(text("update sources set first_polled_at = now()"))
    [claimed] = sources.claim_sources([one.id], NOW, lease=timedelta(seconds=90))
    rows = tuple(Entry(key=d.url, url=d.url, title=d.title, raw_hash="1") for d in drafts)
    sources.record_polls(
        [PollReport(source=claimed, at=NOW, outcome="read", entries=rows, next_poll_at=NOW)]
    )
    due = entries.claim_entries(
        entries.due_entries(NOW, limit=99), NOW, lease=timedelta(seconds=90)
    )
    by_url = {draft.url: draft for draft in drafts}
    entries.record_articles(
        [
            ArticleReport(
                entry=e, at=NOW, outcome=ArticleOutcome.READ, draft=by_url[str(e.entry.url)]
            )
            for e in due
        ],
        NOW,
    )


def draft(title: str, **more: object) -> Draft:
    more.setdefault("posted_at", NOW - timedelta(hours=1))
    return Draft(title=title, url=f"http://a.example/{title}", title_key=title, **more)


DRAFTS = (
    draft("重庆储能政策", kind=Kind.POLICY, body_text="储能 ＡＢＣ", issuer="江津区政府",
          categories=(Category(slug="policy", why=""), Category(slug="talent", why="")),
          facts=Facts(amounts=(Amount(value=1, yuan=1e6, basis="cap", unit="元", sentence=""),
                               Amount(value=9, yuan=9e9, basis="aggregate", unit="元", sentence="")),
                      deadlines=(Deadline(value=date(2026, 4, 1), sentence=""),))),
    draft("北京项目", kind=Kind.PROJECT, regions=(Region(code="110101", name="东城区", path=()),),
          categories=(Category(slug="project", why=""),), authority=Authority.MEDIA),
    draft("采购公告", flags=(Flag.EXCLUDED,), categories=(Category(slug="tender", why=""),)),
    draft("旧闻", posted_at=NOW - timedelta(days=90)),
    draft("无日期", posted_at=None, doc_number="渝府发[2026]3号"),
)  # fmt: skip


@pytest.mark.parametrize(
    "wanted",
    [
        Filter(),
        Filter(region=("500116",)),
        Filter(region=("500000",)),
        Filter(region=("110000", "500116")),
        Filter(kind=(Kind.POLICY, Kind.PROJECT)),
        Filter(category=("talent", "project")),
        Filter(category=("tender",)),
        Filter(authority=(Authority.MEDIA,)),
        Filter(q=("储能", "abc")),
        Filter(q=("储能", "北京")),
        Filter(q=("渝府发〔2026〕3号",)),
        Filter(q=("100%_'\\",)),
        Filter(exclude=("储能",)),
        Filter(amount_min=1e6),
        Filter(amount_min=1e6 + 1),
        Filter(posted_after=date(2026, 3, 1)),
        Filter(deadline_before=date(2026, 4, 1)),
        Filter(deadline_before=date(2026, 3, 31)),
        Filter(kind=(Kind.POLICY,), q=("储能",), exclude=("北京",), region=("500000",)),
    ],
    ids=filters.canonical,
)
def test_the_store_finds_what_the_filter_matches(engine: Engine, wanted: Filter):
    """A page, a feed and a mail for one wish must not disagree."""
    fill(engine, *DRAFTS)
    announcements = store.Announcements(engine)
    everything = {
        a.id: a
        for some in (Filter(), Filter(category=("tender",)))
        for a in announcements.find(some, limit=99)
    }
    assert len(everything) == len(DRAFTS)

    found = {a.draft.title for a in announcements.find(wanted, limit=99)}
    assert found == {a.draft.title for a in everything.values() if filters.matches(wanted, a)}
    assert announcements.count(wanted) == len(found)


def test_a_source_without_a_named_region_lends_its_own(engine: Engine):
    """A notice that names no place is about the place whose portal printed it."""
    fill(engine, draft("无地名"))

    [one] = store.Announcements(engine).find(Filter(region=("500000",)), limit=9)
    assert "500116" in one.region_roll


def test_pages_run_from_new_to_old_without_overlap(engine: Engine):
    """Turning a page shows neither a notice twice nor skips one."""
    made = [draft(f"第{n}份文件", posted_at=NOW - timedelta(days=n // 2)) for n in range(9)]
    fill(engine, *made)
    announcements = store.Announcements(engine)

    pages = [announcements.find(Filter(), limit=4, offset=at) for at in (0, 4, 8)]
    titles = [a.draft.title for page in pages for a in page]
    assert sorted(titles) == sorted(d.title for d in made)
    days = [a.draft.posted_at for page in pages for a in page if a.draft.posted_at]
    assert days == sorted(days, reverse=True)


def test_a_record_comes_back_as_it_was_stored(engine: Engine):
    """No field is lost or changed on the way through the database."""
    fill(engine, DRAFTS[0])
    announcements = store.Announcements(engine)
    [one] = announcements.find(Filter(), limit=9)

    assert one.draft == DRAFTS[0]
    assert announcements.get(one.uuid) == announcements.get(one.id) == one


@pytest.mark.parametrize(
    "ref", ["822ae050-c299-40d9-9659-16348410f998", "77", "9" * 30, "'; drop table", "\x00", "²"]
)
def test_asking_for_what_is_not_there_says_so(engine: Engine, ref: str):
    """A link that somebody cut or made up is a 404 and not a fault of ours."""
    with pytest.raises(NotFoundError):
        store.Announcements(engine).get(ref)


def test_why_names_the_rule_or_the_mail(engine: Engine):
    """An operator who is asked "why did I not get this?" can answer with times."""
    fill(engine, draft("政策一", kind=Kind.POLICY))
    [one] = store.Announcements(engine).find(Filter(), limit=9)
    people, system = store.Subscribers(engine), store.System(engine)
    before = NOW - timedelta(days=1)
    people.sign_up("a@m.example", [Filter(q=("x",))], Frequency.DAILY, before, confirmed=True)
    people.sign_up("b@m.example", [Filter()], Frequency.DAILY, before, confirmed=True)
    people.sign_up("c@m.example", [Filter()], Frequency.DAILY, before, token_hash=b"1")
    people.suppress("b@m.example", "bounced", NOW)

    said = {
        who: " ".join(system.why(str(one.uuid), f"{who}@m.example", NOW).lines)
        for who in ("a", "b", "c")
    }
    assert "does not match" in said["a"]
    assert "suppressed: bounced" in said["b"]
    assert "not-confirmed" in said["c"]


def test_migrating_twice_at_once_is_once_and_the_identity_stays(engine: Engine):
    """Two containers start together; feed ids outlive a change of the public name."""
    with engine.begin() as connection:
        connection.execute(text("drop schema public cascade"))
        connection.execute(text("create schema public"))
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: store.migrate(engine, tag_authority="first.example"), range(3)))
    store.migrate(engine, tag_authority="second.example")

    authority, day = store.Announcements(engine).identity()
    assert authority == "first.example"
    assert date.fromisoformat(day)


def test_old_polls_are_forgotten_and_beats_are_remembered(engine: Engine):
    """The store does not grow with time, only with news."""
    sources, system = store.Sources(engine), store.System(engine)
    one = sources.add(NewSource(name="x", kind=SourceKind.FEED, url="http://x.example/"), NOW)
    [claimed] = sources.claim_sources([one.id], NOW, lease=timedelta(seconds=9))
    sources.record_polls([PollReport(source=claimed, at=NOW, outcome="read", next_poll_at=NOW)])
    system.beat("worker", NOW)
    system.beat("worker", NOW + timedelta(minutes=1))
    system.prune(NOW + timedelta(days=31))

    assert sources.polls(one.id) == []
    assert system.beats() == {"worker": NOW + timedelta(minutes=1)}
