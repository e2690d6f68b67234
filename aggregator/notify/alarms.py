"""The mail that tells the operator of an alarm."""

from __future__ import annotations

import hashlib
from email.utils import parseaddr

from jinja2 import Environment

from aggregator.alarms import Alarm
from aggregator.errors import UsageError
from aggregator.model import Lane, Mail
from aggregator.notify.addresses import wire_form
from aggregator.notify.letters import letter
from aggregator.notify.render import House
from aggregator.notify.words import words_of
from aggregator.text import one_line

#: Domains that no mail reaches (RFC 2606, RFC 6761).
_NOWHERE = (".example", ".invalid", ".test", ".localhost")


def contact_address(contact: str, *, caught: bool) -> str | None:
    """Where the operator reads mail; None when the contact is no address that mail reaches.

    Args:
        contact: the setting: an address, ``mailto:`` with one, or some other link.
        caught: our own mailbox catches what leaves, whatever its domain.
    """
    try:
        address = wire_form(parseaddr(contact.removeprefix("mailto:"))[1])
    except UsageError:
        return None
    return address if caught or not address.lower().endswith(_NOWHERE) else None


def render_alarm(env: Environment, alarm: Alarm, *, to: str, house: House) -> Mail:
    """The mail about an alarm; its key is the alarm's, so that it is written once."""
    chinese, english = alarm.meaning
    values = {
        "words": words_of("zh"),
        "masthead": words_of("zh").brand,
        "subject": one_line(f"区讯警报：{chinese}"),
        "preheader": one_line(alarm.text),
        "chinese": chinese,
        "english": english,
        "kind": alarm.kind,
        "text": one_line(alarm.text),
        "since": f"{alarm.at:%Y-%m-%d %H:%M:%S} UTC",
        "operator_url": f"{house.public_url}/operator/",
        "home_url": f"{house.public_url}/",
    }
    key = f"alarm:{alarm.id}"
    return Mail(
        key=key,
        lane=Lane.CONFIRMATION,
        to=to,
        subject=one_line(letter(env, "alarm", "subject.txt").render(values)),
        text=letter(env, "alarm", "body.txt").render(values),
        html=letter(env, "alarm", "body.html").render(values),
        message_id=f"<{hashlib.blake2b(key.encode(), digest_size=16).hexdigest()}.alarm@{house.domain}>",
        # A stop button that is pressed by chance must not silence the only warning.
        headers={
            "From": house.mail_from,
            "List-Id": f"Quxun alarm <alarm.quxun.{house.domain}>",
            "Auto-Submitted": "auto-generated",
        },
    )
