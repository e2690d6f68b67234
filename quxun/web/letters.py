"""Subscribing, and the links that stand in mails: a look changes nothing, a button does."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from aggregator import filters
from aggregator.errors import NotFoundError, UsageError
from aggregator.flow import subscribe as flow
from aggregator.model import Frequency, Subscriber, Subscription, SubscriptionState
from aggregator.notify import tokens
from quxun.web.http import check_same_site, query_pairs, read_body, read_form
from quxun.web.site import Site
from quxun.web.words import FREQUENCIES

OLD_LINK = "链接无效或已过期,请重新订阅或使用最近一封邮件里的链接 · this link is unknown or too old"
#: What every sign-up is answered, whoever it is: nobody learns who is subscribed.
SENT = (
    "如果这个地址可以收信,确认邮件已在路上。请在 48 小时内打开信中的链接,并在页面上按“确认订阅”。"
    " · If mail can reach this address, a confirming mail is on its way; confirm within 48 hours."
)
_WISH_FIELDS = set(filters.FIELDS)


def router(site: Site) -> APIRouter:
    """The routes of this module."""
    routes = APIRouter()

    @routes.get("/subscribe")
    def form(request: Request) -> Response:
        pairs = [(k, v) for k, v in query_pairs(request) if k in _WISH_FIELDS]
        return _form_page(site, pairs)

    @routes.post("/subscribe")
    async def sign_up(request: Request) -> Response:
        check_same_site(request, site.parts.settings.public_url)
        return await run_in_threadpool(_sign_up, site, request, await read_form(request))

    @routes.get("/confirm/{token}")
    def ask_confirm(token: str) -> Response:
        return _act(
            site,
            title="确认订阅 Confirm",
            line="按下按钮后开始发信。没有订阅过?关掉本页即可,什么也不会发生。"
            " · Press the button to start; if you did not ask for this, just close the page.",
            field=("confirm", "yes"),
            button="确认订阅 Confirm",
        )

    @routes.post("/confirm/{token}")
    async def confirm(token: str, request: Request) -> Response:
        check_same_site(request, site.parts.settings.public_url)
        await read_body(request)
        return await run_in_threadpool(_confirm, site, token, _address(request))

    @routes.get("/preferences/{token}")
    def preferences(token: str) -> Response:
        return _preferences_page(site, _manager(site, token))

    @routes.post("/preferences/{token}")
    async def change(token: str, request: Request) -> Response:
        check_same_site(request, site.parts.settings.public_url)
        return await run_in_threadpool(_change, site, token, await read_form(request))

    @routes.get("/unsubscribe/{token}")
    def ask_stop(token: str) -> Response:
        ticket = _ticket(site, token)
        what = FREQUENCIES[ticket.frequency][0] if ticket.frequency else "全部"
        return _act(
            site,
            title="退订 Unsubscribe",
            line=f"停止接收{what}邮件。随时可以重新订阅。 · Stop these mails.",
            field=("List-Unsubscribe", "One-Click"),
            button="确认退订 Unsubscribe",
        )

    @routes.post("/unsubscribe/{token}")
    async def stop(token: str, request: Request) -> Response:
        await read_body(request)
        return await run_in_threadpool(_stop, site, token)

    return routes


def _form_page(
    site: Site, pairs: list[tuple[str, str]], *, problem: str | None = None
) -> Response:
    shown: dict[str, list[str]] = {field: [] for field in filters.FIELDS}
    for name, value in pairs:
        if name in shown:
            shown[name].append(value)
    typed = dict(pairs)
    return site.page(
        "subscribe.html",
        status=400 if problem else 200,
        problem=problem,
        form=shown,
        email=typed.get("email", ""),
        chosen=typed.get("frequency", Frequency.DAILY.value),
        regions=site.watched_regions(),
    )


def _sign_up(site: Site, request: Request, pairs: list[tuple[str, str]]) -> Response:
    parts = site.parts
    emails = [value for name, value in pairs if name == "email"]
    try:
        if len(emails) != 1:
            raise UsageError("email: 请填写一个邮箱地址 · give one address")
        frequency = _frequency([value for name, value in pairs if name == "frequency"] or ["daily"])
        wanted = filters.parse_filter((k, v) for k, v in pairs if k in _WISH_FIELDS)
        flow.sign_up(
            emails[0],
            [wanted],
            frequency,
            store=parts.subscribers,
            outbox=parts.outbox,
            env=parts.templates_or_fail(),
            settings=parts.settings,
            now=parts.now(),
            ip=_address(request),
        )
    except UsageError as error:
        return _form_page(site, pairs, problem=str(error))
    parts.bell.ring("mail.deliver")
    return site.message("请查收确认邮件 Check your mail", SENT)


def _confirm(site: Site, token: str, ip: str | None) -> Response:
    parts = site.parts
    done = parts.subscribers.confirm(tokens.confirmation_hash(token), parts.now(), ip=ip)
    if done is None:
        raise NotFoundError(OLD_LINK)
    return site.message(
        "订阅已生效 Confirmed",
        "从现在起,新公告会按您选的频率送达;每封信里都有设置与退订的链接。"
        " · You will get what is announced from now on; every mail has a link to stop.",
        private=True,
    )


def _stop(site: Site, token: str) -> Response:
    """End at once what the link names; asked again, it says so again (RFC 8058)."""
    ticket = _ticket(site, token)
    parts = site.parts
    parts.subscribers.end(
        ticket.subscriber_id,
        frequency=ticket.frequency,
        subscription_id=ticket.subscription_id,
        reason="unsubscribed",
        now=parts.now(),
    )
    return site.message(
        "已退订 Unsubscribed", "不会再发送这类邮件。 · These mails have stopped.", private=True
    )


def _change(site: Site, token: str, pairs: list[tuple[str, str]]) -> Response:
    who = _manager(site, token)
    try:
        done = _apply(site, who, dict(pairs))
    except UsageError as error:
        return _preferences_page(site, who, problem=str(error))
    return _preferences_page(site, _manager(site, token), done=done)


def _apply(site: Site, who: Subscriber, form: dict[str, str]) -> str:
    """Do what one form of the preferences asks, to the bearer's own subscriptions only."""
    store, now, act = site.parts.subscribers, site.parts.now(), form.get("act", "")
    if act == "when":
        store.set_preferences(
            who.id,
            hour=_number(form, "hour", 23),
            minute=_number(form, "minute", 59),
            weekday=_number(form, "weekday", 6),
        )
        return "送达时间已保存 Saved"
    if act == "stop-all":
        store.end(who.id, reason="unsubscribed", now=now)
        return "已停止全部订阅 All stopped"
    one = _own(who, form.get("id", ""))
    if act == "frequency":
        store.set_frequency(one.id, _frequency([form.get("frequency", "")]))
    elif act == "filter":
        store.set_wish(one.id, filters.parse_query(form.get("query", "")), now)
    elif act == "pause":
        store.pause(one.id)
    elif act == "resume":
        store.resume(one.id, now)
    elif act == "stop":
        store.end(who.id, subscription_id=one.id, reason="unsubscribed", now=now)
    else:
        raise UsageError("未知的操作 · no such action")
    return "已保存 Saved"


def _preferences_page(
    site: Site, who: Subscriber, *, done: str | None = None, problem: str | None = None
) -> Response:
    kept = [one for one in who.subscriptions if one.state is not SubscriptionState.ENDED]
    return site.page(
        "preferences.html",
        status=400 if problem else 200,
        private=True,
        who=who,
        subscriptions=kept,
        done=done,
        problem=problem,
    )


def _act(site: Site, *, title: str, line: str, field: tuple[str, str], button: str) -> Response:
    return site.page(
        "act.html", private=True, title=title, line=line, field=field, button=button
    )


def _manager(site: Site, token: str) -> Subscriber:
    """Whose preferences a link opens; the store knows whether it was revoked."""
    ticket = _ticket(site, token, purpose=tokens.Purpose.MANAGE)
    try:
        who = site.parts.subscribers.get(int(ticket.subscriber_id))
    except NotFoundError as error:
        raise NotFoundError(OLD_LINK) from error
    if who.epoch != ticket.epoch:
        raise NotFoundError(OLD_LINK)
    return who


def _ticket(
    site: Site, token: str, *, purpose: tokens.Purpose = tokens.Purpose.STOP
) -> tokens.Ticket:
    parts = site.parts
    keys = tokens.Keys.of(parts.settings.secret_key.get_secret_value())
    ticket = tokens.read(keys, token, purpose=purpose, now=parts.now())
    if ticket is None:
        raise NotFoundError(OLD_LINK)
    return ticket


def _own(who: Subscriber, word: str) -> Subscription:
    for one in who.subscriptions:
        if str(one.id) == word and one.state is not SubscriptionState.ENDED:
            return one
    raise UsageError("没有这项订阅 · there is no such subscription")


def _frequency(values: list[str]) -> Frequency:
    try:
        return Frequency(values[-1])
    except ValueError as error:
        choices = ", ".join(one.value for one in Frequency)
        raise UsageError(f"frequency: 频率须为 {choices} 之一 · must be one of {choices}") from error


def _number(form: dict[str, str], name: str, most: int) -> int:
    word = form.get(name, "")
    if not (word.isascii() and word.isdigit() and int(word[:3]) <= most):
        raise UsageError(f"{name}: 须为 0 至 {most} 的整数 · must be a number from 0 to {most}")
    return int(word)


def _address(request: Request) -> str | None:
    return request.client.host if request.client else None
