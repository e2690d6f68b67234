"""Mails in light and in dark: what is read stands out from its ground in both."""

from __future__ import annotations

import re

import pytest
from lxml import html
from mail_samples import HOUSE, NOW, WISHES, golden_mails

from aggregator.alarms import Alarm
from aggregator.model import Frequency
from aggregator.notify import (
    render_confirmation,
    render_manage_link,
    render_move,
    render_moved,
)
from aggregator.notify.alarms import render_alarm
from aggregator.templates import environment

#: The grounds that mail readers give: white, and the dark one of browsers.
GROUNDS = ("#ffffff", "#121212")
#: WCAG 2.1: what is read (1.4.3), and bars that say something without words (1.4.11).
READ, SEEN = 4.5, 3.0


@pytest.fixture(scope="module")
def mails(makers):
    """Every kind of mail, as HTML."""
    _, reader, now = makers
    env, who, token = environment(), reader(), "t" * 43
    made = [
        render_confirmation(
            env, who, token=token, wishes=WISHES, frequency=Frequency.DAILY, house=HOUSE, key="c"
        ),
        render_manage_link(env, who, house=HOUSE, now=now, key="l"),
        render_move(env, who, "new@inbox.example", token=token, house=HOUSE, key="m"),
        render_moved(env, who, "new@inbox.example", house=HOUSE, key="n"),
        render_alarm(
            env, Alarm(id=1, kind="x", text="x", at=NOW), to="o@quxun.example", house=HOUSE
        ),
    ]
    digests = [one.decode() for name, one in golden_mails().items() if name.endswith(".html")]
    return [*(one.html for one in made), *digests]


def style_of(element):
    return dict(
        (part.strip() for part in one.split(":", 1))
        for one in (element.get("style") or "").split(";")
        if one.strip()
    )


def colours(element):
    """The colour and the ground that words have of us, wherever that is said; a link has one of
    its own where it does not say otherwise itself.
    """
    colour = style_of(element).get("color")
    for one in (element, *element.iterancestors()):
        style = style_of(one)
        if element.tag != "a":
            colour = colour or style.get("color")
        if "background-color" in style:
            return colour, style["background-color"]
    return colour, None


def luminance(colour):
    assert re.fullmatch(r"#[0-9a-f]{6}", colour), f"{colour} is not spelled out"
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_measure_is_that_of_the_standard():
    assert round(contrast("#000000", "#ffffff"), 1) == 21.0
    assert round(contrast("#777777", "#ffffff"), 2) == 4.48


def test_every_mail_says_that_it_follows_light_and_dark(mails):
    """Without the tag mail readers turn colours round by themselves, grounds of ours too."""
    for mail in mails:
        tree = html.document_fromstring(mail)
        for name in ("color-scheme", "supported-color-schemes"):
            assert tree.xpath(f"//head/meta[@name='{name}']/@content") == ["light dark"]


def test_words_are_the_mail_readers_own_or_stand_on_a_ground_of_ours(mails):
    """A colour of ours that is dark enough for white is too dark for a dark page, and the other
    way round; words without a colour on a ground of ours are white on white somewhere.
    """
    seen = 0
    for mail in mails:
        tree = html.document_fromstring(mail)
        for element in tree.body.iter():
            if not isinstance(element.tag, str) or not (element.text or "").strip(" \n\xa0"):
                continue
            colour, ground = colours(element)
            assert bool(colour) == bool(ground), html.tostring(element, encoding="unicode")
            if colour:
                seen += 1
                assert contrast(colour, ground) >= READ, (colour, ground)
    assert seen > len(mails)


def test_bars_are_seen_in_light_and_in_dark(mails):
    """The radar's bars, the marks beside changes and the frames of deadlines say something without
    words.
    """
    found = set()
    for mail in mails:
        tree = html.document_fromstring(mail)
        for element in tree.body.iter():
            style = style_of(element) if isinstance(element.tag, str) else {}
            words = "".join(element.itertext()).strip(" \n\xa0") if style else ""
            for edge in ("border", "border-left"):
                if edge in style:
                    found.add(style[edge].split()[-1])
            if "background-color" in style and not words:
                found.add(style["background-color"])
    assert len(found) >= 4
    for colour in found:
        assert min(contrast(colour, ground) for ground in GROUNDS) >= SEEN, colour
