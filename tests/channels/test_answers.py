"""What becomes of a message and its channel after each kind of answer."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from aggregator.channels import ChannelState, Outcome
from aggregator.flow.pumping import LEASE
from tests.waiting import until

MINUTE = timedelta(minutes=1)


def closed(request) -> None:
    """Hang up after the request was read."""
    request.close_connection = True
    request.connection.shutdown(2)


def cut(request) -> None:
    """Begin an answer and hang up."""
    request.send_response(200)
    request.send_header("Content-Length", "500")
    request.end_headers()
    request.wfile.write(b'{"errcode":0,')
    request.close_connection = True


def test_a_service_that_is_ill_is_tried_again_and_nothing_is_lost(house):
    """Busy, broken and crowded are not the end."""
    service = house.service("wecom")
    channel = house.channel(service.address)
    house.publish(1)
    service.instead = [(502, b""), (200, {"errcode": -1, "errmsg": "busy"})]

    house.run()
    assert house.states(channel) == ["deferred"]
    assert house.again(channel).problem.startswith("502")
    assert house.send() == 0  # not before its time
    house.later(10 * MINUTE)
    house.send()
    house.later(10 * MINUTE)
    house.send()
    assert house.states(channel) == ["sent"]
    assert (house.again(channel).problem, house.again(channel).failing_since) == (None, None)
    assert len(service.texts) == 1


@pytest.mark.parametrize(
    ("name", "said", "reason"),
    [
        ("wecom", (200, {"errcode": 93000, "errmsg": "invalid webhook url"}), "93000"),
        ("dingtalk", (200, {"errcode": 310000, "errmsg": "keywords not in content"}), "区讯"),
        ("feishu", (200, {"code": 19022, "msg": "Ip Not Allowed"}), "19022"),
        ("telegram", (403, {"ok": False, "description": "Forbidden: bot was blocked by the user"}),
         "blocked"),
        ("json", (410, b""), "410"),
    ],
)  # fmt: skip
def test_a_dead_channel_tells_its_owner_and_goes_on_where_it_stood(house, name, said, reason):
    """The chat cannot say that it is gone; the mail does, and what was missed comes later."""
    service = house.service(name)
    channel = house.channel(service.address)
    house.publish(1)
    service.instead = [said]
    house.run()

    dead = house.again(channel)
    assert dead.state is ChannelState.DEAD
    assert reason in dead.problem
    [mail] = [row for row in house.mails() if row["key"].startswith("channel:")]
    assert reason in mail["mail"]["text"]
    assert channel.robot.shown in mail["mail"]["text"]
    assert "/preferences/" in mail["mail"]["text"]

    house.publish(2)
    assert house.run() == 0
    house.later(timedelta(hours=3))
    assert house.send() == 0
    house.later(MINUTE)
    assert house.test(dead).outcome is Outcome.TAKEN
    house.later(MINUTE)
    house.run()
    house.run()
    told = "\n".join(service.texts[1:])
    assert told.count("第1类") == told.count("第2类") == 1
    assert set(house.states(channel)) <= {"sent", "merged"}


def test_a_refused_message_fails_alone_and_raises_an_alarm(house):
    """Our own mistake must not end somebody's channel."""
    service = house.service("dingtalk")
    channel = house.channel(service.address)
    house.publish(1)
    service.instead = [(200, {"errcode": 430102, "errmsg": "inappropriate words"})]
    house.run()

    assert house.states(channel) == ["failed"]
    assert house.again(channel).state is ChannelState.ACTIVE
    [alarm] = house.parts.alarms.open_alarms()
    assert alarm.kind == "channels"
    assert "430102" in alarm.text
    house.publish(2)
    house.run()
    assert "第2类" in service.texts[0]
    house.parts.unsettled.watch(house.now)
    assert house.parts.alarms.open_alarms() == [alarm], "that one is still lost"
    refused = house.messages(channel)[0]["id"]
    row = house.parts.runs.resend(refused, again=False, who="operator", now=house.now)
    assert row.to == f"channel:{channel.id}", "a chat has no address to be shown in part"
    house.parts.unsettled.watch(house.now)
    house.later(MINUTE)
    house.send()

    assert house.parts.alarms.open_alarms() == []
    assert "第1类" in service.texts[1]


@pytest.mark.parametrize("lost", [closed, cut, (200, b"<html>hotel</html>")])
def test_what_may_have_arrived_is_sent_once_more_and_never_again(house, lost):
    """A chat has no Message-ID: a reader sees every copy."""
    service = house.service("wecom")
    channel = house.channel(service.address)
    house.publish(1)
    service.instead = [lost, lost, lost]

    house.run()
    assert house.states(channel) == ["ambiguous"]
    for _ in range(5):
        house.later(timedelta(hours=7))
        house.send()
    assert len(service.calls) == 2
    assert house.states(channel) == ["ambiguous"]


def test_a_slow_service_holds_nobody_else_up(house):
    """Ten seconds are the most that any chat costs, and others go on meanwhile."""
    slow, well = house.service("telegram"), house.service("wecom")
    one, other = house.channel(slow.address), house.channel(well.address)
    house.publish(1)

    def hang(request) -> None:
        until(lambda: well.texts, what="a message to the other service")
        closed(request)

    slow.instead = [hang]
    house.run()
    assert house.states(other) == ["sent"]
    assert house.states(one) == ["ambiguous"]


def test_three_days_without_an_answer_end_a_channel(house):
    """Nobody is written to for ever, and nobody is left without a word."""
    service = house.service("wecom")
    channel = house.channel(service.address)
    house.publish(1)
    service.instead = [(500, b"")] * 99
    house.run()
    for _ in range(13):
        house.later(timedelta(hours=6, minutes=10))
        house.send()

    dead = house.again(channel)
    assert dead.state is ChannelState.DEAD
    assert "three days" in dead.problem
    assert [row["key"] for row in house.mails() if row["key"].startswith("channel:")]
    assert len(service.calls) < 20


def test_a_sender_that_was_killed_after_handing_over_leaves_at_most_two_copies(house):
    """Kill -9 between the message and its answer."""
    service = house.service("wecom")
    channel = house.channel(service.address)
    house.publish(1)
    house.later(6 * MINUTE)
    house.plan()
    store = house.parts.channels
    [message] = store.claim_messages(house.now, limit=9, lease=LEASE)
    assert store.mark_message_handed(message)

    assert house.send() == 0
    house.later(5 * MINUTE)
    house.send()
    assert len(service.texts) == 1
    assert house.states(channel) == ["sent"]
    assert not store.mark_message_handed(message)


def test_a_sender_that_was_killed_before_loses_nothing(house):
    """Kill -9 between the claim and the message."""
    service = house.service("wecom")
    channel = house.channel(service.address)
    house.publish(1)
    house.later(6 * MINUTE)
    house.plan()
    assert house.parts.channels.claim_messages(house.now, limit=9, lease=LEASE)
    assert house.send() == 0
    house.later(5 * MINUTE)
    house.send()
    assert (len(service.texts), house.states(channel)) == (1, ["sent"])


def test_one_robot_of_many_owners_is_written_to_in_turns(house):
    """The service counts the robot, so we do, over all workers."""
    service = house.service("dingtalk")
    channels = [
        house.channel(service.address, owner=house.subscriber(f"r{n}@example.org"))
        for n in range(3)
    ]
    house.publish(1)
    house.run()

    assert len(service.texts) == 1
    assert house.send() == 0
    house.later(timedelta(seconds=4))
    service.instead = [(200, {"errcode": 130101, "errmsg": "send too fast"})]
    house.send()
    house.later(9 * MINUTE)
    assert house.send() == 0  # it is shut up for ten minutes, for all of them
    house.later(2 * MINUTE)
    house.send()
    house.later(timedelta(seconds=4))
    house.send()
    assert len(service.texts) == 3
    assert [house.states(one) for one in channels] == [["sent"]] * 3


def test_workers_that_ask_at_once_get_one_turn_of_a_robot(house):
    """What is counted in one process is counted by none of the others."""
    service = house.service("wecom")
    for number in range(4):
        house.channel(service.address, owner=house.subscriber(f"r{number}@example.org"))
    house.publish(1)
    house.later(6 * MINUTE)
    house.plan()
    store, now = house.parts.channels, house.now
    together = threading.Barrier(4, timeout=60)

    def claim(_: int) -> int:
        together.wait()
        return len(store.claim_messages(now, limit=9, lease=LEASE))

    with ThreadPoolExecutor(4) as workers:
        assert sum(workers.map(claim, range(4))) == 1
