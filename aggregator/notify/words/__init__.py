"""What mails say, in the reader's language; Chinese first, English beside it."""

from __future__ import annotations

from aggregator.notify.words.chinese import ZH
from aggregator.notify.words.english import EN
from aggregator.notify.words.shape import Words

__all__ = ["EN", "ZH", "Words", "words_of"]


def words_of(language: str) -> Words:
    """The words of a subscriber's language; Chinese when it is not English."""
    return EN if language.startswith("en") else ZH
