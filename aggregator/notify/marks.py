"""Marks: words that stand for a reader's own links in words that many readers share.

An edition is rendered once for all who get the same. Where a reader's links differ it holds
marks, each exactly as long as a signed token, with a sign that no token has (``~``): a length
counted, or a base64 line made, before the links are put in holds afterwards.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Final

from aggregator.notify.tokens import TOKEN_LENGTH, Keys


def _mark(name: str) -> str:
    return f"~{name}~".ljust(TOKEN_LENGTH, "~")


#: The token that stops all mails of this one's frequency.
STOP: Final = _mark("stop")
#: The token that opens a reader's choices.
MANAGE: Final = _mark("manage")
#: The token of the page that holds what a mail had no room for.
REST: Final = _mark("rest")
MARKS: Final = (STOP, MANAGE, REST)


def held(keys: Keys, mark: str) -> str:
    """The word that stands for a mark while a template is rendered.

    Nobody outside can guess it: a title or address that holds a mark is no link of a reader's.
    """
    return "q" + hmac.digest(keys.signing, b"mark " + mark.encode(), "sha256").hex()


def sealed(text: str, keys: Keys) -> str:
    """Rendered words with marks where, and only where, our own templates put them."""
    for mark in MARKS:
        text = text.replace(mark, mark.replace("~", "-")).replace(held(keys, mark), mark)
    return text


def fill(text: str, tokens: Mapping[str, str]) -> str:
    """Words with a reader's tokens in the place of their marks; the length stays.

    Raises:
        ValueError: when a token is not as long as its mark.
    """
    for mark, token in tokens.items():
        if len(token) != len(mark):
            raise ValueError(f"a token of {len(token)} signs for a mark of {len(mark)}")
        text = text.replace(mark, token)
    return text
