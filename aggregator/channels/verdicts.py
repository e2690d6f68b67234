"""What a service's answer means: its documented codes, read by us.

Most of them say no with HTTP 200 and a code in the body. Codes that stand nowhere here make us
wait: a service that is ill is tried again, and its channel given up after three days only.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from aggregator.channels.nouns import ChatVerdict, Outcome, Service
from aggregator.push import Reply

_MINUTE, _TEN, _DAY = timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=24)

_Known = Mapping[int, tuple[Outcome, str]]

#: developer.work.weixin.qq.com/document/path/90313, and 群机器人 (path/91770).
_WECOM: Final[_Known] = {
    45009: (Outcome.WAIT, "too many messages in a minute"),
    45033: (Outcome.WAIT, "too many requests at once"),
    -1: (Outcome.WAIT, "the service is busy"),
    93000: (Outcome.DEAD, "the robot's key is wrong, or the robot was removed from the group"),
    93004: (Outcome.DEAD, "the robot was switched off"),
    93008: (Outcome.DEAD, "the robot is not in the group any more"),
    40035: (Outcome.OURS, "the service did not understand the message"),
    40008: (Outcome.OURS, "the service does not know this kind of message"),
    40058: (Outcome.OURS, "the message is too long or lacks something"),
    44004: (Outcome.OURS, "the message is empty"),
    45002: (Outcome.OURS, "the message is too long"),
}
#: open.dingtalk.com: 自定义机器人接入, 错误码.
_DINGTALK: Final[_Known] = {
    130101: (Outcome.WAIT, "more than 20 messages in a minute"),
    410100: (Outcome.WAIT, "too many messages"),
    -1: (Outcome.WAIT, "the service is busy"),
    300001: (Outcome.DEAD, "the robot's token is unknown"),
    300005: (Outcome.DEAD, "the robot's token is unknown"),
    400013: (Outcome.DEAD, "the group was dissolved"),
    400101: (Outcome.DEAD, "the robot's token is unknown"),
    400102: (Outcome.DEAD, "the robot was switched off"),
    400106: (Outcome.DEAD, "the robot was removed"),
    40035: (Outcome.OURS, "the message lacks something"),
    43004: (Outcome.OURS, "the service did not understand the message"),
    400105: (Outcome.OURS, "the service does not know this kind of message"),
    430101: (Outcome.OURS, "the service refuses a link in the message"),
    430102: (Outcome.OURS, "the service refuses words in the message"),
    430103: (Outcome.OURS, "the service refuses what the message shows"),
    430104: (Outcome.OURS, "the service refuses what the message shows"),
    460101: (Outcome.OURS, "the message is too long"),
}
#: open.feishu.cn: 自定义机器人使用指南; Lark is the same elsewhere.
_FEISHU: Final[_Known] = {
    11232: (Outcome.WAIT, "too many messages"),
    11233: (Outcome.WAIT, "too many messages"),
    99991400: (Outcome.WAIT, "too many requests"),
    19001: (Outcome.DEAD, "the robot's address is wrong, or the robot was removed"),
    19003: (Outcome.DEAD, "the robot was removed"),
    19005: (Outcome.DEAD, "the robot was switched off"),
    19021: (Outcome.DEAD, "the signature does not match: is the secret right?"),
    19022: (Outcome.DEAD, "the robot lets only certain IP addresses in"),
    19024: (Outcome.DEAD, "the robot wants a keyword: let it be 区讯"),
    9499: (Outcome.OURS, "the service did not understand the message"),
    19002: (Outcome.OURS, "the message lacks something"),
    10208: (Outcome.OURS, "the message is too long"),
    11246: (Outcome.OURS, "the service did not understand the message"),
    230025: (Outcome.OURS, "the message is too long"),
}
#: DingTalk has one code for all of a robot's own security settings; its words tell which.
_DINGTALK_DOOR: Final = (
    (r"keyword|关键词", "the robot wants a keyword: let it be 区讯"),
    (
        r"timestamp (?:is )?(?:invalid|expired|not)|invalid timestamp|expired|过期",
        "the signature is too old: is our clock right?",
    ),
    (r"sign|签名", "the signature does not match: is the secret right?"),
    (r"timestamp", "the signature is too old: is our clock right?"),
    (r"\bip|白名单", "the robot lets only certain IP addresses in"),
)
#: core.telegram.org/bots/api, and what its servers say.
_TELEGRAM_CLOSED: Final = {
    401: "the bot's token is unknown",
    403: "the bot may not write there",
    404: "the bot's token is unknown",
}
_TELEGRAM_DEAD: Final = {
    "chat not found": "the bot does not know this chat: write to it, or add it, first",
    "upgraded to a supergroup": "the group has a new number since it became a supergroup",
    "blocked by the user": "the bot was blocked",
    "kicked": "the bot was removed from the group",
    "not a member": "the bot is not in the group",
    "deactivated": "this account is no more",
    "thread not found": "the topic is no more",
    "topic_closed": "the topic is closed",
    "topic_deleted": "the topic is no more",
    "user not found": "the bot does not know this chat: write to it, or add it, first",
    "peer_id_invalid": "the bot does not know this chat: write to it, or add it, first",
    "chat_restricted": "the bot may not write there",
    "rights": "the bot may not write there",
    "chat_write_forbidden": "the bot may not write there",
    "can't initiate": "write to the bot first",
}


def verdict_of(service: Service, reply: Reply) -> ChatVerdict:
    """What an answer means; nothing in its words leads back to the robot's address."""
    if not reply.status:
        return _unanswered(reply)
    if service is Service.JSON:
        return _by_status(reply, gone=(410,), ours=())
    if reply.status == 200 and reply.cut:  # noqa: PLR2004  # it may have said yes
        return _unclear(reply, "the answer was cut off")
    if service is Service.NTFY:
        return _ntfy(reply)
    return _telegram(reply) if service is Service.TELEGRAM else _by_code(service, reply)


def _by_code(service: Service, reply: Reply) -> ChatVerdict:
    content = _content(reply)
    code = _number(content.get("errcode", content.get("code", content.get("StatusCode"))))
    if code is not None and (reply.well or code in _CODES[service]):
        return _coded(service, code, str(content.get("errmsg") or ""))
    if reply.well:
        return _unclear(reply, "the answer is none of that service's")
    return _by_status(reply, gone=(404, 410))


_CODES: Final = {
    Service.WECOM: _WECOM,
    Service.DINGTALK: _DINGTALK,
    Service.FEISHU: _FEISHU,
    Service.LARK: _FEISHU,
}


def _number(said: object) -> int | None:
    """A code, also where something on the way wrote ``"0"`` or ``0.0``: unread, it is a second copy."""
    if isinstance(said, str) and re.fullmatch(r"-?[0-9]{1,12}", said):
        return int(said)
    if isinstance(said, float) and said.is_integer():
        return int(said)
    return said if isinstance(said, int) and not isinstance(said, bool) else None


def _coded(service: Service, code: int, message: str) -> ChatVerdict:
    if code == 0:
        return _taken()
    if service is Service.DINGTALK and code == 310000:  # noqa: PLR2004  # its own security settings
        for mark, words in _DINGTALK_DOOR:
            if re.search(mark, message, re.IGNORECASE):
                return ChatVerdict(outcome=Outcome.DEAD, words=f"{code}: {words}")
        return ChatVerdict(outcome=Outcome.DEAD, words=f"{code}: the robot's security settings")
    outcome, words = _CODES[service].get(code, (Outcome.WAIT, "a code that we do not know"))
    if outcome is not Outcome.WAIT:
        return ChatVerdict(outcome=outcome, words=f"{code}: {words}")
    crowded = "too many" in words or "more than" in words
    # DingTalk shuts a robot up for ten minutes (DOMAIN.md §15).
    wait = _TEN if service is Service.DINGTALK and crowded else _MINUTE if crowded else None
    return ChatVerdict(outcome=outcome, words=f"{code}: {words}", wait=wait, whole_robot=crowded)


def _telegram(reply: Reply) -> ChatVerdict:
    content = _content(reply)
    said = str(content.get("description") or "").lower()
    if reply.well:
        code = _number(content.get("error_code"))
        if content.get("ok") is False and code is not None and 400 <= code < 600:  # noqa: PLR2004
            return _telegram(replace(reply, status=code))  # a relay that says yes to everything
        sure = content.get("ok") is True
        return _taken() if sure else _unclear(reply, "the answer is none of that service's")
    if reply.status == 429:  # noqa: PLR2004  # RFC 6585 §4
        more = content.get("parameters")
        asked = _number(more.get("retry_after")) if isinstance(more, dict) else None
        wait = None if asked is None else timedelta(seconds=min(max(asked, 1), 86_400))
        return ChatVerdict(
            outcome=Outcome.WAIT,
            words="429: too many messages",
            wait=wait or reply.retry_after or _MINUTE,
            whole_robot=True,
        )
    dead = next((words for mark, words in _TELEGRAM_DEAD.items() if mark in said), "")
    if reply.status in {400, 403} and dead:
        return ChatVerdict(outcome=Outcome.DEAD, words=f"{reply.status}: {dead}")
    if reply.status in _TELEGRAM_CLOSED:
        words = _TELEGRAM_CLOSED[reply.status]
        return ChatVerdict(outcome=Outcome.DEAD, words=f"{reply.status}: {words}")
    return _by_status(reply, gone=())


def _ntfy(reply: Reply) -> ChatVerdict:
    if reply.status == 429:  # noqa: PLR2004  # RFC 6585 §4
        daily = _content(reply).get("code") == 42908  # noqa: PLR2004  # docs.ntfy.sh/publish, limits
        wait = _DAY / 4 if daily else _MINUTE
        return ChatVerdict(
            outcome=Outcome.WAIT,
            words="429: that server's limit is reached",
            wait=max(wait, reply.retry_after or wait),
            whole_robot=True,
        )
    if reply.status in {401, 403}:
        words = f"{reply.status}: that topic wants a login, or another one"
        return ChatVerdict(outcome=Outcome.DEAD, words=words)
    return _by_status(reply, gone=(404, 410))


def _by_status(
    reply: Reply, *, gone: tuple[int, ...], ours: tuple[int, ...] = (400, 413, 415, 422)
) -> ChatVerdict:
    if reply.well:
        return _taken()
    if reply.status in gone:
        return ChatVerdict(outcome=Outcome.DEAD, words=f"{reply.status}: nobody is there any more")
    if reply.status in ours:
        return ChatVerdict(outcome=Outcome.OURS, words=f"{reply.status}: it refuses this message")
    if 300 <= reply.status < 400:  # noqa: PLR2004  # RFC 9110 §15.4
        words = f"{reply.status}: it redirects, and we follow none; give the address where it ends"
        return ChatVerdict(outcome=Outcome.WAIT, words=words)
    crowded = reply.status == 429  # noqa: PLR2004  # RFC 6585 §4
    wait = reply.retry_after or (_MINUTE if crowded else None)
    words = "too many messages" if crowded else "it does not take the message just now"
    return ChatVerdict(
        outcome=Outcome.WAIT, words=f"{reply.status}: {words}", wait=wait, whole_robot=crowded
    )


def _unanswered(reply: Reply) -> ChatVerdict:
    words = {
        "blocked": "its address is none that we may call: it is not on the public net, or its"
        " port is neither 80 nor 443",
        "dns": "its name is not known",
        "tls": "its certificate or TLS is not accepted",
        "connect": "nobody answers there",
        "timeout": "no answer in time",
    }.get(reply.reason, "the connection broke")
    if reply.reason == "blocked":
        return ChatVerdict(outcome=Outcome.DEAD, words=words)
    if reply.sent:
        return ChatVerdict(outcome=Outcome.UNCLEAR, words=f"{words}, after the message was sent")
    return ChatVerdict(outcome=Outcome.WAIT, words=words)


def _taken() -> ChatVerdict:
    return ChatVerdict(outcome=Outcome.TAKEN, words="taken")


def _unclear(reply: Reply, words: str) -> ChatVerdict:
    return ChatVerdict(outcome=Outcome.UNCLEAR, words=f"{reply.status}: {words}")


def _content(reply: Reply) -> Mapping[str, Any]:
    try:
        content = json.loads(reply.body)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}
