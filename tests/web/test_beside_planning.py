"""What readers do while a planner has them in a batch."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait

from web_letters import ADDRESS, links, manage_path

from aggregator.model import Filter, Frequency
from aggregator.notify.tokens import Purpose

#: Longer than anybody else waits for a row (RELIABILITY.md, settings of PostgreSQL).
LONG = 5.5


def test_no_deed_of_a_reader_is_lost_beside_planning(web):
    """Who stops with one click is gone after it: a mailbox shows them no answer, and asks once."""
    people = [
        web.parts.subscribers.sign_up(
            f"reader{number}@example.org", [Filter()], Frequency.DAILY, web.time[0], confirmed=True
        )
        for number in range(6)
    ]
    stops, pauses, switches, erased, choosing, moving = people
    web.post(manage_path(web, moving), {"act": "move", "email": "elsewhere@example.org"})
    [address] = links(web, "address")
    web.post("/subscribe", {"email": ADDRESS})
    [confirm] = links(web, "confirm")
    asks = web.parts.subscribers.get(ADDRESS)

    def on(who, act: str, **more: str):
        form = {"act": act, "id": str(who.subscriptions[0].id), **more}
        return manage_path(web, who), form

    deeds = [
        (manage_path(web, stops, Purpose.STOP), {"List-Unsubscribe": "One-Click"}),
        on(pauses, "pause"),
        on(switches, "frequency", frequency="weekly"),
        (manage_path(web, erased), {"act": "erase", "sure": "yes"}),
        on(choosing, "when", hour="7"),
        (address, {"move": "yes"}),
        (confirm, {"confirm": "yes"}),
    ]
    run = web.parts.digests.open_run(Frequency.DAILY, web.time[0])
    ids = [one.id for one in (*people, asks)]
    with ThreadPoolExecutor(len(deeds)) as pool:
        with web.parts.digests.planning(run, ids, web.time[0]):
            pressed = [pool.submit(web.post, *deed) for deed in deeds]
            wait(pressed, LONG)
        answers = [one.result().status for one in pressed]

    assert set(answers) == {200}, answers
    assert web.parts.subscribers.get(stops.id).subscriptions[0].state == "ended"
    assert web.parts.subscribers.get(pauses.id).subscriptions[0].state == "paused"
    assert web.parts.subscribers.get(switches.id).subscriptions[0].frequency == "weekly"
    assert web.parts.subscribers.get(moving.id).email == "elsewhere@example.org"
    assert web.parts.subscribers.get(ADDRESS).subscriptions[0].state == "active"
