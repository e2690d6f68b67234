"""Links to stop: for ever, by a button of ours or by the mailbox's own; a look changes nothing."""

from __future__ import annotations

import re

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from aggregator.errors import NotFoundError, UsageError
from aggregator.flow import stopping as flow
from aggregator.model import SubscriptionId
from aggregator.store.persons import WHYS
from quxun.web.http import check_same_site, read_body, read_form
from quxun.web.letters import OLD_LINK
from quxun.web.site import Site


def add(routes: APIRouter, site: Site) -> None:
    """Add the routes of this module."""

    @routes.get("/unsubscribe/{token}")
    def ask_stop(token: str) -> Response:
        found = _found(site, token)
        return site.page("stop.html", private=True, token=token, found=found)

    @routes.post("/unsubscribe/{token}")
    async def stop(token: str, request: Request) -> Response:
        body = await read_body(request)
        return await run_in_threadpool(_stop, site, token, body)

    @routes.post("/unsubscribe/{token}/why")
    async def why(token: str, request: Request) -> Response:
        check_same_site(request, site.parts.settings.public_url)
        form = dict(await read_form(request))
        return await run_in_threadpool(_explain, site, token, form.get("why", ""))


def _stop(site: Site, token: str, body: bytes) -> Response:
    """End at once what the link names; asked again, it says so again (RFC 8058).

    The body may be of any kind, or none; that of our own page may name one subscription, or
    everything.
    """
    ours = b"page=1" in body
    one = re.search(rb"(?:^|&)subscription=(\d{1,18})(?:&|$)", body) if ours else None
    parts = site.parts
    done = flow.stop(
        token,
        store=parts.subscribers,
        settings=parts.settings,
        now=parts.now(),
        subscription_id=SubscriptionId(int(one[1])) if one else None,
        everything=ours and b"everything=1" in body,
        reason="stop-link" if ours else "one-click",
    )
    if not done:
        raise NotFoundError(OLD_LINK)
    return _stopped(site, token, whys=WHYS, thanks=False)


def _explain(site: Site, token: str, why: str) -> Response:
    parts, found = site.parts, _found(site, token)
    if why not in WHYS:
        raise UsageError("请选一项 · choose one of the reasons")
    if found.subscriber:
        parts.persons.explain(found.subscriber.id, why, parts.now())
    return _stopped(site, token, whys=(), thanks=True)


def _stopped(site: Site, token: str, *, whys: tuple[str, ...], thanks: bool) -> Response:
    """What is over, and what goes on all the same: nobody is left to guess."""
    found = _found(site, token)
    return site.page(
        "stopped.html",
        private=True,
        token=token,
        others=(*found.subscriptions, *found.others),
        whys=whys,
        thanks=thanks,
    )


def _found(site: Site, token: str) -> flow.Stopping:
    parts = site.parts
    found = flow.stopping(token, store=parts.subscribers, settings=parts.settings, now=parts.now())
    if found is None:
        raise NotFoundError(OLD_LINK)
    return found
