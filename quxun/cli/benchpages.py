"""Benchmarks over pages: how fast and how well they are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from aggregator.errors import QuxunError
from aggregator.settings import real_data_folder
from quxun.cli.common import AsJson, errors, remark, say, show_table


def read(
    data: Annotated[
        Path | None,
        typer.Option(
            help="folder with third-party pages (default: QUXUN_REAL_DATA, ../shared/data)"
        ),
    ] = None,
    alone: Annotated[bool, typer.Option("--alone", help="leave the libraries out")] = False,
    as_json: AsJson = False,
) -> None:
    """Time list pages and articles, unaided and by a known shape, beside libraries; 1 when slow."""
    from aggregator.clock import now  # noqa: PLC0415  # only here
    from quxun.bench.golds import data_folder  # noqa: PLC0415  # only here
    from quxun.bench.read import bench_read, rows_of  # noqa: PLC0415  # only here

    folder = data_folder(data)
    if folder is None:
        remark("NO REAL PAGES: only pages of our own are timed (QUXUN_REAL_DATA)")
    times = bench_read(
        folder,
        now=now(),
        with_peers=not alone,
        say=lambda line: errors.print(line, markup=False),
    )
    if as_json:
        say(times)
    else:
        for name, rows in rows_of(times):
            show_table(
                name, ("who", "pages", "KB", "ms", "slowest", "median/best", "× unaided"), rows
            )
        sizes = list(times.growth[0].ms)
        show_table(
            "growth, unaided",
            ("pages", *(f"ms at {kb} KB" for kb in sizes), "ms a KB, last over first"),
            [(g.pages, *g.ms.values(), g.ratio) for g in times.growth],
        )
    hold(times.below, times.missing)


def quality(
    data: Annotated[
        Path | None,
        typer.Option(help="folder with pages and gold (default: QUXUN_REAL_DATA, ../shared/data)"),
    ] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", help="a folder below gold, or titles; repeatable (default: all)"),
    ] = None,
    alone: Annotated[bool, typer.Option("--alone", help="leave the libraries out")] = False,
    as_json: AsJson = False,
) -> None:
    """Score pages with gold answers beside libraries, by halves; 1 when a floor is not reached."""
    from aggregator.clock import now  # noqa: PLC0415  # only here
    from quxun.bench.golds import data_folder  # noqa: PLC0415  # only here
    from quxun.bench.quality import bench_quality  # noqa: PLC0415  # only here

    folder = data_folder(data)
    if folder is None:
        raise QuxunError(
            "NO REAL PAGES: nothing was scored; say where they lie with --data or QUXUN_REAL_DATA"
        )
    result = bench_quality(
        folder,
        sets=sets or (),
        now=now(),
        with_peers=not alone,
        say=lambda line: errors.print(line, markup=False),
    )
    if as_json:
        say(result)
    else:
        for name in dict.fromkeys(one.set for one in result.scores):
            rows = [one for one in result.scores if one.set == name]
            figures = list(dict.fromkeys(key for one in rows for key in one.figures))
            show_table(
                name,
                ("who", "half", "pages", *figures, "seconds"),
                [(r.who, r.half, r.pages, *map(r.figures.get, figures), r.seconds) for r in rows],
            )
        show_table(
            "pages on which we are not wholly right",
            ("set", "page", "figures"),
            [(w.set, w.page, _pairs(w.figures)) for w in result.wrong],
        )
    hold(result.below, result.missing)


def real(
    data: Annotated[
        Path | None, typer.Option(help="folder with pages and gold (default: QUXUN_REAL_DATA)")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Take real pages, served on loopback, through the whole service; rows found beside gold."""
    from quxun.bench.real import bench_real  # noqa: PLC0415  # only here

    folder = data or real_data_folder() or Path("../shared/data")
    polled, read = bench_real(folder, say=lambda line: errors.print(line, markup=False))
    if as_json:
        say({"sources": msgspec.to_builtins(polled), "articles": msgspec.to_builtins(read)})
        return
    show_table(
        "real pages as sources",
        ("source", "kind", "rows found", "rows in gold", "titles exact", "health", "problem"),
        [(p.name, p.kind, p.rows, p.gold, p.titles, p.health, p.problem) for p in polled],
    )
    show_table(
        "article pages",
        ("pages", "read", "from the row alone", "announcements", "problems"),
        [(read.pages, read.read, read.row_only, read.announcements, "; ".join(read.problems))],
    )


def _pairs(figures: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in figures.items())


def hold(below: Sequence[str], missing: Sequence[str] = ()) -> None:
    """Say on stderr what was not measured and what does not reach its floor.

    Raises:
        QuxunError: a figure of bench/floors.json is not reached.
    """
    for line in missing:
        remark(line)
    for line in below:
        remark(line)
    if below:
        raise QuxunError(f"{len(below)} of the figures in bench/floors.json are not reached")
