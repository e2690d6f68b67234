"""Kill -9, again and again, while digests are planned and sent: what is lost, what comes twice.

Readers have overlapping wishes, and news come in waves. Each wave is planned by the real worker
and sent to a mail server of ours that keeps what it took; between them parts of the service are
killed at random. In the end our books are held against what arrived (``verdict.py``).
"""

from __future__ import annotations

import signal
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from random import Random

import msgspec
import psycopg
from sqlalchemy import Connection, text

from aggregator import divisions
from aggregator.filters import canonical, parse_query
from aggregator.normalise import SHANGHAI
from aggregator.store import rows
from aggregator.wiring import now
from quxun.bench import faultbooks
from quxun.bench.battered import (
    SLOT_SECONDS,
    Battered,
    battered,
    begin,
    order_of,
)
from quxun.bench.inbox import arrivals
from quxun.bench.searchstore import Press, copy_rows
from quxun.bench.verdict import Pair, Verdict, copy_of, judge

#: Everything ends within this, whatever happens.
LONGEST_SECONDS = 1140.0
#: The share of it in which things are killed.
_KILLING = 0.82
#: Something should move between two kills; for that we wait no longer, and less when late.
_PATIENCE_SECONDS = 15.0
#: The mail server is slow enough that mails are under way for so many seconds a kill.
_BUSY_SECONDS = 0.5
#: Announcements of a wave, and kills in it at most.
_NEWS, _KILLS_A_WAVE = 3, 12


class Victim(msgspec.Struct, frozen=True, kw_only=True):
    """What was killed how often, and the longest time until it worked again."""

    name: str
    kills: int
    longest_recovery_seconds: float


class Faults(msgspec.Struct, frozen=True, kw_only=True):
    """A run of the bench; ``broken`` names the promises that were not kept.

    ``ambiguous`` counts mails of which it was unknown at some time whether they had arrived;
    ``in_doubt`` those that are left so after two attempts, of which ``in_doubt_missing`` did not
    arrive. Kills are counted by what was going on.
    """

    seed: int
    kills: int
    kills_while_planning: int
    kills_while_sending: int
    readers: int
    waves: int
    mails: int
    sent: int
    merged: int
    failed: int
    lost: int
    twice: int
    ambiguous: int
    in_doubt: int
    in_doubt_missing: int
    copies_most: int
    seconds: float
    victims: list[Victim]
    broken: list[str]


def bench_faults(
    *,
    kills: int,
    digests: int,
    senders: int,
    seed: int,
    home: Path | None,
    say: Callable[[str], None],
) -> Faults:
    """Plan and send so many digests or more under so many kills.

    Args:
        kills: how often something is killed.
        digests: how many mails are planned at least.
        senders: the worker's children.
        seed: decides who is killed in which order.
        home: where everything lies, and stays; None for a folder of the moment.
        say: told what goes on.

    Raises:
        QuxunError: something did not come back.
    """
    began = time.monotonic()
    dice = Random(seed)  # noqa: S311  # a seeded generator is what we want
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # whoever ends us, we clean up
    with ExitStack() as stack:
        if home is None:
            home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="quxun-bench-")))
            home.chmod(0o755)
        pause = kills * _BUSY_SECONDS * 4 * senders / digests
        service = stack.enter_context(
            battered(home, senders=senders, pause=min(max(pause, 0.02), 1.0), dice=dice)
        )
        story = _Story(service, kills=kills, digests=digests, dice=dice, say=say)
        story.prepare()
        say(f"{len(story.readers)} readers; {kills} kills with seed {seed}")
        begin(service)
        story.strike_all(until=began + LONGEST_SECONDS * _KILLING)
        say("no more kills; letting it come to rest")
        rested = story.rest(until=began + LONGEST_SECONDS)
        verdict = story.judge()
        return _faults(story, verdict, seed=seed, began=began, rested=rested)


class _Story:
    """One run: who reads what, what was announced, who was killed."""

    def __init__(
        self,
        service: Battered,
        *,
        kills: int,
        digests: int,
        dice: Random,
        say: Callable[[str], None],
    ) -> None:
        self._service = service
        self._say = say
        self._dice = dice
        self._order = order_of(kills, dice)
        self._digests = digests
        waves = max(2, kills // 8)
        self._places = [one.code for one in divisions.all_current() if one.code.endswith("0000")]
        self._groups = max(2, waves // 3)
        count = max(self._groups, round(digests / (1 + waves * 4 / 3 / self._groups)))
        #: Which groups of wishes each reader's immediate mails follow; all have a daily one too.
        self.readers: list[set[int]] = [
            {one % self._groups, (one + (one % 3 == 0)) % self._groups} for one in range(count)
        ]
        self._ids: list[int] = []
        self._unused: list[tuple[int, str]] = []
        self._owed: set[Pair] = set()
        self.waves = self.struck = self.planning = self.sending = 0

    # --- readers and news --------------------------------------------------------------------

    def prepare(self) -> None:
        """Write announcements that nobody was told of, readers, and the news of the first day."""
        database = self._service.parts.settings.database_url.get_secret_value()
        count = (len(self._order) + self._digests // 50 + 20) * _NEWS
        with psycopg.connect(database) as connection:
            copy_rows(connection, Press().rows(0, count, count))
            connection.execute("select setval('change_number', max(change)) from announcements")
            connection.execute(
                "insert into changes (change, at, announcement_id, uuid, news, terms, eras, record)"
                " select change, changed_at, id, uuid, true, '{}', '{}', '{}' from announcements"
                " on conflict do nothing"
            )
            connection.execute("update announcements set announced_change = change")
            connection.execute("delete from stirred")
            self._unused = [
                (row[0], str(row[1]))
                for row in connection.execute(
                    "select id, uuid from announcements where not excluded order by id"
                )
            ]
        self._service.ask(self._subscribe)
        self._announce(None)

    def _subscribe(self, connection: Connection) -> None:
        wishes = [parse_query(f"region={code}") for code in self._places[: self._groups + 1]]
        known = [
            connection.execute(
                text(
                    "insert into wishes (canonical, filter) values (:c, cast(:f as jsonb)) returning id"
                ),
                {"c": canonical(one), "f": rows.to_json(one)},
            ).scalar_one()
            for one in wishes
        ]
        here = now().astimezone(SHANGHAI)
        self._ids = list(
            connection.execute(
                text(
                    "insert into subscribers (email, email_key, state, confirmed_at, created_at,"
                    " hour, minute) select 'r' || n || '@firm.example', 'r' || n || '@firm.example',"
                    " 'confirmed', now(), now(), :hour, :minute from generate_series(1, :count) n"
                    " returning id"
                ),
                {"count": len(self.readers), "hour": here.hour, "minute": here.minute // 15 * 15},
            ).scalars()
        )
        self._ids.sort()
        ties = [
            (whose, known[group], "immediate" if group < self._groups else "daily")
            for whose, groups in zip(self._ids, self.readers, strict=True)
            for group in (*groups, self._groups)
        ]
        connection.execute(
            text(
                "insert into subscriptions (subscriber_id, wish_id, frequency, state, active_from)"
                " select whose, wish, frequency, 'active', now() from unnest(cast(:whose as"
                " bigint[]), cast(:wishes as bigint[]), cast(:frequencies as text[]))"
                " as n (whose, wish, frequency)"
            ),
            {
                "whose": [one for one, _, _ in ties],
                "wishes": [one for _, one, _ in ties],
                "frequencies": [one for _, _, one in ties],
            },
        )

    def _announce(self, group: int | None) -> None:
        """Announce what a group of wishes is for, one notice of it for the next group, too; None:
        what the daily wish is for.
        """
        groups = [self._groups] if group is None else [group, (group + 1) % self._groups]
        at = now()
        for number in range(_NEWS):
            here = groups if number == 0 else groups[:1]
            chosen, uuid = self._unused.pop()
            codes = [self._places[one] for one in here]
            self._service.ask(lambda connection: faultbooks.publish(connection, chosen, codes, at))  # noqa: B023  # done before the next
            self._owed |= {
                (whose, uuid)
                for whose, theirs in zip(self._ids, self.readers, strict=True)
                if group is None or theirs & set(here)
            }

    @property
    def asked(self) -> int:
        """How many kills there should be."""
        return len(self._order)

    # --- kills -------------------------------------------------------------------------------

    def strike_all(self, *, until: float) -> None:
        """Kill one after the other while something is under way; news come as mails run out."""
        service, in_wave = self._service, 0
        for number, victim in enumerate(self._order):
            left = until - time.monotonic()
            if left <= 0:
                return
            patience = min(max(left / (len(self._order) - number) * 2, 0.5), _PATIENCE_SECONDS)
            fresh = number == 0 or in_wave >= _KILLS_A_WAVE or not self._left()
            if fresh and number:
                self._wave()
            in_wave = 1 if fresh else in_wave + 1
            if fresh:
                service.until(self._is_planning, seconds=patience + SLOT_SECONDS)
            else:
                service.until(self._moves(), seconds=patience)
            service.pass_time(self._dice.random() * (0.3 if fresh else 0.6))
            planning, sending = service.ask(faultbooks.under_way)
            if service.strike(victim):
                self.struck += 1
                self.planning += planning
                self.sending += sending
            if (number + 1) % 20 == 0:
                self._say(f"{number + 1} kills, {self._planned()} mails planned")

    def _moves(self) -> Callable[[], bool]:
        """Whether the mail server has taken something since now."""
        taken = self._service.taken()
        return lambda: self._service.taken() > taken

    def _wave(self) -> None:
        self._announce(self.waves % self._groups)
        self.waves += 1

    def rest(self, *, until: float) -> bool:
        """Let it do all that is left, with more news until enough was planned; False when that
        takes too long.
        """
        service = self._service
        while time.monotonic() < until:
            if not service.until(lambda: not self._left(), seconds=until - time.monotonic()):
                return False
            if self._planned() >= self._digests:
                return service.until(
                    lambda: all(v.struck_at is None for v in service.victims.values()), seconds=60
                )
            self._wave()
        return False

    def _is_planning(self) -> bool:
        return self._service.ask(faultbooks.under_way)[0]

    def _left(self) -> int:
        """How many mails are on their way, and how much of what is owed is not planned."""
        there, told = self._service.ask(
            lambda connection: connection.execute(faultbooks.LEFT).one()
        )
        return int(there) + max(0, len(self._owed) - int(told))

    def _planned(self) -> int:
        return self._service.ask(
            lambda connection: int(
                connection.execute(text("select count(*) from outbox")).scalar_one()
            )
        )

    # --- the end -----------------------------------------------------------------------------

    def judge(self) -> Verdict:
        """Hold our books against what arrived."""
        books = self._service.ask(faultbooks.books)
        ledger = self._service.ask(faultbooks.ledger)
        copies = [copy_of(one) for one in arrivals(self._service.inbox)]
        return judge(books, copies, ledger=ledger, owed=self._owed)

    def victims(self) -> list[Victim]:
        """The victims' figures."""
        return [
            Victim(name=name, kills=one.kills, longest_recovery_seconds=round(one.longest, 1))
            for name, one in self._service.victims.items()
        ]


def _faults(story: _Story, verdict: Verdict, *, seed: int, began: float, rested: bool) -> Faults:
    victims = story.victims()
    broken = list(verdict.broken)
    if not rested:
        broken.append(f"it did not come to rest within {LONGEST_SECONDS:.0f} s")
    if story.struck < story.asked:
        broken.append(f"only {story.struck} of {story.asked} kills fitted into the time")
    if any(one.kills and one.longest_recovery_seconds == 0 for one in victims):
        broken.append("a victim did not work again")
    return Faults(
        seed=seed, kills=story.struck, kills_while_planning=story.planning,
        kills_while_sending=story.sending, readers=len(story.readers), waves=story.waves + 1,
        mails=verdict.mails, sent=verdict.sent, merged=verdict.merged, failed=verdict.failed,
        lost=verdict.lost, twice=verdict.twice, ambiguous=verdict.ambiguous,
        in_doubt=verdict.in_doubt, in_doubt_missing=verdict.in_doubt_missing,
        copies_most=verdict.copies_most, seconds=round(time.monotonic() - began, 1),
        victims=victims, broken=broken,
    )  # fmt: skip
