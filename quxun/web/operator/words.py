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
#: The limits of requests for mail, and what each allows.
LIMITS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "address": (
            "同一邮箱：10 分钟 1 封，24 小时 3 封",
            "one address: 1 in 10 minutes, 3 a day",
        ),
        "network": ("同一网络：每小时 10 次", "one network: 10 an hour"),
        "domain": ("同一邮箱服务商：每小时 60 次", "one mail domain: 60 an hour"),
        "all": ("全站：每小时 300 次", "all together: 300 an hour"),
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
        "backup": ("备份", "made a backup"),
        "restore": ("从备份恢复", "restored a backup"),
        "restore undone": ("撤销中断的恢复", "undid a restore that was cut short"),
        "erase": ("删除订阅者", "erased a subscriber"),
        "subscriber added": ("添加订阅者", "added a subscriber"),
        "subscribers imported": ("导入订阅者", "imported subscribers"),
        "key made": ("新建签名密钥", "made a key"),
        "key revoked": ("作废签名密钥", "revoked a key"),
        "plan": ("排信", "planned digests"),
        "send": ("发信", "sent mail"),
        "source added": ("添加来源", "added a source"),
        "source changed": ("更改来源", "changed a source"),
        "source removed": ("移除来源", "removed a source"),
        "source active": ("恢复来源", "resumed a source"),
        "source paused": ("暂停来源", "paused a source"),
        "source released": ("放行来源", "released what a source held"),
        "sources imported": ("导入来源", "imported sources"),
        "announcement split": ("拆分公告", "split an announcement"),
        "announcements merged": ("合并公告", "merged announcements"),
        "announcement removed": ("移除公告", "removed an announcement"),
        "webhook added": ("添加回调", "added a webhook"),
        "webhook paused": ("暂停回调", "paused a webhook"),
        "webhook resumed": ("恢复回调", "resumed a webhook"),
        "webhook removed": ("移除回调", "removed a webhook"),
        "webhook sent again": ("回调重发", "sent a webhook's changes again"),
        "follower dropped": ("终止 WebSub 订阅", "dropped a follower"),
        "reprocess": ("重读归档", "read the archive again"),
        "channel added": ("添加群机器人", "added a channel"),
        "channel paused": ("暂停群机器人", "paused a channel"),
        "channel resumed": ("恢复群机器人", "resumed a channel"),
        "channel removed": ("移除群机器人", "removed a channel"),
        "clear alarm": ("清除警报", "cleared an alarm"),
        "suppress": ("加入禁发", "suppressed"),
        "lift": ("解除禁发", "lifted a suppression"),
    }
)
