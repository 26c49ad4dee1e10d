"""The benchmark of `compare` in small: every class is built, and none that did not change is called degraded often."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from console.model import Verdict

PATH = Path(__file__).resolve().parents[2] / "benchmarks" / "compare.py"


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location("benchmark_of_compare", PATH)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_windows_that_did_not_change_are_rarely_called_degraded_and_changed_ones_often(bench):
    rng = np.random.default_rng(1)
    false, found = [], []
    for case in bench.cases(384):
        verdict = bench.judge(bench.simulate(case, rng), 0.2)
        (false if case.change == "none" else found).append(verdict is Verdict.DEGRADED)
    assert len(false) == len(found) == 192
    assert np.mean(false) <= 0.02
    assert np.mean(found) >= 0.25


def test_wilsons_interval(bench):
    assert bench.wilson(0, 0) == (0.0, 1.0)
    assert bench.wilson(5, 100) == pytest.approx((0.0215, 0.1118), abs=5e-4)


def test_kayentas_rule_is_what_its_description_says(bench):
    rng = np.random.default_rng(4)
    a, b = rng.normal(10, 1, 40), rng.normal(11.5, 1, 40)
    shift = float(np.median(b[:, None] - a[None, :]))
    upper = stats.mannwhitneyu(b - 0.25 * shift, a, alternative="greater", method="asymptotic").pvalue
    assert stats.norm.sf(bench.kayenta(a, b, allowed=None)) == pytest.approx(upper, rel=1e-6)
    holes = np.where(np.arange(40) % 2, np.nan, b)
    assert bench.kayenta(a, holes, allowed=None) == bench.kayenta(a, b[::2], allowed=None)
    assert bench.kayenta(a, b, allowed=0.2) == bench.PASS  # the means are only 15 % apart
    for current in (np.full(40, np.nan), a - 1, np.full(40, 3.0)):
        assert bench.kayenta(np.full(40, 3.0) if current[0] == 3 else a, current, allowed=None) == bench.PASS


def test_a_threshold_lets_no_more_than_its_share_of_calm_pairs_pass(bench):
    thresholds = sys.modules["benchmarks._matched"].thresholds
    null = np.random.default_rng(2).normal(size=(500, 3))
    for alpha in (0.0, 0.01, 0.05):
        above = (null > thresholds(null, alpha)).sum(axis=0)
        assert above.tolist() == [int(alpha * 500)] * 3


def test_every_kind_is_scored_by_every_rule(bench):
    rng = np.random.default_rng(3)
    scored = [bench.score(bench.simulate(case, rng), 0.2) for case in list(bench.cases(160))[::5]]
    assert {name for one in scored for name in one.classes} >= {"all", "rows p50", "gauge", "histogram"}
    assert all(len(one.scores) == 4 for one in scored)
    assert not any(one.has_effect for one in scored if one.change == "none")
