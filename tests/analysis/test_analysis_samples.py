"""Plain samples, and samples with a time, as `andon compare` judges them."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.analysis.compare import compare
from console.analysis.samples import Samples, measured, quantile, usual_stats
from console.analysis.series.shape import BINS, shape
from console.analysis.series.timed import framed
from console.analysis.series.verdicts import Limits, judged
from console.model import Direction, Kind, Verdict

UP = Limits(0.2, Direction.UP)


def samples(values, metric="latency"):
    return Samples.of(metric, np.asarray(values, float))


def timed(values, times, metric="latency"):
    values, times = np.asarray(values, float), np.asarray(times, float)
    return Samples(metric, values=values, counts=np.ones(values.size), times=times, rows=values.size)


def verdict(current, baseline, stat, limits=UP, **more):
    return judged([measured(current, baseline, stat, limits, **more)])[0]


@pytest.fixture
def rng():
    return np.random.default_rng(5)


# ── plain samples ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("stat", ["p50", "p90", "p95", "p99", "mean"])
def test_twice_as_slow_is_degraded_and_the_same_again_is_ok(rng, stat):
    fast, slow = (samples(rng.lognormal(centre, 0.5, 800)) for centre in (0, math.log(2)))
    assert verdict(slow, fast, stat).verdict is Verdict.DEGRADED
    assert verdict(fast, slow, stat).verdict is Verdict.IMPROVED
    assert verdict(samples(rng.lognormal(0, 0.5, 800)), fast, stat).verdict is Verdict.OK


def test_sixteen_values_are_enough_to_see_twice_as_slow(rng):
    fast, slow = samples(rng.lognormal(0, 0.3, 16)), samples(rng.lognormal(math.log(2), 0.3, 16))
    assert [verdict(slow, fast, stat).verdict for stat in ("p50", "p95")] == [Verdict.DEGRADED] * 2


def test_quantiles_are_numpys_and_counts_stand_for_values(rng):
    values = rng.integers(0, 30, 500).astype(float)
    distinct, counts = np.unique(values, return_counts=True)
    counted = Samples("x", values=distinct, counts=counts.astype(float), rows=500)
    shares = np.array([0.0, 0.5, 0.95, 1.0])
    assert quantile(samples(values), shares) == pytest.approx(np.quantile(values, shares))
    assert quantile(counted, shares) == pytest.approx(np.quantile(values, shares))
    for stat in ("p95", "mean"):
        one, other = (verdict(each, each, stat) for each in (samples(values + 1), Samples(
            "x", values=distinct + 1, counts=counts.astype(float), rows=500)))  # fmt: skip
        assert one.interval == pytest.approx(other.interval)


def test_the_interval_of_a_quantile_holds_the_truth_as_often_as_it_says(rng):
    for size in (20, 200):
        held = []
        for _ in range(300):
            found = verdict(samples(rng.gamma(3, 1, size)), samples(rng.gamma(3, 1, size)), "p50")
            held.append(found.interval[0] <= 1 <= found.interval[1])
        assert np.mean(held) >= 0.92


def test_what_is_missing_is_said(rng):
    full, none = samples(rng.normal(10, 1, 50)), samples(np.full(50, np.nan))
    half = samples(np.where(np.arange(50) < 40, np.nan, 10.0))
    assert verdict(None, full, "p50").reason.startswith("vanished")
    assert verdict(none, full, "p50").verdict is Verdict.DEGRADED
    assert verdict(full, none, "p50").reason.startswith("appeared")
    assert verdict(none, none, "p50").verdict is Verdict.NO_DATA
    assert verdict(half, full, "p50").reason.startswith("partial: 20%")
    assert verdict(samples([1.0] * 9), full, "p50").reason.startswith("too few: 9")
    with pytest.raises(ValueError, match="neither"):
        measured(None, None, "p50", UP)
    with pytest.raises(ValueError, match="no sum"):
        measured(full, full, "sum", UP)


def test_a_share_is_its_mean_and_a_tail_is_asked_for_where_there_is_one(rng):
    assert usual_stats(samples(rng.integers(0, 2, 90)), samples(rng.integers(0, 2, 90))) == ("mean",)
    sizes = {12: ("p50", "p90"), 10: ("p50",), 100: ("p50", "p95"), 1000: ("p50", "p95", "p99")}
    for size, stats in sizes.items():
        assert usual_stats(samples(rng.normal(9, 1, size)), samples(rng.normal(9, 1, 5000))) == stats


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=40),
       st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=40))  # fmt: skip
def test_whatever_the_rows_hold_there_is_a_verdict_and_a_picture(mine, its):
    one, other = samples(mine), samples(its)
    with np.errstate(over="ignore", invalid="ignore"):
        for stat in ("p50", "p95"):
            found = verdict(one, other, stat, Limits(0.2, Direction.EITHER), min_samples=1)
            assert found.reason
            assert found.ratio is None or math.isfinite(found.ratio)
        drawn = shape(one, other)
    assert drawn is None or len(drawn.baseline) == len(drawn.current) == BINS


# ── samples with a time ──────────────────────────────────────────────────────────────────────────────────────────────


def test_regular_samples_are_a_gauge_and_requests_are_counted(rng):
    regular = timed(rng.normal(5, 1, 60), 1e6 + 15 * np.arange(60))
    current, _baseline = framed([regular], [timed(rng.normal(5, 1, 60), 15 * np.arange(60))])
    assert current.series[0].key.kind is Kind.GAUGE
    assert current.step == 15
    assert current.series[0].values == pytest.approx(regular.values)
    requests = timed(rng.lognormal(0, 0.5, 500), np.sort(rng.uniform(0, 900, 500)))
    frames = framed([requests], [requests])
    series = frames[0].series[0]
    assert series.key.kind is Kind.HISTOGRAM
    assert series.values.sum() == 500
    (found,) = compare(*frames, stat="p95", tolerance=0.2, bad=Direction.UP)
    assert found.current.value == pytest.approx(np.quantile(requests.values, 0.95), rel=0.02)
    assert found.current.n == 500


def test_values_that_lie_far_apart_keep_their_quantile(rng):
    grades = timed(rng.choice([1.0, 2.0, 30.0], 300, p=[0.1, 0.7, 0.2]), np.sort(rng.uniform(0, 900, 300)))
    frame, _other = framed([grades], [grades])
    (found,) = compare(frame, frame, stat="p50", tolerance=0.2, bad=Direction.UP)
    assert found.current.value == pytest.approx(2)


def test_since_when_is_told_where_rows_have_times(rng):
    times = np.sort(rng.uniform(0, 900, 1500))
    late = rng.lognormal(0, 0.3, 1500) * np.where(times > 600, 3, 1)
    frames = framed([timed(late, times + 1e6)], [timed(rng.lognormal(0, 0.3, 1500), times)])
    (found,) = compare(*frames, stat="p95", tolerance=0.2, bad=Direction.UP)
    assert found.verdict is Verdict.DEGRADED
    assert found.onset == pytest.approx(1e6 + 600, abs=45)


def test_a_single_moment_is_a_frame_too():
    one = timed([1.0], [5.0])
    current, baseline = framed([one], [one])
    (found,) = compare(current, baseline, stat="p50", tolerance=0.2, bad=Direction.UP)
    assert found.verdict is Verdict.NO_DATA
