"""The link that a new address gets: a look changes nothing, a button moves or refuses."""

from __future__ import annotations

import re

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from aggregator.errors import NotFoundError, UsageError
from aggregator.flow import moving as flow
from aggregator.flow.subscribe import house_of
from aggregator.model import Subscriber
from aggregator.notify import shown_address
from quxun.web.http import check_same_site, read_body
from quxun.web.letters import OLD_LINK, kept
from quxun.web.site import Site

#: What the page says when it is done.
MOVED = "从现在起，订阅送到新邮箱；已送过的不会再送。 · Your mail comes to the new address now."
NO_MAIL_THERE = (
    "订阅已改到新邮箱，但这个地址不收我们的信（曾被投诉或由管理员停发）；要恢复，请写信给页脚的联系人。"
    " · Your subscriptions are at the new address, but it gets no mail of ours (after a complaint, or by an"
    " operator); write to the contact below to have that lifted."
)
#: A link to move is a word of 32 random bytes.
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


def add(routes: APIRouter, site: Site) -> None:
    """Add the routes of this module."""

    @routes.get("/address/{token}")
    def ask_move(token: str) -> Response:
        found = flow.moving(token, persons=site.parts.persons, now=site.parts.now())
        if found is None:
            return _moved_before(site, token)
        who, address = found
        return site.page(
            "act.html",
            private=True,
            title="改送到这个邮箱？ Move here?",
            line=f"按下按钮后，以下订阅改送到 {shown_address(address)}，原邮箱不再收信。"
            " · Press the button to have these subscriptions sent here.",
            subscriptions=kept(who),
            field=("move", "yes"),
            button="改送到这里 Move here",
            single=False,
        )

    @routes.post("/address/{token}")
    async def move(token: str, request: Request) -> Response:
        check_same_site(request, site.parts.settings.public_url)
        await read_body(request)
        return await run_in_threadpool(_move, site, token)

    @routes.get("/address/{token}/no")
    def ask_refuse(token: str) -> Response:
        _check_shape(token)
        return site.page(
            "act.html",
            private=True,
            title="不要改送到这里？ Not here?",
            line="按下按钮后，这个请求作废，不会有信改送到这个邮箱；已改送来的订阅也会停止。"
            " · Press the button, and nothing is sent here because of this request.",
            subscriptions=(),
            field=("page", "1"),
            button="不要改送到这里 Not here",
            single=False,
        )

    @routes.post("/address/{token}/no")
    async def refuse(token: str, request: Request) -> Response:
        # A mailbox's own button posts from anywhere (RFC 8058).
        _check_shape(token)
        body = await read_body(request)
        return await run_in_threadpool(_refuse, site, token, body)


def _check_shape(token: str) -> None:
    if not _TOKEN.fullmatch(token):
        raise NotFoundError(OLD_LINK)


def _refuse(site: Site, token: str, body: bytes) -> Response:
    parts = site.parts
    reason = "stop-link" if b"page=1" in body else "one-click"
    flow.refuse_move(token, persons=parts.persons, now=parts.now(), reason=reason)
    return site.message(
        "不会改送到这里 Refused",
        "因这个请求，不会有信送到这个邮箱。 · Because of this request, no mail will come here.",
        private=True,
    )


def _move(site: Site, token: str) -> Response:
    parts = site.parts
    try:
        who = flow.move(
            token,
            persons=parts.persons,
            env=parts.templates_or_fail(),
            settings=parts.settings,
            now=parts.now(),
        )
    except UsageError as error:
        return site.message("没有更换 Not moved", str(error), status=400, private=True)
    if who is None:
        return _moved_before(site, token)
    parts.bell.ring("mail.deliver")
    return site.message(
        "邮箱已更换 Moved",
        NO_MAIL_THERE if who.suppressed else MOVED,
        private=True,
        links=[(_choices_path(site, who), "订阅设置 Preferences")],
    )


def _moved_before(site: Site, token: str) -> Response:
    """What a second press, or a look afterwards, is told; the link opens nothing any more."""
    if not flow.was_moved(token, persons=site.parts.persons, now=site.parts.now()):
        raise NotFoundError(OLD_LINK)
    return site.message(
        "邮箱已更换 Moved already",
        "这个链接已经用过，订阅已送到新邮箱。 · This link was used: your mail comes to the new address.",
        private=True,
    )


def _choices_path(site: Site, who: Subscriber) -> str:
    settings = site.parts.settings
    whole = house_of(settings).preferences(who, site.parts.now())
    return whole.removeprefix(settings.public_url)
