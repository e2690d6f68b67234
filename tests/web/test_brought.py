"""The page behind a mail's "另有 N 条", as a browser gets it."""

import re
from datetime import timedelta
from urllib.parse import quote

from selectolax.lexbor import LexborHTMLParser
from web_letters import LEASE, confirmed

from aggregator.flow import digests
from aggregator.flow.subscribe import house_of
from aggregator.notify.tokens import Purpose, Ticket, sign


def _run_with(web, make_draft, count):
    """A reader whose mail of so many notices was planned, and its words and the link in it."""
    parts = web.parts
    web.publish(make_draft(999))
    who = confirmed(web, frequency="daily")
    env, house = parts.templates_or_fail(), house_of(parts.settings)
    parts.outbox.claim_mails(web.time[0], limit=99, lease=LEASE)
    web.pass_time(timedelta(minutes=5))
    digests.plan_due(store=parts.digests, env=env, settings=parts.settings, now=web.time[0])
    web.pass_time(timedelta(hours=1))
    for first in range(1, count + 1, 40):  # more at once would be held for an operator's look
        web.publish(*[make_draft(n) for n in range(first, min(first + 40, count + 1))])
        web.pass_time(timedelta(minutes=1))
    web.pass_time(timedelta(hours=25))
    digests.plan_due(store=parts.digests, env=env, settings=parts.settings, now=web.time[0])
    claimed = parts.outbox.claim_mails(web.time[0], limit=99, lease=LEASE)
    [mail] = [one for one in claimed if one.edition_id]
    text = parts.outbox.editions([mail.edition_id])[mail.edition_id].text
    ticket = Ticket(purpose=Purpose.REST, subscriber_id=who.id, run_id=mail.run_id)
    return who, text, sign(house.keys, ticket)


def test_all_forty_of_a_mail_stand_behind_its_link_in_its_order(web, make_draft):
    """Without a login, kept by no cache or search engine, and after the reader stopped, too."""
    who, text, token = _run_with(web, make_draft, 40)
    page = web.ask(f"/mail/{token}")

    assert page.status == 200
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "noindex" in page.headers.get("x-robots-tag", "") + page.text
    links = re.findall(r'/a/([0-9a-f-]{36})"', LexborHTMLParser(page.text).html)
    shown = re.findall(r"http://quxun\.example/a/([0-9a-f-]{36})", text)
    links, shown = list(dict.fromkeys(links)), list(dict.fromkeys(shown))
    assert (len(shown), len(links)) == (30, 40)
    assert links[:30] == shown
    for wrong in (token[:-1], token[:-2] + "AA", token[5:], "x"):
        assert web.ask(f"/mail/{wrong}").status == 404
    web.parts.subscribers.end(who.id, reason="preferences", now=web.time[0])
    assert web.ask(f"/mail/{token}").status == 200


def test_a_page_behind_a_mail_is_bounded_and_says_its_headings_in_both_languages(web, make_draft):
    """After five weeks of pause a mail may bring thousands: nobody's browser gets them at once."""
    _, _, token = _run_with(web, make_draft, 130)
    pages = [LexborHTMLParser(web.ask(f"/mail/{token}?page={n}").text) for n in (1, 2)]

    found = [{one.attributes["href"] for one in page.css(".row h3 a")} for page in pages]
    assert [len(links) for links in found] == [100, 30]
    assert not found[0] & found[1]
    assert pages[0].css_first("a[rel=next]").attributes["href"] == f"/mail/{token}?page=2"
    assert pages[0].css_first("section h2 .en").text()
    for odd in ("0", "-1", "x", "9999", "²"):
        assert web.ask(f"/mail/{token}?page={quote(odd)}").status == 200
