"""A wish tried before subscribing tells what mail would have brought, and no more."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine, text
from store_drafts import NOW, draft_of, read, shown

from aggregator import filters, store
from aggregator.errors import UsageError
from aggregator.model import Filter
from aggregator.store.hunt import Hunter

DAY = timedelta(days=1)
#: Small windows: the way of a large store is taken with a few rows.
SMALL = Hunter(ranks=(2, 5), cap=3)


def publish(engine: Engine, *titles: str, at=NOW, posted=None, polled_before: bool = True) -> None:
    """Let a source show notices and us read them."""
    due = shown(engine, *titles, at=at, polled_before=polled_before)
    entries = [one for one in due if one.entry.title in titles]  # not those due to be read again
    drafts = [
        draft_of(one.entry.title, posted_at=posted or at, body_text=f"{one.entry.title}。" * 40)
        for one in entries
    ]
    store.Entries(engine).record_articles(
        [read(one, made, at=at) for one, made in zip(entries, drafts, strict=True)], at
    )


def titles(engine: Engine, wish: Filter, now=NOW + 5 * DAY) -> list[str]:
    trial = store.Tries(engine, hunter=SMALL).would_have(wish, now)
    assert trial.counted
    assert trial.total == len(trial.found)
    return sorted(one.draft.title for one in trial.found)


def test_only_what_would_have_been_mailed_is_counted(engine: Engine):
    """A promise of fourteen that becomes two mails would lose the reader's trust on day one."""
    publish(engine, "首轮已有", polled_before=False)
    publish(engine, "新公告甲", "新公告乙", at=NOW + DAY)
    publish(engine, "迟到十天", at=NOW + DAY, posted=NOW - 10 * DAY)
    publish(engine, "迟到一年", at=NOW + DAY, posted=NOW - 365 * DAY)
    publish(engine, "已撤下", "将并入", at=NOW + 2 * DAY)
    with engine.begin() as connection:
        connection.execute(
            text("update announcements set withdrawn_at = now() where title = '已撤下'")
        )
        connection.execute(
            text(
                "update announcements set merged_into = (select uuid from announcements"
                " where title = '新公告甲') where title = '将并入'"
            )
        )

    assert titles(engine, Filter()) == ["新公告乙", "新公告甲", "迟到十天"]
    assert titles(engine, filters.parse_query("q=新公告&not=乙")) == ["新公告甲"]
    assert titles(engine, filters.parse_query("posted_after=2026-03-02")) == [
        "新公告乙",
        "新公告甲",
    ]
    assert titles(engine, Filter(region=("110000",))) == []
    assert titles(engine, Filter(), now=NOW + 40 * DAY) == []


def test_mails_are_counted_as_their_days_and_weeks(engine: Engine):
    """Three notices of one morning are one mail; what came after the hour is in the next one."""
    morning = NOW.replace(hour=0, minute=0)  # 08:00 in Shanghai on a Monday
    publish(engine, "甲", "乙", at=morning)
    publish(engine, "丙", at=morning + timedelta(hours=1))
    publish(engine, "丁", at=morning + 8 * DAY)

    trial = store.Tries(engine).would_have(Filter(), NOW + 10 * DAY)
    assert (trial.total, trial.daily, trial.weekly) == (4, 3, 3)
    assert trial.found[0].draft.title == "丁"


def test_counting_stops_and_says_so(engine: Engine):
    """A wish for everything must not cost the service a minute."""
    publish(engine, "原件")
    with engine.begin() as connection:
        columns = ", ".join(
            name
            for name in connection.execute(
                text(
                    "select column_name from information_schema.columns"
                    " where table_name = 'announcements' and column_name not in ('id', 'uuid')"
                )
            ).scalars()
        )
        connection.execute(
            text(
                f"insert into announcements (uuid, {columns}) select gen_random_uuid(), {columns}"
                " from announcements, generate_series(1, 1100)"
            )
        )

    trial = store.Tries(engine).would_have(filters.parse_query("q=原件"), NOW + DAY, shown=5)
    assert (trial.total, trial.counted, len(trial.found)) == (1000, False, 5)


def test_a_try_that_takes_too_long_is_given_up_with_one_line(engine: Engine):
    """A page of strangers must not hold a connection for a minute."""
    tries = store.Tries(engine, patience=timedelta(milliseconds=200))
    with engine.begin() as connection:
        connection.execute(text("lock table announcements in access exclusive mode"))

        with pytest.raises(UsageError, match="too long"):
            tries.would_have(Filter(q=("储能",)), NOW)
    assert tries.would_have(Filter(), NOW).total == 0


def test_what_stood_there_before_we_watched_is_shown_and_not_promised(engine: Engine):
    """On the first day everything is "there already": "0, perhaps too narrow" was a lie."""
    publish(engine, "首轮甲", "首轮乙", polled_before=False)
    publish(engine, "首轮旧文", polled_before=False, posted=NOW - 200 * DAY)

    trial = store.Tries(engine, hunter=SMALL).would_have(filters.parse_query("q=首轮"), NOW + DAY)
    assert (trial.total, trial.earlier_total) == (0, 2)
    assert sorted(one.draft.title for one in trial.earlier) == ["首轮乙", "首轮甲"]
    none = store.Tries(engine, hunter=SMALL).would_have(filters.parse_query("q=别的"), NOW + DAY)
    assert (none.total, none.earlier) == (0, ())
