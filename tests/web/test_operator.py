"""The operator's pages: closed to everybody else, and what is done there is done once and noted."""

from __future__ import annotations

import http.client
import re
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from pydantic import SecretStr
from selectolax.lexbor import LexborHTMLParser
from sqlalchemy import text

from aggregator.wiring import Parts
from quxun.web.app import create_app
from quxun.web.gate import PUBLIC
from quxun.web.operator.words import DEEDS

TOKEN = "the-operators-token-of-these-tests"
HOLDER = "/operator/hold"


@pytest.fixture
def web(served):
    """A server whose operator has a token."""
    return served(operator_token=SecretStr(TOKEN))


def log_in(web, token=TOKEN, **headers):
    answer = web.post("/operator/login", {"token": token}, **headers)
    cookie = answer.headers.get("set-cookie", "").partition(";")[0]
    return answer, cookie


class Desk:
    """A browser of the operator's: keeps the cookie, posts forms with their word."""

    def __init__(self, web):
        self.web = web
        answer, self.cookie = log_in(web)
        assert answer.status == 303

    def get(self, path, **headers):
        return self.web.ask(path, Cookie=self.cookie, **headers)

    @property
    def word(self):
        return re.search(r'name="word" value="(\w+)"', self.get("/operator/").text)[1]

    def post(self, path, form=None, **headers):
        return self.web.post(
            path, {"word": self.word, **(form or {})}, Cookie=self.cookie, **headers
        )


@pytest.fixture
def desk(web):
    return Desk(web)


def routes_of(app):
    for included in app.routes:
        for route in getattr(getattr(included, "original_router", None), "routes", []):
            assert isinstance(route, APIRoute)
            yield route


def test_every_route_is_on_the_public_list_or_closed(web):
    """Whoever adds a route and forgets to guard it has not opened it."""
    closed = 0
    app = create_app(Parts(settings=web.parts.settings, clock=lambda: web.time[0]))
    for route in routes_of(app):
        if route.path in PUBLIC:
            continue
        path = re.sub(r"\{[^}]*\}", "1", route.path)
        for method in route.methods - {"HEAD"}:
            answer = web.ask(
                path, method, b"act=hold" if method == "POST" else None,
                Content_Type="application/x-www-form-urlencoded",
            )  # fmt: skip
            assert answer.status in {303, 401, 403}, (method, path, answer.status)
            if answer.status == 303:
                assert answer.headers["location"] == "/operator/login"
            assert "set-cookie" not in answer.headers
            closed += 1
    assert closed >= 15
    assert {one for one in PUBLIC if one.startswith("/operator")} == {"/operator/login"}


def test_a_route_that_nobody_listed_is_closed(served, monkeypatch):
    """The default is deny: not by a decorator that one can forget."""
    from types import SimpleNamespace

    from fastapi import APIRouter

    from quxun.web import app as module

    routes = APIRouter()
    routes.add_api_route("/forgotten", lambda: "secret", methods=["GET", "POST"])
    new = SimpleNamespace(router=lambda _site: routes)
    monkeypatch.setattr(module, "_ROUTES", (*module._ROUTES, new))
    web = served()
    looked, acted = web.ask("/forgotten"), web.post("/forgotten", {})

    assert (looked.status, acted.status) == (303, 401)
    assert b"secret" not in looked.body + acted.body


def test_the_token_opens_and_the_session_ends(web, desk):
    """In, out; idle for half an hour; twelve hours at most; never with the cookie of before."""
    assert desk.get("/operator/").status == 200
    assert "HttpOnly" in log_in(web)[0].headers["set-cookie"]
    assert "SameSite=lax" in log_in(web)[0].headers["set-cookie"]

    web.pass_time(timedelta(minutes=29))
    assert desk.get("/operator/").status == 200
    web.pass_time(timedelta(minutes=29))
    assert desk.get("/operator/").status == 200
    web.pass_time(timedelta(minutes=31))
    assert desk.get("/operator/").status == 303

    late = Desk(web)
    for _ in range(25):
        web.pass_time(timedelta(minutes=29))
        last = late.get("/operator/").status
    assert last == 303

    out = Desk(web)
    assert out.post("/operator/logout").status == 303
    assert out.get("/operator/").status == 303


def test_a_login_gives_a_new_session_and_ends_the_old_one(web):
    """A session that somebody planted before is not the one that is opened."""
    _, first = log_in(web)
    _, second = log_in(web, Cookie=first)

    assert first != second
    assert web.ask("/operator/", Cookie=first).status == 303
    assert web.ask("/operator/", Cookie=second).status == 200
    _, planted = log_in(web, Cookie="quxun-operator=planted")
    assert "planted" not in planted


def test_what_the_database_holds_opens_nothing(web, desk, engine):
    """A stolen backup has no session in it, and a new token ends those there are."""
    kept = desk.cookie.partition("=")[2]
    with engine.connect() as connection:
        [hashed] = connection.execute(text("select id_hash from operator_sessions")).scalars()

    assert kept.encode() not in bytes(hashed)
    for forged in (hashed.hex(), kept[:-1], kept + "A", ""):
        assert web.ask("/operator/", Cookie=f"quxun-operator={forged}").status == 303
    web.parts.__dict__.pop("sessions")
    web.parts.settings.__dict__["operator_token"] = SecretStr("another-token-of-the-operators")
    assert desk.get("/operator/").status == 303


def test_wrong_tokens_are_counted_and_the_right_one_waits_too(web):
    """Five tries in fifteen minutes; who guesses does not learn that they were right."""
    for _ in range(5):
        assert log_in(web, "guess-guess-guess-guess")[0].status == 401
    limited, cookie = log_in(web)
    assert (limited.status, cookie) == (429, "")
    assert 0 < int(limited.headers["retry-after"]) <= 900

    web.pass_time(timedelta(minutes=15, seconds=1))
    assert log_in(web)[0].status == 303
    for _ in range(30):
        assert log_in(web)[0].status == 303


def test_many_guesses_at_once_are_not_more(web):
    """The count is taken before the look, so a crowd gets five, too."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda n: log_in(web, f"guess number {n}")[0].status, range(24)))

    assert sorted(statuses) == [401] * 5 + [429] * 19


def test_without_a_token_nobody_logs_in(served):
    """An empty setting closes the pages; an empty field opens none."""
    web = served()

    assert web.post("/operator/login", {"token": ""}).status == 403
    assert web.ask("/operator/", Cookie="quxun-operator=").status == 303


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "same-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Sec_Fetch_Site": "same-origin", "Origin": "http://quxun.example"}, 303),
        ({}, 303),
    ],
)
def test_another_site_cannot_act_for_the_operator(desk, headers, status):
    """A page elsewhere that posts our form with the operator's cookie changes nothing."""
    answer = desk.post(HOLDER, {"act": "hold", "why": "x"}, **headers)

    assert answer.status == status
    assert (desk.web.parts.holds.held() is not None) == (status == 303)


def test_a_form_without_its_word_changes_nothing(web, desk):
    """The word is the session's own, so no other session's will do."""
    other = Desk(web).word
    for word in ("", "0" * 64, other):
        form = {"word": word, "act": "hold", "why": "x"}
        assert web.post(HOLDER, form, Cookie=desk.cookie).status == 403
    assert web.parts.holds.held() is None


def test_over_plain_http_from_elsewhere_nobody_logs_in(web):
    """A token must not travel in the clear; on this machine it does not travel."""
    client = http.client.HTTPConnection("127.0.0.1", web.port, timeout=60)
    client.putrequest("GET", "/operator/login", skip_host=True)
    client.putheader("Host", "quxun.example")
    client.endheaders()

    assert client.getresponse().status == 403
    client.close()


def test_over_https_the_cookie_is_bound_to_the_host(served):
    """``__Host-``: no other host and no clear text ever sees or sets it."""
    web = served(public_url="https://quxun.example", operator_token=SecretStr(TOKEN))
    answer, cookie = log_in(web)
    whole = answer.headers["set-cookie"]

    assert cookie.startswith("__Host-quxun=")
    assert "Secure" in whole
    assert "Path=/" in whole
    assert "Domain" not in whole
    assert web.ask("/operator/", Cookie=cookie).status == 200


def test_no_page_of_the_operator_is_kept_or_framed(desk):
    """A shared computer's cache, a search engine, another site's frame: none has them."""
    for path in ("/operator/", "/operator/runs", "/operator/mails", "/operator/alarms",
                 "/operator/wishes", "/operator/suppressions", "/operator/audit"):  # fmt: skip
        answer = desk.get(path)
        assert answer.status == 200, path
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "script-src" not in answer.headers["content-security-policy"]
        assert desk.cookie.partition("=")[2] not in answer.text
        assert TOKEN not in answer.text


def test_a_hold_shows_everywhere_and_leaves_a_trace(web, desk):
    """Nobody must wonder in the evening why no mail left since the morning."""
    desk.post(HOLDER, {"act": "hold", "why": "数字有误 <b>"})

    for path in ("/operator/", "/operator/audit"):
        assert "数字有误 &lt;b&gt;" in desk.get(path).text
    assert "邮件已暂停发送" in web.ask("/status").text
    assert "数字有误" not in web.ask("/status").text
    desk.post(HOLDER, {"act": "release"})
    assert web.parts.holds.held() is None
    assert [one.what for one in web.parts.audit.last_deeds()] == ["release", "hold", "login"]


def test_every_deed_of_a_command_has_a_name_in_both_languages():
    """The page of deeds is read by who did not do them."""
    root = Path(__file__).resolve().parents[2] / "quxun" / "cli"
    text = "".join(one.read_text(encoding="utf-8") for one in sorted(root.glob("*.py")))
    written = set(re.findall(r'(?:deed|deed_of|note_deed)\(\s*parts, "([^"]+)"', text))

    assert len(written) > 20
    assert written <= set(DEEDS)


def test_an_operator_sees_whom_the_limits_turn_away(web, desk):
    """An office behind one address is answered as everybody is: only a count can tell of it."""
    assert "turned away" not in desk.get("/operator/").text
    for number in range(13):
        web.post("/subscribe", {"email": f"r{number}@office{number}.example"})

    rows = LexborHTMLParser(desk.get("/operator/").text).css("table tr")
    [network] = [one for one in rows if "同一网络" in one.text()]
    assert [cell.text() for cell in network.css("td.num")] == ["3", "3"]
    assert "\nquxun_sign_ups_refused_network 3\n" in web.ask("/metrics").text


def test_alarms_are_counted_for_all_and_told_to_the_operator(web, desk):
    """What an alarm says may name a domain or a run: that is nobody else's."""
    web.parts.alarms.raise_alarm("mail-relay", "smtp.secret.example answers 535")

    assert "secret.example" in desk.get("/operator/").text
    public = web.ask("/status").text
    assert "警报" in public
    assert "secret.example" not in public + web.ask("/metrics").text
    assert "quxun_alarms_open 1\n" in web.ask("/metrics").text
    desk.post("/operator/alarms", {"kind": "mail-relay"})
    assert web.parts.alarms.open_alarms() == []
    assert web.parts.audit.last_deeds()[0].about == "mail-relay"


def test_a_suppression_is_set_and_lifted_by_its_whole_address(web, desk):
    """The list shows parts only; who may act knows the address."""
    desk.post("/operator/suppressions", {"act": "suppress", "email": "Reader@Example.org"})
    listed = desk.get("/operator/suppressions").text

    assert "r…@example.org" in listed
    assert "reader@example.org" not in listed.lower()
    assert desk.post("/operator/suppressions", {"act": "lift", "email": "no"}).status == 400
    desk.post("/operator/suppressions", {"act": "lift", "email": "reader@example.org"})
    assert web.parts.people.suppressed_count() == 0
    assert {one.about for one in web.parts.audit.last_deeds()} == {"", "r…@example.org"}


TOKEN_OF_READER = "AXRva2VuLW9mLWEtcmVhZGVy" * 3


@pytest.fixture
def run(web, engine):
    """A run whose two mails were sent and refused: its number and theirs."""
    html = f'<p>江津区 <a href="http://quxun.example/unsubscribe/{TOKEN_OF_READER}">退订</a></p>'
    with engine.begin() as connection:
        number = connection.execute(
            text(
                "insert into runs (frequency, due_at, planned_at, people_due, people_planned)"
                " values ('daily', :at, :at, 9, 2) returning id"
            ),
            {"at": web.time[0]},
        ).scalar_one()
        mails = [
            connection.execute(
                text(
                    "insert into outbox (key, lane, state, recipient, mail, message_id,"
                    " created_at, due_at, run_id, domain, attempts, answer, sent_at) values"
                    " (:s, 2, :s, 'lisi@163.com', jsonb_build_object('subject', '区讯 <i>',"
                    " 'text', cast(:text as text), 'html', cast(:html as text)), :s, :at, :at,"
                    " :run, '163.com', 1, :answer, case when :s = 'sent' then :at end)"
                    " returning id"
                ),
                {
                    "s": state, "at": web.time[0], "run": number, "answer": answer,
                    "html": html + "<script>alert(1)</script>", "text": html,
                },
            ).scalar_one()
            for state, answer in (("sent", "250 ok"), ("failed", "554 DT:SPM <b>x</b>"))
        ]  # fmt: skip
    return number, *mails


def test_a_run_and_its_mails_are_shown_in_part(desk, run):
    """Counts, domains, answers; nobody's whole address, and no link that acts for a reader."""
    number, sent, failed = run
    pages = {
        path: desk.get(path)
        for path in (
            f"/operator/runs/{number}", f"/operator/runs/{number}/mails?state=failed",
            f"/operator/mails/{failed}", f"/operator/mails/{failed}/html", "/operator/runs",
            "/operator/", "/operator/mails",
        )
    }  # fmt: skip

    for path, page in pages.items():
        assert page.status == 200, path
        assert "lisi@163.com" not in page.text, path
        assert TOKEN_OF_READER not in page.text, path
        assert "<b>x</b>" not in page.text, path
    assert "554 DT:SPM &lt;b&gt;x" in pages[f"/operator/runs/{number}"].text
    assert "l…@163.com" in pages[f"/operator/mails/{failed}"].text
    assert "区讯 &lt;i&gt;" in pages[f"/operator/mails/{failed}"].text
    listed = pages[f"/operator/runs/{number}/mails?state=failed"].text
    assert f"/operator/mails/{failed}" in listed
    assert f"/operator/mails/{sent}" not in listed
    alone = pages[f"/operator/mails/{failed}/html"]
    assert "江津区" in alone.text
    assert alone.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    for path in (
        "/operator/runs/99",
        "/operator/mails/99",
        "/operator/runs/x",
        "/operator/mails/9e9",
    ):
        assert desk.get(path).status == 404


def test_a_failed_mail_is_sent_again_and_a_sent_one_after_a_second_question(web, desk, run):
    """One press, one mail; a slip of the hand on a sent one is asked about first."""
    _, sent, failed = run

    assert desk.post(f"/operator/mails/{failed}/resend").status == 303
    assert web.parts.runs.mail(failed).state == "queued"
    asked = desk.post(f"/operator/mails/{sent}/resend")
    assert (asked.status, 'name="again" value="yes"' in asked.text) == (200, True)
    assert web.parts.runs.mail(sent).state == "sent"
    assert desk.post(f"/operator/mails/{sent}/resend", {"again": "yes"}).status == 303
    assert web.parts.runs.mail(sent).state == "queued"
    web.parts.people.suppress("lisi@163.com", who="operator", now=web.time[0])
    refused = desk.post(f"/operator/mails/{failed}/resend")
    assert (refused.status, "禁发" in refused.text) == (409, True)


def test_one_run_is_held_and_released(web, desk, run):
    """The content is wrong in this run only: the others go on."""
    number = run[0]
    desk.post(f"/operator/runs/{number}", {"act": "hold", "why": "字段错"})
    assert web.parts.holds.held_runs() == [number]
    assert "字段错" in desk.get(f"/operator/runs/{number}").text
    assert web.parts.holds.held() is None

    desk.post(f"/operator/runs/{number}", {"act": "release"})
    assert web.parts.holds.held_runs() == []
    assert desk.post(f"/operator/runs/{number}", {"act": "hold", "why": " "}).status == 400


def test_a_mail_that_waits_for_the_operator_can_be_left_as_it_is(web, desk, run):
    """The alarm leads to the mails, a mail to its two buttons, and both end the alarm."""
    _, sent, failed = run
    with web.parts.engine.begin() as connection:
        connection.exec_driver_sql(
            "update outbox set state = 'ambiguous', was_ambiguous = true, due_at = 'infinity'"
        )
    web.parts.unsettled.watch(web.parts.now())
    assert "/operator/mails?state=ambiguous" in desk.get("/operator/alarms").text
    page = f"/operator/mails/{failed}"
    assert f"{page}/dismiss" in desk.get(page).text

    assert desk.post(f"{page}/dismiss", {}).status == 303
    assert f"{page}/dismiss" not in desk.get(page).text
    assert desk.post(f"{page}/dismiss", {}).status == 409
    desk.post("/operator/alarms", {"kind": "in-doubt"})
    assert web.parts.alarms.open_alarms() == []
    web.parts.unsettled.watch(web.parts.now())
    assert web.parts.alarms.open_alarms() == []
    assert f"/operator/mails/{sent}/dismiss" not in desk.get(f"/operator/mails/{sent}").text
