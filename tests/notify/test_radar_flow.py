"""The radar of weekly mails, from the store to the words."""

from dataclasses import replace
from datetime import timedelta

from offices import BEFORE, DAY, HOUR, MORNING, Office

from aggregator.model import Amount, Facts, Filter, Flag, Kind
from aggregator.notify.radar import radar_lines, radar_of, tally_of
from aggregator.notify.words import words_of


class Desk(Office):
    """An office whose notices are projects of one district with sums."""

    facts, flags = Facts(), ()

    def _draft(self, title, at, kind):
        return replace(super()._draft(title, at, kind), facts=self.facts, flags=self.flags)

    def project(self, title, yuan, at, basis="investment"):
        sum_ = Amount(value=yuan, yuan=yuan, basis=basis, unit="元", sentence="")
        self.facts = Facts(amounts=(sum_,))
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
