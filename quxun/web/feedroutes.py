"""Feeds."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from fastapi import APIRouter, Request, Response

from quxun.web.addresses import Address, read_address
from quxun.web.http import FIELDS, answered
from quxun.web.site import Site

#: Addresses move for good, yet what is canonical may be told better some day.
MOVED = "public, max-age=86400"


def router(site: Site) -> APIRouter:
    """The routes of this module."""
    routes = APIRouter()

    @routes.get("/feeds/{_:path}")  # noqa: FAST003  # read_address reads the whole path
    async def document(request: Request) -> Response:
        path = request.scope["path"]
        query = request.scope["query_string"].decode("latin-1")
        address = read_address(path, query)
        if not _is_spelt(address, path, query):
            headers = {"Location": address.path, "Cache-Control": MOVED}
            return Response(None, 308, {**headers, "Access-Control-Allow-Origin": "*"})
        response = answered(request, await site.shelf.answers(address))
        site.shelf.counts[response.status_code] += 1
        return response

    return routes


def _is_spelt(address: Address, path: str, query: str) -> bool:
    """Whether an address is written as it should be.

    Percent-encodings that say the same are let pass: a client that writes them in its own way
    would be sent round in circles.
    """
    canonical = urlsplit(address.path)
    pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=FIELDS)
    return path == canonical.path and pairs == parse_qsl(canonical.query)
