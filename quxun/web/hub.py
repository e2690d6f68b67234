"""The WebSub hub's one address: programs post here, and are answered in one line."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from aggregator.errors import UsageError
from aggregator.flow import hub
from aggregator.push import LONGEST_TOPIC, Topic
from quxun.web.addresses import read_address
from quxun.web.http import network_of, read_form
from quxun.web.site import Site

_HOUR = "3600"


def router(site: Site) -> APIRouter:
    """The routes of this module."""
    routes = APIRouter()

    @routes.post("/hub")
    async def ask(request: Request) -> Response:
        # Servers post here: there is no session that another site could borrow, so no origin
        # is asked for. What is asked does nothing before the callback itself confirmed it.
        return await run_in_threadpool(_ask, site, request, await read_form(request))

    return routes


def topic_of(url: str, public_url: str) -> Topic:
    """The feed document that a topic names.

    Raises:
        UsageError: when it is none of ours, an archive document, or not its one address.
        NotFoundError: when there is no such feed.
    """
    if not url.startswith(f"{public_url}/feeds/") or len(url) > LONGEST_TOPIC:
        raise UsageError(f"{url[:200]} is no feed of ours; they begin with {public_url}/feeds/")
    path, _, query = url.removeprefix(public_url).partition("?")
    address = read_address(path, query)
    if address.archive is not None:
        raise UsageError("an archive document never changes; subscribe to the feed itself")
    canonical = f"{public_url}{address.path}"
    if url != canonical:
        raise UsageError(f"subscribe to its one address, {canonical}")
    return Topic(
        url=url, address=address.path.removeprefix("/feeds/"), name=address.name, form=address.form
    )


def _ask(site: Site, request: Request, form: list[tuple[str, str]]) -> Response:
    parts = site.parts
    answer = hub.ask(
        form,
        store=parts.hub,
        caller=parts.courier,
        read_topic=lambda url: topic_of(url, parts.settings.public_url),
        network=network_of(request),
        last_change=parts.journal.last,
        now=parts.now(),
    )
    headers = {"Cache-Control": "no-store"}
    if answer.status == 202:  # noqa: PLR2004  # kept
        parts.bell.ring("push.verify")
    elif answer.status == 429:  # noqa: PLR2004  # a limit is reached
        headers["Retry-After"] = _HOUR
    return Response(answer.line + "\n", answer.status, headers, "text/plain; charset=utf-8")
