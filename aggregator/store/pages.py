"""The archive of raw pages: compressed, addressed by content, kept once."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from hashlib import blake2b

from sqlalchemy import Connection, RowMapping, text

from aggregator.model import Page


def page_hash(page: Page) -> bytes:
    """The address of a page in the archive: its content."""
    return blake2b(page.body, digest_size=16).digest()


def archived(row: RowMapping) -> Page:
    """A page as it was fetched, from its row joined with the prefix ``p_``."""
    return Page(
        url=row["p_url"],
        requested_url=row["p_url"],
        status=200,
        body=zlib.decompress(row["p_body"]),
        content_type=row["p_type"],
        fetched_at=row["p_at"],
    )


def archive(connection: Connection, pages: Iterable[Page]) -> None:
    """Keep the raw pages, compressed, once however often they were seen."""
    unique = {page_hash(page): page for page in pages}
    if not unique:
        return
    ordered = sorted(unique.items())
    connection.execute(
        text(
            "insert into pages (hash, url, content_type, body, body_bytes, fetched_at)"
            " select * from unnest(cast(:hashes as bytea[]), cast(:urls as text[]),"
            " cast(:types as text[]), cast(:bodies as bytea[]), cast(:sizes as integer[]),"
            " cast(:ats as timestamptz[])) on conflict (hash) do nothing"
        ),
        {
            "hashes": [key for key, _ in ordered],
            "urls": [page.url for _, page in ordered],
            "types": [page.content_type for _, page in ordered],
            "bodies": [zlib.compress(page.body, 6) for _, page in ordered],
            "sizes": [len(page.body) for _, page in ordered],
            "ats": [page.fetched_at for _, page in ordered],
        },
    )
