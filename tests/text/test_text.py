"""Cleaning laws that every room relies on (DOMAIN.md §6)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator import text

ANY = st.text(max_size=80)


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ("关于\x0b印发\x0c办法", "关于印发办法"),
        ("园\u200b区\ufeff政\u2060策", "园区政策"),
        ("\u202e反转\u202c", "反转"),
        ("行一\r\n行二\r行三", "行一\n行二\n行三"),
        ("e\u0301\u0301\u0301\u0301", "e\u0301\u0301"),
        ("朱镕喆堃", "朱镕喆堃"),
        ("\ud800坏", "坏"),
    ],
)
def test_cleaning_drops_what_xml_forbids_and_what_is_unseen(raw: str, wanted: str) -> None:
    """Feedgen and lxml fall over control characters that Word leaves in titles."""
    assert text.clean(raw) == wanted


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("索　引　号", "索引号"),
        ("〔2025〕12号", "[2025]12号"),
        ("“惠企”政策", "「惠企」政策"),
        ("ＡＢＣ１２３", "abc123"),
        ("2017—04—12 21∶37", "2017-04-12 21:37"),
        ("江津\u00a0区", "江津区"),
        ("（试行）", "(试行)"),
    ],
)
def test_folding_makes_equal_what_readers_see_as_equal(left: str, right: str) -> None:
    """Portals print one thing with many marks."""
    assert text.fold(left) == text.fold(right)


def test_shortening_says_that_it_cut() -> None:
    """A cut without a mark reads as the whole."""
    assert text.shorten("一二三四五六", 4) == "一二三…"
    assert text.shorten("一二三四", 4) == "一二三四"


@given(ANY)
def test_cleaning_twice_changes_nothing(raw: str) -> None:
    """Every reader cleans, so cleaning must be idempotent."""
    for tidy in (text.clean, text.one_line, text.squeeze, text.fold):
        assert tidy(tidy(raw)) == tidy(raw)


@given(ANY)
def test_one_line_is_one_line(raw: str) -> None:
    """Titles go into mail subjects; a line break there is a header of its own."""
    line = text.one_line(raw)

    assert line == " ".join(line.split())


@given(ANY, st.integers(1, 30))
def test_shortened_text_fits(raw: str, limit: int) -> None:
    """The limit is a promise to a column or a mail client."""
    assert len(text.shorten(raw, limit)) <= limit
