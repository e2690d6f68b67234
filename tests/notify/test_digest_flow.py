"""From a sign-up to a mail that left, on the real store: each announcement once."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from offices import BEFORE, DAY, HOUR, MORNING, READER, SETTINGS
from sqlalchemy import text

from aggregator import store
from aggregator.errors import UsageError
from aggregator.flow import choices, digests, stopping, subscribe
from aggregator.model import (
    Filter,
    Frequency,
    Kind,
)
from aggregator.templates import environment


def token(written, path):
    return re.search(rf"https://quxun\.example/{path}/(\S+)", written.text)[1]


def test_nobody_gets_mail_they_did_not_confirm(office):
    """A stranger typed this address: one question, and then silence."""
    office.sign_up()
    office.announce("通知甲")

    assert [m.subject for m in office.mails()] == ["区讯：请确认您的订阅"]
    assert office.plan() == 0


def test_a_confirmed_reader_gets_one_mail_with_what_is_new(office):
    """Sign up, confirm by the page's button, and find the digest next morning."""
    office.sign_up()
    [question] = office.mails()
    word = token(question, "confirm")

    assert subscribe.confirming(word, store=office.subscribers, now=BEFORE).email == READER
    assert office.subscribers.get(READER).state == "pending"
    assert subscribe.confirm(word, store=office.subscribers, now=BEFORE).email == READER
    assert subscribe.confirm(word, store=office.subscribers, now=BEFORE) is None
    office.announce("通知甲", "通知乙")
    assert office.plan() == 1
    [digest] = office.mails()
    assert digest.to == READER
    assert "通知甲" in digest.text
    assert "通知乙" in digest.text


def test_planning_again_plans_nothing_more(office):
    """Two schedulers, a doubled message, a restart: the reader notices none of it."""
    office.sign_up(confirmed=True)
    office.announce("通知甲")

    assert [office.plan(), office.plan(), office.plan(MORNING + HOUR), office.plan(MORNING + DAY)] == [
        1, 0, 0, 0,
    ]  # fmt: skip


def test_two_planners_at_once_write_one_mail_each(office):
    """The run, the mail's key and the ledger agree on who was first."""
    for number in range(12):
        office.sign_up(email=f"reader{number}@inbox.example", confirmed=True)
    office.announce("通知甲", "通知乙")

    with ThreadPoolExecutor(4) as pool:
        planned = list(pool.map(lambda _: office.plan(), range(4)))

    assert sum(planned) == 12
    assert sorted(m.to for m in office.mails()) == sorted(
        f"reader{number}@inbox.example" for number in range(12)
    )


def test_an_announcement_on_three_wishes_comes_once(office):
    """The best government service sends it three times; we do not."""
    office.sign_up(
        Filter(), Filter(kind=(Kind.POLICY,)), Filter(region=("500116",)), confirmed=True
    )
    office.sign_up(Filter(q=("通知",)), frequency=Frequency.IMMEDIATE, confirmed=True)
    office.announce("通知甲")

    office.plan()

    assert sum(m.text.count("* ") for m in office.mails()) == 1


def test_whatever_came_between_runs_is_in_exactly_one_mail(office):
    """Before, between and after runs, missed mornings included: no seam."""
    office.sign_up(confirmed=True, now=BEFORE)
    titles = [f"通知第{number}号" for number in range(10)]
    planned, mails = 0, []
    for number, title in enumerate(titles):
        office.announce(title, at=BEFORE + number * 11 * HOUR)
        if number % 3 != 1:
            planned += office.plan(MORNING + number * 11 * HOUR)
            mails += office.mails()
    planned += office.plan(MORNING + 6 * DAY)
    mails += office.mails()

    assert len(mails) == planned
    for title in titles:
        assert sum(m.text.count(f"] {title}\n") + m.text.count(f"* {title}\n") for m in mails) == 1


def test_news_withdrawn_before_its_mail_left_is_owed_again_when_it_is_back(office):
    """The mail was written anew without it: whoever never read of it is told, once it stands."""
    office.sign_up(Filter(q=("通知甲",)), Filter(q=("通知乙",)), confirmed=True)
    office.announce("通知甲")
    office.plan()
    [mine, _] = office.subscribers.get(READER).subscriptions
    office.subscribers.set_wish(mine.id, Filter(q=("通知丙",)), MORNING)
    with office.engine.begin() as connection:
        connection.execute(text("update announcements set withdrawn_at = now()"))
    office.announce("通知乙", at=MORNING + HOUR)
    office.plan(MORNING + DAY)
    [digest] = office.mails()
    assert "通知甲" not in digest.text

    with office.engine.begin() as connection:
        connection.execute(text("update announcements set withdrawn_at = null"))
    office.subscribers.set_wish(mine.id, Filter(q=("通知甲",)), MORNING + DAY)
    office.plan(MORNING + 2 * DAY)

    [later] = office.mails()
    assert later.text.count("* 通知甲\n") == 1


def test_a_service_that_slept_makes_up_in_one_mail(office):
    """Three mornings missed are one mail with everything, not three and not none."""
    office.sign_up(confirmed=True)
    for day in range(3):
        office.announce(f"通知第{day}天", at=BEFORE + day * DAY + HOUR)

    assert office.plan(MORNING + 3 * DAY - HOUR) == 1
    [digest] = office.mails()
    assert all(f"通知第{day}天" in digest.text for day in range(3))


def test_a_weekly_reader_is_written_to_on_monday(office):
    """The week's news once, on the day that was chosen."""
    office.sign_up(confirmed=True, frequency=Frequency.WEEKLY)
    office.announce("通知甲")

    # The morning of these tests is a Monday in Shanghai.
    assert office.plan(MORNING - timedelta(minutes=1)) == 0
    assert office.plan(MORNING) == 1


def test_immediate_mails_are_grouped(office):
    """Ten notices in five minutes are one mail."""
    office.sign_up(confirmed=True, frequency=Frequency.IMMEDIATE)
    office.plan(BEFORE + HOUR)
    office.announce("通知甲", at=BEFORE + HOUR + timedelta(seconds=10))
    office.announce("通知乙", at=BEFORE + HOUR + timedelta(seconds=40))

    assert office.plan(BEFORE + HOUR + timedelta(seconds=50)) == 0
    assert office.plan(BEFORE + HOUR + timedelta(seconds=301)) == 1
    [written] = office.mails()
    assert "通知甲" in written.text
    assert "通知乙" in written.text


def test_preview_writes_nothing(office):
    """An operator can look without changing what is owed."""
    office.sign_up(confirmed=True)
    office.announce("通知甲")
    reader = office.subscribers.get(READER)

    seen = digests.preview(
        reader, Frequency.DAILY,
        store=office.digests, env=environment(), settings=SETTINGS, now=MORNING,
    )  # fmt: skip

    assert "通知甲" in seen[1].text
    assert office.mails() == []
    assert office.plan() == 1


def test_one_subscriber_can_be_served_at_once(office):
    """``quxun digest send --subscriber`` does not wait for the hour, and owes no more after."""
    office.sign_up(confirmed=True)
    office.announce("通知甲")
    reader = office.subscribers.get(READER)

    planned = [
        digests.plan_for(
            reader, store=office.digests, env=environment(), settings=SETTINGS, now=MORNING - HOUR
        )
        for _ in range(2)
    ]

    assert planned == [(1, []), (0, [])]
    assert office.plan() == 0


def test_serving_one_subscriber_leaves_no_run_that_is_due(office, monkeypatch):
    """At the very minute of a run the others still get theirs; and a command that is killed half
    way leaves nothing that looks as if somebody had to see to it.
    """
    office.sign_up(confirmed=True)
    office.sign_up(email="other@mail.example", confirmed=True)
    office.announce("通知甲")

    def serve(now):
        return digests.plan_for(
            office.subscribers.get(READER), store=office.digests, env=environment(),
            settings=SETTINGS, now=now,
        )[0]  # fmt: skip

    with monkeypatch.context() as killed:
        killed.setattr(digests.Planner, "plan", _killed)
        with pytest.raises(KeyboardInterrupt):
            serve(MORNING)
    assert serve(MORNING - HOUR) == 1

    assert office.plan() == 1
    runs = store.Runs(office.engine)
    assert runs.morning(MORNING + HOUR).unplanned == []
    assert [one.people_planned for one in runs.runs()] == [1, 1]


def _killed(*_args):
    raise KeyboardInterrupt


def test_answers_never_tell_whether_an_address_is_known(office):
    """The page says the same to all; only the mailbox's owner learns more."""
    office.sign_up(confirmed=True)

    assert office.sign_up() == office.sign_up(email="new@inbox.example")
    known, new = (
        subscribe.ask_link(
            email, store=office.subscribers, outbox=office.outbox, env=environment(),
            settings=SETTINGS, now=BEFORE,
        )
        for email in (READER, "nobody@inbox.example")
    )  # fmt: skip
    assert known is new is None
    with pytest.raises(UsageError):
        office.sign_up(email="a@b.example, victim@inbox.example")


def test_a_flood_of_sign_ups_writes_one_mail(office):
    """Somebody fills a victim's mailbox through our form: one mail in ten minutes."""
    for _ in range(20):
        office.sign_up(network="192.0.2.0/24")

    assert len(office.mails()) == 1


def test_a_stop_link_stops_its_frequency_and_nothing_else(office):
    """One click ends the mails of that list; doing it again is fine."""
    office.sign_up(confirmed=True)
    office.sign_up(confirmed=True, frequency=Frequency.WEEKLY)
    office.announce("通知甲")
    office.plan(MORNING - DAY + timedelta(minutes=15))
    office.plan(MORNING)
    written = next(m for m in office.mails() if "每日" in m.text or "每周" in m.text)
    word = token(written, "unsubscribe")
    stopped = "daily" if "每日" in written.text else "weekly"
    with_link = {"store": office.subscribers, "settings": SETTINGS, "now": MORNING + 999 * DAY}

    page = stopping.stopping(word, **with_link)
    assert [one.frequency.value for one in page.subscriptions] == [stopped]
    assert office.subscribers.get(READER).subscriptions[0].state == "active"
    assert stopping.one_click(word, **with_link)
    assert stopping.one_click(word, **with_link)
    states = {x.frequency.value: x.state for x in office.subscribers.get(READER).subscriptions}
    assert states.pop(stopped) == "ended"
    assert set(states.values()) == {"active"}
    assert not stopping.stop(word[:-2] + "xx", **with_link)


def test_choices_are_changed_by_their_own_link_only(office):
    """The link in a mail opens the choices of its reader, for a week."""
    office.sign_up(confirmed=True)
    office.sign_up(email="other@inbox.example", confirmed=True)
    office.announce("通知甲")
    office.plan()
    written = next(m for m in office.mails() if m.to == READER)
    word = token(written, "preferences")
    parts = {"store": office.subscribers, "settings": SETTINGS, "now": MORNING + DAY}

    changed = choices.set_preferences(word, hour=18, minute=15, **parts)
    assert (changed.email, changed.hour, changed.minute) == (READER, 18, 15)
    paused = choices.change(word, changed.subscriptions[0].id, choices.Change.PAUSE, **parts)
    assert paused.subscriptions[0].state == "paused"
    with pytest.raises(UsageError, match="timezone"):
        choices.set_preferences(word, timezone="Mars/Olympus", **parts)
    assert choices.managing(word, **{**parts, "now": MORNING + 8 * DAY}) is None
    assert choices.managing(token(written, "unsubscribe"), **parts) is None
    assert choices.erase(word, **parts)
    assert [one.email for one in office.subscribers.list()] == ["other@inbox.example"]


def test_a_strangers_sign_up_mails_no_link_that_stops_what_a_reader_has(office):
    """Who throws the unwanted mail out with one click must keep what they did subscribe to."""
    office.sign_up(Filter(q=("甲",)), confirmed=True)
    for wishes, links in ([(Filter(q=("乙",)),), 1], [(Filter(q=("甲",)),), 0]):
        office.sign_up(*wishes, now=BEFORE + HOUR)
        [asking] = office.mails()
        found = re.findall(r"https://quxun\.example/unsubscribe/(\S+)", asking.text)
        assert len(found) == links
        assert ("List-Unsubscribe" in asking.headers) == bool(links)
        for link in found:
            assert stopping.one_click(
                link, store=office.subscribers, settings=SETTINGS, now=BEFORE + HOUR
            )
    assert {
        one.wish.filter.q: one.state.value for one in office.subscribers.get(READER).subscriptions
    } == {("甲",): "active", ("乙",): "ended"}
