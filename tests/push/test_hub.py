"""Following a feed through our hub, as the WebSub Recommendation has it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from push_subscriber import links_of

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


def test_a_subscriber_that_knows_only_the_recommendation_gets_the_newest_document(house):
    """Discovery, verification, a signed fat ping: what it gets is what the feed serves."""
    house.publish(1)
    served = house.web.ask("/feeds/all.atom")
    links = links_of(served.headers["link"])
    who = house.callbacks()
    who.want("subscribe", links["self"], "a secret of ours")
    hub_path = links["hub"].removeprefix(house.parts.settings.public_url)
    answer = house.web.post(
        hub_path,
        {
            "hub.mode": "subscribe", "hub.topic": links["self"], "hub.callback": who.url(),
            "hub.secret": "a secret of ours",
        },
    )  # fmt: skip
    house.verify()
    house.push()
    told_before = len(who.pings)
    house.publish(2)
    house.push()
    [ping] = who.pings

    assert (answer.status, told_before) == (202, 0)
    assert ping.signed
    assert ping.headers["Content-Type"] == served.headers["content-type"]
    assert f'<{links["hub"]}>; rel="hub"' in ping.headers["Link"]
    assert f'<{links["self"]}>; rel="self"' in ping.headers["Link"]
    assert ping.body == house.web.ask("/feeds/all.atom").body


def test_a_document_names_the_hub_in_every_format(house):
    """Consumers look in the document where headers are lost on the way."""
    house.publish(1)

    for form in ("atom", "rss", "json"):
        assert f"{house.parts.settings.public_url}/hub" in house.web.ask(f"/feeds/all.{form}").text


@pytest.mark.parametrize(
    "address", ["land/500116.rss", "500116.json", "search.atom?q=%E6%8E%AA%E6%96%BD"]
)
def test_every_feed_in_every_format_can_be_followed(house, address):
    """Named, below a region, or a search."""
    who = house.callbacks()
    house.follow(who, address)
    house.publish(1, categories=())
    house.push()
    expected = 0 if address.startswith("land") else 1

    assert len(who.pings) == expected
    assert all(body == house.web.ask(f"/feeds/{address}").body for body in who.bodies)


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"mode": "publish"}, "hub.mode"),
        ({"mode": "denied"}, "hub.mode"),
        ({"topic": "http://other.example/feeds/all.atom"}, "hub.topic"),
        ({"topic": "http://quxun.example/feeds/nothing.atom"}, "no such feed"),
        ({"topic": "http://quxun.example/feeds/all.html"}, "ends in"),
        ({"topic": "http://quxun.example/feeds/all/archive/7.atom"}, "archive"),
        ({"topic": "http://quxun.example/feeds/search.atom?kind=policy"}, "/feeds/policies.atom"),
        ({"topic": "http://quxun.example/feeds/500116/land.atom"}, "/feeds/land/500116.atom"),
        ({"topic": "http://quxun.example/feeds/search.atom?q=b&q=a"}, "one address"),
        ({"topic": "http://quxun.example/feeds/search.atom?colour=red"}, "colour"),
        ({"topic": "http://quxun.example/feeds/all.atom?page=2"}, "one address"),
        ({"topic": ""}, "missing"),
        ({"callback": "ftp://127.0.130.1/"}, "hub.callback"),
        ({"callback": "http://user:pw@127.0.130.1/"}, "hub.callback"),
        ({"callback": "http://127.0.130.1:6379/"}, "hub.callback"),
        ({"callback": "http://127.0.130.1:25/"}, "hub.callback"),
        ({"callback": "http://127.0.0.1/"}, "public net"),
        ({"callback": "http://2130706433/"}, "public net"),
        ({"callback": "http://localhost/"}, "public net"),
        ({"callback": "http://[::ffff:10.0.0.1]/"}, "public net"),
        ({"callback": "http://127.0.130.1/#there"}, "fragment"),
        ({"callback": "http://127.0.130.1/" + "x" * 1000}, "longer"),
        ({"secret": "s" * 200}, "hub.secret"),
        ({"lease_seconds": "-1"}, "lease"),
        ({"lease_seconds": "soon"}, "lease"),
    ],
)
def test_what_cannot_be_is_refused_at_once_with_one_line(house, fields, word):
    """A program's author reads the line and knows what to mend."""
    usual = {
        "mode": "subscribe", "topic": house.topic(), "callback": "http://127.0.130.1/cb", **fields
    }  # fmt: skip
    answer = house.ask(**usual)

    assert answer.status == 400
    assert word in answer.text
    assert answer.text.count("\n") == 1
    assert house.outcomes() == []


def test_unknown_fields_are_ignored_and_doubled_ones_refused(house):
    """§5.1: additional parameters a hub does not understand are ignored."""
    form = [
        ("hub.mode", "subscribe"), ("hub.topic", house.topic()), ("hub.verify", "sync"),
        ("hub.callback", "http://127.0.130.1/cb"), ("colour", "red"),
    ]  # fmt: skip

    assert house.web.post("/hub", form).status == 202
    assert house.web.post("/hub", [*form, ("hub.mode", "unsubscribe")]).status == 400
    assert house.web.ask("/hub", "POST", b"x" * 300_000).status == 413
    assert house.web.ask("/hub").status == 405


def test_the_callback_is_asked_with_its_own_query_kept(house):
    """§5.3: what the callback's address has already stays; our fields come behind."""
    who = house.callbacks()
    house.follow(who, path="/cb?user=7&hub=mine")
    [question] = who.questions

    assert question.own == {"user": ["7"], "hub": ["mine"]}
    assert (question.mode, question.topic) == ("subscribe", house.topic())
    assert question.lease == str(10 * 86_400)
    assert len(question.challenge) >= 16
    assert house.outcomes() == ["confirmed"]


@pytest.mark.parametrize(
    ("asked", "given"),
    [("60", 3_600), ("7200", 7_200), ("99999999999999", 30 * 86_400), ("0", 10 * 86_400)],
)
def test_leases_are_what_was_asked_within_bounds(house, asked, given):
    """And the subscriber is told the one it got."""
    who = house.callbacks()
    house.follow(who, lease_seconds=asked)
    house.publish(1)
    house.later(timedelta(seconds=given - 1))
    house.push()
    before = len(who.pings)
    house.publish(2)
    house.later(timedelta(seconds=2))
    house.push()

    assert who.questions[0].lease == str(given)
    assert (before, len(who.pings)) == (1, 1)


@pytest.mark.parametrize(
    "answer",
    [
        lambda _: (200, b"something else"),
        lambda q: (200, q.challenge.encode() + b"\n"),
        lambda _: (200, b""),
        lambda q: (404, q.challenge.encode()),
        lambda q: (302, q.challenge.encode()),
        lambda _: (500, b""),
        lambda q: (200, q.challenge.encode() + b"x" * 200_000),
    ],
)
def test_only_the_exact_challenge_confirms(house, answer):
    """Nobody is made to follow anything by somebody else."""
    who = house.callbacks(confirm=answer)
    house.follow(who)
    house.publish(1)
    house.push()

    assert who.pings == []
    assert house.followers() == []
    [outcome] = house.outcomes()
    assert outcome.startswith("not confirmed")


def test_nobody_is_asked_twice(house):
    """One request costs its callback one question, whatever that answers."""
    who = house.callbacks(confirm=lambda _: (500, b""))
    house.follow(who)

    assert house.verify() == 0
    assert len(who.questions) == 1


def test_the_same_callback_and_topic_renew(house):
    """No duplicates, no second ping, the new secret counts, and the place is kept."""
    who = house.callbacks()
    house.follow(who, secret="the first")
    house.publish(1)  # not yet told
    house.later(9 * DAY)
    house.follow(who, secret="the second")
    house.later(9 * DAY)
    house.push()
    [ping] = who.pings

    assert ping.signed
    assert len(house.followers()) == 1


def test_a_renewal_that_is_not_confirmed_changes_nothing(house):
    """Whoever sends a renewal with a secret of their own must not change ours."""
    who = house.callbacks()
    house.follow(who, secret="mine")
    who.confirm = lambda _: (404, b"")
    house.ask(mode="subscribe", topic=house.topic(), callback=who.url(), secret="theirs")
    house.ask(mode="unsubscribe", topic=house.topic(), callback=who.url())
    house.verify()
    house.publish(1)
    house.push()
    [ping] = who.pings

    assert ping.signed


def test_who_left_gets_nothing_more_and_may_come_back(house):
    """Unsubscribing is confirmed like subscribing."""
    who = house.callbacks()
    house.follow(who)
    house.leave(who)
    house.publish(1)
    house.push()
    after_leaving = len(who.pings)
    house.follow(who)
    house.push()
    missed = len(who.pings)
    house.publish(2)
    house.push()

    assert (after_leaving, missed, len(who.pings)) == (0, 0, 1)
    assert [q.mode for q in who.questions] == ["subscribe", "unsubscribe", "subscribe"]
    assert who.questions[1].lease is None


def test_of_two_requests_the_later_holds_whatever_is_answered_first(house):
    """Two workers ask at once; answers come in any order."""
    who = house.callbacks()
    who.want("subscribe", house.topic())
    who.want("unsubscribe", house.topic())
    house.ask(mode="subscribe", topic=house.topic(), callback=who.url(), secret="old")
    house.ask(mode="subscribe", topic=house.topic(), callback=who.url(), secret="new")
    first, second = house.parts.hub.claim_requests(
        house.parts.now(), limit=9, lease=timedelta(minutes=1)
    )
    for one in (second, first):
        house.parts.hub.settle(one, "confirmed", house.parts.now(), confirmed=True)
    [row] = house.followers()
    house.ask(mode="unsubscribe", topic=house.topic(), callback=who.url())
    house.ask(mode="subscribe", topic=house.topic(), callback=who.url(), secret="newest")
    left, back = house.parts.hub.claim_requests(
        house.parts.now(), limit=9, lease=timedelta(minutes=1)
    )
    for one in (back, left):
        house.parts.hub.settle(one, "confirmed", house.parts.now(), confirmed=True)
    [after] = house.followers()

    assert row["secret"] == "new"
    assert (after["secret"], after["ended_at"]) == ("newest", None)


def test_a_change_between_asking_and_confirming_is_told(house):
    """What came while the callback was being asked must not be missed."""
    who = house.callbacks()
    house.publish(1)
    who.want("subscribe", house.topic())
    house.ask(mode="subscribe", topic=house.topic(), callback=who.url())
    house.publish(2)
    house.push()
    house.verify()
    house.push()

    assert len(who.pings) == 1


def test_an_operator_drops_a_follower_and_it_is_told_why(house):
    """§5.2: hub.mode=denied, with the reason."""
    who = house.callbacks()
    house.follow(who, path="/cb?user=7")
    [row] = house.followers()
    house.parts.hub.drop(row["id"], "not meant for this", house.parts.now())
    house.verify()
    house.publish(1)
    house.push()
    denied = who.questions[1]

    assert (denied.mode, denied.topic) == ("denied", house.topic())
    assert denied.reason == "not meant for this"
    assert denied.own == {"user": ["7"]}
    assert denied.challenge is None
    assert who.pings == []
