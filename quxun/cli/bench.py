"""Benchmarks that print a table, or JSON with --json."""

from __future__ import annotations

import typer

app = typer.Typer(help="Benchmarks: poll.", no_args_is_help=True)


@app.callback()
def bench() -> None:
    """Measure this machine beside a floor, in one run."""
