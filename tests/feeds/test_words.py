from __future__ import annotations

import unicodedata
from urllib.parse import urlsplit

import pytest
from feed_samples import ADDRESSES, NASTY, PIECES
from hypothesis import given
from hypothesis import strategies as st

from aggregator.normalise.body import sanitise
from feeds.words import fit_markup, origin, plain, tidy, tidy_title, web_url


@given(NASTY)
def test_words_are_clean_however_often_they_are_cleaned(text):
    """Every door may tidy what another tidied: no door prints it otherwise."""
    for made in (tidy(text), plain(text), tidy_title(text)):
        assert tidy(made) == made
    assert plain(plain(text)) == plain(text)
    assert tidy_title(text)


@given(st.text(st.characters(categories=["Mn", "Me", "Lo", "Cf"]), max_size=60))
def test_no_word_is_buried_in_marks_or_turned_around(text):
    """At most two marks a character, and nothing that is not seen (RELIABILITY.md, input 78)."""
    made = tidy(text)
    runs, marks = 0, 0
    for character in made:
        marks = marks + 1 if unicodedata.category(character) in {"Mn", "Me"} else 0
        runs = max(runs, marks)

    assert runs <= 2
    assert not {*"\u061c\u200b\u200e\u200f\u202a\u202b\u202d\u202e\u2066\u2067\ufeff"} & {*made}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("面积<500㎡且>100㎡", "面积<500㎡且>100㎡"),
        ("<b>粗</b>体", "＜b>粗＜/b>体"),
        ("R&D 与 AT&T", "R&D 与 AT&T"),
        ("甲&amp;乙 &#60; &1号", "甲＆amp;乙 ＆#60; ＆1号"),
        ("科技&创新", "科技&创新"),
        ("Â°C Ã©", "°C é"),
        ("甲\u202e乙\u200b丙\u061c", "甲乙丙"),
        ("　甲\x00\x0b　乙\n", "甲 乙"),
        ("锟斤拷通知", "通知"),
        ("\ud800文", "文"),
    ],
)
def test_a_title_says_what_it_said_and_is_no_markup(text, said):
    """Readers that unescape once too often, and validators, find nothing to take for a tag."""
    assert plain(text) == said


@given(ADDRESSES)
def test_an_address_is_one_or_none(url):
    """What is printed as an address leads to a host by http or https, whoever reads it."""
    made = web_url(url)
    if made is None:
        return

    assert web_url(made) == made
    parts = urlsplit(made)
    assert parts.scheme in {"http", "https"}
    assert parts.hostname
    assert parts.username is None
    assert made.isascii()
    assert made.startswith(origin(made))


@pytest.mark.parametrize(
    ("url", "made"),
    [
        ("https://ok.example/路径?a=1 2", "https://ok.example/%E8%B7%AF%E5%BE%84?a=1%202"),
        ("http://区讯.中国/", "http://xn--dkru72k.xn--fiqs8s/"),
        ("http://a_b.example:8080/x%20y#z", "http://a_b.example:8080/x%20y#z"),
        ("http://x.example/[1]%zz", "http://x.example/%5B1%5D%25zz"),
        ("http://user@x.example/", None),
        ("http://x.example:99999/", None),
        ("http://a b/", None),
        ("javascript:alert(1)", None),
        ("//x.example/", None),
        ("https://x.example/" + "a" * 3000, None),
        ("", None),
        (None, None),
    ],
)
def test_addresses_of_portals(url, made):
    """Chinese paths and hosts are written for everybody; what is no address is left out."""
    assert web_url(url) == made


@given(PIECES)
def test_every_sanitised_body_is_fit_to_leave(markup):
    """Feeds look at bodies a second time: what normalise lets through must pass, or be empty."""
    body = sanitise(markup, "https://ok.example/")
    made = fit_markup(body)

    assert made is not None or not body.strip() or "锟斤拷" in body
    assert made is None or fit_markup(made) == made


@pytest.mark.parametrize(
    "body",
    [
        "<p>字",
        "<p><b>字</p></b>",
        "<p style='x'>字</p>",
        '<p onclick="x()">字</p>',
        '<a href="javascript:x">字</a>',
        '<a href="./x.html">字</a>',
        "<img src=x>",
        "<p>字</p><script>1</script>",
        "a & b",
        "<!-- 字 -->",
        "",
    ],
)
def test_a_body_that_was_not_sanitised_stays_in(body):
    """Whatever an old record holds, nothing that acts and nothing broken leaves in a feed."""
    assert fit_markup(body) is None
