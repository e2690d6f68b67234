"""Feeds as files: what a web server or an object store serves instead of us."""

from __future__ import annotations

import signal
from pathlib import Path
from threading import Event
from typing import Annotated

import typer

from aggregator.errors import UsageError
from quxun.cli.common import AsJson, errors, opened, say, tell

app = typer.Typer(help="Feeds as files, for a web server.", no_args_is_help=True)


@app.callback()
def feeds() -> None:
    """Have commands below the name."""


@app.command()
def publish(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="made when it is not there")],
    follow: Annotated[
        bool, typer.Option("--follow", help="go on until SIGTERM: a change is there in a second")
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="make every document anew; the same bytes stay untouched")
    ] = False,
    jobs: Annotated[
        int, typer.Option(min=1, max=64, help="processes that print, when all is printed")
    ] = 2,
    as_json: AsJson = False,
) -> None:
    """Write every feed into a folder, each with .gz; the next time only what has changed."""
    from quxun import export  # only here

    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is no folder")
    if follow and as_json:
        raise UsageError("--follow has no end to report; leave out --json")
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    there = export.Folder(folder.absolute())
    with there.locked(), opened() as parts:
        publisher = export.Publisher(
            parts, there, jobs=jobs, stop=stop,
            say=lambda line: errors.print(line, markup=False),
        )  # fmt: skip
        try:
            if follow:
                export.follow(publisher, stop, everything=everything)
                return
            report = publisher.finish(everything=everything)
        finally:
            there.close()
    if as_json:
        say(report)
    else:
        tell(
            f"{folder}: change {report.through}, {report.documents:,} documents of"
            f" {report.feeds:,} feeds written in {report.seconds:g} s"
        )
