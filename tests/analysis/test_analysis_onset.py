import numpy as np
import pytest

from console.analysis.onset import onset
from console.analysis.series.bootstrap import block_length, draw, moving_blocks
from console.analysis.series.wobble import Wobble, lag_one, shared_variance, usual_wobble, without_step, wobble
from console.model import Direction

UP, DOWN, EITHER = Direction.UP, Direction.DOWN, Direction.EITHER
TIMES = 15.0 * np.arange(1, 61)
STILL = np.zeros(60, int)


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def walk(rng, n, phi):
    values = np.empty(n)
    values[0] = rng.normal()
    for at in range(1, n):
        values[at] = phi * values[at - 1] + np.sqrt(1 - phi**2) * rng.normal()
    return values


@pytest.mark.parametrize("at", [5, 30, 50])
def test_a_clear_shift_is_dated_within_two_steps(rng, at):
    late = []
    for _ in range(40):
        current = rng.normal(10, 1, 60) + 6 * (np.arange(60) >= at)
        late.append(onset(rng.normal(10, 1, 60), current, TIMES, UP) / 15 - at)
    assert np.percentile(np.abs(late), 95) <= 2


def test_a_shift_that_ended_again_is_still_dated(rng):
    current = rng.normal(10, 1, 60) + 8 * ((np.arange(60) >= 20) & (np.arange(60) < 35))
    assert onset(rng.normal(10, 1, 60), current, TIMES, UP) == pytest.approx(300, abs=30)


def test_only_the_bad_direction_counts(rng):
    current, before = rng.normal(10, 1, 60) - 6 * (np.arange(60) >= 30), rng.normal(10, 1, 60)
    assert onset(before, current, TIMES, UP) is None
    for bad in (DOWN, EITHER):
        assert onset(before, current, TIMES, bad) == pytest.approx(450, abs=30)


def test_where_nothing_shifted_there_is_no_onset(rng):
    found = [onset(rng.normal(10, 1, 60), rng.normal(10, 1, 60), TIMES, UP) for _ in range(500)]
    assert sum(one is not None for one in found) <= 5
    walks = [onset(walk(rng, 240, 0.8), walk(rng, 60, 0.8), TIMES, UP) for _ in range(100)]
    assert sum(one is not None for one in walks) <= 5


def test_one_wild_step_is_not_a_shift_and_blanks_are_skipped(rng):
    wild = rng.normal(10, 1, 60)
    wild[30] = 1e6
    assert onset(rng.normal(10, 1, 60), wild, TIMES, UP) is None
    holes = rng.normal(10, 1, 60) + 6 * (np.arange(60) >= 30)
    holes[::4] = np.nan
    assert onset(rng.normal(10, 1, 60), holes, TIMES, UP) == pytest.approx(450, abs=30)
    assert onset(np.full(60, np.nan), holes, TIMES, UP) is None


def test_a_window_shifted_from_the_start_answers_its_first_step(rng):
    assert onset(rng.normal(10, 1, 60), rng.normal(20, 1, 60), TIMES, UP) == 0


def test_a_mostly_flat_baseline_has_a_scale_and_a_margin_holds_small_moves_back(rng):
    mostly = np.where(np.arange(60) % 10 == 0, 1.0, 0.0)
    current = np.where(np.arange(60) >= 40, 12.0, mostly)
    assert onset(mostly, current, TIMES, UP) == pytest.approx(600, abs=30)
    assert onset(np.full(60, 10.0), np.full(60, 10.001), TIMES, UP) is None
    small = rng.normal(10, 1, 60) + 3 * (np.arange(60) >= 30)
    assert onset(rng.normal(10, 1, 60), small, TIMES, UP, margin=5) is None


def test_long_windows_are_scanned_too(rng):
    current = rng.normal(10, 1, 2000) + 4 * (np.arange(2000) >= 1500)
    assert onset(rng.normal(10, 1, 500), current, 15.0 * np.arange(1, 2001), UP) == pytest.approx(1500 * 15, abs=60)


# ── wobble and blocks ────────────────────────────────────────────────────────────────────────────────────────────────


def test_shared_variance_is_that_of_an_ar1(rng):
    means = [walk(rng, 50, 0.7).mean() for _ in range(3000)]
    assert np.var(means) * 50 == pytest.approx(shared_variance(0.7, 50), rel=0.1)
    assert shared_variance(0.0, 50) == 1


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.9])
def test_the_wobble_of_a_known_process_is_found_and_rather_overrated(rng, phi):
    found = np.median([wobble(walk(rng, 500, phi), np.zeros(500, int)).inflation for _ in range(60)])
    assert 0.9 <= found / ((1 + phi) / (1 - phi)) <= 1.6


def test_noise_on_a_slow_wave_is_not_mistaken_for_noise(rng):
    slow = rng.normal(0, 1, 400) + 1.5 * np.repeat(rng.normal(0, 1, 20), 20)
    assert wobble(slow, np.zeros(400, int)).inflation > 3 * wobble(rng.permutation(slow), np.zeros(400, int)).inflation


def test_neighbours_across_a_gap_share_nothing():
    values = np.array([0.0, 0, 0, 5, 5, 5, 0, 0, 0, 5, 5, 5] * 4)
    every = np.repeat(np.arange(16), 3)
    assert lag_one(values, every) > lag_one(values, np.arange(48)) == 0


def test_a_step_in_one_window_does_not_hide_it():
    step = np.where(np.arange(60) < 30, 0.0, 1.0) + np.tile([0.1, -0.1], 30)
    calm = wobble(np.tile([0.1, -0.1], 30), STILL)
    assert wobble(step, STILL).inflation > 10
    assert np.ptp(without_step(step)) == pytest.approx(0.2)
    both = wobble(step, STILL)
    assert usual_wobble(both, calm, both, wobble(without_step(step), STILL)).inflation < 2
    assert wobble(np.full(60, 3.0), STILL) == Wobble()
    assert without_step(np.array([1.0, 2.0])).tolist() == [1, 2]


def test_blocks_never_cross_a_gap():
    span = np.repeat([0, 1, 2], [20, 3, 17])
    at = moving_blocks(span, 5, seed=1).reshape(-1, 5)
    for block in at:
        held = block[block >= 0]
        assert np.all(np.diff(held) == 1)
        assert len(set(span[held])) == 1
    assert (at < 0).any()  # the short span fills only a part of its block
    assert np.isnan(draw(np.arange(40.0), np.array([-1]))).all()


def test_the_bootstrap_of_a_mean_has_its_standard_error(rng):
    values = walk(rng, 2000, 0.5)
    at = moving_blocks(np.zeros(2000, int), block_length(0.5, 2000), seed=2)
    spread = np.std(draw(values, at).mean(axis=1))
    assert spread == pytest.approx(np.sqrt(3 / 2000), rel=0.2)
    assert block_length(0.0, 60) == 1 < block_length(0.5, 60) < block_length(0.9, 60) <= 20
