"""The names that scripts depend on, help that a stranger understands, and errors in one line."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from quxun.cli import MODULES, build

ROOT = Path(__file__).resolve().parents[2]
#: DESIGN.md §Commands: what must be there; more may be.
CONTRACT = {
    "up": "--demo",
    "worker": "",
    "scheduler": "",
    "web": "",
    "migrate": "",
    "sources add": "--kind --region --category --authority --selectors --allow-private --yes --json",
    "sources list": "--json",
    "sources show": "--json",
    "sources test": "--json",
    "sources pause": "",
    "sources resume": "",
    "sources remove": "--yes",
    "sources import": "--enable --json",
    "sources export": "",
    "poll": "--all --due --json",
    "parse": "--url --kind --batch",
    "extract": "--url --batch",
    "classify": "",
    "facts": "",
    "similar": "",
    "feed": "--format",
    "announcements split": "--sighting --why --by --json",
    "announcements merge": "--why --by --json",
    "digest plan": "--subscriber --at --eml --json",
    "digest preview": "--subscriber --at --eml --json",
    "digest send": "--subscriber --at --eml --json",
    "subscribers add": "--filter --frequency --confirmed --json",
    "subscribers list": "--json",
    "subscribers show": "--json",
    "subscribers import": "--json",
    "subscribers export": "",
    "keys list": "--json",
    "keys rotate": "",
    "keys revoke": "",
    "subscribers try": "--days --limit --json",
    "subscribers data": "",
    "subscribers endings": "--days --json",
    "subscribers erase": "",
    "subscribers suppress": "",
    "search": "--json",
    "show": "--json",
    "why": "--json",
    "stats": "--json",
    "doctor": "--json",
    "bench poll": "--json",
}


def walk(group, path: str = "") -> Iterator[tuple[str, object]]:
    """Every command with its whole name."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from walk(command, f"{path}{name} ")
        else:
            yield f"{path}{name}", command


COMMANDS = dict(walk(typer.main.get_command(build())))


def options_of(command) -> list[str]:
    """The long names of a command's options, in their order."""
    return [
        next(word for word in param.opts if word.startswith("--"))
        for param in command.params
        if param.param_type_name == "option" and param.name != "help"
    ]


def arguments_of(command) -> str:
    return " ".join(
        f"[{word}…]" if param.nargs == -1 and not param.required
        else f"{word}…" if param.nargs == -1 else word
        for param in command.params if param.param_type_name == "argument"
        for word in [(param.metavar or param.name).upper().strip("[].")]
    )  # fmt: skip


@pytest.mark.parametrize("name", CONTRACT)
def test_every_command_of_the_contract_has_its_options(name: str):
    """Scripts of other people break when a name goes."""
    assert set(CONTRACT[name].split()) <= set(options_of(COMMANDS[name]))


def test_every_command_and_option_says_what_it_does():
    """Somebody who never saw the project reads only the help."""
    silent = [name for name, command in COMMANDS.items() if not command.help]
    silent += [
        f"{name} {param.name}"
        for name, command in COMMANDS.items()
        for param in command.params
        if not param.help
    ]

    assert silent == []


def test_every_command_is_in_the_docs_with_its_options():
    """What is not in docs/commands.md does not exist for a reader."""
    lines = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8").splitlines()
    rows = [line.split("|")[1:3] for line in lines if line.startswith("| `quxun ")]
    told = {
        command.strip().strip("`"): re.findall(r"`(--[a-z-]+)", options)
        for command, options in rows
    }

    real = {
        f"quxun {name} {arguments_of(command)}".strip(): options_of(command)
        for name, command in COMMANDS.items()
    }
    assert told == real


@pytest.mark.parametrize("module", MODULES)
def test_one_command_alone_builds_what_the_whole_has(module: str):
    """Only the module that is asked for is imported; it must hold what the table says."""
    alone = typer.main.get_command(build(MODULES[module][0]))

    assert tuple(alone.commands) == MODULES[module]


def test_reading_commands_start_without_the_heavy_parts():
    """They are run once a page: no web server, no broker, no database may be loaded for that."""
    code = (
        "import sys; from quxun.cli import build; build('parse');"
        "from aggregator import cluster, normalise, parse;"
        "print([name for name in ('celery', 'sqlalchemy', 'psycopg', 'fastapi', 'uvicorn',"
        " 'redis', 'pydantic', 'jinja2', 'structlog', 'pycurl') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )

    assert done.stdout.strip() == "[]"


def test_help_is_printed_without_any_server(cold):
    """Help is asked for when nothing works yet."""
    done = cold.run("--help", database_url="postgresql://nobody@127.0.0.1:1/none")

    assert done.err == ""
    for name in {name.split()[0] for name in CONTRACT}:
        assert re.search(rf"^  {name} +\S", done.out, re.MULTILINE), name


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["fetch-everything"], "fetch-everything"),
        (["sourcse"], "sources"),
        (["sources", "add"], "URL"),
        (["sources", "add", "http://a.example/", "--colour", "red"], "--colour"),
        (["sources", "add", "http://a.example/", "--authority", "loud"], "loud"),
        (["search", "x", "--limit", "many"], "--limit"),
        (["search"], "--filter"),
        (["search", "--filter", "kind="], "--filter"),
        (["worker", "--queues", "polls,letters"], "letters"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(offline, words: list[str], told: str):
    """One line, the wrong word in it."""
    done = offline.run(*words, code=2)

    assert told in done.complaint


def test_nothing_asked_for_is_answered_with_help(offline):
    """Still wrong usage for a script, but a person sees the way."""
    done = offline.run(code=2)

    assert done.out == ""
    assert "Commands:" in done.err


@pytest.mark.parametrize("command", ["up", "worker", "scheduler", "web", "mailbox", "stats"])
def test_a_bad_setting_stops_the_start_and_is_named(offline, command: str):
    """The operator reads one line and knows which variable to mend."""
    done = offline.run(command, code=1, port="abc")

    assert "QUXUN_PORT" in done.complaint
    assert "'abc'" in done.complaint


def test_without_urls_the_embedded_servers_start_for_the_moment(offline):
    """`quxun stats` works on a machine where nothing runs, and leaves nothing running."""
    offline.folder.chmod(0o755)
    got = offline.run("stats", "--json")

    assert got.json["sources"] == 0
    assert got.err == ""
    assert not list((offline.folder / "home").rglob("postmaster.pid"))


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"database_url": "postgresql://nobody@127.0.0.1:1/none"}, "QUXUN_DATABASE_URL"),
        ({"database_url": "that one over there"}, "QUXUN_DATABASE_URL"),
        ({"allow_nets": "10.0.0.0/99"}, "QUXUN_ALLOW_NETS"),
        ({"log_level": "shouting"}, "QUXUN_LOG_LEVEL"),
    ],
)
def test_what_is_away_or_wrong_is_one_line(offline, settings: dict[str, str], told: str):
    """A database that is down is no traceback."""
    done = offline.run("stats", code=1, **settings)

    assert told in done.complaint
