"""scipy is the oracle here and nowhere else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from console.analysis.columns.distances import jensen_shannon, kolmogorov_smirnov, psi, total_variation, wasserstein
from console.analysis.columns.nulls import anderson_darling, chi_square, p_sampling
from console.analysis.families import benjamini_hochberg
from console.analysis.series.quantiles import count_below, histogram_quantile
from console.analysis.tails import chi_square_tail, student_quantile, student_tail, weighted_chi_square_tail

counts = st.lists(st.integers(0, 400), min_size=3, max_size=20).filter(lambda one: sum(one) > 0)


@given(st.floats(-30, 30), st.floats(0.5, 1e6))
def test_students_tail_is_scipys(t, freedom):
    assert student_tail(t, freedom) == pytest.approx(stats.t.sf(t, freedom), abs=1e-9, rel=1e-6)


@given(st.floats(0, 500), st.floats(0.5, 300))
def test_chi_squares_tail_is_scipys(x, freedom):
    assert chi_square_tail(x, freedom) == pytest.approx(stats.chi2.sf(x, freedom), abs=1e-10, rel=1e-6)


@given(st.floats(0.0005, 0.49), st.floats(1, 1e4))
def test_students_quantile_is_scipys(p, freedom):
    assert student_quantile(p, freedom) == pytest.approx(stats.t.isf(p, freedom), rel=1e-6)


def test_tails_at_the_ends_of_the_line():
    assert student_tail(np.inf, 3) == 0 and student_tail(-np.inf, 3) == 1
    assert student_quantile(0.025, 1e49) == student_quantile(0.025, np.inf) == pytest.approx(stats.norm.isf(0.025))
    assert student_tail(1.96, np.inf) == pytest.approx(stats.norm.sf(1.96))
    assert chi_square_tail(np.inf, 3) == 0 and chi_square_tail(-1, 3) == 1
    assert weighted_chi_square_tail(3, np.zeros(2)) == 1


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_benjamini_hochberg_is_scipys(p):
    np.testing.assert_allclose(benjamini_hochberg(np.array(p)), stats.false_discovery_control(p), atol=1e-12)


def test_what_was_not_asked_does_not_count_in_the_family():
    adjusted = benjamini_hochberg(np.array([0.01, np.nan, 0.04]))
    assert np.isnan(adjusted[1])
    np.testing.assert_allclose(adjusted[[0, 2]], [0.02, 0.04])
    assert benjamini_hochberg(np.array([])).size == 0


@given(counts, st.integers(0, 2**31))
def test_chi_square_is_scipys_where_every_bin_is_full(one, seed):
    rng = np.random.default_rng(seed)
    a = np.array(one, float) + 60
    b = rng.integers(60, 400, a.size).astype(float)
    expected = stats.chi2_contingency(np.array([a, b]), correction=False)
    found = chi_square(a, b)
    assert found.value == pytest.approx(expected.statistic) and found.freedom == expected.dof
    assert found.p == pytest.approx(expected.pvalue, rel=1e-6, abs=1e-12)


def test_binned_anderson_darling_holds_its_level_and_sees_a_shift():
    rng = np.random.default_rng(0)
    law = np.full(20, 0.05)
    same = [anderson_darling(rng.multinomial(4000, law), rng.multinomial(500, law)) for _ in range(1500)]
    for level in (0.2, 0.05, 0.01):
        assert np.mean(np.array(same) < level) == pytest.approx(level, abs=4 * np.sqrt(level / 1500))
    moved = law * np.linspace(0.8, 1.2, 20)
    assert anderson_darling(4000 * law, 2000 * moved) < 1e-4  # a mean moved by 0.12 sd: z is about 4.3


def test_anderson_darling_with_nothing_to_compare_is_no_news():
    assert anderson_darling(np.zeros(3), np.ones(3)) == 1
    assert anderson_darling(np.array([5.0, 0]), np.array([7.0, 0])) == 1
    assert chi_square(np.zeros(3), np.ones(3)).p == 1


def test_the_sampling_null_is_calibrated_for_ordered_and_unordered_bins():
    rng = np.random.default_rng(1)
    law = rng.dirichlet(np.ones(12))
    for ordered in (True, False):
        ps = [p_sampling(rng.multinomial(5000, law), rng.multinomial(300, law), ordered=ordered) for _ in range(1000)]
        assert np.mean(np.array(ps) < 0.05) < 0.075


@given(counts, st.integers(0, 2**31))
def test_distances_are_zero_for_equal_shares_and_the_same_both_ways(one, seed):
    a = np.array(one, float)
    b = np.random.default_rng(seed).permutation(a)
    for distance in (psi, jensen_shannon, kolmogorov_smirnov, total_variation):
        assert distance(a, a) == pytest.approx(0, abs=1e-9)
        assert distance(a, b) == pytest.approx(distance(b, a), abs=1e-9)
        assert distance(a, b) >= 0


@given(counts, st.integers(0, 2**31))
def test_merging_neighbouring_bins_never_raises_a_distance_and_order_of_merging_is_the_same(one, seed):
    a = np.array(one, float)
    b = np.random.default_rng(seed).permutation(a) + 1
    at = 1 + seed % (a.size - 1)
    merged = [np.concatenate([side[: at - 1], [side[at - 1] + side[at]], side[at + 1 :]]) for side in (a, b)]
    for distance in (jensen_shannon, kolmogorov_smirnov):
        assert distance(*merged) <= distance(a, b) + 1e-9


def test_wasserstein_is_the_distance_mass_was_moved():
    rng = np.random.default_rng(2)
    x, y = rng.uniform(0, 10, 40000), rng.uniform(0, 10, 40000) * 0.8
    edges = np.linspace(0, 10, 51)
    a, b = (np.histogram(one, edges)[0].astype(float) for one in (x, y))
    assert wasserstein(a, b, edges[1:-1], 0, 10) == pytest.approx(stats.wasserstein_distance(x, y), rel=0.03)


@given(st.lists(st.integers(0, 50), min_size=2, max_size=12).filter(lambda one: sum(one[:-1]) > 0), st.floats(0, 1))
def test_quantiles_of_buckets_grow_with_the_share_and_stay_within_the_finite_bounds(one, q):
    values = np.array(one, float)
    edges = np.array([*range(1, len(one)), np.inf])
    low, high = histogram_quantile(values, edges, np.array([q * 0.9, q]))
    assert 0 <= low <= high <= edges[-2]


def test_a_bucket_quantile_is_prometheus_own():
    # histogram_quantile(0.9, …) over le 0.1: 8, 0.2: 10, 0.4: 19, +Inf: 20 (cumulative) gives 0.2 + 0.2 × 8/9
    values, edges = np.array([8.0, 2, 9, 1]), np.array([0.1, 0.2, 0.4, np.inf])
    assert histogram_quantile(values, edges, 0.9) == pytest.approx(0.2 + 0.2 * 8 / 9)
    assert histogram_quantile(values, edges, 0.4) == pytest.approx(0.1)
    assert histogram_quantile(values, edges, 0.2) == pytest.approx(0.05)
    assert histogram_quantile(values, edges, 0.99) == pytest.approx(0.4)  # in +Inf: the last bound that is known
    assert np.isnan(histogram_quantile(np.zeros(4), edges, 0.5))
    assert np.isnan(histogram_quantile(np.array([3.0]), np.array([np.inf]), 0.5))


def test_counting_below_a_quantile_gives_the_share_back():
    values, edges = np.array([[8.0, 2, 9, 1]]), np.array([0.1, 0.2, 0.4, np.inf])
    for q in (0.1, 0.5, 0.9):
        at = float(histogram_quantile(values[0], edges, q))
        assert count_below(values, edges, at)[0] == pytest.approx(20 * q)
