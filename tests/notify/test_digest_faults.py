"""Readers who cannot be planned for keep nobody else's mail back."""

from datetime import timedelta

from jinja2 import FunctionLoader
from offices import BEFORE, DAY, HOUR, MORNING, SETTINGS
from sqlalchemy import event, text

from aggregator import store
from aggregator.flow import digests
from aggregator.flow.subscribe import house_of
from aggregator.model import (
    Filter,
    Frequency,
)
from aggregator.settings import Settings
from aggregator.templates import environment
from aggregator.wiring import Parts

MINUTE = timedelta(minutes=1)


def torn_for(word):
    """Templates that fail for mails with this word in their subject."""
    torn = environment().overlay()
    torn.loader = FunctionLoader(
        lambda name: (
            environment().loader.get_source(torn, name)[0]
            + (
                f"{{{{ 1 // 0 if '{word}' in subject ~ preheader }}}}"
                if name.endswith("subject.txt")
                else ""
            )
        )
    )
    return torn


def planned(office, now, env=None):
    return digests.plan_due(
        store=office.digests, env=env or environment(), settings=SETTINGS, now=now
    )


def alarms(office):
    return {one.kind: one.text for one in store.Alarms(office.engine).open_alarms()}


def test_a_fault_in_the_words_of_one_keeps_nobody_elses_mail_back(office):
    """A notice that cannot be printed is one reader's misfortune, and until it is mended only."""
    office.sign_up(Filter(q=("甲",)), email="a@inbox.example", confirmed=True)
    office.sign_up(Filter(q=("乙",)), email="b@inbox.example", confirmed=True)
    office.announce("通知甲", "通知乙")

    assert planned(office, MORNING, torn_for("甲")) == 1
    assert [m.to for m in office.mails()] == ["b@inbox.example"]
    assert office.plan(MORNING + MINUTE) == 1
    assert [m.to for m in office.mails()] == ["a@inbox.example"]
    assert alarms(office) == {}


def test_who_can_never_be_planned_keeps_a_run_open_for_an_hour_and_is_an_alarm(office):
    """A run that never closes is planned for ever, and a reader left out must be somebody's job."""
    office.sign_up(Filter(q=("甲",)), email="a@inbox.example", confirmed=True)
    office.sign_up(Filter(q=("乙",)), email="b@inbox.example", confirmed=True)
    office.announce("通知甲", "通知乙")
    runs = store.Runs(office.engine)

    begin = MORNING + 9 * HOUR  # the service slept: an hour from the first try, not from then
    for minutes in (0, 30, 59):
        planned(office, begin + minutes * MINUTE, torn_for("甲"))
        assert [alarms(office), runs.runs()[0].planned_at] == [{}, None]
    planned(office, begin + HOUR, torn_for("甲"))

    [run] = [one for one in runs.runs() if one.people_planned]
    assert [run.planned_at, run.people_due, run.people_planned] == [begin + HOUR, 2, 1]
    assert alarms(office)["planning:daily"].startswith("1 of those due")
    assert office.plan(MORNING + DAY) == 1


def test_an_immediate_run_that_left_one_out_is_made_up_by_the_next(office):
    """Everybody is in every slot: the alarm ends when the next goes well."""
    office.sign_up(
        Filter(q=("甲",)), email="a@inbox.example", frequency=Frequency.IMMEDIATE, confirmed=True
    )
    office.announce("通知甲")
    now = BEFORE + 2 * HOUR

    assert planned(office, now, torn_for("甲")) == 0
    assert set(alarms(office)) == {"planning:immediate"}
    assert planned(office, now + 5 * MINUTE) == 1
    assert alarms(office) == {}


def test_a_reader_whose_row_is_locked_is_planned_when_it_is_free(office):
    """A lock passes; a daily reader must not wait a day for it."""
    office.sign_up(email="a@inbox.example", confirmed=True)
    who = office.subscribers.get("a@inbox.example")
    office.sign_up(email="b@inbox.example", confirmed=True)
    office.announce("通知甲")
    hasty = store.connect(
        office.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    )
    event.listen(hasty, "begin", lambda c: c.exec_driver_sql("set local lock_timeout = '50ms'"))
    try:
        with office.engine.begin() as other:
            other.execute(text("select 1 from subscribers where id = :i for update"), {"i": who.id})
            office.digests = store.Digests(hasty)
            assert office.plan() == 1
            assert [m.to for m in office.mails()] == ["b@inbox.example"]
        assert office.plan(MORNING + MINUTE) == 1
    finally:
        hasty.dispose()
    assert [m.to for m in office.mails()] == ["a@inbox.example"]
    assert alarms(office) == {}


def test_one_reader_who_cannot_be_planned_at_once_is_said_and_is_an_alarm(office):
    """An operator who serves one reader must not take "planned 0" for "nothing new"."""
    office.sign_up(Filter(q=("甲",)), email="a@inbox.example", confirmed=True)
    office.announce("通知甲")

    served = digests.plan_for(
        office.subscribers.get("a@inbox.example"), store=office.digests, env=torn_for("甲"),
        settings=SETTINGS, now=MORNING - HOUR,
    )  # fmt: skip

    assert served == (0, [Frequency.DAILY])
    assert alarms(office)["planning:daily"].startswith("1 of those due")
    assert office.plan() == 1


def test_a_clock_that_ran_ahead_takes_no_run_from_anybody(office):
    """What a wrong clock closed is planned when its time comes, once."""
    office.sign_up(confirmed=True)
    office.plan(MORNING)
    office.plan(MORNING + 5 * DAY)
    office.announce("通知甲", at=MORNING + HOUR)
    runs = store.Runs(office.engine)

    again = [office.plan(MORNING + DAY + minutes * MINUTE) for minutes in (0, 1)]

    assert again == [1, 0]
    [run] = [one for one in runs.runs() if one.people_planned]
    assert [run.due_at, run.planned_at] == [MORNING + DAY, MORNING + DAY]
    office.announce("通知乙", at=MORNING + 2 * DAY - HOUR)
    assert [office.plan(MORNING + 2 * DAY), office.plan(MORNING + 2 * DAY + HOUR)] == [1, 0]


def test_runs_are_planned_by_no_clock_that_is_ahead_of_the_databases(office):
    """Two machines differ: the slots are the database's, and the operator is told."""
    theirs = store.System(office.engine).time()
    url = office.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    for ahead, told in ((DAY, True), (MINUTE, False), (-DAY, False)):
        mine = theirs + ahead
        parts = Parts(settings=Settings(database_url=url), clock=lambda mine=mine: mine)
        try:
            planned_for = parts.time_of_runs()
        finally:
            parts.engine.dispose()
        assert abs(planned_for - min(mine, theirs)) < MINUTE
        assert ("clock" in alarms(office)) is told


def three_readers(office):
    for word in "甲乙丙":
        office.sign_up(Filter(q=(word,)), email=f"{ord(word)}@inbox.example", confirmed=True)
    office.announce("通知甲", "通知乙", "通知丙")
    office.digests.match(MORNING)
    ids = [one.id for one in office.subscribers.list()]
    return sorted(ids), office.digests.open_run(Frequency.DAILY, MORNING)


def slow_planner(office, run, seen, env=None):
    """A planner whose words take ten seconds each; ``seen`` gets how many mails others see."""

    def ticks():
        seen.append(sum(office.outbox.states().values()))
        return 10.0 * len(seen)

    return digests.Planner(
        run, store=office.digests, env=env or environment(), house=house_of(SETTINGS),
        now=MORNING, ticks=ticks,
    )  # fmt: skip


def test_slow_words_are_made_in_batches_of_the_same_run(office):
    """While they are made nobody in the batch can stop; whom it leaves out waits for no other day."""
    ids, run = three_readers(office)
    seen = []
    planner = slow_planner(office, run, seen)

    assert planner.plan(ids) == 3
    assert seen == [0, 0, 0, 1, 1, 2]
    assert (planner.planned, planner.missed) == (3, 0)
    assert len({m.to for m in office.mails()}) == 3


def test_words_that_cannot_be_made_do_not_keep_slow_ones_from_their_turn(office):
    """One bad notice and a slow morning together: each of the others still gets their mail."""
    ids, run = three_readers(office)
    planner = slow_planner(office, run, [], torn_for("乙"))

    assert planner.plan(ids) == 2
    assert (planner.planned, planner.missed) == (2, 1)
