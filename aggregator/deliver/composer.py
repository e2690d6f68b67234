"""Makes of a row of the outbox what goes over the wire: envelope, headers, bodies, signature."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Final

from aggregator.deliver.dkim import Signer
from aggregator.deliver.mime import (
    Printed,
    address_field,
    as_bytes,
    header_bytes,
    mime_fields,
    subject_field,
    wire_address,
)
from aggregator.errors import QuxunError
from aggregator.model import Edition, EditionId, Frequency, OutboxMail
from aggregator.notify import House
from aggregator.notify.marks import MARKS, STOP
from aggregator.notify.render import list_headers, own_tokens
from aggregator.notify.verp import return_path

#: Printed editions that are kept, in bytes: memory does not follow the number of readers.
_KEPT_BYTES: Final = 48 << 20
_STOP_HERE: Final = "https://stop.invalid/"


class UnwritableError(QuxunError):
    """A mail that no server shall see: the text says what is wrong with it."""

    reason = "unwritable"


@dataclass(slots=True)
class Letter:
    """A mail ready for the wire; ``payload`` is stuffed and ends with the final dot."""

    mail: OutboxMail
    sender: str
    recipient: str
    payload: bytes

    @property
    def envelope(self) -> tuple[bytes, bytes, bytes]:
        """The three commands before its words."""
        return (
            f"MAIL FROM:<{self.sender}>\r\n".encode(),
            f"RCPT TO:<{self.recipient}>\r\n".encode(),
            b"DATA\r\n",
        )


class Composer:
    """Composes letters; editions are printed once and kept while they are in use.

    Args:
        sender: the envelope's sender where mails have no address of their own to come back to.
        house: what our mails say of us; only whole mails can be written without.
        bounce_domain: where undeliverable mails come back to, each to its own address.
        signer: signs with DKIM.
    """

    def __init__(
        self,
        sender: str,
        *,
        house: House | None = None,
        bounce_domain: str = "",
        signer: Signer | None = None,
    ) -> None:
        self._sender = sender
        self._house = house
        self._bounce_domain = bounce_domain
        self._signer = signer
        self._printed: OrderedDict[EditionId, tuple[Printed, bytes]] = OrderedDict()
        self._bytes = 0
        self._second: tuple[datetime, bytes] | None = None

    def compose(self, mail: OutboxMail) -> Letter:
        """The letter of a row; the same row gives the same bytes, however often it is sent.

        Raises:
            UnwritableError: its words or its address cannot be sent as they are.
        """
        try:
            recipient = wire_address(mail.to)
            head, body = (
                self._whole(mail) if mail.mail is not None else self._of_edition(mail, recipient)
            )
            if self._signer is not None:
                head = self._signer.signature(head + body) + head
        except (ValueError, KeyError, UnicodeError) as error:
            raise UnwritableError(f"we cannot write this mail: {error}") from error
        sender = self._sender
        if self._bounce_domain and self._house is not None:
            sender = return_path(self._house.keys, mail.id, domain=self._bounce_domain)
        return Letter(
            mail=mail,
            sender=sender,
            recipient=recipient,
            # Dots at line begins are doubled (RFC 5321 §4.5.2); a line end stands last already.
            payload=b"".join((head.replace(b"\r\n.", b"\r\n.."), body, b".\r\n")),
        )

    def _whole(self, mail: OutboxMail) -> tuple[bytes, bytes]:
        assert mail.mail is not None
        return as_bytes(mail.mail, mail.created_at), b""

    def _of_edition(self, mail: OutboxMail, recipient: str) -> tuple[bytes, bytes]:
        """The header, and the bodies: lines of base64, of which none begins with a dot."""
        house, frequency = self._house, mail.frequency
        if mail.edition is None or mail.edition_id is None or house is None:
            raise ValueError("its words are gone")
        if not (mail.edition.text.strip() and mail.edition.html.strip()):
            raise ValueError("its words were deleted in time")
        if frequency is None or mail.subscriber_id is None:
            raise ValueError("its run or its reader is gone")
        printed, head = self._print(mail.edition_id, mail.edition, frequency, house)
        own = own_tokens(
            house, mail.subscriber_id, mail.epoch, frequency, run_id=mail.run_id,
            at=mail.created_at, wanted=printed.marks | {STOP},
        )  # fmt: skip
        if not mail.message_id.isascii() or not mail.message_id.isprintable():
            raise ValueError("its Message-ID holds a line break")
        head += b"".join(
            (
                f"To: {recipient}\r\n".encode(),
                b"Date: ", self._date(mail.created_at),
                f"\r\nMessage-ID: {mail.message_id}\r\n".encode(),
                f"List-Unsubscribe: <{house.stop_page(own[STOP])}>\r\n\r\n".encode("ascii"),
            )
        )  # fmt: skip
        return head, printed.fill({mark: token.encode() for mark, token in own.items()})

    def _print(
        self, edition_id: EditionId, edition: Edition, frequency: Frequency, house: House
    ) -> tuple[Printed, bytes]:
        """An edition's bodies, and the header fields that all its readers get alike."""
        found = self._printed.get(edition_id)
        if found is not None:
            self._printed.move_to_end(edition_id)
            return found
        printed = Printed(edition, MARKS)
        fields = list_headers(house, frequency, _STOP_HERE)
        fields.pop("List-Unsubscribe")
        fields["From"] = address_field(fields["From"])
        fields["Subject"] = subject_field(edition.subject)
        made = printed, header_bytes({**fields, **mime_fields(printed.boundary)})
        self._printed[edition_id] = made
        self._bytes += printed.size
        while self._bytes > _KEPT_BYTES and len(self._printed) > 1:
            _, (old, _) = self._printed.popitem(last=False)
            self._bytes -= old.size
        return made

    def _date(self, at: datetime) -> bytes:
        """A date as headers have it; most mails of a run have the same."""
        if self._second is None or self._second[0] != at:
            self._second = at, format_datetime(at).encode()
        return self._second[1]
