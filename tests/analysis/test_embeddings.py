"""Vectors as counts: identical ones look identical; what an encoder can do wrong is seen and named."""

import numpy as np
import pytest

from console.analysis.columns.embeddings import embedding_facets, nearest, neighbourhoods, principal_directions
from console.analysis.drift import drift
from console.model import ColumnProfile, Profile, Verdict

WIDTH = 48


def vectors_of(rows: int, seed: int, *, new: float = 0.0, normalised: bool = True) -> np.ndarray:
    """Six clusters off the origin; a share of the rows may lie in a new one."""
    shape = np.random.default_rng(0)
    centres = shape.normal(size=(7, WIDTH)) + 1
    rng = np.random.default_rng(seed)
    cluster = np.where(rng.random(rows) < new, 6, rng.integers(0, 6, rows))
    found = centres[cluster] + rng.normal(size=(rows, WIDTH)) * 0.4
    if normalised:
        found /= np.linalg.norm(found, axis=1, keepdims=True)
    return found.astype(np.float32)


def profile(vectors: np.ndarray, like: Profile | None = None, widths: np.ndarray | None = None) -> Profile:
    widths = np.full(len(vectors), vectors.shape[1]) if widths is None else widths
    column = ColumnProfile("vec", "embedding", "FLOAT[]", len(widths))
    known = [one for one in like.columns if one.of] if like else ()
    return Profile((column, *embedding_facets("vec", vectors, widths, known)), len(widths))


@pytest.fixture(scope="module")
def baseline() -> Profile:
    return profile(vectors_of(4000, seed=1))


def drifted(current: Profile, baseline: Profile) -> list[str]:
    found = drift(current, baseline)
    return [one.name for one in found.columns if one.verdict is Verdict.DEGRADED]


def test_a_vector_is_seen_from_twelve_sides(baseline: Profile) -> None:
    sides = [one.name.removeprefix("vec ") for one in baseline.columns if one.of]
    assert sides == ["[width]", "[norm]", *(f"[projection {at}]" for at in range(1, 9)), "[distance]",
                     "[neighbourhood]"]  # fmt: skip


def test_identical_vectors_raise_nothing(baseline: Profile) -> None:
    for rows in (50, 400, 2000):
        for seed in range(10, 15):
            assert drift(profile(vectors_of(rows, seed), baseline), baseline).verdict is Verdict.OK


def test_a_new_cluster_of_five_percent_is_seen(baseline: Profile) -> None:
    assert "vec" in drifted(profile(vectors_of(3000, seed=20, new=0.05), baseline), baseline)


def test_a_shift_of_everything_is_seen(baseline: Profile) -> None:
    moved = vectors_of(2000, seed=21) + np.float32(0.02)
    assert "vec" in drifted(profile(moved, baseline), baseline)


def test_an_encoder_that_says_one_thing_is_seen(baseline: Profile) -> None:
    stuck = np.repeat(vectors_of(1, seed=22), 500, axis=0)
    assert "vec [neighbourhood]" in drifted(profile(stuck, baseline), baseline)


def test_another_width_is_said_in_words_and_nothing_else_is_compared(baseline: Profile) -> None:
    wider = np.ones((500, 2 * WIDTH), dtype=np.float32)
    found = drift(profile(wider, baseline), baseline)
    assert "was always '48', 100.0% of the values are '96'" in found.columns[0].reason
    assert [one.name for one in found.columns if one.verdict is Verdict.DEGRADED] == ["vec", "vec [width]"]


def test_vectors_of_another_width_here_and_there_are_counted(baseline: Profile) -> None:
    rows = vectors_of(900, seed=23)
    now = profile(rows, baseline, np.array([WIDTH] * 900 + [3] * 100))
    assert "vec [width]" in drifted(now, baseline)


def test_vectors_that_are_no_longer_normalised_are_seen(baseline: Profile) -> None:
    assert "vec [norm]" in drifted(profile(vectors_of(500, seed=24, normalised=False), baseline), baseline)


def test_zero_vectors_are_named(baseline: Profile) -> None:
    rows = vectors_of(1000, seed=25)
    rows[:30] = 0
    found = drift(profile(rows, baseline), baseline)
    assert found.columns[0].name == "vec"
    assert any("[norm]: was always 1, reaches from 0" in issue.text for issue in found.integrity)


def test_vectors_with_nan_are_missing(baseline: Profile) -> None:
    rows = vectors_of(1000, seed=26)
    rows[:40, 5] = np.nan
    rows[40:80, 7] = np.inf
    now = profile(rows, baseline)
    norm, side = now.column("vec [norm]"), now.column("vec [projection 1]")
    assert norm is not None
    assert side is not None
    assert (norm.missing, side.rows) == (80, 920)
    assert any("missing" in issue.text for issue in drift(now, baseline).integrity)


def test_other_precision_is_no_drift(baseline: Profile) -> None:
    rows = vectors_of(3000, seed=27).astype(np.float16).astype(np.float32)
    assert drift(profile(rows, baseline), baseline).verdict is Verdict.OK


def test_constant_vectors_are_the_same_constant_whatever_the_batch() -> None:
    row = vectors_of(1, seed=28)
    known = profile(np.repeat(row, 700, axis=0))
    for rows in (50, 333):
        assert drift(profile(np.repeat(row, rows, axis=0), known), known).verdict is Verdict.OK


def test_a_basis_stays_small_however_wide_the_vectors() -> None:
    rng = np.random.default_rng(0)
    wide = rng.normal(size=(400, 8)).astype(np.float32) @ rng.normal(size=(8, 4096)).astype(np.float32)
    assert sum(len(repr(one)) for one in profile(wide).columns) < 200_000


@pytest.mark.parametrize("rows", [0, 1, 3, 30])
def test_few_rows_do_not_raise(baseline: Profile, rows: int) -> None:
    few = vectors_of(rows, seed=29)
    assert len(profile(few, baseline).columns) == len(baseline.columns)
    fresh = profile(few)
    assert profile(vectors_of(40, seed=30), fresh).rows == 40


def test_principal_directions_are_those_of_the_covariance() -> None:
    rng = np.random.default_rng(3)
    rows = (rng.normal(size=(2000, 20)) * np.arange(20, 0, -1)).astype(np.float32)
    found = principal_directions(rows, 3)
    exact = np.linalg.eigh(np.cov(rows.T))[1][:, ::-1][:, :3].T
    assert np.abs(np.sum(found * exact, axis=1)) == pytest.approx(1, abs=0.01)


def test_neighbourhoods_are_where_the_points_are() -> None:
    rng = np.random.default_rng(4)
    points = (np.repeat([[0, 0], [9, 0], [0, 9]], 50, axis=0) + rng.normal(size=(150, 2)) * 0.1).astype(np.float32)
    centres = neighbourhoods(points, 12)
    assert np.linalg.norm(points - centres[nearest(points, centres)], axis=1).max() < 1
