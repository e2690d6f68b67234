"""What standards look for at fixed places: robots, security contact, search description, sitemap."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import quote
from xml.sax.saxutils import escape

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

import feeds
from aggregator.model import Filter
from quxun.web.http import conditional
from quxun.web.kept import Made
from quxun.web.site import Site, query_of

CACHE = "public, max-age=3600"
SECURITY = "/.well-known/security.txt"
#: A contact is good for this many months; RFC 9116 §2.5.5 wants less than a year.
MONTHS = 6
#: Pages whose address is a secret, or that are of no use to a search engine.
CLOSED = ("address", "confirm", "preferences", "unsubscribe", "mailbox", "operator")
_OPENSEARCH = "http://a9.com/-/spec/opensearch/1.1/"
_SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"


def router(site: Site) -> APIRouter:
    """The routes of this module."""
    routes = APIRouter()
    public_url = site.parts.settings.public_url

    @routes.get("/robots.txt")
    def robots() -> Response:
        lines = ["User-agent: *", *(f"Disallow: /{one}/" for one in CLOSED)]
        return _text([*lines, "", f"Sitemap: {public_url}/sitemap.xml"])

    @routes.get(SECURITY)
    def security() -> Response:
        contact = contact_url(site.parts.settings.contact)
        if contact is None:
            raise HTTPException(404)
        return _text(security_lines(contact, public_url, site.parts.now()))

    @routes.get("/security.txt")
    def old_security() -> Response:
        return RedirectResponse(SECURITY, 308)

    @routes.get("/opensearch.xml")
    def search() -> Response:
        body = opensearch(public_url)
        headers = {"Cache-Control": CACHE}
        return Response(body, 200, headers, "application/opensearchdescription+xml")

    @routes.get("/sitemap.xml")
    def pages(request: Request) -> Response:
        regions = tuple(code for code, _ in site.watched_regions())

        def make() -> Made:
            body = sitemap(public_url, regions)
            return Made(body=body, media_type="application/xml", modified_at=site.listed_at())

        kept = site.kept.get(("page", "sitemap"), make, version=regions)
        return conditional(request, kept, cache=CACHE)

    return routes


def contact_url(contact: str) -> str | None:
    """Who answers for us as an address (RFC 9116 §2.5.3), or None where it is none."""
    if contact.startswith(("https://", "mailto:", "tel:")):
        return contact
    name, at, host = contact.rpartition("@")
    if not at or not name or " " in contact:
        return None
    safe = quote(name, safe="!$&'*+/=^_`{|}~.-")
    return f"mailto:{safe}@{host}"


def security_lines(contact: str, public_url: str, now: datetime) -> list[str]:
    """The fields of security.txt (RFC 9116); the same all month, on all our servers."""
    months = now.astimezone(UTC).year * 12 + now.astimezone(UTC).month + MONTHS
    until = datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC)
    lines = [
        f"Contact: {contact}",
        f"Expires: {until:%Y-%m-%dT%H:%M:%SZ}",
        "Preferred-Languages: zh, en",
    ]
    if public_url.startswith("https://"):  # RFC 9116 §2.5.2 knows no other
        lines.append(f"Canonical: {public_url}{SECURITY}")
    return lines


def opensearch(public_url: str) -> bytes:
    """How a browser or reader searches here (OpenSearch 1.1)."""
    page = escape(public_url, {'"': "&quot;"})
    urls = [
        ("text/html", f"{page}/?q={{searchTerms}}"),
        *(
            (feeds.MEDIA_TYPES[form], f"{page}/feeds/search.{form}?q={{searchTerms}}")
            for form in ("atom", "rss")
        ),
    ]
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<OpenSearchDescription xmlns="{_OPENSEARCH}">',
        "<ShortName>区讯</ShortName>",
        "<Description>区县政策与项目公告</Description>",
        "<InputEncoding>UTF-8</InputEncoding>",
        f'<Image width="16" height="16" type="image/svg+xml">{page}/static/icon.svg</Image>',
        *(f'<Url type="{kind}" template="{template}"/>' for kind, template in urls),
        f'<Url type="application/opensearchdescription+xml" rel="self" template="{page}/opensearch.xml"/>',
        "</OpenSearchDescription>",
    ]
    return "\n".join([*lines, ""]).encode()


def sitemap(public_url: str, regions: tuple[str, ...]) -> bytes:
    """The pages that stay: lists of regions and categories; notices are found through them."""
    lists = [feeds.filter_of(name) or Filter() for name in feeds.subject_names()]
    lists += [Filter(region=(code,)) for code in regions]
    paths = ["/", "/feeds/", "/subscribe", "/status", "/about"]
    paths += [f"/{query_of(wanted)}" for wanted in lists]
    urls = [f"<url><loc>{escape(public_url + path)}</loc></url>" for path in paths]
    head = ['<?xml version="1.0" encoding="UTF-8"?>', f'<urlset xmlns="{_SITEMAP}">']
    return "\n".join([*head, *urls, "</urlset>", ""]).encode()


def _text(lines: list[str]) -> Response:
    headers = {"Cache-Control": CACHE}
    return Response("\n".join(lines) + "\n", 200, headers, "text/plain; charset=utf-8")
