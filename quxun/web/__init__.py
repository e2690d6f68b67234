"""The web door: pages, feeds, and the links that stand in mails."""

from __future__ import annotations

from quxun.web.app import create_app
from quxun.web.calendar import calendar_bytes
from quxun.web.feedshelf import feed_bytes

__all__ = ["calendar_bytes", "create_app", "feed_bytes"]
