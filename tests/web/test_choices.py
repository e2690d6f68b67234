"""One's own choices through the links of mails: everything a reader may do, and nobody else."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from pydantic import SecretStr
from selectolax.lexbor import LexborHTMLParser
from web_letters import ADDRESS, LEASE, confirmed, links, manage_path, states

from aggregator.model import Frequency, SubscriptionState
from aggregator.notify import tokens

ELSEWHERE = "elsewhere@example.org"


def waiting(web) -> list[tuple[str, str, str]]:
    mails = web.parts.outbox.claim_mails(web.time[0], limit=99, lease=timedelta(seconds=90))
    return [(one.mail.to, one.mail.subject, one.mail.text) for one in mails]


def ask_move(web, path: str, email: str = ELSEWHERE):
    return web.post(path, {"act": "move", "email": email})


def test_the_page_after_confirming_shows_what_came_before_and_mails_none_of_it(web, make_draft):
    """A new reader sees what they subscribed to, and their mails begin with what is new."""
    web.publish(*(make_draft(number) for number in range(1, 15)))
    web.post("/subscribe", {"email": ADDRESS, "q": "若干措施", "frequency": "weekly"})
    [path] = links(web, "confirm")

    page = web.post(path, {"confirm": "yes"})
    tree = LexborHTMLParser(page.text)
    assert len(tree.css(".row h3 a")) == 10
    assert "周一 08:30 Asia/Shanghai" in page.text
    assert page.headers["cache-control"] == "no-store"
    own = tree.css_first("a[href^='/preferences/']").attributes["href"]
    assert web.ask(own).status == 200
    who = web.parts.subscribers.get(ADDRESS)
    owed, _ = web.parts.digests.owed(who, Frequency.WEEKLY, web.time[0])
    assert owed.items == ()


def test_a_new_address_confirms_and_the_old_one_is_told_once(web):
    """Whoever stole a link cannot take a reader away without a word to them."""
    who = confirmed(web)
    path = manage_path(web, who)
    stop = manage_path(web, who, tokens.Purpose.STOP, frequency=Frequency.DAILY)
    assert ask_move(web, path).status == 200
    [(to, _, text)] = waiting(web)
    assert to == ELSEWHERE
    assert "unsubscribe" not in text
    link = re.search(r"http://quxun\.example(/address/[\w-]+)\s", text)[1]
    for _ in range(3):
        assert web.ask(link).status == 200
        assert web.ask(link, "HEAD").status == 200
    assert web.parts.subscribers.get(ADDRESS).id == who.id

    page = web.post(link, {"move": "yes"})
    assert page.status == 200
    assert web.parts.subscribers.get(ELSEWHERE).id == who.id
    [(to, _, text)] = waiting(web)
    assert to == ADDRESS
    assert ELSEWHERE in text
    for again in (web.post(link, {"move": "yes"}), web.ask(link)):
        assert again.status == 200
        assert "已经用过" in again.text
        assert "/preferences/" not in again.text
    assert waiting(web) == []
    assert web.ask(path).status == 404
    fresh = LexborHTMLParser(page.text).css_first("a[href^='/preferences/']").attributes["href"]
    assert web.ask(fresh).status == 200
    assert web.ask(stop, "POST").status == 200
    [one] = web.parts.subscribers.get(ELSEWHERE).subscriptions
    assert one.state is SubscriptionState.ENDED


def test_a_new_address_may_say_no_by_the_button_of_its_mailbox(web):
    """Who is asked for somebody else's mail gets rid of it for good, and ends nothing of theirs."""
    path = manage_path(web, confirmed(web))
    ask_move(web, path)
    [mail] = web.parts.outbox.claim_mails(web.time[0], limit=99, lease=LEASE)
    no = mail.mail.headers["List-Unsubscribe"].strip("<>").removeprefix("http://quxun.example")
    assert f"http://quxun.example{no}" in mail.mail.text
    assert mail.mail.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = no.removesuffix("/no")

    page = web.ask(no)
    assert page.status == 200
    assert (page.headers["cache-control"], page.headers["referrer-policy"]) == (
        "no-store", "no-referrer",
    )  # fmt: skip
    assert web.ask(link).status == 200
    for _ in range(2):
        assert web.post(no, {"List-Unsubscribe": "One-Click"}).status == 200
    assert web.ask(link).status == 404
    assert web.post(link, {"move": "yes"}).status == 404
    assert states(web) == [SubscriptionState.ACTIVE]
    assert web.post("/address/x/no", {}).status == 404


def test_a_new_address_that_said_yes_may_still_say_no(web):
    """A link to stop never dies, and stops what goes to its own mailbox only."""
    who = confirmed(web)
    ask_move(web, manage_path(web, who))
    [link] = links(web, "address")
    link = link.removesuffix("/no")
    assert web.post(link, {"move": "yes"}).status == 200
    web.pass_time(timedelta(days=200))
    web.parts.persons.forget(web.time[0])

    assert web.post(f"{link}/no", {"List-Unsubscribe": "One-Click"}).status == 200

    [one] = web.parts.subscribers.get(ELSEWHERE).subscriptions
    assert (one.state, one.end_reason) == (SubscriptionState.ENDED, "one-click")


def test_asking_to_move_does_not_tell_whose_the_new_address_is(web):
    """The form on the preferences page is no way round "nobody learns who reads us"."""
    web.post("/subscribe", {"email": ELSEWHERE})
    [there] = links(web, "confirm")
    web.post(there, {"confirm": "yes"})
    path = manage_path(web, confirmed(web))
    web.pass_time(timedelta(hours=1))

    known, unknown = (ask_move(web, path, email) for email in (ELSEWHERE, "none@example.org"))
    assert (known.status, known.body) == (unknown.status, unknown.body)
    for bad in ("x", ADDRESS, ADDRESS.upper(), "a@b.example,c@d.example", "postmaster@b.example"):
        assert ask_move(web, path, bad).status == 400
    link = links(web, "address")[0].removesuffix("/no")
    assert web.post(link, {"move": "yes"}).status == 400
    assert web.parts.subscribers.get(ADDRESS)


def test_a_link_takes_away_all_that_is_held_and_only_ones_own(web):
    """Withdrawing begins with seeing what there is."""
    path = manage_path(web, confirmed(web, q="储能"))

    answer = web.ask(f"{path}/data.json")
    held = json.loads(answer.body)
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["cache-control"] == "no-store"
    assert held["subscriber"]["email"] == ADDRESS
    assert held["mails"][0]["state"] == "claimed"
    assert web.ask(f"{path}x/data.json").status == 404


def test_wishes_are_added_and_changed_by_their_own_form(web, make_draft):
    """Ticked boxes as on the first page; a wish is tried before it is changed."""
    who = confirmed(web, q="储能")
    path, one = manage_path(web, who), str(who.subscriptions[0].id)
    web.publish(make_draft(99))
    web.pass_time(timedelta(days=1))
    web.publish(make_draft(1, posted_at=web.time[0]))
    boxes = [("category", "land"), ("category", "policy"), ("region", "江津区、500000")]

    tried = web.post(path, [("act", "try"), ("id", one), ("q", "第1类")])
    assert LexborHTMLParser(tried.text).css_first(".tried strong").text() == "1"
    web.post(path, [("act", "filter"), ("id", one), *boxes])
    web.post(path, {"act": "add", "frequency": "weekly", "industry": "ic"})
    wishes = [x.wish.filter for x in web.parts.subscribers.get(ADDRESS).subscriptions]
    assert (wishes[0].category, wishes[0].region) == (("land", "policy"), ("500000", "500116"))
    assert wishes[1].industry == ("ic",)
    assert states(web) == [SubscriptionState.ACTIVE, SubscriptionState.ACTIVE]
    assert web.post(path, {"act": "add", "region": "nowhere"}).status == 400
    assert web.post(path, {"act": "add", "frequency": "hourly"}).status == 400


def test_adding_what_is_there_says_so_and_lets_a_paused_one_go_on(web):
    """A paused wish was called "added" and stayed paused: its reader waited for nothing."""
    who = confirmed(web, q="储能", frequency="daily")
    path, one = manage_path(web, who), str(who.subscriptions[0].id)
    same = {"act": "add", "q": "储能", "frequency": "daily"}
    assert "没有重复添加" in web.post(path, same).text
    web.post(path, {"act": "pause", "id": one})
    web.pass_time(timedelta(hours=1))
    assert "现已恢复" in web.post(path, same).text
    assert states(web) == [SubscriptionState.ACTIVE]
    held = web.parts.persons.export(who.id)
    assert [bool(row["until_at"]) for row in held["pauses"]] == [True]
    assert held["subscriptions"][0]["wish"] == "q=储能"


def test_a_pause_is_offered_from_tomorrow_where_its_reader_is(web):
    """A day that the calendar offers must not be refused; another zone keeps the hour of the end."""
    web.time[0] = web.time[0].replace(hour=17)  # tomorrow already in Shanghai
    who = confirmed(web)
    path, one = manage_path(web, who), str(who.subscriptions[0].id)
    first = LexborHTMLParser(web.ask(path).text).css_first("input[name=until]").attributes["min"]

    assert web.post(path, {"act": "pause", "id": one, "until": first}).status == 200
    web.post(path, {"act": "when", "timezone": "Europe/Berlin"})
    assert f"{first} 00:00" in web.ask(path).text
    for act in ("nonsense", ""):
        answer = web.post(path, {"act": act, "id": one})
        assert (answer.status, "没有这项订阅" in answer.text) == (400, False)
        assert "未知的操作" in answer.text


def test_a_pause_may_end_on_a_day(web):
    """On holiday until the first: the day begins where the reader is."""
    who = confirmed(web, timezone="America/New_York")
    path, one = manage_path(web, who), str(who.subscriptions[0].id)
    web.post(path, {"act": "pause", "id": one, "until": "2026-10-20"})
    [paused] = web.parts.subscribers.get(ADDRESS).subscriptions
    assert paused.state is SubscriptionState.PAUSED
    assert paused.paused_until.isoformat() == "2026-10-20T04:00:00+00:00"
    assert "2026-10-20 00:00" in web.ask(path).text

    for bad in ("2026-10-01", "2099-01-01", "9999-12-31", "soon", "0001-01-01"):
        assert web.post(path, {"act": "pause", "id": one, "until": bad}).status == 400


def test_a_reader_sees_why_no_mail_comes(web):
    """A mailbox that was full once: the page says so, and leads to the way back."""
    path = manage_path(web, confirmed(web))
    assert "目前不向这个邮箱发信" not in web.ask(path).text
    web.parts.suppressions.add(ADDRESS, "552 <mailbox> full", web.time[0])

    page = web.ask(path)
    assert "552 &lt;mailbox&gt; full" in page.text
    assert "/subscribe?again=1" in page.text


def test_old_links_are_revoked_and_stop_links_are_not(web):
    """A forwarded mail opens nothing once its reader says so; it can still be stopped."""
    who = confirmed(web)
    path = manage_path(web, who)
    stop = manage_path(web, who, tokens.Purpose.STOP)

    assert web.post(path, {"act": "revoke"}).status == 200
    assert web.ask(path).status == 404
    assert web.ask(stop).status == 200
    web.pass_time(timedelta(days=1))
    web.post("/link", {"email": ADDRESS})
    [fresh] = links(web, "preferences")
    assert web.ask(fresh).status == 200


def test_stopping_needs_one_click_and_may_be_explained_after(web):
    """The reason is asked when it is over; no answer is an answer."""
    who = confirmed(web)
    stop = manage_path(web, who, tokens.Purpose.STOP)
    assert web.post(f"{stop}/why", {"why": "nonsense"}).status == 400

    page = web.post(stop, {"List-Unsubscribe": "One-Click", "page": "1"})
    assert states(web) == [SubscriptionState.ENDED]
    form = LexborHTMLParser(page.text).css_first("form[action$='/why']").attributes["action"]
    assert web.post(form, {"why": "too-many"}).status == 200
    held = web.parts.persons.export(who.id)
    assert [(x["reason"], x["why"]) for x in held["endings"]] == [("stop-link", "too-many")]
    assert web.post("/unsubscribe/forged/why", {"why": "too-many"}).status == 404


def daily_link(web, who) -> str:
    return manage_path(web, who, tokens.Purpose.STOP, frequency=Frequency.DAILY)


def test_a_link_stops_what_its_mail_was_about_after_a_switch(web):
    """Who switched to immediate mails and throws the old daily one out with "unsubscribe" was told
    that it worked while mail went on: their next press is "spam".
    """
    who = confirmed(web, frequency="daily")
    [one] = who.subscriptions
    path = manage_path(web, who)
    web.pass_time(timedelta(hours=1))
    web.post(path, {"act": "frequency", "id": str(one.id), "frequency": "immediate"})

    page = web.ask(daily_link(web, who))
    assert "后来改了频率，现在仍在发送" in page.text
    assert states(web) == [SubscriptionState.ACTIVE]
    assert web.post(daily_link(web, who), {"List-Unsubscribe": "One-Click"}).status == 200
    assert states(web) == [SubscriptionState.ENDED]


def test_a_second_press_stops_no_more_than_the_first(web):
    """Mailboxes send their one click again; what a reader kept must not go with the second."""
    who = confirmed(web, frequency="daily")
    [switched] = who.subscriptions
    path, stop = manage_path(web, who), daily_link(web, who)
    web.post(path, {"act": "frequency", "id": str(switched.id), "frequency": "immediate"})
    web.pass_time(timedelta(hours=1))
    web.post(path, {"act": "add", "q": "储能", "frequency": "daily"})
    web.pass_time(timedelta(hours=1))
    for _ in range(3):
        page = web.post(stop, {"List-Unsubscribe": "One-Click"})
        assert states(web) == [SubscriptionState.ACTIVE, SubscriptionState.ENDED]
    assert "您仍会收到" in page.text
    looked = web.ask(stop)
    assert "每日的邮件已经没有了，不会再发；但您还订阅了下面这些" in looked.text
    assert "Nothing comes daily any more, but you still get what follows" in looked.text

    form = LexborHTMLParser(looked.text).css_first("form:has(input[name=everything])")
    fields = {one.attributes["name"]: one.attributes["value"] for one in form.css("input")}
    page = web.post(form.attributes["action"], fields)
    assert states(web) == [SubscriptionState.ENDED] * 2
    assert "不会再发送任何订阅邮件" in page.text
    assert "这些邮件已经停止" in web.ask(stop).text


def test_what_is_asked_for_anew_has_nothing_to_do_with_mails_of_before(web):
    """Who stopped and came back for immediate mails keeps them when an old daily mail is thrown out."""
    who = confirmed(web, frequency="daily")
    path, one = manage_path(web, who), str(who.subscriptions[0].id)
    web.post(path, {"act": "frequency", "id": one, "frequency": "immediate"})
    web.post(path, {"act": "end", "id": one})
    web.pass_time(timedelta(hours=1))
    web.post(path, {"act": "add", "frequency": "immediate"})

    web.post(daily_link(web, who), {"List-Unsubscribe": "One-Click"})
    assert states(web) == [SubscriptionState.ACTIVE]


def test_the_page_of_a_link_stops_what_runs_beside_it(web):
    """Nobody has to look for another mail to stop the rest."""
    who = confirmed(web, frequency="daily")
    web.post(manage_path(web, who), {"act": "add", "q": "储能", "frequency": "weekly"})
    weekly = web.parts.subscribers.get(ADDRESS).subscriptions[1]

    page = web.ask(daily_link(web, who))
    assert "另外还在发送" in page.text
    assert str(weekly.id) in [
        one.attributes["value"]
        for one in LexborHTMLParser(page.text).css("input[name=subscription]")
    ]
    web.post(daily_link(web, who), {"page": "1", "subscription": str(weekly.id)})
    assert states(web) == [SubscriptionState.ACTIVE, SubscriptionState.ENDED]


def test_a_key_is_rotated_without_a_link_lost_and_revoked_with_all_of_its_links(web, beside):
    """Mails of last year must still stop; a key that leaked opens nothing any more."""
    who = confirmed(web)
    old = "a-secret-of-the-tests-long-enough"
    manage, stop = manage_path(web, who), manage_path(web, who, tokens.Purpose.STOP)
    rotated = beside(web, secret_key=SecretStr(f"a-new-secret-of-these-tests {old}"))
    assert rotated.ask(manage).status == 200
    assert rotated.ask(stop).status == 200
    fresh = manage_path(rotated, who)
    assert fresh != manage

    revoked = beside(web, secret_key=SecretStr("a-new-secret-of-these-tests"))
    assert revoked.ask(fresh).status == 200
    assert revoked.ask(manage).status == 404
    assert revoked.ask(stop, "POST").status == 404
    assert states(web) == [SubscriptionState.ACTIVE]
    assert rotated.ask(stop, "POST").status == 200
    assert states(web) == [SubscriptionState.ENDED]


@pytest.mark.parametrize("door", ["confirm", "preferences", "unsubscribe", "address"])
def test_pages_behind_tokens_are_kept_and_referred_to_by_nobody(web, door):
    """A token in a cache, a search engine or a referrer is a token lost, a wrong one too."""
    for path in (f"/{door}/{'x' * 90}", f"/{door}/x%0d%0ay"):
        answer = web.ask(path)
        assert answer.status == 404
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert "noindex" in answer.headers["x-robots-tag"]


@pytest.mark.parametrize("number", ["abc", "²", "9" * 40, "-1", "1_0"])
@pytest.mark.parametrize("act", ["try", "filter"])
def test_a_form_that_names_no_subscription_is_no_fault_of_ours(web, act, number):
    """Forms are typed by anybody; the answer says what was wrong with them."""
    path = manage_path(web, confirmed(web))

    assert web.post(path, {"act": act, "id": number, "region": "zzz"}).status < 500


def test_a_frequency_of_a_form_is_a_frequency(web):
    """Another deed in its place would pause mails while the page speaks of how often they come."""
    who = confirmed(web)
    one = who.subscriptions[0]

    answer = web.post(
        manage_path(web, who), {"act": "frequency", "id": str(one.id), "frequency": "pause"}
    )

    assert answer.status == 400
    assert web.parts.subscribers.get(who.email).subscriptions[0].state == one.state


def test_a_wish_that_contradicts_itself_is_refused_wherever_it_is_made(web):
    """Its reader would wait for ever; the form says what to change."""
    never = {"q": "新型储能", "not": "储能"}
    assert web.post("/subscribe", {"email": ADDRESS, **never}).status == 400
    who = confirmed(web, q="储能")
    path = manage_path(web, who)

    for act in ("add", "filter"):
        form = {"act": act, "id": str(who.subscriptions[0].id), "frequency": "daily", **never}
        answer = web.post(path, form)
        assert answer.status == 400
        assert "永远不会有信" in answer.text
    assert web.parts.subscribers.get(ADDRESS) == who
