"""Starts commands quickly: a process that has imported everything and forks for each.

Reads one JSON line a command from stdin: argv, env, cwd and the files for its standard streams.
Answers with its exit code, a line. The child runs the very ``main`` that ``quxun`` runs.
"""

from __future__ import annotations

import io
import json
import os
import sys
import traceback

import quxun.web
from aggregator import normalise, parse, wiring
from aggregator.flow import articles, digests, mail, polls, sources, subscribe
from quxun.cli import build, main

LOADED = (quxun.web, normalise, parse, wiring, articles, digests, mail, polls, sources, subscribe)


def child(order: dict) -> None:
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        os.dup2(os.open(order[name], flags), number)
    sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)), encoding="utf-8")
    os.environ.clear()
    os.environ.update(order["env"])
    os.chdir(order["cwd"])
    sys.argv = ["quxun", *order["argv"]]
    main()


def serve() -> None:
    build()
    answers = os.fdopen(os.dup(1), "w")
    for line in os.fdopen(os.dup(0), "rb", buffering=0):
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            code = 70
            try:
                child(order)
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else int(end.code is not None)
            except BaseException:  # noqa: BLE001  # the test reads it
                traceback.print_exc()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
        _, status = os.waitpid(pid, 0)
        answers.write(f"{os.waitstatus_to_exitcode(status)}\n")
        answers.flush()


if __name__ == "__main__":
    serve()
