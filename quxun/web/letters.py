"""Subscribing: trying a wish, signing up, confirming; a look changes nothing, a button does."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from aggregator import filters
from aggregator.errors import NotFoundError, UsageError
from aggregator.flow import subscribe as flow
from aggregator.flow.subscribe import house_of
from aggregator.model import (
    Announcement,
    Choices,
    Filter,
    Frequency,
    Subscriber,
    Subscription,
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
    " 同一地址 10 分钟内至多一封，24 小时内至多三封；同一网络（如一间办公室）一小时内至多十封，过后再试"
    " · one in 10 minutes and three a day at most for an address, ten an hour for a network."
)
#: Said to everybody, too: nobody learns whose mail came back.
TRY_AGAIN = (
    "这个地址以前收不到我们的信（信箱满、停用过）？再试一次 · Did our mail to this address fail before"
    " (mailbox full or closed)? Try again"
)
SENT_AGAIN = (
    "如果发往这个地址的信曾被退回，我们已再试一次：每个地址 7 天内至多一封。请在 48 小时内打开信中的链接并确认，"
    "之后就恢复发信。仍未收到，请写信给页脚的联系人。 · If mail to this address failed before, one more is on its"
    " way, at most one in 7 days; confirm within 48 hours and you will get mail again."
)
LINK_SENT = (
    "如果这个地址有订阅，设置链接已在路上（10 分钟内至多一封，24 小时内至多三封；同一网络一小时内至多十封）。"
    " · If this address has a subscription, the link is on its way (ten an hour for a network at most)."
)
#: What a second press, or a look afterwards, is told; the link opens nothing any more.
CONFIRMED_BEFORE = (
    "已经确认过 Confirmed already",
    (
        "这个链接已经确认过订阅，不必再按。每封信里都有设置与退订的链接。"
        " · This link has confirmed already; every mail has links to your choices and to stop."
    ),
)
#: The newest notices that the page after confirming shows, of so many wishes at most.
LATEST = 10
WISHES_SHOWN = 5
WISH_FIELDS = frozenset(filters.FIELDS)
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
        pairs = [(k, v) for k, v in query_pairs(request) if k in WISH_FIELDS]
        again = "again" in dict(query_pairs(request))
        trying = not again and any(value.strip() for _, value in pairs)
        return _form_page(site, pairs, trying=trying, again=again)

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
        if flow.was_confirmed(token, store=parts.subscribers, now=parts.now()):
            return site.message(*CONFIRMED_BEFORE, private=True)
        who = flow.confirming(token, store=parts.subscribers, now=parts.now())
        if who is None:
            raise NotFoundError(OLD_LINK)
        return site.page(
            "act.html",
            private=True,
            title="确认订阅 Confirm",
            line="按下按钮后开始发信。没有订阅过？关掉本页即可，什么也不会发生。"
            " · Press the button to start; if you did not ask for this, just close the page.",
            subscriptions=who.subscriptions,
            field=("confirm", "yes"),
            button="确认订阅 Confirm",
            single=False,
        )

    @routes.post("/confirm/{token}")
    async def confirm(token: str, request: Request) -> Response:
        check_same_site(request, site.parts.settings.public_url)
        await read_body(request)
        return await run_in_threadpool(_confirm, site, token, client_of(request))


def _form_page(
    site: Site,
    pairs: list[tuple[str, str]],
    *,
    problem: str | None = None,
    trying: bool = False,
    question: Question | None = None,
    linking: bool = False,
    again: bool = False,
) -> Response:
    """The form as it was filled in, perhaps with what the wish would have brought."""
    typed = dict(pairs)
    wanted = Filter()
    if problem is None:
        try:
            wanted = filters.parse_filter((k, v) for k, v in pairs if k in WISH_FIELDS)
        except UsageError as error:
            problem = str(error)
    trial, trouble = tried(site, wanted) if trying and problem is None else (None, None)
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
        again=again or "again" in typed,
        email=typed.get("email", ""),
        chosen=typed.get("frequency", Frequency.DAILY.value),
        when=when_of(typed),
        when_open=any(name in typed for name in ("hour", "timezone")),
        zones=ZONES,
        regions=site.watched_regions(),
    )


def tried(site: Site, wanted: Filter) -> tuple[Trial | None, str | None]:
    """What a wish would have brought, or why that cannot be told."""
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
        frequency = frequency_of(
            [value for name, value in pairs if name == "frequency"] or ["daily"]
        )
        wanted = filters.parse_filter((k, v) for k, v in pairs if k in WISH_FIELDS)
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
            choices=choices_of(typed),
            answer=answer_of(typed),
            again=_again(site) if "again" in typed else None,
        )
    except UsageError as error:
        return _form_page(site, pairs, problem=str(error))
    if question:
        return _form_page(site, pairs, question=question)
    parts.bell.ring("mail.deliver")
    if "again" in typed:
        return site.message("请查收确认邮件 Check your mail", SENT_AGAIN)
    wishes = urlencode([("again", "1"), *((k, v) for k, v in pairs if k in WISH_FIELDS and v)])
    return site.message(
        "请查收确认邮件 Check your mail", SENT, links=[(f"/subscribe?{wishes}", TRY_AGAIN)]
    )


def _again(site: Site) -> Callable[[str, str], bool]:
    """Whether one mail may go to an address in spite of a bounce."""
    parts = site.parts
    return lambda address, key: parts.suppressions.may_try(address, key, parts.now())


def answer_of(typed: dict[str, str]) -> tuple[str, str] | None:
    """The ticket and the answer of a question, if one was asked."""
    ticket = typed.get("question")
    return (ticket, typed.get("answer", "")) if ticket else None


def choices_of(typed: dict[str, str]) -> Choices:
    """When and in which language, as far as it was said."""
    return Choices(
        hour=number(typed, "hour") if typed.get("hour") else None,
        minute=number(typed, "minute") if typed.get("minute") else None,
        weekday=number(typed, "weekday") if typed.get("weekday") else None,
        timezone=typed.get("timezone", "").strip() or None,
        language=typed.get("language") or None,
        reminders=typed["reminders"] == "yes" if "reminders" in typed else None,
    )


def when_of(typed: dict[str, str]) -> Choices:
    """What the form shows of it: as typed, else as it is for who says nothing."""
    try:
        said = choices_of(typed)
    except UsageError:
        said = Choices()
    return Choices(
        hour=8 if said.hour is None else said.hour,
        minute=30 if said.minute is None else said.minute,
        weekday=said.weekday or 0,
        timezone=said.timezone or "Asia/Shanghai",
        language=said.language or "zh",
        reminders=bool(said.reminders),
    )


def _confirm(site: Site, token: str, ip: str | None) -> Response:
    """Confirm, and show what there was lately: a page, no mail, for all that came before."""
    parts = site.parts
    now = parts.now()
    who = flow.confirm(token, store=parts.subscribers, now=now, ip=ip)
    if who is None:
        if flow.was_confirmed(token, store=parts.subscribers, now=now):
            return site.message(*CONFIRMED_BEFORE, private=True)
        raise NotFoundError(OLD_LINK)
    active = [one for one in who.subscriptions if one.state is SubscriptionState.ACTIVE]
    latest: dict[int, Announcement] = {}
    for one in active[:WISHES_SHOWN]:
        with suppress(UsageError):  # too wide to look for; the page does without
            found = parts.announcements.find(one.wish.filter, limit=LATEST)
            latest |= {notice.id: notice for notice in found}
    return site.page(
        "welcome.html",
        private=True,
        who=who,
        subscriptions=active,
        latest=sorted(latest.values(), key=_posted, reverse=True)[:LATEST],
        choices_url=house_of(parts.settings)
        .preferences(who, now)
        .removeprefix(parts.settings.public_url),
    )


def _posted(one: Announcement) -> datetime:
    return one.draft.posted_at or one.first_seen_at


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
        answer=answer_of(dict(pairs)),
    )
    if question:
        return _form_page(site, [], question=question, linking=True)
    parts.bell.ring("mail.deliver")
    return site.message("请查收邮件 Check your mail", LINK_SENT)


def frequency_of(values: list[str]) -> Frequency:
    """The frequency that a form says, its last.

    Raises:
        UsageError: when there is no such frequency.
    """
    try:
        return Frequency(values[-1])
    except ValueError as error:
        choices = ", ".join(one.value for one in Frequency)
        raise UsageError(
            f"frequency: 频率须为 {choices} 之一 · must be one of {choices}"
        ) from error


def kept(who: Subscriber) -> list[Subscription]:
    """The subscriptions that have not ended."""
    return [one for one in who.subscriptions if one.state is not SubscriptionState.ENDED]


def number(form: dict[str, str], name: str) -> int:
    """A small number of a form.

    Raises:
        UsageError: when it is none.
    """
    word = form.get(name, "")
    if not (word.isascii() and word.isdigit() and len(word) <= 2):  # noqa: PLR2004  # 0 to 59
        raise UsageError(f"{name}: 须为整数 · must be a number")
    return int(word)
