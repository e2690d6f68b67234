"""How far ahead mails are handed over follows the relay."""

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
