"""A link that was sent is kept nowhere in clear: who reads the database opens nothing with it."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from offices import BEFORE, HOUR, READER, SETTINGS
from sqlalchemy import text

from aggregator import store
from aggregator.errors import ConflictError
from aggregator.flow import moving, subscribe
from aggregator.model import Delivery, MailState
from aggregator.templates import environment

#: The signed or random part of a link.
TOKEN = re.compile(r"https://quxun\.example/(?:[a-z-]+/)+([\w.~=-]{40,})")
MINUTE = timedelta(minutes=1)


def everything(engine):
    """All rows of all tables, as words."""
    with engine.connect() as connection:
        tables = connection.execute(
            text("select tablename from pg_tables where schemaname = current_schema()")
        ).scalars()
        return "\n".join(
            str(row)
            for table in list(tables)
            for row in connection.execute(
                text(f'select cast(t as text) from "{table}" t')
            ).scalars()
        )


def claimed(office):
    return office.outbox.claim_mails(BEFORE + MINUTE, limit=9, lease=HOUR)


def recorded(office, mail, state, **more):
    made = Delivery(
        mail_id=mail.id, generation=mail.generation, state=state, answer="as it was answered",
        at=BEFORE + MINUTE,
    )  # fmt: skip
    office.outbox.record_deliveries([replace(made, **more)])


def confirming(office):
    office.sign_up()


def managing(office):
    office.sign_up(confirmed=True)
    office.mails()
    subscribe.ask_link(
        READER, store=office.subscribers, outbox=office.outbox, env=environment(),
        settings=SETTINGS, now=BEFORE,
    )  # fmt: skip


def changing_address(office):
    office.sign_up(confirmed=True)
    office.mails()
    moving.ask_move(
        office.subscribers.get(READER), "new@inbox.example", store=office.subscribers,
        persons=store.Persons(office.engine), outbox=office.outbox, env=environment(),
        settings=SETTINGS, now=BEFORE,
    )  # fmt: skip


@pytest.mark.parametrize("ask", [confirming, managing, changing_address])
@pytest.mark.parametrize("state", [MailState.SENT, MailState.FAILED])
def test_no_link_of_a_mail_that_is_over_stands_in_the_database(office, ask, state):
    """Only its hash does, and its subject for the operator."""
    ask(office)
    [mail] = claimed(office)
    links = set(TOKEN.findall(f"{mail.mail.text} {mail.mail.html} {mail.mail.headers}"))
    assert links
    assert all(one in everything(office.engine) for one in links)

    recorded(office, mail, state)

    kept = everything(office.engine)
    assert [one for one in links if one in kept] == []
    assert store.Runs(office.engine).words(mail.id).subject == mail.mail.subject
    with pytest.raises(ConflictError, match="ask for a new one"):
        store.Runs(office.engine).resend(mail.id, again=True, who="operator", now=BEFORE + HOUR)


def test_a_link_that_waits_or_is_in_doubt_goes_again(office):
    """Somebody waits for it: its words are kept as long as they may leave once more."""
    confirming(office)
    [first] = claimed(office)
    recorded(office, first, MailState.AMBIGUOUS)
    [again] = claimed(office)

    assert again.mail == first.mail


def test_a_link_to_a_suppressed_address_ends_without_its_words(office):
    """It was never sent, and opens nothing either."""
    confirming(office)
    office.subscribers.suppress(READER, "bounce", BEFORE)
    assert TOKEN.search(everything(office.engine))

    assert claimed(office) == []

    assert not TOKEN.search(everything(office.engine))
