"""Healthy siblings as a baseline: the same signal at the same time, without those that are sick themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from playbook_world import NOW, Readings, counter, situation, spread

from console.errors import PlaybookError
from console.model import Labels, Run, State
from console.playbook.engine import run
from console.playbook.loader import built_in_step_types, load_text

TYPES = built_in_step_types()


def level(mean: float) -> Any:
    def values(times: Any, _step: float) -> Any:
        return mean * (1 + 0.02 * np.random.default_rng(int(times[0] + mean)).standard_normal(times.size))

    return values


def gpus(**temperatures: float) -> Readings:
    return Readings({"gpu.temperature": {Labels.of(gpu=name): level(each) for name, each in temperatures.items()}})


async def ran(reader: Readings, options: str, windows: str = "{current: 15m, baseline: {peers: true}}") -> Run:
    text = (
        f"schema: andon/v1\nname: p\ntitle: P\nwindows: {windows}\nsteps:\n"
        f"  - {{id: a, title: A, uses: compare, with: {{{options}}}}}\n"
    )
    return await run(load_text(text, "p.yaml", TYPES), {}, situation(readers=[reader]), step_types=TYPES)


FOUR = {"a": 60.0, "b": 61.0, "c": 59.5, "d": 88.0}


async def test_each_is_compared_with_its_healthy_siblings() -> None:
    done = await ran(gpus(**FOUR), "signal: gpu.temperature, by: [gpu]")
    (step,) = done.steps
    assert step.state is State.DEGRADED
    assert (step.values["labels"], step.values["degraded"], step.values["series"]) == ({"gpu": "d"}, 1, 4)
    told = step.findings[0]
    assert told.baseline is not None and told.baseline.kind == "peers"
    assert told.baseline.value == pytest.approx(60.0, abs=1.5)
    assert (told.baseline.start, told.baseline.end) == (NOW - 900, NOW)
    assert told.reason.endswith("against 3 healthy siblings, 1 left out")
    assert "its siblings' is 60" in told.text
    assert done.baseline is not None and done.baseline.kind == "peers"


async def test_one_may_be_looked_at_among_all() -> None:
    done = await ran(gpus(**FOUR), 'signal: gpu.temperature, by: [gpu], where: {gpu: "a"}')
    assert (done.steps[0].state, done.steps[0].values["series"]) == (State.OK, 1)
    assert done.steps[0].reason.endswith("against 2 healthy siblings, 1 left out")


async def test_where_one_of_two_is_sick_nobody_is_left_out() -> None:
    done = await ran(gpus(a=60.0, b=88.0), "signal: gpu.temperature, by: [gpu]")
    assert done.steps[0].values["labels"] == {"gpu": "b"}
    assert done.steps[0].reason.endswith("against 1 healthy sibling")


async def test_rates_and_spreads_have_siblings_too() -> None:
    errors = Readings({"model.errors": {Labels.of(replica=f"r{n}"): counter(1.0 if n else 9.0) for n in range(6)}})
    done = await ran(errors, "signal: model.errors, by: [replica]")
    assert (done.steps[0].values["labels"], done.steps[0].values["degraded"]) == ({"replica": "r0"}, 1)
    assert done.steps[0].values["ratio"] == pytest.approx(9, rel=0.3)
    slow = Readings({"model.latency": {Labels.of(replica=f"r{n}"): spread(0.1 if n else 0.4) for n in range(5)}})
    done = await ran(slow, "signal: model.latency, by: [replica]")
    assert (done.steps[0].values["labels"], done.steps[0].values["degraded"]) == ({"replica": "r0"}, 1)


async def test_a_share_has_siblings_too() -> None:
    labels = [Labels.of(replica=f"r{n}") for n in range(5)]
    reader = Readings(
        {
            "model.errors": {each: counter(0.1 if n else 5.0) for n, each in enumerate(labels)},
            "model.requests": {each: counter(10.0) for each in labels},
        }
    )
    done = await ran(reader, "signal: model.errors, of: model.requests, by: [replica]")
    assert done.steps[0].values["labels"] == {"replica": "r0"}
    assert done.steps[0].values["current.stat"] == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize(("options", "state", "reason"), [
    ("signal: gpu.temperature", State.ERROR, "siblings are told apart by the labels of `by`"),
    ("signal: gpu.temperature, by: [host]", State.NO_DATA, "absent: 1 series is there, and siblings need two"),
])  # fmt: skip
async def test_without_siblings_nobody_can_tell(options: str, state: State, reason: str) -> None:
    done = await ran(gpus(**FOUR), options)
    assert done.steps[0].state is state
    assert reason in done.steps[0].reason


def test_peers_are_there_or_not_given() -> None:
    with pytest.raises(PlaybookError, match=r"^p\.yaml:4:\d+: `peers` cannot be false"):
        load_text(
            "schema: andon/v1\nname: p\ntitle: P\nwindows: {baseline: {peers: false}}\nsteps: []\n", "p.yaml", TYPES
        )
