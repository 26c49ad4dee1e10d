"""A long run: two hundred steps that read each other, and a thousand items, each done once and in its place."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from console.errors import PlaybookError
from console.model import State, Verdict

PATH = Path(__file__).resolve().parents[2] / "benchmarks" / "engine.py"
spec = importlib.util.spec_from_file_location("bench_engine", PATH)
assert spec is not None and spec.loader is not None
bench = importlib.util.module_from_spec(spec)
spec.loader.exec_module(bench)


async def test_a_thousand_items_and_two_hundred_steps_are_each_done_once() -> None:
    done = await bench.measured(bench.playbook())
    *chain, each = done.steps
    assert (len(chain), each.values["count"], len(done.findings)) == (199, 1000, 1199)
    assert all(step.state is State.OK for step in chain)
    assert chain[198].values["n"] == 20.0  # one more than the one ten steps before, twenty times
    assert [finding.id for finding in done.findings] == [f"F{n}" for n in range(1, 1200)]
    assert [finding.text for finding in each.findings[:2]] == ["0: no 0", "1: no 1"]
    assert each.values["degraded"] == [str(n) for n in range(999, 990, -1)]
    assert (each.values["worst"], each.state, done.verdict) == ("999", State.DEGRADED, Verdict.DEGRADED)
    assert len(each.values["ok"]) == 991
    assert done.causes[0].evidence[:2] == ("F200", "F201")


def test_more_items_than_a_thousand_are_too_many() -> None:
    with pytest.raises(PlaybookError, match="1001 items are too many"):
        bench.playbook(items=1001)
