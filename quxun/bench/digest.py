"""A morning's digests for very many readers, from the store to a mail server that takes all.

The real planner works in this process, real senders in children of it, at the same time, as in
the service. Beside them, in the same run: Postfix's own ``smtp-source`` into the same
``smtp-sink``, and the obvious way to make such mails (render, inline the CSS, ``EmailMessage``).
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import msgspec
import psutil
from pydantic import SecretStr
from sqlalchemy import Engine, text

from aggregator.deliver import as_bytes
from aggregator.errors import QuxunError
from aggregator.flow import digests, mail
from aggregator.model import Frequency, MailState
from aggregator.normalise import SHANGHAI
from aggregator.settings import Settings, inherited_environment, load_settings
from aggregator.wiring import Parts, build_parts, now
from quxun import embedded
from quxun.bench import searchstore
from quxun.bench.floors import shortfalls
from quxun.bench.obvious import obvious_rate
from quxun.bench.readers import subscribe, write_news
from quxun.bench.relay import sink, source_rate

#: How many readers and wishes the floors of bench/floors.json are held for.
SUBSCRIBERS, WISHES = 100_000, 3_000
#: What the whole took at most, else something is stuck.
_LONGEST_SECONDS = 1800.0
#: Mails looked at to know their size.
_SAMPLED = 60


class Morning(msgspec.Struct, frozen=True, kw_only=True):
    """One run over all readers.

    ``per_second`` counts mails from the first match to the last answer; ``of_source`` is that
    beside the best of ``smtp-source`` with messages of the same size, ``of_obvious`` beside the
    obvious way on one core. CPU seconds are those of the planner, the senders and PostgreSQL.
    """

    subscribers: int
    wishes: int
    announcements: int
    news: int
    mails: int
    editions: int
    items_a_mail: float
    mail_bytes: int
    match_seconds: float
    plan_seconds: float
    seconds: float
    per_second: float
    source_per_second: float
    source_10k_per_second: float
    obvious_per_second: float
    of_source: float
    of_obvious: float
    planner_cpu_seconds: float
    sender_cpu_seconds: float
    database_cpu_seconds: float
    planner_peak_mb: float
    sender_peak_mb: float


def bench_digest(
    *,
    subscribers: int,
    wishes: int,
    announcements: int,
    news: int,
    senders: int,
    say: Callable[[str], None],
    messages: int = 10_000,
    seconds: float = 3.0,
) -> Morning:
    """Plan and send one daily run to all.

    Args:
        subscribers: who has one daily subscription each.
        wishes: how many different ones they share.
        announcements: how many the store holds.
        news: how many of them were announced since everybody subscribed.
        senders: processes that send.
        say: told what goes on.
        messages: that ``smtp-source`` sends for each of its figures.
        seconds: of CPU that the obvious way has.

    Raises:
        QuxunError: Postfix's tools are missing, or a mail did not arrive.
    """
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="quxun-bench-")))
        home.chmod(0o755)
        relay = stack.enter_context(sink())
        urls = stack.enter_context(embedded.servers(home / "home"))
        settings = load_settings(
            home=home, database_url=SecretStr(urls.database), broker_url=SecretStr(""),
            smtp_url=SecretStr(f"smtp://127.0.0.1:{relay.port}?tls=none"), smtp_per_second=0,
            public_url="https://quxun.example", secret_key=SecretStr("a-key-of-the-bench-alone"),
            log_level="ERROR",
        )  # fmt: skip
        parts = build_parts(settings)
        stack.callback(parts.close)
        say(f"writing {announcements} announcements")
        searchstore.fill(urls.database, announcements, say=say)
        # Numbered before anybody subscribes: what the store holds already is nobody's news.
        parts.digests.match(now())
        say(f"{subscribers} subscribers share {wishes} wishes")
        made = subscribe(parts.engine, subscribers=subscribers, wishes=wishes)
        parts.digests.match(now())
        write_news(parts.engine, news)
        _at_this_hour(parts.engine)
        say("matching")
        began = time.perf_counter()
        parts.digests.match(now())
        match_seconds = time.perf_counter() - began
        size = _size(parts)
        say("planning and sending")
        times = _run(parts, settings, senders=senders)
        figures = _figures(parts.engine)
        say(f"{times.mails} mails sent; now smtp-source and the obvious way")
        same = source_rate(relay, size=size, messages=messages)
        small = source_rate(relay, size=10_000, messages=messages)
        obvious = obvious_rate(seconds)
        seconds = match_seconds + times.seconds
        rate = times.mails / seconds
        return Morning(
            subscribers=subscribers, wishes=made, announcements=announcements, news=news,
            mails=times.mails, editions=figures[0], items_a_mail=figures[1], mail_bytes=size,
            match_seconds=round(match_seconds, 2),
            plan_seconds=round(times.plan_seconds, 2), seconds=round(seconds, 2),
            per_second=round(rate, 1), source_per_second=round(same, 1),
            source_10k_per_second=round(small, 1), obvious_per_second=round(obvious, 1),
            of_source=round(rate / same, 3), of_obvious=round(rate / obvious, 2),
            planner_cpu_seconds=round(times.planner_cpu, 1),
            sender_cpu_seconds=round(times.sender_cpu, 1),
            database_cpu_seconds=round(times.database_cpu, 1),
            planner_peak_mb=round(
                resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1
            ),
            sender_peak_mb=round(times.sender_peak, 1),
        )  # fmt: skip


def held(morning: Morning) -> list[str]:
    """One line for each ratio of a whole morning that is below its floor."""
    if (morning.subscribers, morning.wishes) < (SUBSCRIBERS, WISHES):
        return []
    return shortfalls(
        {"digest.of_source": morning.of_source, "digest.of_obvious": morning.of_obvious}
    )


class _Times(msgspec.Struct, kw_only=True):
    mails: int = 0
    plan_seconds: float = 0
    seconds: float = 0
    planner_cpu: float = 0
    sender_cpu: float = 0
    database_cpu: float = 0
    sender_peak: float = 0


def _run(parts: Parts, settings: Settings, *, senders: int) -> _Times:
    """Plan here and send in children, until nothing waits."""
    times = _Times()
    database = _cpu_of_database()
    with _senders(settings, senders) as children:
        cpu, began = time.process_time(), time.perf_counter()
        planned = digests.plan_due(
            store=parts.digests, env=parts.templates_or_fail(), settings=settings, now=now()
        )
        planned_at = time.perf_counter()
        times.planner_cpu = time.process_time() - cpu
        while _left(parts.engine):
            if time.perf_counter() - began > _LONGEST_SECONDS:
                raise QuxunError(f"mails are still not sent after {_LONGEST_SECONDS:.0f} s")
            if any(one.poll() is not None for one in children):
                raise QuxunError("a sender ended before its work was done")
            time.sleep(0.05)
        times.seconds = time.perf_counter() - began
        times.plan_seconds = planned_at - began
        for child in children:
            process = psutil.Process(child.pid)
            spent = process.cpu_times()
            times.sender_cpu += spent.user + spent.system
            times.sender_peak = max(times.sender_peak, _peak_mb(child.pid))
    times.database_cpu = _cpu_of_database() - database
    with parts.engine.connect() as connection:
        found = connection.execute(text("select state, count(*) from outbox group by 1"))
        states = {row[0]: row[1] for row in found}
    if states != {MailState.SENT.value: planned}:
        raise QuxunError(f"{planned} mails were planned, and the outbox says {states}")
    times.mails = planned
    return times


@contextmanager
def _senders(settings: Settings, count: int) -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that deliver until their standard input ends; all of them have started."""
    children = [
        subprocess.Popen(  # this module
            [sys.executable, "-m", "quxun.bench.digest"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            start_new_session=True,  # Ctrl-C is for us: we end them
            env={**inherited_environment(), **settings.as_environment()},
        )
        for _ in range(count)
    ]  # fmt: skip
    try:
        for one in children:
            assert one.stdout is not None
            if one.stdout.readline() != "ready\n":
                raise QuxunError("a sender did not start")
        yield children
    finally:
        for one in children:
            one.terminate()
        for one in children:
            one.wait(timeout=30)
            for stream in (one.stdin, one.stdout):
                if stream is not None:
                    stream.close()


def _left(engine: Engine) -> bool:
    """Whether mails wait; by their index, or asking would be a tenth of PostgreSQL's work."""
    with engine.connect() as connection:
        return bool(
            connection.execute(
                text("select exists (select from outbox where waiting)")
            ).scalar_one()
        )


def _at_this_hour(engine: Engine) -> None:
    """Let everybody's hour be the present quarter of an hour."""
    here = now().astimezone(SHANGHAI)
    with engine.begin() as connection:
        connection.execute(
            text("update subscribers set hour = :hour, minute = :minute"),
            {"hour": here.hour, "minute": here.minute // 15 * 15},
        )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("vacuum analyze"))


def _figures(engine: Engine) -> tuple[int, float]:
    """How many selections there were, and how many items a mail brought."""
    with engine.connect() as connection:
        row = connection.execute(
            text(
                "select (select count(*) from editions) as editions, (select count(*) from ledger)"
                " / greatest((select count(*) from outbox), 1.0) as items"
            )
        ).one()
    return row.editions, round(float(row.items), 1)


def _size(parts: Parts) -> int:
    """How many bytes the mails have, as they go over the wire, on average of some."""
    env, sizes = parts.templates_or_fail(), []
    with parts.engine.connect() as connection:
        found = connection.execute(
            text("select id from subscribers order by md5(id::text) limit :count"),
            {"count": _SAMPLED},
        ).scalars()
        ids = list(found)
    for one in ids:
        made = digests.preview(
            parts.subscribers.get(one), Frequency.DAILY,
            store=parts.digests, env=env, settings=parts.settings, now=now(),
        )  # fmt: skip
        if made is not None:
            sizes.append(len(as_bytes(made[1], now())))
    return sum(sizes) // max(len(sizes), 1)


def _cpu_of_database() -> float:
    """Seconds that PostgreSQL's processes have worked, those that ended among them."""
    seconds = 0.0
    for one in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # it ended while we looked; its parent keeps the sum
            if one.name() == "postgres":
                spent = one.cpu_times()
                seconds += spent.user + spent.system
                parent = one.parent()
                if parent is None or parent.name() != "postgres":
                    seconds += spent.children_user + spent.children_system
    return seconds


def _peak_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _send_for_ever() -> None:
    """Deliver what is due, again and again, until we are ended."""
    parts = build_parts(load_settings())
    mail.deliver_all(store=parts.outbox, mailer=parts.mailer, clock=now)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        tally = mail.deliver_all(
            store=parts.outbox,
            mailer=parts.mailer,
            clock=now,
            longest=timedelta(seconds=10),
            sent=parts.sent,
        )
        if not tally.total:
            time.sleep(0.1)


if __name__ == "__main__":
    _send_for_ever()
