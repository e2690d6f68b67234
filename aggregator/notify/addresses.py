"""What we take for one mail address, and its form on the wire.

Stricter than RFC 5321: no quoted local parts, no comments, no literals. What an SMTP server
or a header could read as two recipients is refused (RELIABILITY.md, hostile input 116).
"""

from __future__ import annotations

import re

from aggregator.errors import UsageError

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_LOCAL_OCTETS = 64
_OCTETS = 254


def check_address(text: str) -> str:
    """The one address in the text, its domain in lower case and as ``xn--`` where needed.

    Raises:
        UsageError: when it is not exactly one address that any mail server takes.
    """
    text = text.strip(" ")
    local, at, domain = text.rpartition("@")
    if not at or not local or not domain:
        raise UsageError("email: an address has the form name@example.org")
    if not text.isprintable() or any(sign in text for sign in ' ,;<>()[]\\":'):
        raise UsageError("email: give one address only, without blanks, commas or quotes")
    if not _LOCAL.fullmatch(local):
        raise UsageError("email: the part before @ may hold letters of ASCII, digits and .+-_ only")
    if len(local) > _LOCAL_OCTETS:
        raise UsageError(f"email: the part before @ is longer than {_LOCAL_OCTETS} characters")
    wire = _wire_domain(domain)
    if len(local) + 1 + len(wire) > _OCTETS:
        raise UsageError(f"email: the address is longer than {_OCTETS} characters")
    return f"{local}@{wire}"


def _wire_domain(domain: str) -> str:
    try:
        wire = domain.encode("idna").decode("ascii").lower()
    except UnicodeError as error:
        raise UsageError("email: no mail domain is written like the part after @") from error
    labels = wire.split(".")
    numeric = labels[-1].isdigit()
    if len(labels) < 2 or numeric or not all(_LABEL.fullmatch(label) for label in labels):  # noqa: PLR2004  # name and top level
        raise UsageError("email: no mail domain is written like the part after @")
    return wire
