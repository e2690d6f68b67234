"""Changes to what was sent, and reminders of deadlines: on the real store, each once."""

import re
from dataclasses import replace
from datetime import date, timedelta

import pytest
from news_desk import Desk
from offices import BEFORE, DAY, HOUR, MORNING, READER, SETTINGS

from aggregator.flow import digests
from aggregator.model import (
    Amount,
    ArticleOutcome,
    Attachment,
    Deadline,
    Facts,
    Filter,
    Frequency,
    Kind,
)

#: The day of the first digest of these tests, in Shanghai.
TODAY = date(2026, 9, 14)


@pytest.fixture
def desk(engine):
    made = Desk(engine)
    made.sign_up(confirmed=True)
    return made


def test_a_moved_deadline_is_told_once_to_who_was_sent_the_notice(desk):
    """Who works towards the old day must hear of the new one, and only they."""
    desk.announce("申报通知甲", due=date(2026, 9, 30))
    desk.plan()
    desk.sign_up(email="later@inbox.example", confirmed=True, now=MORNING + HOUR)
    desk.sent()
    desk.move("申报通知甲", MORNING + 2 * HOUR, date(2026, 10, 15))

    assert desk.plan(MORNING + DAY) == 1
    [mail] = desk.sent()
    assert mail.to == READER
    assert mail.subject == "各地:1条变更"
    assert "【此前公告有变更】1" in mail.text
    assert "截止时间由 9月30日 改为 10月15日" in mail.text
    assert "截止 10月15日(剩30天)" in mail.text
    assert desk.reasons() == ["news", "change:2"]
    assert [desk.plan(MORNING + n * DAY) for n in (2, 3)] == [0, 0]


def test_what_changed_before_the_news_went_out_is_part_of_the_news(desk):
    """Nobody hears of a change to what they never had."""
    desk.announce("申报通知甲", due=date(2026, 9, 30))
    desk.move("申报通知甲", BEFORE + 2 * HOUR, date(2026, 10, 15))

    assert desk.plan() == 1
    [mail] = desk.sent()
    assert "截止 10月15日" in mail.text
    assert "变更" not in mail.text
    assert desk.plan(MORNING + DAY) == 0
    assert desk.reasons() == ["news"]


def test_several_changes_are_one_line_and_what_was_taken_back_is_none(desk):
    """From what the reader knows to what is: the steps between concern nobody."""
    desk.announce("申报通知甲", "申报通知乙", due=date(2026, 9, 30))
    desk.plan()
    desk.sent()
    desk.move("申报通知甲", MORNING + HOUR, date(2026, 10, 8))
    desk.move("申报通知甲", MORNING + 2 * HOUR, date(2026, 10, 15))
    desk.move("申报通知乙", MORNING + HOUR, date(2026, 10, 8))
    desk.move("申报通知乙", MORNING + 2 * HOUR, date(2026, 9, 30))

    assert desk.plan(MORNING + DAY) == 1
    [mail] = desk.sent()
    assert "截止时间由 9月30日 改为 10月15日" in mail.text
    assert "10月8日" not in mail.text
    assert "通知乙" not in mail.text
    assert desk.reasons() == ["news", "news", "change:2", "change:3"]
    assert desk.plan(MORNING + 2 * DAY) == 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"valid_until": date(2027, 12, 31)}, "新写明有效期至 2027年12月31日"),
        (
            {
                "facts": Facts(
                    amounts=(Amount(value=5, yuan=5e6, basis="cap", unit="万元", sentence=""),)
                )
            },
            "新写明金额 500万元",
        ),
        (
            {"attachments": (Attachment(name="申报书.docx", url="https://a.example/1"),)},
            "新增附件：申报书.docx",
        ),
        ({"validity": "废止"}, "效力标为“废止”"),
    ],
)
def test_what_a_reader_would_act_on_is_told(desk, changes, said):
    """Sums, files, and whether it still holds."""
    desk.announce("通知甲")
    desk.plan()
    desk.sent()
    desk.edit("通知甲", MORNING + HOUR, **changes)

    assert desk.plan(MORNING + DAY) == 1
    assert said in desk.sent()[0].text


def test_a_better_reading_of_ours_is_told_to_nobody(desk):
    """The portal changed nothing: it always said so."""
    desk.announce("申报通知甲", due=date(2026, 9, 30))
    desk.plan()
    better = replace(
        desk.drafts["申报通知甲"],
        substance_hash="read again",
        extractor=9,
        facts=Facts(deadlines=(Deadline(value=date(2026, 10, 15), sentence="截止"),)),
    )
    desk._look("申报通知甲", MORNING + HOUR, ArticleOutcome.REREAD, better)

    assert desk.plan(MORNING + DAY) == 0
    desk.edit("申报通知甲", MORNING + DAY + HOUR, validity="废止")
    assert desk.plan(MORNING + 2 * DAY) == 1


def test_a_reworded_text_is_no_change(desk):
    """A corrected comma is not worth a mail."""
    desk.announce("通知甲")
    desk.plan()
    desk.edit("通知甲", MORNING + HOUR, body_text="换了一段文字。" * 40)

    assert desk.plan(MORNING + DAY) == 0


def test_a_withdrawn_notice_is_told_and_so_is_its_return(desk):
    """It was sent, so that it is no more has to be, too."""
    desk.announce("通知甲", due=date(2026, 9, 30))
    desk.plan()
    desk.sent()
    desk.withdraw("通知甲", MORNING + HOUR)

    assert desk.plan(MORNING + DAY) == 1
    [mail] = desk.sent()
    assert "原发布页面已撤下这条公告" in mail.text
    assert "截止 9月30日" not in mail.text
    assert desk.plan(MORNING + 2 * DAY) == 0

    desk.edit("通知甲", MORNING + 2 * DAY + HOUR)
    assert desk.plan(MORNING + 3 * DAY) == 1
    assert "现已恢复" in desk.sent()[0].text


def test_what_was_withdrawn_before_it_was_sent_is_not_spoken_of(desk):
    """Neither as news nor as a change."""
    desk.announce("通知甲")
    desk.withdraw("通知甲", BEFORE + 2 * HOUR)

    assert desk.plan() == 0
    assert desk.plan(MORNING + DAY) == 0


def test_who_wishes_for_it_no_more_hears_of_no_change(desk):
    """A wish that was changed or ended is answered no more."""
    desk.announce("申报通知甲", due=date(2026, 9, 30))
    desk.plan()
    desk.sent()
    [subscription] = desk.subscribers.get(READER).subscriptions
    desk.subscribers.set_wish(subscription.id, Filter(kind=(Kind.PROJECT,)), MORNING + HOUR)
    desk.move("申报通知甲", MORNING + 2 * HOUR, date(2026, 10, 15))

    assert desk.plan(MORNING + DAY) == 0


def test_reminders_come_seven_days_and_one_day_before_if_wished(desk):
    """Twice, not every morning; and not to who does not want them."""
    desk.sign_up(email="calm@inbox.example", confirmed=True)
    desk.announce("申报通知甲", due=TODAY + timedelta(days=10))
    desk.remind()

    planned, mails = [], []
    for n in range(13):
        planned.append(desk.plan(MORNING + n * DAY))
        mails += [mail for mail in desk.sent() if "【截止提醒】1" in mail.text]

    assert planned == [2, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0]
    assert [mail.to for mail in mails] == [READER, READER]
    assert [mail.subject for mail in mails] == ["各地:1项7天后截止", "各地:1项1天后截止"]
    assert desk.reasons()[2:] == ["reminder:7:2026-09-24", "reminder:1:2026-09-24"]


def test_news_that_names_a_near_day_is_reminder_enough(desk):
    """It said five days yesterday: only the last day is worth another mail."""
    desk.remind()
    desk.announce("申报通知甲", due=TODAY + timedelta(days=5))

    assert [desk.plan(MORNING + n * DAY) for n in range(7)] == [1, 0, 0, 0, 1, 0, 0]


def test_a_moved_deadline_reminds_anew_for_the_new_day(desk):
    """The old day's reminder says nothing of the new one."""
    desk.remind()
    desk.announce("申报通知甲", due=TODAY + timedelta(days=8))
    desk.plan()
    assert desk.plan(MORNING + DAY) == 1  # seven days before
    desk.move("申报通知甲", MORNING + DAY + HOUR, TODAY + timedelta(days=20))
    assert desk.plan(MORNING + 2 * DAY) == 1  # the change

    planned = [desk.plan(MORNING + n * DAY) for n in range(3, 22)]

    assert [n for n, count in enumerate(planned, 3) if count] == [13, 19]
    assert [one for one in desk.reasons() if one.startswith("reminder")] == [
        "reminder:7:2026-09-22",
        "reminder:7:2026-10-04",
        "reminder:1:2026-10-04",
    ]


def test_a_missed_day_is_reminded_of_late_and_a_past_one_never(desk):
    """A service that slept reminds while it still helps."""
    desk.remind()
    desk.announce("申报通知甲", due=TODAY + timedelta(days=10))
    desk.plan()

    assert desk.plan(MORNING + 6 * DAY) == 1
    assert desk.plan(MORNING + 12 * DAY) == 0


def test_withdrawn_and_expired_notices_remind_nobody(desk):
    """A day that cannot be met any more is no reason for a mail."""
    desk.remind()
    desk.announce("申报通知甲", "申报通知乙", due=TODAY + timedelta(days=10))
    desk.plan()
    desk.withdraw("申报通知甲", MORNING + HOUR)
    desk.edit("申报通知乙", MORNING + HOUR, valid_until=TODAY)
    desk.plan(MORNING + DAY)
    desk.sent()

    assert desk.plan(MORNING + 3 * DAY) == 0


def test_immediate_readers_are_reminded_at_their_hour(engine):
    """Not at midnight, when the day of the deadline is counted down."""
    desk = Desk(engine)
    desk.sign_up(confirmed=True, frequency=Frequency.IMMEDIATE)
    desk.announce("申报通知甲", due=TODAY + timedelta(days=10))
    desk.plan()
    desk.remind()
    midnight = MORNING + 2 * DAY + timedelta(hours=15, minutes=45)

    assert desk.plan(midnight) == 0
    assert desk.plan(MORNING + 3 * DAY - timedelta(minutes=10)) == 0
    assert desk.plan(MORNING + 3 * DAY + timedelta(minutes=1)) == 1
    assert desk.plan(MORNING + 3 * DAY + HOUR) == 0


def test_the_page_behind_a_mail_holds_all_of_it_in_its_order(desk):
    """What had no room is one click away, without a password, and the link changes nothing."""
    desk.announce(*[f"通知第{n:02}号" for n in range(36)])
    desk.plan()
    [mail] = desk.sent()
    word = re.search(r"https://quxun\.example/mail/(\S+)", mail.text)[1]

    whole = digests.brought(word, store=desk.digests, settings=SETTINGS, now=MORNING + 99 * DAY)

    titles = [item.announcement.draft.title for group in whole.groups for item in group.items]
    assert len(titles) == len(set(titles)) == 36
    assert re.findall(r"^\* (\S+)$", mail.text, re.MULTILINE) == titles[:30]
    assert "另有 6 条" in mail.text
    for wrong in (word[:-2] + "AA", "x", re.search(r"/unsubscribe/(\S+)", mail.text)[1]):
        assert not digests.brought(wrong, store=desk.digests, settings=SETTINGS, now=MORNING)
    desk.subscribers.erase(desk.subscribers.get(READER).id)
    assert not digests.brought(word, store=desk.digests, settings=SETTINGS, now=MORNING)
