"""Cases that random histories meet too rarely."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import archive_atom
import pytest
from archive_history import History
from archive_notices import keyed
from archive_proof import Proof
from archive_world import START, is_archive, open_web
from sqlalchemy import text

from aggregator.model import Filter


@pytest.fixture
def proof(database_url: str, tmp_path: Path) -> Iterator[Proof]:
    """Readers of everything who come after every event, and a few notices of one portal."""
    time = [START]
    web = open_web(database_url, tmp_path, time)
    history = History(parts=web.parts, time=time, seed=1)
    drafts = [replace(history._draft(0), flags=()) for _ in range(5)]
    history._show(0, [keyed(one) for one in drafts])
    made = Proof(web, history, names=("all",))
    everyone_looks(made)
    yield made
    web.close()


def everyone_looks(proof: Proof) -> None:
    """Those who came before and those who come now hold what the store holds."""
    proof.step_done()
    for reader in [*proof.readers, *proof.newcomers("all"), *proof.newcomers("all")]:
        proof.visit(reader)


def test_what_is_back_in_the_second_in_which_it_went_is_back_for_everybody(proof: Proof):
    """Times are printed in seconds, and a tombstone buries what is as old as itself."""
    history = proof.history
    [one, *_] = history.notices
    history.pick.random = lambda: 0.9  # gone twice at one moment
    for _ in range(3):
        history._withdraw([one])
        everyone_looks(proof)
        history.time[0] += timedelta(milliseconds=1)
        history._read([(one, one.draft)])
        everyone_looks(proof)
        history._read([(one, keyed(replace(one.draft, title=f"{one.draft.title}（更正）")))])
        everyone_looks(proof)

    assert len(proof.expected("all", "atom")) == 5


def test_an_edit_by_a_worker_whose_clock_is_slow_replaces_what_was_there(proof: Proof):
    """Two machines, five minutes apart: the later edit is the one that counts."""
    history = proof.history
    [one, *_] = history.notices
    for minutes, words in ((10, "甲"), (-5, "乙"), (1, "丙")):
        history.hold = True
        history._read([(one, keyed(replace(one.draft, body_text=words * 99, summary=words)))])
        history.hold, [report] = False, history.held
        history.held = []
        history.time[0] += timedelta(minutes=minutes)
        history._record([replace(report, at=history.now, due_at=START)])
        everyone_looks(proof)

    found = history.parts.announcements.find(Filter(), limit=9)
    assert [one.revision for one in found if one.draft.summary == "丙"] == [4]


def test_a_page_that_turns_out_to_be_of_another_notice_leaves_the_first(proof: Proof):
    """The portal put another text under the address: its link moves from entry to entry."""
    history = proof.history
    one, other, *_ = history.notices
    history._show(1, [keyed(replace(one.draft, url=history._url(1)))])
    reprint = history.notices[-1]
    everyone_looks(proof)
    history.time[0] += timedelta(hours=1)
    said = replace(other.draft, url=reprint.draft.url)
    history._read([(reprint, said)])
    everyone_looks(proof)

    found = history.parts.announcements.find(Filter(), limit=9)
    links = {a.draft.url: {s.url for s in a.sightings} for a in found}
    assert links[one.draft.url] == {one.draft.url}
    assert links[other.draft.url] == {other.draft.url, reprint.draft.url}


def test_a_removal_that_the_law_demands_blanks_one_entry_and_nothing_else(proof: Proof):
    """Whoever had it drops it, whoever comes later never sees it, and archives stay readable."""
    history = proof.history
    history.flood(3)
    everyone_looks(proof)
    before = {url: proof.web.get(url, {})[2] for url in proof.memory.bodies if is_archive(url)}
    atoms = {u: archive_atom.parse(u, body) for u, body in before.items() if u.endswith(".atom")}
    gone = max(atoms.values(), key=lambda one: len(one.entries)).entries[0]
    history.time[0] += timedelta(hours=1)
    history.parts.removals.remove(
        gone.id.rpartition(":")[2], by="值班", why="法院通知", now=history.now
    )
    proof.memory.bodies.clear()
    everyone_looks(proof)

    blank = 0
    for url, document in atoms.items():
        after = archive_atom.parse(url, proof.web.get(url, {})[2])
        assert [one.id for one in after.entries] == [one.id for one in document.entries]
        for old, new in zip(document.entries, after.entries, strict=True):
            if old.id != gone.id:
                assert old == new
                continue
            blank += 1
            assert gone.title not in new.xml.decode()
            assert new.links[0] not in old.links[:1]
    assert blank >= 1
    assert gone.id not in proof.expected("all", "atom")


def test_what_leaves_a_filter_leaves_its_feed_at_once(proof: Proof):
    """A feed of any filter has no archive; what it shows now has to be right all the same."""
    history = proof.history
    query = "q=慢车"
    some = history.notices[:3]
    for one in some:
        history.time[0] += timedelta(hours=1)
        history._read([(one, keyed(replace(one.draft, body_text="慢车" * 99)))])
    proof.look(query)
    for one in some:
        history.time[0] += timedelta(hours=1)
        history._read([(one, keyed(replace(one.draft, body_text="快车" * 99)))])
        proof.look(query)


def test_what_a_worker_of_the_version_before_stores_is_published_as_well(proof: Proof):
    """It knows no journal, and may store between two notices of a worker that does."""
    history = proof.history
    history._show(0, [keyed(replace(history._draft(0), flags=()))])
    with history.parts.engine.begin() as connection:
        newest = "(select max(id) from announcements)"
        connection.execute(text(f"delete from changes where announcement_id = {newest}"))
        connection.execute(
            text(f"update announcements set change = nextval('change_number') where id = {newest}")
        )
    history._show(0, [keyed(replace(history._draft(0), flags=()))])
    history.parts.journal.catch_up(history.now)
    everyone_looks(proof)

    assert len(proof.expected("all", "atom")) == 7
