"""What the operator does on their pages is done once and noted, and what they see is enough."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import SecretStr
from selectolax.lexbor import LexborHTMLParser
from sqlalchemy import text
from web_operator import HOLDER, TOKEN, Desk

from quxun.web.operator.words import DEEDS


@pytest.fixture
def web(served):
    """A server whose operator has a token."""
    return served(operator_token=SecretStr(TOKEN))


@pytest.fixture
def desk(web):
    return Desk(web)


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
