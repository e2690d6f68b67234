"""What a message that came back says: bytes → ``Return``.

Only a valid token in the address it was sent to, or in the sender that a complaint quotes, names
a mail of ours; everything else in the message may be forged and is never believed about whom it
concerns (docs/adr, "only a token names a mail").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from aggregator.model import MailId, Return, ReturnKind
from aggregator.returns import codes
from aggregator.returns.mime import HEAD_BYTES, Fields, Message, Part, read_fields, take_apart
from aggregator.text import one_line, shorten

#: A diagnostic as kept, and the text of a bounce in free words that is looked at.
DIAGNOSTIC_LENGTH: Final = 300
WORDS_LENGTH: Final = 6_000
_MOST_ADDRESSES = 40
_MOST_BLOCKS = 50

#: Fields in which mail servers leave the address that a message was delivered to.
_DELIVERED_TO = (
    "delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-delivered-to",
    "x-forwarded-to", "to", "cc",
)  # fmt: skip
_ADDRESS = re.compile(r"[^\s<>\"(),;:]{1,200}@[^\s<>\"(),;:]{1,200}")
_MASKED = re.compile(r"[^\s<>\"(),;:@]+@(?=[^\s<>\"(),;:@])")
_STATUS_PARTS = ("message/delivery-status", "message/global-delivery-status")
_FEEDBACK = "message/feedback-report"
#: Outlook.com's Junk Mail Reporting Program follows no standard but this field.
_COMPLAINT_FIELD = "x-hmxmroriginalrecipient"
_SENDER_FIELDS = ("original-mail-from", "return-path", "sender")
_RECEIPTS = ("message/disposition-notification", "message/global-disposition-notification")
_ORIGINALS = ("message/rfc822", "text/rfc822-headers", "message/rfc822-headers", "message/global")

_DAEMON = re.compile(
    r"mailer-?daemon|mail delivery (?:sub)?system|postmaster|系统退信|mail ?administrator|"
    r"microsoftexchange[0-9a-f]{8}",
    re.IGNORECASE,
)
_BOUNCED_SUBJECT = re.compile(
    r"undeliver|delivery (?:status|failure|failed|notification|has failed|problem)|failure notice|"
    r"returned (?:mail|to sender)|mail (?:delivery )?(?:failed|failure|error)|"
    r"could not be delivered|rejected mail|delayed mail|warning: (?:message|could not)|"
    r"退信|退回|退件|(?:投递|发送|传递|投遞|傳送|傳遞)(?:失败|失敗|延迟|延遲)|"
    r"(?:无法|未能|未|無法)(?:投递|送达|传递|投遞|送達|傳遞|傳送)",
    re.IGNORECASE,
)
_AWAY_SUBJECT = re.compile(
    r"^\W*(?:(?:re|aw|答复|回复)\s{0,3}[:：]\s{0,3})?(?:automatic reply|auto[- ]?(?:reply|response|"
    r"matic response)|autoreply|out of (?:the )?office|vacation|away from|on (?:leave|holiday)|"
    r"自动回复|自动答复|外出|休假|不在办公室|出差|离职|ooo\b)|自动(?:回复|答复)|自動(?:回[覆復]|答[覆復])|"
    r"out of office",
    re.IGNORECASE,
)
#: The empty envelope sender, and how pipes of Postfix spell it.
_NULL_SENDER = re.compile(r"<?\s*>?|<?mailer-daemon(?:@[^\s<>]*)?>?", re.IGNORECASE)
_GAVE_UP = re.compile(
    r"permanent error|i'?ve given up|wasn'?t able to deliver|could not be delivered|"
    r"undeliverable|退信|(?:投递|发送|传递|投遞|傳送|傳遞)(?:失败|失敗)|"
    r"(?:无法|未能|無法)(?:投递|送达|传递|投遞|送達|傳遞|傳送)",
    re.IGNORECASE,
)
_STILL_TRYING = re.compile(
    r"will (?:be retried|continue to (?:try|be)|keep trying)|still (?:trying|being retried)|"
    r"do not need to resend|has been delayed|not yet been delivered|继续尝试|继续投递|延迟投递|投递延迟|繼續嘗試|已延迟|已延遲",
    re.IGNORECASE,
)
_BY_SUBJECT = "its subject"
#: From here on a bounce in free words holds our own mail, whose words are no reason.
_COPY = re.compile(
    r"^[ \t>]{0,5}(?:-{3,} ?(?:below this line|this is a copy|original|the (?:header|body)|"
    r"returned message|message header|forwarded)|-{2,} ?原始邮件|原邮件(?:内容|如下)|"
    r"原始邮件|------ )",
    re.IGNORECASE | re.MULTILINE,
)
_SUCCESS = {"delivered": ReturnKind.DELIVERED, "relayed": ReturnKind.UNCLEAR,
            "expanded": ReturnKind.UNCLEAR}  # fmt: skip
#: A report on several addresses behind one of ours is as mild as its mildest part.
_MILDEST = (
    ReturnKind.DELIVERED,
    ReturnKind.UNCLEAR,
    ReturnKind.DELAYED,
    ReturnKind.SOFT,
    ReturnKind.HARD,
)


def read_return(
    message: bytes, *, recipients: Sequence[str] = (), mail_of: Callable[[str], MailId | None]
) -> Return:
    """What a message says of which mail of ours; any bytes will do, in bounded time.

    Args:
        message: as it came, or its first half megabyte: no more is looked at.
        recipients: whom the envelope named, where it is known.
        mail_of: the mail whose token an address holds; None when it holds no valid one.
    """
    it = take_apart(message)
    mail_id = _mail(it, recipients, mail_of)
    if mail_id is None:
        return Return(kind=ReturnKind.FOREIGN, evidence="no valid token")
    said = _said(it)
    return Return(
        kind=said.kind,
        mail_id=mail_id,
        status=said.status,
        diagnostic=said.diagnostic,
        evidence=said.evidence,
    )


def message_id_of(message: bytes) -> str:
    """A message's Message-ID with its brackets; any bytes will do."""
    return one_line(take_apart(message[:HEAD_BYTES]).top.value("message-id"))


def names_recipient(message: bytes, address: str) -> bool:
    """Whether a message says that it was sent or delivered to an address."""
    top = take_apart(message[:HEAD_BYTES]).top
    named = _addresses([value for key, value in top.fields if key in _DELIVERED_TO])
    return address.lower() in {one.lower() for one in named}


def masked(text: str) -> str:
    """Text on one line, without the names in its addresses, short enough to keep."""
    return shorten(_MASKED.sub("…@", one_line(text[: DIAGNOSTIC_LENGTH * 4])), DIAGNOSTIC_LENGTH)


def _said(it: Message) -> Return:
    report = it.leaf(*_STATUS_PARTS)
    if report is not None:
        return _delivery_status(report, it)
    if _complains(it):
        return _feedback(it.leaf(_FEEDBACK))
    if it.leaf(*_RECEIPTS):
        return Return(kind=ReturnKind.AUTO_REPLY, evidence="a receipt (RFC 8098)")
    subject = it.top.value("subject")[:300]
    away = _away(it.top, subject)
    if away != _BY_SUBJECT or "x-failed-recipients" in dict(it.top.fields):
        bounce = _in_words(it, subject)
        if bounce is not None:
            return bounce
    if away is not None:
        return Return(kind=ReturnKind.AUTO_REPLY, evidence=away)
    return Return(kind=ReturnKind.UNCLEAR, evidence="neither a report nor an automatic answer")


# --- Which mail ---------------------------------------------------------------------------


def _mail(
    it: Message, recipients: Sequence[str], mail_of: Callable[[str], MailId | None]
) -> MailId | None:
    """The mail that the first valid token names."""
    named = [value for key, value in it.top.fields if key in _DELIVERED_TO]
    for address in (*recipients[:_MOST_ADDRESSES], *_addresses(named)):
        found = mail_of(address)
        if found is not None:
            return found
    if not _complains(it):
        return None
    for address in _addresses(_quoted_senders(it)):
        found = mail_of(address)
        if found is not None:
            return found
    return None


def _addresses(values: Iterable[str]) -> list[str]:
    found: list[str] = []
    for value in values:
        found += _ADDRESS.findall(value)
        if len(found) >= _MOST_ADDRESSES:
            break
    return found[:_MOST_ADDRESSES]


def _complains(it: Message) -> bool:
    """Whether it is a report of somebody's complaint: RFC 5965, or as Outlook.com writes them."""
    return it.leaf(_FEEDBACK) is not None or any(
        key == _COMPLAINT_FIELD for fields in (it.top.fields, *_originals(it)) for key, _ in fields
    )


def _originals(it: Message) -> list[Fields]:
    """The heads of the mails that a message quotes."""
    return [read_fields(one.raw()) for one in it.leaves if one.media_type in _ORIGINALS]


def _quoted_senders(it: Message) -> list[str]:
    """Where a complaint may tell the envelope sender of the mail complained of: in a field of its
    own, or anywhere in the head of that mail. Only a valid token is taken for it, so wherever it
    stands it is true.
    """
    heads = [read_fields(one.raw()) for one in it.leaves if one.media_type == _FEEDBACK]
    named = [(key, value) for fields in (*heads, *_originals(it)) for key, value in fields]
    named.sort(key=lambda one: one[0] not in _SENDER_FIELDS)
    # "smtp.mailfrom=bounces+…" in Authentication-Results (RFC 8601).
    return [value.replace("=", " ") for _, value in named]


# --- Reports (RFC 3464, RFC 5965) -----------------------------------------------------------


def _delivery_status(report: Part, it: Message) -> Return:
    """A delivery status, as mild as the mildest of the addresses it tells of."""
    found = [
        _of_recipient(fields) for fields in _blocks(report) if {"action", "status"} & {*fields}
    ]
    if not found:
        words = _in_words(it, it.top.value("subject")[:300])
        if words is not None:
            return words
        return Return(kind=ReturnKind.UNCLEAR, evidence="a delivery status without an action")
    return min(found, key=lambda one: _MILDEST.index(one.kind))


def _of_recipient(fields: dict[str, str]) -> Return:
    action = fields.get("action", "").partition(" ")[0].partition(";")[0].lower()
    status = codes.status_in(fields.get("status", ""))
    diagnostic = fields.get("diagnostic-code", "")
    words = diagnostic.partition(";")[2].strip() if ";" in diagnostic[:60] else diagnostic
    if action in _SUCCESS:
        kind = _SUCCESS[action]
    elif action == "delayed":
        kind = ReturnKind.DELAYED
    elif action in ("failed", "failure", ""):
        succeeded = status is not None and status.startswith("2")
        kind = ReturnKind.UNCLEAR if succeeded else codes.kind_of_failure(status, words)
    else:
        kind = ReturnKind.UNCLEAR
    inside = codes.status_in(words)
    if inside and (status is None or (codes.is_general(status) and inside[0] == status[0])):
        status = inside
    return Return(
        kind=kind,
        status=status,
        diagnostic=masked(words or fields.get("status", "")),
        evidence=masked(f"delivery status: {action or 'no action'}")[:100],
    )


def _blocks(report: Part) -> list[dict[str, str]]:
    """The groups of fields of a delivery status, parted by blank lines; the first one is about
    the message, and told apart by having no action.
    """
    text = report.raw().replace(b"\r\n", b"\n")
    groups = re.split(rb"\n[ \t]*\n", text)[:_MOST_BLOCKS]
    blocks = []
    for one in groups:
        fields: dict[str, str] = {}
        for key, value in read_fields(one):
            fields.setdefault(key, value)
        if fields:
            blocks.append(fields)
    return blocks


def _feedback(part: Part | None) -> Return:
    if part is None:
        return Return(kind=ReturnKind.COMPLAINT, evidence="a complaint as Outlook.com reports it")
    fields: dict[str, str] = {}
    for key, value in read_fields(part.raw()):
        fields.setdefault(key, value)
    kind = fields.get("feedback-type", "").partition("(")[0].partition(";")[0].strip().lower()
    agent = masked(fields.get("user-agent", ""))
    evidence = masked(f"feedback report: {kind or 'no type'}")[:100]
    # RFC 6591 reports are about our signatures; "not-spam" takes a complaint of others back.
    if kind in ("abuse", "fraud", "virus", "other", "opt-out", "opt-out-list", "miscategorized"):
        return Return(kind=ReturnKind.COMPLAINT, diagnostic=agent, evidence=evidence)
    return Return(kind=ReturnKind.UNCLEAR, diagnostic=agent, evidence=evidence)


# --- What follows no standard --------------------------------------------------------------


def _away(top: Part, subject: str) -> str | None:
    """Why this is an automatic answer (RFC 3834 and what came before it); None when it is not."""
    fields = dict(reversed(list(top.fields)))
    submitted = fields.get("auto-submitted", "").partition(";")[0].strip().lower()
    daemon = bool(_DAEMON.search(top.value("from")[:300]))
    if _AWAY_SUBJECT.search(subject):
        return _BY_SUBJECT
    if (
        submitted
        and submitted != "no"
        and not submitted.startswith("auto-generated")
        and not daemon
    ):
        return "Auto-Submitted"
    for name in ("x-autoreply", "x-autorespond", "x-autoresponder", "x-mail-autoreply"):
        if fields.get(name, "no").lower() not in ("no", "false", ""):
            return name
    if fields.get("precedence", "").lower() in ("auto_reply", "auto-reply"):
        return "Precedence"
    return "Auto-Submitted" if submitted.startswith("auto-generated") and not daemon else None


def _in_words(it: Message, subject: str) -> Return | None:
    """A bounce in free words, of qmail, Exim, QQ, 163 and the like; None when it is none.

    People quote bounces ("Re: delivery failure … 5.1.1") and are there to do so: without a sign of
    a program, words are no bounce.
    """
    if not _by_program(it.top):
        return None
    bounced = bool(_BOUNCED_SUBJECT.search(subject)) or "x-failed-recipients" in dict(it.top.fields)
    daemon = bool(_DAEMON.search(it.top.value("from")[:300])) or _sent_by_nobody(it.top)
    if not bounced and not daemon:
        return None
    words = _reason(it)
    if not bounced and not (_GAVE_UP.search(words) or codes.status_in(words)):
        return None
    status = codes.status_in(words)
    if _STILL_TRYING.search(words) and not (status or "").startswith("5"):
        kind = ReturnKind.DELAYED
    else:
        kind = codes.kind_of_failure(status, words, by_report=False)
    return Return(
        kind=kind,
        status=status,
        diagnostic=masked(_telling(words) or subject),
        evidence="a bounce in free words",
    )


def _by_program(top: Part) -> bool:
    """Whether a mail server says that it wrote this by itself: in From, the envelope sender, or
    fields of its own (RFC 3834 §5, RFC 5321 §4.5.5).
    """
    submitted = top.value("auto-submitted").strip().lower()
    return (
        "x-failed-recipients" in {name for name, _ in top.fields}
        or submitted.startswith(("auto-replied", "auto-generated"))
        or _null_sender(top)
        or bool(_DAEMON.search(top.value("from")[:300]))
    )


def _null_sender(top: Part) -> bool:
    path = next((value for name, value in top.fields if name == "return-path"), None)
    return path is not None and bool(_NULL_SENDER.fullmatch(path))


def _sent_by_nobody(top: Part) -> bool:
    """Whether its envelope sender is empty and it answers no mail: whoever is away answers so,
    too (RFC 3834 §3.3), with a field that says it.
    """
    return _null_sender(top) and _away(top, top.value("subject")[:300]) is None


def _reason(it: Message) -> str:
    """What a bounce says before it quotes our mail."""
    for part in it.leaves:
        if part.media_type in ("text/plain", "text/html"):
            words = part.text()
            copy = _COPY.search(words)
            return words[: copy.start() if copy else None][:WORDS_LENGTH]
    return ""


def _telling(words: str) -> str:
    """The line of a bounce that tells why, and the one behind it."""
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    tells = (codes.ENHANCED, codes.RATE, codes.FULL, codes.UNKNOWN, codes.CONTENT, _STILL_TRYING)
    for number, line in enumerate(lines):
        if any(one.search(line[:1_000]) for one in tells):
            return " ".join(lines[number : number + 2])
    return " ".join(lines[:2])
