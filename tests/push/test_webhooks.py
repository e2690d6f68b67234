"""Webhooks: every change that a filter matches, in order, at least once, signed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from aggregator.errors import ConflictError, UsageError
from aggregator.flow import webhooks
from aggregator.flow.pumping import LEASE
from aggregator.model import ArticleOutcome, Kind
from aggregator.push import HookState, Parcel

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def events(who):
    """Everything that a partner was sent, in order."""
    return [event for body in who.bodies for event in json.loads(body)["events"]]


def verify(secret: str, ping) -> dict:
    """A partner's check after the text of Standard Webhooks: the body, or an error."""
    headers = {name.lower(): value for name, value in ping.headers.items()}
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + ping.body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    right = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    versions = dict(one.split(",", 1) for one in headers["webhook-signature"].split(" "))
    assert hmac.compare_digest(versions["v1"], right)
    return json.loads(ping.body)


def test_a_partner_gets_what_our_json_feed_shows_signed(house):
    """The item is the feed's own, so that one reader serves both."""
    who = house.callbacks()
    hook = house.hook(who)
    house.publish(1)
    house.call_hooks()
    [ping] = who.pings
    document = verify(hook.secret, ping)
    [event] = document["events"]
    feed = json.loads(house.web.ask("/feeds/all.json").body)

    assert event["type"] == "announcement.published"
    assert event["item"] == feed["items"][0]
    assert event["id"] == f"{event['item']['id'].rpartition(':')[2]}:{event['change']}"
    assert document["id"] == ping.headers["webhook-id"]
    assert abs(int(ping.headers["webhook-timestamp"]) - house.parts.now().timestamp()) < 1
    assert ping.headers["Content-Type"].startswith("application/json")
    assert document["through"] == house.parts.webhooks.get("1").cursor == house.parts.journal.last()


def test_nothing_is_sent_of_before_it_was_added_nor_twice(house):
    """It begins with the next change."""
    who = house.callbacks()
    house.publish(1)
    house.hook(who)
    first = house.call_hooks()
    house.publish(2)
    house.call_hooks()
    again = house.call_hooks()

    assert (first, again) == (0, 0)
    assert [one["item"]["title"] for one in events(who)] == ["关于支持第2类产业发展的若干措施"]


def test_edits_and_withdrawals_are_events_of_their_own(house):
    """A partner's copy follows ours."""
    who = house.callbacks()
    house.hook(who)
    house.publish(1)
    house.call_hooks()
    from push_web import draft

    house.later(2 * HOUR)
    house.web.record([draft(1, body_text="改", body_html="<p>改</p>", substance_hash="other")])
    house.call_hooks()
    house.later(timedelta(days=40))
    house.web.record([draft(1)], outcome=ArticleOutcome.WITHDRAWN)
    house.call_hooks()
    told = events(who)

    assert [one["type"].partition(".")[2] for one in told] == ["published", "changed", "withdrawn"]
    assert len({one["item"]["id"] for one in told}) == 1
    assert told[2]["why"] == "withdrawn"
    assert [one["change"] for one in told] == sorted(one["change"] for one in told)


def test_what_the_law_takes_out_is_told_to_whoever_may_have_it(house):
    """Its words are gone from our store, so that a search can not say any more who was sent it."""
    from aggregator.store.removals import Removals

    words, elsewhere = house.callbacks(), house.callbacks()
    house.hook(words, "kind=policy&q=若干措施")
    house.hook(elsewhere, "category=land")
    house.publish(1)
    house.call_hooks()
    published = events(words)[0]
    house.later(HOUR)
    Removals(house.parts.engine).remove(
        published["item"]["id"].rpartition(":")[2], by="a judge", why="§", now=house.parts.now()
    )
    house.call_hooks()
    removed = events(words)[1]

    assert (removed["type"], removed["why"]) == ("announcement.withdrawn", "removed")
    assert removed["item"] == {"id": published["item"]["id"]}
    assert elsewhere.pings == []


def test_only_what_the_filter_matches_is_sent(house):
    """And what does not concern it costs it no call."""
    who = house.callbacks()
    house.hook(who, "category=land")
    house.publish(1, 2)
    before = house.call_hooks()

    assert before == 0
    assert house.parts.webhooks.get("1").cursor == house.parts.journal.last()
    assert house.parts.webhooks.deliveries(1, limit=9) == []


def test_a_lot_comes_in_batches_in_order(house):
    """At most fifty events a call, and never out of order."""
    who = house.callbacks()
    house.hook(who)
    for n in (1, 41, 81):
        house.publish(*range(n, n + 40))
    calls = house.call_hooks()
    sizes = [len(json.loads(body)["events"]) for body in who.bodies]
    changes = [one["change"] for one in events(who)]

    assert (calls, sizes) == (3, [50, 50, 20])
    assert changes == sorted(set(changes))


def test_numbers_that_are_no_changes_are_passed_by(house):
    """A cut of the archives has a number, too: it costs no call and no endless claiming."""
    from aggregator.store import publish

    who = house.callbacks()
    house.hook(who)
    house.publish(1)
    with house.parts.engine.begin() as connection:
        publish.cut(connection, "for a test")
    asked = []
    happenings = house.parts.happenings
    house.parts.happenings = lambda *given: asked.append(given) or happenings(*given)
    house.call_hooks()
    house.call_hooks()

    assert (
        house.rows("select max(change) as last from cuts")[0]["last"] == house.parts.journal.last()
    )
    assert house.parts.webhooks.get("1").cursor == house.parts.journal.last()
    assert (len(who.pings), len(asked)) == (1, 1)


def test_words_of_the_text_are_looked_for_at_every_try(house):
    """The journal keeps no text of its own that feeds do not print."""
    who = house.callbacks(take=lambda _: 500)
    house.hook(who, "q=保密条款")
    house.publish(1, body_text="第一条 保密条款。", kind=Kind.PROJECT)
    house.publish(2)
    house.call_hooks()
    house.later(2 * HOUR)
    from push_web import draft

    house.web.record([draft(1, title="改名", body_text="保密条款 改", kind=Kind.PROJECT,
                            substance_hash="other")])  # fmt: skip
    who.take = lambda _: 200
    house.call_hooks()
    first, again, changed = who.pings

    assert first.body == again.body
    assert [one["type"] for one in json.loads(first.body)["events"]] == ["announcement.published"]
    assert [one["type"] for one in json.loads(changed.body)["events"]] == ["announcement.changed"]


def test_a_failed_call_is_tried_again_with_the_same_batch(house):
    """The same id and bytes at every try: a partner that took it already knows it."""
    who = house.callbacks(take=lambda _: 500)
    hook = house.hook(who)
    house.publish(1)
    house.call_hooks()
    house.publish(2)
    at_once = house.call_hooks()
    house.later(MINUTE)
    who.take = lambda _: 200
    house.call_hooks()
    first, second, third = who.pings
    log = house.parts.webhooks.deliveries(hook.id, limit=9)

    assert at_once == 0
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    assert verify(hook.secret, second)["id"] != verify(hook.secret, third)["id"]
    assert [(one.status, one.attempt, one.events) for one in reversed(log)] == [
        (500, 1, 1), (200, 2, 1), (200, 1, 1),
    ]  # fmt: skip
    assert len({one["id"] for one in events(who)}) == 2


def test_one_that_is_given_up_keeps_its_place_and_an_operator_sees_it(house):
    """72 hours of failures: no more calls, and nothing is lost when it is resumed."""
    from quxun.cli import doctor

    who = house.callbacks(take=lambda _: 503)
    hook = house.hook(who)
    house.publish(1)
    for _ in range(100):
        house.call_hooks()
        now = house.parts.webhooks.get("1")
        if now.state is HookState.GIVEN_UP:
            break
        house.later(now.due_at - house.parts.now())
    ill = doctor._webhooks(house.parts)
    house.publish(2)
    house.later(24 * HOUR)
    given_up = house.call_hooks()
    who.take = lambda _: 200
    before = len(who.pings)
    house.parts.webhooks.set_state(hook.id, HookState.ACTIVE, house.parts.now())
    house.call_hooks()

    assert timedelta(hours=72) <= now.due_at - now.created_at < timedelta(hours=90)
    assert ill[1] is False
    assert who.url("/hook") in ill[2]
    assert "503" in ill[2]
    assert given_up == 0
    resumed = [e for body in who.bodies[before:] for e in json.loads(body)["events"]]
    assert [one["item"]["title"][4:6] for one in resumed] == ["第1", "第2"]
    assert doctor._webhooks(house.parts)[1] is True


def test_one_that_is_gone_waits_for_an_operator_at_once(house):
    """410 says that nobody will ever listen there."""
    who = house.callbacks(take=lambda _: 410)
    house.hook(who)
    house.publish(1)
    house.call_hooks()

    assert house.parts.webhooks.get("1").state is HookState.GIVEN_UP


def test_a_worker_killed_before_it_recorded_loses_nothing(house):
    """At least once: the same batch again, under the same id."""
    who = house.callbacks()
    house.hook(who)
    house.publish(1)
    it = house.parts
    [claimed] = it.webhooks.claim_webhooks(it.now(), last=it.journal.last(), limit=9, lease=LEASE)
    batch = webhooks.batch_of(
        claimed, happenings=it.happenings, blank=it.blank_page, newest=it.journal.last()
    )
    assert it.webhooks.begin(claimed, batch.last)
    it.run(it.courier.call(Parcel(url=claimed.url, headers={}, body=batch.body)))
    house.publish(2)
    meanwhile = house.call_hooks()
    house.later(LEASE)
    house.call_hooks()
    late = it.webhooks.begin(claimed, batch.last)

    assert (meanwhile, late) == (0, False)
    assert who.bodies[0] == who.bodies[1]
    assert len(who.pings) == 3


def test_paused_and_rewound(house):
    """An operator stops it, lets it go on, and has it sent again."""
    who = house.callbacks()
    hook = house.hook(who)
    it = house.parts
    it.webhooks.set_state(hook.id, HookState.PAUSED, it.now())
    house.publish(1)
    paused = house.call_hooks()
    it.webhooks.set_state(hook.id, HookState.ACTIVE, it.now())
    house.call_hooks()
    it.webhooks.rewind(hook.id, hook.cursor, it.now())
    house.call_hooks()

    assert paused == 0
    assert who.bodies[0] == who.bodies[1]


def test_a_test_event_says_what_came_back(house):
    """Before anything changes, an operator and a partner can try the line."""
    who = house.callbacks(take=lambda _: 418)
    hook = house.hook(who)
    it = house.parts
    call = it.run(webhooks.test(hook, store=it.webhooks, caller=it.courier, clock=it.now))
    [ping] = who.pings

    assert verify(hook.secret, ping)["type"] == "test"
    assert call.status == 418
    assert it.webhooks.deliveries(hook.id, limit=9) == [call]
    assert it.webhooks.get("1").cursor == hook.cursor


def test_one_record_that_cannot_be_rendered_holds_up_none(house):
    """It is told by its id; what comes behind it comes too."""
    who = house.callbacks()
    house.hook(who)
    house.publish(1, 2)
    it = house.parts
    broken = it.happenings

    def happenings(*asked):
        first, *rest = broken(*asked)
        return [replace(first, after=replace(first.after, sightings=None)), *rest]

    it.happenings = happenings
    house.call_hooks()
    one, two = events(who)

    assert set(one["item"]) == {"id", "url"}
    assert two["item"]["title"]


@pytest.mark.parametrize("secret", ["short", "whsec_c2hvcnQ=", "whsec_!!!", "c" * 40])
def test_secrets_that_no_library_takes_are_refused(secret):
    """Better now than at the partner's first check."""
    with pytest.raises(UsageError, match="24 to 64 bytes"):
        webhooks.check_secret(secret)

    assert webhooks.check_secret(webhooks.new_secret())


def test_one_address_is_one_webhook(house):
    """Two would call it twice for everything."""
    who = house.callbacks()
    house.hook(who)

    with pytest.raises(ConflictError, match="already"):
        house.hook(who)
