"""What an alarm is, which kinds there are, and what each asks of the operator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

#: What each kind means, in Chinese and in English, and what to do; docs/operating.md lists them.
#: A kind may name what it is about behind a colon (``mail-content:17`` is of run 17).
KINDS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "canary": (
            "自检邮件没有按时收到，或内容与记录不符",
            "the canary's digest did not arrive, or differs from what was planned",
        ),
        "mail-content": (
            "邮件服务器拒收内容，该批次已暂停",
            "the mail server refuses what we say; the run is held",
        ),
        "refusing": (
            "一个邮件域名拒收我们的邮件，其他域名照常发送",
            "one mail domain refuses our mails; those to others go on",
        ),
        "mail-relay": (
            "邮件服务器连不上或拒绝登录",
            "the mail server cannot be reached or refuses our login",
        ),
        "mail-given-up": (
            "有邮件重试 72 小时后放弃",
            "mails were given up after 72 hours",
        ),
        "in-doubt": (
            "有邮件两次没有等到答复，不知是否送达",
            "of some mails nobody knows whether they arrived: their answer was lost twice",
        ),
        "bounces": (
            "退信邮箱无法读取，或退信异常增多",
            "the bounce mailbox cannot be read, or bounces have risen",
        ),
        "channels": (
            "聊天渠道拒收消息内容",
            "a chat service refuses what we write",
        ),
        "sign-ups": (
            "订阅请求超过全站上限",
            "sign-ups have reached the limit of the whole site",
        ),
        "journal": (
            "已发出的邮件无法记入库外日志",
            "what left cannot be written down outside of the database",
        ),
        "planning": (
            "到期的批次没有排好",
            "a run that is due was not planned",
        ),
        "clock": (
            "工作进程的时钟比数据库快",
            "a worker's clock is ahead of the database's",
        ),
        "reprints": (
            "待发邮件里有已撤下的公告，没能重印",
            "mails that wait tell of what was withdrawn since, and could not be printed anew",
        ),
        "upkeep": (
            "日常维护的一个步骤失败，其他步骤照常进行",
            "a step of the upkeep fails; the others go on",
        ),
    }
)
#: These say that mail does not leave: no mail is written about them, for it would not either.
ABOUT_MAIL: Final = "mail-"
#: However often one kind comes and goes, it is mailed at most once in this time.
TOLD_EVERY: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Something that an operator must look at, from when it was seen until it was cleared."""

    id: int
    kind: str
    text: str
    at: datetime
    cleared_at: datetime | None = None

    @property
    def meaning(self) -> tuple[str, str]:
        """What its kind means, in Chinese and in English."""
        return KINDS.get(self.kind.partition(":")[0], (self.kind, self.kind))

    @property
    def mailed(self) -> bool:
        """Whether a mail about it has a chance."""
        return not self.kind.startswith(ABOUT_MAIL)
