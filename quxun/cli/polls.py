"""Poll now, in this process, with a bar and a table of what came."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from aggregator.errors import QuxunError, UsageError
from quxun.cli.common import AsJson, deed, opened, progress, say, show_table, tell

if TYPE_CHECKING:
    from aggregator.model import PollSummary
    from aggregator.wiring import Parts


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command("poll")(poll)
    app.command("reprocess")(reprocess)


def poll(
    sources: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SOURCE]...", help="slugs, ids or URLs of sources"),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="every active source, due or not")] = False,
    due: Annotated[bool, typer.Option("--due", help="only those that are due by now")] = False,
    read: Annotated[
        bool, typer.Option("--articles/--no-articles", help="read the new rows' articles too")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Poll sources now, in this process, and read the articles that are new."""
    import msgspec

    from aggregator.deliver.bell import SilentBell
    from aggregator.flow import polls
    from aggregator.model import SourceState

    if not sources and not every and not due:
        raise UsageError("name sources, or say --all or --due")
    with opened() as parts:
        now = parts.now()
        if due:
            ids = parts.sources.due_sources(now, limit=100_000)
        elif every:
            ids = [s.id for s in parts.sources.list() if s.state is SourceState.ACTIVE]
        else:
            ids = [parts.sources.get(ref).id for ref in sources or ()]
        with progress() as bar:
            step = bar.add_task("sources", total=len(ids))
            summaries = parts.run(
                polls.poll(
                    ids,
                    store=parts.sources,
                    fetch=parts.fetch,
                    reader=parts.reader,
                    bell=SilentBell(),
                    clock=parts.now,
                    rules=parts.poll_rules,
                    even_if_not_due=not due,
                    seen=lambda _: bar.advance(step),
                )
            )
        announced = read_all_due(parts) if read else 0
    if as_json:
        say({"polls": msgspec.to_builtins(summaries), "announcements": announced})
    else:
        _show(summaries, announced)
    missed = len(ids) - len(summaries)
    if summaries and all(one.problem and one.outcome == "failed" for one in summaries):
        raise QuxunError("every poll failed; the table says why")
    if missed:
        raise QuxunError(f"{missed} sources are being polled by a worker just now; try again")


def reprocess(
    everything: Annotated[
        bool, typer.Option("--all", help="pages that this version has read already, too")
    ] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="pages at most")] = None,
    as_json: AsJson = False,
) -> None:
    """Extract the archive again: records get better, nothing is fetched and nobody is told."""
    import msgspec

    from aggregator.flow import reprocess as flow

    with (
        opened() as parts,
        progress() as bar,
        deed(parts, "reprocess", "all" if everything else ""),
    ):
        step = bar.add_task("pages", total=None)
        done = parts.run(
            flow.reprocess(
                store=parts.entries,
                reader=parts.reader,
                clock=parts.now,
                everything=everything,
                limit=limit,
                seen=lambda count: bar.advance(step, count),
            )
        )
    if as_json:
        say(msgspec.to_builtins(done))
    else:
        tell(
            f"{done.read} pages read again, {done.revised} records say something else now, "
            f"{done.failed} pages could not be read"
        )


def read_all_due(parts: Parts) -> int:
    """Read due articles until none is left; how many announcements are new or changed."""
    from aggregator.deliver.bell import SilentBell
    from aggregator.flow import articles

    announced = 0
    with progress() as bar:
        step = bar.add_task("articles", total=None)
        while ids := parts.entries.due_entries(parts.now(), limit=articles.BATCH):
            announced += len(
                parts.run(
                    articles.read_articles(
                        ids,
                        store=parts.entries,
                        fetch=parts.fetch,
                        reader=parts.reader,
                        bell=SilentBell(),
                        clock=parts.now,
                    )
                )
            )
            bar.advance(step, len(ids))
    return announced


def _show(summaries: Sequence[PollSummary], announced: int) -> None:
    show_table(
        f"{len(summaries)} polls, {sum(s.new for s in summaries)} new entries, "
        f"{announced} announcements new or changed",
        ("source", "outcome", "found", "new", "changed", "moved", "problem"),
        [(s.slug, s.outcome, s.found, s.new, s.changed, s.moved, s.problem) for s in summaries],
    )
