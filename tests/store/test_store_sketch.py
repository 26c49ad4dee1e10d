from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from console.store.sketch import MOST_VALUES, merge, pack_counts, pack_values, unpack, unpack_counts

counts = st.lists(st.integers(0, 2**40), min_size=1, max_size=20)
values = st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=60)


@given(counts)
def test_counts_come_back_exactly(row: list[int]) -> None:
    assert unpack(pack_counts(row)).tolist() == row


def test_small_counts_take_a_byte_each() -> None:
    assert len(pack_counts([0, 255])) == 3
    assert len(pack_counts([0, 256])) == 5
    assert len(pack_counts([0, 2**16])) == 9
    assert len(pack_counts([0, 2**32])) == 17
    assert len(pack_counts([0, 0.5])) == 17


@given(st.lists(st.lists(st.integers(0, 2**34), min_size=5, max_size=5), min_size=1, max_size=30))
def test_many_sketches_read_at_once_are_each_read_alone(rows: list[list[int]]) -> None:
    assert unpack_counts([pack_counts(row) for row in rows], 5).tolist() == rows


@given(counts)
def test_merging_counts_adds_them(row: list[int]) -> None:
    merged = merge(pack_counts(row), 1, pack_counts(row), 1)
    assert merged is not None
    assert unpack(merged).tolist() == [2 * count for count in row]


@given(values)
def test_a_gauges_values_are_kept_sorted_and_few(row: list[float]) -> None:
    kept = unpack(pack_values(row))
    assert len(kept) == min(len(row), MOST_VALUES)
    assert kept.tolist() == sorted(kept)
    assert set(kept) <= set(row)


def test_a_thinned_sketch_keeps_the_quantiles() -> None:
    assert np.median(unpack(pack_values(range(1000)))) == 499.5


def test_merging_weighs_each_sketch_by_the_readings_it_stands_for() -> None:
    merged = merge(pack_values([0.0] * 16), 90, pack_values([1.0] * 10), 10)
    assert merged is not None
    assert unpack(merged).mean() == 2 / 16  # a tenth of the readings, to the nearest sixteenth


def test_a_counters_minute_has_no_sketch() -> None:
    assert merge(None, 1, None, 1) is None
