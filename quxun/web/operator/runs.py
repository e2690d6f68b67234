"""Runs and mails: what was planned, where each mail is, and sending one again."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Request, Response

from aggregator.errors import ConflictError, UsageError
from aggregator.model import Frequency, MailId, RunId
from aggregator.store.mails import PAGE
from quxun.web.operator.page import OPERATOR, back, form_of, number, page
from quxun.web.operator.words import MAIL_STATES
from quxun.web.site import Site
from quxun.web.words import FREQUENCIES

_RUNS = 20
#: A mail is shown alone in a sandbox: no script, nothing from elsewhere, no link that leads out.
_HTML_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
)
#: The signed part of a reader's own links is longer than any name of ours.
_SIGNED = r"((?:/[a-z-]+)+/)[\w.~=-]{40,}"


def add(routes: APIRouter, site: Site) -> None:
    """Add the routes of this module."""

    @routes.get("/operator/runs")
    def listing(request: Request) -> Response:
        return _listing(site, request)

    @routes.get("/operator/runs/{run}")
    def run(request: Request, run: str) -> Response:
        run_id = RunId(_id(run))
        runs = site.parts.runs
        return page(
            site,
            request,
            "run.html",
            run=runs.run(run_id),
            domains=runs.domains(run_id, site.parts.now()),
        )

    @routes.post("/operator/runs/{run}")
    def switch(request: Request, run: str) -> Response:
        run_id, form, now = RunId(_id(run)), form_of(request), site.parts.now()
        if form.get("act") == "hold":
            why = form.get("why", "").strip()
            if not why:
                raise UsageError("请写明原因 · say why")
            site.parts.holds.hold_run(run_id, why, who=OPERATOR, now=now)
        else:
            site.parts.holds.release_run(run_id, who=OPERATOR, now=now)
            site.parts.bell.ring("mail.deliver")
        return back(f"/operator/runs/{run_id}")

    _add_mails(routes, site)


def _add_mails(routes: APIRouter, site: Site) -> None:
    """Mails of a run and of none, one mail, and sending it again."""

    @routes.get("/operator/runs/{run}/mails")
    def mails_of(request: Request, run: str) -> Response:
        return _mails(site, request, RunId(_id(run)))

    @routes.get("/operator/mails")
    def mails(request: Request) -> Response:
        return _mails(site, request, None)

    @routes.get("/operator/mails/{mail}")
    def mail(request: Request, mail: str) -> Response:
        return _mail(site, request, MailId(_id(mail)))

    @routes.get("/operator/mails/{mail}/html")
    def html(mail: str) -> Response:
        words = site.parts.runs.words(MailId(_id(mail)))
        body = _masked(words.html, site)
        headers = {
            "Content-Security-Policy": _HTML_POLICY,
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
        }
        return Response(body.encode(errors="replace"), 200, headers, "text/html; charset=utf-8")

    @routes.post("/operator/mails/{mail}/resend")
    def resend(request: Request, mail: str) -> Response:
        mail_id, form = MailId(_id(mail)), form_of(request)
        parts = site.parts
        row = parts.runs.mail(mail_id)
        if row.state == "sent" and form.get("again") != "yes":
            return _mail(site, request, mail_id, ask=True)
        try:
            parts.runs.resend(
                mail_id, again=form.get("again") == "yes", who=OPERATOR, now=parts.now()
            )
        except ConflictError as error:
            return _mail(site, request, mail_id, problem=str(error))
        parts.bell.ring("mail.deliver")
        parts.bell.ring("push.channels")  # it may be a chat's
        return back(f"/operator/mails/{mail_id}")

    @routes.post("/operator/mails/{mail}/dismiss")
    def dismiss(request: Request, mail: str) -> Response:
        mail_id, parts = MailId(_id(mail)), site.parts
        try:
            parts.unsettled.dismiss(mail_id, who=OPERATOR, now=parts.now())
        except ConflictError as error:
            return _mail(site, request, mail_id, problem=str(error))
        return back(f"/operator/mails/{mail_id}")


def _listing(site: Site, request: Request) -> Response:
    asked = request.query_params
    frequency = next((one for one in Frequency if one.value == asked.get("frequency")), None)
    empty = asked.get("all") == "1"
    before_id = number(asked.get("before"))
    runs = site.parts.runs
    before = runs.run(RunId(before_id)).due_at if before_id else None
    found = runs.runs(frequency=frequency, empty=empty, before=before, limit=_RUNS + 1)
    chosen = _query(frequency=frequency and frequency.value, all="1" if empty else None)
    choices = [
        ("", ("有邮件的", "with mail")),
        *((f"?frequency={one.value}", label) for one, label in FREQUENCIES.items()),
        ("?all=1", ("全部", "all")),
    ]
    older = None
    if len(found) > _RUNS:
        older = "/operator/runs" + _query(
            frequency=frequency and frequency.value,
            all="1" if empty else None,
            before=str(found[_RUNS - 1].id),
        )
    return page(
        site, request, "runs.html",
        runs=found[:_RUNS], choices=choices, chosen=chosen, older=older,
    )  # fmt: skip


def _mails(site: Site, request: Request, run_id: RunId | None) -> Response:
    asked = request.query_params
    state = asked.get("state")
    if state not in MAIL_STATES:
        state = None
    domain = (asked.get("domain") or "")[:255] or None
    before = number(asked.get("before"))
    found = site.parts.runs.mails(
        run_id=run_id, state=state, domain=domain,
        before=MailId(before) if before else None, limit=PAGE + 1,
    )  # fmt: skip
    here = f"/operator/runs/{run_id}/mails" if run_id else "/operator/mails"
    older = None
    if len(found) > PAGE:
        older = here + _query(state=state, domain=domain, before=str(found[PAGE - 1].id))
    return page(
        site, request, "mails.html",
        mails=found[:PAGE], run_id=run_id, state=state, domain=domain, here=here, older=older,
    )  # fmt: skip


def _mail(
    site: Site,
    request: Request,
    mail_id: MailId,
    *,
    ask: bool = False,
    problem: str | None = None,
) -> Response:
    runs = site.parts.runs
    words = runs.words(mail_id)
    return page(
        site,
        request,
        "mail.html",
        status=409 if problem else 200,
        mail=runs.mail(mail_id),
        waits=site.parts.unsettled.waits(mail_id, site.parts.now()),
        subject=words.subject,
        text=_masked(words.text, site),
        has_html=bool(words.html),
        items=runs.items(mail_id),
        ask=ask,
        problem=problem,
    )


def _masked(words: str, site: Site) -> str:
    """A mail's words without the reader's own links: an operator must not press their buttons."""
    ours = re.escape(site.parts.settings.public_url)
    return re.sub(f"({ours}){_SIGNED}", r"\1\2…", words)


def _query(**pairs: str | None) -> str:
    said = {name: value for name, value in pairs.items() if value}
    return f"?{urlencode(said)}" if said else ""


def _id(word: str) -> int:
    found = number(word)
    if found is None:
        raise HTTPException(404)
    return found
