"""Who may ask for what: every route that is not on the public list wants the operator's session.

The gate stands before every route of the application, so one that somebody adds and lists nowhere
is closed, not open.
"""

from __future__ import annotations

import hmac
import ipaddress

from fastapi import HTTPException, Request, Response
from starlette.concurrency import run_in_threadpool

from aggregator.store.sessions import Opened
from quxun.web.http import check_same_site, read_form
from quxun.web.site import Site

#: What everybody may ask for; signed links and limits guard those that need it.
PUBLIC = frozenset(
    {
        "/", "/a/{ref}", "/about", "/address/{token}", "/address/{token}/no", "/confirm/{token}", "/embed/{name:path}", "/feeds", "/feeds/",
        "/feeds/index.opml", "/feeds/opml/{name:path}", "/feeds/{_:path}",
        "/feeds/{name:path}.ics", "/healthz", "/hub", "/link", "/mail/{token}", "/metrics", "/opensearch.xml",
        "/preferences/{token}", "/preferences/{token}/channels", "/preferences/{token}/data.json", "/r/{place:path}", "/readyz", "/robots.txt", "/security.txt",
        "/sitemap.xml", "/status", "/subscribe", "/unsubscribe/{token}", "/unsubscribe/{token}/why",
        "/.well-known/security.txt",
        # The local mailbox asks by itself for a client on this very machine.
        "/mailbox", "/mailbox/", "/mailbox/{name}", "/mailbox/{name}/html", "/mailbox/{name}/raw",
        "/operator/login", "/post/events",
    }
)  # fmt: skip
LOGIN = "/operator/login"
#: The field of every form of the operator's pages.
WORD = "word"
_SAFE = {"GET", "HEAD", "OPTIONS"}
_NO_TLS = (
    "登录只在 https 或本机上开放，请设置 QUXUN_PUBLIC_URL"
    " · logging in needs https, or this very machine; set QUXUN_PUBLIC_URL to your https address"
)


class Gate:
    """Lets the public list through, and elsewhere only who holds a session.

    A form that changes something carries the session's word, and is posted from our own pages.
    What it holds is kept in ``request.state.form``, the session in ``request.state.session``.
    """

    def __init__(self, site: Site) -> None:
        self._site = site

    async def __call__(self, request: Request) -> None:
        """Check one request (a dependency of every route).

        Raises:
            HTTPException: 303 to the login for who looks, 401 or 403 for who acts.
        """
        route = request.scope.get("route")
        if getattr(route, "path", None) in PUBLIC:
            return
        session = await run_in_threadpool(session_of, self._site, request)
        safe = request.method in _SAFE
        if session is None:
            line = "请先登录 · log in first"
            raise HTTPException(*((303, line, {"Location": LOGIN}) if safe else (401, line)))
        request.state.session = session
        if safe:
            return
        check_same_site(request, self._site.parts.settings.public_url)
        pairs = await read_form(request)
        said = dict(pairs).get(WORD, "")
        if not hmac.compare_digest(said.encode(), session.form_word.encode()):
            raise HTTPException(
                403, "表单已过期，请重新打开页面 · this form is old; open the page again"
            )
        request.state.form = {name: value for name, value in pairs if name != WORD}


def session_of(site: Site, request: Request) -> Opened | None:
    """The session that a request's cookie names, while it lives."""
    known = request.cookies.get(cookie_name(site))
    if not known:
        return None
    return site.parts.sessions.find(known, site.parts.now())


def cookie_name(site: Site) -> str:
    """``__Host-`` binds a cookie to this very host and to TLS; http on loopback knows neither."""
    return "__Host-quxun" if _secure(site) else "quxun-operator"


def give_cookie(site: Site, response: Response, session: str) -> None:
    """Let the browser hold a session as long as it runs; the server knows when it ends."""
    response.set_cookie(
        cookie_name(site), session, path="/", secure=_secure(site), httponly=True, samesite="lax"
    )


def drop_cookie(site: Site, response: Response) -> None:
    """Let the browser forget it."""
    response.delete_cookie(
        cookie_name(site), path="/", secure=_secure(site), httponly=True, samesite="lax"
    )


def check_way(site: Site, request: Request) -> None:
    """Refuse a token that would travel in the clear.

    Raises:
        HTTPException: 403 where we are reached by http from elsewhere.
    """
    if not _secure(site) and not _is_loopback(request.url.hostname or ""):
        raise HTTPException(403, _NO_TLS)


def _secure(site: Site) -> bool:
    return site.parts.settings.public_url.startswith("https:")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
