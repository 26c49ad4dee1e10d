"""However a server answers a write, the plan says what became of it. The whole table is in benchmarks.remedies."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import pytest
from trials import DOES, WAYS, Does, House, Trial, Way, asked, trial, usual

from console.config import ActuatorConfig
from console.library import add_plugin_folder, library_dir
from console.plugins import Plugins, load_plugins
from console.remedy.actuator import Actuator, opened

AT_ONCE = 12  # trials
LEFT_OUT = ("409", "422", "late!")  # as 403 is, and what a clock decides
NO_WAY_BACK = ("kubernetes.evict", "model.retrain")
SHAPES = (  # one of each way in which an act is done to a cluster
    "kubernetes.scale", "kubernetes.undo", "kubernetes.evict", "kubernetes.drain", "kubernetes.shift_weight rollout",
    "model.retrain (kubernetes)",
)  # fmt: skip
TRIED = [way for way in WAYS if way.kind != "kubernetes" or way.name in SHAPES]


class InThread:
    """A cluster's actuator without its child process, which takes its time to start."""

    def __init__(self, acts: Any) -> None:
        self._acts = acts

    def __getattr__(self, name: str) -> Any:
        return lambda *told: asyncio.to_thread(getattr(self._acts, name), *told)


@asynccontextmanager
async def at_hand(config: ActuatorConfig, plugins: Plugins) -> AsyncIterator[Actuator]:
    if config.kind != "kubernetes":
        async with opened(config, plugins) as actuator:
            yield actuator
        return
    from andon_plugins._kubernetes_acts import open_acts

    acts = open_acts(config.name, **config.options)
    try:
        yield InThread(acts)  # type: ignore[misc]
    finally:
        acts.close()


@pytest.fixture(scope="module")
def found() -> dict[tuple[str, Does], list[Trial]]:
    """All that is tried, at once: what hangs is waited for."""
    add_plugin_folder(library_dir("plugins"))
    importlib.import_module("kubernetes.config")  # its parts import each other: not in many threads at once
    house = House(load_plugins(), at_hand, timeout=1.0, settle=0.0)
    roads = [(way, does) for way in TRIED for does in DOES]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        usuals = list(pool.map(lambda road: usual(*road, house), roads))
        tried = [each for road, writes in zip(roads, usuals, strict=True) for each in asked(*road, writes)]
        trials = pool.map(lambda one: trial(*one, house), [one for one in tried if one[-1] not in LEFT_OUT])
        every: dict[tuple[str, Does], list[Trial]] = {(way.name, does): [] for way, does in roads}
        for one in trials:
            every[one.way.name, one.does].append(one)
    return every


@pytest.mark.parametrize("does", DOES)
@pytest.mark.parametrize("way", TRIED, ids=lambda way: way.name)
def test_what_is_said_of_an_act_is_what_became_of_it(
    found: dict[tuple[str, Does], list[Trial]], way: Way, does: Does
) -> None:
    assert [one for one in found[way.name, does] if not one.is_well] == []
    assert found[way.name, does] or (does == "take back" and (way.is_blind or way.action in NO_WAY_BACK))


def test_one_of_each_shape_is_tried() -> None:
    assert len(TRIED) == len({way.name for way in TRIED}) == len(SHAPES) + 4
