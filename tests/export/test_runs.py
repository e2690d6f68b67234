"""One run after another: only what changed is written, and it ends as if all were written anew."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from export_folders import picture, write
from sqlalchemy import text
from store_drafts import NOW, draft_of, read, shown

from aggregator.errors import QuxunError
from aggregator.model import NewSource, SourceKind
from aggregator.wiring import Parts
from quxun import export
from quxun.bench.journals import write_journal

PLACES = ["500116", "370203"]


def hold_back(parts: Parts, after: int) -> None:
    """Let the journal end at a change; the rest waits to be told."""
    with parts.engine.begin() as connection:
        connection.execute(
            text("create table later as select * from changes where change > :n"), {"n": after}
        )
        connection.execute(text("delete from changes where change > :n"), {"n": after})


def go_on(parts: Parts, through: int) -> None:
    """Let the next changes happen."""
    with parts.engine.begin() as connection:
        connection.execute(
            text("insert into changes select * from later where change <= :n"), {"n": through}
        )
        connection.execute(text("delete from later where change <= :n"), {"n": through})


def cut(parts: Parts) -> None:
    """End every document, as an upgrade does, in the place of the next change."""
    with parts.engine.begin() as connection:
        [number] = connection.execute(text("select min(change) from later")).one()
        connection.execute(text("delete from later where change = :n"), {"n": number})
        connection.execute(text("insert into cuts values (:n, now(), 'test')"), {"n": number})


@pytest.mark.parametrize("seed", [1, 2])
def test_many_small_runs_end_like_one(parts, root, tmp_path, seed):
    """Edits, moves, withdrawals, cuts: what was exported bit by bit is what would be made anew."""
    last = write_journal(parts.engine, announcements=170, places=PLACES, seed=seed)
    hold_back(parts, 60)
    write(parts, root)
    for through in (61, 62, 90, 100, 150, 160, last):
        before = picture(root)
        go_on(parts, through)
        if through in {90, 150}:
            cut(parts)
        write(parts, root)
        assert len(set(picture(root).items()) - set(before.items())) >= 6

    write(parts, tmp_path / "anew")

    assert picture(root) == picture(tmp_path / "anew")


def test_a_change_touches_only_the_feeds_that_it_concerns(parts, root):
    """Thousands of other files keep their times, so that readers get 304."""
    write_journal(parts.engine, announcements=40, places=PLACES)
    [last] = parts.engine.connect().execute(text("select max(change) from changes")).one()
    hold_back(parts, last - 1)
    write(parts, root)
    before = picture(root)
    go_on(parts, last)

    report = write(parts, root)

    [names] = parts.engine.connect().execute(
        text("select terms from changes order by change desc limit 1")
    ).one()  # fmt: skip
    after = picture(root)
    touched = {path for path in after if after[path] != before.get(path)}
    assert {
        path.removeprefix("feeds/").partition(".")[0].partition("/archive")[0] for path in touched
    } == set(names)
    assert report.feeds == len(names)
    assert all(after[path][1] > before[path][1] for path in touched & set(before))


def test_another_document_of_the_same_second_gets_a_later_time(parts, root):
    """An ETag of nginx is made of time and size, and readers ask by the time alone."""
    folder = export.Folder(root)
    at = datetime(2026, 11, 27, 8, 0, tzinfo=UTC)
    times = []
    with folder.locked():
        for body in (b"one", b"two", b"two", b"six"):
            folder.put("feeds/all.atom", body, at)
            folder.commit()
            times.append(int((root / "feeds/all.atom").stat().st_mtime - at.timestamp()))
            assert (root / "feeds/all.atom.gz").stat().st_mtime == at.timestamp() + times[-1]
        folder.close()

    assert times == [0, 1, 1, 2]


def test_after_a_restore_what_was_never_published_is_gone(parts, root, tmp_path):
    """A backup knows less than the folder: the folder follows it, also when it has gone on."""
    write_journal(parts.engine, announcements=130, places=PLACES)
    write(parts, root)
    with parts.engine.begin() as connection:
        connection.execute(text("delete from changes where change > 70"))
        connection.execute(
            text(
                "insert into changes select change + 130, at + interval '1 day', announcement_id,"
                " uuid, false, terms, eras, record from changes where change > 60"
            )
        )

    write(parts, root)
    write(parts, tmp_path / "anew")

    assert {p: one[0] for p, one in picture(root).items()} == {
        p: one[0] for p, one in picture(tmp_path / "anew").items()
    }


def test_coverage_alone_rewrites_current_documents_seldom(parts, root):
    """It stands in every current document: thousands of files for one ill portal."""
    write_journal(parts.engine, announcements=130, places=PLACES)
    write(parts, root)
    new = NewSource(name="新源", kind=SourceKind.COLUMN, url="http://a.example/", region="500116")
    source = parts.sources.add(new, parts.now())
    with parts.engine.begin() as connection:
        connection.execute(text("update sources set health = 'ill', created_at = '2026-01-01'"))
    before = picture(root)

    write(parts, root)
    soon = picture(root)
    later = Parts(settings=parts.settings, clock=lambda: datetime.now(UTC) + timedelta(hours=7))
    write(later, root)
    later.close()

    def changed(one, other):
        return {p for p in one if one[p] != other.get(p) and not p.endswith((".opml", ".opml.gz"))}

    after = picture(root)
    assert source.id
    assert changed(before, soon) == set()
    assert "feeds/all.atom" in changed(soon, after)
    assert not any("/archive/" in path for path in changed(soon, after))
    assert b'property="watched" value="1"' in after["feeds/land/500116.atom"][0]


def test_a_new_source_renews_the_lists(parts, root):
    """Its region is offered at once, with a feed that is empty still."""
    write(parts, root)
    new = NewSource(name="新源", kind=SourceKind.COLUMN, url="http://a.example/", region="500116")
    parts.sources.add(new, parts.now())

    write(parts, root)

    files = picture(root)
    assert b"/feeds/500116.atom" in files["feeds/index.opml"][0]
    assert b"<entry>" not in files["feeds/500116.atom"][0]
    assert "feeds/opml/500116.opml.gz" in files


def test_only_one_writes_into_a_folder(parts, root):
    """Two would put documents of different times side by side."""
    with export.Folder(root).locked(), pytest.raises(QuxunError, match="is being written by"):
        write(parts, root)


def test_what_the_law_takes_out_is_gone_from_every_file(parts, root, tmp_path):
    """Also from archive documents, which never change otherwise."""
    parts.entries.record_articles(
        [
            read(one, draft_of(one.entry.title, body_text=f"{one.entry.title * 9}。{one.id}"))
            for one in shown(parts.engine, *(f"公告{number}号" for number in range(90)))
        ],
        NOW,
    )
    write(parts, root)
    held = [path for path, one in picture(root).items() if "公告7号".encode() in one[0]]
    [ref] = parts.engine.connect().execute(
        text("select uuid from announcements where title = '公告7号'")
    ).one()  # fmt: skip

    parts.removals.remove(ref, by="test", why="law", now=NOW)
    write(parts, root)
    write(parts, tmp_path / "anew")

    assert any("/archive/" in path for path in held)
    assert not [path for path, one in picture(root).items() if "公告7号".encode() in one[0]]
    assert {p: one[0] for p, one in picture(root).items()} == {
        p: one[0] for p, one in picture(tmp_path / "anew").items()
    }
