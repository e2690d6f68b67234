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
    left = max((m.end() for m in _END.finditer(text, 0, at)), default=0)
    right = _END.search(text, at)
    sentence = text[left : right.end() if right else len(text)].strip()
    if len(sentence) <= LONGEST:
        return sentence
    begin = max(at - left - LONGEST // 2, 0)
    return sentence[begin : begin + LONGEST].strip()
