"""Numbers as Chinese texts write them: in figures, parted or not, and in words."""

from __future__ import annotations

import re

#: Bounded, and begun only where a number begins: a text of digits costs no more than another.
#: Thousands are parted by commas, or by a blank where a word of money or measure stands before
#: them: a blank alone may part the cells of a table (1 300万元).
DIGITS = (
    r"(?<![\d.])\d{1,3}(?:[,，]\d{3}){1,4}(?!\d)(?:\.\d{1,6})?"
    r"|(?<=[励助贴予资为达约超过高额计入积地])\d{1,3}(?: \d{3}){1,3}(?!\d)(?:\.\d{1,6})?"
    r"|(?<!\d)\d{1,15}(?:\.\d{1,6})?"
)
_VALUES = {c: n for n, c in enumerate("零一二三四五六七八九")} | {
    c: n for n, c in enumerate("零壹贰叁肆伍陆柒捌玖")
}
_VALUES |= {"〇": 0, "○": 0, "两": 2, "貳": 2, "參": 3, "陸": 6}
_SCALES = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
#: Signs of a number in words, for character classes.
WORDS = "零〇○一二两三四五六七八九十百千壹贰叁肆伍陆柒捌玖拾佰仟"
_PARTS = re.compile(r"[,，\s]")


def read_number(text: str) -> float | None:
    """A number in figures, its thousands parted or not, or in words; None for what is none."""
    figures = _PARTS.sub("", text)
    if re.match(r"0\d", figures):
        return None  # the rest of a number whose beginning was not understood
    try:
        return float(figures)
    except ValueError:
        spelled = read_words(text)
        return float(spelled) if spelled else None


def read_words(text: str) -> int | None:
    """A whole number in words (一百二十, 叁佰, 二〇二五, 贰拾叁万伍仟); None for what is none.

    百 and 千 alone are no numbers: 百强县 counts nothing.
    """
    myriads, parted, rest = text.replace("萬", "万").partition("万")
    if parted:
        upper, lower = read_words(myriads), read_words(rest) if rest else 0
        return None if upper is None or lower is None else upper * 10_000 + lower
    if not text or any(c not in _VALUES and c not in _SCALES for c in text):
        return None
    if not any(c in _SCALES for c in text):
        return int("".join(str(_VALUES[c]) for c in text))
    if text in {"百", "佰", "千", "仟"}:
        return None
    total, digit = 0, 0
    for sign in text:
        if sign in _SCALES:
            total += (digit or 1) * _SCALES[sign]
            digit = 0
        else:
            digit = _VALUES[sign]
    return total + digit
