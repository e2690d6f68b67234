"""The command line: a contract that scripts depend on (DESIGN.md §Commands)."""

from __future__ import annotations

import sys

import structlog
import typer
from rich.traceback import install

from aggregator.errors import QuxunError, UsageError
from quxun.cli import announcements, bench, digests, polls, reading, service, sources, subscribers
from quxun.cli.common import errors

app = typer.Typer(
    name="quxun",
    help="Quxun 区讯: announcements of Chinese districts as feeds and one mail in the morning.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for part in (service, polls, reading, announcements):
    part.register(app)
app.add_typer(sources.app, name="sources")
app.add_typer(subscribers.app, name="subscribers")
app.add_typer(digests.app, name="digest")
app.add_typer(bench.app, name="bench")


def main() -> None:
    """Run a command: 0 when it worked, 1 when it did not, 2 for wrong usage."""
    _log_to_stderr()
    try:
        app()
    except UsageError as error:
        errors.print(f"quxun: {error}", markup=False, highlight=False, soft_wrap=True)
        sys.exit(2)
    except QuxunError as error:
        errors.print(f"quxun: {error}", markup=False, highlight=False, soft_wrap=True)
        sys.exit(1)
    except BrokenPipeError:  # the reader of our answer went away: nothing is wrong
        sys.stderr.close()
        sys.exit(1)
    except KeyboardInterrupt:
        errors.print("quxun: stopped", markup=False)
        sys.exit(130)


def _log_to_stderr() -> None:
    """Logs go to stderr: nothing is on stdout but the answer."""
    install(console=errors, width=100, show_locals=False)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(20),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
