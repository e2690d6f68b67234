"""What comes back arrives: a listener that relays hand it to, and a mailbox that is read."""

from aggregator.receive.imap import Mailbox
from aggregator.receive.listener import Listener, listen_address

__all__ = ["Listener", "Mailbox", "listen_address"]
