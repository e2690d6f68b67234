"""Bytes from the web, politely and safely."""

from aggregator.fetch.client import CurlFetcher, Pacer
from aggregator.fetch.guard import may_connect
from aggregator.fetch.limits import Limits

__all__ = ["CurlFetcher", "Limits", "Pacer", "may_connect"]
