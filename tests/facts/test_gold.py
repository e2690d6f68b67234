"""Facts against the gold set of passages: floors for both halves, and far above a plain regex."""

from __future__ import annotations

import gold_passages as gold
import pytest

from quxun.bench.floors import floor

NAMES = (
    "doc_numbers", "registry_numbers", "amounts", "deadlines", "validity", "areas", "stages",
    "contacts", "tempters",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("half", ["tuned", "other"])
def test_facts_hold_their_floors_on_both_halves(half: str, name: str) -> None:
    """A deadline or a sum that is wrong costs a reader money; what tempts must stay clean."""
    score = gold.score(gold.ours, half)
    plain = gold.score(gold.plain, half).figures()[name]
    figure = score.figures()[name]

    print(f"facts.{name}.{half} {figure:.3f}, a plain regex {plain:.3f}")  # noqa: T201  # with -s
    # What is wrong in the other half stays unseen, so that nobody tunes on it.
    assert figure >= floor(f"facts.{name}.{half}"), score.wrong if half == "tuned" else ""
    assert figure >= plain + 0.1


def test_the_gold_set_tempts_as_it_holds() -> None:
    """A set without tempters would praise a reader that sees facts everywhere."""
    passages = gold.passages()
    tempters = [one for one in passages if one.tempts]

    assert len(passages) >= floor("facts.passages")
    assert len(tempters) >= len(passages) * 0.4
    assert len({one.id for one in passages}) == len(passages)
    for half in gold.HALVES:
        assert sum(one.half == half for one in passages) >= len(passages) * 0.45
