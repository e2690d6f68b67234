"""The links of mails that open one's own choices: a look changes nothing, a button does."""

from __future__ import annotations

import json
from datetime import date, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from aggregator import filters
from aggregator.errors import NotFoundError, UsageError
from aggregator.flow import choices as flow
from aggregator.flow import moving as moving_flow
from aggregator.model import Addition, Filter, Subscriber, Subscription, SubscriptionState
from aggregator.notify import Question, shown_address
from aggregator.wishes import check_wish
from quxun.web import moving, stopping
from quxun.web.http import check_same_site, network_of, read_form
from quxun.web.letters import (
    OLD_LINK,
    WISH_FIELDS,
    ZONES,
    answer_of,
    choices_of,
    frequency_of,
    kept,
    tried,
)
from quxun.web.site import Site, form_values

#: What every request to move is answered, whoever lives at the new address.
MOVE_SENT = (
    "如果新邮箱可以收信，确认邮件已在路上：打开信中的链接并按按钮后才会改送。"
    " · If mail can reach the new address, a confirming mail is on its way there; nothing moves before."
)
#: What adding a wish came to.
ADDED = {
    Addition.NEW: "已添加 Added",
    Addition.THERE: "这项订阅已经有了，没有重复添加 · You have this one already; nothing was added",
    Addition.RESUMED: "这项订阅原已暂停，现已恢复 · You had this one, paused; it goes on now",
}
ERASED = "您的资料已全部删除。 · All that was known of you is deleted."


def router(site: Site) -> APIRouter:
    """The routes of this module."""
    routes = APIRouter()

    @routes.get("/preferences/{token}")
    def preferences(token: str) -> Response:
        return _page(site, token, _manager(site, token))

    @routes.post("/preferences/{token}")
    async def change(token: str, request: Request) -> Response:
        check_same_site(request, site.parts.settings.public_url)
        form = await read_form(request)
        return await run_in_threadpool(_change, site, token, request, form)

    @routes.get("/preferences/{token}/data.json")
    def data(token: str) -> Response:
        held = flow.export(_manager(site, token), persons=site.parts.persons)
        return Response(
            json.dumps(held, ensure_ascii=False, indent=2).encode("utf-8", "replace"),
            headers={
                "Content-Disposition": 'attachment; filename="quxun-my-data.json"',
                "Cache-Control": "no-store",
                "Referrer-Policy": "no-referrer",
                "X-Robots-Tag": "noindex, nofollow",
            },
            media_type="application/json; charset=utf-8",
        )

    stopping.add(routes, site)
    moving.add(routes, site)
    return routes


def _change(site: Site, token: str, request: Request, pairs: list[tuple[str, str]]) -> Response:
    who = _manager(site, token)
    form = dict(pairs)
    act = form.get("act", "")
    try:
        if act == "try":
            return _page(site, token, who, pairs=pairs, trying=True)
        if act == "move":
            return _ask_move(site, token, who, request, form)
        if act == "erase":
            _need_tick(form)
            site.parts.subscribers.erase(who.id)
            return site.message("已删除 Erased", ERASED, private=True)
        done = _apply(site, who, pairs, form, act)
    except UsageError as error:
        return _page(site, token, who, problem=str(error), pairs=pairs)
    if act == "revoke":
        return site.message("旧链接已作废 Revoked", done, private=True)
    return _page(site, token, _manager(site, token), done=done)


def _need_tick(form: dict[str, str]) -> None:
    """Refuse what cannot be undone to whoever did not say that they know."""
    if "sure" not in form:
        raise UsageError(
            "删除后不能恢复：请先勾选“我明白删除后不能恢复”"
            " · nothing was erased: tick that you know that it cannot be undone"
        )


def _apply(
    site: Site, who: Subscriber, pairs: list[tuple[str, str]], form: dict[str, str], act: str
) -> str:
    """Do what one form of the preferences asks, to the bearer's own subscriptions only.

    Returns:
        What to say about it.
    """
    store, persons, now = site.parts.subscribers, site.parts.persons, site.parts.now()
    match act:
        case "when":
            flow.choose(who, choices_of(form), store=store)
            done = "送达时间已保存 Saved"
        case "stop-all":
            store.end(who.id, reason="preferences", now=now)
            done = "已停止全部订阅 All stopped"
        case "revoke":
            flow.revoke(who, persons=persons)
            done = (
                "此前发出的设置链接都不能再用；退订链接照常有效。需要时可在订阅页重新索取。"
                " · No link to your choices that is out opens them any more; links to stop go on."
            )
        case "add":
            frequency = frequency_of([form.get("frequency", "daily")])
            done = ADDED[flow.add_wish(who, _wish(pairs), frequency, store=persons, now=now)]
        case _:
            done = _apply_to_one(site, who, pairs, form, act)
    return done


def _apply_to_one(
    site: Site, who: Subscriber, pairs: list[tuple[str, str]], form: dict[str, str], act: str
) -> str:
    store, now = site.parts.subscribers, site.parts.now()
    what = None if act in ("filter", "pause", "frequency") else _what(act)
    one = _own(who, form.get("id", ""))
    if act == "filter":
        wish = filters.parse_query(form["query"]) if "query" in form else _wish(pairs)
        check_wish(wish)
        store.set_wish(one.id, wish, now)
        return "条件已更改，从现在起按新的条件 Changed from now on"
    if act == "pause":
        until = _day(form.get("until", ""))
        flow.pause_until(who, one.id, until, store=store, now=now)
        return "已暂停 Paused"
    if what is None:
        what = _what(frequency_of([form.get("frequency", "")]).value)
    flow.apply(who, one.id, what, store=store, now=now)
    return "已保存 Saved"


def _ask_move(
    site: Site, token: str, who: Subscriber, request: Request, form: dict[str, str]
) -> Response:
    parts = site.parts
    question = moving_flow.ask_move(
        who,
        form.get("email", ""),
        store=parts.subscribers,
        persons=parts.persons,
        outbox=parts.outbox,
        env=parts.templates_or_fail(),
        settings=parts.settings,
        now=parts.now(),
        network=network_of(request),
        answer=answer_of(form),
    )
    if question:
        return _page(site, token, who, question=question, email=form.get("email", ""))
    parts.bell.ring("mail.deliver")
    return _page(site, token, who, done=MOVE_SENT)


def _page(
    site: Site,
    token: str,
    who: Subscriber,
    *,
    done: str | None = None,
    problem: str | None = None,
    pairs: list[tuple[str, str]] | None = None,
    trying: bool = False,
    question: Question | None = None,
    email: str = "",
) -> Response:
    typed = dict(pairs or ())
    wanted = Filter()
    if trying:
        wanted = _wish(pairs or [])
    trial, trouble = tried(site, wanted) if trying else (None, None)
    mine = [one for one in kept(who) if one.state is not SubscriptionState.PENDING]
    forms = {one.id: form_values([], one.wish.filter, None) for one in mine}
    typed_form = form_values(pairs or [], wanted, problem or ("typed" if trying else None))
    edited = typed.get("id", "")
    if trying or problem:
        forms = {key: typed_form if str(key) == edited else form for key, form in forms.items()}
    return site.page(
        "preferences.html",
        status=400 if problem else 200,
        private=True,
        who=who,
        address=shown_address(who.email),
        token=token,
        subscriptions=mine,
        ended=[one for one in who.subscriptions if one.state is SubscriptionState.ENDED],
        forms=forms,
        blank=form_values([], Filter(), None) if edited or not pairs else typed_form,
        edited=edited,
        adding=bool((trying or problem) and not edited and typed.get("act") in {"try", "add"}),
        trial=trial,
        trial_problem=trouble,
        trial_query=f"?{urlencode(filters.pairs_of(wanted))}",
        chosen=typed.get("frequency", "daily"),
        done=done,
        problem=problem,
        question=question,
        new_email=email,
        zones=ZONES,
        regions=site.watched_regions(),
        tomorrow=site.parts.now().astimezone(ZoneInfo(who.timezone)).date() + timedelta(days=1),
    )


def _wish(pairs: list[tuple[str, str]]) -> Filter:
    return filters.parse_filter((k, v) for k, v in pairs if k in WISH_FIELDS)


def _manager(site: Site, token: str) -> Subscriber:
    """Whose preferences a link opens."""
    parts = site.parts
    who = flow.managing(token, store=parts.subscribers, settings=parts.settings, now=parts.now())
    if who is None:
        raise NotFoundError(OLD_LINK)
    return who


def _own(who: Subscriber, word: str) -> Subscription:
    for one in kept(who):
        if str(one.id) == word:
            return one
    raise UsageError("没有这项订阅 · there is no such subscription")


def _what(word: str) -> flow.Change:
    try:
        return flow.Change(word)
    except ValueError as error:
        raise UsageError("未知的操作 · there is no such action") from error


def _day(word: str) -> date | None:
    """A day of a form; None when it was left out.

    Raises:
        UsageError: when it is none.
    """
    if not word.strip():
        return None
    try:
        return date.fromisoformat(word.strip())
    except ValueError as error:
        raise UsageError("暂停到：请写 YYYY-MM-DD · pause until: write YYYY-MM-DD") from error
