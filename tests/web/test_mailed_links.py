"""Links as they come back from mail programs, in any order and with what clings to them."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import quote

import pytest
from sqlalchemy import text
from web_letters import ADDRESS, confirmed, links, manage_path, states

from aggregator.model import Frequency, SubscriberState, SubscriptionState
from aggregator.notify import tokens

ONE_CLICK = "application/x-www-form-urlencoded"


def twice_asked(web) -> list[str]:
    """The confirming links of two wishes of one address, in the order in which they were asked."""
    web.post("/subscribe", {"email": ADDRESS, "q": "储能"})
    web.pass_time(timedelta(minutes=11))
    web.post("/subscribe", {"email": ADDRESS, "q": "氢能", "frequency": "weekly"})
    return links(web, "confirm")


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_confirming_page_names_what_it_confirms_and_nothing_else(web, order):
    """Who presses below two wishes believes both to be confirmed, and a stranger's may be one."""
    paths, words = twice_asked(web), ("储能", "氢能")
    first, second = order

    page = web.ask(paths[first]).text
    assert words[first] in page
    assert words[second] not in page
    assert web.post(paths[first], {"confirm": "yes"}).status == 200
    assert sorted(states(web)) == [SubscriptionState.ACTIVE, SubscriptionState.PENDING]
    assert words[first] not in web.ask(paths[second]).text
    assert web.post(paths[second], {"confirm": "yes"}).status == 200
    assert states(web) == [SubscriptionState.ACTIVE] * 2


def test_what_was_stopped_before_it_was_confirmed_is_not_called_confirmed(web):
    """It would be a lie that mail comes from now on: nothing would."""
    web.post("/subscribe", {"email": ADDRESS, "q": "储能"})
    [path] = links(web, "confirm")
    who = web.parts.subscribers.get(ADDRESS)
    stop = manage_path(web, who, tokens.Purpose.STOP, subscription_id=who.subscriptions[0].id)
    assert web.ask(stop, "POST").status == 200

    assert web.ask(path).status == 404
    assert web.post(path, {"confirm": "yes"}).status == 404
    assert states(web) == [SubscriptionState.ENDED]
    assert web.parts.subscribers.get(ADDRESS).state is SubscriberState.PENDING
    web.pass_time(timedelta(days=1))
    confirmed_again = web.post("/subscribe", {"email": ADDRESS, "q": "储能"})
    assert confirmed_again.status == 200
    assert web.post(links(web, "confirm")[-1], {"confirm": "yes"}).status == 200
    assert states(web) == [SubscriptionState.ACTIVE]


def test_a_paused_wish_that_is_asked_for_and_confirmed_again_goes_on(web):
    """The page after the button says that mail comes; it must."""
    who = confirmed(web, q="储能")
    web.post(manage_path(web, who), {"act": "pause", "id": str(who.subscriptions[0].id)})
    web.pass_time(timedelta(days=1))

    web.post("/subscribe", {"email": ADDRESS, "q": "储能"})
    assert states(web) == [SubscriptionState.PAUSED]
    page = web.post(links(web, "confirm")[-1], {"confirm": "yes"})
    assert page.status == 200
    assert states(web) == [SubscriptionState.ACTIVE]
    assert "储能" in page.text


@pytest.mark.parametrize(
    "body",
    [
        b"List-Unsubscribe=One-Click&subscription=999999",
        b"subscription=1",
        b"List-Unsubscribe=One-Click&subscription=",
        b"\x00\xff" * 500,
        b"list-unsubscribe=one-click\r\n",
    ],
)
def test_a_mailboxs_button_stops_whatever_its_body_holds(web, body):
    """Only our own page names single subscriptions; RFC 8058 gives a body no say."""
    who = confirmed(web)
    path = manage_path(web, who, tokens.Purpose.STOP, frequency=Frequency.DAILY)

    assert web.ask(path, "POST", body, Content_Type=ONE_CLICK).status == 200
    assert states(web) == [SubscriptionState.ENDED]


CLINGS = (
    ".", "。", ",", "，", ";", "!", ")", "）", ">", "%3E", '"', "%22", "”", "'", "*", "%20", "%0D%0A",
    "%E3%80%80", "%E2%80%8B", "/", "=", ").", "%5D",
)  # fmt: skip


@pytest.mark.parametrize("sign", CLINGS)
def test_what_a_mail_program_hangs_on_a_link_does_not_break_it(web, sign):
    """A link to stop that answers "unknown" because of a full stop keeps somebody subscribed."""
    who = confirmed(web)
    stop = manage_path(web, who, tokens.Purpose.STOP, frequency=Frequency.DAILY)
    choices = manage_path(web, who)
    sign = quote(sign, safe="%/=,;!*)'")

    assert web.ask(choices + sign).status == 200
    assert web.ask(stop + sign).status == 200
    assert states(web) == [SubscriptionState.ACTIVE]
    assert web.ask(stop + sign, "POST", b"page=1", Content_Type=ONE_CLICK).status == 200
    assert states(web) == [SubscriptionState.ENDED]


def test_a_link_that_was_broken_over_two_lines_is_put_together(web):
    """Plain mail wraps; who copies both halves copies what stands between them."""
    who = confirmed(web)
    path = manage_path(web, who)

    for between in ("%0D%0A", "%20", "%0A%20", "%E2%80%8B", "%C2%A0"):
        assert web.ask(path[:60] + between + path[60:]).status == 200


def test_a_link_that_lost_or_gained_a_sign_of_its_own_opens_nothing(web):
    """What clings is cut, what is signed is not guessed."""
    who = confirmed(web)
    path = manage_path(web, who)

    for bad in (path[:-1], path + "A", path + "_", path + ".A", path[:40] + "." + path[40:]):
        assert web.ask(bad).status == 404
    token = re.sub(r".*/", "", path)
    assert web.ask(f"/preferences/{token}/data.json").status == 200


@pytest.mark.parametrize(("kind", "comes"), [("hard", True), ("operator", False)])
def test_who_moves_to_an_address_that_gets_no_mail_is_told_or_gets_it(web, kind, comes):
    """Who presses the button reads that mailbox: what bounced there is over; what an operator
    said stays, and then no page promises mail.
    """
    who, there = confirmed(web, q="储能"), "new@example.org"
    web.post(manage_path(web, who), {"act": "move", "email": there})
    [path] = links(web, "address")
    with web.parts.engine.begin() as connection:
        connection.execute(
            text(
                "insert into suppressions (email_key, reason, at, kind) values (:key, 'x', now(), :kind)"
            ),
            {"key": there, "kind": kind},
        )

    page = web.post(path, {"move": "yes"})
    assert page.status == 200
    assert (web.parts.subscribers.get(there).suppressed is None) is comes
    assert ("从现在起，订阅送到新邮箱" in page.text) is comes
    assert ("这个地址不收我们的信" in page.text) is not comes
