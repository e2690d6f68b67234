"""One's own channels: digests in a chat, added, tested, paused and removed by its owner.

Behind the signed link to one's choices, like all that is one's own; addresses are shown masked.
"""

from __future__ import annotations

import asyncio
import threading

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from aggregator import filters
from aggregator.channels import Channel, ChannelState, Outcome
from aggregator.errors import BusyError, ConflictError, NotFoundError, UsageError
from aggregator.flow import channels as flow
from aggregator.flow.choices import managing
from aggregator.model import Frequency, Subscriber
from quxun.web.http import check_same_site, read_form
from quxun.web.letters import OLD_LINK
from quxun.web.site import Site

#: Tests at once: each waits for a stranger's server, ten seconds at most.
_TESTS = threading.BoundedSemaphore(4)
_STATES = {
    ChannelState.ACTIVE: ("进行中", "active"),
    ChannelState.PAUSED: ("已暂停", "paused"),
    ChannelState.DEAD: ("已停用", "dead"),
}


def router(site: Site) -> APIRouter:
    """The routes of this module."""
    routes = APIRouter()

    @routes.get("/preferences/{token}/channels")
    def channels(token: str) -> Response:
        return _page(site, _owner(site, token))

    @routes.post("/preferences/{token}/channels")
    async def change(token: str, request: Request) -> Response:
        check_same_site(request, site.parts.settings.public_url)
        return await run_in_threadpool(_change, site, token, await read_form(request))

    return routes


def _change(site: Site, token: str, pairs: list[tuple[str, str]]) -> Response:
    owner = _owner(site, token)
    try:
        done = _apply(site, owner, dict(pairs))
    except (UsageError, ConflictError, BusyError) as error:
        return _page(site, owner, problem=str(error))
    return _page(site, owner, done=done)


def _apply(site: Site, owner: Subscriber, form: dict[str, str]) -> str:
    """Do what one form asks, to the bearer's own channels only; what to say about it."""
    parts, act = site.parts, form.get("act", "")
    if act == "add":
        wanted = filters.parse_query(form.get("query", ""))
        address, frequency = form.get("address", ""), _frequency(form.get("frequency", ""))
        flow.add(owner, address, [wanted], frequency, post=parts.post)
        return "已添加，请发送一条测试消息 · Added; send it a test"
    one = flow.own(owner.id, form.get("id", ""), post=parts.post)
    if act == "test":
        return _test(site, one)
    if act == "remove":
        parts.channels.remove(one.id)
        return "已删除 Removed"
    states = {"pause": ChannelState.PAUSED, "resume": ChannelState.ACTIVE}
    if act not in states:
        raise UsageError("未知的操作 · there is no such action")
    parts.channels.set_state(one.id, states[act], parts.now())
    parts.bell.ring("push.channels")
    return "已保存 Saved"


def _test(site: Site, one: Channel) -> str:
    """Send a test from a thread of the web server, with a courier and a loop of its own."""
    if not _TESTS.acquire(blocking=False):
        raise BusyError("现在测试太多，请稍后再试 · too many tests just now; ask again soon")
    try:
        with site.parts.post_apart() as post:
            verdict = asyncio.run(flow.test(one, post=post))
    finally:
        _TESTS.release()
    if verdict.outcome is not Outcome.TAKEN:
        raise UsageError(f"对方没有接收 · not taken: {verdict.words}")
    site.parts.bell.ring("push.channels")
    return "测试消息已送达 · The test was taken"


def _page(
    site: Site, owner: Subscriber, *, done: str | None = None, problem: str | None = None
) -> Response:
    post = site.parts.post
    return site.page(
        "channels.html",
        status=400 if problem else 200,
        private=True,
        channels=[
            (one, _STATES[one.state], flow.wishes_of(one, post=post))
            for one in site.parts.channels.list(owner.id)
        ],
        done=done,
        problem=problem,
    )


def _owner(site: Site, token: str) -> Subscriber:
    parts = site.parts
    who = managing(token, store=parts.subscribers, settings=parts.settings, now=parts.now())
    if who is None:
        raise NotFoundError(OLD_LINK)
    return who


def _frequency(word: str) -> Frequency:
    try:
        return Frequency(word)
    except ValueError as error:
        raise UsageError("frequency: 请选择频率 · choose a frequency") from error
