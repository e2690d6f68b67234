"""What an operator may not send again: it would harm the reader, or the record."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from test_sending import LEASE, NOW, end, run_of

from aggregator import store
from aggregator.errors import ConflictError
from aggregator.model import Frequency, MailState

DAY = timedelta(days=1)


def sent(engine, at=NOW):
    """A daily mail that went out; its number and its reader's."""
    outbox = store.Outbox(engine)
    run_of(engine, outbox, 1)
    [mail] = outbox.claim_mails(NOW, limit=9, lease=LEASE)
    outbox.record_deliveries([replace(end(mail, MailState.SENT), at=at)])
    return mail.id, mail.subscriber_id


def refused(engine, mail, words, now=NOW):
    """Asked for with all insistence: it is refused in these words, and its record stays."""
    runs = store.Runs(engine)
    before = runs.mail(mail)
    with pytest.raises(ConflictError, match=words):
        runs.resend(mail, again=True, who="operator", now=now)
    assert runs.mail(mail) == before
    assert store.Outbox(engine).claim_mails(now, limit=9, lease=LEASE) == []


def test_what_went_into_a_later_mail_does_not_come_twice(engine):
    """Under another Message-ID no reader's program would know the copy."""
    mail, _ = sent(engine)
    with engine.begin() as connection:
        connection.execute(text("update outbox set state = 'merged', answer = 'went into <x@y>'"))

    refused(engine, mail, "went into <x@y>")


@pytest.mark.parametrize("how", ["stopped", "paused", "switched and stopped"])
def test_who_stopped_gets_no_copy_and_the_first_stays_sent(engine, how):
    """The run's page and `quxun why` go on saying what happened."""
    mail, who = sent(engine)
    people = store.Subscribers(engine)
    if how == "stopped":
        people.end(who, reason="one-click", now=NOW, frequency=Frequency.DAILY)
    elif how == "switched and stopped":
        [mine] = people.get("r0@mail.example").subscriptions
        people.set_frequency(mine.id, Frequency.WEEKLY, NOW)
        people.end(who, reason="one-click", now=NOW)
    else:
        with engine.begin() as connection:
            connection.execute(text("update subscriptions set state = 'paused'"))

    refused(engine, mail, "stopped or paused")


@pytest.mark.parametrize("gone", [False, True])
def test_a_mail_whose_words_were_deleted_is_not_sent_empty(engine, gone):
    """The address of a mail that left late is kept longer than its words."""
    mail, _ = sent(engine, at=NOW + 3 * DAY)
    store.Persons(engine).forget(NOW + 8 * DAY)
    if gone:
        store.System(engine).prune(NOW + 8 * DAY)

    refused(engine, mail, "deleted", NOW + 8 * DAY)


def test_words_of_a_mail_in_doubt_are_kept_until_its_second_try(engine):
    """Its run may be held for longer than words are kept."""
    outbox = store.Outbox(engine)
    run_of(engine, outbox, 1)
    [mail] = outbox.claim_mails(NOW, limit=9, lease=LEASE)
    outbox.mark_handed(mail.id, mail.generation)
    outbox.record_deliveries([end(mail, MailState.AMBIGUOUS)])
    store.Persons(engine).forget(NOW + 8 * DAY)

    assert outbox.editions([mail.edition_id])[mail.edition_id].text == "text"


def test_what_never_left_is_tried_now_and_not_called_sent_again(engine):
    """Two presses on a mail that waits are no two copies; one after it left is."""
    outbox, runs = store.Outbox(engine), store.Runs(engine)
    run_of(engine, outbox, 1)
    [one] = runs.mails()
    for _ in range(2):
        assert runs.resend(one.id, again=False, who="operator", now=NOW).resends == 0
    [mail] = outbox.claim_mails(NOW, limit=9, lease=LEASE)
    outbox.record_deliveries([end(mail, MailState.SENT)])
    for _ in range(2):
        assert runs.resend(one.id, again=True, who="operator", now=NOW).resends == 1


def test_a_mail_of_which_a_copy_may_be_out_counts_as_sent_again(engine):
    """Or a later digest would tell its news once more."""
    outbox, runs = store.Outbox(engine), store.Runs(engine)
    run_of(engine, outbox, 1)
    for state in (MailState.AMBIGUOUS, MailState.DEFERRED):
        [mail] = outbox.claim_mails(NOW, limit=9, lease=LEASE)
        outbox.record_deliveries([end(mail, state, retry_at=NOW)])

    assert runs.resend(mail.id, again=False, who="operator", now=NOW).resends == 1
