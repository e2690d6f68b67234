"""Servers that speak SMTP with an accent: what they mean is understood all the same."""

from __future__ import annotations

import base64
import hmac

import pytest
from desks import SENDER, Desk, row

from aggregator.deliver import SmtpMailer
from aggregator.model import MailState

USER, PASSWORD = "us@er", "pä:ss"


def as_sent(text, encoding):
    """Bytes in the disguise in which the scripted server sends them on."""
    return text.encode(encoding).decode("latin-1")


@pytest.mark.parametrize("encoding", ["utf-8", "gbk"])
@pytest.mark.parametrize(
    ("words", "means"),
    [
        ("550 用户不存在", "address"),
        ("550 您的发信频率过快", "rate"),
        ("552 收件人邮箱空间不足", "later"),
        ("554 邮件内容包含违规信息", "content"),
    ],
)
def test_chinese_words_are_read_in_either_encoding(scripted, send, words, means, encoding):
    """QQ, 163 and Coremail answer in GBK: unread, a limit of speed would cost readers their mails."""
    server = scripted(answers={"RCPT": [as_sent(words, encoding)]})

    told = send(server, "reader").told[1]

    assert told.meaning == means
    assert told.answer == words


@pytest.mark.parametrize("step", ["greeting", "MAIL", "RCPT"])
def test_no_answer_holds_what_a_database_does_not_take(scripted, send, step):
    """A zero byte in an answer must not stop the recording of everybody's mails."""
    said = "421 4.3.2 one\0two\x1b[2J\x85three"
    server = scripted(greeting=said) if step == "greeting" else scripted(answers={step: [said] * 4})

    desk = send(server, "reader")

    assert desk.told[1].state is MailState.DEFERRED
    assert desk.told[1].answer.isprintable()


def test_the_alarm_of_a_relay_holds_no_control_characters(scripted, send):
    """It is stored, mailed and shown to an operator."""
    server = scripted(greeting="554 go\0away")
    mailer = SmtpMailer(server.url, mail_from=SENDER)
    told = []
    for _ in range(3):
        desk = Desk(row())
        mailer.deliver(desk)
        told += [said for step, said in desk.steps if step == "relay"]
    mailer.close()

    [words] = told
    assert words.isprintable()
    assert "554 goaway" in words


@pytest.mark.parametrize("code", [500, 501, 502, 503, 504, 550, 554])
def test_whoever_does_not_know_ehlo_is_greeted_as_of_old(scripted, send, code):
    """RFC 1869 §4.5 and old servers know several words for "not known"."""
    server = scripted(answers={"EHLO": [f"{code} what?"], "HELO": ["250 hello"]})

    assert send(server, "reader", "other").states == {1: "sent", 2: "sent"}
    assert server.commands[1].startswith("HELO")


def test_whoever_wants_nobody_is_greeted_twice_and_not_more(scripted, send):
    """A server that refuses us refuses HELO, too: its word is what the operator reads."""
    server = scripted(answers={"EHLO": ["550 no"], "HELO": ["550 5.7.1 you are not welcome"]})

    told = send(server, "reader").told[1]

    assert (told.state, told.meaning) == ("deferred", "ours")
    assert "you are not welcome" in told.answer


@pytest.mark.parametrize(
    "offers",
    [
        "250-hi\r\n250-  pipelining  \r\n250 X-ODD=1 2=3",
        "250-hi\r\n250-Pipelining\r\n250-\r\n250",
        "250-\r\n250-PIPELINING\r\n250-SIZE\r\n250  8bitmime",
    ],
)
def test_offers_are_read_however_they_are_written(scripted, send, offers):
    """Keywords know no case (RFC 5321 §4.1.1.1), and blanks stray into lines."""
    server = scripted(answers={"EHLO": [offers]})
    mailer = SmtpMailer(server.url, mail_from=SENDER)

    mailer.probe()
    [wire] = mailer.idle
    mailer.close()

    assert wire.pipelining


def _base64(text):
    return base64.b64encode(text.encode()).decode()


PLAIN = _base64(f"\0{USER}\0{PASSWORD}")
LOGIN = {_base64(USER).upper(): ["334 UGFzc3dvcmQ6"], _base64(PASSWORD).upper(): ["235 ok"]}
CRAM = _base64(f"{USER} {hmac.new(PASSWORD.encode(), b'<1.2@h>', 'md5').hexdigest()}").upper()


@pytest.mark.parametrize(
    ("offered", "answers", "said"),
    [
        ("auth plain", {"AUTH": ["235 ok"]}, [f"AUTH PLAIN {PLAIN}"]),
        ("AUTH PLAIN", {"AUTH": ["334 "], PLAIN.upper(): ["235 ok"]}, [f"AUTH PLAIN {PLAIN}"]),
        ("AUTH=LOGIN", {"AUTH": ["334 VXNlcm5hbWU6"], **LOGIN}, ["AUTH LOGIN"]),
        (
            "AUTH PLAIN LOGIN",
            {"AUTH": ["504 5.5.4 not that one", "334 VXNlcm5hbWU6"], **LOGIN},
            [f"AUTH PLAIN {PLAIN}", "AUTH LOGIN"],
        ),
        (
            "AUTH CRAM-MD5 NTLM",
            {"AUTH": [f"334 {_base64('<1.2@h>')}"], CRAM: ["235 ok"]},
            ["AUTH CRAM-MD5"],
        ),
    ],
)
def test_every_way_to_log_in_leads_in(scripted, send, offered, answers, said):
    """A way that is offered and not to be had is followed by the next; no mail is put off for it."""
    server = scripted(answers={"EHLO": [f"250-hi\r\n250 {offered}"], **answers})
    url = server.url.replace("smtp://", "smtp://us%40er:p%C3%A4%3Ass@")

    assert send(server, "reader", url=url).states == {1: "sent"}
    assert [one for one in server.commands if one.startswith("AUTH")] == said


def test_a_wrong_password_is_not_tried_in_every_way(scripted, send):
    """Servers lock out who fails often."""
    server = scripted(
        answers={"EHLO": ["250-hi\r\n250 AUTH PLAIN LOGIN CRAM-MD5"], "AUTH": ["535 5.7.8 wrong"]}
    )
    url = server.url.replace("smtp://", "smtp://user:wrong@")

    desk = send(server, "reader", url=url)

    assert desk.told[1].answer.startswith("535 5.7.8 wrong")
    assert len([one for one in server.commands if one.startswith("AUTH")]) == 1


@pytest.mark.parametrize("said", ["454 4.7.0 TLS not available", "502 5.5.1 what?", None])
def test_tls_that_is_offered_and_fails_is_no_reason_to_do_without(scripted, send, said):
    """Whoever sits between must not talk us out of it."""
    server = scripted(answers={"EHLO": ["250-hi\r\n250 STARTTLS"], "STARTTLS": [said]})

    desk = send(server, "reader")

    assert desk.states == {1: "deferred"}
    assert not any(one.startswith("MAIL") for one in server.commands)
