"""What `bad_rollout` concludes of what a cluster may be like. On a real control plane: tests/real."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from playbook_world import NOW, Diary, Readings

from console.library import library_dir
from console.model import Event, Labels, Run, Verdict
from console.playbook.engine import run
from console.playbook.loader import built_in_step_types, load
from console.sources.estate import Estate, Situation

PLAYBOOK = load(library_dir("playbooks") / "bad_rollout.yaml")
BEGAN = NOW - 300
DEPLOY = Event(BEGAN - 60, "deploy", "web", "revision 2: image a → b")
WEB = {"workload": "web", "namespace": "shop"}


def level(value: float, began: float = BEGAN) -> Any:
    return lambda times, _step: np.where(times > began, value, 0.0)


def world(**worse: float) -> Mapping[str, Mapping[Labels, Any]]:
    """A healthy workload, but for what is said to have another value since `BEGAN`."""

    def now(name: str) -> Any:
        return level(worse.get(name, 0.0))

    return {
        "workload.replicas.unavailable": {Labels.of(WEB): now("unavailable")},
        "workload.pods.waiting": {
            Labels.of(WEB, reason="ImagePullBackOff"): now("image"),
            Labels.of(WEB, reason="CrashLoopBackOff"): now("crash"),
        },
        "workload.pods.unready": {
            Labels.of(WEB, revision="newest"): now("newest"), Labels.of(WEB, revision="older"): now("older")
        },
        "workload.pods.pending": {Labels.of(WEB): now("pending")},
        "host.ready": {
            Labels.of(host="a"): level(1.0, 0.0), Labels.of(host="b"): level(1.0 - worse.get("lost", 0.0), 0.0)
        },
        "host.gpus.allocatable": {Labels.of(host="a"): level(8.0, 0.0)},
        "host.gpus.requested": {Labels.of(host="a"): level(worse.get("gpus", 4.0), 0.0)},
    }  # fmt: skip


async def concluded(series: Mapping[str, Mapping[Labels, Any]], *events: Event, **inputs: str) -> Run:
    estate = Estate(readers=[Readings(series)], events={"k8s": Diary(*events)})
    return await run(PLAYBOOK, inputs, Situation(estate, NOW), step_types=built_in_step_types())


def named(done: Run) -> list[str]:
    return [cause.id for cause in done.causes if cause.odds >= 3]


BAD = {"unavailable": 1.0, "newest": 1.0}
NO_PLACE = Event(NOW - 200, "unschedulable", "web", "0/1 nodes are available: Insufficient nvidia.com/gpu")
STALLED = Event(NOW - 10, "stalled", "web", "ProgressDeadlineExceeded")


@pytest.mark.parametrize(
    ("worse", "events", "causes"),
    [
        ({}, [DEPLOY], []),
        (BAD | {"image": 1.0}, [DEPLOY], ["bad_rollout", "image_missing"]),
        (BAD | {"crash": 1.0}, [DEPLOY], ["bad_rollout", "crash_loop"]),
        (BAD | {"crash": 2.0, "older": 1.0, "unavailable": 2.0}, [], ["crash_loop"]),  # nobody rolled it out
        (BAD | {"crash": 2.0, "older": 1.0}, [Event(NOW - 86400, "deploy", "web", "yesterday")], ["crash_loop"]),
        (BAD | {"image": 1.0}, [Event(NOW - 100, "deploy", "other", "of another")], ["image_missing"]),
        (BAD | {"pending": 1.0, "gpus": 8.0}, [DEPLOY, NO_PLACE], ["no_room"]),
        (BAD, [DEPLOY, STALLED], ["bad_rollout"]),  # its pods run and are never ready
        ({"unavailable": 1.0, "older": 1.0, "lost": 1.0}, [], ["node_lost"]),
    ],
)
async def test_what_it_names(worse: Mapping[str, float], events: list[Event], causes: list[str]) -> None:
    done = await concluded(world(**worse), *events)
    assert sorted(named(done)) == sorted(causes)
    assert all(cause.subject == ("b" if cause.id == "node_lost" else "web") for cause in done.causes if cause.odds >= 3)


async def test_a_rollout_that_only_takes_its_time_is_named_and_not_likely() -> None:
    done = await concluded(world(**BAD), DEPLOY)
    assert named(done) == ["bad_rollout"] and done.causes[0].odds < 20
    assert done.verdict is not Verdict.DEGRADED  # five minutes are no reason to wake anybody


async def test_the_workload_that_is_asked_about_is_the_one_that_is_looked_at() -> None:
    series = {name: dict(sets) for name, sets in world(**BAD, image=1.0).items()}
    rolling = {"workload": "large", "namespace": "shop"}
    series["workload.replicas.unavailable"][Labels.of(rolling)] = level(50.0, NOW - 60)
    series["workload.pods.waiting"][Labels.of(rolling, reason="ImagePullBackOff")] = level(0.0)
    done = await concluded(series, DEPLOY, workload="web", namespace="shop")
    assert sorted(named(done)) == ["bad_rollout", "image_missing"]
    assert {cause.subject for cause in done.causes if cause.odds >= 3} == {"web"}


async def test_without_any_data_nothing_is_well() -> None:
    done = await concluded({}, DEPLOY)
    assert done.verdict is Verdict.NO_DATA and not named(done)
