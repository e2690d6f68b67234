"""The story of what comes back: read it, find its mail, record what follows.

The listener, the mailbox and the provider's endpoint bring it; all end here. Whatever is not
recorded is brought again by whoever brought it, and the same return twice counts once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from aggregator.errors import ForbiddenError, MailboxError
from aggregator.model import MailId, Return, ReturnKind
from aggregator.notify import Keys
from aggregator.notify.verp import returned_mail
from aggregator.ports import AlarmStore, MailboxReader, ReturnStore
from aggregator.returns import Signed, read_events, read_return, signature_fault
from aggregator.settings import Settings

log = structlog.get_logger()

#: A poll of the mailbox ends after this long and leaves the rest to the next one: the sweeper
#: waits behind it.
LONGEST: Final = timedelta(seconds=20)
#: Of the mails of a day: so many that bounce for good or are complained of are an alarm.
WATCHED: Final = timedelta(days=1)
MANY_BOUNCES: Final = (20, 0.10)
MANY_COMPLAINTS: Final = (5, 0.003)
ALARM: Final = "bounces"
ALARM_RISEN: Final = "bounces:risen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """A message that came back, and whom its envelope named where that is known."""

    message: bytes
    recipients: tuple[str, ...] = ()


def finder(settings: Settings) -> Callable[[str], MailId | None]:
    """Which mail an address of ours names; none does where no bounce domain is set.

    Raises:
        SettingsError: when the secret key is missing or too short.
    """
    domain = settings.bounce_domain
    if not domain:
        return lambda _: None
    keys = Keys.of(settings.secret_key.get_secret_value())
    return lambda address: returned_mail(keys, address, domain=domain)


def take_in(
    arrived: Sequence[Arrived],
    *,
    store: ReturnStore,
    mail_of: Callable[[str], MailId | None],
    via: str,
    now: datetime,
) -> list[Return]:
    """Read messages that came back and record what they say; safe to run twice.

    A letter that breaks us is recorded as unclear: it must not stop those behind it.
    """
    found = [_read(one, mail_of) for one in arrived]
    if found:
        _tell(found, store.record(found, via=via, now=now), via)
    return found


def read_mailbox(
    *,
    mailbox: MailboxReader,
    store: ReturnStore,
    alarms: AlarmStore,
    mail_of: Callable[[str], MailId | None],
    clock: Callable[[], datetime],
    is_canary: Callable[[bytes], bool] = lambda _: False,
) -> int:
    """Read what waits in the bounce mailbox; how many messages were read and marked.

    A message is marked only after what it says is committed. A mailbox that cannot be read is
    an alarm until it can. ``is_canary`` takes what is the canary's digest (``flow.canary``).
    """
    until = clock() + LONGEST

    def take(messages: Sequence[bytes]) -> None:
        arrived = [Arrived(message=one) for one in messages if not is_canary(one)]
        take_in(arrived, store=store, mail_of=mail_of, via="imap", now=clock())

    try:
        done = mailbox.read(take, more=lambda: clock() < until)
    except MailboxError as error:
        alarms.raise_alarm(ALARM, str(error))
        return 0
    alarms.clear_alarm(ALARM)
    return done


def take_events(
    body: bytes, headers: Mapping[str, str], *, secret: str, store: ReturnStore, now: datetime
) -> dict[str, int]:
    """Record what a mail provider tells; how many events were taken, and how many are of mails
    that are none of ours.

    Raises:
        ForbiddenError: when the signature does not fit or is too old.
        UsageError: when the body cannot be read.
    """
    fault = signature_fault(secret, Signed.of(headers), body, now=now)
    if fault is not None:
        raise ForbiddenError(fault)
    events = read_events(body)
    found = [
        Return(
            kind=one.kind if mail_id is not None else ReturnKind.FOREIGN,
            mail_id=mail_id,
            status=one.status,
            diagnostic=one.diagnostic,
            evidence="told by the provider",
        )
        for one, mail_id in zip(events, store.mails_of(events), strict=True)
    ]
    _tell(found, store.record(found, via="endpoint", now=now), "endpoint")
    foreign = sum(one.mail_id is None for one in found)
    return {"taken": len(found) - foreign, "foreign": foreign}


def watch(*, store: ReturnStore, alarms: AlarmStore, now: datetime) -> None:
    """Raise an alarm while more comes back than a well-kept list brings."""
    numbers = store.since(now - WATCHED)
    sent = max(numbers.get("sent", 0), 1)
    hard, complaints = numbers.get("hard", 0), numbers.get("complaint", 0)
    risen = []
    if hard >= MANY_BOUNCES[0] and hard / sent >= MANY_BOUNCES[1]:
        risen.append(f"{hard} hard bounces")
    if complaints >= MANY_COMPLAINTS[0] and complaints / sent >= MANY_COMPLAINTS[1]:
        risen.append(f"{complaints} complaints")
    if risen:
        alarms.raise_alarm(
            ALARM_RISEN,
            f"{' and '.join(risen)} on {sent:,} mails in a day; look at"
            ' "quxun suppressions list" and hold mail if they are wrong',
        )
    else:
        alarms.clear_alarm(ALARM_RISEN)


def _read(one: Arrived, mail_of: Callable[[str], MailId | None]) -> Return:
    """What a message says; unclear when it breaks the reading of it."""
    try:
        return read_return(one.message, recipients=one.recipients, mail_of=mail_of)
    except Exception as error:
        log.exception("a letter could not be read", bytes=len(one.message))
        mail_id = next(filter(None, map(mail_of, one.recipients)), None)
        return Return(
            kind=ReturnKind.UNCLEAR if mail_id is not None else ReturnKind.FOREIGN,
            mail_id=mail_id,
            evidence=f"it could not be read ({type(error).__name__})",
        )


def _tell(found: Sequence[Return], effects: Sequence[str], via: str) -> None:
    """One line a return of a mail of ours, one for all others; no address in any."""
    others = Counter(one.kind.value for one in found if one.mail_id is None)
    for one, effect in zip(found, effects, strict=True):
        if one.mail_id is not None:
            log.info(
                "returned", mail=one.mail_id, kind=one.kind.value, status=one.status,
                effect=effect, via=via,
            )  # fmt: skip
    if others:
        log.info("returned", foreign=others.total(), via=via)
