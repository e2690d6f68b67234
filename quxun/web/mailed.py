"""Addresses that stand in mails, as mail programs give them back.

A full stop behind a link becomes a part of it, a long line is broken within one, quotes and
brackets cling to it. None of these signs can stand in a token of ours, so cutting them guesses
nothing; the token is checked as before.
"""

from __future__ import annotations

import re
import unicodedata

_DOORS = re.compile(r"/(?:confirm|preferences|unsubscribe|address|mail)/")
_CLINGS = re.compile(r"[^A-Za-z0-9_-]+$")


def tidy(path: str) -> str:
    """The path without what clings to the end of a mailed link, or broke it over two lines."""
    if not _DOORS.match(path):
        return path
    whole = "".join(
        sign
        for sign in path
        if not sign.isspace() and unicodedata.category(sign) not in {"Cc", "Cf"}
    )
    return _CLINGS.sub("", whole)
