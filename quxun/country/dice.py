"""Chance that is the same every time: seeded dice and shuffles without memory."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


def dice(*key: object) -> Random:
    """Dice that depend on nothing but the key, in any process on any machine."""
    return Random(":".join(map(str, key)))


def shuffled_index(position: int, space: int, turn: int) -> int:
    """The place of ``position`` in a fixed shuffle of ``range(space)``.

    A bijection for any ``turn``, so two positions below ``space`` never meet. 104,729 and
    1,299,709 are primes; the spaces used here are products of numbers below 500.
    """
    return (position * 104_729 + turn * 1_299_709) % space


def picks(places: int, sizes: Sequence[int]) -> tuple[int, ...]:
    """Take a number apart in mixed radix: one index for every size, the first turning fastest."""
    out = []
    for size in sizes:
        places, index = divmod(places, size)
        out.append(index)
    return tuple(out)


def maybe(rng: Random, share: float) -> bool:
    """True in that share of cases."""
    return rng.random() < share


def weighted(rng: Random, choices: Sequence[tuple[T, int]]) -> T:
    """One of the choices, each as likely as its weight says."""
    left = rng.randrange(sum(weight for _, weight in choices))
    for choice, weight in choices:
        left -= weight
        if left < 0:
            return choice
    return choices[-1][0]
