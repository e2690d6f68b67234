"""The operator's pages are closed to everybody else."""

from __future__ import annotations

import http.client
import re
from datetime import timedelta

import pytest
from fastapi.routing import APIRoute
from pydantic import SecretStr
from sqlalchemy import text
from web_operator import HOLDER, TOKEN, Desk, log_in

from aggregator.wiring import Parts
from quxun.web.app import create_app
from quxun.web.gate import PUBLIC


@pytest.fixture
def web(served):
    """A server whose operator has a token."""
    return served(operator_token=SecretStr(TOKEN))


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
