"""What comes back to our envelope sender: bounces, complaints, auto-replies. Pure."""

from aggregator.returns.codes import kind_of_failure
from aggregator.returns.events import Signed, read_events, sign_events, signature_fault
from aggregator.returns.read import message_id_of, names_recipient, read_return

__all__ = [
    "Signed",
    "kind_of_failure",
    "message_id_of",
    "names_recipient",
    "read_events",
    "read_return",
    "sign_events",
    "signature_fault",
]
