"""How the names of divisions are written in Latin letters, from a table kept by hand."""

from __future__ import annotations

import unicodedata
from functools import cache
from importlib.resources import files
from itertools import islice, product

#: A name has a few spellings (吕梁: lvliang, luliang, lyuliang), not a thousand.
MOST = 24
_LONGEST = 5
#: What stands between syllables and is no part of them: xi'an, Xi An, xi-an.
_BETWEEN = str.maketrans("", "", " '’‘`´·.-_()")
_UMLAUT = ("v", "u", "yu")


def plain(word: str) -> str:
    """A name as look-ups compare it: one form of letters, no tones, no marks, no spaces.

    ``Xī'ān`` is ``xian``; the letter ü is ``v``, as it is typed.
    """
    apart = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", word).lower())
    letters = apart.replace("u\u0308", "v")
    bare = "".join(one for one in letters if unicodedata.category(one) != "Mn")
    return bare.translate(_BETWEEN)


def spellings(name: str) -> tuple[str, ...]:
    """A Chinese name in plain pinyin, the usual spelling first; none where a sign is unknown.

    Place names have readings of their own (六安 luan, 乐清 yueqing): the longest word that the
    table knows is read whole. Western names of old stand beside them (哈尔滨 harbin).
    """
    known = _table()
    parts: list[tuple[str, ...]] = []
    at = 0
    text = plain(name)
    while at < len(text):
        for length in range(min(_LONGEST, len(text) - at), 0, -1):
            found = known.get(text[at : at + length])
            if found:
                parts.append(found)
                at += length
                break
        else:
            if not text[at].isascii():
                return ()
            parts.append((text[at],))
            at += 1
    return tuple(dict.fromkeys("".join(one) for one in islice(product(*parts), MOST)))


@cache
def _table() -> dict[str, tuple[str, ...]]:
    text = (files("aggregator.divisions") / "pinyin.tsv").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in text.splitlines()[1:] if line)
    return {word: _typed(said.split("|")) for word, said in rows}


def _typed(said: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.replace("ü", letter) for one in said for letter in _UMLAUT))
