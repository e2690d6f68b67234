"""What was begun where: the projects of the last weeks, light enough to be counted in memory."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from sqlalchemy import Connection, text

from aggregator.model import ProjectNews
from aggregator.notify.plan import SHANGHAI
from aggregator.notify.radar import WEEKS_BEFORE, promised

_ASKED = (
    "select cast(a.sort_at at time zone 'Asia/Shanghai' as date) as posted_on, a.regions,"
    " a.region_roll, a.draft -> 'flags' as flags, a.draft -> 'facts' -> 'amounts' as amounts,"
    " a.draft -> 'facts' -> 'stages' as stages from announcements a where a.kind = 'project'"
    " and a.categories[1] = 'project' and not a.excluded and a.withdrawn_at is null"
    " and a.merged_into is null and a.removed_at is null and a.sort_at >= :since"
    " and a.sort_at < :until order by a.id"
)


def project_news(connection: Connection, until: date) -> list[ProjectNews]:
    """The projects made public in the week before that day, and in the four weeks before it."""
    end = datetime.combine(until, time(), SHANGHAI)
    found = connection.execute(
        text(_ASKED), {"since": end - timedelta(weeks=WEEKS_BEFORE + 1), "until": end}
    )
    return [
        ProjectNews(
            posted_on=row.posted_on,
            regions=tuple(row.regions),
            region_roll=tuple(row.region_roll),
            single=not several,
            yuan=0.0 if several else _largest(row.amounts, "investment"),
            aggregate_yuan=_largest(row.amounts, "aggregate") if several else 0.0,
            promised=promised(one["value"] for one in row.stages or ()),
        )
        for row in found
        for several in ["aggregate" in (row.flags or ())]
    ]


def watched_since(connection: Connection) -> date | None:
    """The first day on which a source was read."""
    at = connection.execute(text("select min(first_polled_at) from sources")).scalar()
    return None if at is None else at.astimezone(SHANGHAI).date()


def _largest(amounts: list[dict[str, object]] | None, basis: str) -> float:
    sums = [one["yuan"] for one in amounts or () if one["basis"] == basis and one["yuan"]]
    return float(max(sums, default=0.0))  # type: ignore[type-var,arg-type]  # numbers of JSON
