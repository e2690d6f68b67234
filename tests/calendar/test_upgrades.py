"""Calendars of databases that were there before calendars, and beside workers that know none."""

from __future__ import annotations

from uuid import UUID

import pytest
from calendar_pages import DAY, SEEN, notice, stated
from sqlalchemy import text

from aggregator import store
from aggregator.model import Facts, Filter
from aggregator.store import rows
from aggregator.store.publish import publish_missed

_STORED = (
    "insert into announcements (uuid, source_name, title, title_key, url, posted_at, sort_at,"
    " deadline_on, kind, categories, regions, region_roll, authority, excluded, novelty,"
    " substance_hash, draft, search, change, first_seen_at, announced_at, changed_at,"
    " withdrawn_at) values (:uuid, '甲区', :title, :title, :url, :at, :at, :day, 'policy', '{}',"
    " '{}', '{}', 'official', false, 'news', '', cast(:draft as jsonb), '',"
    " nextval('change_number'), :at, :at, :at, :gone)"
)


def write(engine, number: int, *days, gone=None) -> UUID:
    """An announcement as a version without calendars writes it."""
    draft = notice(number, facts=Facts(deadlines=tuple(stated(day) for day in days))).draft
    uuid = UUID(int=number)
    with engine.begin() as connection:
        connection.execute(
            text(_STORED),
            {
                "uuid": uuid, "title": draft.title, "url": draft.url, "at": SEEN,
                "day": min(days), "draft": rows.to_json(draft), "gone": gone,
            },
        )  # fmt: skip
    return uuid


def agenda(engine):
    found = store.Deadlines(engine).agenda(Filter(), today=SEEN.date())
    return {one.uuid: dues for one, dues in found.entries}


@pytest.fixture
def old(database_of):
    """A database as the version before calendars left it."""
    return database_of("0007")


def test_deadlines_that_were_stored_before_are_in_the_calendar_after_the_upgrade(old):
    """An upgrade that showed only what comes later would leave calendars empty for weeks."""
    other = DAY.replace(day=29)
    two = write(old, 1, DAY, other)
    gone = write(old, 2, DAY, gone=SEEN)

    store.migrate(old)

    found = agenda(old)
    assert [(due.number, due.day, due.sequence) for due in found[two]] == [
        (0, DAY, 0), (1, other, 0),
    ]  # fmt: skip
    [cancelled] = found[gone]
    assert (cancelled.sequence, cancelled.cancelled_at) == (1, SEEN)


def test_what_a_worker_of_the_version_before_writes_is_followed_by_the_sweeper(engine):
    """Workers are replaced one by one: what the last old one stores must not be missing."""
    uuid = write(engine, 3, DAY)
    assert uuid not in agenda(engine)

    with engine.connect() as connection:
        publish_missed(connection, SEEN, recent=True)

    [due] = agenda(engine)[uuid]
    assert (due.day, due.born_at) == (DAY, SEEN)
