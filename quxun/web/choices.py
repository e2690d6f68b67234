"""The links of mails that open one's own choices: a look changes nothing, a button does."""

from __future__ import annotations

import json
import re
from datetime import date
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from aggregator import filters
from aggregator.errors import NotFoundError, UsageError
from aggregator.flow import choices as flow
from aggregator.flow.subscribe import house_of
from aggregator.model import Filter, Subscriber, Subscription, SubscriptionId, SubscriptionState
from aggregator.notify import Question, shown_address
from aggregator.store.persons import WHYS
from quxun.web.http import check_same_site, network_of, read_body, read_form
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
#: A link to move is a word of 32 random bytes.
_MOVE_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
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

    _stop_routes(routes, site)
    _move_routes(routes, site)
    return routes


def _stop_routes(routes: APIRouter, site: Site) -> None:
    """Links to stop: for ever, by a button of ours or by the mailbox's own."""

    @routes.get("/unsubscribe/{token}")
    def ask_stop(token: str) -> Response:
        parts = site.parts
        found = flow.stopping(
            token, store=parts.subscribers, settings=parts.settings, now=parts.now()
        )
        if found is None:
            raise NotFoundError(OLD_LINK)
        return site.page("stop.html", private=True, subscriptions=found.subscriptions)

    @routes.post("/unsubscribe/{token}")
    async def stop(token: str, request: Request) -> Response:
        body = await read_body(request)
        return await run_in_threadpool(_stop, site, token, body)

    @routes.post("/unsubscribe/{token}/why")
    async def why(token: str, request: Request) -> Response:
        check_same_site(request, site.parts.settings.public_url)
        form = dict(await read_form(request))
        return await run_in_threadpool(_explain, site, token, form.get("why", ""))


def _move_routes(routes: APIRouter, site: Site) -> None:
    """The link that a new address gets."""

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
    if not _MOVE_TOKEN.fullmatch(token):
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
        "从现在起，订阅送到新邮箱；已送过的不会再送。 · Your mail comes to the new address now.",
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
    return site.page("stopped.html", private=True, token=token, whys=WHYS, thanks=False)


def _explain(site: Site, token: str, why: str) -> Response:
    parts = site.parts
    found = flow.stopping(token, store=parts.subscribers, settings=parts.settings, now=parts.now())
    if found is None:
        raise NotFoundError(OLD_LINK)
    if why not in WHYS:
        raise UsageError("请选一项 · choose one of the reasons")
    if found.subscriber:
        parts.persons.explain(found.subscriber.id, why, parts.now())
    return site.page("stopped.html", private=True, token=token, whys=(), thanks=True)


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
            flow.add_wish(who, _wish(pairs), frequency, store=persons, now=now)
            done = "已添加 Added"
        case _:
            done = _apply_to_one(site, who, pairs, form, act)
    return done


def _apply_to_one(
    site: Site, who: Subscriber, pairs: list[tuple[str, str]], form: dict[str, str], act: str
) -> str:
    store, now = site.parts.subscribers, site.parts.now()
    one = _own(who, form.get("id", ""))
    if act == "filter":
        wish = filters.parse_query(form["query"]) if "query" in form else _wish(pairs)
        store.set_wish(one.id, wish, now)
        return "条件已更改，从现在起按新的条件 Changed from now on"
    if act == "pause":
        until = _day(form.get("until", ""))
        flow.pause_until(who, one.id, until, store=store, now=now)
        return "已暂停 Paused"
    if act == "frequency":
        what = _what(frequency_of([form.get("frequency", "")]).value)
    else:
        what = _what(act)
    flow.apply(who, one.id, what, store=store, now=now)
    return "已保存 Saved"


def _ask_move(
    site: Site, token: str, who: Subscriber, request: Request, form: dict[str, str]
) -> Response:
    parts = site.parts
    question = flow.ask_move(
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
        today=site.parts.now().date(),
    )


def _choices_path(site: Site, who: Subscriber) -> str:
    settings = site.parts.settings
    whole = house_of(settings).preferences(who, site.parts.now())
    return whole.removeprefix(settings.public_url)


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
