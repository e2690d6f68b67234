"""What operators did is written down with what they did, or not at all."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine

from aggregator import store
from aggregator.channels import ChannelState
from aggregator.errors import NotFoundError
from aggregator.model import Filter, Frequency
from aggregator.store.audit import Deed

NOW = datetime(2026, 3, 2, 0, 30, tzinfo=UTC)
EMAIL = "reader@mail.example"


def deed(what: str) -> Deed:
    return Deed(who="command", what=what, about="subscriber 1", at=NOW)


def told(engine: Engine) -> list[str]:
    return [one.what for one in store.Audit(engine).last_deeds()]


def test_a_deed_stands_or_falls_with_what_was_done(engine: Engine):
    """Whoever looks in the audit for who erased a reader must find it, and nothing that was not."""
    people, audit = store.Subscribers(engine), store.Audit(engine)
    one = people.sign_up(EMAIL, [Filter()], Frequency.DAILY, NOW, confirmed=True)

    with suppress(ZeroDivisionError), audit.along(deed("undone")), engine.begin() as it:
        store.audit.note(it, who="x", what="inner", about="", now=NOW)
        raise ZeroDivisionError
    assert told(engine) == []
    with audit.along(deed("erase")):
        people.get(EMAIL)
        people.erase(one.id)
        people.sign_up(EMAIL, [Filter()], Frequency.DAILY, NOW)
    people.sign_up("later@mail.example", [Filter()], Frequency.DAILY, NOW)
    assert told(engine) == ["erase"]


def test_what_changed_nothing_is_no_deed(engine: Engine):
    """An audit that tells of what did not happen is not read twice."""
    suppressions, audit = store.Suppressions(engine), store.Audit(engine)
    with pytest.raises(NotFoundError), audit.along(deed("lift")):
        suppressions.remove(EMAIL, NOW, by="x")
    with audit.along(deed("paused")):
        store.Channels(engine).set_state(99, ChannelState.PAUSED, NOW)
    with audit.along(deed("dropped")):
        store.Hub(engine).drop(99, "x", NOW)
    with audit.along(deed("suppress")):
        assert suppressions.add(EMAIL, "operator", NOW)
    assert told(engine) == ["suppress"]
