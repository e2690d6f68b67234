"""The addresses that people write themselves, and the one that each of them leads to."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

#: A place may change its name, and a namesake may come: nobody keeps a redirect for ever.
CACHE = "public, max-age=86400"
_QUERY_SAFE = "%&=+;:@/?!$'()*,~-._[]"


def moved(request: Request, path: str, query: str = "") -> Response:
    """The one address of what somebody asked for by another; what they asked besides is kept."""
    asked = quote(request.scope["query_string"], safe=_QUERY_SAFE)
    whole = "&".join(part for part in (query, asked) if part)
    target = quote(path) + (f"?{whole}" if whole else "")
    return RedirectResponse(target, 308, {"Cache-Control": CACHE})
