"""A text as it is read for facts: sentence by sentence, and the evidence every figure carries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from aggregator.normalise.tables import read_cells

_END = re.compile(r"[。！？!?；;\n]")
_PAUSE = re.compile(r"[，,、 ]")
LONGEST = 300
#: No rule looks further: a text without a full stop is read in pieces, so that reading is linear.
_PIECE = 600
#: One sign for one sign, so that a place in what is read is the place in what was written.
_PLAIN = str.maketrans(
    dict(
        zip(
            "０１２３４５６７８９：∶（）／．％－—–‐−～~［］﹝﹞【】｛｝〈〉＜＞「」{}[]＋",
            "0123456789::()/.%-------〔〕〔〕〔〕〔〕〔〕〔〕〔〕〔〕〔〕+",
            strict=True,
        )
    )
    | dict.fromkeys("\u3000\u00a0\u2002\u2003", " ")
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence as it is read; ``start`` is its place in the text."""

    plain: str
    start: int


class Reading:
    """A text beside its plain copy, in which digits, brackets, dashes and blanks have one form."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.plain = text.translate(_PLAIN)
        self.sentences = tuple(_sentences(self.plain))
        self.cells = tuple(read_cells(self.plain))

    def evidence(self, start: int, end: int) -> str:
        """The sentence of the original that holds ``start`` to ``end``, cut to readable length."""
        near = self.text[max(start - _PIECE, 0) : start]
        left = start - len(near) + max((m.end() for m in _END.finditer(near)), default=0)
        stop = _END.search(self.text, max(end - 1, start), end + _PIECE)
        return cut(self.text[left : stop.end() if stop else end + _PIECE], start - left)


def sentences(text: str) -> Iterator[str]:
    """The sentences of a text in order, without the white space around them."""
    for sentence in _sentences(text):
        yield sentence.plain


def cut(sentence: str, at: int) -> str:
    """A sentence around the character at ``at``, no longer than is readable."""
    if len(sentence) > LONGEST:
        begin = max(min(at - LONGEST // 2, len(sentence) - LONGEST), 0)
        sentence = sentence[begin : begin + LONGEST]
    return sentence.strip()


def _sentences(text: str) -> Iterator[Sentence]:
    start = 0
    for match in _END.finditer(text):
        yield from _pieces(text, start, match.end())
        start = match.end()
    yield from _pieces(text, start, len(text))


def _pieces(text: str, start: int, end: int) -> Iterator[Sentence]:
    """A sentence, or the pieces of one that is longer than any rule looks."""
    while start < end:
        stop = end
        if end - start > _PIECE:
            pauses = [m.end() for m in _PAUSE.finditer(text, start + _PIECE // 2, start + _PIECE)]
            stop = pauses[-1] if pauses else start + _PIECE
        piece = text[start:stop]
        bare = piece.strip()
        if bare:
            yield Sentence(bare, start + len(piece) - len(piece.lstrip()))
        start = stop
