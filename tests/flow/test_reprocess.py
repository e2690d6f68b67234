"""The archive read again: better records, and nobody is told (promise 10)."""

from __future__ import annotations

import pytest
from flow_world import DAY, MINUTE

from aggregator.flow.reprocess import reprocess
from quxun.country import Edit, Nature

STATE = (
    "select a.id, a.title, a.draft - 'extractor' as draft, a.change, a.changed_at, a.announced_at,"
    " e.due_at, e.reads, e.etag, e.problem from announcements a join entries e"
    " on e.announcement_id = a.id order by a.id, e.id"
)


@pytest.fixture
def it(world):
    """A portal with news that was read; nothing is due."""
    made = world(portals=1, notices=6, reprints=0)
    made.add_all()
    made.look()
    made.later(MINUTE)
    made.do(
        made.country.publish, made.now, 3, column=made.column("trs"), nature=Nature.DRAFT,
        reprints=False,
    )  # fmt: skip
    made.look()
    return made


def again(it, **more):
    return it.run(reprocess(store=it.entries, reader=it.reader, clock=it.clock, **more))


def older(it, change: str = "draft") -> None:
    """Records as an older version might have made them."""
    with it.engine.begin() as connection:
        connection.exec_driver_sql(
            f"update announcements set draft = {change}"
            """ || '{"extractor": 1, "substance_hash": "old"}', substance_hash = 'old'"""
        )


def told(rows) -> list[dict[str, object]]:
    """What anybody is told of: a better record goes into the archives of feeds, unannounced."""
    return [{name: value for name, value in row.items() if name != "change"} for row in rows]


def test_reading_the_archive_again_gives_the_same_records(it):
    """What a page says is a function of its bytes: nothing differs, and nothing is fetched."""
    before = it.rows(STATE)
    it.fetch.asked.clear()
    it.later(DAY)
    nothing = again(it)
    older(it)
    done = again(it)

    assert (nothing.read, nothing.revised) == (0, 0)
    assert (done.read, done.revised, done.failed) == (len(before), 0, 0)
    assert it.rows(STATE) == before
    assert not it.fetch.asked
    assert again(it).read == 0
    assert again(it, everything=True, limit=2).read == 2


def test_a_better_reading_is_written_down_and_not_announced(it):
    """An older version saw no deadline. Now the record has it and a revision says so; feeds and
    mails have nothing to tell, and the next edit of the portal is an edit.
    """
    before = it.rows(STATE)
    older(it, "jsonb_set(draft, '{facts,deadlines}', '[]')")
    it.later(DAY)
    done = again(it)

    assert told(it.rows(STATE)) == told(before)
    revisions = it.rows("select announcement_id, why, changes from revisions")
    with_deadline = {row["id"] for row in before if row["draft"]["facts"]["deadlines"]}
    assert {row["announcement_id"] for row in revisions} == with_deadline != set()
    assert {row["why"] for row in revisions} == {"reread"}
    assert all(list(row["changes"]) == ["deadlines"] for row in revisions)
    assert done.revised == len(with_deadline)
    it.later(DAY)
    notice = next(k.notice for k in it.truth().notices if k.notice.nature is Nature.DRAFT)
    it.do(it.country.edit, notice, it.now, Edit.DEADLINE)
    it.later(DAY)
    it.look()
    assert it.one("select count(*) from revisions where why = 'edited'") == 1
