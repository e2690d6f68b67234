"""Addresses that stand where standards say they stand."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from lxml import etree
from selectolax.lexbor import LexborHTMLParser
from web_addresses import HOME, local

from quxun.web.wellknown import contact_url, security_lines

STRICT = etree.XMLParser(resolve_entities=False, no_network=True)


def test_a_browser_learns_how_to_search_here(web, make_draft):
    """OpenSearch 1.1: every template leads to an answer in the type that it says."""
    web.publish(make_draft(1))
    link = LexborHTMLParser(web.ask("/").text).css_first("link[rel=search]").attributes
    answer = web.ask(link["href"])

    assert answer.headers["content-type"].startswith(link["type"])
    root = etree.fromstring(answer.body, STRICT)
    space = {"o": "http://a9.com/-/spec/opensearch/1.1/"}
    assert len(root.findtext("o:ShortName", namespaces=space)) <= 16
    urls = root.findall("o:Url", space)
    assert len(urls) == 4
    for url in urls:
        filled = url.get("template").replace("{searchTerms}", quote("支持"))
        found = web.ask(local(filled))
        assert found.status == 200
        assert found.headers["content-type"].startswith(url.get("type"))


def test_whoever_finds_a_hole_learns_whom_to_tell(web):
    """RFC 9116: a contact, an end in less than a year, in plain text at the fixed place."""
    answer = web.ask("/.well-known/security.txt")

    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    fields = dict(line.split(": ", 1) for line in answer.text.splitlines())
    assert fields["Contact"] == "mailto:operator@quxun.example"
    until = datetime.fromisoformat(fields["Expires"])
    assert timedelta(days=150) < until - web.time[0] < timedelta(days=365)
    assert "Canonical" not in fields  # we are reached without TLS: RFC 9116 §2.5.2
    assert web.ask("/security.txt").headers["location"] == "/.well-known/security.txt"
    web.pass_time(timedelta(days=3))
    assert web.ask("/.well-known/security.txt").body == answer.body


@pytest.mark.parametrize(
    ("contact", "said"),
    [
        ("a@b.example", "mailto:a@b.example"),
        ("a+b c@b.example", None),
        ("a%b@b.example", "mailto:a%25b@b.example"),
        ("https://b.example/report", "https://b.example/report"),
        ("http://b.example/report", None),
        ("the operator", None),
    ],
)
def test_a_contact_is_an_address_or_the_file_is_not_there(contact, said):
    """A file that a program cannot read is worse than none."""
    assert contact_url(contact) == said


def test_the_end_of_the_contact_is_the_same_all_month():
    """Equal bytes from all our servers, at the end of a year too."""
    ends = [
        security_lines("mailto:a@b.example", "https://q.example", datetime(*day, tzinfo=UTC))
        for day in ((2026, 12, 1), (2026, 12, 31, 23, 59), (2026, 6, 1), (2026, 5, 31))
    ]

    assert ends[0] == ends[1]
    assert ends[0][1] == "Expires: 2027-07-01T00:00:00Z"
    assert ends[2][1] == "Expires: 2027-01-01T00:00:00Z"
    assert ends[3][1] == "Expires: 2026-12-01T00:00:00Z"
    assert ends[0][-1] == "Canonical: https://q.example/.well-known/security.txt"


def test_search_engines_are_told_what_is_open(web, make_draft):
    """Robots are kept from secret addresses and led to pages that are there."""
    web.publish(make_draft(1))
    robots = web.ask("/robots.txt").text
    [where] = re.findall(r"^Sitemap: (.+)$", robots, re.MULTILINE)

    assert "Disallow: /preferences/" in robots
    answer = web.ask(local(where))
    assert answer.headers["content-type"].startswith("application/xml")
    locations = [one.text for one in etree.fromstring(answer.body, STRICT).iter("{*}loc")]
    assert f"{HOME}/?region=500116" in locations
    assert {web.ask(local(url)).status for url in locations} == {200}


@pytest.mark.parametrize("name", ["feeds", "webfinger", "change-password", "nodeinfo", "host-meta"])
def test_nothing_stands_at_a_fixed_place_that_no_standard_asks_of_us(web, name):
    """A stub would send programs on a wrong way."""
    assert web.ask(f"/.well-known/{name}").status == 404
