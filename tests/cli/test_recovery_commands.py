"""Backing up and restoring, as an operator types it."""

from __future__ import annotations

import psycopg


def test_a_backup_is_made_and_put_back(shell, tmp_path):
    """What is there is not replaced unasked; then all is as it was."""
    file = tmp_path / "quxun.dump"
    url = shell.settings["QUXUN_DATABASE_URL"]
    shell.run("subscribers", "add", "reader@a.example", "--confirmed")
    made = shell.run("backup", str(file), "--json").json
    with psycopg.connect(url) as connection:
        deeds = connection.execute("select what from audit order by id").fetchall()
    assert deeds == [("subscriber added",), ("backup",)]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("update subscribers set email = 'x'")

    assert made["bytes"] == file.stat().st_size
    assert file.stat().st_mode & 0o077 == 0
    assert "--replace" in shell.run("restore", str(file), code=1).complaint
    assert "is no folder" in shell.run("restore", str(file), "--sent", "/no", code=2).complaint
    done = shell.run("restore", str(file), "--replace")
    assert "sent again" in done.err  # there was no journal
    listed = shell.run("subscribers", "list", "--json").json
    assert [one["email"] for one in listed] == ["reader@a.example"]
    with psycopg.connect(url) as connection:
        deeds = connection.execute("select what from audit order by id desc limit 1").fetchall()
    assert deeds == [("restore",)]

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("alter schema public rename to quxun_before_restore")
        connection.execute("create schema public")
    assert "restore --undo" in shell.run("migrate", code=1).complaint
    assert "ILL database: a restore is under way" in shell.run("doctor", "--here", code=1).out
    shell.run("restore", "--undo")
    assert shell.run("subscribers", "list", "--json").json == listed
