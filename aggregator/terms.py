"""Words and exact phrases: what ``q`` and ``not`` are made of, and when a text holds one.

A word is looked for as a run of characters, as with Ctrl-F: Chinese has no blanks to tell words
by (ADR 0019). Only where a word begins or ends with a Latin letter or a digit must it stand alone
in a body (``ai`` is not in ``mail``, ``12号`` not in ``112号``). In title, issuer and number, and
for phrases in quotes, every run of characters counts.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property, lru_cache

from aggregator.text import fold_words, one_line

#: Ends the head of a searched text: title, issuer and number stand before it, the body behind.
HEAD_END = "\x1e"
_OPEN = '"“「『'
_READ = re.compile(r'"([^"]*)"|“([^”"]*)”|「([^」"]*)」|『([^』"]*)』|(?P<word>[^ ]+)')
_LATIN = "a-z0-9"
_EDGE = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")


@dataclass(frozen=True)
class Term:
    """A word, or an exact phrase; ``text`` is folded as searched texts are."""

    text: str
    exact: bool

    @cached_property
    def bounded(self) -> str | None:
        """The pattern that a body must hold, where it is more than to hold the text.

        It means the same to Python and to PostgreSQL.
        """
        if self.exact or not _EDGE.intersection((self.text[0], self.text[-1])):
            return None
        before = f"(?<![{_LATIN}])" if self.text[0] in _EDGE else ""
        after = f"(?![{_LATIN}])" if self.text[-1] in _EDGE else ""
        return before + re.sub(r"([!-/:-@\[-`{-~ ])", r"\\\1", self.text) + after

    def within(self, searched: str) -> bool:
        """Whether a text as ``filters.search_text`` makes it holds this."""
        if self.bounded is None:
            return self.text in searched
        head, _, body = searched.partition(HEAD_END)
        return self.text in head or re.search(self.bounded, body) is not None


def written(value: str) -> list[str]:
    """The words and ``"phrases"`` of what somebody typed, in one form of letters.

    A quote that is not closed counts for nothing, one within a word for itself. Reading the
    answer again gives it back.
    """
    for _ in range(4):  # lower-casing may undo NFKC and the other way round; it settles
        before, value = value, one_line(unicodedata.normalize("NFKC", value).lower())
        if before == value:
            break
    found = []
    for match in _READ.finditer(value):
        if match["word"] is None:
            phrase = match[match.lastindex or 0].strip()
            if fold_words(phrase):
                found.append(f'"{phrase}"')
        elif fold_words(word := match["word"].lstrip(_OPEN)):
            found.append(word)
    return found


@lru_cache(maxsize=4096)
def terms(values: tuple[str, ...]) -> tuple[Term, ...]:
    """What the values of ``q`` or ``not`` look for, each once."""
    return tuple(dict.fromkeys(_term(one) for value in values for one in written(value)))


def _term(one: str) -> Term:
    exact = one[0] == '"'
    return Term(fold_words(one.strip('"') if exact else one), exact)
