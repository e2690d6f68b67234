"""What servers answer, and what we make of it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.deliver.answers import (
    Answer,
    Meaning,
    Stage,
    complaint_of,
    delivery_of,
    meaning,
    unwritable,
    wait,
)
from aggregator.model import Lane, MailId, MailState, OutboxMail, ReturnKind
from aggregator.returns import kind_of_failure

NOW = datetime(2026, 9, 13, 0, 30, tzinfo=UTC)


def row(attempts=1, age=timedelta(0), key="k"):
    return OutboxMail(
        id=MailId(1), key=key, lane=Lane.DIGEST, to="a@b.example", domain="b.example",
        message_id="<1@b.example>", generation=4, attempts=attempts, created_at=NOW - age,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("stage", "code", "text", "expected"),
    [
        (Stage.DOT, 250, "2.0.0 queued", Meaning.TAKEN),
        (Stage.RECIPIENT, 450, "4.2.0 greylisted", Meaning.LATER),
        (Stage.CONNECT, 421, "HL:REP 163 smtp", Meaning.RATE),
        (Stage.SENDER, 421, "HL:ICC", Meaning.RATE),
        (Stage.SENDER, 450, "MI:DMC 163", Meaning.RATE),
        (Stage.DOT, 451, "DT:SPM 163", Meaning.RATE),
        (Stage.DOT, 550, "Domain frequency limited", Meaning.RATE),
        (Stage.RECIPIENT, 550, "Connection frequency limited", Meaning.RATE),
        (Stage.RECIPIENT, 550, "5.1.1 user unknown", Meaning.ADDRESS),
        (Stage.RECIPIENT, 550, "User not found: reader", Meaning.ADDRESS),
        (Stage.RECIPIENT, 550, "Mailbox unavailable or access denied", Meaning.RATE),
        (Stage.DOT, 550, "Mailbox unavailable or access denied", Meaning.RATE),
        (Stage.DOT, 554, "your content is too much like spam", Meaning.CONTENT),
        (Stage.DOT, 554, "DT:SPM 163 smtp", Meaning.CONTENT),
        (Stage.DOT, 550, "RP:TRC 163 smtp", Meaning.RATE),
        (Stage.DOT, 553, "MI:SPB 163 smtp", Meaning.CONTENT),
        (Stage.DOT, 554, "too many hops", Meaning.REFUSED),
        (Stage.RECIPIENT, 550, "邮箱已注销", Meaning.ADDRESS),
        (Stage.RECIPIENT, 550, "5.2.1 the account is disabled", Meaning.ADDRESS),
        (Stage.RECIPIENT, 554, "5.7.1 <a@b.example>: Recipient address rejected", Meaning.CONTENT),
        (Stage.RECIPIENT, 550, "5.7.1 SPF record for domain x.cn does not exist", Meaning.CONTENT),
        (Stage.DOT, 550, "SPF record for domain x.cn does not exist", Meaning.CONTENT),
        (Stage.DOT, 554, "5.7.1 message looks like spam", Meaning.CONTENT),
        (Stage.DOT, 552, "message size exceeds fixed limit", Meaning.REFUSED),
        (Stage.RECIPIENT, 550, "Sender frequency limited", Meaning.RATE),
        (Stage.SENDER, 421, "HL:IFC 163 smtp", Meaning.RATE),
        (Stage.RECIPIENT, 450, "RP:DRC 163 smtp", Meaning.RATE),
        (Stage.DOT, 451, "MI:SFQ 163 smtp", Meaning.RATE),
        (Stage.DOT, 454, "4.7.0 Throttling failure: Maximum sending rate exceeded", Meaning.RATE),
        (Stage.DOT, 550, "发信频率过于频繁", Meaning.RATE),
        (Stage.DOT, 550, "5.1.1 no such user here", Meaning.ADDRESS),
        (Stage.RECIPIENT, 550, "5.1.10 recipient not found", Meaning.ADDRESS),
        (Stage.RECIPIENT, 550, "收件人不存在", Meaning.ADDRESS),
        (Stage.RECIPIENT, 552, "5.2.2 mailbox full", Meaning.LATER),
        (Stage.RECIPIENT, 452, "4.2.2 over quota", Meaning.LATER),
        (Stage.RECIPIENT, 550, "Quota exceeded (mailbox for user is full)", Meaning.LATER),
        (Stage.RECIPIENT, 550, "5.1.8 sender address does not exist", Meaning.REFUSED),
        (Stage.RECIPIENT, 554, "5.7.1 relay access denied", Meaning.CONTENT),
        (Stage.DOT, 554, "DT:SUM 163 smtp", Meaning.CONTENT),
        (Stage.SENDER, 553, "sender not allowed", Meaning.OURS),
        (Stage.RECIPIENT, 550, "4.7.1 Greylisted, try again later", Meaning.LATER),
        (Stage.RECIPIENT, 554, "5.7.1 Greylisted, please try again in 5 minutes", Meaning.LATER),
        (Stage.RECIPIENT, 550, "Temporarily unable to verify recipient", Meaning.LATER),
        (Stage.DOT, 554, "系统繁忙，请稍后再试", Meaning.LATER),
        (Stage.RECIPIENT, 550, "4.4.7 message expired", Meaning.LATER),
        (Stage.DOT, 554, "4.7.1 looks like spam", Meaning.CONTENT),
        (Stage.DOT, 550, "5.7.1 blocked for spam, try again later", Meaning.CONTENT),
        (Stage.RECIPIENT, 550, "5.1.1 no such user, check it and try again", Meaning.ADDRESS),
        (Stage.RECIPIENT, 552, "mailbox size limit exceeded", Meaning.LATER),
        (Stage.DOT, 552, "5.3.4 message exceeds fixed maximum size limit", Meaning.REFUSED),
        (Stage.RECIPIENT, 450, "4.7.1 Error: too much mail from 192.0.2.1", Meaning.RATE),
        (Stage.RECIPIENT, 550, "Unrouteable address", Meaning.ADDRESS),
        (Stage.RECIPIENT, 550, "account closed", Meaning.ADDRESS),
        (Stage.RECIPIENT, 550, "The mail box does not exist", Meaning.ADDRESS),
        (Stage.RECIPIENT, 550, "may contain a non-existent account, please check", Meaning.ADDRESS),
        (Stage.RECIPIENT, 550, "a@b.example is not a known user", Meaning.ADDRESS),
        (Stage.CONNECT, 535, "authentication failed", Meaning.OURS),
        (Stage.DOT, 0, "connection lost", Meaning.LOST),
        (Stage.DOT, 999, "garbage", Meaning.LOST),
        (Stage.DATA, 250, "250 instead of 354", Meaning.LOST),
    ],
)
def test_an_answer_is_told_by_whose_problem_it_is(stage, code, text, expected):
    """QQ and 163 say "later" in words that a code does not show."""
    assert meaning(Answer(stage, code, text)) is expected


def test_only_an_unknown_user_is_suppressed():
    """Content that a relay dislikes must not cost a reader their subscription."""
    gone = delivery_of(row(), Answer(Stage.RECIPIENT, 550, text="5.1.1 x"), now=NOW)
    spam = delivery_of(row(), Answer(Stage.DOT, 554, text="5.7.1 spam"), now=NOW)

    assert (gone.state, bool(gone.suppress)) == (MailState.FAILED, True)
    assert (spam.state, spam.suppress) == (MailState.FAILED, None)


def test_silence_after_the_dot_is_in_doubt_and_before_it_is_not():
    """Only there may a second copy come of trying again."""
    lost = Answer(Stage.DOT, 0, text="reset")
    early = Answer(Stage.DATA, 0, text="reset")

    assert delivery_of(row(), lost, now=NOW).state is MailState.AMBIGUOUS
    assert delivery_of(row(), early, now=NOW).state is MailState.DEFERRED
    assert delivery_of(row(), early, now=NOW).generation == 4


@given(st.integers(0, 1000), st.text(max_size=8))
def test_waits_grow_from_a_minute_to_six_hours(attempts, key):
    """However often a server said no, we neither hammer it nor give up early."""
    later = Answer(Stage.DOT, 450, text="later")

    waited = wait(row(attempts, key=key), later)

    assert timedelta(seconds=54) <= waited <= timedelta(hours=6.6)
    assert waited <= wait(row(attempts + 3, key=key), later) or waited >= timedelta(hours=5)


def test_what_was_not_taken_for_three_days_is_given_up():
    """A mail of last week helps nobody; the outbox says why it ended."""
    later = Answer(Stage.RECIPIENT, 450, text="greylisted")

    given_up = delivery_of(row(age=timedelta(hours=72)), later, now=NOW)

    assert given_up.state is MailState.FAILED
    assert "given up after 72 h: 450 greylisted" in given_up.answer
    assert delivery_of(row(age=timedelta(hours=71)), later, now=NOW).state is MailState.DEFERRED


@pytest.mark.parametrize("code", [250, 421, 450, 550, 554])
def test_no_answer_is_kept_with_an_address(code):
    """Answers are kept for a year, and shown on an operator's page."""
    words = "5.1.1 <reader@mail.example>: Recipient address rejected; too fast for x+y@b.example"
    said = Answer(Stage.RECIPIENT, code, words)
    complaint = complaint_of(row(), said, tried=10, under_way=2)

    kept = [delivery_of(row(), said, now=NOW).answer, unwritable(row(), words, now=NOW).answer]
    kept += [complaint.answer] if complaint else []

    assert all("…@mail.example" in one for one in kept)
    assert not any("reader" in one or "x+y" in one for one in kept)


@pytest.mark.parametrize(
    "words",
    [
        "Mailbox unavailable or access denied", "Domain frequency limited", "发信频率过于频繁",
        "HL:REP 163 smtp", "mailbox is full", "5.2.2 over quota", "user unknown", "收件人不存在",
        "5.1.10 not found", "5.7.1 looks like spam", "SPF record for domain x.cn does not exist",
        "the message contains a virus", "too many connections", "用户已停用", "Unrouteable address",
        "Your account has been suspended", "Greylisted, try again later", "not a valid mailbox",
    ],
)  # fmt: skip
def test_both_doors_agree_on_whether_anybody_is_there(words):
    """What is refused at once and what comes back as a bounce suppress the same addresses."""
    at_once = meaning(Answer(Stage.RECIPIENT, 550, words)) is Meaning.ADDRESS
    as_bounce = kind_of_failure(None, f"550 {words}") is ReturnKind.HARD

    assert at_once == as_bounce


@pytest.mark.parametrize(
    "words",
    [
        "550 Access denied", "550 relaying denied", "550 relay not permitted", "554 Transaction failed",
        "550 Administrative prohibition", "550 Mail is rejected by recipients [x]", "550 JunkMail rejected",
        "550 Connection denied", "550 Suspected bounce attacks", "550 MX check failed", "503 bad sequence",
        "554 IP is rejected, smtp auth error limit exceed", "552 不允许发送该类附件", "530 STARTTLS first",
        "550 MX for your domain does not exist", "550 Your account has been suspended",
        "550 the user does not accept mail from your address", "550 1.2.3.4 is in an RBL",
        "550 Callback: no such user here", "553 Requested action not taken: Local user only",
        "535 authentication is required", "554 5.4.14 hop count exceeded", "550 5.4.6 routing loop detected",
        "554 5.3.5 mail loops back to myself", "550 5.4.2 bad connection",
    ],
)  # fmt: skip
@pytest.mark.parametrize("status", [None, "5.0.0"])
def test_a_refusal_of_us_suspends_nobody_whichever_way_it_comes(words, status):
    """A relay of ours that heard it writes 5.0.0 into its report, where the server gave no code."""
    code, _, text = words.partition(" ")

    assert kind_of_failure(status, words) is ReturnKind.SOFT
    assert delivery_of(row(), Answer(Stage.DOT, int(code), text), now=NOW).suppress is None


@pytest.mark.parametrize(
    "words",
    [
        "5.7.1 SPF record for domain x.cn does not exist", "MX for your domain does not exist",
        "Domain quxun.cn does not exist", "client host not found", "your host name unknown",
        "DKIM key not found", "envelope from domain does not exist", "MAIL FROM domain not found",
        "A record for quxun.cn does not exist", "invalid address in From",
        "Your account has been suspended", "您的帐号已被冻结", "Callback: no such user here",
        "Sender verify failed: the account may not exist", "call-out failed: user unknown",
    ],
)  # fmt: skip
@pytest.mark.parametrize("stage", [Stage.RECIPIENT, Stage.DOT])
def test_what_is_wrong_with_us_suspends_no_reader(stage, words):
    """One broken record of ours would suspend all readers in a morning."""
    assert delivery_of(row(), Answer(stage, 550, words), now=NOW).suppress is None
