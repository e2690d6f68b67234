"""Backups of the database, and putting one back so that nothing is sent again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aggregator.errors import QuxunError, UsageError
from quxun.cli.common import AsJson, note_deed, opened, remark, say, tell

if TYPE_CHECKING:
    from aggregator.wiring import Parts

File = Annotated[Path, typer.Argument(metavar="FILE", help="the backup")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("backup")(backup)
    app.command("restore")(restore)


def backup(file: File, as_json: AsJson = False) -> None:
    """Write the whole database to a file, consistent, while the service goes on.

    Addresses of readers stand in it. Keep secret-key and sent/ of QUXUN_HOME beside it.
    """
    from quxun import backup as backups

    with opened() as parts:
        size = backups.dump(parts.settings.database_url.get_secret_value(), file, now=parts.now())
        note_deed(parts, "backup", file.name)
    if as_json:
        say({"file": str(file), "bytes": size})
    else:
        tell(f"{file}: {size:,} bytes")


def restore(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="the backup", show_default=False)
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="put it in the place of what the database holds")
    ] = False,
    sent: Annotated[
        list[Path] | None,
        typer.Option(
            "--sent", metavar="FOLDER",
            help="a journal of sent mails of another machine, beside that of QUXUN_HOME",
        ),
    ] = None,
    undo: Annotated[
        bool,
        typer.Option("--undo", help="have what was there before a restore that was cut short"),
    ] = False,
    as_json: AsJson = False,
) -> None:  # fmt: skip
    """Put a backup into the database: all or nothing, with the service stopped.

    What left after it was made, by the journal of sent mails, is not sent again.
    """
    from quxun import backup as backups

    if undo and (file or replace or sent or as_json):
        raise UsageError("--undo restores no backup: it goes alone")
    if undo:
        with _stopped() as parts:
            backups.undo(parts.settings.database_url.get_secret_value())
            note_deed(parts, "restore undone", "")
        tell("all is as it was before the restore that was cut short")
        return
    if file is None:
        raise UsageError("nothing is restored: say which FILE, or --undo")
    for folder in sent or ():
        if not folder.is_dir():
            raise UsageError(f"--sent {folder} is no folder; nothing is restored")
    with _stopped() as parts:
        home = parts.settings.home
        done = backups.restore(
            parts.settings.database_url.get_secret_value(), file, [home / "sent", *(sent or ())],
            now=parts.now(), replace=replace,
        )  # fmt: skip
        note_deed(parts, "restore", file.name)
    if as_json:
        say(
            {
                "file": str(file), "made_at": done.made_at and done.made_at.isoformat(),
                "mails": done.replayed.mails, "strangers": done.replayed.strangers,
                "journals": done.files,
            }
        )  # fmt: skip
    else:
        made = f" of {done.made_at:%Y-%m-%d %H:%M} UTC" if done.made_at else ""
        tell(
            f"restored {file}{made}; {done.replayed.mails:,} mails left since then and do not leave"
            " again"
        )
    if done.replayed.strangers:
        remark(
            f"{done.replayed.strangers:,} mails went to readers whom the backup does not know: they"
            " have to subscribe again"
        )
    if not done.files:
        remark(
            f"there is no journal of sent mails below {home / 'sent'}: what left"
            ' since then is sent again; "quxun digest hold" before you start, if that must not be'
        )


@contextmanager
def _stopped() -> Iterator[Parts]:
    """The parts, beside no service of this home, and with the schema left as it is."""
    from aggregator.settings import load_settings

    with opened(migrate=False) as parts:
        home = parts.settings.home
        if not load_settings().database_url.get_secret_value() and (home / "service.json").exists():
            raise QuxunError(f"nothing is restored: a service is running on {home}; stop it first")
        yield parts
