"""Bytes to entries and articles: what a page, feed or answer says. Pure."""

from aggregator.parse.article import read_article
from aggregator.parse.decode import Decoded, decode
from aggregator.parse.detect import detect, read_list
from aggregator.parse.prescan import prescan
from aggregator.parse.told_article import tell_article

__all__ = [
    "Decoded",
    "decode",
    "detect",
    "prescan",
    "read_article",
    "read_list",
    "tell_article",
]
