"""Every way in which a server may answer, for every action: whether what is said of it is what became of it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path

from console.library import add_plugin_folder, library_dir
from console.model import PlanState
from console.plugins import load_plugins
from console.remedy.actuator import opened

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests"))  # the servers that are changed
from trials import ANSWERS, DOES, WAYS, House, Trial, asked, trial, usual

AT_ONCE = 4  # trials: most of one is waiting


def trials(count: int | None) -> list[Trial]:
    """Every answer to every write of so many ways, there and back, by actuators as the daemon opens them."""
    add_plugin_folder(library_dir("plugins"))
    house = House(load_plugins(), opened, timeout=1.0, settle=1.0)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        roads = [(way, does) for way in WAYS[:count] for does in DOES]
        usuals = pool.map(lambda road: usual(*road, house), roads)
        tried = [each for road, writes in zip(roads, usuals, strict=True) for each in asked(*road, writes)]
        return list(pool.map(lambda one: trial(*one, house), tried))


def table(found: Sequence[Trial]) -> str:
    """The state that each ended in; what is wrong stands below, in full."""
    head = "".join(f" {name:>8}" for name in ANSWERS)
    lines = [
        "the states of plans by what their server answered; ! where it was done all the same, ? where that is wrong",
        f"{'does':<10} {'action':<38} {'write':>5}{head}",
    ]
    for (does, name, write), row in groupby(found, lambda one: (one.does, one.way.name, one.write)):
        cells = {one.answer: f"{_word(one)}{'' if one.is_right else '?'}" for one in row}
        told = "".join(f" {cells.get(each, '–'):>8}" for each in ANSWERS)
        lines.append(f"{does:<10} {name:<38} {write + 1:>5}{told}")
    right, silent = sum(one.is_right for one in found), sum(one.is_silent for one in found)
    raised, twice = sum(one.is_traceback for one in found), sum(one.is_twice for one in found)
    lines += [f"WRONG: {one}" for one in found if not one.is_well]
    last = f"{right} of {len(found)} right; {silent} silent; {raised} tracebacks; done twice {twice}"
    return "\n".join([*lines, last])


def _word(one: Trial) -> str:
    """In eight letters."""
    match one.does, one.state:
        case "take back", PlanState.APPLIED:
            return "stays"
        case _, PlanState.ROLLED_BACK:
            return "back"
        case _, None:
            return "raised"
    return str(one.state)
