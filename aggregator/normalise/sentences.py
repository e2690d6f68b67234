"""Sentences: the evidence that every figure carries."""

from __future__ import annotations

import re
from collections.abc import Iterator

_END = re.compile(r"[。！？!?；;\n]")
LONGEST = 300


def sentences(text: str) -> Iterator[str]:
    """The sentences of a text in order, without the white space around them."""
    start = 0
    for match in _END.finditer(text):
        piece = text[start : match.end()].strip()
        start = match.end()
        if piece:
            yield piece
    rest = text[start:].strip()
    if rest:
        yield rest


def around(text: str, at: int) -> str:
    """The sentence that holds the character at ``at``, cut to a readable length."""
    near = text[max(at - 2 * LONGEST, 0) : at]
    left = at - len(near) + max((m.end() for m in _END.finditer(near)), default=0)
    right = _END.search(text, at, at + 2 * LONGEST)
    return cut(text[left : right.end() if right else at + 2 * LONGEST], at - left)


def cut(sentence: str, at: int) -> str:
    """A sentence around the character at ``at``, no longer than is readable."""
    if len(sentence) > LONGEST:
        begin = max(min(at - LONGEST // 2, len(sentence) - LONGEST), 0)
        sentence = sentence[begin : begin + LONGEST]
    return sentence.strip()
