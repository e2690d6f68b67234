"""An alarm is one until it is cleared, stands with what raised it, and is told once."""

from __future__ import annotations

import ast
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

import aggregator
from aggregator import store
from aggregator.alarms import KINDS
from aggregator.flow.alarms import tell_operator
from aggregator.settings import Settings
from aggregator.store.alarms import clear_alarm, raise_alarm
from aggregator.templates import environment

DOCS = Path(__file__).resolve().parents[2] / "docs"
SETTINGS = Settings(
    public_url="https://quxun.example", secret_key="a-secret-for-these-tests",
    contact="ops@quxun.example", embedded=True,
)  # fmt: skip


def tell(engine, settings=SETTINGS):
    return tell_operator(
        store=store.Alarms(engine), env=environment(), settings=settings, now=datetime.now(UTC)
    )


def mails(engine):
    claimed = store.Outbox(engine).claim_mails(
        datetime.now(UTC) + timedelta(days=1), limit=99, lease=timedelta(minutes=1)
    )
    return [one.mail for one in claimed]


def test_one_alarm_of_a_kind_is_open_however_often_it_is_raised(engine):
    """A relay that is down for a night is one alarm, and its words are the last ones."""
    alarms = store.Alarms(engine)
    raised = [alarms.raise_alarm("mail-relay", f"{n} tries failed") for n in (1, 2, 2)]
    alarms.raise_alarm("mail-content:17", "554 on 20 of 50")

    assert raised == [True, False, False]
    assert [(one.kind, one.text) for one in alarms.open_alarms()] == [
        ("mail-content:17", "554 on 20 of 50"),
        ("mail-relay", "2 tries failed"),
    ]
    assert alarms.clear_alarm("mail-relay")
    assert not alarms.clear_alarm("mail-relay")
    assert alarms.raise_alarm("mail-relay", "again")
    assert len(alarms.open_alarms()) == 2


def test_an_alarm_stands_or_falls_with_what_raised_it(engine):
    """A run that was not held after all must not have raised an alarm."""
    with engine.connect() as connection:
        raise_alarm(connection, "bounces", "cannot log in")
        connection.rollback()
    with engine.begin() as connection:
        raise_alarm(connection, "bounces", "cannot log in")
    with engine.connect() as connection:
        clear_alarm(connection, "bounces")
        connection.rollback()

    assert [one.kind for one in store.Alarms(engine).open_alarms()] == ["bounces"]


def test_workers_that_see_the_same_at_once_raise_one(engine):
    """Eight senders meet the same dead relay."""
    start = threading.Barrier(8)
    raised = []

    def see():
        start.wait(60)
        raised.append(store.Alarms(engine).raise_alarm("mail-relay", "down"))

    threads = [threading.Thread(target=see) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)

    assert sorted(raised) == [False] * 7 + [True]


def test_an_operator_is_mailed_once_about_an_alarm(engine):
    """Every sweep looks; one mail leaves, with the words, and none about mail itself."""
    alarms = store.Alarms(engine)
    alarms.raise_alarm("canary", "mail 7 <b>did not</b> arrive\r\nBcc: v@e.example")
    alarms.raise_alarm("mail-relay", "down")

    assert [tell(engine), tell(engine)] == [1, 0]
    [told] = mails(engine)
    assert told.to == "ops@quxun.example"
    assert told.subject == "区讯警报：自检邮件没有按时收到，或内容与记录不符"
    assert "mail 7 <b>did not</b> arrive Bcc: v@e.example" in told.text
    assert "mail 7 &lt;b&gt;did not&lt;/b&gt; arrive Bcc:" in told.html
    assert "https://quxun.example/operator/" in told.text


def test_an_alarm_that_comes_and_goes_mails_once_an_hour(engine):
    """A flapping condition must not fill the operator's mailbox."""
    alarms = store.Alarms(engine)
    for _ in range(5):
        alarms.raise_alarm("canary", "late")
        tell(engine)
        alarms.clear_alarm("canary")
    assert len(mails(engine)) == 1

    with engine.begin() as connection:
        connection.execute(text("update alarms set told_at = told_at - interval '61 minutes'"))
    alarms.raise_alarm("canary", "late")
    assert tell(engine) == 1


@pytest.mark.parametrize(
    ("contact", "embedded", "told"),
    [
        ("ops@quxun.example", False, 0),
        ("https://quxun.example/contact", True, 0),
        ("mailto:ops@example.org", False, 1),
        ("Operator <ops@example.org>", False, 1),
        ("not an address", True, 0),
    ],
)
def test_only_a_contact_that_mail_reaches_is_mailed(engine, contact, embedded, told):
    """The default contact is nobody: a real relay would only bounce it."""
    store.Alarms(engine).raise_alarm("canary", "late")
    settings = SETTINGS.model_copy(update={"contact": contact, "embedded": embedded})

    assert tell(engine, settings) == told


def kinds_of(deed):
    """The kinds, without what they are about, that the code raises or clears by name."""
    found = set()
    for path in Path(aggregator.__file__).parents[1].joinpath("aggregator").rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        named = {
            target.id: step.value
            for step in ast.walk(tree)
            if isinstance(step, ast.Assign | ast.AnnAssign) and step.value is not None
            for target in (step.targets if isinstance(step, ast.Assign) else [step.target])
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(f"{deed}_alarm"):
                for one in node.args[:2]:
                    word = named.get(getattr(one, "id", ""), one)
                    word = word.values[0] if isinstance(word, ast.JoinedStr) else word
                    if isinstance(word, ast.Constant) and " " not in str(word.value):
                        found.add(str(word.value).partition(":")[0])
    return found


def test_every_kind_is_documented_with_what_raises_and_what_clears_it():
    """An operator who is woken must find what to do, and when it is over."""
    page = (DOCS / "operating.md").read_text("utf-8")
    rows = [
        [cell.strip() for cell in line.strip("| ").split(" | ")]
        for line in page[: page.index("## Mails in doubt")].splitlines()
        if line.startswith("| `")
    ]

    assert {row[0].strip("`").partition("`")[0].partition(":")[0] for row in rows} == set(KINDS)
    assert all(len(row) == 4 and all(row) for row in rows), "raised when, cleared when, what to do"
    assert kinds_of("raise") == set(KINDS)
    assert kinds_of("clear") == set(KINDS)


def test_held_mail_stays_but_for_confirmations(engine):
    """Hold all: digests wait, people who sign up do not; released, everything goes."""
    from aggregator.model import Lane, Mail

    outbox, holds = store.Outbox(engine), store.Holds(engine)
    now = datetime.now(UTC)
    for lane in Lane:
        mail = Mail(key=lane.value, lane=lane, to=f"{lane}@example.org", subject="s", text="t",
                    html="h", message_id=f"<{lane}@quxun.example>")  # fmt: skip
        outbox.enqueue_mail(mail, now)
    holds.hold_all("wrong words", who="operator", now=now)
    kept = {"limit": 9, "lease": timedelta(minutes=1)}

    assert [one.mail.key for one in outbox.claim_mails(now, **kept)] == ["confirmation"]
    assert holds.held().why == "wrong words"
    assert holds.release_all(who="operator", now=now)
    assert [one.mail.key for one in outbox.claim_mails(now, **kept)] == ["immediate", "digest"]
    assert not holds.release_all(who="operator", now=now)
    assert [one.what for one in store.audit.Audit(engine).last_deeds()] == ["release", "hold"]


def test_a_slot_that_nobody_planned_is_an_alarm_until_it_is_planned(engine):
    """A planner that fails every time looks just like a day without news, but for this."""
    from aggregator.flow.alarms import watch_planning
    from aggregator.model import Filter, Frequency

    alarms, digests = store.Alarms(engine), store.Digests(engine)
    morning = datetime(2026, 10, 5, 0, 30, tzinfo=UTC)

    def kinds(minutes):
        now = morning + timedelta(minutes=minutes)
        watch_planning(store=digests, alarms=alarms, now=now)
        return [one.kind for one in alarms.open_alarms()]

    assert kinds(20) == []
    store.Subscribers(engine).sign_up(
        "r@a.example", [Filter()], Frequency.DAILY, morning - timedelta(hours=1), confirmed=True
    )
    assert kinds(20) == ["planning"]
    digests.close_run(digests.open_run(Frequency.DAILY, morning).id, morning)
    assert kinds(21) == []
    assert kinds(31) == ["planning"]
