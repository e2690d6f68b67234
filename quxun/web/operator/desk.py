"""Is all well this morning? Alarms, the switch over all mail, wishes, suppressions, the audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from fastapi import APIRouter, Request, Response

from aggregator.alarms import Alarm
from aggregator.errors import UsageError
from aggregator.notify import check_address
from aggregator.store.holds import Hold
from aggregator.store.runs import DAYS, Morning
from quxun.web.operator.page import OPERATOR, back, form_of, number, page
from quxun.web.operator.words import LIMITS, MAIL_STATES
from quxun.web.site import Site

#: A worker that beats every 15 s and was not heard for so long does not work.
SILENT = timedelta(seconds=90)
#: Mail that waits longer than this is stuck: what is put off is tried within six hours.
STUCK = timedelta(hours=8)
_SHOWN = 100
_DAY, _WEEK = timedelta(days=1), timedelta(days=7)
_NOT_SENT = ("queued", "claimed", "handed", "deferred", "failed", "ambiguous")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something that is not well, and where it is told."""

    chinese: str
    english: str
    href: str


def add(routes: APIRouter, site: Site) -> None:
    """Add the routes of this module."""

    @routes.get("/operator/")
    def overview(request: Request) -> Response:
        parts, now = site.parts, site.parts.now()
        morning = parts.runs.morning(now)
        hold, alarms = parts.holds.held(), parts.alarms.open_alarms()
        return page(
            site,
            request,
            "overview.html",
            troubles=troubles(morning, hold, alarms, parts.holds.held_runs(), now),
            runs=parts.runs.runs(limit=8),
            outbox={one: morning.states.get(one, 0) for one in _NOT_SENT},
            oldest=morning.oldest_waiting_at,
            days=DAYS,
            turned_away=_turned_away(site, now),
            canary=parts.canary.last() if parts.settings.canary else None,
        )

    @routes.get("/operator/audit")
    def audit(request: Request) -> Response:
        return page(site, request, "audit.html", deeds=site.parts.audit.last_deeds(_SHOWN))

    _add_switches(routes, site)
    _add_people(routes, site)


def _add_switches(routes: APIRouter, site: Site) -> None:
    """The hold over everything, and the alarms."""

    @routes.post("/operator/hold")
    def switch(request: Request) -> Response:
        form, now = form_of(request), site.parts.now()
        if form.get("act") == "hold":
            why = form.get("why", "").strip()
            if not why:
                raise UsageError("请写明原因 · say why")
            site.parts.holds.hold_all(why, who=OPERATOR, now=now)
        else:
            site.parts.holds.release_all(who=OPERATOR, now=now)
            site.parts.bell.ring("mail.deliver")
        return back("/operator/")

    @routes.get("/operator/alarms")
    def alarms(request: Request) -> Response:
        return page(site, request, "alarms.html", past=site.parts.alarms.last_alarms())

    @routes.post("/operator/alarms")
    def clear(request: Request) -> Response:
        kind, now = form_of(request).get("kind", ""), site.parts.now()
        done = site.parts.unsettled.dismiss_all(kind, who=OPERATOR, now=now)
        if site.parts.alarms.clear_alarm(kind) or done:
            site.parts.audit.note(who=OPERATOR, what="clear alarm", about=kind, now=now)
        return back("/operator/alarms")


def _add_people(routes: APIRouter, site: Site) -> None:
    """What is wished for, and who gets no mail."""

    @routes.get("/operator/wishes")
    def wishes(request: Request) -> Response:
        start = number(request.query_params.get("from")) or 0
        found = site.parts.people.wishes(start=start, limit=_SHOWN + 1)
        return page(
            site,
            request,
            "wishes.html",
            wishes=found[:_SHOWN],
            people=_people(site.parts.people.counts()),
            older=f"/operator/wishes?from={start + _SHOWN}" if len(found) > _SHOWN else None,
        )

    @routes.get("/operator/suppressions")
    def suppressions(request: Request) -> Response:
        return _suppressions(site, request)

    @routes.post("/operator/suppressions")
    def suppress(request: Request) -> Response:
        form, now = form_of(request), site.parts.now()
        try:
            email = check_address(form.get("email", ""))
        except UsageError as error:
            return _suppressions(site, request, problem=str(error))
        if form.get("act") == "lift":
            done = site.parts.people.lift(email, who=OPERATOR, now=now)
            said = "已解除 Lifted" if done else "名单里没有这个地址 It was not on the list"
        else:
            site.parts.people.suppress(email, who=OPERATOR, now=now)
            said = "已禁发 Suppressed"
        return _suppressions(site, request, done=said)


def troubles(
    morning: Morning,
    hold: Hold | None,
    alarms: Sequence[Alarm],
    held_runs: Sequence[int],
    now: datetime,
) -> list[Trouble]:
    """What is not well, the worst first; nothing where all is."""
    found: list[Trouble] = []

    def say(chinese: str, english: str, href: str) -> None:
        found.append(Trouble(chinese=chinese, english=english, href=href))

    for alarm in alarms:
        say(f"{alarm.meaning[0]}：{alarm.text}", alarm.meaning[1], "/operator/alarms")
    if hold:
        say("全部邮件已暂停", "all mail is held", "/operator/")
    for run in held_runs:
        say(f"批次 #{run} 已暂停", f"run {run} is held", f"/operator/runs/{run}")
    for run in morning.unplanned:
        say(f"批次 #{run} 到期未排", f"run {run} is not planned", f"/operator/runs/{run}")
    beat = morning.beats.get("worker")
    if beat is None or now - beat > SILENT:
        since = f"{beat:%Y-%m-%d %H:%M} UTC" if beat else "ever"
        say("后台进程没有心跳", f"no worker was heard since {since}", "/status")
    if morning.oldest_waiting_at and now - morning.oldest_waiting_at > STUCK:
        say(
            "有邮件滞留超过 8 小时", "mail has waited for more than 8 hours",
            "/operator/mails?state=deferred",
        )  # fmt: skip
    for state in ("failed", "ambiguous"):
        count = morning.states.get(state, 0)
        if count:
            label = MAIL_STATES[state]
            say(
                f"有 {count:,} 封邮件{label[0]}",
                f"{count:,} {label[1]}",
                f"/operator/mails?state={state}",
            )
    return found


def _turned_away(site: Site, now: datetime) -> list[tuple[tuple[str, str], list[tuple[int, int]]]]:
    """What each limit refused and asked within a day and a week; nothing where it was nothing."""
    spans = [site.parts.people.turned_away(now - span) for span in (_DAY, _WEEK)]
    if not any(any(counts) for counts in spans[-1].values()):
        return []
    return [(label, [counts[name] for counts in spans]) for name, label in LIMITS.items()]


def _people(counts: Mapping[str, int]) -> list[tuple[tuple[str, str], int]]:
    labels = {
        "confirmed": ("订阅者", "confirmed"),
        "pending": ("待确认", "pending"),
        "ended": ("已退订", "ended"),
        "immediate": ("即时", "immediate"),
        "daily": ("每日", "daily"),
        "weekly": ("每周", "weekly"),
    }
    return [(label, counts.get(name, 0)) for name, label in labels.items()]


def _suppressions(
    site: Site, request: Request, *, done: str | None = None, problem: str | None = None
) -> Response:
    return page(
        site,
        request,
        "suppressions.html",
        status=400 if problem else 200,
        suppressions=site.parts.people.suppressions(limit=_SHOWN),
        total=site.parts.people.suppressed_count(),
        done=done,
        problem=problem,
    )
