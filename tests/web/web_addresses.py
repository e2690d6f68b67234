"""Our own addresses, as pages and feeds print them."""

from __future__ import annotations

from urllib.parse import urlsplit

HOME = "http://quxun.example"


def local(url: str) -> str:
    """The path and query under which we ask for one of our addresses."""
    parts = urlsplit(url)
    assert f"{parts.scheme}://{parts.netloc}" in {HOME, "://"}
    return parts.path + (f"?{parts.query}" if parts.query else "")
