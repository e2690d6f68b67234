"""What we take for one mail address, its form on the wire, and its form for people.

Stricter than RFC 5321: no quoted local parts, no comments, no literals. What an SMTP server
or a header could read as two recipients is refused (RELIABILITY.md, hostile input 116).
"""

from __future__ import annotations

import re
from functools import lru_cache

from aggregator.errors import UsageError

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
#: Roads to another mailbox: ``victim%c.example@`` and ``c.example!victim@`` are sent on by relays,
#: ``=?utf-8?q?v=40c.example=2C?=@`` is two addresses to who decodes it, and Exim and Postfix take
#: no ``/``, no ``|`` and no leading ``-``.
_ELSEWHERE = re.compile(r"[%!/|`]|^-|=\?")
_BETWEEN = re.compile(r"[._-]")
_LOCAL_OCTETS = 64
_OCTETS = 254
#: Nobody reads a digest there: they are for machines, and for complaints about mail (RFC 2142 §4,
#: RFC 5321 §4.5.1). ``admin@``, ``info@``, ``office@`` are read by people, and are taken.
_ROLES = frozenset(
    {
        "abuse", "bounce", "bounces", "daemon", "devnull", "donotreply", "hostmaster",
        "listmaster", "listserv", "mailerdaemon", "majordomo", "noreply",
        "postmaster", "root", "spam", "trouble", "uucp", "webmaster",
    }
)  # fmt: skip


def check_address(text: str) -> str:
    """The one address in the text, as ``wire_form`` has it, where a person may read it.

    Raises:
        UsageError: when it is not exactly one address that any mail server takes, or nobody's.
    """
    address = wire_form(text)
    local = address.rpartition("@")[0]
    if _ELSEWHERE.search(local):
        raise _refused(
            "@ 之前不能有 % ! / | ` =?，也不能以 - 开头",
            "the part before @ may not hold % ! / | ` =? nor begin with -",
        )
    if _BETWEEN.sub("", local.lower().partition("+")[0]) in _ROLES:
        raise _refused(
            f"{local}@ 是机器或投诉用的地址，请用您自己的地址",
            f"{local}@ is for machines or complaints and read by nobody; give your own address",
        )
    return address


def wire_form(text: str) -> str:
    """The one address in the text, its domain in lower case and as ``xn--`` where needed.

    Raises:
        UsageError: when it is not exactly one address that any mail server takes.
    """
    text = text.strip(" \u3000")
    local, at, domain = text.rpartition("@")
    if not at or not local or not domain:
        raise _refused("请写成 name@example.org", "an address has the form name@example.org")
    if not text.isprintable() or any(sign in text for sign in ' ,;<>()[]\\":'):
        raise _refused(
            "只写一个地址，不带空格、逗号和引号",
            "give one address only, without blanks, commas or quotes",
        )
    if not _LOCAL.fullmatch(local):
        raise _refused(
            "@ 之前只能有英文字母、数字和 .+-_",
            "the part before @ may hold letters of ASCII, digits and .+-_ only",
        )
    if len(local) > _LOCAL_OCTETS:
        raise _refused(
            f"@ 之前超过 {_LOCAL_OCTETS} 个字符",
            f"the part before @ is longer than {_LOCAL_OCTETS} characters",
        )
    wire = _wire_domain(domain)
    if len(local) + 1 + len(wire) > _OCTETS:
        raise _refused(
            f"地址超过 {_OCTETS} 个字符", f"the address is longer than {_OCTETS} characters"
        )
    return f"{local}@{wire}"


def shown_address(address: str) -> str:
    """An address for people: its domain in its own script, where that leads back to it."""
    local, at, domain = address.rpartition("@")
    try:
        said = domain.encode("ascii").decode("idna")
        if said.isprintable() and said.encode("idna").decode("ascii") == domain:
            return f"{local}{at}{said}"
    except UnicodeError:
        pass
    return address


@lru_cache(maxsize=4096)
def _wire_domain(domain: str) -> str:
    try:
        wire = domain.encode("idna").decode("ascii").lower()
    except UnicodeError as error:
        raise _no_domain() from error
    labels = wire.split(".")
    numeric = labels[-1].isdigit()
    if len(labels) < 2 or numeric or not all(_LABEL.fullmatch(label) for label in labels):  # noqa: PLR2004  # name and top level
        raise _no_domain()
    return wire


def _no_domain() -> UsageError:
    return _refused("@ 之后不是邮件域名", "no mail domain is written like the part after @")


def _refused(zh: str, en: str) -> UsageError:
    return UsageError(f"电子邮箱：{zh} · email: {en}")
