"""Databases of users are brought to this version's schema with all that is in them."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text
from store_drafts import BODY, NOW, draft_of, read, shown

from aggregator import store
from aggregator.model import Filter, Frequency
from aggregator.store import rows

_OLD = (
    "insert into announcements (uuid, source_id, source_name, title, title_key, url, posted_at,"
    " sort_at, kind, categories, regions, region_roll, authority, fingerprint, bands, excluded,"
    " novelty, substance_hash, draft, search, change, first_seen_at, announced_at, changed_at)"
    " values (:uuid, null, '甲区', :title, :title, :url, :at, :at, 'policy', '{}', '{}', '{}',"
    " 'official', 7, '{7}', false, 'news', '', cast(:draft as jsonb), '', nextval('change_number'),"
    " :at, :at, :at)"
)


@pytest.fixture
def old(database_of):
    """A database as the first version left it."""
    return database_of("0001")


def write_old(connection, uuid, draft, at):
    """An announcement as the first version wrote it."""
    connection.execute(
        text(_OLD),
        {
            "uuid": uuid, "title": draft.title, "url": draft.url, "at": at,
            "draft": rows.to_json(draft).replace("{", '{"fingerprint":7,', 1),
        },
    )  # fmt: skip


def test_what_was_stored_by_the_first_version_is_met_by_reprints_after_the_upgrade(old):
    """An upgrade that forgot how old notices are found would announce each of them again."""
    draft = draft_of(
        "关于印发甲区储能扶持办法的通知", body_text=BODY, doc_number="甲府发〔2026〕3号"
    )
    known = uuid4()
    with old.begin() as connection:
        write_old(connection, known, draft, NOW)
    store.migrate(old)
    with old.connect() as connection:
        kept = connection.execute(text("select names from announcements")).scalar_one()
    [entry] = shown(old, "甲区储能扶持办法", name="乙市")
    report = read(entry, draft_of("甲区储能扶持办法", body_text=BODY))
    store.Entries(old).record_articles([report], NOW)

    [one] = store.Announcements(old).find(Filter(), limit=9)
    assert "n甲府发〔2026〕3号" in kept
    assert one.uuid == known
    assert [s.source_name for s in one.sightings] == ["乙市"]


def test_what_a_worker_of_the_version_before_still_writes_is_met_after_the_next_upgrade(old):
    """Workers are replaced one by one: what the last old one stores must not fail or be lost."""
    store.migrate(old)
    draft = draft_of("关于印发丙区低空经济扶持办法的通知", body_text=BODY)
    known = uuid4()
    with old.begin() as connection:
        write_old(connection, known, draft, NOW)
    store.migrate(old)
    [entry] = shown(old, "丙区低空经济扶持办法", name="乙市")
    report = read(entry, draft_of("丙区低空经济扶持办法", body_text=BODY))
    store.Entries(old).record_articles([report], NOW)

    [one] = store.Announcements(old).find(Filter(), limit=9)
    assert one.uuid == known
    assert [s.source_name for s in one.sightings] == ["乙市"]


def test_an_upgrade_takes_addresses_out_of_what_servers_answered(old):
    """Answers are kept for a year, and what is kept already names its readers."""
    with old.begin() as connection:
        connection.execute(
            text(
                "insert into outbox (key, lane, state, recipient, mail, message_id, created_at,"
                " due_at, answer) values ('k', 2, 'failed', 'a@b.example', '{}', 'm', :now, :now,"
                " '550 5.1.1 <reader+x@mail.example>: no such user 100% sure, ask p@q.example')"
            ),
            {"now": NOW},
        )
    store.migrate(old)

    [mail] = store.Runs(old).mails()
    assert mail.answer == "550 5.1.1 <…@mail.example>: no such user 100% sure, ask …@q.example"


def test_an_upgrade_waits_for_who_uses_a_table(old):
    """A long read must neither fail an upgrade nor be failed by it."""
    reading = old.connect()
    reading.execute(text("select count(*) from announcements"))
    ends = threading.Timer(4, reading.close)
    ends.start()

    store.migrate(old)
    ends.join()

    with old.connect() as connection:
        assert connection.execute(text("select count(*) from rulings")).scalar_one() == 0


def test_what_was_owed_before_the_upgrade_is_owed_after_it(old):
    """Times of subscriptions and pauses become spells: nobody loses or repeats a notice by it."""
    now = datetime.now(UTC)
    with old.begin() as connection:
        for days in (12, 8, 5, 2):
            draft = draft_of(f"{days}天前的通知")
            write_old(connection, uuid4(), draft, now - timedelta(days=days))
        connection.execute(text("insert into wishes (canonical, filter) values ('', '{}')"))
        connection.execute(
            text(
                "insert into subscribers (email, email_key, state, confirmed_at, created_at)"
                " values ('r@m.example', 'r@m.example', 'confirmed', :at, :at)"
            ),
            {"at": now - timedelta(days=10)},
        )
        connection.execute(
            text(
                "insert into subscriptions (subscriber_id, wish_id, frequency, state, active_from)"
                " values (1, 1, 'daily', 'active', :at)"
            ),
            {"at": now - timedelta(days=10)},
        )
        connection.execute(
            text("insert into pauses values (1, :since, :until)"),
            {"since": now - timedelta(days=6), "until": now - timedelta(days=4)},
        )
    store.migrate(old)

    who = store.Subscribers(old).get("r@m.example")
    _, found = store.Digests(old).owed(who, Frequency.DAILY, now)
    assert sorted(one.draft.title for one in found) == ["2天前的通知", "8天前的通知"]
    why = [store.System(old).why(str(n), "r@m.example", now).rule for n in (1, 2, 3, 4)]
    assert why == ["before-you-asked", "owed", "paused", "owed"]
