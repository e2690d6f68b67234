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
from aggregator.errors import BusyError, ConflictError, NotFoundError, QuxunError, UsageError
from aggregator.flow import channels as flow
from aggregator.flow.choices import managing
from aggregator.model import Filter, Frequency, Subscriber
from quxun.web.http import check_same_site, read_form
from quxun.web.letters import OLD_LINK, WISH_FIELDS, tried
from quxun.web.site import Site, form_values, query_of

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
        return _page(site, token, _owner(site, token))

    @routes.post("/preferences/{token}/channels")
    async def change(token: str, request: Request) -> Response:
        check_same_site(request, site.parts.settings.public_url)
        return await run_in_threadpool(_change, site, token, await read_form(request))

    return routes


def _change(site: Site, token: str, pairs: list[tuple[str, str]]) -> Response:
    owner = _owner(site, token)
    try:
        if dict(pairs).get("act") == "try":
            return _page(site, token, owner, pairs=pairs, wanted=_wish(pairs))
        done = _apply(site, owner, pairs)
    except (UsageError, ConflictError, BusyError) as error:
        return _page(site, token, owner, problem=_both(error), pairs=pairs)
    return _page(site, token, owner, done=done)


def _both(error: QuxunError) -> str:
    """What was wrong in both languages: the words of services and of apprise are English."""
    said = str(error)
    if " · " in said:
        return said
    chinese: dict[type[QuxunError], str] = {
        UsageError: "没有添加：这个地址用不了，请按下面的写法核对",
        ConflictError: "没有添加：这个群已在列表里且已暂停，或数量已满",
        BusyError: "刚刚发过，请稍后再试",
    }
    return f"{chinese.get(type(error), '没有完成')} · {said}"


def _apply(site: Site, owner: Subscriber, pairs: list[tuple[str, str]]) -> str:
    """Do what one form asks, to the bearer's own channels only; what to say about it."""
    form = dict(pairs)
    parts, act = site.parts, form.get("act", "")
    if act == "add":
        wanted = _wish(pairs)
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


def _wish(pairs: list[tuple[str, str]]) -> Filter:
    """What the form's fields wish for, and what its line in the language does where it is used."""
    query = dict(pairs).get("query", "")
    if query.strip():
        return filters.parse_query(query)
    return filters.parse_filter((k, v) for k, v in pairs if k in WISH_FIELDS)


def _page(
    site: Site,
    token: str,
    owner: Subscriber,
    *,
    done: str | None = None,
    problem: str | None = None,
    pairs: list[tuple[str, str]] | None = None,
    wanted: Filter | None = None,
) -> Response:
    post, typed = site.parts.post, dict(pairs or ())
    trial, trouble = tried(site, wanted) if wanted is not None else (None, None)
    return site.page(
        "channels.html",
        status=400 if problem else 200,
        private=True,
        channels=[
            (one, _STATES[one.state], flow.wishes_of(one, post=post))
            for one in site.parts.channels.list(owner.id)
        ],
        owner=owner,
        path=f"/preferences/{token}",
        done=done,
        problem=problem,
        form=form_values(pairs or (), wanted or Filter(), problem),
        regions=site.watched_regions(),
        trial=trial,
        trial_problem=trouble,
        trial_query=query_of(wanted or Filter()),
        address=typed.get("address", ""),
        chosen=typed.get("frequency", Frequency.DAILY.value),
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
