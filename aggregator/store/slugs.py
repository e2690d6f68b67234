"""The short names of sources, by which operators call them."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from sqlalchemy import Connection, text

from aggregator.model import NewSource


def free_slug(connection: Connection, new: NewSource) -> str:
    """``<region or host>-<last path word>``, made unique with a number."""
    parts = urlsplit(new.url)
    words = [w for w in re.split(r"[^a-z0-9]+", parts.path.lower()) if w and not w.isdigit()]
    words = [w for w in words if w not in {"index", "html", "htm", "shtml", "xml", "col"}]
    head = new.region or re.sub(r"[^a-z0-9]+", "-", (parts.hostname or "source").lower())
    slug = "-".join([head, *words[-1:]])[:60]
    taken = set(
        connection.execute(
            text("select slug from sources where slug = :slug or slug like :like"),
            {"slug": slug, "like": f"{slug}-%"},
        ).scalars()
    )
    number = 2
    free = slug
    while free in taken:
        free, number = f"{slug}-{number}", number + 1
    return free
