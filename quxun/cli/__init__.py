"""The command line: a contract that scripts depend on (DESIGN.md §Commands)."""

from __future__ import annotations

import io
import sys
from importlib import import_module

import typer

from aggregator.errors import QuxunError, UsageError
from quxun.cli.common import complain

#: Which module of this room has which commands: only what is asked for is imported, because
#: ``parse``, ``extract`` and ``classify`` are run once a page by scripts.
MODULES: dict[str, tuple[str, ...]] = {
    "service": (
        "up",
        "worker",
        "scheduler",
        "web",
        "mailbox",
        "bounces",
        "migrate",
        "stats",
    ),
    "doctor": ("doctor",),
    "recovery": ("backup", "restore"),
    "sources": ("sources",),
    "polls": ("poll", "reprocess"),
    "reading": ("parse", "extract", "classify", "facts", "similar"),
    "announcements": ("feed", "search", "show", "why"),
    "feeds": ("feeds",),
    "clusters": ("announcements",),
    "digests": ("digest",),
    "subscribers": ("subscribers",),
    "keys": ("keys",),
    "channels": ("channels",),
    "suppressions": ("suppressions",),
    "webhooks": ("webhooks",),
    "hub": ("hub",),
    "bench": ("bench",),
}


def build(first: str | None = None) -> typer.Typer:
    """The whole command line, or as much of it as the command named first needs."""
    app = typer.Typer(
        name="quxun",
        help="Quxun 区讯: announcements of Chinese districts as feeds and one mail in the morning.",
        epilog="Settings are environment variables (QUXUN_HOME, QUXUN_PORT …): docs/settings.md. "
        "Exit codes: 0 it worked, 1 it did not, 2 wrong usage.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"terminal_width": 110},
    )
    wanted = [name for name, commands in MODULES.items() if first in commands] or list(MODULES)
    for name in wanted:
        module = import_module(f"quxun.cli.{name}")
        if hasattr(module, "register"):
            module.register(app)
        else:
            app.add_typer(module.app, name=MODULES[name][0])
    if wanted != list(MODULES):
        app.callback()(_group)  # a single command would lose its name
    return app


def main() -> None:
    """Run a command: 0 when it worked, 1 when it did not, 2 for wrong usage."""
    _speak_utf8()
    app = build(sys.argv[1] if len(sys.argv) > 1 else None)
    try:
        sys.exit(app(prog_name="quxun", standalone_mode=False))
    except typer.TyperException as error:
        _wrong_usage(error)
    except UsageError as error:
        complain(str(error))
        sys.exit(2)
    except QuxunError as error:
        complain(str(error))
        sys.exit(1)
    except BrokenPipeError:  # the reader of our answer went away: nothing is wrong with it
        sys.stderr.close()
        sys.exit(1)
    except (KeyboardInterrupt, typer.Abort):
        complain("stopped")
        sys.exit(130)


def _group() -> None:
    """Have commands below the name, even when only one was built."""


def _wrong_usage(error: typer.TyperException) -> None:
    """One line that says what was wrong and where the right way is told; help when nothing
    was asked for.
    """
    message = error.format_message()
    if message.startswith("Usage:"):
        sys.stderr.write(f"{message}\n")
    else:
        context = getattr(error, "ctx", None)
        path = context.command_path if context else "quxun"
        said = " ".join(message.split()).rstrip(".")
        complain(f'{said}; "{path} --help" says how', name=path)
    sys.exit(error.exit_code)


def _speak_utf8() -> None:
    """Lines are UTF-8 whatever the locale says: files and pipes are read by other machines."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")
