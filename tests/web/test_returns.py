"""What providers tell, and how a person whose mail came back gets mail again."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from aggregator.model import Filter, Frequency, Lane, Mail, SuppressionKind
from aggregator.returns import sign_events

LEASE = timedelta(seconds=90)
ADDRESS = "reader@example.org"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def posting(web):
    """The server with its provider's endpoint open."""
    web.parts.settings = web.parts.settings.model_copy(update={"post_secret": SecretStr(SECRET)})
    return web


def tell(web, events: object, *, secret: str = SECRET, late: timedelta = timedelta(), **headers):
    body = events if isinstance(events, bytes) else json.dumps(events).encode()
    signed = sign_events(secret, body, identity="msg_1", at=web.time[0] - late)
    given = {name.replace("-", "_"): value for name, value in signed.items()} | headers
    return web.ask("/post/events", "POST", body, **given)


def sent(web, to: str = ADDRESS) -> str:
    """A confirmed reader's mail that left; its Message-ID."""
    who = web.parts.subscribers.sign_up(
        to, [Filter()], Frequency.DAILY, web.time[0], confirmed=True
    )
    name = f"<{who.id}.mail@quxun.example>"
    mail = Mail(
        key=name, lane=Lane.DIGEST, to=to, subject="s", text="t", html="h", message_id=name,
        subscriber_id=who.id,
    )  # fmt: skip
    web.parts.outbox.enqueue_mail(mail, web.time[0])
    with web.parts.engine.begin() as connection:
        connection.execute(text("update outbox set state = 'sent', sent_at = now()"))
    return name


def held_back(web) -> dict[str, str]:
    return {one.email_key: one.kind.value for one in web.parts.suppressions.list()}


def confirming_mails(web) -> list[str]:
    mails = web.parts.outbox.claim_mails(web.time[0], limit=99, lease=LEASE)
    found = [re.search(r"http://quxun\.example(/confirm/\S+)", one.mail.text) for one in mails]
    for one in mails:
        assert web.parts.outbox.mark_handed(one.id, one.generation)
    return [hit[1] for hit in found if hit]


def test_a_providers_events_are_believed_and_counted_once(posting):
    """Bounces, complaints and arrivals of the mails that a provider sends for us."""
    name = sent(posting)
    sent(posting, "b@example.org")
    events = [
        {"kind": "bounce", "message_id": name, "code": "5.1.1", "text": "550 5.1.1 no such user"},
        {"kind": "complaint", "address": "B@example.org"},
        {"kind": "delivered", "address": "stranger@example.org"},
    ]
    first, again = tell(posting, events), tell(posting, events)

    assert (first.status, json.loads(first.body)) == (200, {"taken": 2, "foreign": 1})
    assert again.status == 200
    assert held_back(posting) == {ADDRESS: "hard", "b@example.org": "complaint"}
    assert posting.parts.returns.counted()["again"] == 2


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"secret": "another-secret-of-some-length"}, "webhook-signature"),
        ({"late": timedelta(minutes=6)}, "webhook-timestamp"),
        ({"late": timedelta(minutes=-6)}, "webhook-timestamp"),
        ({"webhook_id": "msg_2"}, "webhook-signature"),
        ({"webhook_signature": ""}, "webhook-signature"),
        ({"webhook_timestamp": "yesterday"}, "webhook-timestamp"),
        ({"webhook_timestamp": "1" * 400}, "webhook-timestamp"),
    ],
)
def test_who_cannot_sign_is_not_believed(posting, wrong, told):
    """Anybody can post; only who shares the secret, and only now."""
    name = sent(posting)
    answer = tell(posting, [{"kind": "complaint", "message_id": name}], **wrong)

    assert answer.status == 401
    assert told in answer.text
    assert held_back(posting) == {}


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{}", b"[1]", b'[{"kind": "bounce"}]', b'[{"kind": "opened", "address": "a@b.example"}]',
        b'[{"kind": "bounce", "address": "a\\u0000@b.example"}]', b"[" * 100_000, b"\xff",
        b'[{"kind": "bounce", "address": "a@b.example", "colour": "red"}]',
        json.dumps([{"kind": "bounce", "address": "a@b.example"}] * 1_001).encode(),
    ],
    ids=lambda body: body[:30].decode("latin-1"),
)  # fmt: skip
def test_what_cannot_be_read_is_told_in_a_line(posting, body):
    """Whoever writes the few lines beside a provider sees what is wrong with them."""
    answer = tell(posting, body)

    assert answer.status == 400
    assert len(answer.text.splitlines()) == 1


def test_without_a_secret_the_address_is_closed(web):
    """Nobody may tell us anything before an operator says who may."""
    assert tell(web, [{"kind": "complaint", "address": ADDRESS}]).status == 404


def test_who_bounced_gets_mail_again_by_trying_and_confirming(web):
    """Their mailbox is there again; one mail shows it, and nothing but its button counts."""
    sent(web)
    web.parts.suppressions.add(ADDRESS, "gone", web.time[0], SuppressionKind.HARD)
    page = web.post("/subscribe", {"email": ADDRESS, "region": "500116"})
    assert confirming_mails(web) == []

    [link] = re.findall(r'href="(/subscribe\?again=1[^"]*)"', page.text)
    form = web.ask(link.replace("&amp;", "&"))
    assert 'name="again" value="1"' in form.text
    assert web.post("/subscribe", {"email": ADDRESS, "again": "1"}).status == 200
    [path] = confirming_mails(web)
    assert held_back(web) == {ADDRESS: "hard"}
    assert web.ask(path).status == 200
    assert held_back(web) == {ADDRESS: "hard"}

    assert web.post(path, {"confirm": "yes"}).status == 200
    assert held_back(web) == {}
    assert [one.kind.value for one in web.parts.suppressions.list(lifted=True)] == ["hard"]


def test_trying_again_is_one_mail_however_often_and_none_to_who_did_not_bounce(web):
    """The button is nobody's way to write to a stranger, or to a dead mailbox a hundred times."""
    web.parts.suppressions.add(ADDRESS, "gone", web.time[0], SuppressionKind.HARD)
    for hour in range(0, 40, 8):
        web.time[0] += timedelta(hours=hour)
        web.post("/subscribe", {"email": ADDRESS, "again": "1"})
        web.post("/subscribe", {"email": "stranger@example.org", "again": "1"})

    assert len(confirming_mails(web)) == 1


@pytest.mark.parametrize("kind", [SuppressionKind.COMPLAINT, SuppressionKind.OPERATOR])
def test_a_complaint_is_not_tried_again(web, kind):
    """Who called our mail unwanted is not written to because somebody fills in a form."""
    web.parts.suppressions.add(ADDRESS, "unwanted", web.time[0], kind)
    web.post("/subscribe", {"email": ADDRESS, "again": "1"})
    web.post("/subscribe", {"email": ADDRESS})

    assert confirming_mails(web) == []


def test_nobody_learns_whose_mail_came_back(web):
    """Bounced, complained, subscribed or unknown: the same pages, byte for byte."""
    sent(web)
    for number, kind in enumerate(SuppressionKind):
        web.parts.suppressions.add(f"s{number}@example.org", "r", web.time[0], kind)
    people = [ADDRESS, "unknown@example.org", *(f"s{n}@example.org" for n in range(4))]

    for extra in ({}, {"again": "1"}):
        answers = {
            (one.status, one.body)
            for who in people
            for one in [web.post("/subscribe", {"email": who, **extra})]
        }
        assert len(answers) == 1
