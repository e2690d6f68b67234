"""What an answer means: a challenge, a refusal, a time to come back."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from aggregator.errors import FetchError
from aggregator.fetch.exchange import Answer

#: Anti-bot answers of known vendors (DOMAIN.md §7); nothing is solved, the source is marked.
_CHALLENGES = {412, 468, 521}
_CHALLENGE_BYTES = 2560
_SHORTEST_RETRY, _LONGEST_RETRY = timedelta(minutes=1), timedelta(hours=24)


def refusal(url: str, answer: Answer, now: datetime) -> FetchError:
    """The error for a status that is no page."""
    status = answer.status
    if status in _CHALLENGES:
        return challenge(url, status)
    words = {
        403: "it refuses us", 404: "there is no such page", 410: "the page is gone for good",
        429: "it asks us to come more rarely", 405: "it refuses us", 401: "it wants a login",
    }.get(status, "it is in trouble" if status >= 500 else "it does not give the page")  # noqa: PLR2004  # fmt: skip
    return FetchError(
        f"{url}: {status}, {words}; tried again ever more slowly",
        reason="http",
        url=url,
        status=status,
        retry_after=retry_after(answer.headers.get("retry-after"), now),
    )


def is_challenge(body: bytes) -> bool:
    """Whether a 200 is an anti-bot page: short, with a script and no text (DOMAIN.md §7)."""
    if len(body) >= _CHALLENGE_BYTES or b"<script" not in body.lower():
        return False
    rest = re.sub(rb"(?is)<(script|style|head|noscript)\b.*?</\1\s*>|<!--.*?-->", b"", body)
    return not re.sub(rb"(?s)<[^>]*>", b"", rest).strip()


def challenge(url: str, status: int) -> FetchError:
    """The error for an anti-bot page."""
    return FetchError(
        f"{url}: {status}, an anti-bot page; we solve none. Polled once a day; read the city's "
        "list or the ministry's instead",
        reason="challenge",
        url=url,
        status=status,
    )


def protocol(url: str, status: int, what: str) -> FetchError:
    """The error for an answer that makes no sense to what we asked."""
    return FetchError(
        f"{url}: it answered {what}, which says nothing; tried again later",
        reason="protocol",
        url=url,
        status=status,
    )


def retry_after(value: str | None, now: datetime) -> timedelta | None:
    """Seconds or an HTTP date (RFC 9110 §10.2.3), held between a minute and a day."""
    if not value:
        return None
    if value.isascii() and value.isdigit():
        wait = timedelta(seconds=min(int(value[:9]), 10**8))
    else:
        try:
            at = parsedate_to_datetime(value)
            wait = (at if at.tzinfo else at.replace(tzinfo=UTC)) - now
        except (TypeError, ValueError, OverflowError):
            return None
    return min(max(wait, _SHORTEST_RETRY), _LONGEST_RETRY)


def max_age(headers: dict[str, str]) -> timedelta | None:
    """How long an answer says that it holds."""
    found = re.search(r"\bmax-age=(\d{1,9})", headers.get("cache-control", ""))
    return timedelta(seconds=int(found.group(1))) if found else None
