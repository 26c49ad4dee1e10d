"""Who is unlike their siblings: the odd one alone, whoever the others are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from console.analysis.siblings import apart
from console.model import Direction

ONE = np.zeros(8, dtype=int)


def flagged(values: list[float], bad: Direction = Direction.EITHER, **rule: float) -> list[int]:
    far, _usual = apart(np.array(values), np.zeros(len(values), dtype=int), bad, **rule)
    return np.flatnonzero(far).tolist()


def test_the_odd_one_is_found_and_by_how_much() -> None:
    far, usual = apart(np.array([1980.0] * 7 + [1200.0]), ONE, Direction.DOWN, share=0.3, floor=30)
    assert np.flatnonzero(far).tolist() == [7]
    assert (far[7], usual[7]) == (-780.0, 1980.0)


def test_only_the_bad_direction_counts() -> None:
    assert flagged([60.0] * 7 + [40.0], Direction.UP, least=15, floor=2) == []
    assert flagged([60.0] * 7 + [80.0], Direction.UP, least=15, floor=2) == [7]
    assert flagged([60.0] * 7 + [80.0], Direction.DOWN, least=15, floor=2) == []


def test_siblings_that_differ_among_themselves_have_no_odd_one() -> None:
    assert flagged([40.0, 55, 62, 70, 48, 81, 66, 90], Direction.UP, least=15, floor=2) == []


def test_siblings_that_agree_to_the_last_digit_do_not_make_a_degree_an_outlier() -> None:
    assert flagged([60.0] * 7 + [61.0], Direction.UP, floor=2) == []


@pytest.mark.parametrize("siblings", [0, 1, 2, 3])
def test_fewer_than_four_siblings_say_nothing(siblings: int) -> None:
    assert flagged([1980.0] * siblings + [100.0], share=0.3) == []
    assert flagged([1980.0] * 4 + [100.0], share=0.3) == [4]


def test_each_is_compared_with_its_own_group_and_whoever_belongs_to_none_with_nobody() -> None:
    values = np.array([1980.0] * 5 + [1000.0] * 5 + [1980.0, np.nan])
    groups = np.array([0] * 5 + [1] * 5 + [1, 1])
    far, usual = apart(values, groups, Direction.EITHER, share=0.3)
    assert np.flatnonzero(far).tolist() == [10]
    assert usual[10] == 1000.0
    assert np.isnan(usual[11])
    assert not apart(values, np.full(12, -1), Direction.EITHER, share=0.3)[0].any()
    assert not apart(np.empty(0), np.empty(0, dtype=int), Direction.EITHER)[0].any()


@given(some.lists(some.floats(0, 100), min_size=5, max_size=30), some.randoms())
def test_who_is_odd_does_not_depend_on_the_order(values: list[float], chance: object) -> None:
    order = list(range(len(values)))
    chance.shuffle(order)  # type: ignore[attr-defined]
    groups = np.arange(len(values)) % 3
    far, _usual = apart(np.array(values), groups, Direction.EITHER, least=5, floor=1)
    mixed, _usual = apart(np.array(values)[order], groups[order], Direction.EITHER, least=5, floor=1)
    assert np.array_equal(far[order], mixed)
