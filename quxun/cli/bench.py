"""Benchmarks that print a table, or JSON with --json."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from aggregator.errors import QuxunError, UsageError
from quxun.cli.benchpages import hold, quality, read, real
from quxun.cli.common import AsJson, errors, remark, say, show_table

app = typer.Typer(
    help="Benchmarks: digest, export, faults, feeds, poll, push, read, search, quality, real, serve.",
    no_args_is_help=True,
)


@app.callback()
def bench() -> None:
    """Measure this machine beside a floor, in one run."""


for command in (read, quality, real):
    app.command()(command)


@app.command()
def poll(
    count: Annotated[
        int, typer.Option("--n", min=1, help="sources of the simulated country")
    ] = 1000,
    html_share: Annotated[
        float, typer.Option(min=0, max=1, help="how many of them are list pages, not feeds")
    ] = 0.0,
    changed: Annotated[
        float, typer.Option(min=0, max=1, help="share that gets a new entry before the last phase")
    ] = 0.05,
    urls: Annotated[
        Path | None, typer.Option(help="poll the feeds of this file instead, one address a line")
    ] = None,
    concurrency: Annotated[int, typer.Option(min=1, max=16, help="Celery child processes")] = 2,
    as_json: AsJson = False,
) -> None:
    """Poll many sources through the real worker and store, beside curl --parallel."""
    from quxun.bench.poll import as_rows, bench_poll  # noqa: PLC0415  # only here

    try:
        listed = urls.read_text(encoding="utf-8").split() if urls else []
    except OSError as error:
        raise UsageError(f"{urls} cannot be read: {error.strerror}") from error
    phases = bench_poll(
        count=count,
        html_share=html_share,
        changed=changed,
        urls=listed,
        concurrency=concurrency,
        say=lambda line: errors.print(line, markup=False),
    )
    if as_json:
        say(as_rows(phases))
        return
    show_table(
        f"{count if not listed else len(listed)} sources, through worker and store, beside curl",
        ("phase", "seconds", "sources/s", "curl seconds", "× curl", "worker CPU s", "new entries"),
        [
            (
                p.name,
                p.seconds,
                p.rate,
                p.curl_seconds,
                p.of_curl,
                p.worker_cpu_seconds,
                p.new_entries,
            )
            for p in phases
        ],
    )


@app.command()
def push(
    followers: Annotated[int, typer.Option("--n", min=1, help="who follows the feed")] = 2000,
    hosts: Annotated[int, typer.Option(min=1, max=250, help="on how many hosts")] = 250,
    as_json: AsJson = False,
) -> None:
    """Tell many followers of one changed feed, through the real store and caller."""
    from quxun.bench.push import bench_push  # noqa: PLC0415  # only here

    told = bench_push(
        followers=followers, hosts=hosts, say=lambda line: errors.print(line, markup=False)
    )
    figures = msgspec.to_builtins(told)
    if as_json:
        say(figures)
    else:
        show_table("one change, told to all", ("what", "how much"), list(figures.items()))


@app.command()
def digest(
    subscribers: Annotated[
        int, typer.Option("--n", min=1, help="who gets a daily digest")
    ] = 100_000,
    wishes: Annotated[
        int, typer.Option(min=1, help="how many different wishes they share")
    ] = 3_000,
    announcements: Annotated[int, typer.Option(min=1, help="how many the store holds")] = 100_000,
    news: Annotated[
        int, typer.Option(min=1, help="how many were announced since they subscribed")
    ] = 1_600,
    senders: Annotated[int, typer.Option(min=1, max=16, help="processes that send")] = 1,
    as_json: AsJson = False,
) -> None:
    """Match, plan, render and hand over one morning's digests, beside Postfix's smtp-source.

    1 when a ratio is below its floor; these hold for as many readers as the defaults have.
    """
    from quxun.bench.digest import bench_digest, held  # noqa: PLC0415  # only here

    morning = bench_digest(
        subscribers=subscribers, wishes=wishes, announcements=announcements, news=news,
        senders=senders, say=lambda line: errors.print(line, markup=False),
    )  # fmt: skip
    figures = msgspec.to_builtins(morning)
    if as_json:
        say(figures)
    else:
        show_table("one morning's digests", ("what", "how much"), list(figures.items()))
    hold(held(morning))


@app.command()
def faults(
    kills: Annotated[int, typer.Option(min=5, help="how often something is killed")] = 200,
    digests: Annotated[int, typer.Option(min=20, help="mails that are planned at least")] = 5_000,
    senders: Annotated[int, typer.Option(min=1, max=8, help="Celery child processes")] = 2,
    seed: Annotated[int, typer.Option(help="decides who is killed in which order")] = 1,
    home: Annotated[
        Path | None, typer.Option(help="keep logs, mails and store in this new folder")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Kill -9 what plans, sends, stores and takes mail, at random; 1 when a mail is lost or too many."""
    from quxun.bench.faults import bench_faults  # noqa: PLC0415  # only here

    seen = bench_faults(
        kills=kills, digests=digests, senders=senders, seed=seed, home=home,
        say=lambda line: errors.print(line, markup=False),
    )  # fmt: skip
    figures = msgspec.to_builtins(seen)
    if as_json:
        say(figures)
    else:
        show_table(
            f"kill -9, seed {seen.seed}",
            ("victim", "kills", "longest recovery, s"),
            [(one.name, one.kills, one.longest_recovery_seconds) for one in seen.victims],
        )
        rows = [(k, v) for k, v in figures.items() if k not in {"victims", "broken", "seed"}]
        show_table("what became of the mails", ("what", "how many"), rows)
    for line in seen.broken:
        remark(line)
    if seen.broken:
        raise QuxunError(
            f"{len(seen.broken)} promises were broken; run it again with --seed {seen.seed} --home"
            " to look at what is left of it"
        )


@app.command()
def feeds(
    rounds: Annotated[int, typer.Option(min=1, max=1000, help="times each is measured")] = 40,
    as_json: AsJson = False,
) -> None:
    """Render fifty entries after a change, beside plain feedgen; 1 when it takes too long."""
    from quxun.bench.feeds import bench_feeds  # noqa: PLC0415  # only here

    times = bench_feeds(rounds=rounds)
    if as_json:
        say(times)
    else:
        show_table(
            f"{times.entries} entries, CPU ms a document",
            ("format", "KB", "after a change", "for the first time", "beside", "ms", "× that"),
            [
                (r.form, r.kb, r.ms, r.first_ms, r.plain, r.plain_ms, r.of_plain)
                for r in times.renderings
            ],
        )
    hold(times.below)


@app.command()
def search(
    announcements: Annotated[
        int, typer.Option(min=1000, help="how many the store holds")
    ] = 1_000_000,
    home: Annotated[
        Path | None, typer.Option(help="keep the store here, and use it again the next time")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Time searches of every sort in a large store, first pages and feeds; 1 when slow."""
    from quxun.bench.search import bench_search  # noqa: PLC0415  # only here

    times = bench_search(
        announcements=announcements,
        home=home,
        say=lambda line: errors.print(line, markup=False),
    )
    if as_json:
        say(times)
    else:
        show_table(
            f"searches in {times.announcements:,} announcements, ms",
            ("sort", "searches", "page p50", "page p95", "feed p50", "feed p95", "count p95", "slowest"),
            [
                (s.name, s.searches, s.page_p50, s.page_p95, s.window_p50, s.window_p95, s.count_p95,
                 s.slowest)
                for s in times.sorts
            ],
        )  # fmt: skip
        show_table(
            "all of them, p95 ms; a write, ms; MB",
            ("page", "feed", "count", "write", "without search", *times.megabytes),
            [(times.page_p95, times.window_p95, times.count_p95, times.write_ms,
              times.write_without_ms, *times.megabytes.values())],
        )  # fmt: skip
    hold(times.below)


@app.command()
def export(
    announcements: Annotated[
        int, typer.Option(min=100, help="how many the store holds; each takes 0.2 MB of room")
    ] = 100_000,
    divisions: Annotated[
        int, typer.Option(min=1, max=3100, help="districts that they go round")
    ] = 3000,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="processes that print")] = 2,
    as_json: AsJson = False,
) -> None:
    """Write every feed of a large store as files, then follow changes; 1 when it takes too long."""
    from quxun.bench.export import bench_export  # noqa: PLC0415  # only here

    made = bench_export(
        announcements=announcements,
        divisions=divisions,
        jobs=jobs,
        say=lambda line: errors.print(line, markup=False),
    )
    if as_json:
        say(msgspec.to_builtins(made))
    else:
        show_table(
            f"{made.announcements:,} announcements of {made.divisions:,} districts",
            ("feeds", "documents", "files", "GB", "seconds", "CPU s", "peak MB", "with no news s"),
            [
                (
                    f"{made.feeds:,}", f"{made.documents:,}", f"{made.files:,}", made.gigabytes,
                    made.seconds, made.cpu_seconds, made.peak_mb, made.idle_seconds,
                )
            ],
        )  # fmt: skip
        show_table(
            "one change",
            ("files", "seconds, the longest"),
            [(made.change_files, made.change_seconds)],
        )
    hold(made.below)


@app.command()
def serve(
    seconds: Annotated[
        int, typer.Option(min=1, max=60, help="how long each server is asked in each mode")
    ] = 4,
    runs: Annotated[int, typer.Option(min=1, max=20, help="medians of so many")] = 3,
    as_json: AsJson = False,
) -> None:
    """Serve one feed beside nginx, whole, unchanged and packed; 1 when a ratio is below its floor."""
    from quxun.bench.serve import bench_serve  # noqa: PLC0415  # only here

    served = bench_serve(
        seconds=seconds, runs=runs, say=lambda line: errors.print(line, markup=False)
    )
    if as_json:
        say(msgspec.to_builtins(served))
    else:
        show_table(
            f"one feed of {served.feed_bytes / 1000:.0f} KB, 1 thread, 32 connections;"
            f" a change was served after {served.change_seconds:g} s under load",
            ("server", "answer", "requests/s", "p99 ms", "CPU µs each", "× nginx"),
            [(r.server, r.mode, r.per_second, r.p99_ms, r.cpu_us, r.of_nginx) for r in served.rows],
        )
    hold(served.below)
