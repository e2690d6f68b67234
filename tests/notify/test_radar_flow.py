"""The radar of weekly mails, from the store to the words."""

from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

from offices import BEFORE, DAY, HOUR, MORNING, Office
from sqlalchemy import event, text

from aggregator import divisions
from aggregator.model import Amount, Fact, Facts, Filter, Flag, Frequency, Kind, ProjectNews
from aggregator.notify.radar import radar_lines, radar_of, tally_of
from aggregator.notify.words import words_of
from aggregator.store.radar import project_news

#: Two thousand projects of long ago, an hour apart.
MANY_OLD = """
insert into announcements (uuid, source_name, title, title_key, url, posted_at, sort_at, kind,
  categories, regions, region_roll, authority, excluded, novelty, substance_hash, draft, search,
  change, first_seen_at, announced_at, changed_at)
select gen_random_uuid(), a.source_name, a.title, '', a.url, t, t, a.kind, a.categories, a.regions,
  a.region_roll, a.authority, false, a.novelty, '', a.draft, a.search, 0, t, t, t
from (select * from announcements order by id limit 1) a,
  generate_series(1, 2000) n, lateral (select cast(:since as timestamptz) - n * interval '1 hour'
  as t) at
"""


@contextmanager
def seen_plans(connection, plans):
    """What the database does for each statement, as it is done."""

    def explain(_connection, cursor, statement, values, *_):
        if statement.startswith("explain"):
            return
        cursor.execute(f"explain (analyze, format json) {statement}", values)
        plans.append(cursor.fetchone()[0][0]["Plan"])

    event.listen(connection, "before_cursor_execute", explain)
    try:
        yield
    finally:
        event.remove(connection, "before_cursor_execute", explain)


def rows_touched(plan):
    """Rows that were read from tables, kept or thrown away."""
    own = 0
    if "Relation Name" in plan:
        thrown = sum(count for name, count in plan.items() if name.startswith("Rows Removed"))
        own = (plan["Actual Rows"] + thrown) * plan["Actual Loops"]
    return own + sum(rows_touched(one) for one in plan.get("Plans", ()))


class Desk(Office):
    """An office whose notices are projects of one district with sums."""

    facts, flags = Facts(), ()

    def _draft(self, title, at, kind):
        return replace(super()._draft(title, at, kind), facts=self.facts, flags=self.flags)

    def project(self, title, yuan, at, basis="investment", stages=()):
        sum_ = Amount(value=yuan, yuan=yuan, basis=basis, unit="元", sentence="")
        reached = tuple(Fact(value=one, sentence="") for one in stages)
        self.facts = Facts(amounts=(sum_,), stages=reached)
        self.flags = (Flag.AGGREGATE,) if basis == "aggregate" else ()
        self.announce(title, at=at, kind=Kind.PROJECT)


def test_single_projects_are_summed_beside_the_mean_and_totals_stand_apart(engine):
    """What several projects come to together is no project's sum; older weeks make the mean."""
    desk = Desk(engine)
    desk.project("甲项目", 2e9, BEFORE + HOUR)
    desk.project("乙项目", 1e9, BEFORE + 2 * HOUR)
    desk.project("十个项目集中开工", 9e9, BEFORE + 3 * HOUR, basis="aggregate")
    desk.project("旧项目", 4e8, BEFORE - 9 * DAY)
    desk.project("过早项目", 7e9, BEFORE - timedelta(weeks=6))

    until = (MORNING + HOUR).date()
    news, first = desk.digests.project_news(until)
    radar = radar_of(tally_of(news, until=until, first=first), [Filter()])

    row = radar.rows[0]
    assert (row.projects, row.mean_projects) == (2, 0.25)
    assert (row.yuan, row.mean_yuan, row.aggregate_yuan) == (3e9, 1e8, 9e9)
    assert "90亿元" in radar_lines(radar, words_of("zh"))[0].sums


def test_what_was_only_signed_for_is_named_a_promise(engine):
    """签约 is a word given, not a factory: whoever reads the sum must see how much of it is."""
    desk = Desk(engine)
    desk.project("甲项目", 2e9, BEFORE + HOUR, stages=("意向", "签约"))
    desk.project("乙项目", 1e9, BEFORE + 2 * HOUR, stages=("签约", "开工"))

    until = (MORNING + HOUR).date()
    news, first = desk.digests.project_news(until)
    radar = radar_of(tally_of(news, until=until, first=first), [Filter()])

    assert radar_lines(radar, words_of("zh"))[0].sums.count("签约") == 1
    assert "30亿元" in radar_lines(radar, words_of("zh"))[0].sums
    assert "签约承诺 20亿元" in radar_lines(radar, words_of("zh"))[0].sums
    assert "promised at signings CNY 2 billion" in radar_lines(radar, words_of("en"))[0].sums


def test_the_radar_looks_at_five_weeks_of_projects_and_at_nothing_else(engine):
    """A store of years has millions of announcements: rows beyond the window are not touched."""
    desk = Desk(engine)
    desk.project("甲项目", 2e9, BEFORE + HOUR)
    desk.project("乙项目", 1e9, BEFORE - 9 * DAY)
    with engine.begin() as connection:
        connection.execute(text(MANY_OLD), {"since": MORNING - timedelta(weeks=20)})
        connection.execute(text("analyze announcements"))
    asked = []
    with engine.connect() as connection, seen_plans(connection, asked):
        news = project_news(connection, (MORNING + HOUR).date())

    assert len(news) == 2
    assert len(asked) == 1
    assert rows_touched(asked[0]) <= 10


def test_a_weekly_run_asks_for_the_radar_once_for_all_its_readers(engine):
    """Each reader's regions are counted from what was read once: a thousand wishes cost no more."""
    desk = Desk(engine)
    for number, wish in enumerate([Filter(), Filter(region=("500116",)), Filter(q=("项目",))]):
        desk.sign_up(
            wish, email=f"r{number}@inbox.example", frequency=Frequency.WEEKLY, confirmed=True
        )
    desk.project("甲项目", 2e9, BEFORE + HOUR)
    asked = []

    def note(_connection, _cursor, statement, *_):
        if "a.categories[1] = 'project'" in statement:
            asked.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    assert desk.plan() == 3
    event.remove(engine, "before_cursor_execute", note)
    assert all("一周项目雷达" in mail.text for mail in desk.mails())
    assert len(asked) == 1


def test_the_places_below_a_region_stand_in_the_order_of_what_is_shown_of_them():
    """A city whose districts are busy has more projects than each of them, and stands before them."""
    until = MORNING.date()

    def begun(number, *regions):
        roll = tuple(up for code in regions for up in divisions.roll(code))
        return [
            ProjectNews(
                posted_on=until - DAY, regions=regions, region_roll=roll, single=True, yuan=1e8,
                aggregate_yuan=0.0, promised=False,
            )
        ] * number  # fmt: skip

    news = begun(1, "330200") + begun(3, "330205") + begun(2, "330106")
    radar = radar_of(tally_of(news, until=until, first=None), [Filter(region=("330000",))])

    assert [(row.code, row.projects) for row in radar.rows] == [
        ("330000", 6), ("330200", 4), ("330205", 3), ("330106", 2),
    ]  # fmt: skip
