from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from selectolax.lexbor import LexborHTMLParser
from web_letters import ADDRESS, LEASE, confirmed, links, manage_path, states

from aggregator.model import Frequency, Lane, SubscriberState, SubscriptionState
from aggregator.notify import tokens


def test_signing_up_asks_before_it_mails_and_a_look_confirms_nothing(web):
    """A mail scanner that opens every link must not subscribe anybody."""
    page = web.post("/subscribe", {"email": ADDRESS, "region": "500116", "frequency": "weekly"})
    assert page.status == 200
    [path] = links(web, "confirm")

    for _ in range(5):
        asked = web.ask(path)
        assert asked.status == 200
        assert asked.headers["referrer-policy"] == "no-referrer"
        assert asked.headers["cache-control"] == "no-store"
        assert web.ask(path, "HEAD").status == 200
    assert web.parts.subscribers.get(ADDRESS).state is SubscriberState.PENDING

    assert web.post(path, {"confirm": "yes"}).status == 200
    who = web.parts.subscribers.get(ADDRESS)
    assert who.state is SubscriberState.CONFIRMED
    assert [(s.frequency, s.wish.filter.region) for s in who.subscriptions] == [
        (Frequency.WEEKLY, ("500116",))
    ]
    # A second press, a reload, a look next day: no fault, no button, and no link to anything.
    for again in (web.post(path, {"confirm": "yes"}), web.ask(path)):
        assert again.status == 200
        assert "已经确认过" in again.text
        assert "<button" not in again.text.partition("<main")[2].partition("</main")[0]
        assert "/preferences/" not in again.text
    web.time[0] += timedelta(hours=49)
    assert web.ask(path).status == 404


def test_known_and_unknown_addresses_get_the_same_answer(web):
    """Nobody learns from us who reads us."""
    confirmed(web)
    web.pass_time(timedelta(days=2))

    known = web.post("/subscribe", {"email": ADDRESS})
    unknown = web.post("/subscribe", {"email": "somebody@example.org"})
    assert (known.status, known.body) == (unknown.status, unknown.body)
    asked = web.post("/link", {"email": ADDRESS}), web.post("/link", {"email": "none@example.org"})
    assert asked[0].body == asked[1].body


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"email": "not an address"},
        {"email": "a@b.example, v@e.example"},
        {"email": "a@b.example\r\nBcc: v@e.example"},
        {"email": "a" * 300 + "@example.org"},
        {"email": ADDRESS, "frequency": "hourly"},
        {"email": ADDRESS, "region": "nowhere"},
        [("email", ADDRESS), ("email", "v@example.org")],
    ],
)
def test_what_is_no_address_or_no_wish_is_told(web, form):
    """The form comes back with one clear line, and nothing was stored."""
    page = web.post("/subscribe", form)

    assert page.status == 400
    assert 'role="alert"' in page.text
    assert list(web.parts.subscribers.list()) == []


def test_a_wish_is_tried_before_an_address_is_given(web, make_draft):
    """The page says what it would have brought, with the list, and writes nothing."""
    web.publish(make_draft(99))
    web.pass_time(timedelta(days=1))
    web.publish(*(make_draft(number, posted_at=web.time[0]) for number in (1, 2)))
    form = {"act": "try", "email": "", "region": "江津区", "q": "第1类", "frequency": "weekly"}

    page = web.post("/subscribe", form)
    assert page.status == 200
    tree = LexborHTMLParser(page.text)
    assert tree.css_first(".tried strong").text() == "1"
    [link] = tree.css(".tries a")
    assert "第1类" in link.text()
    assert web.ask(link.attributes["href"]).status == 200
    assert tree.css_first("input[value=weekly]").attributes.keys() >= {"checked"}
    assert list(web.parts.subscribers.list()) == []
    assert "第1类" in web.ask("/subscribe?region=500116&q=%E7%AC%AC1%E7%B1%BB").text
    assert LexborHTMLParser(web.ask("/subscribe").text).css_first(".tried") is None
    wide = web.post("/subscribe", {"act": "try"})
    assert LexborHTMLParser(wide.text).css_first(".tried strong").text() == "2"
    assert web.post("/subscribe", {"act": "try", "region": "nowhere"}).status == 400


def test_when_very_many_ask_a_small_question_comes_first(web):
    """Without a script and without a third party; who answers gets their mail."""
    now = web.time[0]
    for number in range(60):
        web.parts.subscribers.may_ask(f"u{number}@example.org", f"10.0.{number}.0/24", now)
    form = {"email": ADDRESS, "q": "储能"}

    page = web.post("/subscribe", form)
    assert page.status == 200
    asked = LexborHTMLParser(page.text)
    assert asked.css_first("#email").attributes["value"] == ADDRESS
    assert asked.css_first("#q").attributes["value"] == "储能"
    assert links(web, "confirm") == []
    ticket = asked.css_first("input[name=question]").attributes["value"]
    first, second = re.search(r"(\d) \+ (\d)", asked.css_first("label[for=answer]").text()).groups()
    web.post("/subscribe", {**form, "question": ticket, "answer": "1"})
    assert links(web, "confirm") == []
    web.post("/subscribe", {**form, "question": ticket, "answer": str(int(first) + int(second))})
    assert len(links(web, "confirm")) == 1
    assert "input" in web.post("/link", {"email": "x@example.org"}).text


def test_the_hour_and_the_zone_are_chosen_with_the_sign_up(web):
    """A reader abroad gets their digest in the morning of where they are."""
    choices = {"hour": "7", "minute": "45", "weekday": "4", "timezone": "Europe/Berlin"}
    who = confirmed(web, **choices, language="en")

    assert (who.hour, who.minute, who.weekday) == (7, 45, 4)
    assert (who.timezone, who.language) == ("Europe/Berlin", "en")
    web.pass_time(timedelta(days=1))
    web.post("/subscribe", {"email": ADDRESS, "hour": "3", "q": "x"})
    assert web.parts.subscribers.get(ADDRESS).hour == 7
    for bad in ({"hour": "24"}, {"minute": "7"}, {"timezone": "Mars/Phobos"}, {"language": "fr"}):
        assert web.post("/subscribe", {"email": "b@example.org", **bad}).status == 400


def test_links_are_made_of_the_configuration_whatever_the_request_says(web):
    """Who forges a Host sends no reader to their own site (RELIABILITY.md, 120)."""
    forged = {
        "Host": "evil.example", "X_Forwarded_Host": "evil.example", "X_Forwarded_Proto": "https",
        "Forwarded": "host=evil.example", "X_Forwarded_For": "1.2.3.4",
    }  # fmt: skip
    body = b"email=reader%40example.org&next=//evil.example"
    kind = "application/x-www-form-urlencoded"
    page = web.ask("/subscribe", "POST", body, Content_Type=kind, **forged)
    [mail] = web.parts.outbox.claim_mails(web.time[0], limit=9, lease=LEASE)

    assert page.status == 200
    assert "location" not in page.headers
    for said in (page.text, mail.mail.text, mail.mail.html, str(mail.mail.headers)):
        assert "evil" not in said
    for path in ("/subscribe?next=//evil.example", "/r//evil.example", "//evil.example/subscribe"):
        assert "evil" not in web.ask(path, **forged).headers.get("location", "")


def test_a_scanner_may_open_every_link_fifty_times(web):
    """A company's mail filter reads along; it subscribes nobody, moves nobody and stops nobody."""
    who = confirmed(web, q="储能")
    web.pass_time(timedelta(days=1))
    web.post("/subscribe", {"email": ADDRESS, "q": "算力"})
    confirm = links(web, "confirm")[-1]
    before = web.parts.subscribers.get(ADDRESS)
    doors = [confirm, manage_path(web, who), manage_path(web, who, tokens.Purpose.STOP)]

    for path in doors:
        for turn in range(50):
            assert web.ask(path, "HEAD" if turn % 2 else "GET").status == 200
    assert web.parts.subscribers.get(ADDRESS) == before


def test_another_sites_form_is_refused(web):
    """No page elsewhere can sign our readers up or change their choices."""
    who = confirmed(web)
    path = manage_path(web, who)

    for address, form in (("/subscribe", {"email": ADDRESS}), (path, {"act": "stop-all"})):
        for headers in ({"Origin": "https://evil.example"}, {"Sec_Fetch_Site": "cross-site"}):
            assert web.post(address, form, **headers).status == 403
    assert states(web) == [SubscriptionState.ACTIVE]
    ours = {"Origin": "null", "Sec_Fetch_Site": "same-origin"}
    assert web.post(path, {"act": "stop-all"}, **ours).status == 200


def test_one_click_stops_at_once_however_it_is_sent(web):
    """RFC 8058: no cookie, no page, no redirect; from any origin, as often as it likes."""
    who = confirmed(web)
    path = manage_path(web, who, tokens.Purpose.STOP, frequency=Frequency.DAILY)
    for _ in range(5):
        assert web.ask(path).status == 200
    assert states(web) == [SubscriptionState.ACTIVE]

    ways = (
        {
            "body": b"List-Unsubscribe=One-Click",
            "Content_Type": "application/x-www-form-urlencoded",
        },
        {"body": None},
        {"body": b'{"a": 1}', "Content_Type": "application/json"},
        {"body": b"--x--", "Content_Type": "multipart/form-data; boundary=x"},
    )
    for way in ways:
        answer = web.ask(path, "POST", Origin="https://mail.example", **way)
        assert answer.status == 200
        assert "location" not in answer.headers
        assert "set-cookie" not in answer.headers
        assert states(web) == [SubscriptionState.ENDED]
    web.pass_time(timedelta(days=4000))
    assert web.ask(path, "POST").status == 200


def test_preferences_change_ones_own_choices(web):
    """Frequency, hour, filter, pause, single stops: each by its own button."""
    who = confirmed(web, category="land")
    path = manage_path(web, who)
    one = str(who.subscriptions[0].id)

    assert "土地招拍挂" in web.ask(path).text
    form = {"act": "when", "hour": "7", "minute": "15", "weekday": "4"}
    assert web.post(path, form).status == 200
    web.post(path, {"act": "frequency", "id": one, "frequency": "immediate"})
    web.post(path, {"act": "filter", "id": one, "query": "category=talent&region=500116"})
    web.post(path, {"act": "pause", "id": one})
    now = web.parts.subscribers.get(ADDRESS)
    assert (now.hour, now.minute, now.weekday) == (7, 15, 4)
    assert now.subscriptions[0].frequency is Frequency.IMMEDIATE
    assert now.subscriptions[0].wish.filter.category == ("talent",)
    assert states(web) == [SubscriptionState.PAUSED]
    web.post(path, {"act": "resume", "id": one})
    assert states(web) == [SubscriptionState.ACTIVE]
    web.post(path, {"act": "end", "id": one})
    assert states(web) == [SubscriptionState.ENDED]


@pytest.mark.parametrize(
    "form",
    [
        {"act": "when", "hour": "25", "minute": "0", "weekday": "0"},
        {"act": "when", "hour": "x", "minute": "0", "weekday": "0"},
        {"act": "dance"},
        {"act": "pause", "id": "999999"},
        {"act": "filter", "id": "1", "query": "colour=red"},
    ],
)
def test_a_choice_that_cannot_be_changes_nothing(web, form):
    """One line says why; other people's subscriptions are out of reach."""
    who = confirmed(web)

    page = web.post(manage_path(web, who), form)

    assert page.status == 400
    assert web.parts.subscribers.get(ADDRESS) == who


def test_erasing_leaves_nothing(web):
    """Withdrawing is as easy as giving."""
    who = confirmed(web)

    path = manage_path(web, who)
    unsure = web.post(path, {"act": "erase"})
    assert unsure.status == 400
    assert "请先勾选" in unsure.text
    assert web.parts.subscribers.get(ADDRESS).id == who.id
    assert "已删除" in web.post(path, {"act": "erase", "sure": "on"}).text
    assert list(web.parts.subscribers.list()) == []


def test_tokens_open_only_their_own_door(web):
    """A link to stop mail is forwarded with it: it must not open anybody's choices."""
    who = confirmed(web)
    stop = urlsplit(manage_path(web, who, tokens.Purpose.STOP)).path.rpartition("/")[2]
    manage = manage_path(web, who).rpartition("/")[2]

    assert web.ask(f"/preferences/{stop}").status == 404
    assert web.ask(f"/unsubscribe/{manage}", "POST").status == 404
    for bad in (manage[:-1], manage + "A", manage[:-9] + "__" + manage[-7:]):
        assert web.ask(f"/preferences/{bad}").status == 404
    web.pass_time(timedelta(days=8))
    assert web.ask(f"/preferences/{manage}").status == 404


def test_confirming_mails_are_few(web):
    """Nobody can use us to fill somebody's mailbox."""
    for _ in range(6):
        assert web.post("/subscribe", {"email": ADDRESS}).status == 200

    mails = web.parts.outbox.claim_mails(web.time[0], limit=99, lease=LEASE)
    assert [one.mail.lane for one in mails] == [Lane.CONFIRMATION]
