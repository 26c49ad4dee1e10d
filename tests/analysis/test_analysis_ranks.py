"""The factor between two sides by their ranks: scipy and brute force are the oracles."""

import math

import numpy as np
import pytest
from scipy import stats

from console.analysis.series.ranks import REACH, rank_shift


def side(values):
    ordered = np.sort(np.asarray(values, float))
    return ordered, np.ones(ordered.size)


@pytest.fixture
def rng():
    return np.random.default_rng(8)


def test_it_is_the_median_of_all_ratios_with_the_error_of_mann_whitney(rng):
    a, b = rng.lognormal(0, 0.5, 60), rng.lognormal(0.4, 0.5, 45)
    found = rank_shift(side(b), side(a))
    assert found.shift == pytest.approx(float(np.median(np.log(b[:, None] / a[None, :]))), abs=2e-3)
    edges = [found.shift - REACH * found.error, found.shift + REACH * found.error]
    tests = [stats.mannwhitneyu(b / math.exp(edge), a, method="asymptotic", use_continuity=False) for edge in edges]
    assert np.mean([stats.norm.isf(test.pvalue / 2) for test in tests]) == pytest.approx(REACH, abs=0.1)


def test_swapped_it_turns_over_and_scaled_it_moves_by_the_scale(rng):
    a, b = rng.gamma(2, 1, 80), rng.gamma(2, 2, 80)
    there, back = rank_shift(side(b), side(a)), rank_shift(side(a), side(b))
    assert there.shift == pytest.approx(-back.shift, abs=1e-6)
    assert rank_shift(side(3 * b), side(a)).shift == pytest.approx(there.shift + math.log(3), abs=1e-6)
    assert rank_shift(side(3 * b), side(a)).error == pytest.approx(there.error, rel=1e-3)


def test_zeros_stay_zeros_and_where_nearly_all_is_zero_ranks_do_not_tell(rng):
    values = rng.lognormal(0, 0.3, 100)
    some, most = np.where(rng.random(100) < 0.3, 0.0, values), np.where(np.arange(100) < 99, 0.0, values)
    assert rank_shift(side(2 * some), side(some)).shift == pytest.approx(math.log(2), abs=0.02)
    assert rank_shift(side(most), side(most)) is None
    assert rank_shift(side(np.zeros(5)), side(np.zeros(5))) is None


def test_counts_stand_for_values_and_many_values_are_thinned(rng):
    values = rng.integers(1, 40, 3000).astype(float)
    distinct, counts = np.unique(values, return_counts=True)
    one, other = (
        rank_shift(side(2 * values), side(values)),
        rank_shift((2 * distinct, counts * 1.0), (distinct, counts * 1.0)),
    )
    assert one.shift == pytest.approx(other.shift, abs=1e-6)
    assert one.error == pytest.approx(other.error, rel=1e-6)
    many = rng.lognormal(0, 1, 100_000)
    assert rank_shift(side(1.5 * many), side(many)).shift == pytest.approx(math.log(1.5), abs=1e-3)
