"""The archive proof at length: ``.venv/bin/python tests/archives/prove.py --help``.

Plays random histories on a real PostgreSQL of its own, with readers who come when they like, and
prints how much was proved; or how long documents take at so many changes. A history that fails
says its seed, and ``--first SEED --histories 1`` plays it again.
"""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from statistics import median
from time import perf_counter

import archive_atom
from archive_growth import COMMON, OLD, RARE, begin, counted, grow
from archive_history import History
from archive_proof import FEEDS, Figures, Proof, address
from archive_world import START, Web, fresh_database, open_web

from quxun import embedded
from quxun.embedded import Urls


def main() -> int:
    """Prove, or measure; 1 when a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--histories", type=int, default=20)
    parser.add_argument("--steps", type=int, default=80, help="events of a history")
    parser.add_argument("--feeds", type=int, default=4, help="feeds that are read, with all")
    parser.add_argument("--first", type=int, default=1_000, help="seed of the first history")
    parser.add_argument("--often", type=float, default=0.05, help="how often readers come")
    parser.add_argument("--busy", type=float, default=0.02, help="how often during a visit")
    parser.add_argument("--cost", type=int, metavar="CHANGES", help="measure instead")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # and clean up
    home = Path(tempfile.mkdtemp(prefix="quxun-archives-"))
    home.chmod(0o755)
    try:
        with embedded.servers(home) as servers:
            return cost(servers, home, asked.cost) if asked.cost else prove(servers, home, asked)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def prove(servers: Urls, home: Path, asked: argparse.Namespace) -> int:
    """Play histories."""
    total, broken = Figures(), 0
    for seed in range(asked.first, asked.first + asked.histories):
        time = [START]
        with fresh_database(servers) as url:
            web = open_web(url, home, time)
            names = sorted({"all", *random.Random(seed).sample(FEEDS, asked.feeds)})
            history = History(parts=web.parts, time=time, seed=seed)
            proof = Proof(web, history, names=names, busy=asked.busy)
            try:
                if seed % 2 == 0:
                    proof.history.flood(5)
                proof.run(asked.steps, often=asked.often)
                total.add(proof.figures)
            except AssertionError as error:
                broken += 1
                say(f"BROKEN seed {seed}: {error}")
            finally:
                web.close()
        sys.stderr.write(f"\r{seed} {total}")
    for name, value in asdict(total).items():
        say(f"{name:15}{value:>12,}")
    say(f"{'broken':15}{broken:>12,}")
    return int(broken > 0)


def cost(servers: Urls, home: Path, changes: int) -> int:
    """Milliseconds and blocks of PostgreSQL for documents that no process has yet."""
    with fresh_database(servers) as url:
        web = open_web(url, home, [START])
        begin(History(parts=web.parts, time=[START], seed=5))
        say(f"{'changes':>9} {'feed':11}{'document':10}{'ms':>8}{'blocks':>8}")
        for size in (changes // 50, changes):
            grow(web.parts.engine, size)
            for feed in (COMMON, RARE, OLD):
                for what, took, blocks in _one(url, home, feed):
                    say(f"{size:>9,} {feed:11}{what:10}{took:>8.1f}{blocks:>8,}")
        web.close()
    return 0


def _one(url: str, home: Path, feed: str) -> list[tuple[str, float, int]]:
    took: dict[str, list[float]] = {"current": [], "archive": []}
    blocks: dict[str, int] = {}
    for round_ in range(6):
        web = open_web(url, home, [START])
        web.get(address("other", "atom"), {})
        addresses = {"current": address(feed, "atom")}
        for what in list(took):
            if round_ == 0:
                with counted(web.parts.engine) as found:
                    body = _get(web, addresses[what])
                    blocks[what] = sum(found)
            else:
                start = perf_counter()
                body = _get(web, addresses[what])
                took[what].append(1_000 * (perf_counter() - start))
            links = archive_atom.parse(feed, body).links
            addresses.setdefault("archive", links.get("prev-archive", ""))
        web.close()
    return [(what, median(took[what]), blocks[what]) for what in took]


def _get(web: Web, url: str) -> bytes:
    status, _, body = web.get(url, {})
    assert status == 200, (url, status)
    return body


def say(line: str) -> None:
    """Print a line, now."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
