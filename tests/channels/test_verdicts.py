"""Every answer means what the service's documentation says, whatever HTTP says."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from aggregator.channels import Outcome, Service, verdict_of
from aggregator.push import Reply

MINUTE = timedelta(minutes=1)
W, D, F, T, N, J = (
    Service.WECOM, Service.DINGTALK, Service.FEISHU, Service.TELEGRAM, Service.NTFY, Service.JSON,
)  # fmt: skip
TAKEN, WAIT, DEAD, OURS, UNCLEAR, _ = Outcome


def telegram(status: int, description: str, **parameters: object) -> tuple[int, dict]:
    said = {"ok": False, "error_code": status, "description": description}
    return status, {**said, "parameters": parameters} if parameters else said


CASES = [
    (W, 200, {"errcode": 0, "errmsg": "ok"}, TAKEN),
    (W, 200, {"errcode": 45009, "errmsg": "api freq out of limit"}, WAIT),
    (W, 200, {"errcode": -1, "errmsg": "system busy"}, WAIT),
    (W, 200, {"errcode": 93000, "errmsg": "invalid webhook url"}, DEAD),
    (W, 200, {"errcode": 40058, "errmsg": "exceed max length"}, OURS),
    (W, 200, {"errcode": 987654, "errmsg": "?"}, WAIT),
    (W, 200, b"<html>Sign in to the hotel's network</html>", UNCLEAR),
    (W, 200, b"", UNCLEAR),
    (W, 200, {"errcode": "0", "errmsg": "ok"}, TAKEN),
    (W, 200, {"errcode": "93000"}, DEAD),
    (W, 200, {"errcode": True}, UNCLEAR),
    (W, 404, b"", DEAD),
    (W, 502, b"bad gateway", WAIT),
    (W, 302, b"", WAIT),
    (D, 200, {"errcode": 0, "errmsg": "ok"}, TAKEN),
    (D, 200, {"errcode": 130101, "errmsg": "send too fast, exceed 20 times per minute"}, WAIT),
    (D, 200, {"errcode": 310000, "errmsg": "keywords not in content"}, DEAD),
    (D, 200, {"errcode": 310000, "errmsg": "sign not match"}, DEAD),
    (D, 200, {"errcode": 310000, "errmsg": "ip 1.2.3.4 not in whitelist"}, DEAD),
    (D, 200, {"errcode": 300005, "errmsg": "token is not exist"}, DEAD),
    (D, 200, {"errcode": 460101, "errmsg": "message too long"}, OURS),
    (F, 200, {"code": 0, "msg": "success"}, TAKEN),
    (F, 200, {"StatusCode": 0, "StatusMessage": "success"}, TAKEN),
    (F, 200, {"code": 11232, "msg": "frequency limited psm"}, WAIT),
    (F, 400, {"code": 11232, "msg": "frequency limited psm"}, WAIT),
    (F, 200, {"code": 19001, "msg": "param invalid"}, DEAD),
    (F, 200, {"code": 19021, "msg": "sign match fail"}, DEAD),
    (F, 200, {"code": 19022, "msg": "Ip Not Allowed"}, DEAD),
    (F, 200, {"code": 19024, "msg": "Key Words Not Found"}, DEAD),
    (F, 400, {"code": 9499, "msg": "Bad Request"}, OURS),
    (F, 503, {"code": 5, "msg": "?"}, WAIT),
    (T, 200, {"ok": True, "result": {}}, TAKEN),
    (T, *telegram(429, "Too Many Requests: retry after 35", retry_after=35), WAIT),
    (T, *telegram(403, "Forbidden: bot was blocked by the user"), DEAD),
    (T, *telegram(403, "Forbidden: bot was kicked from the supergroup chat"), DEAD),
    (T, *telegram(400, "Bad Request: chat not found"), DEAD),
    (T, *telegram(400, "Bad Request: group chat was upgraded to a supergroup chat"), DEAD),
    (T, *telegram(400, "Bad Request: message is too long"), OURS),
    (T, *telegram(400, "Bad Request: can't parse entities"), OURS),
    (T, *telegram(401, "Unauthorized"), DEAD),
    (T, *telegram(404, "Not Found"), DEAD),
    (T, *telegram(400, "Bad Request: user not found"), DEAD),
    (T, *telegram(400, "Bad Request: PEER_ID_INVALID"), DEAD),
    (T, 200, telegram(403, "Forbidden: bot was blocked by the user")[1], DEAD),
    (T, 200, telegram(429, "Too Many Requests", retry_after=9)[1], WAIT),
    (T, 502, b"", WAIT),
    (T, 200, b"{}", UNCLEAR),
    (N, 200, {"id": "x"}, TAKEN),
    (N, 429, {"code": 42901, "http": 429}, WAIT),
    (N, 403, {"code": 40301, "http": 403}, DEAD),
    (N, 413, {"code": 41301, "http": 413}, OURS),
    (N, 507, {"code": 50701, "http": 507}, WAIT),
    (J, 204, b"", TAKEN),
    (J, 410, b"", DEAD),
    (J, 404, b"", WAIT),  # its program is being replaced, say; docs/channels.md
    (J, 400, b"", WAIT),
    (J, 500, b"", WAIT),
]  # fmt: skip


@pytest.mark.parametrize(("service", "status", "body", "meant"), CASES)
def test_an_answer_means_what_its_service_says(service, status, body, meant):
    """HTTP 200 with an error code is a refusal, and a page of a hotel's network no yes."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    assert verdict_of(service, Reply(status=status, body=raw)).outcome is meant


@pytest.mark.parametrize("service", list(Service))
def test_what_was_not_answered_is_sent_once_more_only_when_it_had_left(service):
    """A refused connection loses nothing; a lost answer may have been a yes."""
    assert verdict_of(service, Reply(status=0, reason="connect")).outcome is WAIT
    assert verdict_of(service, Reply(status=0, reason="timeout", sent=True)).outcome is UNCLEAR
    assert verdict_of(service, Reply(status=0, reason="blocked")).outcome is DEAD


@pytest.mark.parametrize(
    ("service", "status", "body", "wait"),
    [
        (W, 200, {"errcode": 45009}, MINUTE),
        (D, 200, {"errcode": 130101}, 10 * MINUTE),
        (F, 200, {"code": 11232}, MINUTE),
        (T, *telegram(429, "Too Many Requests", retry_after=35), timedelta(seconds=35)),
        (T, *telegram(429, "Too Many Requests", retry_after="35"), timedelta(seconds=35)),
        (T, 429, b"", MINUTE),
        (N, 429, {"code": 42908}, 6 * 60 * MINUTE),
    ],
)
def test_a_robot_that_is_written_to_too_often_is_left_alone(service, status, body, wait):
    """DingTalk shuts a robot up for ten minutes; Telegram says how long."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    verdict = verdict_of(service, Reply(status=status, body=raw))
    assert (verdict.wait, verdict.whole_robot) == (wait, True)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("description:关键词不匹配;solution:请联系群管理员查看此机器人的关键词", "keyword"),
        ("description:机器人发送签名不匹配;solution:请确认签名和时间戳", "secret"),
        ("description:机器人发送签名过期;solution:时间请保持在 timestampms 以内", "clock"),
        ("description:来源ip不在白名单内", "IP addresses"),
        ("sign not match", "secret"),
        ("description:robot is closed by somebody", "security settings"),
    ],
)
def test_the_owner_is_told_which_door_of_dingtalk_is_shut(said, told):
    """One code stands for all of them; what is wrong is what its owner mends."""
    body = json.dumps({"errcode": 310000, "errmsg": said}).encode()

    assert told in verdict_of(D, Reply(status=200, body=body)).words


@pytest.mark.parametrize("service", list(Service))
def test_strange_answers_never_break_us(service):
    """A robot's server may be anybody's."""
    for body in (b"[" * 5000, b"null", b'"x"', b'{"errcode":"0"}', b'{"code":true}', b"\xff\xfe",
                 b'{"ok":false,"parameters":7,"description":9}'):  # fmt: skip
        for status in (200, 204, 301, 400, 429, 599, 999):
            for cut in (False, True):
                verdict = verdict_of(service, Reply(status=status, body=body, cut=cut))
                assert verdict.words
                assert verdict.outcome is not TAKEN or status in {200, 204}
