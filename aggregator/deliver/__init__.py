"""Mails leave, each once: SMTP and what its answers mean."""

from aggregator.deliver.mime import as_bytes
from aggregator.deliver.smtp import SmtpMailer

__all__ = ["SmtpMailer", "as_bytes"]
