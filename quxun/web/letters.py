"""Subscribing, and the links that stand in mails: a look changes nothing, a button does."""

from __future__ import annotations

import re

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from aggregator import filters
from aggregator.errors import NotFoundError, UsageError
from aggregator.flow import subscribe as flow
from aggregator.model import (
    Choices,
    Filter,
    Frequency,
    Subscriber,
    Subscription,
    SubscriptionId,
    SubscriptionState,
    Trial,
)
from aggregator.notify import Question
from quxun.web.http import (
    check_same_site,
    client_of,
    network_of,
    query_pairs,
    read_body,
    read_form,
)
from quxun.web.site import Site, form_values, query_of

OLD_LINK = (
    "链接无效或已过期，请重新订阅或使用最近一封邮件里的链接 · this link is unknown or too old"
)
#: What every sign-up is answered, whoever it is: nobody learns who is subscribed.
SENT = (
    "如果这个地址可以收信，确认邮件已在路上。请在 48 小时内打开信中的链接，并在页面上按“确认订阅”。"
    " · If mail can reach this address, a confirming mail is on its way; confirm within 48 hours."
    " 同一地址 10 分钟内至多一封，24 小时内至多三封 · one in 10 minutes and three a day at most."
)
LINK_SENT = (
    "如果这个地址有订阅，设置链接已在路上（10 分钟内至多一封，24 小时内至多三封）。"
    " · If this address has a subscription, the link is on its way."
)
_WISH_FIELDS = set(filters.FIELDS)
#: Time zones that are offered; any other name of the IANA database may be typed.
ZONES = (
    "Asia/Shanghai", "Asia/Urumqi", "Asia/Hong_Kong", "Asia/Taipei", "Asia/Tokyo", "Asia/Singapore",
    "Australia/Sydney", "Europe/Berlin", "Europe/London", "America/New_York", "America/Los_Angeles",
    "UTC",
)  # fmt: skip


def router(site: Site) -> APIRouter:
    """The routes of this module."""
    routes = APIRouter()

    @routes.get("/subscribe")
    def form(request: Request) -> Response:
        pairs = [(k, v) for k, v in query_pairs(request) if k in _WISH_FIELDS]
        return _form_page(site, pairs, trying=any(value.strip() for _, value in pairs))

    @routes.post("/subscribe")
    async def sign_up(request: Request) -> Response:
        check_same_site(request, site.parts.settings.public_url)
        return await run_in_threadpool(_sign_up, site, request, await read_form(request))

    @routes.post("/link")
    async def link(request: Request) -> Response:
        check_same_site(request, site.parts.settings.public_url)
        return await run_in_threadpool(_send_link, site, request, await read_form(request))

    _token_routes(routes, site)
    return routes


def _token_routes(routes: APIRouter, site: Site) -> None:
    """The links of mails."""

    @routes.get("/confirm/{token}")
    def ask_confirm(token: str) -> Response:
        parts = site.parts
        who = flow.confirming(token, store=parts.subscribers, now=parts.now())
        if who is None:
            raise NotFoundError(OLD_LINK)
        return site.page(
            "act.html",
            private=True,
            title="确认订阅 Confirm",
            line="按下按钮后开始发信。没有订阅过？关掉本页即可，什么也不会发生。"
            " · Press the button to start; if you did not ask for this, just close the page.",
            subscriptions=_kept(who),
            field=("confirm", "yes"),
            button="确认订阅 Confirm",
            single=False,
        )

    @routes.post("/confirm/{token}")
    async def confirm(token: str, request: Request) -> Response:
        check_same_site(request, site.parts.settings.public_url)
        await read_body(request)
        return await run_in_threadpool(_confirm, site, token, client_of(request))

    @routes.get("/preferences/{token}")
    def preferences(token: str) -> Response:
        return _preferences_page(site, _manager(site, token))

    @routes.post("/preferences/{token}")
    async def change(token: str, request: Request) -> Response:
        check_same_site(request, site.parts.settings.public_url)
        return await run_in_threadpool(_change, site, token, await read_form(request))

    @routes.get("/unsubscribe/{token}")
    def ask_stop(token: str) -> Response:
        parts = site.parts
        found = flow.stopping(
            token, store=parts.subscribers, settings=parts.settings, now=parts.now()
        )
        if found is None:
            raise NotFoundError(OLD_LINK)
        return site.page(
            "act.html",
            private=True,
            title="退订 Unsubscribe",
            line="按下按钮后不再发送以下邮件，随时可以重新订阅。 · Press the button to stop these mails."
            if found.subscriptions
            else "这些邮件已经停止。 · These mails have stopped already.",
            subscriptions=found.subscriptions,
            field=("List-Unsubscribe", "One-Click"),
            button="全部停止 Stop these" if len(found.subscriptions) > 1 else "退订 Unsubscribe",
            single=len(found.subscriptions) > 1,
        )

    @routes.post("/unsubscribe/{token}")
    async def stop(token: str, request: Request) -> Response:
        body = await read_body(request)
        return await run_in_threadpool(_stop, site, token, body)


def _form_page(
    site: Site,
    pairs: list[tuple[str, str]],
    *,
    problem: str | None = None,
    trying: bool = False,
    question: Question | None = None,
    linking: bool = False,
) -> Response:
    """The form as it was filled in, perhaps with what the wish would have brought."""
    typed = dict(pairs)
    wanted = Filter()
    if problem is None:
        try:
            wanted = filters.parse_filter((k, v) for k, v in pairs if k in _WISH_FIELDS)
        except UsageError as error:
            problem = str(error)
    trial, trouble = _tried(site, wanted) if trying and problem is None else (None, None)
    return site.page(
        "subscribe.html",
        status=400 if problem else 200,
        problem=problem,
        form=form_values(pairs, wanted, problem),
        query=query_of(wanted),
        trial=trial,
        trial_problem=trouble,
        question=question,
        linking=linking,
        email=typed.get("email", ""),
        chosen=typed.get("frequency", Frequency.DAILY.value),
        when=_when(typed),
        when_open=any(name in typed for name in ("hour", "timezone")),
        zones=ZONES,
        regions=site.watched_regions(),
    )


def _tried(site: Site, wanted: Filter) -> tuple[Trial | None, str | None]:
    try:
        return site.parts.tries.would_have(wanted, site.parts.now()), None
    except UsageError as error:
        return None, f"条件太宽，无法试算：请加上地区或更长的词 · {error}"


def _sign_up(site: Site, request: Request, pairs: list[tuple[str, str]]) -> Response:
    parts = site.parts
    typed = dict(pairs)
    if typed.get("act") == "try":
        return _form_page(site, pairs, trying=True)
    try:
        frequency = _frequency([value for name, value in pairs if name == "frequency"] or ["daily"])
        wanted = filters.parse_filter((k, v) for k, v in pairs if k in _WISH_FIELDS)
        question = flow.sign_up(
            " ".join(value for name, value in pairs if name == "email"),
            [wanted],
            frequency,
            store=parts.subscribers,
            outbox=parts.outbox,
            env=parts.templates_or_fail(),
            settings=parts.settings,
            now=parts.now(),
            network=network_of(request),
            ip=client_of(request),
            choices=_choices(typed),
            answer=_answer(typed),
        )
    except UsageError as error:
        return _form_page(site, pairs, problem=str(error))
    if question:
        return _form_page(site, pairs, question=question)
    parts.bell.ring("mail.deliver")
    return site.message("请查收确认邮件 Check your mail", SENT)


def _answer(typed: dict[str, str]) -> tuple[str, str] | None:
    """The ticket and the answer of a question, if one was asked."""
    ticket = typed.get("question")
    return (ticket, typed.get("answer", "")) if ticket else None


def _choices(typed: dict[str, str]) -> Choices:
    """When and in which language, as far as it was said."""
    return Choices(
        hour=_number(typed, "hour") if typed.get("hour") else None,
        minute=_number(typed, "minute") if typed.get("minute") else None,
        weekday=_number(typed, "weekday") if typed.get("weekday") else None,
        timezone=typed.get("timezone", "").strip() or None,
        language=typed.get("language") or None,
    )


def _when(typed: dict[str, str]) -> Choices:
    """What the form shows of it: as typed, else as it is for who says nothing."""
    try:
        said = _choices(typed)
    except UsageError:
        said = Choices()
    return Choices(
        hour=8 if said.hour is None else said.hour,
        minute=30 if said.minute is None else said.minute,
        weekday=said.weekday or 0,
        timezone=said.timezone or "Asia/Shanghai",
        language=said.language or "zh",
    )


def _confirm(site: Site, token: str, ip: str | None) -> Response:
    parts = site.parts
    if flow.confirm(token, store=parts.subscribers, now=parts.now(), ip=ip) is None:
        raise NotFoundError(OLD_LINK)
    return site.message(
        "订阅已生效 Confirmed",
        "从现在起，新公告会按您选的频率送达；每封信里都有设置与退订的链接。"
        " · You will get what is announced from now on; every mail has a link to stop.",
        private=True,
    )


def _send_link(site: Site, request: Request, pairs: list[tuple[str, str]]) -> Response:
    parts = site.parts
    question = flow.ask_link(
        " ".join(value for name, value in pairs if name == "email"),
        store=parts.subscribers,
        outbox=parts.outbox,
        env=parts.templates_or_fail(),
        settings=parts.settings,
        now=parts.now(),
        network=network_of(request),
        answer=_answer(dict(pairs)),
    )
    if question:
        return _form_page(site, [], question=question, linking=True)
    parts.bell.ring("mail.deliver")
    return site.message("请查收邮件 Check your mail", LINK_SENT)


def _stop(site: Site, token: str, body: bytes) -> Response:
    """End at once what the link names; asked again, it says so again (RFC 8058).

    The body may be of any kind, or none; ours may name one subscription.
    """
    one = re.search(rb"(?:^|&)subscription=(\d{1,18})(?:&|$)", body)
    parts = site.parts
    done = flow.stop(
        token,
        store=parts.subscribers,
        settings=parts.settings,
        now=parts.now(),
        subscription_id=SubscriptionId(int(one[1])) if one else None,
        reason="stop-link" if b"page=1" in body else "one-click",
    )
    if not done:
        raise NotFoundError(OLD_LINK)
    return site.message(
        "已退订 Unsubscribed", "不会再发送这类邮件。 · These mails have stopped.", private=True
    )


def _change(site: Site, token: str, pairs: list[tuple[str, str]]) -> Response:
    who = _manager(site, token)
    try:
        done = _apply(site, token, who, dict(pairs))
    except UsageError as error:
        return _preferences_page(site, who, problem=str(error))
    if done is None:
        return site.message(
            "已删除 Erased",
            "您的资料已全部删除。 · All that was known of you is deleted.",
            private=True,
        )
    return _preferences_page(site, _manager(site, token), done=done)


def _apply(site: Site, token: str, who: Subscriber, form: dict[str, str]) -> str | None:
    """Do what one form of the preferences asks, to the bearer's own subscriptions only.

    Returns:
        What to say about it; None when they are no more.
    """
    store, settings, now = site.parts.subscribers, site.parts.settings, site.parts.now()
    act = form.get("act", "")
    if act == "when":
        flow.set_preferences(
            token,
            store=store,
            settings=settings,
            now=now,
            hour=_number(form, "hour"),
            minute=_number(form, "minute"),
            weekday=_number(form, "weekday"),
        )
        return "送达时间已保存 Saved"
    if act == "erase":
        flow.erase(token, store=store, settings=settings, now=now)
        return None
    if act == "stop-all":
        store.end(who.id, reason="preferences", now=now)
        return "已停止全部订阅 All stopped"
    one = _own(who, form.get("id", ""))
    if act == "filter":
        store.set_wish(one.id, filters.parse_query(form.get("query", "")), now)
        return "筛选已更改 Saved"
    what = _what(form.get("frequency", "") if act == "frequency" else act)
    flow.change(token, one.id, what, store=store, settings=settings, now=now)
    return "已保存 Saved"


def _preferences_page(
    site: Site, who: Subscriber, *, done: str | None = None, problem: str | None = None
) -> Response:
    return site.page(
        "preferences.html",
        status=400 if problem else 200,
        private=True,
        who=who,
        subscriptions=_kept(who),
        done=done,
        problem=problem,
    )


def _kept(who: Subscriber) -> list[Subscription]:
    return [one for one in who.subscriptions if one.state is not SubscriptionState.ENDED]


def _manager(site: Site, token: str) -> Subscriber:
    """Whose preferences a link opens."""
    parts = site.parts
    who = flow.managing(token, store=parts.subscribers, settings=parts.settings, now=parts.now())
    if who is None:
        raise NotFoundError(OLD_LINK)
    return who


def _own(who: Subscriber, word: str) -> Subscription:
    for one in _kept(who):
        if str(one.id) == word:
            return one
    raise UsageError("没有这项订阅 · there is no such subscription")


def _what(word: str) -> flow.Change:
    try:
        return flow.Change(word)
    except ValueError as error:
        raise UsageError("未知的操作 · there is no such action") from error


def _frequency(values: list[str]) -> Frequency:
    try:
        return Frequency(values[-1])
    except ValueError as error:
        choices = ", ".join(one.value for one in Frequency)
        raise UsageError(
            f"frequency: 频率须为 {choices} 之一 · must be one of {choices}"
        ) from error


def _number(form: dict[str, str], name: str) -> int:
    word = form.get(name, "")
    if not (word.isascii() and word.isdigit() and len(word) <= 2):  # noqa: PLR2004  # 0 to 59
        raise UsageError(f"{name}: 须为整数 · must be a number")
    return int(word)
