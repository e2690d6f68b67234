"""What can go wrong, by whose problem it is.

A message says which thing, what we saw and what to do about it. ``reason`` is a short
word (the class of RELIABILITY's table) that health and statistics are grouped by.
"""

from __future__ import annotations

from datetime import timedelta


class QuxunError(Exception):
    """Anything that we foresaw; its text is one line for the person concerned."""

    reason = "error"


class UsageError(QuxunError):
    """The caller asked for something that cannot be: exit code 2."""

    reason = "usage"


class SettingsError(QuxunError):
    """A setting has a value we cannot start with; the text names the variable."""

    reason = "settings"


class NotFoundError(QuxunError):
    """Something named by its id, address or name is not in the store."""

    reason = "not_found"


class ConflictError(QuxunError):
    """Something with that address or name is there already."""

    reason = "conflict"


class ForbiddenError(QuxunError):
    """Who asks did not show that they may; the text says what was missing."""

    reason = "forbidden"


class MailboxError(QuxunError):
    """The bounce mailbox cannot be read now; the text says why and names no password."""

    reason = "mailbox"


class PlanningError(QuxunError):
    """What a digest was planned from changed under it: it is planned again."""

    reason = "planning"


class SourceError(QuxunError):
    """A source's problem: caught once in the flow and written on that source."""

    reason = "source"


class FetchError(SourceError):
    """Getting bytes failed: ``reason`` is one of timeout, too_large, protocol, truncated,
    compression, redirect, blocked, dns, connect, tls, robots, http, challenge.
    """

    def __init__(
        self,
        message: str,
        *,
        reason: str,
        url: str,
        status: int | None = None,
        retry_after: timedelta | None = None,
        answered: int | None = None,
        sent: bool = False,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.url = url
        self.status = status
        self.retry_after = retry_after
        #: The status that had come before the rest of the answer failed.
        self.answered = answered
        #: Whether any of the request had left before it failed.
        self.sent = sent


class ParseError(SourceError):
    """Bytes could not be read as what they should be: ``reason`` is parse, empty, too_deep,
    too_many_attributes, challenge, soft_404 or crash.
    """

    def __init__(self, message: str, *, reason: str = "parse", url: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.url = url


class RefusedError(QuxunError):
    """The database refuses a row for good: trying the same again gives the same."""

    reason = "refused"


class OutageError(QuxunError):
    """The database cannot be reached just now: nobody's fault here, and nothing is written on
    a source or an article for it.
    """

    reason = "outage"


class CutShortError(OutageError):
    """A restore of a backup has not come to its end: whatever is written now may be lost."""

    reason = "cut_short"


class BusyError(QuxunError):
    """More is asked of us at once than we can do; asking again soon will do."""

    reason = "busy"


class EmbeddedError(QuxunError):
    """The embedded service cannot start or go on; the text says how to mend it."""

    reason = "embedded"


class DeliveryError(QuxunError):
    """The mail server could not be spoken to at all."""

    reason = "delivery"
