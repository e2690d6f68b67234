"""A backup of yesterday is restored: nobody gets again what left since, and nothing is lost."""

from __future__ import annotations

import functools
import re
from datetime import date

import psycopg
import pytest
from offices import BEFORE, DAY, HOUR, MORNING, READER, SETTINGS
from sqlalchemy import text
from test_further_flow import Desk

from aggregator import store
from aggregator.deliver import SentFiles
from aggregator.errors import CutShortError, QuxunError, UsageError
from aggregator.flow import digests, mail
from aggregator.model import Delivery, Frequency, MailState
from aggregator.templates import environment
from quxun import backup

OTHER, LATE = "other@inbox.example", "late@inbox.example"
NEXT = MORNING + DAY


class Service(Desk):
    """A desk that sends, and remembers what arrived; its journal lies in a folder."""

    def __init__(self, engine, url, home):
        super().__init__(engine)
        self.url, self.home = url, home
        #: Who was told what, mail by mail, whatever database there was.
        self.arrived = []
        self.ids = []
        #: What comes of the mails.
        self.fate = MailState.SENT

    def run(self, now, *, missed=False):
        """The runs of that minute, with all that were missed before it if asked for, and
        everything sent.
        """
        if missed:
            digests.plan_due(store=self.digests, env=environment(), settings=SETTINGS, now=now)
        else:
            self.plan(now)
        journal = SentFiles(self.home / "sent", store.Sent(self.engine), days=35)
        mail.deliver_all(store=self.outbox, mailer=self, clock=lambda: now, sent=journal)
        journal.close()

    def deliver(self, desk):
        """As a mailer whose server takes everything."""
        while rows := desk.take(9):
            going = desk.turn([], rows, [])
            done = []
            for row in rows:
                assert row.id in going
                if row.edition is not None:
                    words = re.findall(r"通知.|改为 10月\d+日", row.edition.text)
                    self.arrived += [(row.to, one) for one in dict.fromkeys(words)]
                    self.ids.append(row.message_id)
                done.append(
                    Delivery(
                        mail_id=row.id, generation=row.generation, state=self.fate,
                        answer="250", at=desk.now(),
                    )
                )  # fmt: skip
            desk.turn(done, [], [])

    def backup(self, now):
        file = self.home / "quxun.dump"
        assert backup.dump(self.url, file, now=now) == file.stat().st_size > 0
        return file

    def restore(self, file, now, *, replace=True):
        self.engine.dispose()
        return backup.restore(self.url, file, [self.home / "sent"], now=now, replace=replace)


@pytest.fixture
def service(engine, database_url, tmp_path):
    return Service(engine, database_url, tmp_path)


def test_restore_drill(service):
    """One mail waits in the backup, one left before it, two runs after it; a reader moved and one
    came since. All notices come again, and one that nobody was told of.
    """
    for email in (READER, OTHER):
        service.sign_up(email=email, confirmed=True)
    service.announce("通知甲")
    service.run(MORNING)
    service.announce("通知乙", at=MORNING + HOUR)
    reader = service.subscribers.get(READER)
    assert digests.plan_for(
        reader, store=service.digests, env=environment(), settings=SETTINGS, now=NEXT - HOUR
    ) == (1, [])
    file = service.backup(NEXT - HOUR)

    service.sign_up(email=LATE, confirmed=True, now=NEXT - HOUR / 2)
    service.announce("通知丙", at=NEXT - HOUR / 4)
    with service.engine.begin() as connection:
        connection.execute(
            text("update subscribers set email = 'new@x.example', email_key = 'new@x.example'"
                 " where email = :other"),
            {"other": OTHER},
        )  # fmt: skip
    service.run(NEXT)
    before = sorted(service.arrived)
    assert (READER, "通知乙") in before
    assert ("new@x.example", "通知丙") in before
    assert (LATE, "通知丙") in before

    done = service.restore(file, NEXT + HOUR)
    assert (done.replayed.strangers, done.made_at) == (1, NEXT - HOUR)
    service.sign_up(email=LATE, confirmed=True, now=NEXT + HOUR)
    service.announce("通知丙", "通知丁", at=NEXT + 2 * HOUR)
    service.run(NEXT + 2 * HOUR, missed=True)
    for days in (1, 2):
        service.run(NEXT + days * DAY)

    fresh = sorted(service.arrived)
    for one in before:
        fresh.remove(one)
    assert fresh == [(LATE, "通知丁"), (OTHER, "通知丁"), (READER, "通知丁")]
    assert len(set(service.ids)) == len(service.ids)
    with service.engine.connect() as connection:
        one = connection.execute(
            text("select id from announcements where title = '通知丙'")
        ).scalar_one()
    assert store.System(service.engine).why(str(one), READER, NEXT + 3 * DAY).rule == "sent"


def test_what_waits_in_the_backup_and_left_since_does_not_leave_again(service):
    """A digest and a link to confirm: neither is sent twice, and the run is not planned twice."""
    service.sign_up(confirmed=True)
    service.sign_up(email=OTHER)
    service.announce("通知甲")
    service.plan(MORNING)
    file = service.backup(MORNING)
    service.run(MORNING + HOUR)
    assert service.outbox.states() == {"sent": 2}

    done = service.restore(file, MORNING + DAY)
    assert done.replayed.mails == 2
    service.run(MORNING + 2 * DAY)
    assert service.outbox.states() == {"sent": 2}
    assert service.arrived == [(READER, "通知甲")]


def test_a_change_that_was_told_is_not_told_again_and_a_later_one_is(service):
    """The revision counts anew after a restore; what it says is the same."""
    service.sign_up(confirmed=True)
    service.announce("通知甲", due=date(2026, 9, 30))
    service.run(MORNING)
    file = service.backup(MORNING + HOUR)

    def moved(day, at):
        service.told = day.day
        service.move("通知甲", at, day)

    moved(date(2026, 10, 15), MORNING + 2 * HOUR)
    service.run(NEXT)
    assert service.arrived[-1] == (READER, "改为 10月15日")

    service.restore(file, NEXT + HOUR)
    moved(date(2026, 10, 15), NEXT + 2 * HOUR)
    service.run(NEXT + DAY)
    moved(date(2026, 10, 20), NEXT + DAY + HOUR)
    service.run(NEXT + 2 * DAY)

    said = [one for _, one in service.arrived if one.startswith("改为")]
    assert said == ["改为 10月15日", "改为 10月20日"]


def test_a_mail_that_was_in_doubt_twice_counts_as_having_left(service):
    """Nobody sends it a third time, before a restore or after it."""
    service.sign_up(confirmed=True)
    service.announce("通知甲")
    service.plan(MORNING)
    file = service.backup(MORNING)
    service.fate = MailState.AMBIGUOUS
    for hours in (1, 2):
        service.run(MORNING + hours * HOUR)
    assert service.arrived == [(READER, "通知甲")] * 2

    service.restore(file, NEXT)
    service.fate = MailState.SENT
    service.run(NEXT + HOUR)
    assert service.arrived == [(READER, "通知甲")] * 2


def test_a_reminder_that_left_is_not_repeated_and_the_next_one_comes(service):
    """A week before, and a day before: each once, whatever happens between."""
    service.sign_up(confirmed=True)
    service.announce("通知甲", due=date(2026, 9, 24))
    service.remind()
    service.run(MORNING)
    file = service.backup(MORNING + HOUR)
    service.run(MORNING + 3 * DAY)
    assert service.arrived == [(READER, "通知甲")] * 2

    service.restore(file, MORNING + 3 * DAY + HOUR)
    service.run(MORNING + 4 * DAY)
    assert service.arrived == [(READER, "通知甲")] * 2
    service.run(MORNING + 9 * DAY)
    assert service.arrived == [(READER, "通知甲")] * 3


def test_nothing_of_the_lost_time_is_mistaken_for_something_of_now(service):
    """A bounce, a stop link or a sender's notes of then must not meet another's mail or reader
    of now; and nobody is alarmed about a run or a canary of then.
    """
    for email, frequency in ((READER, Frequency.DAILY), (OTHER, Frequency.IMMEDIATE)):
        service.sign_up(email=email, confirmed=True, frequency=frequency)
    canary = store.Canary(service.engine)
    canary.is_set(service.subscribers.get(READER).id)
    service.sign_up(email="asked@inbox.example")
    [waits] = service.outbox.claim_mails(BEFORE, limit=1, lease=DAY)
    file = service.backup(BEFORE + HOUR)
    service.sign_up(email="lost@inbox.example", confirmed=True)
    lost = service.subscribers.get("lost@inbox.example").id
    service.announce("通知甲")
    service.run(MORNING)
    service.restore(file, MORNING + HOUR)
    service.sign_up(email=LATE, confirmed=True, now=MORNING + HOUR)

    assert service.subscribers.get(LATE).id > lost + 1000
    assert service.subscribers.get(READER).epoch == 1
    service.outbox.record_deliveries(
        [
            Delivery(
                mail_id=waits.id, generation=one, state=MailState.SENT, answer="250", at=MORNING
            )
            for one in (1, 2, 3)
        ]
    )  # fmt: skip
    assert service.outbox.states() == {"claimed": 1, "sent": 2}
    service.run(MORNING + HOUR / 4, missed=True)
    assert store.Runs(service.engine).morning(MORNING + HOUR).unplanned == []
    canary.expect(service.subscribers.get(READER).id, HOUR, MORNING + HOUR)
    assert canary.late(MORNING + DAY) == []


def test_what_cannot_be_restored_is_told_in_a_line_and_changes_nothing(
    service, tmp_path, monkeypatch
):
    """Whoever restores has a bad day already."""
    service.sign_up(confirmed=True)
    file = service.backup(BEFORE)
    cut, broken = tmp_path / "cut.dump", tmp_path / "broken.dump"
    whole = file.read_bytes()
    cut.write_bytes(whole[:-2_000])
    broken.write_bytes(whole[:-300] + b"\0" * 60 + whole[-240:])
    words = tmp_path / "words"
    words.write_text("no dump\n", encoding="utf-8")

    for name, error, said, replace in (
        (words, UsageError, "no whole backup", True),
        (cut, UsageError, "no whole backup", True),
        (tmp_path / "nothing", UsageError, "cannot be read", True),
        (file, QuxunError, "subscribers: 1", False),
        (broken, QuxunError, "cannot be restored", True),
    ):
        with pytest.raises(error, match=said) as told:
            service.restore(name, MORNING, replace=replace)
        assert "\n" not in str(told.value)
        assert [one.email for one in service.subscribers.list()] == [READER]

    monkeypatch.setattr(backup, "PATIENCE_SECONDS", 0.0)
    worker = store.connect(service.url)
    with worker.connect(), pytest.raises(QuxunError, match="are open"):
        service.restore(file, MORNING)
    worker.dispose()


def test_a_restore_that_was_killed_lets_nobody_in_and_is_undone_by_the_next(service):
    """What was put aside is the only copy there is, and who signs up beside it would be lost."""
    service.sign_up(confirmed=True)
    file = service.backup(BEFORE)
    service.sign_up(email=OTHER, confirmed=True)
    service.engine.dispose()
    with psycopg.connect(service.url, autocommit=True) as connection:
        connection.execute("alter schema public rename to quxun_before_restore")
        connection.execute("create schema public")

    for use in (
        lambda: store.migrate(service.engine),
        lambda: service.sign_up(email=LATE),
        lambda: service.backup(MORNING),
    ):
        with pytest.raises(CutShortError, match="quxun restore FILE"):
            use()
    with pytest.raises(QuxunError, match="subscribers: 2"):
        service.restore(file, MORNING, replace=False)
    assert len(service.subscribers.list()) == 2
    service.engine.dispose()
    with pytest.raises(QuxunError, match="no restore was cut short"):
        backup.undo(service.url)


def test_what_comes_after_a_restore_stays_though_its_last_step_was_cut_short(service):
    """Days later somebody restores something without --replace, and is told what is there."""
    service.sign_up(confirmed=True)
    file = service.backup(BEFORE)
    with psycopg.connect(service.url, autocommit=True) as connection:
        connection.execute("create schema bad_day")
        connection.execute(
            "create function bad_day.ends() returns event_trigger language plpgsql as $$ begin"
            " if exists (select 1 from pg_event_trigger_dropped_objects()"
            "            where object_type = 'schema') then"
            "   perform pg_terminate_backend(pg_backend_pid()), pg_sleep(60);"
            " end if; end $$"
        )
        connection.execute(
            "create event trigger bad_day on sql_drop execute function bad_day.ends()"
        )
    service.restore(file, MORNING)
    service.sign_up(email=OTHER, confirmed=True)
    with pytest.raises(QuxunError, match="subscribers: 2"):
        service.restore(file, NEXT, replace=False)
    assert len(service.subscribers.list()) == 2

    with psycopg.connect(service.url, autocommit=True) as connection:
        connection.execute("drop event trigger bad_day")
        store.migrate(service.engine)
        left = connection.execute("select nspname from pg_namespace where nspname ~ '^quxun'")
        assert left.fetchall() == []


def test_the_journal_holds_no_address_and_ends(service):
    """It lies about for weeks, on a disk that is copied."""
    service.sign_up(confirmed=True)
    service.announce("通知甲")
    service.run(MORNING)
    [kept] = (service.home / "sent").iterdir()
    assert READER.split("@")[0] not in kept.read_text(encoding="utf-8")
    assert kept.stat().st_mode & 0o077 == 0

    SentFiles(service.home / "sent", store.Sent(service.engine), days=35).note(
        [], MORNING + 41 * DAY
    )
    assert [one.name[:10] for one in (service.home / "sent").iterdir()] == ["2026-10-25"]


def test_what_a_killed_sender_had_sent_is_written_down_by_the_next(service):
    """It heard the 250 and died before its batch: its notes say so, and a restore must know."""
    service.sign_up(confirmed=True)
    service.announce("通知甲")
    service.plan(MORNING)
    [row] = service.outbox.claim_mails(MORNING, limit=9, lease=HOUR)
    journal = SentFiles(service.home / "sent", store.Sent(service.engine), days=35)
    desk = mail.OutboxDesk(
        service.outbox, lambda: MORNING, until=MORNING + HOUR, stopping=lambda: False, sent=journal
    )
    heard = Delivery(
        mail_id=row.id, generation=row.generation, state=MailState.SENT, answer="250", at=MORNING
    )
    desk.turn([heard], [], [])
    journal.close()

    [kept] = (service.home / "sent").iterdir()
    [edition, left] = kept.read_text(encoding="utf-8").split("\n")[1:-1]
    assert left.split("\t")[2:4] == [row.message_id, row.key]
    assert left.split("\t")[-1] == edition.split("\t")[1]


def test_what_could_not_be_written_down_is_written_when_it_can_be(service):
    """A full disk stops no mail; and a file that somebody moved away is begun anew."""
    service.sign_up(confirmed=True)
    service.announce("通知甲")
    (service.home / "sent").write_text("in the way", encoding="utf-8")
    journal = SentFiles(service.home / "sent", store.Sent(service.engine), days=35)
    service.plan(MORNING)
    send = functools.partial(mail.deliver_all, store=service.outbox, mailer=service, sent=journal)
    send(clock=lambda: MORNING)
    assert service.outbox.states() == {"sent": 1}
    alarms = store.Alarms(service.engine)
    [alarm] = alarms.open_alarms()
    assert alarm.kind == "journal:here"
    assert alarm.text.startswith("1 mails that left are not written down")

    (service.home / "sent").unlink()
    send(clock=lambda: MORNING)
    assert alarms.open_alarms() == []
    service.sign_up(email=OTHER, now=MORNING)
    send(clock=lambda: MORNING)
    [kept] = (service.home / "sent").iterdir()
    assert kept.read_text(encoding="utf-8").count("\nM\t") == 2
    kept.rename(service.home / "away")
    service.sign_up(email=LATE, now=MORNING)
    send(clock=lambda: MORNING)
    assert kept.read_text(encoding="utf-8").count("\nM\t") == 1
    journal.close()
