"""Mails leave, each once: SMTP and what its answers mean."""

from aggregator.deliver.composer import Composer
from aggregator.deliver.dkim import Signer
from aggregator.deliver.mime import as_bytes
from aggregator.deliver.sent import SentFiles
from aggregator.deliver.smtp import SmtpMailer, sender_address

__all__ = ["Composer", "SentFiles", "Signer", "SmtpMailer", "as_bytes", "sender_address"]
