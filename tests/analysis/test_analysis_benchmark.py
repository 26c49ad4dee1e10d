"""The benchmark of `compare` in small: every class is built, and none that did not change is called degraded often."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

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
