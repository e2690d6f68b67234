"""Whether a mail that arrived is the one that was planned: its words, links, marks and items.

Pure: bytes and what the store knows in, differences in words out. None names an address.
"""

from __future__ import annotations

import email
import re
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.utils import parseaddr
from urllib.parse import urlsplit

from aggregator.canaries import ExpectedMail
from aggregator.model import SubscriberId
from aggregator.notify import marks
from aggregator.notify.tokens import Keys, Purpose, read

#: A digest that shows so many items at most says nothing of the others by name.
SHOWN = 30
_ITEM = re.compile(r"/a/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})")
_STOP = re.compile(r"<(https?://[^>]+)>")


def message_of(raw: bytes) -> EmailMessage:
    """A mail as it arrived."""
    made = email.message_from_bytes(raw, policy=policy.default)
    assert isinstance(made, EmailMessage)
    return made


def differences(
    mail: EmailMessage,
    expected: ExpectedMail,
    *,
    keys: Keys,
    public_url: str,
    mail_from: str,
    now: datetime,
) -> list[str]:
    """How a mail differs from what was planned; nothing when it is the one.

    Args:
        mail: as it arrived.
        expected: what the store knows.
        keys: those that links are signed with.
        public_url: where our links lead.
        mail_from: who our mails are from.
        now: UTC.
    """
    found: list[str] = []
    if str(mail.get("Subject", "")).strip() != expected.subject:
        found.append("its subject is another")
    if parseaddr(str(mail.get("From", "")))[1] != parseaddr(mail_from)[1]:
        found.append("it is from another address")
    found += _stop_link(mail, expected.subscriber_id, keys=keys, public_url=public_url, now=now)
    text = _part(mail, "plain")
    for name, seen, told in (
        ("text", text, expected.text),
        ("HTML", _part(mail, "html"), expected.html),
    ):
        if _lined(seen) != _lined(told) and not _same(_lined(seen), _lined(told)):
            found.append(f"its {name} was altered on the way")
    shown = frozenset(_ITEM.findall(text))
    if strange := shown - expected.items:
        found.append(f"{len(strange)} of its items are not in the ledger")
    missing = expected.items - shown
    if missing and len(expected.items) <= SHOWN and marks.REST not in expected.text:
        found.append(f"{len(missing)} of the ledger's {len(expected.items)} items are not in it")
    return found


def _stop_link(
    mail: EmailMessage,
    subscriber_id: SubscriberId,
    *,
    keys: Keys,
    public_url: str,
    now: datetime,
) -> list[str]:
    """RFC 8058: one address that stops this reader's mails, and the word that lets a program."""
    link = _STOP.search(str(mail.get("List-Unsubscribe", "")))
    if link is None or not link[1].startswith(f"{public_url}/"):
        return ["its List-Unsubscribe leads nowhere"]
    token = urlsplit(link[1]).path.rpartition("/")[2]
    ticket = read(keys, token, purpose=Purpose.STOP, now=now)
    found = []
    if ticket is None or ticket.subscriber_id != subscriber_id:
        found.append("its List-Unsubscribe does not stop this reader's mails")
    if str(mail.get("List-Unsubscribe-Post", "")).strip() != "List-Unsubscribe=One-Click":
        found.append("its List-Unsubscribe-Post is missing")
    return found


def _part(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    content = "" if part is None else part.get_content()
    return content if isinstance(content, str) else ""


def _lined(text: str) -> str:
    """Words without what transport may change: the ends of lines."""
    return "\n".join(line.rstrip() for line in text.splitlines()).strip()


def _same(seen: str, told: str) -> bool:
    """Whether words are an edition's, but for the reader's tokens where it has marks."""
    if len(seen) != len(told):
        return False
    for mark in marks.MARKS:
        start = told.find(mark)
        while start >= 0:
            end = start + len(mark)
            seen = seen[:start] + mark + seen[end:]
            start = told.find(mark, end)
    return seen == told
