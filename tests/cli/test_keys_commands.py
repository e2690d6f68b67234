"""Keys of links from the shell: rotated without a link lost, revoked with every link void."""

from __future__ import annotations

import stat

import psycopg

from aggregator.notify.tokens import key_ids

OLD, NEW = "the-old-secret-of-this-test", "the-new-secret-of-this-test"


def test_keys_that_are_set_from_outside_are_listed_and_their_next_value_is_said(shell):
    """An operator of containers sets the value; the command never shows a secret unasked."""
    with_two = {"secret_key": f"{NEW} {OLD}"}
    listed = shell.run("keys", "list", "--json", **with_two)
    new, old = key_ids(f"{NEW} {OLD}")
    assert listed.json == [{"id": new, "signs": True}, {"id": old, "signs": False}]
    assert NEW not in shell.run("keys", "list", **with_two).out

    told = shell.run("keys", "rotate", **with_two)
    # Who only checks links must know the new key before anybody signs with it.
    assert "the web first" in told.err
    rotated = told.out.strip().removeprefix("QUXUN_SECRET_KEY=")
    assert rotated.split()[1:] == [NEW, OLD]
    assert len(rotated.split()[0]) >= 32
    told = shell.run("keys", "revoke", old, **with_two)
    assert "the web last" in told.err
    revoked = told.out.strip()
    assert revoked == f"QUXUN_SECRET_KEY={NEW}"
    assert "rotate" in shell.run("keys", "revoke", new, code=2, **with_two).complaint
    assert "ffffffff" in shell.run("keys", "revoke", "ffffffff", code=1, **with_two).complaint


def test_keys_of_the_embedded_service_are_kept_in_its_home(shell, tmp_path):
    """One command rotates; the file stays readable by its owner alone."""
    path = tmp_path / "secret-key"
    path.write_text(f"{OLD}\n", encoding="ascii")
    home = {"home": str(tmp_path), "secret_key": ""}

    shell.run("keys", "rotate", **home)
    assert path.read_text(encoding="ascii").split()[1:] == [OLD]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    [old] = key_ids(OLD)
    shell.run("keys", "revoke", old, **home)
    assert OLD not in path.read_text(encoding="ascii")
    path.unlink()
    assert "no keys" in shell.run("keys", "list", code=1, **home).complaint


def test_making_and_revoking_keys_leaves_a_trace_of_ids(shell):
    """Who looks at a flood of void links finds when the key was revoked; no secret stands there."""
    old, new = key_ids(OLD)[0], key_ids(NEW)[0]
    shell.run("keys", "rotate", secret_key=OLD)
    shell.run("keys", "revoke", old, secret_key=f"{NEW} {OLD}")
    shell.run("keys", "revoke", new, secret_key=f"{NEW} {OLD}", code=2)
    # A key that leaked is revoked all the same where no database answers.
    gone = shell.run(
        "keys", "revoke", old, secret_key=f"{NEW} {OLD}",
        database_url="postgresql://nobody@127.0.0.1:9/none",
    )  # fmt: skip
    assert gone.out.strip() == f"QUXUN_SECRET_KEY={NEW}"
    assert "not written into the audit" in gone.err

    with psycopg.connect(shell.settings["QUXUN_DATABASE_URL"]) as connection:
        deeds = connection.execute("select what, about from audit order by id").fetchall()
    assert [what for what, _ in deeds] == ["key made", "key revoked"]
    assert deeds[1][1] == f"key {old}"
