"""What a failure says of an address: codes of RFC 3463, and the words of those who use none.

Codes alone do not tell: QQ refuses for its rate with 550, 163 with codes of its own (DOMAIN.md
§15), old servers say 5.0.0 to everything. Where code and words differ the milder one holds: a
mailbox that is there and gets no mail any more is worse than one bounce more.
"""

from __future__ import annotations

import re
from typing import Final

from aggregator.model import ReturnKind

#: A code of RFC 3463; its last number may have three digits.
ENHANCED: Final = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.]*\d)")
_REPLY: Final = re.compile(r"(?<![\d.:-])([45]\d\d)(?![\d.])")

# One table for both doors: what a server answers at once (deliver/answers.py), and what comes back.

#: Too much at once: said with 550 by QQ, with capitals by 163.
RATE: Final = re.compile(
    r"frequency.{0,10}limit|mailbox unavailable or access denied|rate.?limit|"
    r"too much (?:e?mail|traffic|recipient)|too many (?:\S+ ){0,3}(?:connections?|sessions?|messages?|e?mails?|requests?|attempts|errors|"
    r"commands|recipients|users)\b|too (?:fast|quickly)|slow(?:ing)? down|\b4\.7\.28\b|"
    r"(?:rate|quota of messages) exceeded|sending rate|throttl|receiving mail (?:too quickly|at a rate)|"
    r"\bHL:(?!IPB)[A-Z]{3}\b|\bMI:(?!SPB|NHD)[A-Z]{3}\b|\bRP:[A-Z]{3}\b|"
    r"频率|頻率|频繁|頻繁|过快|過快|发信限制|连接数|(?:数|数量|次数|速度)超过",
    re.IGNORECASE,
)
#: Codes of 163 speak of who sends and how, never of the address.
_OF_THE_SENDER: Final = re.compile(
    r"\b(?:HL|MI|RP|DT|IP|RQ|SC|WM):[A-Z]{2,3}\b|over ?flow|超过.{0,10}限制|(?i:local user only)"
)
#: That there is no such record is said of our domain.
_AUTHENTICATION: Final = re.compile(
    r"\b(?:spf|dkim|dmarc|ptr|rdns|helo|ehlo)\b|reverse dns|mail.?from|envelope.?from|"
    r"your (?:domain|host|ip|server|mx|account)|client host|\bin from\b|"
    r"sender (?:address )?verif|call-?(?:back|out)\b|您的(?:[账帐][号户]|域名|服务器)",
    re.IGNORECASE,
)
#: What is said of the sender is not said of the address.
SENDER: Final = re.compile(
    r"\b[45]\.1\.[78]\b|\bsender\b|return.?path|reverse (?:lookup|hostname)|发件人|发信人|"
    + _AUTHENTICATION.pattern,
    re.IGNORECASE,
)
FULL: Final = re.compile(
    r"(?:mailbox|inbox|maildir|account|folder).{0,20}\b(?:is |too )?full|over ?quota|out of storage|"
    r"quota.{0,12}exceed|exceed.{0,40}(?:quota|storage|mailbox size)|disk quota|"
    r"(?:mailbox|inbox|storage)(?: \w+){0,2} exceed|"
    r"insufficient (?:\w+ )?(?:space|storage)|not enough (?:\w+ )?(?:space|storage)|"
    r"已满|已滿|爆满|(?:空间|空間|容量)(?:已)?不足|超出.{0,8}(?:容量|配额)|超过.{0,8}(?:容量|配额)",
    re.IGNORECASE,
)
UNKNOWN: Final = re.compile(
    r"(?:user|account|mail ?box|recipient|address|addressee)(?:\S{0,3} (?:\S+ ){0,3}?)?(?:is |was )?"
    r"(?:unknown|unrouteable|closed|not found|doe?sn'?t exist|does not exist|not exists?|invalid|suspended|disabled|inactive|"
    r"locked|no longer (?:valid|active|available|exists))|unknown (?:user|recipient|address|local)|"
    r"\bunrout(?:e)?able\b|non-?existent (?:user|mailbox|recipient|address|account)|"
    r"not (?:a )?(?:known|valid|local) (?:user|mailbox|recipient|address|account)|\buser not local\b|"
    r"has no mailbox|no such (?:user|mailbox|recipient|address|account|person)|no mailbox here|not our customer|"
    r"doesn'?t have an? .{0,30}account|invalid (?:user|recipient|mailbox|address)|"
    r"address rejected|undeliverable address|bad destination|null ?mx|nxdomain|"
    r"rcpt .{0,80}doe?sn'?t exist|(?:domain|host).{0,40}(?:not found|does not exist|doesn'?t exist|unknown)|"
    r"couldn'?t find any host|relaying to non-?existent|"
    r"(?:用[户戶]|使用者|邮箱|郵箱|信箱|邮件地址|地址|收件[人者]|[帐账帳][号户號戶]|域名|网域|網域|主机|主機)"
    r"[^。，；！\n]{0,80}?(?:不存在|不正确|不正確|无效|無效|未找到|没有找到|已注销|已停用|被停用|已冻结|被冻结|"
    r"被禁用|已禁用|已註銷|已凍結|被凍結)|(?:无此|無此|没有这个|没有该|沒有該|查无此|查無此|不存在的|无法找到该|"
    r"找不到(?:该|該|收件|域名|网域|網域|您(?:输入|輸入)的))",
    re.IGNORECASE,
)
CONTENT: Final = re.compile(
    r"spam|junk|content|polic(?:y|ies)|denied|prohibit|forbidden|not (?:permitted|allowed|authori[sz]ed)|"
    r"relay(?:ing)?\b|authentication (?:is )?required|check failed|suspected|illegal|\brbl\b|blocked|block ?list|black ?list|virus|reputation|"
    r"\b(?:dmarc|dkim|spf)\b|\b[45]\.7\.\d|\bDT:|\bHL:IPB|\bMI:SPB|unsolicited|(?:rejected|refused) by|(?:message|mail) (?:was |is )?(?:rejected|refused)|"
    r"(?:not accept|refuses) mail from|too (?:large|big)|"
    r"垃圾邮件|内容|拒收|黑名单|病毒|拒绝|屏蔽|过大",
    re.IGNORECASE,
)
LATER: Final = re.compile(
    r"try again|temporar|grey-?list|gray-?list|expired|timed? ?out|too long|unreachable|"
    r"connection refused|not accepting|congest|稍后|暂时|超时|繁忙",
    re.IGNORECASE,
)

#: Permanent by their class, and yet no word on whether there is such a mailbox: full, too big,
#: the sender, the system, the content, the policy, the protocol. None: every detail.
_SOFT: Final[dict[int, frozenset[int] | None]] = {
    1: frozenset({7, 8, 9}),
    2: frozenset({2, 3, 4}),
    3: frozenset({1, 2, 3, 4, 5, 6}),
    4: frozenset({2, 3, 5, 6, 7, 12, 14}),
    5: frozenset({1, 2, 3, 4, 5, 6}),
    6: None,
    7: None,
}
_PERMANENT, _TRANSIENT = "5", "4"
#: The replies that speak of a mailbox or of a host that takes no mail at all (RFC 5321 §4.2.3,
#: RFC 7504); the others are about storage, commands, rights or "the transaction".
_OF_A_MAILBOX: Final = frozenset({"521", "550", "551", "553", "556"})


def status_in(text: str) -> str | None:
    """The first code of RFC 3463 in a text, a specific one before a general one."""
    codes = [found[0] for found in ENHANCED.finditer(text[:4_000])]
    return next((one for one in codes if not is_general(one)), codes[0] if codes else None)


def is_general(status: str) -> bool:
    """Whether a code says that it failed, and not why: ``5.0.0``, ``5.5.0``."""
    return status.endswith((".0", ".00", ".000"))


def kind_of_failure(status: str | None, text: str, *, by_report: bool = True) -> ReturnKind:
    """Whether a delivery that ended in failure ends the address, or counts against it.

    Args:
        status: what the report says, such as ``5.1.1``; None when it says nothing.
        text: the server's own words.
        by_report: a program said so in fields made for it (RFC 3464); in free text a
            permanent failure without a known reason only counts.
    """
    inside = status_in(text)
    if inside and (status is None or is_general(status)) and not _differs(inside, status):
        status = inside
    classes = {one[0] for one in (status, inside) if one}
    reply = _REPLY.search(text[:4_000])
    if not classes and reply:
        classes = {reply[1][0]}
    of_us = RATE.search(text) or _OF_THE_SENDER.search(text)
    if _TRANSIENT in classes or of_us or _is_soft(status) or _is_soft(inside):
        return ReturnKind.SOFT
    unknown = bool(UNKNOWN.search(text))
    if FULL.search(text) and not unknown:
        return ReturnKind.SOFT
    if status and not is_general(status):
        return ReturnKind.HARD if status[0] == _PERMANENT else ReturnKind.SOFT
    if unknown and not _AUTHENTICATION.search(text):
        return ReturnKind.HARD
    why = CONTENT.search(text) or LATER.search(text) or _AUTHENTICATION.search(text)
    if why or not by_report or (reply and reply[1] not in _OF_A_MAILBOX):
        return ReturnKind.SOFT
    return ReturnKind.HARD if classes == {_PERMANENT} else ReturnKind.SOFT


def _differs(inside: str, status: str | None) -> bool:
    return status is not None and inside[0] != status[0]


def _is_soft(status: str | None) -> bool:
    if status is None or status[0] != _PERMANENT:
        return False
    _, subject, detail = (int(number) for number in status.split("."))
    details = _SOFT.get(subject, frozenset())
    return details is None or detail in details
