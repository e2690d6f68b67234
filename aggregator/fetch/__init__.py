"""Bytes from the web, politely and safely."""

from aggregator.fetch.client import CurlFetcher, Pacer
from aggregator.fetch.guard import may_connect
from aggregator.fetch.limits import Limits
from aggregator.fetch.pacing import SharedPace

__all__ = ["CurlFetcher", "Limits", "Pacer", "SharedPace", "may_connect"]
