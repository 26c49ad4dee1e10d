import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from console.analysis.compare import compare
from console.analysis.frames import concatenate
from console.analysis.series.contrast import contrast
from console.analysis.series.estimate import Estimate
from console.model import Direction, Frame, Kind, Labels, Series, SeriesKey, Verdict

NAN = float("nan")
STEP = 15.0
EDGES = (*np.round(np.geomspace(0.01, 10, 25), 4).tolist(), math.inf)
UP, DOWN, EITHER = Direction.UP, Direction.DOWN, Direction.EITHER


def series(kind, values, sums=None, edges=(), **labels):
    return Series(SeriesKey("s", Labels.of(labels), kind, edges), np.asarray(values, float), sums)


def gauge(values, **labels):
    return series(Kind.GAUGE, values, **labels)


def counter(values, **labels):
    return series(Kind.COUNTER, values, **labels)


def requests(rng, median, per_step=30, steps=60, **labels):
    """A latency histogram of lognormal requests around `median`, a scalar or one per step."""
    seconds = np.broadcast_to(median, (steps,))[:, None] * rng.lognormal(0, 0.5, (steps, per_step))
    values = np.array([np.bincount(np.searchsorted(EDGES, row), minlength=len(EDGES)) for row in seconds])
    return series(Kind.HISTOGRAM, values, seconds.sum(axis=1), EDGES, **labels)


def frame(*held, start=0.0):
    steps = held[0].values.shape[0] if held else 60
    return Frame(start + STEP * np.arange(1, steps + 1), STEP, held)


def one(current, baseline, stat="mean", tolerance=0.2, bad=UP, **more):
    (found,) = compare(frame(current, start=1e6), frame(baseline), stat=stat, tolerance=tolerance, bad=bad, **more)
    return found


@pytest.fixture
def rng():
    return np.random.default_rng(11)


# ── verdicts ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("stat", ["p50", "p90", "p95", "p99", "mean", "max"])
def test_twice_as_slow_is_degraded_whatever_the_statistic(rng, stat):
    found = one(requests(rng, 0.4), requests(rng, 0.2), stat)
    if stat != "max":  # the maximum of two windows hardly ever proves anything
        assert found.verdict is Verdict.DEGRADED
        assert found.p <= 0.025
        assert found.interval[0] > 1.2
    assert found.interval[0] <= found.ratio <= found.interval[1]
    assert found.ratio == pytest.approx(2, rel=0.3)
    assert found.current.n == found.baseline.n == 1800


@pytest.mark.parametrize("stat", ["p50", "p95", "mean", "max"])
def test_a_gauge_that_doubled_is_degraded(rng, stat):
    found = one(gauge(rng.normal(20, 1, 60)), gauge(rng.normal(10, 1, 60)), stat)
    assert found.verdict is Verdict.DEGRADED
    assert found.current.n == 60


def test_the_same_again_is_ok(rng):
    for stat in ("p50", "p95", "mean", "rate"):
        found = one(requests(rng, 0.2), requests(rng, 0.2), stat)
        assert found.verdict is Verdict.OK
        assert found.onset is None


def test_a_little_beyond_without_proof_is_inconclusive(rng):
    found = one(gauge(rng.lognormal(0.4, 1, 12)), gauge(rng.lognormal(0, 1, 12)), "p50")
    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.interval[0] < 1.2 < found.ratio


def test_better_is_improved_and_swapping_the_sides_says_so(rng):
    slow, fast = requests(rng, 0.4), requests(rng, 0.2)
    assert one(slow, fast, "p95").verdict is Verdict.DEGRADED
    assert one(fast, slow, "p95").verdict is Verdict.IMPROVED
    assert one(fast, slow, "p95", bad=DOWN).verdict is Verdict.DEGRADED


def test_where_either_way_is_bad_both_are_degraded(rng):
    slow, fast = requests(rng, 0.4), requests(rng, 0.2)
    for current, baseline in ((slow, fast), (fast, slow)):
        assert one(current, baseline, "p50", bad=EITHER).verdict is Verdict.DEGRADED
    assert one(fast, fast, "p50", bad=EITHER).verdict is Verdict.OK


def test_rates_sums_and_ratios_of_counters(rng):
    calm, burst = counter(rng.poisson(2, 60)), counter(rng.poisson(6, 60))
    assert one(burst, calm, "rate").verdict is Verdict.DEGRADED
    assert one(burst, calm, "rate").current.value == pytest.approx(6 / STEP, rel=0.2)
    assert one(burst, calm, "sum").current.value == pytest.approx(burst.values.sum())
    of = frame(counter(np.full(60, 100.0)))
    found = one(burst, calm, "ratio", of=(of, of))
    assert found.verdict is Verdict.DEGRADED
    assert found.current.value == pytest.approx(0.06, rel=0.2)
    assert found.current.n == 6000


def test_a_share_that_is_nearly_whole_is_as_sure_as_a_binomial_count():
    rng = np.random.default_rng(3)
    wrong, widths = 0, []
    for _ in range(200):
        answered = np.full(60, 15.0)
        sides = [counter(rng.binomial(15, 0.95, 60)) for _ in range(2)]
        of = (frame(counter(answered), start=1e6), frame(counter(answered)))
        found = one(*sides, "ratio", tolerance=0.05, bad=DOWN, of=of)
        wrong += found.verdict is Verdict.DEGRADED
        widths.append(found.interval[1] - found.interval[0])
    binomial = 2 * 1.96 * math.sqrt(2 * 0.05 / 0.95 / 900)
    assert wrong <= 4
    assert 0.9 * binomial < np.median(widths) < 1.8 * binomial  # Poisson counts would make it 4.5 times as wide


def test_a_sum_is_that_of_windows_equally_long(rng):
    found = one(counter(np.full(20, 5.0)), counter(np.full(80, 5.0)), "sum")
    assert found.ratio == pytest.approx(1)
    assert found.verdict is Verdict.OK


def test_a_ratio_finds_the_denominator_its_labels_are_part_of(rng):
    errors = [counter(rng.poisson(k, 60), model=m, code="500") for m, k in (("a", 1), ("b", 9))]
    whole = frame(counter(np.full(60, 100.0), model="a"), counter(np.full(60, 100.0), model="b"))
    calm = [counter(rng.poisson(1, 60), model=m, code="500") for m in ("a", "b")]
    found = compare(frame(*errors), frame(*calm), stat="ratio", tolerance=0.5, bad=UP, of=(whole, whole))
    assert [(each.labels.value("model"), each.verdict) for each in found] == [
        ("a", Verdict.OK),
        ("b", Verdict.DEGRADED),
    ]


def test_a_tail_of_few_values_is_judged_by_where_all_of_them_went(rng):
    slow, fast = gauge(rng.lognormal(0.7, 0.3, 16)), gauge(rng.lognormal(0, 0.3, 16))
    found = one(slow, fast, "p95")
    assert found.verdict is Verdict.DEGRADED
    assert found.interval[0] <= found.ratio <= found.interval[1]


def test_a_tail_that_moved_alone_does_not_lean_on_a_centre_that_did_not(rng):
    calm = rng.lognormal(0, 0.1, 400)
    tail = np.where(rng.random(400) < 0.15, 5 * calm, calm)
    assert one(gauge(tail), gauge(calm[::-1]), "p95").verdict is Verdict.DEGRADED
    assert one(gauge(tail), gauge(calm[::-1]), "p50").verdict is Verdict.OK


# ── no data is not good news ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_vanished_series_is_a_finding_not_silence(rng):
    both = [gauge(rng.normal(10, 1, 60), r=r) for r in "ab"]
    found = compare(frame(both[0]), frame(*both), stat="p50", tolerance=0.2, bad=UP)
    assert [(each.verdict, each.reason.split(":")[0]) for each in found][1] == (Verdict.DEGRADED, "vanished")
    assert found[1].current.value is None
    assert found[1].baseline.value == pytest.approx(10, abs=0.5)


def test_a_series_of_blanks_has_vanished_too(rng):
    assert one(gauge([NAN] * 60), gauge(rng.normal(10, 1, 60))).reason.startswith("vanished")


def test_an_appeared_series_is_said_and_not_called_bad(rng):
    both = [gauge(rng.normal(10, 1, 60), r=r) for r in "ab"]
    found = compare(frame(*both), frame(both[0]), stat="p50", tolerance=0.2, bad=UP)
    assert found[1].verdict is Verdict.INCONCLUSIVE
    assert found[1].reason.startswith("appeared")


def test_without_any_baseline_nothing_has_appeared(rng):
    (found,) = compare(frame(gauge(rng.normal(10, 1, 60))), frame(), stat="p50", tolerance=0.2, bad=UP)
    assert found.verdict is Verdict.NO_DATA
    assert found.reason.startswith("absent")
    assert compare(frame(), frame(), stat="p50", tolerance=0.2, bad=UP) == ()


def test_too_few_observations_for_the_tail_but_enough_for_the_median(rng):
    few, many = requests(rng, 0.2, per_step=2), requests(rng, 0.2)
    assert one(few, many, "p50").verdict is Verdict.OK
    assert one(few, many, "p99").reason.startswith("too few: 120 in the current window")
    assert one(many, few, "p99").reason.startswith("too few: 120 in the baseline window")
    assert one(few, many, "p99", min_samples=100).verdict is not Verdict.NO_DATA
    assert one(gauge([1, 2, 3]), gauge(rng.normal(2, 1, 60)), min_samples=1).reason.startswith("too few: 3 steps")


def test_a_series_that_stopped_is_stale_and_a_full_one_is_not(rng):
    stopped = rng.normal(10, 1, 60)
    stopped[40:] = NAN
    now = 1e6 + 60 * STEP
    assert one(gauge(stopped), gauge(rng.normal(10, 1, 60)), now=now).reason.startswith("stale")
    assert one(gauge(rng.normal(10, 1, 60)), gauge(rng.normal(10, 1, 60)), now=now).verdict is Verdict.OK


def test_a_window_half_empty_where_the_baseline_is_full_is_partial(rng):
    sparse = rng.normal(10, 1, 60)
    sparse[np.arange(60) % 5 != 4] = NAN
    assert one(gauge(sparse), gauge(rng.normal(10, 1, 60))).reason.startswith("partial: 20%")
    assert one(gauge(sparse), gauge(sparse), min_samples=4).verdict is Verdict.OK


def test_blanks_are_never_zeros(rng):
    values = rng.normal(10, 0.1, 60)
    holes = np.where(np.arange(60) % 3 == 0, NAN, values)
    found = one(gauge(holes), gauge(values), bad=DOWN)
    assert found.verdict is Verdict.OK
    assert found.current.value == pytest.approx(10, abs=0.1)
    rate = one(counter(holes), counter(values), "rate", bad=DOWN)
    assert rate.current.value == pytest.approx(10 / STEP, rel=0.02)


def test_a_ratio_of_nothing_is_absent(rng):
    errors, none = counter(rng.poisson(2, 60)), frame()
    assert one(errors, errors, "ratio", of=(none, none)).reason.startswith("absent")
    empty = frame(counter(np.zeros(60)))
    assert one(errors, errors, "ratio", of=(empty, empty)).verdict is Verdict.NO_DATA


@pytest.mark.parametrize(("stat", "held"), [("rate", gauge([1.0] * 60)), ("sum", gauge([1.0] * 60))])
def test_a_statistic_without_meaning_is_refused(stat, held):
    with pytest.raises(ValueError, match="gauge"):
        one(held, held, stat)


def test_a_mean_without_sums_and_a_ratio_of_nothing_named_are_refused(rng):
    held = series(Kind.HISTOGRAM, requests(rng, 0.2).values, None, EDGES)
    with pytest.raises(ValueError, match="sum"):
        one(held, held, "mean")


# ── near zero, flat, wandering ───────────────────────────────────────────────────────────────────────────────────────


def test_near_zero_differences_are_compared_and_the_units_floor_holds():
    idle = gauge(np.zeros(60))
    small, large = gauge(np.full(60, 0.4)), gauge(np.full(60, 30.0))
    assert one(small, idle, floor=0.5).verdict is Verdict.OK
    found = one(large, idle, floor=0.5)
    assert found.verdict is Verdict.DEGRADED
    assert found.ratio is None
    assert found.difference == pytest.approx(30)
    assert found.interval[0] < 30 < found.interval[1]


def test_a_rate_that_fell_to_nothing_keeps_its_ratio(rng):
    found = one(counter(np.zeros(60)), counter(rng.poisson(20, 60)), "rate", bad=DOWN)
    assert (found.verdict, found.ratio) == (Verdict.DEGRADED, 0)


def test_no_errors_then_one_error_is_not_news(rng):
    single = np.zeros(60)
    single[30] = 1
    assert one(counter(single), counter(np.zeros(60)), "rate").verdict is not Verdict.DEGRADED
    of = frame(counter(np.full(60, 50.0)))
    assert one(counter(single), counter(np.zeros(60)), "ratio", of=(of, of)).verdict is not Verdict.DEGRADED
    assert one(counter(rng.poisson(3, 60)), counter(np.zeros(60)), "ratio", of=(of, of)).verdict is Verdict.DEGRADED


def test_a_flat_baseline_does_not_explode():
    flat = gauge(np.full(60, 100.0))
    assert one(gauge(100 + 0.01 * np.arange(60)), flat).verdict is Verdict.OK
    found = one(gauge(np.full(60, 100.5)), flat, tolerance=0.0)
    assert found.verdict is not Verdict.DEGRADED
    assert math.isfinite(found.interval[1])


def test_a_week_that_differs_is_wobble_too(rng):
    def weeks(levels):
        return concatenate([frame(gauge(rng.normal(10 * k, 0.5, 60)), start=6e5 * i) for i, k in enumerate(levels)])

    now = frame(gauge(rng.normal(13.5, 0.5, 60)), start=4e6)
    alike, unlike = weeks([1, 1.01, 0.99, 1]), weeks([0.7, 1, 1.3, 1])
    (calm,) = compare(now, alike, stat="mean", tolerance=0.1, bad=UP, baseline_kind="seasonal")
    (wobbly,) = compare(now, unlike, stat="mean", tolerance=0.1, bad=UP, baseline_kind="seasonal")
    assert calm.verdict is Verdict.DEGRADED
    assert wobbly.verdict is Verdict.INCONCLUSIVE
    assert calm.baseline.kind == "seasonal"


def test_one_more_season_may_differ_as_much_as_the_others_did():
    now = Estimate(15, 60, 60, 0.1, 0.1)
    alike = Estimate(10, 240, 240, 0.1, 0.1, between=0.0, seasons=4)
    unlike = replace(alike, between=4.0)
    sure, unsure = (contrast(now, its, tolerance=0.2, floor=0.0) for its in (alike, unlike))
    assert sure.p_higher < 1e-6 < 0.025 < unsure.p_higher
    assert unsure.interval[0] < sure.interval[0]


def test_seeing_nothing_does_not_mean_that_nothing_can_happen():
    found = one(counter(np.zeros(60)), counter(np.zeros(60)), "rate")
    assert found.verdict is Verdict.OK
    assert found.interval[1] > 1 / (60 * STEP)  # one more might have been counted


def test_what_neighbours_share_is_no_new_evidence(rng):
    def walk():
        values = np.empty(60)
        values[0] = rng.normal()
        for at in range(1, 60):
            values[at] = 0.9 * values[at - 1] + math.sqrt(0.19) * rng.normal()
        return gauge(10 * np.exp(0.3 * values))

    found = [one(walk(), walk(), "p50", seed=seed) for seed in range(60)]
    assert sum(each.verdict is Verdict.DEGRADED for each in found) <= 3
    assert np.median([each.dispersion for each in found]) > 4


def test_bursty_counts_show_their_over_dispersion(rng):
    steady = counter(rng.poisson(20, 60))
    bursty = counter(rng.poisson(20 * rng.gamma(0.5, 2, 60)))
    assert one(steady, steady, "rate").dispersion < 2
    assert one(bursty, bursty, "rate").dispersion > 5


def test_the_family_is_heard_before_anyone_is_called_degraded(rng):
    many = [gauge(rng.lognormal(0, 0.4, 30), r=str(r)) for r in range(40)]
    other = [gauge(rng.lognormal(0.25, 0.4, 30), r=str(r)) for r in range(40)]
    family = compare(frame(*other), frame(*many), stat="mean", tolerance=0.1, bad=UP)
    alone = [
        compare(frame(b), frame(a), stat="mean", tolerance=0.1, bad=UP)[0] for a, b in zip(many, other, strict=True)
    ]
    by_label = {each.labels: each for each in family}
    assert all(by_label[each.labels].p >= each.p - 1e-12 for each in alone)


def test_the_onset_is_the_first_step_that_moved(rng):
    level = np.where(np.arange(60) < 37, 0.2, 0.6)
    for stat in ("p50", "p95", "mean"):
        found = one(requests(rng, level), requests(rng, 0.2), stat)
        if found.verdict is Verdict.DEGRADED:
            assert abs(found.onset - (1e6 + 37 * STEP)) <= 2 * STEP
    assert one(requests(rng, level), requests(rng, 0.2), "p95").onset is not None
    found = one(counter(rng.poisson(np.where(np.arange(60) < 30, 5, 50))), counter(rng.poisson(5, 60)), "rate")
    assert abs(found.onset - (1e6 + 30 * STEP)) <= 2 * STEP
    of = frame(counter(np.full(60, 100.0)))
    errors = counter(rng.poisson(np.where(np.arange(60) < 20, 1, 30)))
    found = one(errors, counter(rng.poisson(1, 60)), "ratio", of=(of, of))
    assert abs(found.onset - (1e6 + 20 * STEP)) <= 2 * STEP


def test_a_shift_in_mid_window_does_not_hide_itself(rng):
    late = np.where(np.arange(60) < 40, 0.2, 0.6)
    found = [one(requests(rng, late, per_step=5), requests(rng, 0.2, per_step=5), "p95") for _ in range(20)]
    assert sum(each.verdict is Verdict.DEGRADED for each in found) >= 18
    counts = [
        one(counter(rng.poisson(np.where(late > 0.2, 20, 5))), counter(rng.poisson(5, 60)), "rate") for _ in range(20)
    ]
    assert sum(each.verdict is Verdict.DEGRADED for each in counts) >= 18


def test_histograms_whose_buckets_changed_are_compared_on_the_common_ones(rng):
    fine = requests(rng, 0.2)
    coarse = series(Kind.HISTOGRAM, np.add.reduceat(fine.values, range(0, 26, 2), axis=1), fine.sums, EDGES[1::2])
    found = one(fine, coarse, "p50")
    assert found.ratio == pytest.approx(1)


# ── laws ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

seeds = st.integers(0, 2**31)
laws = settings(max_examples=25, deadline=None)


@laws
@given(seeds, st.floats(0.3, 3))
def test_swapping_current_and_baseline_turns_the_ratio_over(seed, factor):
    rng = np.random.default_rng(seed)
    a, b = requests(rng, 0.2 * factor), requests(rng, 0.2)
    for stat in ("p50", "mean", "rate"):
        there, back = one(a, b, stat), one(b, a, stat)
        assert there.ratio * back.ratio == pytest.approx(1)
        assert there.interval[0] * back.interval[1] == pytest.approx(1)
        swapped = {Verdict.DEGRADED: Verdict.IMPROVED, Verdict.IMPROVED: Verdict.DEGRADED}
        unsure = {Verdict.INCONCLUSIVE, Verdict.OK}
        assert back.verdict is swapped.get(there.verdict, back.verdict) or {there.verdict, back.verdict} <= unsure


@laws
@given(seeds, st.floats(1e-3, 1e3))
def test_scaling_both_sides_changes_neither_ratio_nor_verdict(seed, factor):
    rng = np.random.default_rng(seed)
    a, b = rng.lognormal(0.3, 0.3, 40), rng.lognormal(0, 0.3, 40)
    for stat in ("p50", "p95", "mean", "max"):
        plain, scaled = one(gauge(a), gauge(b), stat), one(gauge(a * factor), gauge(b * factor), stat)
        assert scaled.ratio == pytest.approx(plain.ratio)
        assert scaled.verdict is plain.verdict


@laws
@given(seeds)
def test_a_constant_series_beside_it_changes_no_verdict_of_ok(seed):
    rng = np.random.default_rng(seed)
    mine = [gauge(rng.normal(10 * k, 1, 40), r=str(k)) for k in (1, 2)]
    its = [gauge(rng.normal(10, 1, 40), r="1"), gauge(rng.normal(10, 1, 40), r="2")]
    flat = gauge(np.full(40, 7.0), r="flat")
    without = compare(frame(*mine), frame(*its), stat="mean", tolerance=0.2, bad=UP)
    beside = compare(frame(*mine, flat), frame(*its, flat), stat="mean", tolerance=0.2, bad=UP)
    assert [each.verdict for each in beside if each.labels.value("r") != "flat"] == [e.verdict for e in without]


@laws
@given(seeds)
def test_the_order_of_series_changes_nothing_and_the_same_seed_says_the_same(seed):
    rng = np.random.default_rng(seed)
    mine = [gauge(rng.lognormal(0, 0.5, 30), r=r) for r in "abc"]
    its = [gauge(rng.lognormal(0, 0.5, 30), r=r) for r in "abc"]
    there = compare(frame(*mine), frame(*its), stat="p50", tolerance=0.2, bad=UP, seed=3)
    back = compare(frame(*mine[::-1]), frame(*its[::-1]), stat="p50", tolerance=0.2, bad=UP, seed=3)
    assert there == back


@laws
@example(values=[0.0, 0.0, 2.0, 1.1125369292536007e-308], seed=1196)  # a ratio to a denormal is no number
@given(st.lists(st.one_of(st.just(NAN), st.floats(-1e6, 1e6)), min_size=1, max_size=30), seeds)
def test_whatever_a_series_holds_there_is_a_verdict_and_no_crash(values, seed):
    rng = np.random.default_rng(seed)
    other = rng.choice(np.array([*values, 0.0, NAN]), size=len(values))
    for stat in ("p50", "mean", "max"):
        for found in compare(frame(gauge(values)), frame(gauge(other)), stat=stat, tolerance=0.2, bad=EITHER,
                             min_samples=1):  # fmt: skip
            assert found.reason
            assert found.ratio is None or math.isfinite(found.ratio)


@settings(max_examples=40)
@given(seeds, st.sampled_from(["p50", "p95", "mean", "rate"]), st.floats(0.5, 2), st.sampled_from(list(Direction)))
def test_a_glance_gives_every_verdict_that_a_long_look_gives(seed, stat, factor, bad):
    rng = np.random.default_rng(seed)
    now = frame(*(requests(rng, 0.2 * factor**power, replica=str(power)) for power in range(4)))
    then = frame(*(requests(rng, 0.2, replica=str(power)) for power in range(4)))
    asked = {"stat": stat, "tolerance": 0.2, "bad": bad}
    long, glance = compare(now, then, **asked), compare(now, then, **asked, is_glance=True)
    assert [found.verdict for found in glance] == [found.verdict for found in long]
    assert [found.p for found in glance if found.verdict is Verdict.DEGRADED] == pytest.approx(
        [found.p for found in long if found.verdict is Verdict.DEGRADED]
    )


def test_at_a_glance_nobody_asks_how_sure_it_is_that_all_is_well(rng):
    found = one(requests(rng, 0.2), requests(rng, 0.2), stat="p95", is_glance=True)
    assert (found.verdict, found.interval, found.p) == (Verdict.OK, None, None)
    assert found.ratio == pytest.approx(found.current.value / found.baseline.value)
    assert found.reason == f"p95 ×{found.ratio:.3g}: within 20%"
