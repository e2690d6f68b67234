"""The words of the operator's pages: Chinese first, English beside it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

#: Name in both languages, and whether it is fine (ok), waits (soft) or wants a look (due).
MAIL_STATES: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "queued": ("待发", "queued", "soft"),
        "claimed": ("发送中", "being sent", "soft"),
        "handed": ("已交出", "handed over", "soft"),
        "sent": ("已发出", "sent", "ok"),
        "deferred": ("推迟", "deferred", "due"),
        "failed": ("失败", "failed", "due"),
        "ambiguous": ("不确定", "ambiguous", "due"),
        "merged": ("并入下一期", "merged into the next", "soft"),
    }
)
LANES: Mapping[int, tuple[str, str]] = MappingProxyType(
    {
        0: ("确认与链接", "confirmation"),
        1: ("即时", "immediate"),
        2: ("摘要", "digest"),
    }
)
SUPPRESSIONS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "soft": ("多次退信", "soft bounces"),
        "hard": ("退信", "hard bounce"),
        "complaint": ("投诉", "complaint"),
        "operator": ("人工", "operator"),
    }
)
DEEDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "login": ("登录", "logged in"),
        "logout": ("退出", "logged out"),
        "hold": ("暂停发送", "held"),
        "release": ("恢复发送", "released"),
        "resend": ("重发", "resent"),
        "dismiss": ("不再处理", "dismissed"),
        "erase": ("删除订阅者", "erased a subscriber"),
        "channel added": ("添加群机器人", "added a channel"),
        "channel paused": ("暂停群机器人", "paused a channel"),
        "channel resumed": ("恢复群机器人", "resumed a channel"),
        "channel removed": ("移除群机器人", "removed a channel"),
        "clear alarm": ("清除警报", "cleared an alarm"),
        "suppress": ("加入禁发", "suppressed"),
        "lift": ("解除禁发", "lifted a suppression"),
    }
)
