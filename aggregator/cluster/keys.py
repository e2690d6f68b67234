"""Keys under which a notice is stored, so that what may be the same is found by an index."""

from __future__ import annotations

from array import array
from functools import lru_cache
from hashlib import blake2b

from aggregator.cluster import projects, texts
from aggregator.cluster.rule import own_number
from aggregator.cluster.titles import core
from aggregator.model import Draft
from aggregator.urls import canonical_url

#: Rises when the same draft has other keys: those in the store are then made anew.
VERSION = 2
#: Texts of which half is common share a band with 88 %, four fifths with 99.99 %.
_BANDS = 16
_ROWS = 3
_SHINGLE = 5
#: A cut title still has this many characters of its bare words.
_CUT = 6
_MOST_PIECES = 24


def keys(draft: Draft) -> frozenset[int]:
    """Signed 64-bit keys; drafts that ``score`` calls one nearly always share one.

    Its address, its own number, its bare title and the beginning of that, bands of a MinHash
    of its text (Broder 1997; one permutation, rotated: Shrivastava and Li 2014), and the
    amount of a project with pieces of its name.
    """
    bare = core(draft.title)
    words = {f"c{bare[:_CUT]}"} if len(bare) >= _CUT else set()
    words.update(f"b{band}" for band in bands(draft.body_text))
    pieces = sorted(projects.title_pieces(draft.title))[:_MOST_PIECES]
    pieces += sorted(projects.lead_pieces(draft.body_text))[:_MOST_PIECES]
    words.update(f"p{bucket}{piece}" for bucket in projects.buckets(draft) for piece in pieces)
    return frozenset(_number(word) for word in words) | surest(draft)


def title_number(title: str) -> int:
    """A title's bare words as a number, to count under."""
    return _number(f"t{core(title)}")


def surest(draft: Draft) -> frozenset[int]:
    """The few of the keys that two pages of one notice, stored at one moment, share."""
    number, bare = own_number(draft), core(draft.title)
    words = {
        f"u{canonical_url(draft.url)}" if draft.url else "",
        f"n{number}" if number else "",
        f"t{bare}" if len(bare) >= _CUT else "",
        *(f"b{band}" for band in bands(draft.body_text)[:4]),
    }
    return frozenset(_number(word) for word in words - {""})


def _number(word: str) -> int:
    digest = blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


@lru_cache(maxsize=1024)
def bands(text: str) -> tuple[str, ...]:
    """Bands of the text's MinHash, or none for a text too short to compare."""
    if texts.weight(text) < texts.HINT:
        return ()
    body = "".join(texts.clauses(text))
    rows = memoryview(b"".join(map(_row, body))).cast("Q")
    count = len(body) - _SHINGLE + 1
    mixed = 0
    for place in range(_SHINGLE):
        mixed ^= int.from_bytes(rows[place::_SHINGLE][place : place + count].tobytes(), "big")
    hashes = array("Q", mixed.to_bytes(8 * count, "big"))
    size = _BANDS * _ROWS
    least = _least(hashes, size)
    return tuple(
        f"{band}:" + ",".join(str(one) for one in least[band * _ROWS : (band + 1) * _ROWS])
        for band in range(_BANDS)
    )


def _least(hashes: array[int], size: int) -> list[int]:
    """The least hash of each of so many bins; an empty bin takes the next one's, moved on."""
    found: list[int | None] = [None] * size
    for one in set(hashes):
        place = one % size
        known = found[place]
        if known is None or one < known:
            found[place] = one
    return [_filled(found, place) for place in range(size)]


def _filled(found: list[int | None], place: int) -> int:
    for step in range(len(found)):
        value = found[(place + step) % len(found)]
        if value is not None:
            return value + step
    raise AssertionError("a text has at least one shingle")


@lru_cache(maxsize=1 << 15)
def _row(character: str) -> bytes:
    """Eight bytes for each place at which a character may stand in a shingle."""
    return blake2b(character.encode("utf-8", "surrogatepass"), digest_size=8 * _SHINGLE).digest()
