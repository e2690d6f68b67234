"""Text as searched: blanks count between Latin words and nowhere else."""

import pytest

from aggregator.text import fold, fold_words


@pytest.mark.parametrize(
    ("printed", "folded"),
    [
        ("关于 印发\n《办法》　的通知", "关于印发《办法》的通知"),
        ("Open  AI\n产业", "open ai产业"),
        ("２０２６ 年 5Ｇ", "2026年5g"),
        ("共 10 000 元", "共10 000元"),
        ("A\u200b B", "a b"),
        (" \x00 ", ""),
        ("（试行） 12", "(试行)12"),
    ],
)
def test_blanks_part_latin_words_only(printed, folded):
    """A title padded with blanks is found, and two English words are not run into one."""
    assert fold_words(printed) == folded
    assert fold_words(printed).replace(" ", "") == fold(printed)
