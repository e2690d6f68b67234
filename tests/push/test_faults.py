"""What callbacks and our own workers may do wrong, and what each of it costs the others."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from push_subscriber import NETS, Callbacks

from aggregator.errors import UsageError
from aggregator.fetch.courier import CALL_LIMITS, Courier
from aggregator.flow.hub import Press
from aggregator.flow.pumping import LEASE
from aggregator.push import HubLimits, Parcel

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def courier(house):
    """A maker of callers with limits or names of their own."""
    made = []

    def make(**changes) -> Courier:
        nets = changes.pop("allow_nets", NETS)
        lookup = changes.pop("lookup", None)
        one = Courier(
            user_agent="quxun-tests", clock=house.parts.now, allow_nets=nets,
            limits=replace(CALL_LIMITS, **changes), **({"lookup": lookup} if lookup else {}),
        )  # fmt: skip
        made.append(one)
        return one

    yield make
    for one in made:
        one.close()


def test_a_callback_that_hangs_holds_up_nobody_else(house):
    """Its slot is its own: all others have their document before it answers."""
    others = house.callbacks()
    all_told = threading.Event()
    slow = house.callbacks(take=lambda _: 204 if all_told.wait(8) else 500)
    house.follow(slow)
    for number in range(40):
        house.follow(others, path=f"/{number}")
    others.take = lambda _: 204 if len(others.pings) < 40 else (all_told.set() or 204)
    house.publish(1)
    told = house.push()

    assert all(one.through for one in told)
    assert (len(others.pings), len(slow.pings)) == (40, 1)


def test_a_callback_that_never_answers_is_tried_again_later(house, courier):
    """Ten seconds at most, then the back-off."""
    end = threading.Event()
    house.stack.callback(end.set)
    who = house.callbacks(take=lambda _: end.wait(30) or 500)
    house.follow(who)
    house.publish(1)
    [told] = house.push(caller=courier(total_seconds=2))

    assert told.through is None
    assert told.due_at - house.parts.now() == MINUTE
    assert "no complete answer in time" in house.followers()[0]["last_answer"]
    assert CALL_LIMITS.total_seconds == 10


def test_an_endless_answer_is_cut_and_its_status_counts(house):
    """What it took, it took; of what it says behind that we read a little."""
    sent = []

    def flood(handler) -> None:
        handler.send_response(200)
        handler.end_headers()
        for _ in range(1000):
            try:
                handler.wfile.write(b"x" * 100_000)
            except OSError:
                break
            sent.append(100_000)
        handler.close_connection = True

    who = house.callbacks(take=lambda _: flood)
    house.follow(who)
    house.publish(1)
    [told] = house.push()

    assert told.through
    assert sum(sent) < 50_000_000
    assert house.push() == []


def test_a_redirect_is_not_followed(house):
    """Whoever moved must subscribe anew: what we were given was confirmed, that was not."""
    elsewhere = house.callbacks()

    def move(handler) -> None:
        handler.send_response(307)
        handler.send_header("Location", elsewhere.url())
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    who = house.callbacks(take=lambda _: move)
    house.follow(who)
    house.publish(1)
    [told] = house.push()

    assert told.through is None
    assert elsewhere.connections == 0
    assert "redirects" in house.followers()[0]["last_answer"]


def test_one_that_is_gone_is_dropped_at_once(house):
    """410 says so; the reason is kept for whoever asks."""
    who = house.callbacks(take=lambda _: 410)
    house.follow(who)
    house.publish(1)
    house.push()
    house.publish(2)
    house.later(2 * HOUR)
    house.push()
    [row] = house.followers()

    assert len(who.pings) == 1
    assert row["ended_at"] is not None
    assert "410" in row["why"]


def test_one_that_was_down_for_an_hour_gets_the_newest_document_and_no_other(house):
    """However much it missed, it is told once."""
    who = house.callbacks(take=lambda _: 503)
    house.follow(who)
    for number in range(1, 13):
        house.publish(number)
        house.push()
        house.later(5 * MINUTE)
    tries = len(who.pings)
    who.take = lambda _: 204
    house.later(6 * HOUR)
    house.push()
    newest = who.pings[-1]
    house.push()

    assert 4 <= tries <= 8
    assert len(who.pings) == tries + 1
    assert newest.body == house.web.ask("/feeds/all.atom").body
    assert house.followers()[0]["attempts"] == 0


def test_one_that_flaps_is_never_dropped(house):
    """Three days without any answer end it, not three days of now and then."""
    who = house.callbacks()
    house.follow(who, lease_seconds=str(30 * 86_400))
    for number in range(1, 20):
        who.take = lambda _, down=number % 3: 500 if down else 204
        house.publish(number)
        house.push()
        house.later(12 * HOUR)
    [row] = house.followers()

    assert row["ended_at"] is None


def test_one_that_is_dead_for_three_days_is_dropped_with_the_reason(house):
    """Back-off goes from a minute to six hours; then nobody is called there any more."""
    who = house.callbacks()
    house.follow(who, lease_seconds=str(30 * 86_400))
    who.close()
    house.publish(1)
    waits = []
    for _ in range(200):
        told = house.push()
        if not told or told[0].ended:
            break
        waits.append(told[0].due_at - house.parts.now())
        house.later(waits[-1])
    [row] = house.followers()
    house.publish(2)
    house.later(24 * HOUR)

    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (MINUTE, 6 * HOUR)
    assert row["why"].startswith("not reached for 7")
    assert house.push() == []


def test_what_a_killed_worker_had_claimed_is_told_when_its_lease_ends(house):
    """Promise 4; and the dead one, should it come back, changes nothing."""
    who = house.callbacks()
    house.follow(who)
    house.publish(1)
    now = house.parts.now()
    house.push_notice()
    [dead] = house.parts.hub.claim_followers(now, limit=9, lease=LEASE)
    meanwhile = house.push()
    house.later(LEASE)
    [told] = house.push()
    house.parts.hub.record_told([replace(told, follower=dead, through=None, ended="late")])

    assert meanwhile == []
    assert len(who.pings) == 1
    assert house.followers()[0]["ended_at"] is None


def test_a_question_whose_worker_was_killed_is_asked_again_three_times_at_most(house):
    """And then it is set aside, with the reason."""
    who = house.callbacks()
    who.want("subscribe", house.topic())
    house.ask(mode="subscribe", topic=house.topic(), callback=who.url())
    for _ in range(3):
        assert house.parts.hub.claim_requests(house.parts.now(), limit=9, lease=LEASE)
        house.later(LEASE)

    assert house.verify() == 0
    assert house.outcomes() == ["set aside: its worker vanished"]
    assert who.questions == []


def test_two_workers_tell_everybody_once(house):
    """Each follower is claimed by one of them."""
    who = house.callbacks()
    for number in range(12):
        house.follow(who, path=f"/{number}")
    house.publish(1)
    house.push_notice()
    both = [
        house.parts.hub.claim_followers(house.parts.now(), limit=99, lease=LEASE)
        for _ in range(4)
    ]  # fmt: skip

    assert [len(one) for one in both] == [4, 0, 0, 0]  # no host gets more at once, either
    house.later(LEASE)
    house.push()
    assert sorted(one.path for one in who.pings) == sorted(f"/{number}" for number in range(12))


def test_a_change_costs_one_rendering_however_many_follow(house):
    """And it is the feeds concerned that are rendered, not all that are followed."""
    who, other = house.callbacks(), house.callbacks()
    for number in range(15):
        house.follow(who, path=f"/a/{number}")
        house.follow(other, "policies/500116.rss", path=f"/b/{number}")
        house.follow(other, "land.atom", path=f"/c/{number}")
    rendered = []
    press = Press(lambda topic: rendered.append(topic.address) or house.parts.edition(topic))
    house.publish(1)
    house.push(press=press)

    assert sorted(rendered) == ["all.atom", "policies/500116.rss"]
    assert (len(who.pings), len(other.pings)) == (15, 15)


# --- Whom we never call ----------------------------------------------------------------


def test_no_callback_of_ours_or_our_neighbours_is_ever_reached(house, courier):
    """The canary stays silent, whatever names lead to it and whenever they begin to."""
    canary = Callbacks(host="127.0.0.1")
    house.stack.callback(canary.close)
    who = house.callbacks()
    leads_to = [who.host]
    caller = courier(lookup=lambda *_: tuple(leads_to), name_seconds=0.0)
    house.parts.courier = caller
    topic = house.topic()
    who.want("subscribe", topic)
    for host in ("friendly.test", "turns.test"):
        house.ask(mode="subscribe", topic=topic, callback=f"http://{host}:{who.port}/cb")
    house.verify()
    assert len(house.followers()) == 2
    leads_to[:] = ["127.0.0.1"]
    house.ask(mode="subscribe", topic=topic, callback=f"http://inner.test:{canary.port}/cb")
    house.verify()
    house.rows(f"update websub_subscriptions set callback = 'http://turns.test:{canary.port}/cb'")
    house.publish(1)
    told = house.push()
    reply = house.parts.run(caller.call(Parcel(url=canary.url(), headers={}, body=b"x")))

    assert canary.connections == 0
    assert [one.through for one in told] == [None, None]
    assert "not on the public net" in house.outcomes()[2]
    assert "not on the public net" in reply.said


def test_nobody_is_hammered_through_our_hub(house):
    """A host that never confirmed anything is asked a few times an hour, whoever asks for it."""
    victim = house.callbacks(confirm=lambda _: (404, b""))
    answers = [
        house.ask(mode="subscribe", topic=house.topic(), callback=victim.url(f"/{number}"))
        for number in range(25)
    ]
    house.verify()
    refused = [one for one in answers if one.status == 429]

    assert len(victim.questions) == HubLimits().unknown_host_hour == 20
    assert len(refused) == 5
    assert refused[0].headers["retry-after"] == "3600"
    assert "asked about 20 times" in refused[0].text
    house.later(HOUR)
    again = house.ask(mode="subscribe", topic=house.topic(), callback=victim.url())
    assert again.status == 202


def test_a_host_that_confirmed_may_follow_many_feeds(house):
    """A consuming site follows every district; it is known after its first."""
    who = house.callbacks()
    house.follow(who)
    answers = {
        house.ask(mode="subscribe", topic=house.topic(), callback=who.url(f"/{number}")).status
        for number in range(40)
    }

    assert answers == {202}


def test_limits_in_all_hold_too(house):
    """Many names of one victim are bounded by what strangers may ask together."""
    hub, now = house.parts.hub, house.parts.now()
    limits = HubLimits(unknown_hour=5, host=2, host_searches=1)
    for number in range(5):
        house.ask(mode="subscribe", topic=house.topic(), callback=f"http://h{number}.example/")
    [first, *_] = hub.claim_requests(now, limit=1, lease=MINUTE)

    assert "too often" in hub.accept(replace(first, host="h9.example"), now, limits=limits)
    who = house.callbacks()
    house.rows("delete from websub_requests")
    house.follow(who, "all.atom")
    house.follow(who, "land.atom", path="/2")
    who.want("subscribe", house.topic("all.rss"))
    house.ask(mode="subscribe", topic=house.topic("all.rss"), callback=who.url("/3"))
    house.verify(limits)
    denied = who.questions[-1]

    assert (denied.mode, denied.topic) == ("denied", house.topic("all.rss"))
    assert "2 subscriptions, the most there may be" in denied.reason
    assert len(house.followers()) == 2


def test_a_bug_of_ours_at_one_follower_harms_no_other(house, monkeypatch):
    """It is written on that one, with its back-off; the others have their document."""
    who = house.callbacks()
    for number in range(3):
        house.follow(who, path=f"/{number}")
    calls = house.parts.courier.call

    async def call(parcel):
        if parcel.url.endswith("/1"):
            raise RuntimeError("a bug")
        return await calls(parcel)

    monkeypatch.setattr(house.parts.courier, "call", call)
    house.publish(1)
    house.push()
    rows = house.followers()

    assert sorted(one.path for one in who.pings) == ["/0", "/2"]
    assert "we failed at it ourselves (RuntimeError)" in rows[1]["last_answer"]
    assert rows[1]["due_at"] > house.parts.now()


def test_what_cannot_be_recorded_harms_no_other(house, monkeypatch):
    """The rest of those that ended together is recorded, each on its own."""
    who = house.callbacks()
    for number in range(3):
        house.follow(who, path=f"/{number}")
    house.publish(1)
    records = house.parts.hub.record_told

    def record(told):
        if any(one.follower.callback.endswith("/1") for one in told):
            raise ValueError("cannot be stored")
        records(told)

    monkeypatch.setattr(house.parts.hub, "record_told", record)
    house.push()

    assert [bool(row["sent_at"]) for row in house.followers()] == [True, False, True]


@pytest.mark.parametrize("url", ["http://a.example:22/x", "https://a.example:6379/x"])
def test_the_refusal_of_a_port_speaks_of_callbacks(courier, url):
    """A partner knows nothing of our sources, and reads which ports would do."""
    with pytest.raises(UsageError) as caught:
        courier().check(url)

    line = str(caught.value)
    assert "callback" in line
    assert "source" not in line
    assert all(port in line for port in ("80", "443", "1024"))
