"""Mails as a phone shows them: the first line, and how loud a deadline is."""

import re

import pytest
from lxml import html
from mail_samples import HOUSE, NOW, WELL, WISHES, golden_mails, make_announcement

from aggregator.model import Frequency, Selection
from aggregator.notify import (
    item_of,
    plan_digest,
    render_confirmation,
    render_edition,
    render_manage_link,
    render_move,
    render_moved,
)
from aggregator.notify.render import render_channel_ended
from aggregator.templates import environment

#: What SpamAssassin counts as text that is hidden, or too small to be read.
HIDING = re.compile(
    r"display:\s*none|visibility|opacity|max-height|mso-hide|overflow|font-size:\s*[0-4]px"
    r"|font-size:\s*0|transparent|\shidden"
)


def written(language="zh", **facts):
    digest = plan_digest(
        Selection(language=language, wishes=WISHES, items=()), Frequency.DAILY,
        [item_of(make_announcement(1, **facts), "news")], due_at=NOW, now=NOW, coverage=WELL,
    )  # fmt: skip
    return render_edition(environment(), digest, house=HOUSE, now=NOW)


@pytest.fixture(scope="module")
def mails(makers):
    """Every kind of mail to a reader in both languages, as HTML."""
    _, reader, now = makers
    env, token = environment(), "t" * 43
    found = [one.decode() for name, one in golden_mails().items() if name.endswith(".html")]
    for who in (reader(language="zh"), reader(language="en")):
        daily = {"wishes": WISHES, "frequency": Frequency.DAILY, "house": HOUSE}
        made = [
            render_confirmation(env, who, token=token, key="c", **daily),
            render_manage_link(env, who, house=HOUSE, now=now, key="l"),
            render_move(env, who, "new@inbox.example", token=token, house=HOUSE, key="m"),
            render_moved(env, who, "new@inbox.example", house=HOUSE, key="n"),
            render_channel_ended(env, who, shown="x", problem="y", house=HOUSE, now=now, key="h"),
        ]
        found += [one.html for one in made]
    return found


def first_words(mail):
    return next(
        text.strip() for text in html.document_fromstring(mail).body.itertext() if text.strip()
    )


def deadline_of(mail):
    """The element that prints the deadline of the only line."""
    [found] = html.document_fromstring(mail).xpath("//strong")
    return found


@pytest.mark.parametrize(
    ("due_in", "ground", "frame"),
    [
        (0, True, False),
        (1, True, False),
        (3, True, False),
        (4, False, True),
        (7, False, True),
        (8, False, False),
        (35, False, False),
    ],
)
def test_the_nearer_a_deadline_the_louder(due_in, ground, frame):
    """When all of them shout, the one of tomorrow is not heard."""
    style = deadline_of(written(due_in=due_in).html).get("style") or ""

    assert ("background-color" in style) == ground
    assert ("border" in style) == frame


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("due_in", [0, 5, 35])
def test_a_deadline_is_not_broken_in_the_middle(language, due_in):
    """A badge in two halves on two lines is read as two."""
    lines = [deadline_of(written(language, due_in=due_in).html)]
    lines += lines[0].iterancestors("span")

    assert any("inline-block" in (one.get("style") or "") for one in lines)


def test_a_dot_between_facts_begins_no_line():
    """It stays with the fact before it, also where that is a box of its own."""
    mail = written(due_in=1, yuan=5e6).html
    facts = html.document_fromstring(mail).xpath("//strong/ancestor::div[1]")[0]
    said = "".join(facts.itertext())

    assert said.count("·") == 6
    assert not re.search(r"(?<!\u00a0)·", said)
    for box in facts.xpath(".//span"):
        assert not (box.tail or "").lstrip(" ").startswith(("\u00a0", "·"))


@pytest.mark.parametrize("facts", [{"issuer": None, "doc_number": None}, {"url": "javascript:x"}])
def test_no_dot_stands_before_nothing(facts):
    """Facts are missing as often as not."""
    mail = written(due_in=1, **facts).html
    said = "".join(html.document_fromstring(mail).xpath("//strong/ancestor::div[1]")[0].itertext())

    assert not said.strip(" \u00a0").endswith("·")
    assert "··" not in re.sub(r"\s", "", said)


def test_one_day_left_is_one_day():
    assert "(1 day left)" in written("en", due_in=1).text
    assert "(剩1天)" in written("zh", due_in=1).text


def test_a_mail_begins_with_what_its_subject_did_not_say(mails):
    """Lists of mails show a mail's first words behind its subject."""
    for mail in mails:
        first = first_words(mail)
        title = html.document_fromstring(mail).findtext(".//title")
        assert len(first) >= 5
        assert first not in title
        assert not first.startswith(("区讯", "Quxun"))


def test_the_first_words_are_printed_to_be_read_and_once(mails):
    """Filters count hidden words as a fraud; what is shown twice looks like an accident."""
    for mail in mails:
        assert not HIDING.search(mail)
        body = " ".join(html.document_fromstring(mail).body.text_content().split())
        first = " ".join(first_words(mail).split())
        if "<h2" not in mail:
            assert body.count(first) == 1


def test_a_digest_names_its_kind_and_day_in_both_bodies():
    """A mail that is found again in a folder says of which day it is."""
    mail = written()

    assert "每日摘要 · 9月13日" in mail.text
    assert "每日摘要 · 9月13日" in html.document_fromstring(mail.html).text_content()
    assert "daily digest · 2026-09-13" in written("en").text
