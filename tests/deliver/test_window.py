"""How far ahead mails are handed over follows the relay."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from desks import SENDER, Desk, row

from aggregator.deliver import SmtpMailer
from aggregator.deliver.answers import Answer, Stage
from aggregator.deliver.round import Round
from aggregator.deliver.window import LEAST, MOST, SECONDS, Window


def test_a_fast_relay_gets_more_ahead_and_a_slow_one_little_again():
    at = [0.0]
    window = Window(lambda: at[0])

    sizes = []
    for answers in (10, 1_000, 100, 0, 5):
        at[0] += SECONDS
        window.count(answers)
        sizes.append(window.size)

    assert sizes == [LEAST, MOST, 100, LEAST, LEAST]


def test_a_burst_within_a_moment_says_nothing_of_the_speed():
    at = [0.0]
    window = Window(lambda: at[0])

    at[0] += SECONDS / 10
    window.count(60)
    assert window.size == LEAST

    at[0] += SECONDS
    window.count(60)
    assert window.size == int(120 / 1.1)


def test_what_one_commit_records_it_makes_room_for():
    """Else carriers wait for the disk after every commit, and never does one take more in doubt
    than a window.
    """
    mails = [row(number) for number in range(1, 4 * LEAST)]
    desk = Desk()

    async def rounds(thread):
        work = Round(SmtpMailer("smtp://127.0.0.1:9", mail_from=SENDER), desk, thread)
        for mail in mails:
            work._lanes[mail.lane].append(mail)
        await work._turn()
        open_ = [len(desk.handed)]
        for answers in (40, LEAST, 1):
            for _ in range(answers):
                work.finish(work.next(), Answer(Stage.DOT, 250, "2.0.0 Ok"))
            await work._turn()
            open_.append(len(desk.handed) - len(desk.told))
        return open_

    with ThreadPoolExecutor(1) as thread:
        assert asyncio.run(rounds(thread)) == [LEAST] * 4
