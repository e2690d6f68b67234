"""A least sum as people write it: ``≥ 10亿元``, ``1亿5000万``, ``五百万元以上``, ``500w``, ``1e9``.

Only what has one meaning is read: ``一万五`` (15,000 to some, 10,005 to others), spans, upper bounds
and foreign money are not.
"""

from __future__ import annotations

import re

#: Blanks and commas that part thousands are taken out before, as are blanks that do not stand
#: between two digits.
_THOUSANDS = re.compile(r"(?<![\d.,])[1-9]\d{0,2}([, ])\d{3}(?:\1\d{3})*(?![\d,])")
_BLANK = re.compile(r"(?<!\d) | (?!\d)")
_SIGNS = str.maketrans("萬億圓圆兩〇≧⩾", "万亿元元两零≥≥")
_WHOLE = re.compile(
    r"(?:≥|>=|不低于|不少于|不小于|至少|最低)?(?:人民币|rmb|cny|¥)?"
    r"(?P<sum>[\d.e+零一二两三四五六七八九十百千万亿]+?)元?(?:人民币|rmb|cny)?"
    r"(?:\(含[\d.十百千万亿元]*\))?(?:(?:及|或)?以上|起|\+)?(?:\(含[\d.十百千万亿元]*\))?"
)
_SCALES = (("亿", 10**8), ("万", 10**4), ("千", 1000), ("百", 100), ("十", 10))
_NUMBER = re.compile(r"(?:\d+(?:\.\d+)?|\.\d+)(?:e\+?\d{1,2})?")
_DIGITS = {sign: float(value) for value, sign in enumerate("零一二三四五六七八九")} | {"两": 2.0}


def read_yuan(text: str) -> float | None:
    """The yuan that are meant, None where that is not clear.

    Args:
        text: one line in the plain forms of signs (NFKC).
    """
    joined = _THOUSANDS.sub(lambda found: found[0].replace(found[1], ""), _BLANK.sub("", text))
    joined = joined.lower().translate(_SIGNS)
    joined = re.sub(r"(?<=\d)w", "万", joined)
    joined = re.sub(r"(?<=[\d零一二两三四五六七八九十百千万])个(?=[万亿])", "", joined)
    whole = _WHOLE.fullmatch(joined)
    if whole is None or whole["sum"] in _DIGITS:
        return None
    value = _value(whole["sum"], _SCALES)
    return None if value is None else round(value, 2)


def _value(text: str, scales: tuple[tuple[str, int], ...]) -> float | None:
    """What a number is, its units falling from left to right."""
    for place, (unit, size) in enumerate(scales):
        head, found, tail = text.rpartition(unit)
        if not found:
            continue
        many = 1.0 if not head and unit == "十" else _value(head, scales[place + 1 :])
        rest = _rest(tail, size, scales[place + 1 :])
        if many is None or rest is None or (tail and not many.is_integer()):
            return None
        return many * size + rest
    if _NUMBER.fullmatch(text):
        return float(text)
    return _DIGITS.get(text)


def _rest(tail: str, size: int, scales: tuple[tuple[str, int], ...]) -> float | None:
    """What stands behind a unit: less than it, and clear in which place it stands."""
    if not tail:
        return 0
    bare = not any(unit in tail for unit, _ in scales)
    if bare and tail[0] != "零" and len(tail) != len(str(size)) - 1:
        return None
    value = _value(tail.removeprefix("零"), scales)
    return value if value is not None and value < size and value.is_integer() else None
