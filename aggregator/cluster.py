"""Are these two the same announcement? Title, dates, number and body speak together.

Equal titles are rare among true reprints and common among different notices of one office (the
same title every month), so no single sign decides alone (DOMAIN.md §13).
"""

from __future__ import annotations

import re
from array import array
from datetime import timedelta
from functools import lru_cache
from hashlib import blake2b
from urllib.parse import urlsplit

from aggregator.model import Draft
from aggregator.text import fold

#: Dates of reprints lie this close; longer ones need a stronger sign.
NEAR = timedelta(days=10)
FAR = timedelta(days=400)
#: Bits in which two fingerprints of one text differ at most.
CLOSE_BITS = 6
#: The same, for a notice that another site tells in its own words under its own title.
RETOLD_BITS = 22
#: Shorter titles say too little to speak alone.
TELLING_TITLE = 12
_BANDS = 4
_SHINGLE = 4
#: Shorter texts have no fingerprint to speak of.
SHORT_TEXT = 80
_WRAP = re.compile(
    r"^(?:.{0,30}?(?:人民政府|办公室|办公厅|委员会|管委会|局|厅|省|市|区|县))?(?:关于)?(?:转发|印发|转载|公布)(.+?)的?(?:通知|公告|通告|函)?$"
)
#: A platform's name before a title: 云岭发布｜…, 江津发布丨….
_PRESS = re.compile(r"^[\w\u4e00-\u9fff]{2,10}\s*[｜|丨]\s*")
#: Who says it before what is said: 东原区投资局关于….
_SPEAKER = re.compile(r"^.{2,24}?(?:人民政府|办公室|办公厅|委员会|管委会|局|厅|中心)(?=关于)")
#: These are about the document that they name.
_ABOUT = re.compile(r"废止|失效|修改|修订|延续|延长|解读|图解|征求|问答|读懂")
_COMPANIONS = ("图解", "一图读懂", "解读", "答记者问", "问答", "明白卡", "新闻发布会")
_ORDINAL = re.compile(r"第?[0-9一二三四五六七八九十]+(?:批次?|期|号|季度|轮|次|月|标段|年度?)")


def title_key(title: str) -> str:
    """A title as compared: folded, without 《》, wrappers and cut-off marks."""
    title = _PRESS.sub("", title)
    folded = _SPEAKER.sub("", fold(title)).rstrip(".…")
    key = folded.replace("《", "").replace("》", "")
    wrapped = _WRAP.fullmatch(key)
    if wrapped is None or _ABOUT.search(key):
        return key
    inner = re.search(r"《([^《》]{6,})》", folded)
    if inner:
        return _SPEAKER.sub("", inner.group(1))
    return wrapped.group(1) if len(wrapped.group(1)) > SHORT_TITLE else key


SHORT_TITLE = 8


def fingerprint(text: str) -> int:
    """A signed 64-bit simhash over shingles of four characters; 0 for a text too short.

    A shingle's hash is the exclusive or of its characters' rows, one row for each place
    (tabulation hashing), so that all shingles are hashed and all bits counted by a few
    operations on long integers: 60 KB take about two milliseconds.
    """
    folded = fold(text)
    if len(folded) < SHORT_TEXT:
        return 0
    rows = memoryview(b"".join(map(_row, folded))).cast("Q")
    count = len(folded) - _SHINGLE + 1
    mixed = 0
    for place in range(_SHINGLE):
        column = rows[place::_SHINGLE][place : place + count].tobytes()
        mixed ^= int.from_bytes(column, "big")
    hashes = set(memoryview(mixed.to_bytes(8 * count, "big")).cast("Q"))
    packed = array("Q", hashes).tobytes()
    unsigned = 0
    for byte in range(8):
        column_bits = int.from_bytes(packed[byte::8], "big")
        ones = int.from_bytes(b"\x01" * len(hashes), "big")
        for bit in range(8):
            if (column_bits >> bit & ones).bit_count() * 2 > len(hashes):
                unsigned |= 1 << 8 * (7 - byte) + bit
    return unsigned - (1 << 64) if unsigned >> 63 else unsigned


@lru_cache(maxsize=1 << 15)
def _row(character: str) -> bytes:
    """Eight bytes for each place at which a character may stand in a shingle."""
    return blake2b(character.encode("utf-8", "surrogatepass"), digest_size=8 * _SHINGLE).digest()


def bands(value: int) -> tuple[int, ...]:
    """Four keys, at least one of which two close fingerprints share (bits differ in < 4 of them).

    An empty tuple for a text without a fingerprint, so that short texts never meet by it.
    """
    if value == 0:
        return ()
    unsigned = value & (1 << 64) - 1
    return tuple((band << 16 | unsigned >> 16 * band & 0xFFFF) for band in range(_BANDS))


def same(a: Draft, b: Draft) -> tuple[bool, float]:
    """Whether two drafts show one announcement, and how sure that is (0 to 1)."""
    score = _score(a, b)
    return score >= 0.5, score  # noqa: PLR2004  # the scale's own middle


def _score(a: Draft, b: Draft) -> float:  # noqa: PLR0911  # a ladder of signs, surest first
    if a.url and a.url == b.url:
        return 1.0
    if _numbered_apart(a, b):
        return 0.0
    apart = abs(a.posted_at - b.posted_at) if a.posted_at and b.posted_at else NEAR
    bits = _distance(a.fingerprint, b.fingerprint)
    titles = bool(a.title_key) and a.title_key == b.title_key
    alike = titles or _is_cut(a.title_key, b.title_key)
    near = bits is not None and bits <= CLOSE_BITS
    if a.doc_number and b.doc_number:
        return 0.98 if a.doc_number == b.doc_number else 0.0
    if _is_companion(a.title) != _is_companion(b.title) and not near:
        return 0.0
    if _figures_differ(a, b):
        return 0.0
    if near and alike:
        return 0.95 if apart <= FAR else 0.0
    if near:
        return 0.85 if apart <= NEAR or (apart <= FAR and _resemble(a, b)) else 0.0
    if titles and apart <= NEAR and len(a.title_key) > TELLING_TITLE:
        # A portal that prints only a hint at the file, or words of its own around the text.
        retold = bits is not None and bits <= RETOLD_BITS and not _one_host(a.url, b.url)
        return 0.7 if bits is None else 0.6 if retold else 0.0
    return 0.0


def near(a: Draft, b: Draft) -> bool:
    """Whether two drafts have one text, give or take a few words."""
    bits = _distance(a.fingerprint, b.fingerprint)
    return bits is not None and bits <= CLOSE_BITS


def _one_host(a: str, b: str) -> bool:
    """One site does not retell itself: the same title there is next month's notice."""
    return bool(a) and urlsplit(a).netloc == urlsplit(b).netloc


def _is_companion(title: str) -> bool:
    """图解 and 答记者问 are about a document and are not it."""
    return any(word in title for word in _COMPANIONS)


def _numbered_apart(a: Draft, b: Draft) -> bool:
    """Titles alike but for their batch, month or number are different notices."""
    return sorted(_ORDINAL.findall(a.title_key)) != sorted(_ORDINAL.findall(b.title_key)) and (
        _ORDINAL.sub("", a.title_key) == _ORDINAL.sub("", b.title_key)
    )


def _resemble(a: Draft, b: Draft) -> bool:
    """Whether one title may be the other rewritten: half its pairs of characters, and its numbers."""
    mine, theirs = (
        {one.title_key[i : i + 2] for i in range(len(one.title_key) - 1)} for one in (a, b)
    )
    numbers = [sorted(_ORDINAL.findall(one.title_key)) for one in (a, b)]
    return 2 * len(mine & theirs) >= min(len(mine), len(theirs)) and numbers[0] == numbers[1]


def _is_cut(a: str, b: str) -> bool:
    short, long = sorted((a, b), key=len)
    return len(short) > 12 and long.startswith(short)  # noqa: PLR2004  # as list rows cut them


def _distance(a: int, b: int) -> int | None:
    if a == 0 or b == 0:
        return None
    return ((a ^ b) & (1 << 64) - 1).bit_count()


def _figures_differ(a: Draft, b: Draft) -> bool:
    """Whether both name a deadline or amounts and they share none: a template, filled anew."""
    for name in ("deadlines", "amounts"):
        mine = {one.value for one in getattr(a.facts, name)}
        theirs = {one.value for one in getattr(b.facts, name)}
        if mine and theirs and not mine & theirs:
            return True
    return False
