"""Bytes from the web, politely and safely."""

from aggregator.fetch.client import CurlFetcher, Pacer
from aggregator.fetch.courier import Courier
from aggregator.fetch.guard import may_connect
from aggregator.fetch.limits import Limits
from aggregator.fetch.pacing import SharedPace

__all__ = ["Courier", "CurlFetcher", "Limits", "Pacer", "SharedPace", "may_connect"]
