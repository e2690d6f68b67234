"""When to look again, and how a source is doing, judged against its own past."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from aggregator.model import Health, Source
from aggregator.workdays import is_work_day

SHANGHAI = ZoneInfo("Asia/Shanghai")
#: Offices publish in these hours (DOMAIN.md §7).
WORK_HOURS = range(8, 18)
#: Outside of them a source is looked at this much more rarely.
QUIET_FACTOR = 4
#: An anti-bot page is asked once a day.
BLOCKED_WAIT = timedelta(days=1)
#: A list that gave this many rows and gives none is not believed (DOMAIN.md §3).
ENOUGH_ROWS = 5
#: Nothing new for this many times the usual gap is stale, but not before two weeks.
STALE_GAPS = 4
STALE_LEAST = timedelta(days=14)
#: Without rows for this many polls, or usual gaps, a list is redesigned (RELIABILITY row 20).
EMPTY_POLLS = 3
EMPTY_GAPS = 2
#: Limits shorter than this are a demonstration or a test: they hold at night too.
STEADY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class PollLimits:
    """The shortest and the longest wait between two polls of a source."""

    shortest: timedelta
    longest: timedelta


def next_poll_at(
    now: datetime,
    *,
    source_id: int,
    usual_gap: timedelta | None,
    failures: int,
    limits: PollLimits,
    ttl: timedelta | None = None,
    retry_after: timedelta | None = None,
    blocked: bool = False,
) -> datetime:
    """When to poll a source again.

    Half the usual gap between its announcements, doubled for every failure in a row, held
    between the limits; at night and on days off more rarely, until work begins. What the portal asks for
    (``ttl``, ``retry_after``) is heeded where it is longer. A tenth more or less, always the
    same for one source, keeps sources from coming all at once.

    Args:
        now: UTC.
        source_id: seeds the spread.
        usual_gap: the median time between the source's last announcements, if known.
        failures: polls failed in a row; 0 after a good one.
        limits: the shortest and the longest wait allowed.
        ttl: how long the portal says its answer holds.
        retry_after: what it asked for when it refused.
        blocked: whether it showed an anti-bot page.

    Returns:
        UTC, never before ``now + limits.shortest``, and never after ``now + limits.longest``
        unless the portal asked for more.
    """
    wait = (usual_gap / 2 if usual_gap else limits.shortest) * (1 << min(failures, 10))
    if limits.shortest >= STEADY and not is_work_time(now):
        # Not past the start of work by more than the plain wait: the day's news begin there.
        wait = min(wait * QUIET_FACTOR, work_begins_at(now) - now + wait)
    if blocked and limits.shortest >= STEADY:
        wait = max(wait, BLOCKED_WAIT)
    wait = min(max(wait, limits.shortest), limits.longest)
    spread = zlib.crc32(str(source_id).encode()) % 1000 / 5000 - 0.1
    wait = min(max(wait * (1 + spread), limits.shortest), limits.longest)
    return now + max(wait, min(ttl or timedelta(0), limits.longest), retry_after or timedelta(0))


def is_work_time(now: datetime) -> bool:
    """Whether Chinese offices are at work, work weekends and holidays included."""
    local = now.astimezone(SHANGHAI)
    return local.hour in WORK_HOURS and is_work_day(local.date())


def work_begins_at(now: datetime) -> datetime:
    """When Chinese offices go to work next; the next morning when they are at it."""
    local = now.astimezone(SHANGHAI)
    day = local.date() if local.hour < WORK_HOURS.start else local.date() + timedelta(days=1)
    while not is_work_day(day):
        day += timedelta(days=1)
    return datetime.combine(day, time(WORK_HOURS.start), SHANGHAI).astimezone(UTC)


def judge_health(
    source: Source, *, now: datetime, found: int | None, new: int
) -> tuple[Health, str | None]:
    """How a source is doing after a poll that worked, and what is wrong in words.

    Args:
        source: as it was before this poll.
        now: UTC.
        found: rows on the first page, or None when nothing had changed.
        new: rows not seen before.
    """
    if found == 0 and source.usual_rows >= ENOUGH_ROWS:
        since = source.last_ok_at or now
        patience = source.usual_gap * EMPTY_GAPS if source.usual_gap else None
        if source.failures + 1 >= EMPTY_POLLS or (patience and now - since > patience):
            shape = source.learned.rows or "rows"
            return Health.REDESIGNED, (
                f"{source.slug}: no row since {since:%Y-%m-%d %H:%M} UTC where there were "
                f"{source.usual_rows} ({shape[-60:]}): the page was redesigned beyond what we "
                f'read; see "quxun sources test {source.url}", then give selectors or another '
                f'address with "quxun sources edit {source.slug}". What was stored stays'
            )
        return Health.EMPTY, (
            f"{source.slug}: no row where there were {source.usual_rows}; the page was redesigned "
            f'or is out of order, see "quxun sources test {source.url}". What was stored stays'
        )
    if found == 0 and source.usual_rows == 0:
        return Health.EMPTY, (
            f"{source.slug}: no row found at {source.url}; see what we read with "
            f'"quxun sources test {source.url}", or give selectors'
        )
    if found is None and source.health in {Health.EMPTY, Health.REDESIGNED}:
        return source.health, source.problem
    last_new = source.last_new_at
    if not new and last_new and source.usual_gap:
        patience = max(source.usual_gap * STALE_GAPS, STALE_LEAST)
        if now - last_new > patience:
            return Health.STALE, (
                f"{source.slug}: nothing new since {last_new:%Y-%m-%d}, usually every "
                f"{_words(source.usual_gap)}; the column may have moved"
            )
    return Health.WELL, None


def health_of_failure(reason: str) -> Health:
    """What a failed poll's reason says about the source."""
    if reason in {"challenge", "blocked", "robots"}:
        return Health.BLOCKED
    if reason in {"dns", "connect", "timeout", "tls", "truncated"}:
        return Health.UNREACHABLE
    if reason == "soft_404":
        return Health.REDESIGNED
    return Health.ILL


def _words(gap: timedelta) -> str:
    days = gap / timedelta(days=1)
    return f"{days:.0f} days" if days >= 2 else f"{gap / timedelta(hours=1):.0f} hours"  # noqa: PLR2004
