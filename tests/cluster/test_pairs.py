"""The project's own pairs, in halves; groups of them in whatever order they come."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator import cluster
from quxun.bench.floors import floor

sys.path.insert(0, str(Path(__file__).parent))

from cluster_pairs import HALVES, Family, families, judged, made

FAMILIES = families()
CHAINS = [one for one in FAMILIES if len(one.reprints) > 2 and len(one.lookalikes) > 1]


def test_there_are_enough_pairs_and_as_many_that_tempt():
    """Figures of a handful of pairs say nothing."""
    pairs = [pair for one in FAMILIES for pair in one.pairs]

    assert len(pairs) >= floor("clusters.pairs")
    assert 0.4 <= sum(pair.same for pair in pairs) / len(pairs) <= 0.6


@pytest.mark.parametrize("half", HALVES)
def test_pairs_of_our_own_are_told_apart(half: str):
    """Rewrites, reposts and cut titles are one notice; the next batch, month and lot are not."""
    found = judged(
        [pair for one in FAMILIES if one.half == half for pair in one.pairs],
        lambda a, b: cluster.same(a, b)[0],
    )

    sys.stdout.write(f"\npairs, {half} half: {found}\n")
    assert found.precision >= floor(f"clusters.pairs.precision.{half}"), found.lumped
    assert found.recall >= floor(f"clusters.pairs.recall.{half}"), found.missed


@pytest.mark.parametrize("half", HALVES)
def test_groups_of_our_own_hold_what_is_one_and_nothing_else(half: str):
    """A reader sees groups, not pairs: no chain of likenesses may swallow the next batch."""
    true = lumped = missed = 0
    for one in (family for family in FAMILIES if family.half == half):
        drafts = [*one.reprints, *one.lookalikes]
        truth = [0] * len(one.reprints) + list(range(1, len(one.lookalikes) + 1))
        ours = {place: n for n, group in enumerate(cluster.grouped(drafts)) for place in group}
        for i, j in itertools.combinations(range(len(drafts)), 2):
            both, wanted = ours[i] == ours[j], truth[i] == truth[j]
            true += both and wanted
            lumped += both and not wanted
            missed += wanted and not both

    precision, recall = true / max(true + lumped, 1), true / max(true + missed, 1)
    sys.stdout.write(f"\ngroups, {half} half: precision {precision:.3f}, recall {recall:.3f}\n")
    assert precision >= floor(f"clusters.groups.precision.{half}")
    assert recall >= floor(f"clusters.groups.recall.{half}")


def test_what_is_one_shares_a_key():
    """The store finds candidates by keys: what the rule would join must be among them."""
    for pair in (pair for one in FAMILIES for pair in one.pairs):
        if cluster.same(pair.a, pair.b)[0]:
            assert cluster.keys(pair.a) & cluster.keys(pair.b), pair.shape


@given(st.sampled_from(CHAINS), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_groups_do_not_depend_on_the_order_of_arrival(family: Family, random):
    """Which portal was read first is chance and decides nothing."""
    drafts = [*family.reprints, *family.lookalikes]
    order = list(range(len(drafts)))
    random.shuffle(order)

    plain = {frozenset(group) for group in cluster.grouped(drafts)}
    mixed = {
        frozenset(order[place] for place in group)
        for group in cluster.grouped([drafts[place] for place in order])
    }
    assert mixed == plain


@given(st.sampled_from(CHAINS))
@settings(max_examples=20, deadline=None)
def test_no_group_holds_two_that_cannot_be_one(family: Family):
    """A between B and C joins one of them, never both with each other."""
    drafts = [*family.reprints, *family.lookalikes]

    for group in cluster.grouped(drafts):
        for i, j in itertools.combinations(group, 2):
            assert cluster.score(drafts[i], drafts[j]) > cluster.APART


TEXT = "为支持企业扩大投资，现就{batch}设备补助申报事项通知如下，请符合条件的企业于{day}前报送材料，最高补助{cap}万元，逾期不予受理。联系电话见附件，材料一式三份，报区投资促进局企业服务科。"


def _bridge():
    """Two batches, and a row cut so that it may be either."""
    first = made(
        "关于组织申报第一批设备补助的通知",
        TEXT.format(batch="第一批", day="3月31日", cap=100),
        "2025-03-01",
    )
    second = made(
        "关于组织申报第二批设备补助的通知",
        TEXT.format(batch="第二批", day="9月30日", cap=80),
        "2025-03-05",
    )
    row = made("关于组织申报第…", "", "2025-03-02")
    return first, second, row


def test_a_row_that_may_be_either_of_two_makes_them_no_one():
    """Cut before the batch is told, it goes with one of them at most."""
    groups = cluster.grouped(_bridge())

    assert not any({0, 1} <= set(group) for group in groups)


def test_rulings_hold_whatever_the_texts_say():
    """An operator has read both; the rule has not."""
    first, second, row = _bridge()
    copy = made(first.title, first.body_text, "2025-03-04")

    assert cluster.grouped([first, second, row], ruled={(0, 1): True})[0][:2] == [0, 1]
    assert cluster.grouped([first, copy]) == [[0, 1]]
    assert cluster.grouped([first, copy], ruled={(0, 1): False}) == [[0], [1]]


def test_a_reprint_of_one_that_was_merged_by_ruling_is_not_kept_out_by_the_other():
    """Later copies of either follow the ruling."""
    first, second, _ = _bridge()
    copy = made(second.title, second.body_text, "2025-03-08")

    assert cluster.grouped([first, second, copy], ruled={(0, 1): True}) == [[0, 1, 2]]
