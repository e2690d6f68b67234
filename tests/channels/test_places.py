"""A chat is a place of its own: for news, for its owner's wishes, and for what is forgotten."""

from __future__ import annotations

import logging
from datetime import date, timedelta

import pytest
from chat_services import ADDRESSES, WECOM_KEY

from aggregator.channels import ChannelState, ChatVerdict, Outcome
from aggregator.errors import ConflictError, NotFoundError, UsageError
from aggregator.filters import parse_query
from aggregator.flow import channels as flow
from aggregator.flow import digests, mail
from aggregator.model import ArticleOutcome, Deadline, Facts, Frequency

from channels_web import draft  # isort: skip  # loaded by conftest

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def mails_of_runs(house, to: str):
    return [row for row in house.mails(to) if row["lane"] > 0]


def test_a_reader_of_both_gets_each_notice_once_in_each_place(house):
    """The chat is for the team, the mail for its owner; neither takes the other's news away."""
    house.parts.subscribers.sign_up(
        "both@example.org", [parse_query("")], Frequency.IMMEDIATE, house.now, confirmed=True
    )
    owner = house.parts.subscribers.get("both@example.org")
    service = house.service("wecom")
    channel = house.channel(service.address, owner=owner)
    house.channel(service.address, owner=owner, query="region=500116")
    house.publish(1, 2)
    house.run()
    house.run()

    [text] = service.texts
    assert text.count("/a/") == 2
    assert len(mails_of_runs(house, "both@example.org")) == 1
    assert len(house.messages(channel)) == 1


def test_the_senders_of_mail_leave_chats_alone(house):
    """Nothing in ``recipient`` is an address; no mail server is asked about it."""
    service = house.service("wecom")
    channel = house.channel(service.address)
    house.publish(1)
    house.later(6 * MINUTE)
    house.plan()
    claimed = house.parts.outbox.claim_mails(house.now, limit=99, lease=mail.LEASE)

    assert channel.id not in {one.mail.subscriber_id for one in claimed}
    assert house.states(channel) == ["queued"]
    house.send()
    assert len(service.texts) == 1


def test_a_channel_comes_at_its_owners_hour_and_goes_with_it(house):
    """Half past eight in the reader's time zone, wherever it is read."""
    owner = house.subscriber(hour=12, minute=0)
    service = house.service("feishu")
    channel = house.channel(service.address, owner=owner, frequency=Frequency.DAILY)
    house.publish(1)
    house.run()
    assert service.texts == []
    house.parts.subscribers.set_preferences(owner.id, hour=15)
    place = flow.place_of(channel, post=house.parts.post)
    assert (place.hour, place.minute) == (15, 0)
    house.later(3 * HOUR)
    house.run()
    assert len(service.texts) == 1
    assert "（每日）" in service.texts[0]


def test_lists_and_counts_of_people_hold_no_chats(house):
    """A place is nobody: it has no address to write to and is counted apart."""
    channel = house.channel(ADDRESSES["wecom"])
    assert [one.email for one in house.parts.subscribers.list()] == ["reader@example.org"]
    assert house.parts.subscribers.count() == 1
    stats = house.parts.system.stats()
    assert (stats["subscribers"], stats["channels"]) == (1, 1)
    why = house.parts.system.why(
        str(house.rows("select uuid from announcements")[0]["uuid"]), f"channel:{channel.id}",
        house.now,
    )  # fmt: skip
    assert why.rule == "first-poll"


def test_a_pause_keeps_what_is_announced_meanwhile(house):
    """Nobody loses a deadline to a quiet fortnight of the group."""
    service = house.service("wecom")
    channel = house.channel(service.address)
    store = house.parts.channels
    assert store.set_state(channel.id, ChannelState.PAUSED, house.now)
    house.publish(1)
    house.run()
    assert house.messages(channel) == []
    assert service.calls == []
    assert store.set_state(channel.id, ChannelState.ACTIVE, house.now)
    assert not store.set_state(channel.id, ChannelState.ACTIVE, house.now)
    house.run()
    assert "第1类" in service.texts[0]


@pytest.mark.parametrize(
    ("state", "answer"),
    [
        (ChannelState.PAUSED, "the channel stayed paused"),
        (ChannelState.DEAD, "nobody mended the channel"),
        (ChannelState.ACTIVE, None),
    ],
)
def test_what_waits_for_a_channel_that_rests_ends_with_the_days_looked_back(house, state, answer):
    """Nobody reads a notice of two months ago, and no list of what waits grows for ever."""
    channel = house.channel(house.service("wecom").address)
    house.publish(1)
    house.later(6 * MINUTE)
    house.plan()
    house.parts.channels.set_state(channel.id, state, house.now)

    house.later(34 * DAY)
    house.parts.channels.prune(house.now)
    assert house.states(channel) == ["queued"]
    house.later(2 * DAY)
    house.parts.channels.prune(house.now)

    [message] = house.messages(channel)
    assert [message["state"], message["answer"]] == (
        ["failed", answer] if answer else ["queued", None]
    )


def test_what_its_owner_stops_does_not_leave_any_more(house):
    """A message that waits is not sent behind its reader's back."""
    service = house.service("wecom")
    channel = house.channel(service.address)
    house.publish(1)
    house.later(6 * MINUTE)
    house.plan()
    house.parts.subscribers.end(channel.id, reason="preferences", now=house.now)
    house.send()
    assert service.calls == []
    assert house.states(channel) == ["failed"]


@pytest.mark.parametrize("how", ["remove", "erase"])
def test_a_removed_channel_leaves_no_address_behind(house, how):
    """Whoever has the address can write into the chat, so it is forgotten at once."""
    service = house.service("wecom")
    channel = house.channel(service.address)
    house.publish(1)
    house.later(6 * MINUTE)
    house.plan()
    if how == "remove":
        house.parts.channels.remove(channel.id)
    else:
        house.parts.subscribers.erase(channel.owner_id)
    house.send()

    assert service.calls == []
    assert house.rows("select * from channels") == []
    assert house.rows("select * from ledger where subscriber_id = :id", id=channel.id) == []
    assert house.rows("select * from subscribers where owner_id is not null") == []
    tables = house.rows("select table_name from information_schema.tables"
                        " where table_schema = 'public'")  # fmt: skip
    for table in tables:
        name = table["table_name"]
        found = house.rows(f"select 1 from {name} t where t::text like :key", key=f"%{WECOM_KEY}%")
        assert found == [], name


def test_only_who_confirmed_adds_and_nobody_adds_without_end(house):
    """A stranger's address must not make us write into a stranger's chat."""
    store = house.parts.subscribers
    store.sign_up("new@example.org", [parse_query("")], Frequency.DAILY, house.now)
    with pytest.raises(UsageError, match="confirmed"):
        house.channel(ADDRESSES["wecom"], owner=store.get("new@example.org"))
    owner = house.subscriber()
    for number in range(10):
        house.channel(f"wecombot://key-number-{number}", owner=owner)
    with pytest.raises(ConflictError):
        house.channel("wecombot://key-number-10", owner=owner)
    stranger = house.subscriber("other@example.org")
    [first, *_] = house.parts.channels.list(owner.id)
    with pytest.raises(NotFoundError):
        flow.own(stranger.id, str(first.id), post=house.parts.post)


def test_addresses_are_secrets(house, caplog):
    """No log, list or error shows one whole."""
    service = house.service("wecom")
    channel = house.channel(service.address)
    logging.getLogger("apprise").disabled = False  # as after a server set its logging up
    caplog.set_level(logging.DEBUG)
    house.publish(1)
    service.instead = [(200, {"errcode": 93000, "errmsg": f"invalid webhook url {WECOM_KEY}"})]
    house.run()
    with pytest.raises(UsageError) as caught:
        house.channel(f"tgram://{WECOM_KEY}:not-a-token")
    told = [
        repr(channel), channel.robot.shown, house.again(channel).problem, str(caught.value),
        *(record.getMessage() for record in caplog.records),
        *(str(row["mail"]) for row in house.mails()), *(str(r["answer"]) for r in house.messages(channel)),
    ]  # fmt: skip
    assert not [line for line in told if WECOM_KEY in line]
    assert channel.robot.shown == "wecombot://693…"


@pytest.mark.parametrize(
    ("pasted", "ours"),
    [
        (f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={WECOM_KEY}", ADDRESSES["wecom"]),
        ("https://oapi.dingtalk.com/robot/send?access_token=abc123", "dingtalk://abc123"),
        ("https://open.feishu.cn/open-apis/bot/v2/hook/abc-123", "feishu://abc-123"),
        ("https://open.larksuite.com/open-apis/bot/v2/hook/abc-123", "lark://abc-123"),
        ("https://ntfy.sh/quxun-topic", "ntfys://ntfy.sh/quxun-topic"),
    ],
)
def test_addresses_are_taken_as_services_print_them(house, pasted, ours):
    """People paste what they are shown."""
    assert house.parts.robots.read(pasted).address == ours


@pytest.mark.parametrize("what", ["all", "run"])
def test_a_message_in_hand_is_kept_back_when_an_operator_holds_mail(house, what):
    """Held means the next message, not the next claim; released, it comes, once."""
    service = house.service("wecom")
    channel = house.channel(service.address)
    house.publish(1)
    house.later(6 * MINUTE)
    house.plan()
    it = house.parts
    [message] = it.channels.claim_messages(house.now, limit=9, lease=mail.LEASE)
    [row] = house.messages(channel)
    if what == "all":
        it.holds.hold_all("trouble", who="operator", now=house.now)
    else:
        it.holds.hold_run(row["run_id"], "trouble", who="operator", now=house.now)

    assert not it.channels.mark_message_handed(message)
    assert house.states(channel) == ["queued"]
    house.later(MINUTE)
    assert (house.send(), service.texts) == (0, [])
    if what == "all":
        it.holds.release_all(who="operator", now=house.now)
    else:
        it.holds.release_run(row["run_id"], who="operator", now=house.now)
    house.send()
    house.send()
    assert (len(service.texts), house.states(channel)) == (1, ["sent"])


def test_a_message_that_waits_is_stopped_by_its_own_frequency_alone(house):
    """As mails are: who stops the daily summary of a chat keeps the immediate one."""
    service = house.service("wecom")
    channel = house.channel(service.address)
    house.channel(service.address, query="region=500116", frequency=Frequency.DAILY)
    house.publish(1)
    house.later(6 * MINUTE)
    house.plan()
    end = house.parts.subscribers.end
    end(channel.id, reason="owner", now=house.now, frequency=Frequency.DAILY)
    house.send()
    assert len(service.texts) == 1
    house.publish(2)
    house.later(6 * MINUTE)
    house.plan()
    end(channel.id, reason="owner", now=house.now, frequency=Frequency.IMMEDIATE)
    house.send()

    assert (len(service.texts), house.states(channel)) == (1, ["sent", "failed"])


def test_a_chat_hears_what_changed_and_what_was_withdrawn_as_a_mailbox_does(house):
    """A group that works towards the old day must hear of the new one, and of the end."""
    service = house.service("wecom")
    house.channel(service.address)

    def told(day, outcome=ArticleOutcome.READ):
        deadlines = (Deadline(value=date(2026, 12, day), sentence="截止"),)
        made = draft(1, facts=Facts(deadlines=deadlines), substance_hash=f"until {day}")
        if service.texts:
            house.later(2 * HOUR)
            house.web.record([made], outcome)
        else:
            house.web.publish(made)
        house.run()
        return service.texts[-1]

    assert "1条新政策" in told(20)
    moved = told(25)
    assert "1条变更" in moved
    assert "12月20日 改为 12月25日" in moved
    gone = told(25, ArticleOutcome.WITHDRAWN)
    assert "→ 原发布页面已撤下这条公告" in gone
    assert "截止" not in gone
    assert len(service.texts) == 3


def test_what_was_withdrawn_before_it_left_is_not_told_and_is_nobodys_fault(house):
    """No alarm, and no word on the page of who has that chat."""
    service = house.service("wecom")
    channel = house.channel(service.address)
    house.publish(1)
    house.later(6 * MINUTE)
    house.plan()
    house.later(2 * HOUR)
    house.web.record([draft(1)], ArticleOutcome.WITHDRAWN)
    house.send()

    assert (service.texts, house.states(channel)) == ([], ["failed"])
    assert house.again(channel).problem is None
    assert house.parts.alarms.open_alarms() == []


def test_what_has_no_room_stands_behind_the_link(house):
    """The page of this very message, whatever the channel wishes for; it opens nothing else."""
    service = house.service("wecom")
    house.channel(service.address)
    house.channel(service.address, query="region=500116")
    house.publish(*range(1, 41))
    house.run()
    [text] = service.texts
    [more] = [line for line in text.splitlines() if line.startswith("另有")]
    left, link = int(more.split()[1]), more.partition("：")[2]
    begin, token = link.rsplit("/", 1)
    it = house.parts
    page = digests.brought(token, store=it.digests, settings=it.settings, now=house.now)

    assert text.count("/a/") + left == 40
    assert begin == f"{it.settings.public_url}/mail"
    assert page.total == sum(len(group.items) for group in page.groups) == 40


def test_what_is_held_of_a_persons_chats_is_given_to_them(house):
    """Which wish a chat has, and what it was told, is held of its owner as well."""
    service = house.service("wecom")
    channel = house.channel(service.address, query="region=500116&q=第1类")
    house.publish(1, 2)
    house.run()
    assert house.states(channel) == ["sent"]

    owner = house.parts.subscribers.get("reader@example.org")
    held = house.parts.persons.export(owner.id)
    [wish] = held["channel_subscriptions"]
    assert (wish["service"], wish["wish"]) == ("wecombot", "q=第1类&region=500116")
    assert [row["reason"] for row in held["channel_ledger"]] == ["news"]
    assert service.address not in str(held)


@pytest.mark.parametrize("handed", [False, True])
def test_a_message_in_hand_does_not_leave_when_its_owner_stopped_it(house, handed):
    """Nor when the robot did not take it, and the owner was back before the next try."""
    service = house.service("wecom")
    channel = house.channel(service.address)
    house.publish(1)
    house.later(6 * MINUTE)
    house.plan()
    it = house.parts
    [message] = it.channels.claim_messages(house.now, limit=9, lease=mail.LEASE)
    if handed:
        assert it.channels.mark_message_handed(message)
    it.subscribers.end(channel.id, reason="preferences", now=house.now)
    if handed:
        busy = ChatVerdict(outcome=Outcome.WAIT, words="busy")
        it.channels.record_verdict(message, busy, now=house.now, due_at=house.now)
    else:
        assert not it.channels.mark_message_handed(message)
    [wish] = it.subscribers.get(channel.id).subscriptions
    it.persons.add_wish(channel.id, wish.wish.filter, wish.frequency, house.now)
    house.send()

    assert (service.texts, house.states(channel)) == ([], ["failed"])
